"""The table of metrics of the site is that of the code."""

from client.metrics import instruments, strategy_instruments
from client.metrics.instruments import Instrument
from tests.docs.reading import pages_text


def test_the_table_of_metrics_is_whole() -> None:
    """Names, kinds, units and labels."""
    found = (*vars(instruments).values(), *vars(strategy_instruments).values())
    known = [each for each in found if isinstance(each, Instrument)]
    rows = [
        f"| `{each.name}` | {each.kind}{', s' if each.unit == 's' else ''} | "
        f"{', '.join(f'`{label}`' for label in each.labels)}{' ' if each.labels else ''}|"
        for each in known
    ]
    text = pages_text()
    assert [row for row in rows if row not in text] == []

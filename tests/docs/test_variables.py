"""environment.md has every variable that a setting can be given by, and these can be given."""

import pytest

from client import ClientConfig
from client.config.environment_names import is_only_in_code, settings_by_variable
from tests.docs.reading import code_in, table
from tests.docs.variables import FILE, HEAD, PREFIX, rows

SWITCHES = [
    pytest.param(code_in(row[0])[0], row[1], id=code_in(row[0])[0])
    for row in table("Every variable", "variable")
    if row[1] in {"on", "off"}
]


def test_the_table_is_that_of_the_models() -> None:
    """Whoever adds a setting writes it anew."""
    found = FILE.read_text("utf-8").partition(HEAD)[2].partition("\n\n")[0]
    assert found.strip() == rows().strip(), "write it: python -m tests.docs.variables"


def test_every_setting_that_a_variable_gives_is_there() -> None:
    """Those of a list of endpoints apart, which are given as JSON."""
    listed = {code_in(row[0])[0] for row in table("Every variable", "variable")}
    settings = settings_by_variable(ClientConfig, PREFIX)
    wanted = {
        name
        for name, setting in settings.items()
        if not is_only_in_code(setting) and (setting.part is None or setting.can_be_off)
    }
    assert listed == wanted


@pytest.mark.parametrize(("name", "state"), SWITCHES)
def test_a_part_can_be_switched(name: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off by `null`, and on by an empty object, whichever it is by default."""
    path = name.removeprefix(PREFIX).lower().split("__")

    def given(value: str | None) -> object:
        if value is not None:
            monkeypatch.setenv(name, value)
        found: object = ClientConfig.from_env()
        for step in path:
            found = getattr(found, step)
        return found

    assert (given(None) is None) == (state == "off")
    assert given("null") is None
    if name != f"{PREFIX}CHAOS":  # which needs to be told its faults
        assert given("{}") is not None


def test_the_words_for_yes_and_no_are_those_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """In capitals, too."""
    text = FILE.read_text("utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("- **Yes or no**")]
    words = code_in(line)
    assert len(words) == 8
    for word in words:
        for written in (word, word.upper()):
            monkeypatch.setenv(f"{PREFIX}HTTP2", written)
            assert ClientConfig.from_env().http2 is (words.index(word) < 4)

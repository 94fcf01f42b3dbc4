"""Writes SVG: a few shapes, each a line of text, readable on white and on dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Drawing", "Point"]

Point = tuple[float, float]

_STYLE: Final = """
  text { font: 12px system-ui, sans-serif; fill: #57606a; }
  .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: #8b949e; stroke-opacity: 0.3; stroke-width: 1; }
  .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
  @media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } }
"""


class Drawing:
    """A picture that grows shape by shape.

    Args:
        width: In pixels.
        height: Likewise.
        title: What is seen, for those who cannot see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self._lines = [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
                f'width="{width:g}" height="{height:g}" role="img">'
            ),
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
        ]

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "start", kind: str = "label"
    ) -> None:
        """Write a text."""
        self._lines.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f"{escape(text)}</text>"
        )

    def grid(self, start: Point, end: Point) -> None:
        """Draw a thin straight line."""
        (x1, y1), (x2, y2) = start, end
        self._lines.append(
            f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def shade(self, corner: Point, width: float, height: float, colour: str, name: str) -> None:
        """Lay a pale colour over an area, with a name that shows when it is pointed at."""
        x, y = corner
        self._lines.append(
            f'<rect class="phase" x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" '
            f'height="{height:.1f}" fill="{colour}" fill-opacity="0.13">'
            f"<title>{escape(name)}</title></rect>"
        )

    def line(self, points: Sequence[Point], colour: str) -> None:
        """Draw a line through points."""
        if points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            self._lines.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')

    def finish(self) -> str:
        """Return the picture."""
        return "\n".join([*self._lines, "</svg>", ""])

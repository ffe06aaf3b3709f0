"""The differential as SVG: for each source of pain how likely it is, as a range where nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, TOP, ROW, FOOT = 760, 330, 24, 16, 24, 40
INK, GREY, FAINT = "#1b242c", "#56636f", "#dde3e8"
RANGE, SHARE = "#0072b2", "#d55e00"
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Row = Mapping[str, Any]


def differential_svg(rows: Sequence[Row]) -> str:
    """Draw the shares of a differential.

    Parameters
    ----------
    rows : sequence of mapping
        The ``diagnoses`` of ``record.differential_dict``.

    Returns
    -------
    str
        SVG text. A thick bar is a range between the ends of an unknown prior; a thin line adds what the
        studies leave open; a dot is a single share. Equal rows give equal text.
    """
    height = TOP + ROW * len(rows) + FOOT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>How likely each source of pain is</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    bottom = TOP + ROW * len(rows)
    for tick in TICKS:
        x = _x(tick)
        out.append(f'<line x1="{x:g}" y1="{TOP - 6}" x2="{x:g}" y2="{bottom}" stroke="{FAINT}"/>')
        out.append(_text(x, bottom + 16, f"{tick:.0%}", GREY, "middle"))
    words = "share of such people in whom it is a source of pain"
    out.append(_text(_x(0.5), bottom + 33, words, GREY, "middle"))
    for n, row in enumerate(rows):
        y = TOP + ROW * n + ROW / 2
        known = {"none": "", "unspecified": ", side not stated", "both": ", left and right"}
        side = known.get(row["side"], f", {row['side']}")
        out.append(_text(LEFT - 12, y + 4, row["words"] + side, INK if row["has_facts"] else GREY, "end"))
        out += _bar(row["posterior"], y, faint=not row["has_facts"])
    return "\n".join([*out, "</svg>"]) + "\n"


def _bar(after: Row, y: float, *, faint: bool) -> list[str]:
    """The range or the share of one row."""
    shade = ' opacity="0.45"' if faint else ""
    if after["value"] is None:
        low, high = after["from"], after["to"]
        bar = _line(low["value"], high["value"], y, RANGE, 8, shade)
        is_wider = low["low"] < low["value"] or high["high"] > high["value"]
        return [_line(low["low"], high["high"], y, RANGE, 1.5, shade), bar] if is_wider else [bar]
    thin = _line(after["low"], after["high"], y, SHARE, 2, shade)
    return [thin, f'<circle cx="{_x(after["value"]):g}" cy="{y:g}" r="5" fill="{SHARE}"{shade}/>']


def _line(low: float, high: float, y: float, colour: str, width: float, shade: str) -> str:
    """A bar between two shares, at least a pixel long."""
    a, b = _x(low), max(_x(high), _x(low) + 1)
    style = f'stroke="{colour}" stroke-width="{width:g}"{shade}'
    return f'<line x1="{a:g}" y1="{y:g}" x2="{b:g}" y2="{y:g}" {style}/>'


def _x(share: float) -> float:
    """Place of a share from left to right."""
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 2)


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    """A line of text."""
    style = f'fill="{colour}" font-family="sans-serif" font-size="12" text-anchor="{anchor}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'

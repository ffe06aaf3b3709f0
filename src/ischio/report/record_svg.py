"""A record's timeline as SVG: operations, the scores of each hip and of the person, thresholds as bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

WIDTH, LEFT, RIGHT, TOP = 760, 120, 24, 28
LANE, GAP, HEAD, FOOT = 120, 26, 74, 34
BEFORE, AFTER = 40, 64  # room for scores without a date, and for the words behind the last score
WITHOUT_DATE = LEFT + 14.0
GREY = "#444444"
COLOURS = {"left": "#0072b2", "right": "#d55e00", "none": GREY, "both": GREY, "unspecified": "#888888"}
STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
MOST_TICKS = 12

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Months to the right, from ``low`` to ``high``."""

    low: float
    high: float

    def x(self, months: float | None) -> float:
        """MarkPlace of a time; times known only as before or after something stand at the left edge."""
        if months is None:
            return WITHOUT_DATE
        room = WIDTH - LEFT - RIGHT - BEFORE - AFTER
        return round(LEFT + BEFORE + room * (months - self.low) / (self.high - self.low), 2)


def timeline_svg(timeline: Row, scores: Row) -> str:
    """Draw a timeline.

    Parameters
    ----------
    timeline : mapping
        As ``record.timeline_dict`` gives it.
    scores : mapping
        As ``record.score_dict`` gives it. A score whose time is only known as before or after an
        operation stands at the left edge, hollow, its line dashed.

    Returns
    -------
    str
        SVG text; equal records give equal text, and text from files is escaped.
    """
    operations = [row for row in timeline["events"] if row["kind"] == "operations"]
    times = [row["offset_months"] for row in (*operations, *scores["scores"])]
    dated = [one for one in times if one is not None]
    low, high = min(dated, default=0.0), max(dated, default=0.0)
    axis = _Axis(low, max(high, low + 1.0))
    lanes = list(dict.fromkeys(_lane_of(row) for row in scores["scores"]))
    height = TOP + HEAD + len(lanes) * (LANE + GAP) + FOOT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
    parts = [f'{head} font-family="sans-serif"><title>Timeline of {escape(timeline["case_id"])}</title>']
    parts += [_box(0, 0, WIDTH, height, 'fill="#ffffff"'), *_operations(operations, axis, height)]
    for n, lane in enumerate(lanes):
        rows = [row for row in scores["scores"] if _lane_of(row) == lane]
        changes = [row for row in scores["changes"] if _lane_of(row) == lane]
        parts += _lane(rows, changes, axis, TOP + HEAD + n * (LANE + GAP))
    return "\n".join([*parts, *_ticks(axis, height, timeline["zero"]), "</svg>"]) + "\n"


def _lane_of(row: Row) -> str:
    """Instrument and scale in words."""
    return " ".join(part for part in (row["instrument"], row["scale"]) if part)


def _operations(rows: Sequence[Row], axis: _Axis, height: int) -> list[str]:
    """A line through all lanes for each operation with a time; the others in a list."""
    out = [_text(8, TOP + 4, "operations", "#000000")]
    dated = [row for row in rows if row["offset_months"] is not None]
    for n, row in enumerate(dated):
        x, y, colour = axis.x(row["offset_months"]), TOP + 4 + 14 * (n % 3), COLOURS[row["side"]]
        out.append(_line((x, y), (x, height - FOOT), f'stroke="{colour}" stroke-dasharray="3 3"'))
        out.append(_text(x + 4, y, _sided(row["what"], row["side"]), colour))
    rest = [_sided(row["what"], row["side"]) for row in rows if row["offset_months"] is None]
    if rest:
        out.append(_text(LEFT, TOP + HEAD - 14, f"without a date: {'; '.join(rest)}", GREY, size=9))
    return out


def _lane(rows: Sequence[Row], changes: Sequence[Row], axis: _Axis, top: int) -> list[str]:
    """One scale: its band of satisfactory states, and a line for each side."""
    most = 10.0 if rows[0]["unit"] == "points of 10" else 100.0
    width = WIDTH - LEFT - RIGHT

    def y(value: float) -> float:
        return round(top + LANE * (1.0 - value / most), 2)

    better = "higher is better" if rows[0]["better"] == "high" else "lower is better"
    out = [
        _text(8, top + 14, _lane_of(rows[0]), "#000000"),
        _text(8, top + 28, better, GREY, size=9),
        _box(LEFT, top, width, LANE, 'fill="none" stroke="#bbbbbb"'),
        _text(LEFT - 4, top + 4, f"{most:g}", GREY, size=9, anchor="end"),
        _text(LEFT - 4, top + LANE, "0", GREY, size=9, anchor="end"),
    ]
    published = [one for row in changes for one in row["thresholds"] if one["kind"] == "PASS"]
    limits = [one["value"] for one in published if not one["unverified"]]
    if limits:
        ceiling, floor = y(max(limits)), y(min(limits))
        tall = max(floor - ceiling, 1.0)
        out.append(_box(LEFT, ceiling, width, tall, 'fill="#009e73" fill-opacity="0.18"'))
        words = f"published satisfactory states {min(limits):g} to {max(limits):g}"
        out.append(_text(WIDTH - RIGHT - 4, floor + 10, words, "#006b4f", size=9, anchor="end"))
    for side in dict.fromkeys(row["side"] for row in rows):
        seen = [row for row in rows if row["side"] == side and row["value"] is not None]
        points = [(axis.x(row["offset_months"]), y(row["value"])) for row in seen]
        for (one, a), (other, b) in pairwise(zip(seen, points, strict=True)):
            dash = ' stroke-dasharray="2 3"' if None in (one["offset_months"], other["offset_months"]) else ""
            out.append(_line(a, b, f'stroke="{COLOURS[side]}" stroke-opacity="0.6"{dash}'))
        for row, (x, height) in zip(seen, points, strict=True):
            out.append(_mark(x, height, side, is_dated=row["offset_months"] is not None))
            beside = height + 13 if side == "left" else height - 6  # two hips rarely hide each other
            out.append(_text(x + 6, beside, _sided(f"{row['value']:g}", side), COLOURS[side], size=9))
    return out


def _mark(x: float, y: float, side: str, *, is_dated: bool) -> str:
    """A score: square on the right, else round, so that colour is not needed; hollow without a date."""
    style = f'fill="{COLOURS[side] if is_dated else "#ffffff"}" stroke="{COLOURS[side]}"'
    if side == "right":
        return _box(x - 3.5, y - 3.5, 7, 7, style)
    return f'<circle cx="{x:g}" cy="{y:g}" r="4" {style}/>'


def _ticks(axis: _Axis, height: int, zero: str | None) -> list[str]:
    """Months along the foot."""
    span = axis.high - axis.low
    step = next((one for one in STEPS if span / one <= MOST_TICKS), max(STEPS[-1], int(span / MOST_TICKS)))
    first, last = int(-(-axis.low // step)), int(axis.high // step)
    months = [n * step for n in range(first, last + 1)]
    out = [_text(axis.x(one), height - 20, f"{one:g}", GREY, size=9, anchor="middle") for one in months]
    out.append(_text(LEFT, height - 8, "no date", GREY, size=9))
    words = f"months from {zero or 'the zero'}"
    out.append(_text(WIDTH - RIGHT, height - 8, words, GREY, size=9, anchor="end"))
    return out


def _sided(words: str, side: str) -> str:
    """Words with the side, where there is one."""
    return words if side == "none" else f"{words}, {side}"


def _box(x: float, y: float, width: float, height: float, style: str) -> str:
    """A rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {style}/>'


def _line(a: tuple[float, float], b: tuple[float, float], style: str) -> str:
    """A straight line."""
    return f'<line x1="{a[0]:g}" y1="{a[1]:g}" x2="{b[0]:g}" y2="{b[1]:g}" {style}/>'


def _text(x: float, y: float, words: str, colour: str, *, size: int = 11, anchor: str = "start") -> str:
    """A line of text."""
    style = f'fill="{colour}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'

"""Curves of gaps in motion and maps of what a hip can reach, as SVG."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio.report.png import png_bytes

Row = Mapping[str, Any]
SIDE_COLOURS = {"right": "#0072b2", "left": "#c44e00"}
INK, MUTED, LINE, BAND, SOFT = "#1b242c", "#56636f", "#dde3e8", "#dcecdf", "#c9ced3"
PAIR_COLOURS = ("#d55e00", "#cc79a7", "#0072b2", "#f0e442", "#009e73")
"""One for each pair of ``motion.pairs.PAIRS``, told apart by colour-blind readers."""
OPEN, CLOSED = "#ffffff", "#2b2f33"
WIDTH, HEIGHT = 420, 262
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 26, 40  # sides are named above the plot, off curves and bands
_MAP_SCALE = 4  # pixels a degree
_KEY_LINE = 14  # a line of words below a plot


# Dark enough for text on white, told apart by colour-blind readers.
CURVE_COLOURS = (INK, "#0072b2", "#b34e00", "#00795a", "#9b4d7f", "#6a48d7")


class _Plot:
    """A box with two axes; text and lines are collected in order."""

    def __init__(
        self,
        low: tuple[float, float],
        high: tuple[float, float],
        title: str,
        description: str,
        height: float = HEIGHT,
    ):
        self.low, self.high = low, high
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img"'
        self.parts = [
            f'{head} font-family="sans-serif" font-size="11"><title>{escape(title)}</title>',
            f"<desc>{escape(description)}</desc>",
            f'<rect width="{WIDTH}" height="{height:g}" fill="#ffffff"/>',
        ]

    def x(self, value: float) -> float:
        """Column of a value, px."""
        share = (value - self.low[0]) / (self.high[0] - self.low[0])
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Row of a value, px."""
        share = (value - self.low[1]) / (self.high[1] - self.low[1])
        return round(HEIGHT - _BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - _TOP - _BOTTOM), 1)

    def area(self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], fill: str) -> None:
        """Fill between two curves."""
        there = [f"{self.x(x)},{self.y(y)}" for x, y in zip(xs, highs, strict=True)]
        back = [f"{self.x(x)},{self.y(y)}" for x, y in zip(reversed(xs), reversed(lows), strict=True)]
        self.parts.append(f'<polygon points="{" ".join(there + back)}" {fill}/>')

    def curve(self, xs: Sequence[float], ys: Sequence[float], stroke: str) -> None:
        """Draw a line through points."""
        if len(xs) > 1:
            points = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in zip(xs, ys, strict=True))
            self.parts.append(f'<polyline points="{points}" fill="none" {stroke}/>')

    def text(self, x: float, y: float, words: str, *, colour: str = MUTED, anchor: str = "start") -> None:
        """Write at a place in px."""
        self.parts.append(
            f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def axes(self, x_ticks: Sequence[float], y_ticks: Sequence[float], x_word: str, y_word: str) -> None:
        """Lines at ticks, their values, and what the axes are."""
        for value in y_ticks:
            y = self.y(value)
            strong = f'stroke="{INK}" stroke-width="1.2"' if value == 0 else f'stroke="{LINE}"'
            self.parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" {strong}/>')
            self.text(_LEFT - 6, y + 4, f"{value:g}", anchor="end")
        for value in x_ticks:
            x, foot = self.x(value), HEIGHT - _BOTTOM
            self.parts.append(f'<line x1="{x}" x2="{x}" y1="{foot}" y2="{foot + 4}" stroke="{MUTED}"/>')
            self.text(x, HEIGHT - _BOTTOM + 16, f"{value:g}", anchor="middle")
        self.text((WIDTH + _LEFT) / 2, HEIGHT - 7, x_word, anchor="middle")
        middle = (HEIGHT - _BOTTOM + _TOP) / 2
        self.parts.append(
            f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle" fill="{MUTED}">'
            f"{escape(y_word)}</text>"
        )

    def done(self) -> str:
        """The whole picture."""
        return "".join([*self.parts, "</svg>"])


def examination_svg(rows: Sequence[Row], soft_tissue: Mapping[str, float]) -> str:
    """Draw the gap along one path: both sides, and the reference people's middle 80 %.

    Parameters
    ----------
    rows : sequence of mapping
        Findings of one path and pair, one a side, as ``study.json`` has them.
    soft_tissue : mapping of str to float
        By side, extension at which soft tissue stops the hip; greyed beyond where the path extends.

    Returns
    -------
    str
        SVG text.
    """
    first = rows[0]
    xs = first["angle_deg"]
    bands = [row["reference"] for row in rows if row["reference"]]
    highest = max([max(row["gap_mm"]) for row in rows] + [max(band["p90_mm"]) for band in bands])
    lowest = min([min(row["gap_mm"]) for row in rows] + [0.0])
    top, bottom = 5 * np.ceil((highest + 1) / 5), max(5 * np.floor(lowest / 5), -10.0)
    told = "; ".join(f"{row['side']} {row['gap_mm'][0]:.1f} to {row['gap_mm'][-1]:.1f} mm" for row in rows)
    plot = _Plot((min(xs), float(bottom)), (max(xs), float(top)), first["movement"], told)
    if first["moving"] == "extension" and soft_tissue:
        start = min(max(soft_tissue.values()), max(xs))
        plot.area([start, max(xs)], [bottom, bottom], [top, top], f'fill="{SOFT}" fill-opacity="0.55"')
    for band in bands[:1]:
        plot.area(xs, band["p10_mm"], band["p90_mm"], f'fill="{BAND}"')
        plot.curve(xs, band["p50_mm"], 'stroke="#4f8a5b" stroke-width="1.4" stroke-dasharray="2 3"')
    step = 10.0 if top - bottom > 40 else 5.0
    plot.axes(_ticks(min(xs), max(xs)), list(np.arange(bottom, top + 1, step)), _moving(first), "gap, mm")
    for row in rows:
        _gap_curve(plot, row["angle_deg"], row["gap_mm"], SIDE_COLOURS[row["side"]])
    _side_key(plot, [row["side"] for row in rows])
    return plot.done()


def gait_svg(row: Row) -> str:
    """Draw the gap of one hip through the cycle: strides, the rotation band, the closest instant.

    Parameters
    ----------
    row : mapping
        A hip of ``gait`` as ``study.json`` has it.

    Returns
    -------
    str
        SVG text.
    """
    xs = row["percent"]
    gaps = {one["variant"]: one["gap_mm"] for one in row["variants"] if one["gap_mm"]}
    every = [*row["band_low_mm"], *row["band_high_mm"], *(gap for curve in gaps.values() for gap in curve)]
    top, bottom = 5 * np.ceil((max(every) + 1) / 5), max(5 * np.floor(min(*every, 0.0) / 5), -10.0)
    told = f"{row['side']} hip, closest {row['closest_mm']:.1f} mm at {row['closest_percent']:.0f} %"
    plot = _Plot((0.0, float(bottom)), (100.0, float(top)), f"{row['side']} hip, gap in walking", told)
    colour = SIDE_COLOURS[row["side"]]
    if row["reference"]:
        plot.area(xs, row["reference"]["p10_mm"], row["reference"]["p90_mm"], f'fill="{BAND}"')
        plot.curve(
            xs, row["reference"]["p50_mm"], 'stroke="#4f8a5b" stroke-width="1.4" stroke-dasharray="2 3"'
        )
    plot.area(xs, row["band_low_mm"], row["band_high_mm"], f'fill="{colour}" fill-opacity="0.16"')
    step = 10.0 if top - bottom > 40 else 5.0
    begins = f"percent of the cycle, from {row['starts_at']}"
    plot.axes(list(np.arange(0, 101, 20)), list(np.arange(bottom, top + 1, step)), begins, "gap, mm")
    for name, dash in (("stride_0.8", "6 3"), ("stride_1.2", "2 2")):
        if name in gaps:
            plot.curve(xs, gaps[name], f'stroke="{colour}" stroke-width="1.2" stroke-dasharray="{dash}"')
    own = gaps["stride_1.0"]
    free = [row for row, gap in enumerate(own) if gap > 0]
    for run in np.split(np.array(free, dtype=int), np.flatnonzero(np.diff(free) > 1) + 1):
        plot.curve(
            [xs[row] for row in run], [own[row] for row in run], f'stroke="{colour}" stroke-width="2.4"'
        )
    pale = f'stroke="{colour}" stroke-width="1.4" stroke-opacity="0.55" stroke-dasharray="3 4"'
    plot.curve(xs, own, pale)
    x, y = plot.x(row["closest_percent"]), plot.y(row["closest_mm"])
    plot.parts.append(
        f'<circle cx="{x}" cy="{y}" r="4.5" fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
    )
    plot.text(_LEFT, _TOP - 10, f"{row['side']} hip", colour=colour)
    return plot.done()


def curves_svg(
    title: str, x_word: str, xs: Sequence[float], curves: Sequence[tuple[str, Sequence[float]]]
) -> str:
    """Draw gaps along the same poses: as it is, and after each of some changes.

    Parameters
    ----------
    title, x_word : str
        What is drawn, and what the poses run over.
    xs : sequence of float
    curves : sequence of tuple
        Of what it is, in words, and gaps in mm. The first is drawn dashed: as it is. Their words stand
        below the plot, where no curve runs.

    Returns
    -------
    str
        SVG text.
    """
    every = [gap for _, gaps in curves for gap in gaps]
    top, bottom = 5 * np.ceil((max(every) + 1) / 5), max(5 * np.floor(min(*every, 0.0) / 5), -10.0)
    told = "; ".join(f"{words} {min(gaps):.1f} mm at least" for words, gaps in curves)
    height = HEIGHT + _KEY_LINE * (len(curves) + 0.5)
    plot = _Plot((min(xs), float(bottom)), (max(xs), float(top)), title, told, height)
    step = 10.0 if top - bottom > 40 else 5.0
    plot.axes(_ticks(min(xs), max(xs)), list(np.arange(bottom, top + 1, step)), x_word, "gap, mm")
    for number, (words, gaps) in enumerate(curves):
        colour = CURVE_COLOURS[number % len(CURVE_COLOURS)]
        dash = "" if number else ' stroke-dasharray="5 3"'
        stroke = f'stroke="{colour}" stroke-width="1.8"{dash}'
        plot.curve(xs, gaps, stroke)
        foot = HEIGHT + _KEY_LINE * (number + 0.75)
        plot.parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + 24}" y1="{foot - 4}" y2="{foot - 4}" {stroke}/>')
        plot.text(_LEFT + 32, foot, words, colour=colour)
    return plot.done()


def map_svg(row: Row, soft_tissue_deg: float, kind: str) -> str:
    """Draw a map over rotation and adduction.

    Parameters
    ----------
    row : mapping
        A map of ``limits`` as ``study.json`` has it.
    soft_tissue_deg : float
        Grey beyond: soft tissue stops the hip before the bones meet.
    kind : str
        "extension": how far; "first_contact": which pair ends it.

    Returns
    -------
    str
        SVG text with the map as a picture inside.
    """
    limit, by = np.array(row["extension_deg"]), np.array(row["ended_by"])
    rgb = np.full((*limit.shape, 3), 0, dtype=np.uint8)
    beyond = (limit == -1) | (limit > soft_tissue_deg)
    if kind == "extension":
        share = np.clip(limit / max(soft_tissue_deg, 1.0), 0, 1)
        rgb[:] = _ramp(share)
        rgb[beyond] = _rgb(SOFT)
        rgb[limit == -2] = _rgb(CLOSED)
    else:
        colours = np.array([_rgb(one) for one in (*PAIR_COLOURS, OPEN)], dtype=np.uint8)
        rgb[:] = colours[by]
        pale = (0.35 * rgb + 0.65 * np.array(_rgb(SOFT))).astype(np.uint8)
        rgb[beyond] = pale[beyond]
    n = _MAP_SCALE
    image = np.repeat(np.repeat(rgb[::-1], n, axis=0), n, axis=1)  # adduction upwards
    data = b64encode(png_bytes(np.ascontiguousarray(image))).decode("ascii")
    rotation, adduction = row["internal_rotation_deg"], row["adduction_deg"]
    word = "extension before contact" if kind == "extension" else "pair that ends extension"
    plot = _Plot(
        (min(rotation), min(adduction)),
        (max(rotation), max(adduction)),
        f"{row['side']} hip, {word}",
        f"{word} by rotation and adduction; grey beyond {soft_tissue_deg:g} degrees",
    )
    x, y = _LEFT, _TOP
    width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    plot.parts.append(
        f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{data}"/>'
    )
    ticks = list(np.arange(np.ceil(min(rotation) / 20) * 20, max(rotation) + 1, 20))
    x_word = "external (-) and internal (+) rotation, degrees"
    plot.axes(ticks, [], x_word, "abduction (-), adduction (+)")
    for value in np.arange(np.ceil(min(adduction) / 10) * 10, max(adduction) + 1, 10):
        plot.text(_LEFT - 6, plot.y(float(value)) + 4, f"{value:g}", anchor="end")
    cx, cy = plot.x(0.0), plot.y(0.0)
    plot.parts.append(f'<path d="M{cx - 6} {cy}h12M{cx} {cy - 6}v12" stroke="#ffffff" stroke-width="3.4"/>')
    plot.parts.append(f'<path d="M{cx - 6} {cy}h12M{cx} {cy - 6}v12" stroke="{INK}" stroke-width="1.4"/>')
    return plot.done()


def map_legend(pairs: Sequence[str], soft_tissue_deg: float) -> list[tuple[str, str]]:
    """Colour and words of each entry of the map of first contacts."""
    words = [pair.replace(":", " and ").replace("_", " ") for pair in pairs]
    return [
        *zip(PAIR_COLOURS, words, strict=True),
        (SOFT, f"soft tissue first (beyond {soft_tissue_deg:g}°)"),
    ]


def ramp_legend(soft_tissue_deg: float) -> list[tuple[str, str]]:
    """Colour and words of each entry of the map of extension."""
    shares = np.array([0.0, 1 / 3, 2 / 3, 1.0])
    colours = ["#" + "".join(f"{part:02x}" for part in colour) for colour in _ramp(shares).tolist()]
    words = [f"{share * soft_tissue_deg:.0f}° of extension" for share in shares]
    return [
        (CLOSED, "not reachable: bone contact before"),
        *zip(colours, words, strict=True),
        (SOFT, f"soft tissue first (beyond {soft_tissue_deg:g}°)"),
    ]


def _gap_curve(plot: _Plot, xs: Sequence[float], gaps: Sequence[float], colour: str) -> None:
    """A gap along a path: solid to the first contact, dashed and pale behind it."""
    contact = next((row for row, gap in enumerate(gaps) if gap <= 0), None)
    end = len(xs) if contact is None else contact + 1
    plot.curve(xs[:end], gaps[:end], f'stroke="{colour}" stroke-width="2.4"')
    if contact is not None:
        pale = f'stroke="{colour}" stroke-width="1.4" stroke-opacity="0.55" stroke-dasharray="3 4"'
        seen = [row for row in range(contact, len(xs)) if gaps[row] >= plot.low[1]]
        plot.curve([xs[row] for row in seen], [gaps[row] for row in seen], pale)
        plot.parts.append(
            f'<circle cx="{plot.x(xs[contact])}" cy="{plot.y(gaps[contact])}" r="4" fill="{colour}"/>'
        )


def _side_key(plot: _Plot, sides: Sequence[str]) -> None:
    """Name the sides in their colours."""
    for number, side in enumerate(sides):
        x = WIDTH - _RIGHT - 50 * (len(sides) - number)
        plot.parts.append(
            f'<line x1="{x}" x2="{x + 14}" y1="{_TOP - 14}" y2="{_TOP - 14}" stroke="{SIDE_COLOURS[side]}" '
            'stroke-width="2.4"/>'
        )
        plot.text(x + 18, _TOP - 10, side, colour=SIDE_COLOURS[side])


def _moving(row: Row) -> str:
    """The running angle in words."""
    if row["path"] == "rotation_sweep":
        return "internal (-) and external (+) rotation, degrees"
    return f"{row['moving']}, degrees"


def _ticks(low: float, high: float) -> list[float]:
    """Round values between two."""
    step = 5.0 if high - low <= 30 else 20.0
    return [float(one) for one in np.arange(np.ceil(low / step) * step, high + 1e-6, step)]


def _rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour such as #d55e00."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _ramp(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours from dark orange (0: contact at once) over sand to blue (1), in equal steps of lightness."""
    stops = np.array([_rgb(one) for one in ("#8a2f00", "#e08a3c", "#f2dfb8", "#7fb4d8")], dtype=float)
    place = np.linspace(0, 1, len(stops))
    channels = [np.interp(share, place, stops[:, one]) for one in range(3)]
    out: NDArray[np.uint8] = np.stack(channels, axis=-1).round().astype(np.uint8)
    return out

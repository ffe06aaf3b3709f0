"""Lines, points, letters and scale bar over a drawn picture, as one inline SVG element."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from ischio._check import Array
from ischio.report.drawing import Picture
from ischio.report.png import png_bytes
from ischio.report.raster import Camera

INK = "#1b242c"
HALO = "#ffffff"
_TEXT_PX = 27  # of a picture 720 px wide: still 12 px where three stand side by side
_STEPS = 24  # pieces of the measured line that are each seen or hidden
_SKIN_MM = 0.5  # a point this far below a surface still counts as on it
_LABEL_PX = (54, 104)  # distances of a label from its line that are tried


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What is drawn over a picture; positions in mm in the patient frame.

    Parameters
    ----------
    line_mm : array of shape (2, 3) or None
        The measured line.
    line_label : str
        Its value with unit.
    circle_mm : (centre, radius_mm) or None
        Outline of a fitted sphere.
    points_mm : array of shape (N, 3)
        Landmarks, drawn as small rings.
    letters : mapping of "left", "right", "top", "bottom" to str
    """

    line_mm: Array | None
    line_label: str
    circle_mm: tuple[Array, float] | None
    points_mm: Array
    letters: Mapping[str, str]


def svg(picture: Picture, camera: Camera, marks: Marks, *, key: str, title: str, description: str) -> str:
    """Compose a picture and its marks.

    Parameters
    ----------
    picture : Picture
    camera : Camera
    marks : Marks
    key : str
        Unique on the page; names the title and description for screen readers.
    title, description : str
        Alternative text.

    Returns
    -------
    str
        An ``svg`` element with the picture inside; every text is escaped.
    """
    root = canvas(picture, camera, key=key, title=title, description=description)
    if marks.circle_mm is not None:
        centre, radius_mm = marks.circle_mm
        add_sphere(root, camera.project(centre), radius_mm / camera.mm_per_px)
    for point in camera.project(marks.points_mm):
        _ring(root, point)
    if marks.line_mm is not None:
        _measured(root, picture, camera, marks.line_mm, marks.line_label)
    return finished(root, camera, marks.letters)


def canvas(picture: Picture, camera: Camera, *, key: str, title: str, description: str) -> Element:
    """Start an ``svg`` element in the camera's pixels; a picture of another size is stretched to them.

    Parameters
    ----------
    picture : Picture
    camera : Camera
    key : str
    title, description : str
        Alternative text.

    Returns
    -------
    Element
    """
    width, height = camera.width_px, camera.height_px
    root = Element(
        "svg",
        {
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "aria-labelledby": f"{key}-title {key}-desc",
            "font-family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
        },
    )
    SubElement(root, "title", {"id": f"{key}-title"}).text = title
    SubElement(root, "desc", {"id": f"{key}-desc"}).text = description
    data = base64.b64encode(png_bytes(picture.rgb)).decode("ascii")
    SubElement(
        root,
        "image",
        {"href": f"data:image/png;base64,{data}", "width": str(width), "height": str(height)},
    )
    return root


def finished(root: Element, camera: Camera, letters: Mapping[str, str]) -> str:
    """Add scale bar and orientation letters, by edge, and write the element.

    Parameters
    ----------
    root : Element
    camera : Camera
    letters : mapping of str to str
        By edge: "left", "right", "top", "bottom".

    Returns
    -------
    str
    """
    width, height = camera.width_px, camera.height_px
    _scale_bar(root, camera)
    for edge, (x, y) in {
        "left": (28, height / 2),
        "right": (width - 28, height / 2),
        "top": (width / 2, 34),
        "bottom": (width / 2, height - 22),
    }.items():
        if letters.get(edge):
            add_text(root, x, y, letters[edge], size=_TEXT_PX, weight="600", fill="#44525f")
    return tostring(root, encoding="unicode")


def px(value: float) -> str:
    """A coordinate to a tenth of a pixel.

    Parameters
    ----------
    value : float

    Returns
    -------
    str
    """
    return f"{value + 0.0:.1f}"


def add_text(
    root: Element, x: float, y: float, words: str, *, size: float, weight: str, fill: str = INK
) -> None:
    """Centred text with a white outline, readable on bone and on paper.

    Parameters
    ----------
    root : Element
    x, y : float
        Middle, px.
    words : str
    size : float
        Height, px.
    weight, fill : str
    """
    SubElement(
        root,
        "text",
        {
            "x": px(x),
            "y": px(y),
            "dy": "0.35em",
            "text-anchor": "middle",
            "font-size": px(size),
            "font-weight": weight,
            "fill": fill,
            "stroke": HALO,
            "stroke-width": "6",
            "stroke-linejoin": "round",
            "paint-order": "stroke",
        },
    ).text = words


def add_line(root: Element, a: Array, b: Array, width: float, colour: str, dash: str = "") -> None:
    """A straight line in px.

    Parameters
    ----------
    root : Element
    a, b : array of shape (2,) or more, px
    width : float
    colour : str
    dash : str
        SVG dash pattern; empty for a full line.
    """
    ends = {"x1": px(a[0]), "y1": px(a[1]), "x2": px(b[0]), "y2": px(b[1])}
    style = {"stroke": colour, "stroke-width": px(width)}
    SubElement(root, "line", ends | style | ({"stroke-dasharray": dash} if dash else {}))


def add_sphere(root: Element, centre: Array, radius_px: float) -> None:
    """Dashed outline of a fitted sphere and a cross at its centre.

    Parameters
    ----------
    root : Element
    centre : array of shape (2,) or more, px
    radius_px : float
    """
    circle = {"cx": px(centre[0]), "cy": px(centre[1]), "r": px(radius_px), "fill": "none"}
    SubElement(root, "circle", circle | {"stroke": HALO, "stroke-width": "4", "stroke-opacity": "0.7"})
    SubElement(root, "circle", circle | {"stroke": INK, "stroke-width": "2", "stroke-dasharray": "9 7"})
    for arm in (np.array([9.0, 0]), np.array([0, 9.0])):
        add_line(root, centre[:2] - arm, centre[:2] + arm, 6, HALO)
    for arm in (np.array([9.0, 0]), np.array([0, 9.0])):
        add_line(root, centre[:2] - arm, centre[:2] + arm, 2.5, INK)


def _ring(root: Element, point: Array) -> None:
    """A landmark."""
    circle = {"cx": px(point[0]), "cy": px(point[1]), "r": "7", "fill": "none"}
    SubElement(root, "circle", circle | {"stroke": HALO, "stroke-width": "6"})
    SubElement(root, "circle", circle | {"stroke": INK, "stroke-width": "2.5"})


def _measured(root: Element, picture: Picture, camera: Camera, line_mm: Array, label: str) -> None:
    """The measured line: solid where it is seen, dotted where bone hides it; end points; value."""
    places = camera.project(line_mm[0] + np.linspace(0, 1, _STEPS + 1)[:, None] * (line_mm[1] - line_mm[0]))
    a, b = places[0], places[-1]
    add_line(root, a, b, 9, HALO)
    add_line(root, a, b, 3, INK, "2 5")
    seen = [_is_seen(picture, (p + q) / 2) for p, q in pairwise(places)]
    for visible, run in groupby(range(_STEPS), key=lambda k: seen[k]):
        steps = list(run)
        if visible:
            add_line(root, places[steps[0]], places[steps[-1] + 1], 4, INK)
    for end in (a, b):
        circle = {"cx": px(end[0]), "cy": px(end[1]), "r": "6", "fill": INK}
        SubElement(root, "circle", circle | {"stroke": HALO, "stroke-width": "3"})
    _value(root, picture, (a + b) / 2, b - a, label)


def _is_seen(picture: Picture, place: Array) -> bool:
    """Whether nothing stands in front of a projected point; outside the picture counts as seen."""
    row, column = int(np.floor(place[1])), int(np.floor(place[0]))
    height, width = picture.depth_mm.shape
    if not (0 <= row < height and 0 <= column < width):
        return True
    return bool(picture.depth_mm[row, column] <= place[2] + _SKIN_MM)


def _value(root: Element, picture: Picture, middle: Array, along: Array, label: str) -> None:
    """The value on a plate beside the line, where it hides the least bone, joined by a thin leader."""
    half = np.array([0.37 * _TEXT_PX * len(label) + 16, 0.5 * _TEXT_PX + 12])  # wide fonts fit too
    length = np.hypot(along[0], along[1])
    across = np.array([-along[1], along[0]]) / length if length > 1e-9 else np.array([0.0, 1.0])
    height, width = picture.depth_mm.shape
    best, least = middle[:2], np.inf
    for distance in _LABEL_PX:
        for turn in (across, -across):
            place = middle[:2] + turn * (distance + abs(turn) @ half)
            low, high = np.floor(place - half).astype(int), np.ceil(place + half).astype(int)
            if (low < 8).any() or high[0] > width - 8 or high[1] > height - 8:
                continue
            hidden = float(np.isfinite(picture.depth_mm[low[1] : high[1], low[0] : high[0]]).mean())
            if hidden < least - 0.05:  # nearer is better unless the farther place is clearly emptier
                best, least = place, hidden
    add_line(root, middle, best, 5, HALO)
    add_line(root, middle, best, 1.5, INK)
    plate = {"x": px(best[0] - half[0]), "y": px(best[1] - half[1]), "rx": "8"}
    size = {"width": px(2 * half[0]), "height": px(2 * half[1])}
    SubElement(
        root,
        "rect",
        plate | size | {"fill": HALO, "fill-opacity": "0.94", "stroke": INK, "stroke-width": "1.5"},
    )
    add_text(root, best[0], best[1], label, size=_TEXT_PX + 3, weight="700")


def _scale_bar(root: Element, camera: Camera) -> None:
    """A bar of a round number of millimetres, about a quarter of the width, lower left."""
    quarter_mm = camera.width_px * camera.mm_per_px / 4
    length_mm = max(mm for mm in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if mm == 1 or mm <= quarter_mm)
    length = length_mm / camera.mm_per_px
    left, base = 24.0, camera.height_px - 24.0
    ends = np.array([[left, base], [left + length, base]])
    tick = np.array([0.0, 8.0])
    for width, colour in ((9.0, HALO), (3.0, INK)):
        add_line(root, ends[0], ends[1], width, colour)
        for end in ends:
            add_line(root, end - tick, end + tick, width, colour)
    add_text(root, left + length / 2, base - 24, f"{length_mm} mm", size=_TEXT_PX - 3, weight="500")

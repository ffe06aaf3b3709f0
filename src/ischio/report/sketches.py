"""How each measurement was taken, drawn: a slice in outlines, bones seen through, or a dial of hours."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from ischio._check import Array
from ischio.report.overlay import INK, add_text, px
from ischio.report.png import png_bytes
from ischio.report.radiograph import radiograph
from ischio.report.raster import Camera, Indices
from ischio.report.views import Directions, anatomical_directions, letters
from ischio.report.words import number, plain
from ischio.types import Measurement, Pelvis, Side, Sketch

WIDTH_PX, HEIGHT_PX = 480, 420
_LEGEND_PX = 34
_MARGIN = 1.12
_SHADOW_MARGIN_MM = 38.0
_LEAST_MM = 70.0
_FINE = 3  # screen pixels to a pixel of a radiograph
_TIE_DECIMALS = 3
_LETTER_PX = 28  # room of an orientation letter from the picture's edge
_NODE_DECIMALS = 5  # of a pixel: ends nearer than that are one
_SPACING_PX = 1.1  # points of an outline closer together are left out
# Okabe and Ito 2008, told apart by all kinds of colour vision; each also has its own dash.
_LINES = (("#0072b2", ""), ("#d55e00", ""), ("#009e73", "7 4"), ("#cc79a7", "2 3"))
_ON_LIGHT, _ON_DARK = INK, "#f0e442"
_REFERENCE_LIGHT, _REFERENCE_DARK = "#56636f", "#9ad1f5"


@dataclass(frozen=True, slots=True)
class SketchPicture:
    """One drawing for the page: SVG element and caption."""

    svg: str
    caption: str


def sketch_pictures(rows: Iterable[Measurement], pelvis: Pelvis, axes: str) -> dict[str, list[SketchPicture]]:
    """Draw every measurement that says how it was taken.

    Parameters
    ----------
    rows : iterable of Measurement
    pelvis : Pelvis
        Bones for views that see through them.
    axes : str
        Declared axes of the input.

    Returns
    -------
    dict of str to list of SketchPicture
        By name of the measure, right before left.
    """
    out: dict[str, list[SketchPicture]] = {}
    shadows: dict[tuple[object, ...], bytes] = {}
    for row in rows:
        if row.sketch is None or not pelvis.hips:
            continue
        hip = None if row.side is None else getattr(pelvis, Side(row.side).value)
        seen = anatomical_directions(hip or pelvis.hips[0], axes)
        out.setdefault(row.name, []).extend(_pictures(row, row.sketch, pelvis, seen, shadows))
    return out


def _pictures(
    row: Measurement,
    sketch: Sketch,
    pelvis: Pelvis,
    seen: Directions,
    shadows: dict[tuple[object, ...], bytes],
) -> list[SketchPicture]:
    """The view and the dial of one measurement, whichever it has."""
    side = "" if row.side is None else f"{row.side.value}-"
    who = f"{row.side.value.capitalize()} hip. " if row.side is not None else ""
    value = "" if row.value is None else number(row.value, row.unit)
    out = []
    if sketch.strokes:
        out.append(
            SketchPicture(
                _view(row, sketch, pelvis, seen, shadows, f"sketch-{side}{row.name}", f"{who}{value}"),
                f"{who}{sketch.title}. {value}.",
            )
        )
    if sketch.clock:
        words = ", ".join(f"{hour} o'clock {angle:.0f}" for hour, angle in sketch.clock.items())
        out.append(
            SketchPicture(
                _dial(sketch.clock, f"dial-{side}{row.name}", f"{plain(row.name)}: {words} degrees"),
                f"{who}By hour, in degrees: 12 upwards, 3 forwards.",
            )
        )
    return out


def _view(
    row: Measurement,
    sketch: Sketch,
    pelvis: Pelvis,
    seen: Directions,
    shadows: dict[tuple[object, ...], bytes],
    key: str,
    words: str,
) -> str:
    """A slice or a radiograph with its lines."""
    dark = bool(sketch.shadows)
    camera = _camera(sketch, dark)
    root = _root(key, f"{plain(row.name)}, {sketch.title}", f"{words}. {sketch.title}.", dark)
    if dark:
        _add_shadow(root, row, sketch, pelvis, camera, shadows)
    for (colour, dash), segments in zip(_LINES, sketch.outlines.values(), strict=False):
        path = _path(camera.project(segments)[..., :2]) if len(segments) else ""
        if path:
            style = {"fill": colour, "fill-opacity": "0.10", "stroke": colour, "stroke-width": "2"}
            SubElement(root, "path", {"d": path, "fill-rule": "evenodd", **style, **_dashed(dash)})
    for stroke in sketch.strokes:
        _add_stroke(root, camera.project(stroke.points_mm)[:, :2], stroke.words, stroke.dashed, dark)
    _add_frame(root, camera, letters(camera, seen) if seen.known else {}, dark)
    _add_legend(root, [name for name, one in sketch.outlines.items() if len(one)], dark)
    return tostring(root, encoding="unicode")


def _camera(sketch: Sketch, dark: bool) -> Camera:
    """Square to the sketch, around all of it."""
    toward = np.cross(sketch.right, sketch.up)
    points = np.concatenate(
        [one.points_mm for one in sketch.strokes]
        + [segments.reshape(-1, 3) for segments in sketch.outlines.values()]
    )
    flat = np.stack([points @ sketch.right, points @ sketch.up], axis=1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    size = (high - low) * _MARGIN + (2 * _SHADOW_MARGIN_MM if dark else 0.0)
    scale = float(max(size[0] / WIDTH_PX, size[1] / HEIGHT_PX, _LEAST_MM / WIDTH_PX))
    middle = (low + high) / 2
    depth = float((points @ toward).mean())
    centre = middle[0] * sketch.right + middle[1] * sketch.up + depth * toward
    return Camera(centre, sketch.right, sketch.up, toward, WIDTH_PX, HEIGHT_PX, scale)


def _root(key: str, title: str, description: str, dark: bool) -> Element:
    """An empty picture with its alternative text."""
    height = HEIGHT_PX + (0 if dark else _LEGEND_PX)
    root = Element(
        "svg",
        {
            "viewBox": f"0 0 {WIDTH_PX} {height}",
            "role": "img",
            "aria-labelledby": f"{key}-title {key}-desc",
            "font-family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
        },
    )
    SubElement(root, "title", {"id": f"{key}-title"}).text = title
    SubElement(root, "desc", {"id": f"{key}-desc"}).text = description
    return root


def _add_shadow(
    root: Element,
    row: Measurement,
    sketch: Sketch,
    pelvis: Pelvis,
    camera: Camera,
    shadows: dict[tuple[object, ...], bytes],
) -> None:
    """Bones seen through, behind the lines; equal views are drawn once."""
    coarse = Camera(
        camera.centre_mm,
        camera.right,
        camera.up,
        camera.toward,
        WIDTH_PX // _FINE,
        HEIGHT_PX // _FINE,
        camera.mm_per_px * _FINE,
    )
    view = (row.side, sketch.shadows, coarse.mm_per_px, *coarse.axes.ravel(), *coarse.centre_mm)
    if view not in shadows:
        shadows[view] = png_bytes(radiograph(_surfaces(row, sketch, pelvis), coarse))
    data = base64.b64encode(shadows[view]).decode("ascii")
    size = {"width": str(WIDTH_PX), "height": str(HEIGHT_PX), "preserveAspectRatio": "none"}
    SubElement(root, "image", {"href": f"data:image/png;base64,{data}", **size})


def _surfaces(row: Measurement, sketch: Sketch, pelvis: Pelvis) -> list[tuple[Array, Indices]]:
    """Surfaces that a radiograph shows."""
    whole = "pelvis" in sketch.shadows
    hips = pelvis.hips if whole or row.side is None else [getattr(pelvis, Side(row.side).value)]
    bones = []
    for hip in hips:
        wanted = ("hip_bone",) if whole else sketch.shadows
        bones += [getattr(hip, name) for name in wanted]
    if whole:
        bones.append(pelvis.sacrum)
    found = {id(bone): bone for bone in bones if bone is not None}
    return [(bone.vertices_mm, bone.faces) for bone in found.values()]


def _path(segments: Array) -> str:
    """Outlines of loose flat segments as one path, points too close to be told apart left out."""
    grid = np.rint(segments.reshape(-1, 2) * 10**_NODE_DECIMALS).astype(np.int64)
    low = grid.min(axis=0)
    grid -= low
    width = int(grid[:, 1].max()) + 1
    keys, index = np.unique(grid[:, 0] * width + grid[:, 1], return_inverse=True)
    nodes = ((np.stack([keys // width, keys % width], axis=1) + low) / 10**_NODE_DECIMALS).tolist()
    ends = index.reshape(-1, 2)
    following: dict[int, list[int]] = {}
    for start, end in ends.tolist():
        if start != end:
            following.setdefault(start, []).append(end)
    parts = []
    # Outlines that end at the picture's edge are followed from their start, so that none falls apart.
    arrived = set(ends[:, 1].tolist())
    loose = iter([node for node in following if node not in arrived])
    while following:
        start = next((node for node in loose if node in following), next(iter(following)))
        chain = [start]
        while chain[-1] in following:
            here = chain[-1]
            chain.append(following[here].pop())
            if not following[here]:
                del following[here]
        points = [nodes[k] for k in chain]
        kept = [points[0]]
        for point in points[1:]:
            if max(abs(point[0] - kept[-1][0]), abs(point[1] - kept[-1][1])) >= _SPACING_PX:
                kept.append(point)
        if kept[-1] is not points[-1] and chain[0] != chain[-1]:
            kept.append(points[-1])
        if len(kept) > 2:
            line = "L".join(f"{px(x)} {px(y)}" for x, y in kept)
            parts.append(f"M{line}{'Z' if chain[0] == chain[-1] else ''}")
    return "".join(parts)


def _dashed(dash: str) -> dict[str, str]:
    """Attribute of a dash pattern, if there is one."""
    return {"stroke-dasharray": dash} if dash else {}


def _add_stroke(root: Element, points: Array, words: str, dashed: bool, dark: bool) -> None:
    """A line or a dot, with its words beside its end."""
    main, halo = (_ON_DARK, "#10161c") if dark else (_ON_LIGHT, "#ffffff")
    colour = (_REFERENCE_DARK if dark else _REFERENCE_LIGHT) if dashed else main
    if len(points) == 1:
        place = {"cx": px(points[0, 0]), "cy": px(points[0, 1]), "r": "4.5"}
        SubElement(root, "circle", {**place, "fill": main, "stroke": halo, "stroke-width": "2"})
        return
    line = " ".join(f"{px(x)},{px(y)}" for x, y in points)
    common = {"points": line, "fill": "none", "stroke-linejoin": "round"}
    SubElement(root, "polyline", {**common, "stroke": halo, "stroke-width": "5", "stroke-opacity": "0.6"})
    SubElement(
        root,
        "polyline",
        {**common, "stroke": colour, "stroke-width": "2.5", **_dashed("7 5" if dashed else "")},
    )
    if words:
        _add_words(root, points, words, colour, halo)


def _add_words(root: Element, points: Array, words: str, colour: str, halo: str) -> None:
    """Words beside the end of a line that lies nearer to the picture's border, inside the picture."""
    middle = np.array([WIDTH_PX, HEIGHT_PX]) / 2
    away = np.linalg.norm(points[[0, -1]] - middle, axis=1)
    k = int(away.round(_TIE_DECIMALS).argmax())  # ends that are equally far are told alike in every run
    end, other = (points[0], points[-1]) if k == 0 else (points[-1], points[0])
    if len(points) > 6:  # a closed line: at its lowest point
        end = points[int(points[:, 1].argmax())]
        other = end - [0, 1]
    along = end - other
    along = along / max(float(np.linalg.norm(along)), 1e-9)
    half = 5.2 * len(words) + 4
    place = end + along * 16 + np.array([np.sign(along[0]) * half * abs(along[0]), 0.0])
    place = np.clip(place, [half + 4, 16], [WIDTH_PX - half - 4, HEIGHT_PX - 14])
    place = _beside_letters(place, half)
    text = {
        "x": px(place[0]),
        "y": px(place[1]),
        "dy": "0.35em",
        "text-anchor": "middle",
        "font-size": "18",
        "font-weight": "600",
        "fill": colour,
        "stroke": halo,
        "stroke-width": "4",
        "stroke-linejoin": "round",
        "paint-order": "stroke",
    }
    SubElement(root, "text", text).text = words


def _beside_letters(place: Array, half: float) -> Array:
    """The place of words, moved inwards where an orientation letter stands."""
    x, y = place
    if abs(x - WIDTH_PX / 2) < half + _LETTER_PX and not _LETTER_PX < y < HEIGHT_PX - _LETTER_PX:
        y = _LETTER_PX + 16 if y < HEIGHT_PX / 2 else HEIGHT_PX - _LETTER_PX - 16
    if abs(y - HEIGHT_PX / 2) < _LETTER_PX and not half + _LETTER_PX < x < WIDTH_PX - half - _LETTER_PX:
        x = half + _LETTER_PX if x < WIDTH_PX / 2 else WIDTH_PX - half - _LETTER_PX
    return np.array([x, y])


def _add_frame(root: Element, camera: Camera, edges: Mapping[str, str], dark: bool) -> None:
    """Orientation letters and a scale bar."""
    colour, halo = ("#dfe6ec", "#10161c") if dark else ("#44525f", "#ffffff")
    places = {
        "left": (14, HEIGHT_PX / 2),
        "right": (WIDTH_PX - 14, HEIGHT_PX / 2),
        "top": (WIDTH_PX / 2, 16),
        "bottom": (WIDTH_PX / 2, HEIGHT_PX - 14),
    }
    style = {"font-size": "17", "font-weight": "600", "fill": colour, "stroke": halo, "stroke-width": "4"}
    style |= {"text-anchor": "middle", "dy": "0.35em", "paint-order": "stroke"}
    for edge, (x, y) in places.items():
        if edges.get(edge):
            SubElement(root, "text", {"x": px(x), "y": px(y), **style}).text = edges[edge]
    length_mm = max(mm for mm in (5, 10, 20, 50, 100) if mm == 5 or mm / camera.mm_per_px <= WIDTH_PX / 4)
    length = length_mm / camera.mm_per_px
    y = HEIGHT_PX - 14.0
    bar = {"x1": "14", "x2": px(14 + length), "y1": px(y), "y2": px(y)}
    SubElement(root, "line", {**bar, "stroke": halo, "stroke-width": "6"})
    SubElement(root, "line", {**bar, "stroke": colour, "stroke-width": "3"})
    SubElement(root, "text", {"x": px(14 + length / 2), "y": px(y - 13), **style}).text = f"{length_mm} mm"


def _add_legend(root: Element, names: Sequence[str], dark: bool) -> None:
    """Names of the outlines under a slice."""
    if dark or not names:
        return
    step = WIDTH_PX / len(names)
    y = HEIGHT_PX + _LEGEND_PX / 2
    for k, (name, (colour, dash)) in enumerate(zip(names, _LINES, strict=False)):
        x = k * step + 12
        line = {
            "x1": px(x),
            "x2": px(x + 30),
            "y1": px(y),
            "y2": px(y),
            "stroke": colour,
            "stroke-width": "3",
        }
        SubElement(root, "line", {**line, **_dashed(dash)})
        text = {"x": px(x + 38), "y": px(y), "dy": "0.35em", "font-size": "16", "fill": INK}
        SubElement(root, "text", text).text = name


def _dial(clock: Mapping[str, float], key: str, words: str) -> str:
    """Values round a clock: a ray for each hour as long as its value, the value at its end."""
    root = _root(key, "By hour of the clock", words, dark=True)
    centre = np.array([WIDTH_PX / 2, HEIGHT_PX / 2])
    reach, most = 128.0, max(max(clock.values()), 1.0)
    for share in (0.5, 1.0):
        circle = {"cx": px(centre[0]), "cy": px(centre[1]), "r": px(reach * share), "fill": "none"}
        SubElement(root, "circle", {**circle, "stroke": "#c5ced6", "stroke-width": "1"})
        add_text(
            root, centre[0] + 4, centre[1] - reach * share - 9, f"{most * share:.0f}°", size=13, weight="400"
        )
    ends = []
    for hour, value in clock.items():
        turn = np.radians(30 * float(hour))
        towards = np.array([np.sin(turn), -np.cos(turn)])
        ends.append(centre + towards * reach * value / most)
        place = centre + towards * (reach + 40)
        add_text(root, place[0], place[1] - 9, f"{hour}", size=16, weight="700")
        add_text(root, place[0], place[1] + 10, f"{value:.0f}°", size=15, weight="400")
    order = sorted(range(len(ends)), key=lambda k: float(list(clock)[k]) % 12)
    line = " ".join(f"{px(ends[k][0])},{px(ends[k][1])}" for k in order)
    style = {"fill": "#0072b2", "fill-opacity": "0.15", "stroke": "#0072b2", "stroke-width": "2.5"}
    SubElement(root, "polygon", {"points": line, **style})
    return tostring(root, encoding="unicode")

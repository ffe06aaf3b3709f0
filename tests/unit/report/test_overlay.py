"""Marks over a picture: escaped texts, true lengths, hidden parts of a line."""

from __future__ import annotations

import base64
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest

from ischio.report.drawing import Picture
from ischio.report.overlay import Marks, svg
from ischio.report.png import png_bytes
from ischio.report.raster import Camera

PX, MM_PER_PX = 400, 0.25
TENTH_PX = 0.05  # coordinates are written to a tenth of a pixel
X, Y, Z = np.eye(3)
CAMERA = Camera(np.zeros(3), X, Y, Z, PX, PX, MM_PER_PX)
EMPTY = Picture(np.full((PX, PX, 3), 255, np.uint8), np.full((PX, PX), -np.inf))
MARKS = Marks(np.array([[-10.0, 0, 0], [10.0, 0, 0]]), "20.0 mm", None, np.empty((0, 3)), {})


def drawn(picture: Picture = EMPTY, marks: Marks = MARKS, **texts: str) -> Element:
    given = {"key": "k", "title": "T", "description": "D"} | texts
    return fromstring(svg(picture, CAMERA, marks, **given))


def words(root: Element) -> list[str]:
    return [one.text or "" for one in root.iter("text")]


def lengths(root: Element, width: str) -> list[float]:
    """Lengths in mm of dark solid lines of one stroke width."""
    lines = [
        e for e in root.iter("line") if e.get("stroke-width") == width and "dasharray" not in str(e.attrib)
    ]
    return [
        MM_PER_PX
        * float(
            np.hypot(
                float(e.attrib["x2"]) - float(e.attrib["x1"]), float(e.attrib["y2"]) - float(e.attrib["y1"])
            )
        )
        for e in lines
        if e.get("stroke") != "#ffffff"
    ]


def test_alternative_text_is_named_and_escaped() -> None:
    text = svg(EMPTY, CAMERA, MARKS, key="right-gap", title="<b>&", description='"<script>')
    assert "<b>" not in text
    assert "<script>" not in text
    root = fromstring(text)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "right-gap-title right-gap-desc"
    assert [root.findtext("title"), root.findtext("desc")] == ["<b>&", '"<script>']


def test_picture_is_inside() -> None:
    image = drawn().find("image")
    assert image is not None
    kind, data = image.attrib["href"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == png_bytes(EMPTY.rgb)


def test_line_has_its_length_and_value() -> None:
    root = drawn()
    assert sum(lengths(root, "4.0")) == pytest.approx(20.0, abs=2 * TENTH_PX)
    assert "20.0 mm" in words(root)


def test_line_is_solid_only_where_it_is_seen() -> None:
    depth = EMPTY.depth_mm.copy()
    depth[:, PX // 2 :] = 5.0  # a plate before the right half
    root = drawn(Picture(EMPTY.rgb, depth))
    assert sum(lengths(root, "4.0")) == pytest.approx(10.0, abs=2 * TENTH_PX)
    dotted = [e for e in root.iter("line") if e.get("stroke-dasharray")]
    assert len(dotted) == 1


def test_points_on_a_surface_are_seen() -> None:
    flush = Picture(EMPTY.rgb, np.zeros((PX, PX)))
    assert sum(lengths(drawn(flush), "4.0")) == pytest.approx(20.0, abs=2 * TENTH_PX)


def test_value_stands_where_it_hides_least_bone() -> None:
    depth = EMPTY.depth_mm.copy()
    depth[: PX // 2] = -30.0  # bone in the upper half, behind the line
    plate = drawn(Picture(EMPTY.rgb, depth)).find("rect")
    assert plate is not None
    assert float(plate.attrib["y"]) > PX / 2


@pytest.mark.parametrize(
    "end", [[0.0, 0, 0], [60.0, 0, 0], [0, 0, 20.0]], ids=["contact", "outside", "end-on"]
)
def test_a_line_without_direction_or_out_of_view_still_has_its_value(end: list[float]) -> None:
    root = drawn(marks=replace(MARKS, line_mm=np.array([[0.0, 0, 0], end]), line_label="0.0 mm"))
    assert "0.0 mm" in words(root)


def test_without_a_measurement_there_is_no_line() -> None:
    root = drawn(marks=replace(MARKS, line_mm=None))
    assert root.find("rect") is None
    assert "20.0 mm" not in words(root)


@pytest.mark.parametrize(("mm_per_px", "bar"), [(0.25, 20), (0.125, 10), (220 / PX, 50), (0.01, 1)])
def test_scale_bar_is_as_long_as_it_says(mm_per_px: float, bar: int) -> None:
    camera = replace(CAMERA, mm_per_px=mm_per_px)
    root = fromstring(svg(EMPTY, camera, replace(MARKS, line_mm=None), key="k", title="T", description="D"))
    assert f"{bar} mm" in words(root)
    longest = max(lengths(root, "3.0")) / MM_PER_PX * mm_per_px
    assert longest == pytest.approx(bar, abs=2 * TENTH_PX * mm_per_px)


def test_sphere_rings_and_letters() -> None:
    marks = replace(
        MARKS,
        circle_mm=(np.array([5.0, 5, 0]), 12.0),
        points_mm=np.array([[1.0, 2, 3]]),
        letters={"left": "L", "right": "R", "top": "", "bottom": "I"},
    )
    root = drawn(marks=marks)
    radii = {float(e.attrib["r"]) for e in root.iter("circle")}
    assert 12.0 / MM_PER_PX in radii
    assert {"L", "R", "I"} <= set(words(root))
    assert "" not in words(root)

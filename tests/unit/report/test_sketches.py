"""Drawings of measurements: told in words, the same every time, true to the surfaces."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from ischio import phantoms
from ischio.measures import REGISTRY, run
from ischio.report.radiograph import radiograph, thickness
from ischio.report.raster import Camera
from ischio.report.sketches import sketch_pictures
from ischio.types import Measurement, Pelvis, Side

THICK_MM = 1e-9


@pytest.fixture(scope="module")
def pelvis() -> Pelvis:
    return phantoms.whole_pelvis()


@pytest.fixture(scope="module")
def rows(pelvis: Pelvis) -> tuple[Measurement, ...]:
    return run(pelvis, tuple(Side))


def test_every_sketch_is_drawn_for_each_side(pelvis: Pelvis, rows: tuple[Measurement, ...]) -> None:
    drawn = sketch_pictures(rows, pelvis, "LPS")
    for row in rows:
        wanted = 0 if row.sketch is None else bool(row.sketch.strokes) + bool(row.sketch.clock)
        sides = sum(other.name == row.name and other.sketch is not None for other in rows)
        assert len(drawn.get(row.name, [])) == wanted * sides


def test_measures_that_need_a_picture_have_one(rows: tuple[Measurement, ...]) -> None:
    without = {row.name for row in rows if row.value is not None and row.sketch is None}
    assert without == {
        "femoral_head_radius",
        "ischiofemoral_space_3d",  # both drawn on the hip's own pictures
        "mckibbin_index",  # sums of what is drawn elsewhere
    }


def test_pictures_have_titles_descriptions_and_own_names(
    pelvis: Pelvis, rows: tuple[Measurement, ...]
) -> None:
    names: list[str] = []
    for pictures in sketch_pictures(rows, pelvis, "LPS").values():
        for picture in pictures:
            root = ElementTree.fromstring(picture.svg)
            assert root.attrib["role"] == "img"
            title, words = root[0], root[1]
            assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {words.attrib['id']}"
            assert title.text
            assert words.text
            assert picture.caption
            names.append(title.attrib["id"])
    assert len(set(names)) == len(names)


def test_the_value_is_written_in_the_picture(pelvis: Pelvis, rows: tuple[Measurement, ...]) -> None:
    row = next(row for row in rows if row.name == "lateral_centre_edge_angle" and row.side is Side.LEFT)
    pictures = sketch_pictures([row], pelvis, "LPS")["lateral_centre_edge_angle"]
    assert f">{row.value:.1f}°<" in pictures[0].svg


def test_equal_measurements_give_equal_pictures(pelvis: Pelvis, rows: tuple[Measurement, ...]) -> None:
    assert sketch_pictures(rows, pelvis, "LPS") == sketch_pictures(rows, pelvis, "LPS")


def test_unknown_directions_get_no_letters(rows: tuple[Measurement, ...]) -> None:
    hip = phantoms.anatomy(Side.LEFT)
    lost = Pelvis(
        left=phantoms.anatomy(Side.LEFT).__class__(
            hip.side, hip.hip_bone, hip.femur, hip.landmarks, hip.regions, {}, (), hip.posture, {}, hip.curves
        ),
        right=None,
        sacrum=None,
        landmarks={},
        frames={},
    )
    pictures = sketch_pictures(run(lost, (Side.LEFT,)), lost, "unknown")["neck_shaft_angle"]
    assert not re.search(r">[RLAPSI]{1,3}<", pictures[0].svg)


def test_no_measures_no_pictures(pelvis: Pelvis) -> None:
    assert sketch_pictures([], pelvis, "LPS") == {}
    assert len(REGISTRY) >= 25


def test_thickness_of_a_box_is_its_depth() -> None:
    """From any oblique side a convex body is as thick as the ray through it is long."""
    vertices, faces = phantoms.hips._box([-10.0, -10.0, -5.0], [10.0, 10.0, 5.0], 3.0)
    camera = Camera(np.zeros(3), *np.eye(3), 30, 30, 1.0)
    seen = thickness(camera.project(vertices)[faces], 30, 30)
    assert seen[15, 15] == pytest.approx(10.0, abs=THICK_MM)
    assert seen[0, 0] == 0
    turn = np.radians(30)
    right = np.array([np.cos(turn), 0, -np.sin(turn)])
    toward = np.array([np.sin(turn), 0, np.cos(turn)])
    tilted = Camera(np.zeros(3), right, np.eye(3)[1], toward, 31, 31, 1.0)
    through = thickness(tilted.project(vertices)[faces], 31, 31)[15, 15]
    assert through == pytest.approx(10.0 / np.cos(turn), abs=THICK_MM)


def test_more_bone_is_brighter() -> None:
    camera = Camera(np.zeros(3), *np.eye(3), 20, 20, 1.0)
    boxes = [phantoms.hips._box([-5.0, -5.0, -half], [5.0, 5.0, half], 5.0) for half in (2.0, 10.0)]
    thin, thick = (int(radiograph([box], camera)[10, 10].sum()) for box in boxes)
    air = int(radiograph([boxes[0]], camera)[0, 0].sum())
    assert air < thin < thick


def test_nothing_in_view_is_air() -> None:
    assert thickness(np.zeros((0, 3, 3)), 4, 3).tolist() == np.zeros((3, 4)).tolist()

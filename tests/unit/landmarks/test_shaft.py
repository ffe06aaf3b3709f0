"""Axes of a shaft that is known by its formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import Array
from ischio.landmarks.shaft import SHAFT_AXES, shaft_axes
from ischio.types import Bone, Frame, Landmark, Side

RADIUS_MM, SPOKES = 13.0, 48
FRAME = Frame("patient", "made-up")
AXIS_DEG, AXIS_MM = 0.05, 0.05  # centroids of regular polygons are exact but for the last step of the search
WIDTH_MM = 80.0


def tube(*, bow_mm: float = 0.0, low_mm: float = -420.0, high_mm: float = 30.0, inner: bool = False) -> Bone:
    """A tube about z from ``low_mm`` up, bowed forwards (-y) by ``bow_mm`` in its middle."""
    z = np.arange(low_mm, high_mm, 4.0)
    middle = -bow_mm * np.sin(np.pi * np.clip(-z / 400.0, 0, 1))
    turn = np.arange(SPOKES) * 2 * np.pi / SPOKES
    walls = []
    for radius in (RADIUS_MM, RADIUS_MM / 2)[: 2 if inner else 1]:
        walls.append(
            np.stack(
                [
                    np.tile(radius * np.cos(turn), (len(z), 1)),
                    middle[:, None] + radius * np.sin(turn),
                    np.repeat(z[:, None], SPOKES, 1),
                ],
                axis=-1,
            ).reshape(-1, 3)
        )
    here = (np.arange(len(z) - 1)[:, None] * SPOKES + np.arange(SPOKES)).ravel()
    there = (np.arange(len(z) - 1)[:, None] * SPOKES + (np.arange(SPOKES) + 1) % SPOKES).ravel()
    faces = np.concatenate(
        [np.stack([here, there, there + SPOKES], 1), np.stack([here, there + SPOKES, here + SPOKES], 1)]
    )
    faces = np.concatenate([faces + k * len(walls[0]) for k in range(len(walls))])
    return Bone("femur", Side.LEFT, np.concatenate(walls), faces, FRAME, 3.0, "tube")


def marks(*, knee: bool = True) -> dict[str, Landmark]:
    """Tip beside the tube at z = 0 and a knee whose lowest point lies 400 mm below."""
    places = {"lesser_trochanter_tip": (0.0, 20.0, 0.0)}
    if knee:
        places |= {
            "epicondyle_lateral": (WIDTH_MM / 2, 0.0, -380.0),
            "epicondyle_medial": (-WIDTH_MM / 2, 0.0, -380.0),
            "distal_condyle_lateral": (20.0, 0.0, -400.0),
            "distal_condyle_medial": (-20.0, 0.0, -400.0),
        }
    return {
        name: Landmark(name, Side.LEFT, np.array(place), FRAME, 1.0, "made@1")
        for name, place in places.items()
    }


ROUGH = (np.array([2.0, -1.0, -40.0]), np.array([0.0, np.sin(0.05), np.cos(0.05)]))


def direction(mark: Landmark) -> Array:
    return np.array(mark.detail["direction"])


@pytest.mark.parametrize("inner", [False, True])
def test_the_axis_of_a_straight_shaft_in_any_frame(inner: bool, rng: np.random.Generator) -> None:
    """Also where the marrow has a surface of its own."""
    motion = phantoms.random_motion(rng)
    bone = tube(inner=inner)
    bone = replace(bone, vertices_mm=motion.apply(bone.vertices_mm))
    moved = {name: replace(mark, point_mm=motion.apply(mark.point_mm)) for name, mark in marks().items()}
    rough = motion.apply(ROUGH[0]), motion.matrix[:3, :3] @ ROUGH[1]
    found, reasons = shaft_axes(bone, Side.LEFT, moved, rough)
    assert set(found) == set(SHAFT_AXES)
    assert not reasons
    for mark in found.values():
        assert direction(mark) @ motion.matrix[:3, 2] > np.cos(np.radians(AXIS_DEG))
        assert np.linalg.norm(motion.inverse().apply(mark.point_mm)[:2]) < AXIS_MM
        assert mark.detail["sigma_deg"] < 0.5
    assert found["shaft_axis_proximal"].detail["levels_mm"] == pytest.approx([20, 80])
    assert found["shaft_axis"].detail["levels_mm"] == pytest.approx([20, 400 - WIDTH_MM])


def test_a_bowed_shaft_has_a_less_certain_whole_axis() -> None:
    straight, _ = shaft_axes(tube(), Side.LEFT, marks(), ROUGH)
    bowed, _ = shaft_axes(tube(bow_mm=10.0), Side.LEFT, marks(), ROUGH)
    assert bowed["shaft_axis"].detail["rms_mm"] > 1.0 > straight["shaft_axis"].detail["rms_mm"]
    assert bowed["shaft_axis"].detail["sigma_deg"] > straight["shaft_axis"].detail["sigma_deg"]
    # The proximal part of a shaft that is bowed forwards leans forwards going down.
    assert direction(bowed["shaft_axis_proximal"])[1] > 0.05


def test_without_a_knee_only_the_proximal_axis_is_there() -> None:
    found, reasons = shaft_axes(tube(), Side.LEFT, marks(knee=False), ROUGH)
    assert set(found) == {"shaft_axis_proximal"}
    assert "the knee is missing" in reasons["shaft_axis"]


@pytest.mark.parametrize(("low_mm", "is_there"), [(-62.0, True), (-45.0, False)])
def test_a_shaft_that_is_cut_short(low_mm: float, is_there: bool) -> None:
    found, reasons = shaft_axes(tube(low_mm=low_mm), Side.LEFT, marks(), ROUGH)
    assert ("shaft_axis_proximal" in found) == is_there
    assert ("shaft_axis_proximal" in reasons) != is_there
    assert "of the shaft's length is there" in reasons["shaft_axis"]


def test_a_knee_too_near_to_be_of_this_femur_is_no_knee() -> None:
    near = {name: replace(mark, point_mm=mark.point_mm * [1, 1, 0.3]) for name, mark in marks().items()}
    assert "shaft_axis" in shaft_axes(tube(), Side.LEFT, near, ROUGH)[1]

"""The isthmus of a neck that is known by its formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.landmarks.neck import neck_isthmus
from ischio.types import Bone, Frame, Side

HEAD_MM, WAIST_MM, WAIST_AT_MM = 24.0, 14.0, 33.0
SECTION_MM = 1.2  # sections stand 1.2 mm apart
AXIS_DEG = 2.0
AREA_SHARE = 0.02
BUMP_MM, BUMP_WIDTH_MM = 5.0, 4.0

SPOKES = 64


def neck(low_mm: float = -22.0, high_mm: float = 70.0, *, missing: bool = False) -> Bone:
    """A body of revolution about z: a waist below the head's centre, wider either side."""
    z = np.linspace(low_mm, high_mm, 80)
    radius = WAIST_MM + 0.012 * (z - WAIST_AT_MM) ** 2
    turn = np.arange(SPOKES) * 2 * np.pi / SPOKES
    vertices = np.stack(
        [np.outer(radius, np.cos(turn)), np.outer(radius, np.sin(turn)), np.repeat(z[:, None], SPOKES, 1)], -1
    ).reshape(-1, 3)
    here = (np.arange(79)[:, None] * SPOKES + np.arange(SPOKES)).ravel()
    there = (np.arange(79)[:, None] * SPOKES + (np.arange(SPOKES) + 1) % SPOKES).ravel()
    faces = np.concatenate(
        [np.stack([here, there, there + SPOKES], 1), np.stack([here, there + SPOKES, here + SPOKES], 1)]
    )
    if missing:
        faces = faces[vertices[faces].mean(axis=1)[:, 2] < 5]
    return Bone("femur", Side.LEFT, vertices, faces, Frame("patient", "made-up"), 1.5, "neck")


@pytest.mark.parametrize("lean_mm", [0.0, 15.0])
def test_the_waist_is_found_in_any_frame(lean_mm: float, rng: np.random.Generator) -> None:
    """Even from a first direction that leans by 12 degrees."""
    bone = neck()
    motion = phantoms.random_motion(rng)
    moved = Bone(
        bone.name, bone.side, motion.apply(bone.vertices_mm), bone.faces, bone.frame, 1.5, bone.source
    )
    head = motion.apply(np.zeros(3)), HEAD_MM
    base = motion.apply(np.array([lean_mm, 0.0, 70.0]))
    centre, axis, area = neck_isthmus(moved, head, base)
    assert np.linalg.norm(centre - motion.apply(np.array([0.0, 0.0, WAIST_AT_MM]))) < SECTION_MM
    assert axis @ -motion.matrix[:3, 2] > np.cos(np.radians(AXIS_DEG))
    assert area == pytest.approx(np.pi * WAIST_MM**2, rel=AREA_SHARE)


def even_neck(bump_mm: float, at_mm: float) -> Bone:
    """A neck of nearly even width, with a bump on one side."""
    bone = neck()
    turn = np.arctan2(bone.vertices_mm[:, 1], bone.vertices_mm[:, 0])
    z = bone.vertices_mm[:, 2]
    radius = WAIST_MM + np.where(np.abs(z - WAIST_AT_MM) < 8, 0.0, 0.3 * (np.abs(z - WAIST_AT_MM) - 8))
    radius = radius + 0.02 * np.abs(z - WAIST_AT_MM)
    radius = radius + bump_mm * np.exp(-0.5 * ((z - at_mm) / 4.0) ** 2) * np.exp(
        -0.5 * (WAIST_MM * turn / 4.0) ** 2
    )
    vertices = np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
    return replace(bone, vertices_mm=vertices)


@pytest.mark.parametrize("at_mm", [29.0, 33.0, 38.0])
def test_a_bump_on_a_neck_of_even_width_moves_its_isthmus_little(at_mm: float) -> None:
    head, base = (np.zeros(3), HEAD_MM), np.array([0.0, 0.0, 70.0])
    centre = neck_isthmus(even_neck(BUMP_MM, at_mm), head, base)[0]
    assert np.linalg.norm(centre - neck_isthmus(even_neck(0.0, at_mm), head, base)[0]) < BUMP_MM


def test_a_neck_that_is_not_there_is_said() -> None:
    with pytest.raises(CannotMeasure, match="no section across the femoral neck closes"):
        neck_isthmus(neck(missing=True), (np.zeros(3), HEAD_MM), np.array([0.0, 0.0, 70.0]))

"""The base of a region whose border is a known circle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio.landmarks.trochanter_base import trochanter_base
from ischio.types import Bone, Frame, Landmark, Region, Side

FRAME = Frame("patient", "made-up")
RADIUS_MM, HEIGHT_MM, SPOKES = 10.0, 8.0, 40
CHORD_SHARE = 0.01
SAMPLING_MM = 1e-4  # the outline is sampled from another start


def cone() -> tuple[Bone, Landmark]:
    """A cone over a circle at z = 0, standing on a wider skirt; its faces are the first ``SPOKES``."""
    turn = np.arange(SPOKES) * 2 * np.pi / SPOKES
    ring = np.stack([np.cos(turn), np.sin(turn), np.zeros(SPOKES)], axis=1)
    vertices = np.concatenate([[[0.0, 0, HEIGHT_MM]], RADIUS_MM * ring, 2 * RADIUS_MM * ring])
    here, there = 1 + np.arange(SPOKES), 1 + (np.arange(SPOKES) + 1) % SPOKES
    faces = np.concatenate(
        [
            np.stack([np.zeros(SPOKES, dtype=int), here, there], 1),
            np.stack([here, here + SPOKES, there + SPOKES], 1),
            np.stack([here, there + SPOKES, there], 1),
        ]
    )
    tip = Landmark("lesser_trochanter_tip", Side.RIGHT, vertices[0], FRAME, 1.5, "made@1")
    return Bone("femur", Side.RIGHT, vertices, faces, FRAME, 1.5, "cone"), tip


def region(rows: np.ndarray) -> Region:
    return Region("lesser_trochanter", Side.RIGHT, "femur", rows, 300.0, "made@1")


def test_the_base_of_a_cone_in_any_frame(rng: np.random.Generator) -> None:
    motion = phantoms.random_motion(rng)
    bone, tip = cone()
    bone = replace(bone, vertices_mm=motion.apply(bone.vertices_mm))
    tip = replace(tip, point_mm=motion.apply(tip.point_mm))
    base = trochanter_base(bone, region(np.arange(SPOKES)), tip)
    assert motion.inverse().apply(base.point_mm) == pytest.approx(np.zeros(3), abs=SAMPLING_MM)
    assert base.detail["normal"] == pytest.approx(motion.matrix[:3, 2])
    assert base.detail["height_mm"] == pytest.approx(HEIGHT_MM)
    assert base.detail["border_mm"] == pytest.approx(2 * np.pi * RADIUS_MM, rel=CHORD_SHARE)
    assert base.detail["rms_mm"] == pytest.approx(0, abs=1e-6)
    assert base.sigma_mm > tip.sigma_mm
    assert base.side is Side.RIGHT


def test_a_hole_in_the_region_does_not_move_its_base() -> None:
    bone, tip = cone()
    whole = trochanter_base(bone, region(np.arange(3 * SPOKES)), tip)
    holed = trochanter_base(bone, region(np.arange(1, 3 * SPOKES)), tip)
    assert holed.point_mm == pytest.approx(whole.point_mm, abs=SAMPLING_MM)
    assert holed.detail["border_mm"] == pytest.approx(whole.detail["border_mm"])

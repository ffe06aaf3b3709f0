"""A flat plate on a block that leans away on all sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.landmarks.endplate import endplate
from ischio.types import Bone, Frame

HALF_MM = (24.0, 16.0)  # of an ellipse, across and from front to back
CENTRE_MM, NORMAL_DEG = 0.6, 0.5
AREA_SHARE = 0.08  # faces end at the mesh's edges


def block(*, hollow_mm: float = 0.0, share: float = 1.0) -> Bone:
    """A plate z = 0 over an ellipse, hollow in the middle, whose surroundings fall away by 45 degrees."""
    ticks = np.arange(-45.0, 45.5, 1.0)
    x, y = np.meshgrid(ticks, ticks, indexing="ij")
    reach = np.sqrt((x / (share * HALF_MM[0])) ** 2 + (y / (share * HALF_MM[1])) ** 2)
    outside = np.clip(reach - 1, 0, None) * share * HALF_MM[1]
    z = -1.2 * outside - hollow_mm * np.clip(1 - reach**2, 0, None)
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    n = len(ticks)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + n, corner + n + 1], 1),
            np.stack([corner, corner + n + 1, corner + 1], 1),
        ]
    )
    return Bone("sacrum", None, vertices, faces, Frame("patient", "made-up"), 1.0, "block")


@pytest.mark.parametrize("hollow_mm", [0.0, 2.0])
def test_the_plate_is_found_from_a_rough_start_in_any_frame(
    hollow_mm: float, rng: np.random.Generator
) -> None:
    motion = phantoms.random_motion(rng)
    bone = block(hollow_mm=hollow_mm)
    bone = replace(bone, vertices_mm=motion.apply(bone.vertices_mm))
    leaning = motion.matrix[:3, :3] @ np.array([0.1, 0.15, np.sqrt(1 - 0.0325)])
    plate = endplate(bone, motion.apply(np.array([4.0, -3.0, 0.0])), leaning)
    assert np.linalg.norm(motion.inverse().apply(plate.point_mm)[:2]) < CENTRE_MM
    assert np.array(plate.detail["normal"]) @ motion.matrix[:3, 2] > np.cos(np.radians(NORMAL_DEG))
    area = np.pi * HALF_MM[0] * HALF_MM[1]
    assert plate.detail["area_mm2"] == pytest.approx(area, rel=AREA_SHARE)
    assert plate.detail["rms_mm"] < hollow_mm / 2 + 0.1
    assert plate.side is None


def test_a_rougher_plate_has_a_less_certain_direction() -> None:
    start = np.zeros(3), np.array([0.0, 0.0, 1.0])
    smooth, hollow = (endplate(block(hollow_mm=d), *start) for d in (0.0, 3.0))
    assert hollow.detail["sigma_deg"] > smooth.detail["sigma_deg"]


@pytest.mark.parametrize(
    ("share", "height_mm", "words"), [(0.4, 0.0, "is not seen: "), (1.0, 100.0, "no flat surface lies")]
)
def test_what_is_no_plate_is_said(share: float, height_mm: float, words: str) -> None:
    with pytest.raises(CannotMeasure, match=words):
        endplate(block(share=share), np.array([0.0, 0.0, height_mm]), np.array([0.0, 0.0, 1.0]))

"""The edge of a socket that is known by its formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.landmarks.findings import SurfaceIndex
from ischio.landmarks.rim import find_rim, resampled, rim_findings, smoothed
from ischio.types import Bone, Frame, Side

RADIUS_MM, WALL_MM = 25.0, 8.0
EDGE_MM = 1.0  # the soft edge of a right angle lies within the mesh's edge of the sharp one
CENTRE_MM, NORMAL_DEG = 0.3, 0.5
ON_SURFACE_MM = 1e-6
SPOKES = 160


def cup(*, missing_deg: float = 0.0) -> Bone:
    """Half a hollow sphere about the origin that opens along z, with a flat lip and a steep outer wall.

    The lip slopes outwards by 45 degrees, so that the edge is where the hollow ends, at z = 0.
    """
    inner = np.linspace(0, np.pi / 2, 30)
    profile = [(RADIUS_MM * np.sin(a), -RADIUS_MM * np.cos(a)) for a in inner]
    profile += [(RADIUS_MM + d, -d) for d in np.arange(1.0, WALL_MM + 0.5)]
    profile += [(RADIUS_MM + WALL_MM, -z) for z in np.arange(WALL_MM + 1.5, 40.0, 1.5)]
    radius, height = np.array(profile).T
    turn = np.arange(SPOKES) * 2 * np.pi / SPOKES
    vertices = np.stack(
        [
            np.outer(radius, np.cos(turn)),
            np.outer(radius, np.sin(turn)),
            np.repeat(height[:, None], SPOKES, 1),
        ],
        axis=-1,
    ).reshape(-1, 3)
    here = (np.arange(len(radius) - 1)[:, None] * SPOKES + np.arange(SPOKES)).ravel()
    there = (np.arange(len(radius) - 1)[:, None] * SPOKES + (np.arange(SPOKES) + 1) % SPOKES).ravel()
    faces = np.concatenate(
        [np.stack([here, there, there + SPOKES], 1), np.stack([here, there + SPOKES, here + SPOKES], 1)]
    )[:, ::-1]
    middle = vertices[faces].mean(axis=1)
    kept = np.abs(np.degrees(np.arctan2(middle[:, 1], middle[:, 0]))) >= missing_deg / 2
    return Bone("hip_bone", Side.LEFT, vertices, faces[kept], Frame("patient", "made-up"), 1.3, "cup")


def rough_rim(off_mm: float) -> Array:
    """A jagged circle near the edge."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = RADIUS_MM + off_mm * np.cos(7 * turn)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), off_mm * np.sin(5 * turn) - 1.0], axis=1)


@pytest.mark.parametrize("side", Side)
def test_the_edge_is_found_in_any_frame(side: Side, rng: np.random.Generator) -> None:
    motion = phantoms.random_motion(rng)
    bone = cup()
    bone = replace(bone, side=side, vertices_mm=motion.apply(bone.vertices_mm))
    rim = find_rim(bone, motion.apply(rough_rim(2.5)))
    curve, centre = rim_findings(bone, side, rim, motion.matrix[:3, 2])
    points = motion.inverse().apply(curve.points_mm)
    assert np.abs(np.linalg.norm(points[:, :2], axis=1) - RADIUS_MM).max() < EDGE_MM
    assert np.abs(points[:, 2]).max() < EDGE_MM
    assert np.linalg.norm(motion.inverse().apply(centre.point_mm)[:2]) < CENTRE_MM
    normal = np.array(centre.detail["normal"])
    assert normal @ motion.matrix[:3, 2] > np.cos(np.radians(NORMAL_DEG))
    assert curve.side is centre.side is side
    assert curve.detail["bridged_fraction"] == 0


def test_the_curve_is_closed_close_and_on_the_bone() -> None:
    bone = cup()
    points, bridged, missing = find_rim(bone, rough_rim(1.5))
    steps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    assert 0.5 < steps.min() <= steps.max() < 1.5
    assert steps.sum() == pytest.approx(2 * np.pi * RADIUS_MM, rel=0.05)
    surface = SurfaceIndex(bone.triangles_mm)
    feet = [surface.nearest(point, 1.0) for point in points]
    assert (
        max(np.linalg.norm(p - f) for p, f in zip(points, feet, strict=True) if f is not None) < ON_SURFACE_MM
    )
    assert not missing.any()
    assert not bridged.any()


def test_a_rim_that_is_cut_has_no_curve_but_a_reason() -> None:
    bone = cup(missing_deg=50)
    rim = find_rim(bone, rough_rim(1.0))
    assert 0.1 < rim[2].mean() < 0.3  # 50 of 360 degrees and what lies beside the cut
    with pytest.raises(CannotMeasure, match="of the acetabular rim is cut away"):
        rim_findings(bone, Side.LEFT, rim, np.array([0.0, 0, 1]))


def test_without_any_surface_the_rough_rim_is_left_and_said_to_be_missing() -> None:
    bone = cup()
    _, bridged, missing = find_rim(bone, rough_rim(0.0) + 500)
    assert missing.all()
    assert bridged.all()


def test_smoothing_leaves_a_constant_and_a_resampled_polygon_keeps_its_length() -> None:
    assert smoothed(np.full((20, 3), 4.0), 2.0) == pytest.approx(4.0)
    square = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    assert len(resampled(square, 1.0)) == 40

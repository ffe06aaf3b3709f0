"""A bone found again in another scan of another kind, moved by a known amount."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ischio._check import InputError
from ischio.bones.registration import register_bone
from ischio.io._volume import scanner_frame
from ischio.types import Bone, Volume

Mesh = tuple[np.ndarray, np.ndarray]
FOUND_MM = 0.5  # a third of the MR's voxel
RADII_MM = (30.0, 18.0, 24.0)


def scans(moved: np.ndarray, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """A CT with bright cortex, and an MR with dark cortex on another grid, in which the bone is moved."""
    out = []
    for spacing, hu, frame in ((1.5, (40.0, 1000.0, 80.0), "1.1"), (1.8, (300.0, 40.0, 700.0), "1.2")):
        n = int(110 / spacing)
        affine = np.diag([spacing, spacing, spacing, 1.0])
        affine[:3, 3] = -spacing * (n - 1) / 2
        index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
        points = index * spacing + affine[:3, 3]
        if frame == "1.2":
            back = np.linalg.inv(moved)
            points = points @ back[:3, :3].T + back[:3, 3]
        depth = np.linalg.norm(points / RADII_MM, axis=-1)
        depth = np.minimum(depth, np.linalg.norm((points - [22.0, 8, -10]) / 14.0, axis=-1))  # a bump
        values = np.select([depth < 0.82, depth < 1.0], [hu[2], hu[1]], hu[0])
        values = gaussian_filter(values, 0.7) + rng.normal(scale=20, size=values.shape)
        kind = ("CT", "HU") if frame == "1.1" else ("MR", "1")
        out.append(Volume(values.astype(np.int16), affine, scanner_frame(frame), *kind, "phantom"))
    return out[0], out[1]


@pytest.mark.slow
def test_a_moved_bone_is_found(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    angle = np.deg2rad(6.0)
    moved = np.eye(4)
    moved[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    moved[:3, 3] = (7.0, -4.0, 5.0)
    first, second = scans(moved, rng)
    vertices, faces = ball(2000, RADII_MM)
    inside = np.linalg.norm((vertices - [22.0, 8, -10]) / 14.0, axis=1) < 1
    assert inside.any()  # the bump, which the surface leaves out: it is no perfect ellipsoid in the scans
    bone = Bone("sacrum", None, vertices, faces, first.frame, 2.0, "phantom")
    found = register_bone(bone, first, second)
    assert (found.first_from_second.target, found.first_from_second.source) == (first.frame, second.frame)
    back = found.first_from_second.apply(vertices @ moved[:3, :3].T + moved[:3, 3])
    assert np.sqrt(((back - vertices) ** 2).sum(axis=1).mean()) < 2 * FOUND_MM
    assert found.moved_mm > 5
    assert found.ambiguity_mm < 2 * FOUND_MM
    assert found.residual_mm is not None
    assert found.residual_mm < 1.5
    assert not found.shares_frame


def test_scans_that_do_not_overlap(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    moved = np.eye(4)
    first, second = scans(moved, rng)
    affine = second.patient_from_voxel.copy()
    affine[:3, 3] += 200
    away = Volume(second.values, affine, second.frame, "MR", "1", "x")
    bone = Bone("sacrum", None, *ball(500, RADII_MM), first.frame, 2.0, "phantom")
    with pytest.raises(InputError, match="surroundings in both scans"):
        register_bone(bone, first, away)

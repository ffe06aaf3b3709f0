"""Solids: a closed surface in, cuts, and a surface out whose faces know where they came from."""

from __future__ import annotations

import numpy as np

from ischio.geometry.solids import half_space, level_solid, remains, solid_of, volume_above
from ischio.phantoms.hips import _capsule, _capsule_faces

AREA_MM2 = 1e-9  # float64 at the size of a bone


def test_every_face_left_lies_in_the_face_it_came_from(rng: np.random.Generator) -> None:
    corners, faces = _capsule(9.0, 12.0) + rng.normal(size=3) * 50, _capsule_faces(12.0)
    solid = solid_of(corners, faces, "capsule")
    normal = rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    middle = corners.mean(axis=0)
    left = remains(solid - half_space(normal, middle, 60.0), solid)
    triangles, whole = left.vertices_mm[left.faces], corners[faces]
    own = left.origin >= 0
    assert own.any()
    assert (~own).any()
    parents = whole[left.origin[own]]
    across = np.cross(parents[:, 1] - parents[:, 0], parents[:, 2] - parents[:, 0])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    off = np.einsum("nkj,nj->nk", triangles[own] - parents[:, :1], across)
    assert np.abs(off).max() < AREA_MM2
    assert np.abs((triangles[~own] - middle) @ normal).max() < AREA_MM2
    assert ((triangles[own] - middle) @ normal).max() < AREA_MM2


def test_a_ball_read_from_a_grid_has_the_volume_of_a_ball() -> None:
    low, step = np.array([-7.0, -8.0, -9.0]), 0.5
    nodes = low + step * np.stack(np.meshgrid(*(np.arange(36),) * 3, indexing="ij"), axis=-1)
    solid = level_solid(np.linalg.norm(nodes - 1.0, axis=-1), low, step, 5.0)
    # Edges across a cell's face are 0.5 * sqrt(2) mm long: they lie within 0.5 / (8 * 5) mm of the sphere.
    within_mm = (0.5 * np.sqrt(2)) ** 2 / (8 * 5.0)
    assert abs(solid.volume() / (4 / 3 * np.pi * 125) - 1) < 3 * within_mm / 5.0
    assert level_solid(np.ones((3, 3, 3)), low, step, 0.5).is_empty()


def test_volume_above_planes_is_that_of_the_trimmed_solid(rng: np.random.Generator) -> None:
    corners, faces = _capsule(9.0, 12.0) + rng.normal(size=3) * 50, _capsule_faces(12.0)
    solid = solid_of(corners, faces, "capsule")
    normals = rng.normal(size=(20, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    levels = normals @ corners.mean(axis=0) + rng.uniform(-15, 15, size=20)
    fast = volume_above(corners[faces], normals, levels)
    slow = [solid.trim_by_plane(tuple(n), level).volume() for n, level in zip(normals, levels, strict=True)]
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-6)

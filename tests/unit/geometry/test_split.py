"""Triangles split along a level line keep the surface and end exactly at the line."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry.sampling import face_normals
from ischio.geometry.split import split_at_level

ROUNDING_MM = 1e-9
SNAP = 0.05


def icosphere(levels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A closed sphere of radius 10 about the origin."""
    golden = (1 + 5**0.5) / 2
    corners = [p for a in (-1, 1) for b in (-golden, golden) for p in ((0, a, b), (a, b, 0), (b, 0, a))]
    vertices = np.array(corners, dtype=float)
    apart = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    near = np.isclose(apart, 2.0)
    faces = [
        (i, j, k)
        for i in range(12)
        for j in range(i)
        for k in range(j)
        if near[i, j] and near[j, k] and near[i, k]
    ]
    triangles = vertices[np.array(faces)]
    turned = (
        np.einsum(
            "ij,ij->i",
            np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]),
            triangles[:, 0],
        )
        < 0
    )
    triangles[turned] = triangles[turned][:, ::-1]
    for _ in range(levels):
        a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        triangles = np.concatenate(
            [np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
    triangles = 10 * triangles / np.linalg.norm(triangles, axis=2, keepdims=True)
    points, index = np.unique(np.round(triangles.reshape(-1, 3), 9), axis=0, return_inverse=True)
    return points, index.reshape(-1, 3)


def is_closed(faces: np.ndarray) -> bool:
    """Whether every edge runs once each way."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there = {tuple(e) for e in edges.tolist()}
    return len(there) == len(edges) and all((b, a) in there for a, b in there)


@pytest.mark.parametrize("snap", [0.0, SNAP])
def test_a_plane_through_a_sphere_in_random_frames(rng: np.random.Generator, snap: float) -> None:
    vertices, faces = icosphere()
    assert is_closed(faces)
    area = face_normals(vertices[faces])[1].sum()
    for _ in range(5):
        motion = phantoms.random_motion(rng)
        moved = motion.apply(vertices)
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        values = (moved - motion.apply(np.array([1.0, 2.0, 3.0]))) @ normal
        points, parts, parents = split_at_level(moved, faces, values, snap=snap)
        assert is_closed(parts)
        after = (points - motion.apply(np.array([1.0, 2.0, 3.0]))) @ normal
        assert np.abs(after[len(moved) :]).max() < ROUNDING_MM
        # No triangle is left on both sides of the line, but for what was snapped to it.
        assert (np.minimum(after[parts].max(axis=1), -after[parts].min(axis=1)) <= snap + ROUNDING_MM).all()
        normals, areas = face_normals(points[parts])
        assert areas.sum() == pytest.approx(area, rel=1e-12)
        np.testing.assert_allclose(np.bincount(parents, areas), face_normals(moved[faces])[1], rtol=1e-9)
        thick = areas > 1e-6  # of a thinner one the normal is rounding
        expected = face_normals(moved[faces])[0][parents]
        np.testing.assert_allclose(normals[thick], expected[thick], atol=1e-5)


def test_a_line_through_corners_splits_in_two() -> None:
    vertices = np.array([[0.0, 0, 0], [2, -1, 0], [2, 1, 0]])
    points, parts, parents = split_at_level(vertices, np.array([[0, 1, 2]]), vertices[:, 1])
    assert points[3:].tolist() == [[2.0, 0.0, 0.0]]
    assert parts.tolist() == [[0, 1, 3], [0, 3, 2]]
    assert parents.tolist() == [0, 0]


def test_a_field_of_one_sign_changes_nothing() -> None:
    vertices, faces = icosphere(1)
    points, parts, parents = split_at_level(vertices, faces, np.ones(len(vertices)))
    assert points is vertices
    assert parts is faces
    assert parents.tolist() == list(range(len(faces)))

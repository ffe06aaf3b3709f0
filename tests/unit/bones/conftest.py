"""Closed surfaces with exact answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Mesh = tuple[np.ndarray, np.ndarray]
Ball = Callable[..., Mesh]


def make_ball(
    n_points: int = 1000,
    radii_mm: tuple[float, float, float] = (20.0, 20.0, 20.0),
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Mesh:
    """A ball or ellipsoid: the hull of points spread along a spiral, faces outward."""
    from scipy.spatial import ConvexHull

    n = np.arange(n_points) + 0.5
    polar, turn = np.arccos(1 - 2 * n / n_points), np.pi * (1 + 5**0.5) * n
    points = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    faces = ConvexHull(points).simplices.astype(np.int64)
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    inward = np.einsum("ij,ij->i", normals, points[faces].mean(axis=1)) < 0
    faces[inward] = faces[inward][:, ::-1]
    return points * np.array(radii_mm) + np.array(centre_mm), faces


@pytest.fixture
def ball() -> Ball:
    """Make a ball."""
    return make_ball


@pytest.fixture
def join() -> Callable[..., Mesh]:
    """Put surfaces into one list of vertices and faces."""

    def joined(*meshes: Mesh) -> Mesh:
        starts = np.cumsum([0] + [len(vertices) for vertices, _ in meshes[:-1]])
        faces = [faces + start for (_, faces), start in zip(meshes, starts, strict=True)]
        return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces)

    return joined


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed surface; positive when its faces are outward."""
    a, b, c = np.moveaxis(vertices[faces] - vertices.mean(axis=0), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.fixture
def volume() -> Callable[[np.ndarray, np.ndarray], float]:
    """Signed volume of a surface."""
    return signed_volume

"""Smooth moves of a surface to edges and marked points."""

from __future__ import annotations

import numpy as np

from ischio.bones.mr_local import moved_locally

N = 31
SIDE_MM = 4.0
BUMP_MM = 4.0


def sheet() -> tuple[np.ndarray, np.ndarray]:
    """A flat sheet whose normal points up."""
    i, j = np.meshgrid(np.arange(N), np.arange(N), indexing="ij")
    points = np.stack([i.ravel() * SIDE_MM, j.ravel() * SIDE_MM, np.zeros(N * N)], axis=1)
    corner = (i[:-1, :-1] * N + j[:-1, :-1]).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + N, corner + 1], 1), np.stack([corner + N, corner + N + 1, corner + 1], 1)]
    )
    return points, faces


def bump(points: np.ndarray) -> np.ndarray:
    """Height of the true surface."""
    away = np.linalg.norm(points[:, :2] - N * SIDE_MM / 2, axis=1)
    return BUMP_MM * np.exp(-0.5 * (away / 15.0) ** 2)


def nothing() -> tuple[np.ndarray, np.ndarray]:
    """No marked points."""
    return np.zeros((0, 3)), np.zeros(0)


def test_the_surface_goes_to_the_edges(rng: np.random.Generator) -> None:
    points, faces = sheet()

    def find(at: np.ndarray, _normals: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        away = bump(at) - at[:, 2] + rng.normal(scale=0.7, size=len(at))
        return np.where(np.abs(away) < reach, away, np.nan), np.ones(len(at))

    moved = moved_locally(points, faces, find, nothing())
    assert np.sqrt(np.mean((moved[:, 2] - bump(points)) ** 2)) < 0.7  # less than the edges' own scatter
    np.testing.assert_array_equal(moved[:, :2], points[:, :2])


def test_nothing_moves_where_nothing_is_seen() -> None:
    points, faces = sheet()

    def find(at: np.ndarray, _normals: np.ndarray, _reach: float) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(at), np.nan), np.zeros(len(at))

    np.testing.assert_allclose(moved_locally(points, faces, find, nothing()), points, atol=1e-9)
    marked = np.array([[60.0, 60.0, 3.0]])
    moved = moved_locally(points, faces, find, (marked, np.array([0.7])))
    at = int(np.argmin(np.linalg.norm(points - [60.0, 60.0, 0.0], axis=1)))
    assert 1.5 < moved[at, 2] <= 3.0
    assert np.abs(moved[np.linalg.norm(points - points[at], axis=1) > 60, 2]).max() < 0.2

"""The depth buffer against a slow twin, its seams, and the camera."""

from __future__ import annotations

import numpy as np
import pytest

from ischio._check import Array
from ischio.report.raster import Camera, z_buffer

POINT_NOISE_MM = 1e-9  # float64 within 1 m of the origin
SLIVER_MM = 1e-6  # the same on triangles a thousand times longer than wide
WIDTH, HEIGHT = 37, 29  # neither equal nor round


def random_axes(rng: np.random.Generator) -> Array:
    """Three right-handed unit vectors."""
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.asarray(axes * np.linalg.det(axes))


def slow_z_buffer(corners: Array, width: int, height: int) -> Array:
    """Depth of every triangle at every pixel, minus infinity outside, shape (F, height, width)."""
    out = np.full((len(corners), height, width), -np.inf)
    for f, (p, q, r) in enumerate(corners):
        basis = np.array([[p[0], q[0], r[0]], [p[1], q[1], r[1]], [1.0, 1.0, 1.0]])
        for i in range(height):
            for j in range(width):
                weights = np.linalg.solve(basis, [j + 0.5, i + 0.5, 1.0])
                if weights.min() >= 0:
                    out[f, i, j] = weights @ [p[2], q[2], r[2]]
    return out


@pytest.mark.parametrize("size_px", [0.7, 4.0, 60.0])
def test_depth_buffer_agrees_with_its_slow_twin(rng: np.random.Generator, size_px: float) -> None:
    n = 40
    centres = rng.uniform([-5, -5, -50], [WIDTH + 5, HEIGHT + 5, 50], size=(n, 3))  # some are outside
    corners = centres[:, None] + rng.normal(size=(n, 3, 3)) * [size_px, size_px, 20.0]
    face, depth = z_buffer(corners, WIDTH, HEIGHT)
    slow = slow_z_buffer(corners, WIDTH, HEIGHT)
    assert np.array_equal(face >= 0, np.isfinite(slow).any(axis=0))
    rows, columns = np.nonzero(face >= 0)
    nearest = slow.max(axis=0)[rows, columns]
    assert np.abs(depth[rows, columns] - nearest).max() < SLIVER_MM
    assert (nearest - slow[face[rows, columns], rows, columns] < SLIVER_MM).all()
    assert (depth[face < 0] == -np.inf).all()


def test_no_crack_opens_between_neighbours(rng: np.random.Generator) -> None:
    """A crumpled sheet that covers the picture covers every pixel, slivers and all."""
    side = 24
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) / (side - 1)
    inner = ((grid > 0) & (grid < 1)).all(axis=1)
    grid[inner] += rng.uniform(-0.45, 0.45, size=(inner.sum(), 2)) / (side - 1)
    turn = random_axes(rng)[:2, :2] / 8 + np.eye(2)
    flat = (grid - 0.5) @ turn.T * 3 * WIDTH + [WIDTH / 2, HEIGHT / 2]
    points = np.column_stack([flat, rng.normal(size=len(flat))])
    k = np.arange(side * side).reshape(side, side)
    a, b, c, d = (x.ravel() for x in (k[:-1, :-1], k[:-1, 1:], k[1:, 1:], k[1:, :-1]))
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    face, _ = z_buffer(points[faces], WIDTH, HEIGHT)
    assert (face >= 0).all()


def test_equal_depth_goes_to_the_lower_number() -> None:
    triangle = np.array([[-9.0, -9, 3], [90, -9, 3], [-9, 90, 3]])
    face, depth = z_buffer(np.stack([triangle - [0, 0, 1], triangle, triangle[::-1]]), WIDTH, HEIGHT)
    assert (face == 1).all()
    assert np.abs(depth - 3).max() < SLIVER_MM


@pytest.mark.parametrize(
    "corners",
    [
        np.empty((0, 3, 3)),
        [[[2.0, 2, 0], [5, 5, 0], [9, 9, 0]]],  # seen edge-on
        [[[-9.0, 2, 0], [-5, 2, 0], [-5, 9, 0]]],  # beside the picture
        [[[4.6, 4.6, 0], [5.4, 4.6, 0], [4.6, 5.4, 0]]],  # between pixel centres
    ],
    ids=["nothing", "edge-on", "beside", "between"],
)
def test_what_covers_no_pixel_is_not_seen(corners: Array) -> None:
    face, depth = z_buffer(np.asarray(corners), WIDTH, HEIGHT)
    assert (face == -1).all()
    assert (depth == -np.inf).all()


def test_camera_shows_true_lengths(rng: np.random.Generator) -> None:
    right, up, toward = random_axes(rng)
    centre = rng.normal(size=3) * 100
    camera = Camera(centre, right, up, toward, 200, 100, 0.5)
    seen = camera.project(centre + np.array([[0, 0, 0], 10 * right, 10 * up, 10 * toward]))
    expected = [[100, 50, 0], [120, 50, 0], [100, 30, 0], [100, 50, 10]]  # rows count downwards
    assert np.abs(seen - expected).max() < POINT_NOISE_MM


def test_a_mirrored_camera_is_refused() -> None:
    x, y, z = np.eye(3)
    with pytest.raises(ValueError, match="mirror"):
        Camera(np.zeros(3), y, x, z, 10, 10, 1.0)

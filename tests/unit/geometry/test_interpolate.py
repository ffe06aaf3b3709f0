"""Values between voxels against scipy's, on oblique grids of every kind of number and order in memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates, spline_filter, zoom
from scipy.spatial.transform import Rotation

from ischio.geometry.interpolate import divided, values_at

SHAPE = (11, 9, 14)
ROUNDING = 1e-9  # of values about 100 whose weights are rounded in another order
SINGLE = 1e-5  # the same in single precision


def grid(rng: np.random.Generator) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=int(rng.integers(1000))).as_matrix() * [0.7, -0.9, 2.5]
    matrix[:3, 3] = rng.normal(size=3) * 50
    return matrix


def by_scipy(values: np.ndarray, voxels: np.ndarray, order: int) -> np.ndarray:
    is_in = ((voxels >= -0.5) & (voxels <= np.array(values.shape) - 0.5)).all(axis=-1)
    found = map_coordinates(
        values, voxels.reshape(-1, 3).T, order=order, mode="nearest", output=np.float64, prefilter=False
    )
    return np.where(is_in, found.reshape(voxels.shape[:-1]), np.nan)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("kind", ["<i2", ">i2", "u1", "f4", "f8"])
@pytest.mark.parametrize("turned", [False, True])
def test_as_by_scipy(rng: np.random.Generator, order: int, kind: str, turned: bool) -> None:
    values = (100 * rng.random(SHAPE)).astype(kind)
    if order == 3:
        values = spline_filter(values.astype(np.float32), 3, output=np.float32, mode="nearest")
    if turned:
        values = np.flip(values.transpose(2, 0, 1), axis=1)
    values.flags.writeable = False
    matrix = grid(rng)
    voxels = rng.uniform(-1.5, np.array(values.shape) + 0.5, (40, 50, 3))
    points = voxels @ matrix[:3, :3].T + matrix[:3, 3]
    found = values_at(values, matrix, points, order=order)
    expected = by_scipy(values.astype(np.float64), voxels, order)
    assert np.isnan(found).any()
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_voxels_have_their_own_values(rng: np.random.Generator) -> None:
    values = rng.random(SHAPE)
    at = np.argwhere(np.ones(SHAPE, dtype=bool)).astype(float)
    for order in (0, 1):
        assert np.array_equal(values_at(values, np.eye(4), at, order=order), values.ravel())


def test_points_without_a_place_and_unknown_voxels_have_no_value() -> None:
    values = np.ones(SHAPE)
    values[5] = np.nan
    points = np.array([[np.nan, 1, 1], [4.5, 1, 1], [3.5, 1, 1], [6.0, 1, 1]])
    assert np.isnan(values_at(values, np.eye(4), points, order=1)).tolist() == [True, True, False, False]


@pytest.mark.parametrize("parts", [(1, 1, 1), (3, 1, 2), (2, 4, 3)])
def test_divided_as_by_zoom(rng: np.random.Generator, parts: tuple[int, int, int]) -> None:
    values = rng.random(SHAPE).astype(np.float32)
    found = divided(values, parts)
    shape = [(size - 1) * n + 1 for size, n in zip(SHAPE, parts, strict=True)]
    expected = zoom(values, np.array(shape) / SHAPE, order=1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=SINGLE)
    assert np.array_equal(found[:: parts[0], :: parts[1], :: parts[2]], values)


def test_a_single_layer_stays_one() -> None:
    assert divided(np.ones((1, 1, 2), dtype=np.float32), (3, 2, 2)).shape == (1, 1, 3)

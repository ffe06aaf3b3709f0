"""Grids to work on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from ischio.bones.segment.grid import coarse, upright, within_scan
from ischio.types import Frame, Volume

MICROMETRE = 1e-3
CUBE_MM = 2.0


def test_a_header_in_float32_and_one_in_decimals_give_the_same_grid() -> None:
    """Rounding of 1e-7 decides ties between edges of one height, and with them whole patches of a surface."""
    affine = np.diag([0.976562, 0.976562, 3.27, 1.0])
    affine[:3, 3] = [-190.429718, -82.031336, -869.82]
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    scan = Volume(values, affine, Frame("patient", "x"), "CT", "HU", "x")
    other = replace(scan, patient_from_voxel=affine.astype(np.float32).astype(np.float64))
    assert not np.array_equal(scan.patient_from_voxel, other.patient_from_voxel)
    np.testing.assert_array_equal(upright(scan).patient_from_voxel, upright(other).patient_from_voxel)


def test_voxels_stay_where_they_are() -> None:
    turn = np.array([[0.0, -0.8, 0.6], [0.0, -0.6, -0.8], [1.0, 0.0, 0.0]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * [0.7, 0.9, 3.0], [12.3456789, -5.0, 700.1234567]
    values = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    found = upright(Volume(values, affine, Frame("patient", "x"), "CT", "HU", "x"))
    assert (np.diag(found.patient_from_voxel)[:3] > 0).all()
    for old in np.ndindex(*values.shape):
        new = np.argwhere(found.values == values[old])[0]
        places = [m[:3, :3] @ at + m[:3, 3] for m, at in ((affine, old), (found.patient_from_voxel, new))]
        np.testing.assert_allclose(*places, atol=MICROMETRE)


def test_what_lies_outside_of_a_turned_scan_shows_nothing() -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (12.0, -8.0, 20.0), degrees=True).as_matrix() * [
        1.0,
        0.8,
        3.0,
    ]
    shape = (30, 40, 12)
    scan = Volume(np.full(shape, 40, dtype=np.int16), affine, Frame("patient", "x"), "CT", "HU", "x")
    grid = within_scan(coarse(scan, CUBE_MM, -100.0, 700.0), scan)
    cells = np.argwhere(np.ones(grid.values.shape, dtype=bool))
    places = cells @ grid.patient_from_voxel[:3, :3].T + grid.patient_from_voxel[:3, 3]
    voxels = np.linalg.solve(affine[:3, :3], places.T).T
    beyond_mm = np.maximum(-0.5 - voxels, voxels - (np.array(shape) - 0.5)) * [1.0, 0.8, 3.0]
    expected = (beyond_mm > CUBE_MM).any(axis=1).reshape(grid.values.shape)
    assert np.array_equal(np.isnan(grid.values), expected)
    assert 0.1 < expected.mean() < 0.9


def test_a_scan_along_the_patients_axes_is_seen_to_its_ends() -> None:
    affine = np.diag([0.7, 0.9, 3.3, 1.0])
    scan = Volume(np.zeros((30, 40, 12), dtype=np.int16), affine, Frame("patient", "x"), "CT", "HU", "x")
    grid = coarse(scan, CUBE_MM, -100.0, 700.0)
    assert np.array_equal(within_scan(grid, scan).values, grid.values)

"""Voxels that are not to be used: on any grid, said, and without a say in any surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio._check import InputError
from ischio.bones.exclude import excluded, held, marked_at, unseen
from ischio.types import Frame, Volume

MATRIX = np.array([[0.0, -2.0, 0, 30], [1.5, 0, 0, -20], [0, 0, 3, 100], [0, 0, 0, 1]])
SHAPE = (20, 24, 16)


def volume(values: np.ndarray, matrix: np.ndarray = MATRIX) -> Volume:
    return Volume(values, matrix, Frame("patient", "as_supplied"), "CT", "HU", "scan")


def scan() -> Volume:
    return volume(np.zeros(SHAPE, dtype=np.int16))


def block() -> np.ndarray:
    out = np.zeros(SHAPE, dtype=np.uint8)
    out[5:12, 8:15, 4:9] = 1
    return out


def test_a_mask_on_the_scans_grid_is_taken_as_it_is() -> None:
    found = excluded(volume(block()), scan(), file="m", sha256="0" * 64)
    np.testing.assert_array_equal(found.mask.values, block())
    assert (found.n_voxels, found.n_outside, found.is_resampled) == (int(block().sum()), 0, False)
    assert found.notes == ("excluded: 245 voxels of the scan (2.2 cm3)",)
    assert found.provenance["sha256"] == "0" * 64


def test_a_mask_on_another_grid_is_brought_to_it() -> None:
    """The same block with its axes in another order and direction."""
    flipped = MATRIX.copy()
    flipped[:3, 3] += MATRIX[:3, 2] * (SHAPE[2] - 1)
    flipped[:3, 2] *= -1
    turned = flipped[:, [2, 0, 1, 3]]
    other = volume(np.ascontiguousarray(block()[:, :, ::-1].transpose(2, 0, 1)), turned)
    found = excluded(other, scan(), file="m", sha256="")
    np.testing.assert_array_equal(found.mask.values, block())
    assert found.is_resampled
    assert "another grid" in found.notes[1]


def test_a_mask_partly_outside_is_said() -> None:
    moved = MATRIX.copy()
    moved[:3, 3] += MATRIX[:3, 0] * (SHAPE[0] - 8)
    found = excluded(volume(block(), moved), scan(), file="m", sha256="")
    assert found.n_outside == 4 * 7 * 5
    assert found.n_voxels == 3 * 7 * 5
    assert "140 voxels of the mask lie outside the scan" in found.notes[2]


def test_a_mask_outside_the_scan_is_refused() -> None:
    moved = MATRIX.copy()
    moved[2, 3] += 500.0
    with pytest.raises(InputError, match="245 voxels, none of them in the scan"):
        excluded(volume(block(), moved), scan(), file="m", sha256="")


def test_an_empty_mask_is_said() -> None:
    found = excluded(volume(0 * block()), scan(), file="m", sha256="")
    assert found.n_voxels == 0
    assert found.notes == ("excluded: the mask is empty, nothing is left out",)


def test_excluded_voxels_show_nothing() -> None:
    grid = volume(np.ones(SHAPE, dtype=np.float32))
    shown = unseen(grid, volume(block()))
    np.testing.assert_array_equal(np.isnan(shown.values), block() > 0)


def test_a_surface_follows_its_neighbours_there() -> None:
    """A plane that was moved by 1 mm, and by 5 mm in the mask, is moved by 1 mm."""
    i, j = np.meshgrid(np.arange(30.0), np.arange(30.0), indexing="ij")
    start = np.column_stack([i.ravel(), j.ravel(), np.zeros(i.size)])
    at = np.arange(i.size).reshape(i.shape)
    a, b, c, d = (one.ravel() for one in (at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]))
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    marked = np.zeros((30, 30, 12), dtype=np.uint8)
    marked[8:20, 10:22, :] = 1
    matrix = np.eye(4)
    matrix[2, 3] = -5.0
    mask = volume(marked, matrix)
    moved = start + [0.0, 0, 1]
    moved[marked_at(mask, start), 2] = 5.0
    np.testing.assert_allclose(held(start, moved, faces, mask), start + [0.0, 0, 1], atol=1e-12)
    none = replace(mask, values=0 * marked)
    np.testing.assert_array_equal(held(start, moved, faces, none), moved)

"""Poses put in an order in which those beside each other share work: cells of angles, and blocks of these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array

Ints = NDArray[np.int64]
CELL_DEG = 4.0  # poses within a cell of this size share a list of triangles that can be nearest
BLOCK = 4096  # poses worked on in one go; fixed, so that threads do not change the result


def grouped(angles_deg: Array) -> tuple[Ints, Ints, Ints]:
    """Order that puts poses of one cell of angles together, starts of cells, and of wide cells among these.

    Both lists of starts end with the number of all. A wide cell is eight cells.
    """
    low = angles_deg.min(axis=0)
    cells = [
        np.floor((angles - least) * (1 / CELL_DEG) + 1e-9).astype(np.int32)
        for angles, least in zip(angles_deg.T, low, strict=True)
    ]
    key = _snake([one // 2 for one in cells]) * 8 + _snake([one % 2 for one in cells])
    key = key.astype(np.min_scalar_type(int(key.max())))  # short numbers are sorted several times as fast
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    wide = np.flatnonzero(np.diff(key[starts].astype(np.int64) // 8, prepend=-1))
    return order, np.append(starts, len(order)), np.append(wide, len(starts))


def _snake(cells: Sequence[NDArray[np.int32]]) -> Ints:
    """Number cells along rows, every second one backwards, so that neighbours in number are neighbours."""
    first, second, third = cells
    n_2, n_3 = int(second.max()) + 1, int(third.max()) + 1
    rows = first.astype(np.int64) * n_2 + np.where(first & 1, n_2 - 1 - second, second)
    out: Ints = rows * n_3 + np.where(rows & 1, n_3 - 1 - third, third)
    return out


def blocks_of(starts: Ints) -> list[tuple[int, int]]:
    """Spans of wide cells with about ``BLOCK`` poses each."""
    ends = np.searchsorted(starts, np.arange(BLOCK, starts[-1] + BLOCK, BLOCK))
    ends = np.unique(np.minimum(ends, len(starts) - 1))
    return list(zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True))

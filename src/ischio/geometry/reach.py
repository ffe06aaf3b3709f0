"""What lies near a mask of voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array


def within(mask: NDArray[np.bool_], reach_mm: float, spacing_mm: Array) -> NDArray[np.bool_]:
    """Voxels that are as near as this to a voxel of a mask, middle to middle.

    Parameters
    ----------
    mask : bool array of shape (I, J, K)
    reach_mm : float
    spacing_mm : array of shape (3,), mm

    Returns
    -------
    bool array of shape (I, J, K)

    Notes
    -----
    As ``scipy.ndimage.distance_transform_edt(~mask, sampling=spacing_mm) <= reach_mm``, in a tenth of the
    time and less where the reach is a few voxels: the mask is moved by every offset that is short enough.

    Examples
    --------
    >>> row = np.zeros((1, 1, 7), dtype=bool)
    >>> row[0, 0, 2] = True
    >>> within(row, 2.0, np.ones(3))[0, 0].astype(int).tolist()
    [1, 1, 1, 1, 1, 0, 0]
    """
    most = [min(int(reach_mm / s), n - 1) for s, n in zip(spacing_mm, mask.shape, strict=True)]
    rows: dict[int, list[tuple[int, int]]] = {}
    for i in range(-most[0], most[0] + 1):
        for j in range(-most[1], most[1] + 1):
            across = (i * spacing_mm[0]) ** 2 + (j * spacing_mm[1]) ** 2
            if np.sqrt(across) <= reach_mm:
                along = (np.arange(most[2] + 1) * spacing_mm[2]) ** 2
                rows.setdefault(int((np.sqrt(across + along) <= reach_mm).sum()) - 1, []).append((i, j))
    out, wide = np.zeros_like(mask), mask.copy()
    for half in range(max(rows, default=-1) + 1):
        if half:
            wide[:, :, half:] |= mask[:, :, :-half]
            wide[:, :, :-half] |= mask[:, :, half:]
        for i, j in rows.get(half, ()):
            to_i, from_i = _moved(i, mask.shape[0])
            to_j, from_j = _moved(j, mask.shape[1])
            out[to_i, to_j] |= wide[from_i, from_j]
    return out


def _moved(by: int, size: int) -> tuple[slice, slice]:
    """Where an axis moved by so many voxels is written, and what of it."""
    return slice(max(by, 0), size + min(by, 0)), slice(max(-by, 0), size + min(-by, 0))

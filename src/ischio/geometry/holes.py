"""What a mask of voxels encloses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def neighbours(n_axes: int, across: int | None = None) -> NDArray[np.bool_]:
    """Which voxels a voxel hangs together with: those beside it, but none along one axis if it is given.

    Parameters
    ----------
    n_axes : int
    across : int, optional
        Of the axes: each slice across it is by itself.

    Returns
    -------
    bool array of shape (3, ...), with ``n_axes`` axes
        For ``scipy.ndimage.label``.
    """
    from scipy.ndimage import generate_binary_structure

    out: NDArray[np.bool_] = generate_binary_structure(n_axes, 1)
    if across is not None:
        np.moveaxis(out, across, 0)[[0, -1]] = False
    return out


def enclosed(mask: NDArray[np.bool_], *, across: int | None = None) -> NDArray[np.bool_]:
    """A mask with all that it encloses: what has no way along voxels' sides to the grid's end.

    Parameters
    ----------
    mask : bool array of shape (I, J, K)
    across : int, optional
        Axis along which there is no way: each slice across it is filled by itself.

    Returns
    -------
    bool array of shape (I, J, K)

    Notes
    -----
    As ``scipy.ndimage.binary_fill_holes``, which dilates from outside voxel by voxel; labelling what is not
    in the mask once is several times faster.

    Examples
    --------
    >>> ring = np.ones((3, 3, 1), dtype=bool)
    >>> ring[1, 1] = False
    >>> bool(enclosed(ring)[1, 1, 0]), bool(enclosed(ring, across=2)[1, 1, 0])
    (False, True)
    """
    from scipy.ndimage import label

    ends = [axis for axis in range(mask.ndim) if axis != across]
    pieces, count = label(~mask, neighbours(mask.ndim, across))
    is_outside = np.zeros(count + 1, dtype=bool)
    for axis in ends:
        for end in (0, -1):
            is_outside[np.take(pieces, end, axis=axis)] = True
    is_outside[0] = False  # the mask itself
    out: NDArray[np.bool_] = ~is_outside[pieces]
    return out

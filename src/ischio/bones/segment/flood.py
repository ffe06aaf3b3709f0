"""Water that rises from seeds and meets on ridges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def flooded(
    height: NDArray[np.float32], seeds: NDArray[np.int32], mask: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Number of the seed whose water comes first to each voxel of a mask; 0 elsewhere.

    Parameters
    ----------
    height : array of shape (I, J, K)
        Water rises over it.
    seeds : int32 array of shape (I, J, K)
        0 where nobody's water springs.
    mask : bool array of shape (I, J, K)
        Water stays in it, seeds outside give none.

    Returns
    -------
    int32 array of shape (I, J, K)

    Notes
    -----
    As ``skimage.segmentation.watershed``, which sorts all seeds: most voxels are sure, and here those alone
    take part that lie beside one that is not. Where heights are equal, another seed may come first.
    """
    from scipy.ndimage import binary_dilation, find_objects
    from skimage import segmentation

    watershed: Any = segmentation.watershed  # it ships types, but not of this function
    out: NDArray[np.int32] = np.where(mask, seeds, 0).astype(np.int32)
    part = binary_dilation(mask & (seeds == 0)) & mask
    if part.any():
        box = find_objects(part.astype(np.uint8))[0]
        found = watershed(height[box], np.where(part[box], seeds[box], 0), mask=part[box])
        out[box][part[box]] = found[part[box]]
    return out

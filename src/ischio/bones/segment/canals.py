"""Canal and foramina of the sacrum: what is open to the outside and attenuates no more than soft tissue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import similarity, vertex_areas
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.grid import spacing_mm
from ischio.bones.segment.mask import BONE_HU
from ischio.types import Volume

_LIMITS_HU = (110.0, 70.0, 40.0, 20.0, 0.0)  # soft tissue is below, tried in turn: marrow may be, too
_EVEN_MM = 0.8  # noise is smoothed by this
_WIDE_MM = 1.6  # radius of what is open; a cortex blurred away is narrower
_OUTSIDE_MM = 2.0  # from the laid model, which has neither canal nor foramina
_REACH_MM = 4.0
_DEEP_MM = 1.5
_MIDDLE = 0.22  # of the sacrum's width, to each side of its middle: there they lie
_MOST_ASTRAY = 0.02  # of the wings: more is marrow that was entered


def sacral_canals(
    scan: Volume,
    smooth: NDArray[np.float32],
    field: NDArray[np.float32],
    sacrum: Laid,
    is_other: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Voxels of the sacrum's canal and foramina.

    Parameters
    ----------
    scan : Volume
        Around the sacrum, of shape (I, J, K), in HU.
    smooth : array of shape (I, J, K)
        The same, lightly smoothed.
    field : array of shape (I, J, K), mm
        Distance from the laid model, negative inside.
    sacrum : Laid
    is_other : bool array of shape (I, J, K)
        Other bones.

    Returns
    -------
    bool array of shape (I, J, K)
        None where marrow attenuates so little that the two cannot be told apart.

    Notes
    -----
    Soft tissue is followed from outside as far as a ball of 1.6 mm radius can go. The wings have no opening:
    where it goes into them, the limit was too high for this person's marrow, and the next lower one is tried.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter, label

    spacing = spacing_mm(scan)
    even = gaussian_filter(scan.values, _EVEN_MM / spacing)
    is_middle = np.abs(_lateral(scan, sacrum)) < _MIDDLE
    deep = field < -_DEEP_MM
    wings = deep & ~is_middle
    outside = (field > _OUTSIDE_MM) & ~is_other
    for limit in _LIMITS_HU:
        is_low = ((even < limit) & ~is_other) | (field > _REACH_MM)
        is_wide = distance_transform_edt(is_low, sampling=spacing) > _WIDE_MM
        pieces, n = label(is_wide)
        is_open = np.zeros(n + 1, dtype=bool)
        is_open[np.unique(pieces[outside])] = True
        is_open[0] = False
        reached = is_open[pieces]
        if (reached & wings).sum() < _MOST_ASTRAY * wings.sum():
            near = distance_transform_edt(~reached, sampling=spacing) <= _WIDE_MM + spacing.min()
            out: NDArray[np.bool_] = near & is_middle & (smooth < BONE_HU)
            return out
    return np.zeros(field.shape, dtype=bool)


def _lateral(scan: Volume, sacrum: Laid) -> Array:
    """Distance of each voxel from the sacrum's middle plane, as a share of its width."""
    mean = sacrum.model.mean_mm
    rotation = similarity(mean, sacrum.vertices_mm, vertex_areas(mean, sacrum.model.faces))[1]
    sideways = rotation[:, 0]
    along = sacrum.vertices_mm @ sideways
    steps, start = sideways @ scan.patient_from_voxel[:3, :3], sideways @ scan.patient_from_voxel[:3, 3]
    i, j, k = np.ogrid[tuple(slice(n) for n in scan.values.shape)]
    out: Array = steps[0] * i + steps[1] * j + steps[2] * k + (start - along.mean())
    return out / np.ptp(along)

"""The voxels of one bone: its cortex by attenuation, its inside by what the cortex encloses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.segment.fit import MUSCLE_HU
from ischio.geometry.holes import enclosed

BONE_HU = 160.0  # muscle and cartilage stay below, with noise; cortex blurred to 3 mm above
_PEAK_MM = 2.5  # a cortex's edge is where half of its height is: that is looked for this near
_DENSE_HU = 450.0  # half of a cortex's height is no more
_DEPTHS_MM = (-2.5, -2.0, -1.5, -1.0, -0.5)  # in the laid model, of what is bone there:
_DEEP_HU = (-200.0, 0.0, 70.0, 100.0, 130.0)  # wings thinner than a voxel; thin cortex beside fatty marrow
_JOINT_MM = -1.0  # beside another bone only this deep attenuation need not reach half of the cortex's
_CORE_MM = 2.5  # deeper there is bone, whatever it attenuates
_EVEN_MM = 0.8  # noise inside is smoothed by this; it would make a ragged edge of porous bone
_REACH_MM = 5.0  # a bone's surface strays no further from the laid model
_BESIDE_MM = 1.0  # further out than this half of the cortex's height is taken of the cortex itself
_LAYER_MM = 1.5  # beyond the reach: what is as dense there goes on
_CONTACT_CM2 = 1.0  # so much of a surface goes on into no bone: spurs and tendons' bone are less
_CLOSE_MM = 1.6  # gaps in a cortex blurred away


class BoneMask(NamedTuple):
    """Voxels of a bone, and those on its surface of what is as dense, goes on from there and is left out.

    Parameters
    ----------
    voxels, touching : bool arrays of shape (I, J, K)
    """

    voxels: NDArray[np.bool_]
    touching: NDArray[np.bool_]


def bone_mask(
    values: NDArray[np.float32],
    field: NDArray[np.float32],
    is_own: NDArray[np.bool_],
    is_joint: NDArray[np.bool_],
    spacing: Array,
    *,
    by_slice: bool,
    stiff: NDArray[np.float32] | None = None,
) -> BoneMask:
    """Voxels of one bone.

    Parameters
    ----------
    values : array of shape (I, J, K)
        HU, lightly smoothed.
    field : array of shape (I, J, K), mm
        Distance from the laid model, negative inside.
    is_own : bool array of shape (I, J, K)
        The bone's territory.
    is_joint : bool array of shape (I, J, K)
        Beside another bone: what attenuates little there is cartilage between two bones.
    spacing : array of shape (3,), mm
    by_slice : bool
        Whether what an axial slice encloses is bone, too: marrow cavities that are open at the scan's end.
    stiff : array of shape (I, J, K), mm, optional
        As ``field``, of the model before its surface was let go to edges: these may be of what touches it.

    Returns
    -------
    BoneMask
    """
    from scipy.ndimage import binary_closing, gaussian_filter, label

    near = is_own & (field < _REACH_MM)
    core = near & (field < -_CORE_MM)
    deep = np.interp(field, _DEPTHS_MM, _DEEP_HU).astype(np.float32)
    even = gaussian_filter(values, _EVEN_MM / spacing)
    is_inside = np.where(is_joint, field < _JOINT_MM, field < _DEPTHS_MM[-1])
    is_deep = (values > BONE_HU) | (~is_joint & (even > deep))
    is_dense = values > _half_height(values, field, is_own, spacing)
    solid: NDArray[np.bool_] = core | (near & np.where(is_inside, is_deep, is_dense))
    outer = field if stiff is None else np.maximum(field, stiff)
    further = _going_on(is_dense & is_own, outer, spacing)
    touching = further & (outer < _BESIDE_MM + _LAYER_MM)
    solid &= ~further
    pieces, n = label(solid)
    if n == 0:
        return BoneMask(solid, touching)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    has_core = np.zeros(n + 1, dtype=bool)
    has_core[np.unique(pieces[core])] = True
    has_core[0] = False
    kept: NDArray[np.bool_] = has_core & (sizes > 0.02 * sizes.max())
    solid = kept[pieces]
    pad = [int(np.ceil(_CLOSE_MM / s)) + 1 for s in spacing]
    wide = np.pad(solid, [(p, p) for p in pad], mode="edge")
    wide = binary_closing(wide, _ball(_CLOSE_MM, spacing))
    solid |= wide[tuple(slice(p, -p) for p in pad)] & is_own
    solid = enclosed(solid)
    if by_slice:
        solid |= enclosed(solid, across=2) & (field < 0.0)
    return BoneMask(solid & is_own, touching)


def _half_height(
    values: NDArray[np.float32], field: NDArray[np.float32], is_own: NDArray[np.bool_], spacing: Array
) -> NDArray[np.float32]:
    """Half of the height of the cortex beside each voxel.

    Further out it is that of the model's own: what bulges there is darker, as a muscle between streaks.
    """
    from scipy.ndimage import maximum_filter

    def highest(is_bone: NDArray[np.bool_], reach_mm: float) -> NDArray[np.float32]:
        size = [2 * int(reach_mm / s) + 1 for s in spacing]
        out: NDArray[np.float32] = maximum_filter(np.where(is_bone, values, np.float32(BONE_HU)), size)
        return out

    beside = is_own & (field < _BESIDE_MM)
    high = np.where(beside, highest(is_own & (field < _REACH_MM), _PEAK_MM), highest(beside, _REACH_MM))
    out: NDArray[np.float32] = np.clip(0.5 * (MUSCLE_HU + high), BONE_HU, _DENSE_HU)
    return out


def touched_cm2(touching: NDArray[np.bool_], spacing: Array) -> float:
    """How much of a bone's surface voxels lie on that touch it.

    Parameters
    ----------
    touching : bool array of shape (I, J, K)
        Of ``BoneMask``, or some of them.
    spacing : array of shape (3,), mm
    """
    return float(np.count_nonzero(touching) * np.prod(spacing)) / _LAYER_MM / 100.0


def _going_on(is_dense: NDArray[np.bool_], field: NDArray[np.float32], spacing: Array) -> NDArray[np.bool_]:
    """What is dense outside of the model and goes on where no bone is: contrast, another bone, an implant."""
    from scipy.ndimage import label

    pieces, n = label(is_dense & (field > _BESIDE_MM) & (field < _REACH_MM + _LAYER_MM))
    further = np.bincount(pieces[field > _REACH_MM], minlength=n + 1) * float(np.prod(spacing)) / _LAYER_MM
    goes_on: NDArray[np.bool_] = further > 100.0 * _CONTACT_CM2
    goes_on[0] = False
    out: NDArray[np.bool_] = goes_on[pieces]
    return out


def _ball(radius_mm: float, spacing: Array) -> NDArray[np.bool_]:
    """A ball of voxels."""
    reach = [int(radius_mm / s) for s in spacing]
    steps = np.meshgrid(
        *[np.arange(-n, n + 1) * s for n, s in zip(reach, spacing, strict=True)], indexing="ij"
    )
    out: NDArray[np.bool_] = np.sum(np.square(steps), axis=0) <= radius_mm**2 + 1e-9
    return out

"""Canal and foramina of the sacrum: open to the outside, dark as soft tissue, and walled off from marrow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import similarity, vertex_areas, vertex_normals
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.flood import flooded
from ischio.bones.segment.grid import spacing_mm
from ischio.bones.segment.mask import BONE_HU
from ischio.geometry.reach import within
from ischio.types import Volume

# Soft tissue is darker, and what is open is wider than a ball of this radius: tried in turn, as marrow may be
# dark, too, and walls blurred away.
_TRIED = ((100.0, 1.0), (100.0, 2.0), (70.0, 2.0), (40.0, 2.0), (20.0, 2.0), (0.0, 2.0))  # HU, mm
_EVEN_MM, _EVEN_WALLS_MM = 0.5, 0.9  # noise is smoothed by this; more where water looks for a gap in a wall
_OUTSIDE_MM = 2.0  # from the laid model, which has neither canal nor foramina
_REACH_MM = 4.0
_DEEP_MM = 1.5
_MOST_SHARE = 0.17  # of the sacrum: canal and foramina are an eighth of it; more is marrow that was entered
_RANGE_HU = (-100.0, 600.0)
# Where there is marrow in everybody, as shares of the sacrum's width from its middle plane:
_WING, _WING_MM = 0.26, 3.0
_BODY, _BODY_MM = 0.10, (2.5, 10.0)  # of the front, and in the front two fifths
_FRONT, _FRONT_SHARE = 0.14, 0.4
# Within this share of the width the canal is looked for, between these shares of the way from front to back:
_MIDDLE, _CANAL_SHARE = 0.03, (0.35, 0.9)
_CANAL_HU, _WALL_HU, _FAR_HU = (-50.0, 400.0), 60.0, 1000.0  # its walls are so much brighter
_BESIDE_MM = 9.0  # of the way down: half a canal's width
_THIN_MM = 4.0  # a body's depth is more
_RUN_MM = 15.0  # marrow and noise look like a canal for less
_TURN_HU = 20.0  # for each voxel that it goes forwards or backwards from one level to the next
_FACES_FRONT = np.array([0.0, -0.7, -0.7])  # bodies; not their upper endplate, behind which the canal opens


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
    Marrow of old people attenuates no more than what fills the canal, but a wall of bone is between. Water
    rises from outside, along the canal and from the marrow of wings and bodies; it meets on the walls. On
    the outer side of these soft tissue is followed inwards as far as a ball of 1 mm radius can go. Where that
    is more than canals can be, walls were blurred away: a ball of 2 mm, and lower limits of attenuation are
    tried. The canal itself is the darkest way down the middle plane that has brighter walls in front and
    behind.
    """
    from scipy.ndimage import binary_propagation, gaussian_filter, label

    spacing = spacing_mm(scan)
    even = gaussian_filter(scan.values, _EVEN_MM / spacing)
    outside = (field > _OUTSIDE_MM) & ~is_other
    seeds = np.where(outside, 1, 0).astype(np.int32)
    is_marrow, is_canal = _surely(scan, even, field, sacrum)
    seeds[is_marrow] = 2
    seeds[is_canal] = 1
    walls = np.clip(gaussian_filter(scan.values, _EVEN_WALLS_MM / spacing), *_RANGE_HU)
    is_outer = (flooded(walls, seeds, field < _REACH_MM) == 1) | outside
    inside = field < -_DEEP_MM
    most = _MOST_SHARE * inside.sum()
    is_dark = is_outer & (smooth < BONE_HU)
    canal = is_canal
    if canal.any() and (is_dark & inside).sum() < most:  # no marrow was entered
        beside = within(canal, _BESIDE_MM, spacing)
        canal = binary_propagation(canal, mask=(is_dark & beside) | canal)
    for limit, radius in _TRIED:
        is_low = (is_outer & (even < limit) & ~is_other) | (field > _REACH_MM)
        pieces, n = label(~within(~is_low, radius, spacing))
        is_open = np.zeros(n + 1, dtype=bool)
        is_open[np.unique(pieces[outside | canal])] = True
        is_open[0] = False
        reached = within(is_open[pieces], radius + spacing.min(), spacing)
        out: NDArray[np.bool_] = (reached & is_dark) | canal
        if (out & inside).sum() < most:
            return out
    return np.zeros(field.shape, dtype=bool)


def _surely(
    scan: Volume, even: NDArray[np.float32], field: NDArray[np.float32], sacrum: Laid
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Voxels that are surely in the wings or in the front of the bodies, and those along the canal."""
    from scipy.spatial import cKDTree

    mean, faces = sacrum.model.mean_mm, sacrum.model.faces
    lateral = np.abs(_lateral(scan, sacrum))
    is_marrow: NDArray[np.bool_] = (lateral > _WING) & (field < -_WING_MM)
    index = np.argwhere((lateral < _BODY) & (field < 0.0))
    places = index @ scan.patient_from_voxel[:3, :3].T + scan.patient_from_voxel[:3, 3]
    normals = vertex_normals(mean, faces)
    aside = np.abs(mean[:, 0] - (mean[:, 0].min() + mean[:, 0].max()) / 2) / np.ptp(mean[:, 0])
    is_front = (normals @ _FACES_FRONT > 0.3) & (aside < _FRONT)
    faces_front = normals[:, 1] < 0.0
    nearest = cKDTree(sacrum.vertices_mm).query(places)[1]
    front = cKDTree(sacrum.vertices_mm[faces_front]).query(places)[0]
    back = cKDTree(sacrum.vertices_mm[~faces_front]).query(places)[0]
    share = front / (front + back)
    is_body = is_front[nearest] & (front < _BODY_MM[1]) & (share < _FRONT_SHARE)
    is_body &= field[tuple(index.T)] < -_BODY_MM[0]
    is_marrow[tuple(index[is_body].T)] = True
    is_canal = np.zeros(field.shape, dtype=bool)
    step_mm = float(spacing_mm(scan)[2])
    is_middle = lateral[tuple(index.T)] < _MIDDLE
    is_canal[tuple(_along_canal(even, index[is_middle], front[is_middle], back[is_middle], step_mm).T)] = True
    return is_marrow, is_canal


def _along_canal(
    even: NDArray[np.float32], index: NDArray[np.int64], front: Array, back: Array, step_mm: float
) -> NDArray[np.int64]:
    """Of voxels in the middle plane, so far from the bone's front and back, those along the dark canal."""
    from scipy.ndimage import label

    shape = even.shape[1:]
    cell = index[:, 1] * shape[1] + index[:, 2]
    n = np.bincount(cell, minlength=shape[0] * shape[1])
    values = np.clip(even[tuple(index.T)], *_CANAL_HU)
    hu, deep, rest = (
        (np.bincount(cell, x, minlength=len(n)) / np.maximum(n, 1)).reshape(shape)
        for x in (values, front, back)
    )
    depth = deep / np.maximum(deep + rest, 1e-9)
    is_in = n.reshape(shape) > 0
    may = is_in & (depth > _CANAL_SHARE[0]) & (depth < _CANAL_SHARE[1])
    levels = np.flatnonzero(may.any(axis=0))
    if not len(levels):
        return index[:0]
    cost = np.where(may, hu, _FAR_HU)
    rows = np.arange(shape[0])
    turned = _TURN_HU * np.abs(rows[:, None] - rows)  # a canal goes on where it was
    total, came = cost[:, levels[0]], []
    for k in levels[1:]:
        ways = total[None, :] + turned
        came.append(np.argmin(ways, axis=1))
        total = ways.min(axis=1) + cost[:, k]
    path = [int(np.argmin(total))]
    for one in reversed(came):
        path.append(int(one[path[-1]]))
    sure = np.zeros(shape, dtype=bool)
    for k, j in zip(levels, reversed(path), strict=True):
        # The wall before it is a body's back; where that is the bone's front, what is dark is marrow.
        before = hu[:j, k][is_in[:j, k] & (deep[:j, k] > _THIN_MM)]
        behind = hu[j + 1 :, k][is_in[j + 1 :, k]]
        if may[j, k] and len(before) and len(behind):
            sure[j, k] = min(before.max(), behind.max()) > hu[j, k] + _WALL_HU
    runs, _ = label(sure.any(axis=0))
    sure &= (np.bincount(runs)[runs] * step_mm > _RUN_MM) & (runs > 0)
    out: NDArray[np.int64] = index[sure[index[:, 1], index[:, 2]]]
    return out


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

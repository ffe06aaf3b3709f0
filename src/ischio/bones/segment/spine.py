"""Lumbar vertebrae above a laid sacrum, as far as they are in view.

A curve is followed upwards through the vertebral bodies from the sacrum's endplate. Along it discs are where
attenuation falls between two endplates; bone is divided at the discs, and behind the bodies along the dark
joints between the arches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.grid import spacing_mm
from ischio.types import Volume

LEVELS = ("L5", "L4", "L3", "L2", "L1")
"""Upwards from the sacrum. Numbers are counted, not read: a transitional vertebra shifts them."""
_STEP_MM = 2.0
_BELOW_MM = 10.0  # of the endplate as laid: there the first disc may lie
_LONGEST_MM = 260.0
_BODY_MM, _RING_MM = 15.0, 7.0  # of a body's section: bone inside, less around it
_CENTRAL_MM = 11.0
_SHIFTS_MM = (-4.0, -2.0, 0.0, 2.0, 4.0)
_STIFF_HU = 0.6  # per mm2 that the curve turns aside
_HEIGHT_MM = (24.0, 46.0)  # from disc to disc
_USUAL_MM, _HEIGHT_HU = 36.0, 0.05
_FALL_HU = 15.0  # from both endplates into a disc
_ENDPLATE_MM = 9.0  # from a disc's middle
_LEAST_SEEN_MM = 12.0  # of a vertebra that the scan cuts
_BONE_HU, _CLOSE_MM = 140.0, 1.6
_LEAST_BONE_HU = 60.0  # on average in the middle of a body: the thinnest have 80, soft tissue 40
_BODY_HALF_MM = (34.0, 26.0)  # to the side, and forwards
_ARCH_HALF_MM, _ARCH_DEEP_MM = 50.0, 78.0
_BEHIND_MM = 14.0  # of a body's middle the canal begins
_SLOPE, _LOWEST_MM = 0.6, 14.0  # arches hang behind the vertebra below
_BODY_SURE_MM, _ARCH_SURE_MM = 3.0, 9.0
_LEAST_CM3 = 8.0
_FILLED_MM = 26.0  # behind a body's middle: its back wall and pedicles
_COARSE = 4  # voxels


@dataclass(frozen=True, slots=True, eq=False)
class BodyCurve:
    """Middle of the bodies, upwards.

    Parameters
    ----------
    points_mm, along : arrays of shape (N, 3)
        Places 2 mm apart and unit directions up the spine.
    profile_hu : array of shape (N,)
        Mean attenuation of the middle of the section.
    """

    points_mm: Array
    along: Array
    profile_hu: Array


def with_vertebrae(labels: Volume, scan: Volume, sacrum: Laid) -> tuple[Volume, tuple[str, ...]]:
    """A label map with the lumbar vertebrae above its sacrum.

    Parameters
    ----------
    labels : Volume
        With the sacrum and the hip bones; its voxels stay as they are.
    scan : Volume
        In HU, upright.
    sacrum : Laid

    Returns
    -------
    labels : Volume
        Larger at its upper ends if vertebrae lie there, under ``vertebrae_L5`` and on; the same where none is
        seen.
    notes : tuple of str
    """
    curve = follow_bodies(scan, sacrum)
    if curve is None:
        return labels, ()
    discs = find_discs(curve.profile_hu)
    spans = _spans(curve, discs)
    if not spans:
        return labels, ()
    grid = _grown(labels, scan, curve)
    box, values = _part(grid, scan, curve)
    found = _divided(values, grid.values[box], curve, spans, [int(n) for n in labels.names])
    out = grid.values.copy()
    names = dict(labels.names)
    voxel_cm3 = abs(float(np.linalg.det(values.patient_from_voxel[:3, :3]))) / 1000.0
    for n in range(len(spans)):
        mask = found == n + 1
        if mask.sum() * voxel_cm3 < _LEAST_CM3:
            break  # nothing is named above a vertebra that is not there
        number = max(names) + 1
        names[number] = f"vertebrae_{LEVELS[n]}"
        out[box][mask] = number
    if len(names) == len(labels.names):
        return labels, ()
    last = LEVELS[len(names) - len(labels.names) - 1]
    said = f"lumbar vertebrae L5 to {last}" if last != "L5" else "lumbar vertebra L5"
    doubt = "counted upwards from the sacrum: where the lowest one is transitional, all are named one off"
    return replace(grid, values=out, names=names), (f"{said}: {doubt}",)


def follow_bodies(scan: Volume, sacrum: Laid) -> BodyCurve | None:
    """Follow the vertebral bodies upwards from the sacrum.

    Parameters
    ----------
    scan : Volume
    sacrum : Laid

    Returns
    -------
    BodyCurve or None
        None where the scan ends at the sacrum.
    """
    from scipy.ndimage import gaussian_filter1d

    start, along = _endplate(sacrum)
    look = _smooth(scan, start)
    ticks = np.arange(-24.0, 24.1, 3.0)
    across, deep = np.meshgrid(ticks, ticks, indexing="ij")
    masks = []
    for to_left in _SHIFTS_MM:
        for to_back in _SHIFTS_MM:
            off = np.hypot(across - to_left, deep - to_back)
            ring = (off >= _BODY_MM) & (off < _BODY_MM + _RING_MM)
            masks.append((to_left, to_back, off < _BODY_MM, ring))
    below = np.arange(-_BELOW_MM, 0.0, _STEP_MM)
    points = [start + step * along for step in below]
    points.append(start)
    for _ in range(int(_LONGEST_MM / _STEP_MM)):
        at = points[-1] + _STEP_MM * along
        left, back = _section_axes(along)
        hu = np.clip(look(at + across[..., None] * left + deep[..., None] * back), 0.0, 250.0)
        if np.isnan(hu).mean() > 0.3:
            break
        scores = [
            np.nanmean(hu[inner]) - 0.5 * np.nanmean(hu[ring]) - _STIFF_HU * (to_left**2 + to_back**2)
            for to_left, to_back, inner, ring in masks
        ]
        to_left, to_back = masks[int(np.argmax(scores))][:2]
        points.append(at + 0.7 * (to_left * left + to_back * back))
        way = points[-1] - points[max(0, len(points) - 12)]
        way = way / np.linalg.norm(way)
        # Mostly upright: sideways it turns slowly, and its lordosis ends above.
        along = 0.9 * along * [0.9, 1, 1] + 0.1 * way * [0.5, 1, 1] + [0.0, 0.012, 0.02]
        along = along / np.linalg.norm(along)
    if len(points) < len(below) + 4:
        return None
    smooth = gaussian_filter1d(np.array(points), 5.0, axis=0, mode="nearest")
    ways = np.gradient(smooth, axis=0)
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    central = np.hypot(across, deep) < _CENTRAL_MM
    profile = []
    for at, way in zip(smooth, ways, strict=True):
        left, back = _section_axes(way)
        places = at + across[central][:, None] * left + deep[central][:, None] * back
        hu = look(places)
        profile.append(np.nanmean(np.clip(hu, -50.0, 400.0)) if np.isfinite(hu).any() else np.nan)
    return BodyCurve(smooth, ways, np.array(profile))


def find_discs(profile_hu: Array) -> tuple[int, ...]:
    """Where discs lie along a curve that starts in the sacrum.

    Parameters
    ----------
    profile_hu : array of shape (N,)

    Returns
    -------
    tuple of int
        Upwards; the first is the disc between sacrum and L5. Those are taken together whose falls between
        endplates are deepest at distances that vertebrae have. Empty where no disc is seen above the sacrum.
    """
    n = len(profile_hu)
    reach = round(_ENDPLATE_MM / _STEP_MM)
    fall = np.full(n, -np.inf)
    for k in range(1, n - 1):
        lower, upper = profile_hu[max(0, k - reach) : k], profile_hu[k + 1 : k + 1 + reach]
        fall[k] = min(np.nanmax(lower), np.nanmax(upper)) - profile_hu[k]
    first = round(2 * _BELOW_MM / _STEP_MM)
    low, high = (round(mm / _STEP_MM) for mm in _HEIGHT_MM)
    best: dict[int, tuple[float, tuple[int, ...]]] = {k: (max(fall[k], 0.0), (k,)) for k in range(1, first)}
    chains = dict(best)
    for _ in LEVELS:
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for k, (score, chain) in chains.items():
            for m in range(k + low, min(k + high + 1, n - 1)):
                if fall[m] < _FALL_HU:
                    continue
                unusual = _HEIGHT_HU * ((m - k) * _STEP_MM - _USUAL_MM) ** 2
                total = score + fall[m] - unusual
                if m not in longer or total > longer[m][0]:
                    longer[m] = total, (*chain, m)
        if not longer:
            break
        best |= {m: one for m, one in longer.items() if m not in best or one[0] > best[m][0]}
        chains = longer
    return max(best.values(), key=lambda one: one[0])[1] if best else ()


def _spans(curve: BodyCurve, discs: tuple[int, ...]) -> list[tuple[int, int]]:
    """Start and end along the curve of each vertebra; the last may be cut by the scan."""
    if not discs:
        return []
    spans = list(pairwise(discs))
    end = len(curve.points_mm) - 1
    rest = (end - discs[-1]) * _STEP_MM
    if len(spans) < len(LEVELS) and _LEAST_SEEN_MM < rest < _HEIGHT_MM[1]:
        spans.append((discs[-1], end + round(_LEAST_SEEN_MM / _STEP_MM)))
    kept = []
    for low, high in spans[: len(LEVELS)]:
        if np.nanmean(curve.profile_hu[low:high]) < _LEAST_BONE_HU:
            break
        kept.append((low, high))
    return kept


def _endplate(sacrum: Laid) -> tuple[Array, Array]:
    """Middle and upward normal of the sacrum's upper endplate, from its model."""
    mean, faces = sacrum.model.mean_mm, sacrum.model.faces
    normals = vertex_normals(mean, faces)
    middle = (mean[:, 0].min() + mean[:, 0].max()) / 2
    near = (np.abs(mean[:, 0] - middle) < 16.0) & (normals @ [0.0, -0.73, 0.68] > 0.85)
    near &= (mean[:, 2] > mean[:, 2].max() - 36.0) & (mean[:, 1] < mean[:, 1].min() + 28.0)
    way = vertex_normals(sacrum.vertices_mm, faces)[near].mean(axis=0)
    return sacrum.vertices_mm[near].mean(axis=0), way / np.linalg.norm(way)


def _smooth(scan: Volume, start: Array) -> Any:
    """A function that gives lightly smoothed HU at places above the sacrum; NaN outside the scan."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    from ischio.bones.segment.grid import crop_box

    reach = np.array([90.0, 120.0, 0.0])
    box, matrix = crop_box(scan, start - reach - [0, 0, 40.0], start + reach + [0, 0, _LONGEST_MM + 40.0])
    values = np.clip(scan.values[box], -200, 700).astype(np.float32)
    values = gaussian_filter(values, 1.5 / spacing_mm(scan))
    back = np.linalg.inv(matrix)
    size = np.array(values.shape)

    def look(places: Array) -> Array:
        voxels = places @ back[:3, :3].T + back[:3, 3]
        inside = ((voxels > -0.5) & (voxels < size - 0.5)).all(axis=-1)
        found = map_coordinates(values, voxels.reshape(-1, 3).T, order=1, mode="nearest")
        out: Array = np.where(inside, found.reshape(inside.shape), np.nan)
        return out

    return look


def _section_axes(along: Array) -> tuple[Array, Array]:
    """Left and back across a direction up the spine."""
    left = np.array([1.0, 0.0, 0.0]) - along[0] * along
    left = left / np.linalg.norm(left)
    return left, np.cross(along, left)


def _grown(labels: Volume, scan: Volume, curve: BodyCurve) -> Volume:
    """The label map, grown at its upper ends until spine or scan ends; its voxels keep their numbers."""
    back = np.linalg.inv(labels.patient_from_voxel)
    reach = np.array([_ARCH_HALF_MM, _ARCH_DEEP_MM, 20.0])
    high = curve.points_mm.max(axis=0) + reach
    last = (
        scan.patient_from_voxel[:3, :3] @ (np.array(scan.values.shape) - 1) + scan.patient_from_voxel[:3, 3]
    )
    ends = [np.floor(back[:3, :3] @ at + back[:3, 3] + 1e-6).astype(int) + 1 for at in (high, last)]
    need = np.minimum(*ends)
    more = [(0, max(0, int(n) - size)) for n, size in zip(need, labels.values.shape, strict=True)]
    return replace(labels, values=np.pad(labels.values, more))


def _part(grid: Volume, scan: Volume, curve: BodyCurve) -> tuple[tuple[slice, slice, slice], Volume]:
    """The part of a label map's grid around the spine, and the scan's values there."""
    from scipy.ndimage import affine_transform

    back = np.linalg.inv(grid.patient_from_voxel)
    low = curve.points_mm.min(axis=0) - [_ARCH_HALF_MM, 40.0, 30.0]
    high = curve.points_mm.max(axis=0) + [_ARCH_HALF_MM, _ARCH_DEEP_MM, 20.0]
    ends = np.array([low, high]) @ back[:3, :3].T + back[:3, 3]
    size = np.array(grid.values.shape)
    start = np.clip(np.floor(ends.min(axis=0)), 0, size - 1).astype(int)
    stop = np.clip(np.ceil(ends.max(axis=0)) + 1, start + 1, size).astype(int)
    matrix = grid.patient_from_voxel.copy()
    matrix[:3, 3] += matrix[:3, :3] @ start
    scan_from_part = np.linalg.inv(scan.patient_from_voxel) @ matrix
    values = affine_transform(
        scan.values,
        scan_from_part[:3, :3],
        scan_from_part[:3, 3],
        output_shape=tuple(int(n) for n in stop - start),
        output=np.float32,
        order=1,
        mode="nearest",  # the map lies in the scan: beyond is rounding alone
    )
    i, j, k = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return (i, j, k), replace(scan, values=values, patient_from_voxel=matrix)


def _divided(
    part: Volume, taken: NDArray[np.generic], curve: BodyCurve, spans: list[tuple[int, int]], known: list[int]
) -> NDArray[np.int32]:
    """Number (from 1, upwards) of each voxel's vertebra, 0 elsewhere."""
    from scipy.ndimage import binary_closing, binary_fill_holes, gaussian_filter, label
    from skimage import segmentation

    watershed: Any = segmentation.watershed  # it ships types, but not of this function
    spacing = spacing_mm(part)
    level, side, deep = _places(part, curve)
    is_free = ~np.isin(taken, known)
    is_body = (side / _BODY_HALF_MM[0]) ** 2 + (np.minimum(deep, 0.0) / _BODY_HALF_MM[1]) ** 2 < 1.0
    is_arch = (deep > -2.0) & (deep < _ARCH_DEEP_MM) & (np.abs(side) < _ARCH_HALF_MM)
    zone = is_free & ((is_body & (deep < _BEHIND_MM)) | is_arch)
    smooth = gaussian_filter(part.values, 0.4 / spacing)
    reach = [max(1, int(_CLOSE_MM / s)) for s in spacing]
    wide = np.pad(
        (smooth > _BONE_HU) & zone, [(n, n) for n in reach], mode="edge"
    )  # no end at the scan's end
    wide = binary_closing(wide, np.ones([2 * n + 1 for n in reach]))
    bone = wide[tuple(slice(n, -n) for n in reach)] & zone
    for axis in range(3):  # a slanted body is closed in some sections only
        # Across the spine the arch closes the canal, too.
        inner = zone & (deep < (_FILLED_MM if axis < 2 else _BEHIND_MM))
        for section, within in zip(np.moveaxis(bone, axis, 0), np.moveaxis(inner, axis, 0), strict=True):
            if section.any():
                section |= binary_fill_holes(section) & within
    # Behind the bodies a vertebra reaches down: what lies there belongs to a higher level.
    hung = level + np.clip(_SLOPE * (deep - _BEHIND_MM), 0.0, _LOWEST_MM)
    sure = np.where(deep < _BEHIND_MM, _BODY_SURE_MM, _ARCH_SURE_MM)
    seeds = np.zeros(bone.shape, dtype=np.int32)
    for n, (low, high) in enumerate(spans, start=1):
        inside = (hung > low * _STEP_MM + sure) & (hung < high * _STEP_MM - sure)
        seeds[inside & bone] = n
    other = len(spans) + 1
    seeds[bone & (hung < spans[0][0] * _STEP_MM - sure)] = other
    seeds[bone & (hung > spans[-1][1] * _STEP_MM + sure)] = other
    height = -np.clip(gaussian_filter(part.values, 0.5 / spacing), -100.0, 700.0)
    found: NDArray[np.int32] = watershed(height, seeds, mask=bone)
    out = np.zeros_like(found)
    for n in range(1, other):
        pieces, count = label(found == n, structure=np.ones((3, 3, 3)))
        if count:
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            # What it encloses is its marrow; a vertebra is never solid enough to enclose anything else.
            out[binary_fill_holes(pieces == int(np.argmax(sizes))) & zone] = n
    return out


def _places(part: Volume, curve: BodyCurve) -> tuple[Array, Array, Array]:
    """Of each voxel: way along the curve, and to the left and back of it, mm; float32."""
    from scipy.ndimage import zoom

    shape = part.values.shape
    few = [-(-(n - 1) // _COARSE) + 1 for n in shape]  # they change slowly: interpolated between
    index = _COARSE * np.stack(np.meshgrid(*[np.arange(n) for n in few], indexing="ij"), axis=-1)
    places = (index @ part.patient_from_voxel[:3, :3].T + part.patient_from_voxel[:3, 3]).astype(np.float32)
    count = np.arange(len(curve.points_mm))
    order = np.maximum.accumulate(curve.points_mm[:, 2] + 1e-6 * count)
    at = np.interp(places[..., 2], order, count)
    for _ in range(3):  # to the section the voxel lies in
        near = np.clip(np.round(at).astype(int), 0, len(count) - 1)
        away = places - curve.points_mm[near]
        at = near + np.einsum("...i,...i->...", away, curve.along[near]) / _STEP_MM
        at = np.clip(at, -30.0, len(count) + 30.0)
    near = np.clip(np.round(at).astype(int), 0, len(count) - 1)
    away = places - curve.points_mm[near]
    axes = [_section_axes(way) for way in curve.along]
    left = np.array([one[0] for one in axes], dtype=np.float32)[near]
    back = np.array([one[1] for one in axes], dtype=np.float32)[near]
    side = np.einsum("...i,...i->...", away, left)
    deep = np.einsum("...i,...i->...", away, back)
    wide = [((n - 1) * _COARSE + 1) / n for n in few]
    cut = tuple(slice(n) for n in shape)
    found = [zoom(one.astype(np.float32), wide, order=1)[cut] for one in (at * _STEP_MM, side, deep)]
    return found[0], found[1], found[2]

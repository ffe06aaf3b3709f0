"""Lumbar vertebrae above a laid sacrum, as far as they are in view.

A curve is followed upwards through the vertebral bodies from the sacrum's endplate. Along it discs are where
attenuation falls between two endplates; bone is divided at the discs, and behind the bodies along the dark
joints between the arches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.flood import flooded
from ischio.bones.segment.grid import spacing_mm
from ischio.geometry.holes import enclosed, neighbours
from ischio.geometry.interpolate import values_at
from ischio.geometry.reach import within
from ischio.types import Volume

Look = Callable[[Array], Array]

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
# An endplate's edge is at half of its height above soft tissue, looked for this near; half is no more than:
_PEAK_MM, _SOFT_HU, _DENSE_HU = 2.5, 55.0, 250.0
_LEAST_BONE_HU = 60.0  # on average in the middle of a body: the thinnest have 80, soft tissue 40
_DISC_MM = 17.0  # radius of what is seen of a disc and of the endplates beside it,
_BESIDE_MM = (5.0, 6.5, 8.0)  # as far from its middle; the disc's own middle is this thick:
_MIDDLE_MM = (-1.2, 0.0, 1.2)
# Turns and shifts that are tried for a disc's plane, twice: its curve is stiff, and sideways it hardly turns.
_TURNS_DEG = ((-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0), (-5.0, -2.5, 0.0, 2.5, 5.0))
_ALONG_MM = ((-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0), (-2.0, -1.0, 0.0, 1.0, 2.0))
_TURNED_HU = 0.02  # per degree squared
_SECTIONS = (0.35, 0.5)  # of a body's height: its waist, below the pedicles
_ASIDE_MM = np.arange(-18.0, 18.1, 2.0)  # of the curve a body's middle may lie
_WIDE_MM = (19.0, 21.0, 23.0, 25.0, 27.0)  # half a body's width,
_HALF_MM = (15.0, 16.5, 18.0, 19.5, 21.0)  # and half its depth
_INSIDE = (0.35, 0.6, 0.8)  # of a body's section, where all is marrow
_LEAST_FILLED = 0.15  # quantile: across a canal a part is dark
_RINGS_MM = (-2.5, -1.0, 3.0)  # a body's cortex, and soft tissue beside it
_MOVED_HU = 0.1  # per mm2 that a body's middle lies beside the curve
_SPUR_MM = 8.0  # a body's edges are wider than its waist
_CORE, _CORE_MM = 0.7, 8.0  # of a body's section and from a disc's middle: there is bone, however thin
_ARCH_HALF_MM, _ARCH_DEEP_MM = 52.0, 64.0
# Behind a body's back wall, this far, the border of two vertebrae lies so much below the disc; and
# farther than that from this border a voxel is surely one's:
_BEHIND_MM = (0.0, 5.0, 14.0, 30.0)
_LOWER_MM = (0.0, -4.0, 10.0, 12.0)  # upper joint processes stand up, lower ones and spines hang down
_SURE_MM = (3.0, 6.0, 9.0, 12.0)
_FINE = 8  # parts of a millimetre
_SIDE_MM = (20.0, 28.0)  # of the middle nothing hangs down any more: transverse processes
_RIDGE_HU, _RIDGE_MM = 150.0, 5.0  # what that border is worth against a dark joint
_LEAST_CM3 = 8.0
_PROCESS_MM = 8.0  # beyond its laid model a sacrum's joint processes and spine reach so far
_SACRAL = -1
_WALL_HU = (-100.0, 600.0)
_CANAL_MM = (
    5.0,
    7.0,
    2.5,
)  # half the width of what is surely canal; its middle behind the back wall, and half its depth
_MARROW_MM2 = 120.0  # of a pedicle, a lamina or a process in a slice; a canal is larger


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


@dataclass(frozen=True, slots=True, eq=False)
class Vertebra:
    """Where a vertebra's body lies.

    Parameters
    ----------
    lower, upper : (array of shape (3,), array of shape (3,)) or None
        A point and the upward normal of the middle of the disc on either side; None where the scan ends.
    middle_mm : array of shape (3,)
        Of the body.
    left, back : arrays of shape (3,)
        Unit directions across it.
    half_mm : (float, float)
        Half its width and half its depth, at its waist.
    """

    lower: tuple[Array, Array]
    upper: tuple[Array, Array] | None
    middle_mm: Array
    left: Array
    back: Array
    half_mm: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class SpineInView:
    """What is seen of the lumbar spine before anything is labelled.

    Parameters
    ----------
    room : (int, int, int)
        Shape that a label map must be grown to, at its upper ends.
    box : three slices
        Of the grown map: around the spine.
    part : Volume
        The scan there, in HU.
    vertebrae : tuple of Vertebra
        Upwards.
    where : _Places
        Where each voxel of ``part`` lies among them.
    """

    room: tuple[int, int, int]
    box: tuple[slice, slice, slice]
    part: Volume
    vertebrae: tuple[Vertebra, ...]
    where: _Places


def spine_in_view(scan: Volume, sacrum: Laid, grid: Volume) -> SpineInView | None:
    """The lumbar vertebrae above a laid sacrum.

    Parameters
    ----------
    scan : Volume
        In HU, upright.
    sacrum : Laid
    grid : Volume
        On the grid that labels will have.

    Returns
    -------
    SpineInView or None
        None where no vertebra is seen.
    """
    look = _smooth(scan, _endplate(sacrum)[0])
    curve = follow_bodies(look, sacrum)
    spans = _spans(curve, find_discs(curve.profile_hu)) if curve is not None else []
    if curve is None or not spans:
        return None
    room = _room(grid, scan, curve)
    box, part = _part(grid.patient_from_voxel, room, scan, curve)
    vertebrae = _vertebrae(look, curve, spans)
    return SpineInView(room, box, part, tuple(vertebrae), _places(part, vertebrae))


def with_vertebrae(labels: Volume, spine: SpineInView) -> tuple[Volume, tuple[str, ...]]:
    """A label map with the lumbar vertebrae above its sacrum.

    Parameters
    ----------
    labels : Volume
        With the sacrum and the hip bones; its voxels stay as they are.
    spine : SpineInView
        On the grid of the labels.

    Returns
    -------
    labels : Volume
        Larger at its upper ends if vertebrae lie there, under ``vertebrae_L5`` and on; the same where none is
        seen.
    notes : tuple of str
    """
    more = [(0, n - size) for n, size in zip(spine.room, labels.values.shape, strict=True)]
    out, box = np.pad(labels.values, more), spine.box
    own = next((n for n, name in labels.names.items() if name == "sacrum"), 0)
    found = _divided(spine, out[box], [int(n) for n in labels.names], own)
    out[box][_joined(found == _SACRAL, out[box], own, spacing_mm(spine.part))] = own
    names = dict(labels.names)
    voxel_cm3 = abs(float(np.linalg.det(spine.part.patient_from_voxel[:3, :3]))) / 1000.0
    for n in range(len(spine.vertebrae)):
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
    return replace(labels, values=out, names=names), (f"{said}: {doubt}",)


def _joined(
    bone: NDArray[np.bool_], labels: NDArray[np.generic], sacrum: int, spacing: Array
) -> NDArray[np.bool_]:
    """Which unlabelled bone belongs to the sacrum's joint processes and spine, beyond its laid model."""
    from scipy.ndimage import binary_propagation

    is_sacrum = labels == sacrum
    near = bone & (labels == 0) & within(is_sacrum, _PROCESS_MM, spacing)
    out: NDArray[np.bool_] = binary_propagation(is_sacrum, mask=is_sacrum | near) & near
    return out


def follow_bodies(look: Look, sacrum: Laid) -> BodyCurve | None:
    """Follow the vertebral bodies upwards from the sacrum.

    Parameters
    ----------
    look : callable
        HU at places, mm, patient LPS; NaN outside the scan.
    sacrum : Laid

    Returns
    -------
    BodyCurve or None
        None where the scan ends at the sacrum.
    """
    from scipy.ndimage import gaussian_filter1d

    start, along = _endplate(sacrum)
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


def _smooth(scan: Volume, start: Array) -> Look:
    """A function that gives lightly smoothed HU at places above the sacrum; NaN outside the scan."""
    from scipy.ndimage import gaussian_filter

    from ischio.bones.segment.grid import crop_box

    reach = np.array([90.0, 120.0, 0.0])
    box, matrix = crop_box(scan, start - reach - [0, 0, 40.0], start + reach + [0, 0, _LONGEST_MM + 40.0])
    values = np.clip(scan.values[box], -200, 700).astype(np.float32)
    values = gaussian_filter(values, 1.5 / spacing_mm(scan))
    return partial(values_at, values, matrix, order=1)


def _section_axes(along: Array) -> tuple[Array, Array]:
    """Left and back across a direction up the spine."""
    left = np.array([1.0, 0.0, 0.0]) - along[0] * along
    left = left / np.linalg.norm(left)
    return left, np.cross(along, left)


def _room(grid: Volume, scan: Volume, curve: BodyCurve) -> tuple[int, int, int]:
    """Shape of a grid that is grown at its upper ends until spine or scan ends."""
    back = np.linalg.inv(grid.patient_from_voxel)
    reach = np.array([_ARCH_HALF_MM, _ARCH_DEEP_MM, 20.0])
    high = curve.points_mm.max(axis=0) + reach
    last = (
        scan.patient_from_voxel[:3, :3] @ (np.array(scan.values.shape) - 1) + scan.patient_from_voxel[:3, 3]
    )
    ends = [np.floor(back[:3, :3] @ at + back[:3, 3] + 1e-6).astype(int) + 1 for at in (high, last)]
    need = np.minimum(*ends)
    i, j, k = (max(int(n), size) for n, size in zip(need, grid.values.shape, strict=True))
    return i, j, k


def _part(
    patient_from_voxel: Array, size: tuple[int, int, int], scan: Volume, curve: BodyCurve
) -> tuple[tuple[slice, slice, slice], Volume]:
    """The part of a grid around the spine, and the scan's values there."""
    from scipy.ndimage import affine_transform

    back = np.linalg.inv(patient_from_voxel)
    low = curve.points_mm.min(axis=0) - [_ARCH_HALF_MM, 40.0, 30.0]
    high = curve.points_mm.max(axis=0) + [_ARCH_HALF_MM, _ARCH_DEEP_MM, 20.0]
    ends = np.array([low, high]) @ back[:3, :3].T + back[:3, 3]
    start = np.clip(np.floor(ends.min(axis=0)), 0, np.array(size) - 1).astype(int)
    stop = np.clip(np.ceil(ends.max(axis=0)) + 1, start + 1, size).astype(int)
    matrix = patient_from_voxel.copy()
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


def _vertebrae(look: Look, curve: BodyCurve, spans: list[tuple[int, int]]) -> list[Vertebra]:
    """Where the vertebra of each span lies."""
    last = len(curve.points_mm) - 1
    ends = [spans[0][0], *(high for _, high in spans)]
    planes = [_disc_plane(look, curve.points_mm[k], curve.along[k]) for k in ends if k < last]
    out = []
    for n in range(len(spans)):
        upper = planes[n + 1] if n + 1 < len(planes) else None
        end = curve.points_mm[last] if upper is None else upper[0]
        way = planes[n][1] + (curve.along[last] if upper is None else upper[1])
        at = [planes[n][0] + share * (end - planes[n][0]) for share in _SECTIONS]
        out.append(_body(look, planes[n], upper, at, way / np.linalg.norm(way)))
    return out


def _disc_plane(look: Look, at: Array, way: Array) -> tuple[Array, Array]:
    """Middle and upward normal of a disc: dark, between two bright endplates."""
    ticks = np.arange(-16.0, 16.1, 4.0)
    aside, deep = np.meshgrid(ticks, ticks, indexing="ij")
    near = np.hypot(aside, 1.2 * deep) < _DISC_MM
    aside, deep = aside[near][:, None, None], deep[near][:, None, None]
    steps = np.array([-mm for mm in reversed(_BESIDE_MM)] + [*_MIDDLE_MM, *_BESIDE_MM])[:, None]
    n = len(_BESIDE_MM)

    def contrast(middle: Array, normal: Array) -> float:
        left, back = _section_axes(normal)
        hu = np.clip(look(middle + aside * left + deep * back + steps * normal), -50.0, 400.0)
        hu = np.where(np.isnan(hu), -50.0, hu)
        ends = hu[:, :n].max(axis=1).mean() + hu[:, -n:].max(axis=1).mean()
        turned = np.rad2deg(np.arccos(np.clip(normal @ way, -1.0, 1.0)))
        return float(0.5 * ends - hu[:, n:-n].mean() - _TURNED_HU * turned**2)

    best, normal = at, way
    for turns, shifts in zip(_TURNS_DEG, _ALONG_MM, strict=True):
        left, back = _section_axes(normal)
        tried = []
        for to_left in np.tan(np.deg2rad(turns)):
            for to_back in np.tan(np.deg2rad(turns)):
                one = normal + to_left * left + to_back * back
                one = one / np.linalg.norm(one)
                tried += [(contrast(best + mm * normal, one), mm, one) for mm in shifts]
        _, mm, turned = max(tried, key=lambda one: one[0])
        best, normal = best + mm * normal, turned
    return best, normal


def _body(
    look: Look, lower: tuple[Array, Array], upper: tuple[Array, Array] | None, at: list[Array], way: Array
) -> Vertebra:
    """The ellipse across a body's waist that is bright all over, and whose edge falls most all round."""
    left, back = _section_axes(way)
    turn = np.deg2rad(np.arange(0.0, 360.0, 15.0))[:, None]
    aside, deep = np.meshgrid(_ASIDE_MM, _ASIDE_MM, indexing="ij")
    moves = aside.reshape(-1, 1) * left + deep.reshape(-1, 1) * back
    starts = np.concatenate([one + moves for one in at])

    def ring(wide: float, half: float) -> Array:
        edge = wide * np.cos(turn) * left + half * np.sin(turn) * back
        hu = np.clip(look(starts[:, None] + edge), -50.0, 500.0)
        hu = np.where(np.isnan(hu), -50.0, hu).reshape(len(at), len(moves), -1)
        out: Array = np.concatenate(list(hu), axis=1)
        return out

    best = (-np.inf, 0, (_WIDE_MM[2], _HALF_MM[2]))
    for wide in _WIDE_MM:
        for half in _HALF_MM:
            inner, edge, outer = (ring(wide + mm, half + mm) for mm in _RINGS_MM)
            # Each part of the edge counts alike: a bright process at one place is no wall all round.
            fall = np.clip(np.maximum(inner, edge) - outer, -100.0, 200.0).mean(axis=1)
            inside = np.concatenate([ring(share * wide, share * half) for share in _INSIDE], axis=1)
            filled = np.quantile(inside, _LEAST_FILLED, axis=1) - np.clip(outer, -50.0, 200.0).mean(axis=1)
            worth = fall + filled - _MOVED_HU * (aside**2 + deep**2).ravel()
            n = int(np.argmax(worth))
            if worth[n] > best[0]:
                best = float(worth[n]), n, (wide, half)
    return Vertebra(lower, upper, np.mean(at, axis=0) + moves[best[1]], left, back, best[2])


def _divided(
    spine: SpineInView, taken: NDArray[np.generic], known: list[int], sacrum: int
) -> NDArray[np.int32]:
    """Number (from 1, upwards) of each voxel's vertebra, -1 the sacrum's upper joints, 0 elsewhere."""
    from scipy.ndimage import binary_closing, binary_dilation, find_objects, gaussian_filter, label

    part, vertebrae, where = spine.part, spine.vertebrae, spine.where
    spacing = spacing_mm(part)
    # Behind the bodies the sacrum's label may hold what is the lowest vertebra's, across their joints.
    is_joint = (taken == sacrum) & where.is_hung & (where.level <= 1) & where.is_near
    zone = (~np.isin(taken, known) & where.is_near) | is_joint
    smooth = gaussian_filter(part.values, 0.4 / spacing)
    reach = [max(1, int(_CLOSE_MM / s)) for s in spacing]
    wide = np.pad(
        (smooth > _BONE_HU) & zone, [(n, n) for n in reach], mode="edge"
    )  # no end at the scan's end
    wide = binary_closing(wide, np.ones([2 * n + 1 for n in reach]))
    bone = wide[tuple(slice(n, -n) for n in reach)] & zone
    # Where a vertebra is seen at all, what its walls enclose is bone: its marrow may be as dark as its canal.
    seen_cm3 = np.bincount(where.level[bone], minlength=len(vertebrae) + 2) * float(spacing.prod()) / 1000.0
    inside = np.where(where.is_core & (seen_cm3 > _LEAST_CM3)[where.level], 2, 0)
    walls = np.clip(gaussian_filter(part.values, 0.5 / spacing), *_WALL_HU)
    water = np.where(where.is_outside, 1, inside).astype(np.int32)
    walled = (flooded(walls, water, binary_dilation(where.is_near, iterations=2)) == 2) & zone
    bone |= walled
    bone |= _small_holes(bone, 2, spacing) & zone
    # A transverse process is a ring in sagittal slices; nearer to the middle there are foramina.
    bone |= _small_holes(bone, 0, spacing) & zone & where.is_aside
    bone &= ~_bright_disc(bone, walled, smooth, where.is_disc, spacing)
    seeds = np.where(bone & where.is_sure, where.level + 1, 0).astype(np.int32)
    height = where.ridge - np.clip(gaussian_filter(part.values, 0.5 / spacing), -100.0, 700.0)
    found = flooded(height, seeds, bone) - 1
    out = np.where((found == 0) & where.is_hung, _SACRAL, 0).astype(np.int32)
    boxes = find_objects(found, max_label=len(vertebrae))
    for n, box in enumerate(boxes, start=1):
        if box is not None:
            pieces, _ = label(found[box] == n, structure=np.ones((3, 3, 3)))
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            # What it encloses is its marrow; a vertebra is never solid enough to enclose anything else.
            out[box][enclosed(pieces == int(np.argmax(sizes))) & zone[box]] = n
    return out


def _small_holes(bone: NDArray[np.bool_], axis: int, spacing: Array) -> NDArray[np.bool_]:
    """Holes in the slices across an axis that are as small as marrow of a process is."""
    from scipy.ndimage import label

    most = _MARROW_MM2 / float(np.delete(spacing, axis).prod())
    holes, _ = label(enclosed(bone, across=axis) & ~bone, neighbours(3, axis))
    is_small = np.bincount(holes.ravel()) < most
    is_small[0] = False
    out: NDArray[np.bool_] = is_small[holes]
    return out


def _bright_disc(
    bone: NDArray[np.bool_],
    walled: NDArray[np.bool_],
    smooth: NDArray[np.float32],
    is_disc: NDArray[np.bool_],
    spacing: Array,
) -> NDArray[np.bool_]:
    """What was taken for bone in discs, outside of where an endplate has half of its height."""
    from scipy.ndimage import binary_propagation, maximum_filter

    high = maximum_filter(smooth, [2 * int(_PEAK_MM / s) + 1 for s in spacing])
    is_low = bone & ~walled & is_disc & (smooth < np.clip(0.5 * (_SOFT_HU + high), _BONE_HU, _DENSE_HU))
    out: NDArray[np.bool_] = binary_propagation(~bone, mask=is_low | ~bone) & bone
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Of each voxel, arrays of shape (I, J, K).

    Parameters
    ----------
    level : int
        0 below the lowest vertebra, its number in it, and one more than the highest's above.
    is_hung : bool
        Behind the bodies and not far aside: where vertebrae overlap in height.
    is_near, is_core, is_outside, is_sure : bool
        Near enough to be bone of a vertebra; surely bone; surely none; surely of this level, if bone.
    is_disc, is_aside : bool
        Where there is disc or what bounds it; where there are transverse processes alone.
    ridge : float32
        What the border between two vertebrae behind the bodies adds to a height, HU.
    """

    level: NDArray[np.int32]
    is_hung: NDArray[np.bool_]
    is_near: NDArray[np.bool_]
    is_core: NDArray[np.bool_]
    is_outside: NDArray[np.bool_]
    is_sure: NDArray[np.bool_]
    is_disc: NDArray[np.bool_]
    is_aside: NDArray[np.bool_]
    ridge: NDArray[np.float32]


def _places(part: Volume, vertebrae: list[Vertebra]) -> _Places:
    """Where each voxel lies among vertebrae."""
    shape = part.values.shape
    index = np.ogrid[tuple(slice(n) for n in shape)]

    def along(way: Array, origin: Array) -> NDArray[np.float32]:
        steps, start = way @ part.patient_from_voxel[:3, :3], way @ (part.patient_from_voxel[:3, 3] - origin)
        i, j, k = (step * n for step, n in zip(steps, index, strict=True))
        out: NDArray[np.float32] = ((i + start).astype(np.float32) + j.astype(np.float32)) + k.astype(
            np.float32
        )
        return out

    def across(one: Vertebra) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return along(one.left, one.middle_mm), along(one.back, one.middle_mm)

    level = np.zeros(shape, dtype=np.int32)
    apart = np.full(shape, np.inf, dtype=np.float32)
    ridge = np.zeros(shape, dtype=np.float32)
    from_disc = np.full(shape, np.inf, dtype=np.float32)
    ticks = (
        np.arange(int(_BEHIND_MM[-1] * _FINE) + 1) / _FINE
    )  # a table: interpolation of each voxel takes seconds
    lower, sure = (np.interp(ticks, _BEHIND_MM, mm).astype(np.float32) for mm in (_LOWER_MM, _SURE_MM))
    borders = [(one.lower, one) for one in vertebrae]
    if vertebrae[-1].upper is not None:
        borders.append((vertebrae[-1].upper, vertebrae[-1]))
    for (middle, normal), one in borders:
        side, deep = across(one)
        behind = deep - np.float32(one.half_mm[1])
        hangs = np.clip((_SIDE_MM[1] - np.abs(side)) / (_SIDE_MM[1] - _SIDE_MM[0]), 0.0, 1.0)
        above = along(normal, middle)
        from_disc = np.minimum(from_disc, np.abs(above))
        step = (np.clip(behind, 0.0, _BEHIND_MM[-1]) * _FINE).astype(np.uint8)
        above += hangs * lower[step]
        level += above > 0.0
        apart = np.minimum(apart, np.abs(above) / sure[step])
        weight = np.clip(behind / _BEHIND_MM[1], 0.0, 1.0)
        ridge = np.maximum(ridge, _RIDGE_HU * weight * np.exp(-0.5 * (above / _RIDGE_MM) ** 2))
    is_near, is_core, is_hung, is_outside, is_disc, is_aside = (np.zeros(shape, dtype=bool) for _ in range(6))
    for n, one in enumerate(vertebrae, start=1):
        own = np.clip(level, 1, len(vertebrae)) == n
        side, deep = across(one)
        wide, half = one.half_mm
        is_hung |= own & (deep > half) & (np.abs(side) < _SIDE_MM[1])
        is_body = (side / (wide + _SPUR_MM)) ** 2 + (np.minimum(deep, 0.0) / (half + _SPUR_MM)) ** 2 < 1.0
        is_body &= deep < half + _SPUR_MM
        is_arch = (deep > half - _SPUR_MM) & (deep < half + _ARCH_DEEP_MM) & (np.abs(side) < _ARCH_HALF_MM)
        is_near |= own & (is_body | is_arch)
        is_aside |= own & is_arch & (np.abs(side) > _SIDE_MM[0])
        inner = (side / wide) ** 2 + (deep / half) ** 2 < _CORE**2
        is_core |= own & inner & (level == n) & (from_disc > _CORE_MM)
        is_canal = (np.abs(side) < _CANAL_MM[0]) & (np.abs(deep - half - _CANAL_MM[1]) < _CANAL_MM[2])
        is_disc |= own & (deep < half) & (from_disc < _ENDPLATE_MM)
        is_outside |= own & (is_canal | ((deep < half) & (from_disc < _MIDDLE_MM[-1])))
    return _Places(
        level, is_hung, is_near, is_core, is_outside | ~is_near, apart > 1.0, is_disc, is_aside, ridge
    )

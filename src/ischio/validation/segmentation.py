"""Bones found in CT that was made from surfaces, against these surfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ischio._check import Array
from ischio.bones.segment.ct import segment_ct
from ischio.bones.surface import bones_from_input
from ischio.geometry.solid import solid
from ischio.io.case import RawInput
from ischio.study import Settings, analyse
from ischio.types import Bone, Side
from ischio.validation.made_ct import Scanner, made_ct, model_hip
from ischio.validation.rows import Row, compared

# Slice thickness in mm -> what Dice may miss to 1, and the gap's tolerance in mm.
SLICES_MM = {0.8: (0.03, 0.5), 1.5: (0.03, 0.5), 3.0: (0.06, 1.5)}
IN_PLANE_MM = 0.8
_PERSON = 18
_GAP = "ischiofemoral_space_3d"
_STEP_MM = 0.5  # of the grid that volumes are compared on
_BELOW_MM, _ABOVE_MM, _BESIDE_MM = 110.0, 40.0, 8.0  # of the head's top and of the bones: the field of view


def model_rows(progress: Callable[[str, float], None]) -> list[Row]:
    """Rows for CT made from a hip of the shape model.

    Parameters
    ----------
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    list of Row
    """
    return _all(f"shape model's person {_PERSON}", model_hip(_PERSON), progress, has_gap=False)


def person_rows(who: str, bones: Sequence[Bone], progress: Callable[[str, float], None]) -> list[Row]:
    """Rows for CT made from a person's left hip, with the gap.

    Parameters
    ----------
    who : str
    bones : sequence of Bone
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    list of Row
    """
    return _all(who, bones, progress, has_gap=True)


def _all(
    who: str, bones: Sequence[Bone], progress: Callable[[str, float], None], *, has_gap: bool
) -> list[Row]:
    """Rows for every slice thickness."""
    rows = []
    for n, thick in enumerate(SLICES_MM):
        progress(f"CT made of {who}, {thick:g} mm", n / len(SLICES_MM))
        rows += _rows(who, bones, thick, has_gap)
    return rows


def _rows(who: str, bones: Sequence[Bone], thick_mm: float, has_gap: bool) -> list[Row]:
    """Rows for one person and slice thickness."""
    truth = {(bone.name, bone.side): bone for bone in bones}
    pair = [truth[name, Side.LEFT] for name in ("hip_bone", "femur")]
    box = field_of_view(*pair)
    scan = made_ct(bones, box, scanner=Scanner(IN_PLANE_MM, thick_mm))
    labels = segment_ct(scan).labels
    found = {
        (bone.name, bone.side): bone
        for bone in bones_from_input(RawInput((), labels, ()), scan=scan, is_own=True)
    }
    missing, tolerance_mm = SLICES_MM[thick_mm]
    source = f"CT made of {who}, {IN_PLANE_MM:g} x {IN_PLANE_MM:g} x {thick_mm:g} mm"
    rows = []
    for bone in pair:
        own = found.get((bone.name, bone.side))
        words = f"left {bone.name.replace('_', ' ')}"
        dice, distance = (0.0, np.inf) if own is None else _agreement(bone, own, box)
        rows.append(compared(f"{words}: Dice of the solid", 1.0, dice, missing, "1", source))
        rows.append(compared(f"{words}: mean distance to it", 0.0, distance, IN_PLANE_MM / 2, "mm", source))
    if has_gap:
        gaps = [_gap(list(each)) for each in (bones, found.values())]
        if gaps[0] is not None:
            ours = np.inf if gaps[1] is None else gaps[1]
            rows.append(compared(f"{_GAP}, left", gaps[0], ours, tolerance_mm, "mm", source))
    return rows


def field_of_view(hip_bone: Bone, femur: Bone) -> tuple[Array, Array]:
    """A box around a hip, cut below the trochanters and above the socket, as scans of hips are.

    Parameters
    ----------
    hip_bone, femur : Bone

    Returns
    -------
    low, high : arrays of shape (3,), mm
    """
    top = float(femur.vertices_mm[:, 2].max())
    upper = femur.vertices_mm[femur.vertices_mm[:, 2] > top - _BELOW_MM]
    points = np.concatenate([hip_bone.vertices_mm, upper])
    low, high = points.min(axis=0) - _BESIDE_MM, points.max(axis=0) + _BESIDE_MM
    low[2], high[2] = top - _BELOW_MM, top + _ABOVE_MM
    return low, high


def _agreement(truth: Bone, own: Bone, box: tuple[Array, Array]) -> tuple[float, float]:
    """Dice of two solids, and mean distance of the true surface's vertices from ours, mm, inside a box."""
    from scipy.spatial import cKDTree

    low, high = box[0] + 2.0, box[1] - 2.0
    grid = np.eye(4)
    grid[:3, :3] *= _STEP_MM
    grid[:3, 3] = low
    i, j, k = (int(n) for n in (high - low) / _STEP_MM)
    one, other = (solid(bone.vertices_mm, bone.faces, grid, (i, j, k)) for bone in (truth, own))
    inside = ((truth.vertices_mm > low) & (truth.vertices_mm < high)).all(axis=1)
    middles = np.concatenate([own.vertices_mm, own.triangles_mm.mean(axis=1)])
    distance = cKDTree(middles).query(truth.vertices_mm[inside])[0]
    return float(2 * (one & other).sum() / (one.sum() + other.sum())), float(distance.mean())


def _gap(bones: Sequence[Bone]) -> float | None:
    """The left gap."""
    study = analyse(tuple(bones), Settings(case_id="made"))
    return next(row.value for row in study.measurements if row.name == _GAP and row.side is Side.LEFT)

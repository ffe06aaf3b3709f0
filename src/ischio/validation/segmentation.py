"""Bones found in CT that was made from surfaces, against these surfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ischio._check import Array
from ischio.bones.segment.ct import segment_ct
from ischio.bones.surface import bones_from_input
from ischio.geometry.solid import solid
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.io.case import RawInput
from ischio.study import Settings, analyse
from ischio.types import Bone, Side, Volume
from ischio.validation.made_ct import Scanner, made_ct, model_hip
from ischio.validation.merged import taken_row
from ischio.validation.people import read_person
from ischio.validation.rows import Row, compared

Progress = Callable[[str, float], None]

# Slice thickness in mm -> what Dice may miss to 1, and the gap's tolerance in mm.
SLICES_MM = {0.8: (0.03, 0.5), 1.5: (0.03, 0.5), 3.0: (0.06, 1.5)}
IN_PLANE_MM = 0.8
_JUDGED = ("hip_bone", "femur", "sacrum")
_PERSON = 18
_MORE_PEOPLE = (3, 9, 14, 22)
_GAP = "ischiofemoral_space_3d"
_STEP_MM = 0.5  # of the grid that volumes are compared on
_N_NEXT = 12  # triangles about a vertex, and as many again
_BELOW_MM, _ABOVE_MM, _BESIDE_MM = 110.0, 40.0, 8.0  # of the head's top and of the bones: the field of view


def model_rows(progress: Progress, people: Sequence[int] = (_PERSON,)) -> list[Row]:
    """Rows for CT made from hips of the shape model.

    Parameters
    ----------
    progress : callable
        ``progress(words, fraction)``.
    people : sequence of int

    Returns
    -------
    list of Row
    """
    rows = []
    for person in people:
        who = f"shape model's person {person}"
        rows += _all(who, model_hip(person), (Side.LEFT,), progress, has_gap=False)
    return rows


def person_rows(
    who: str,
    bones: Sequence[Bone],
    progress: Progress,
    *,
    sides: Sequence[Side] = (Side.LEFT,),
    slices_mm: Sequence[float] = tuple(SLICES_MM),
) -> list[Row]:
    """Rows for CT made from a person's hips, each by itself, with the gap.

    Parameters
    ----------
    who : str
    bones : sequence of Bone
    progress : callable
        ``progress(words, fraction)``.
    sides : sequence of Side
        Those without both bones are left out.
    slices_mm : sequence of float
        Of ``SLICES_MM``.

    Returns
    -------
    list of Row
    """
    rows = []
    for side in sides:
        if {"hip_bone", "femur"} <= {bone.name for bone in bones if bone.side is side}:
            rows += _all(who, bones, (side,), progress, has_gap=True, slices_mm=slices_mm)
    return rows


def pelvis_rows(
    who: str,
    bones: Sequence[Bone],
    progress: Progress,
    slices_mm: Sequence[float] = tuple(SLICES_MM),
) -> list[Row]:
    """Rows for CT made from a whole pelvis and the upper part of the femora.

    Parameters
    ----------
    who : str
    bones : sequence of Bone
        With both hips.
    progress : callable
        ``progress(words, fraction)``.
    slices_mm : sequence of float
        Of ``SLICES_MM``.

    Returns
    -------
    list of Row
    """
    return _all(who, bones, tuple(Side), progress, has_gap=True, slices_mm=slices_mm)


def every_row(folder: Path, progress: Progress) -> list[Row]:
    """Rows for CT made of everybody at hand: both sides of each person, one whole pelvis, more of the model.

    Parameters
    ----------
    folder : Path
        Holds a folder of bones for each person.
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    list of Row
    """
    rows = model_rows(progress, _MORE_PEOPLE)
    for path in sorted(one for one in folder.iterdir() if one.is_dir()):
        bones = read_person(path)
        rows += person_rows(path.name, bones, progress, sides=tuple(Side))
        if all({"femur", "hip_bone"} <= {b.name for b in bones if b.side is side} for side in Side):
            rows += pelvis_rows(path.name, bones, progress)
    return rows


def _all(
    who: str,
    bones: Sequence[Bone],
    sides: Sequence[Side],
    progress: Progress,
    *,
    has_gap: bool,
    slices_mm: Sequence[float] = tuple(SLICES_MM),
) -> list[Row]:
    """Rows for every slice thickness."""
    rows = []
    for n, thick in enumerate(slices_mm):
        progress(f"CT made of {who}, {thick:g} mm", n / len(slices_mm))
        rows += _rows(who, bones, sides, thick, has_gap)
    return rows


def _rows(
    who: str, bones: Sequence[Bone], sides: Sequence[Side], thick_mm: float, has_gap: bool
) -> list[Row]:
    """Rows for one person and slice thickness."""
    box = field_of_view(bones, sides)
    is_whole = len(sides) > 1
    wanted = [bone for bone in bones if bone.name in _JUDGED and (bone.side in sides or is_whole)]
    scan = made_ct(bones, box, scanner=Scanner(IN_PLANE_MM, thick_mm))
    labels = segment_ct(scan).labels
    found = {
        (bone.name, bone.side): bone
        for bone in bones_from_input(RawInput((), labels, ()), scan=scan, is_own=True)
    }
    missing, tolerance_mm = SLICES_MM[thick_mm]
    view = "both sides, " if is_whole else ""
    source = f"CT made of {who}, {view}{IN_PLANE_MM:g} x {IN_PLANE_MM:g} x {thick_mm:g} mm"
    rows = []
    taken = 0.0
    for bone in wanted:
        own = found.get((bone.name, bone.side))
        words = bone.label.replace("_", " ")
        dice, distance = (0.0, np.inf) if own is None else _agreement(bone, own, box)
        rows.append(compared(f"{words}: Dice of the solid", 1.0, dice, missing, "1", source))
        rows.append(compared(f"{words}: mean distance to it", 0.0, distance, IN_PLANE_MM / 2, "mm", source))
        taken = max([taken, *(_taken(bone, other, labels) for other in wanted if other is not bone)])
    rows.append(taken_row(taken, source))
    if has_gap:
        truth, ours = _gaps(list(bones)), _gaps(list(found.values()))
        for side in sides:
            expected, got = truth.get(side), ours.get(side)
            if expected is not None:
                value = np.inf if got is None else got
                words = f"{_GAP}, {side.value}"
                rows.append(compared(words, expected, value, tolerance_mm, "mm", source))
    return rows


def field_of_view(bones: Sequence[Bone], sides: Sequence[Side] = (Side.LEFT,)) -> tuple[Array, Array]:
    """A box around one hip, from below the trochanters to above the socket, or around a whole pelvis.

    Parameters
    ----------
    bones : sequence of Bone
    sides : sequence of Side
        One, as in scans of hips, or both: then up to the crests.

    Returns
    -------
    low, high : arrays of shape (3,), mm
    """
    wanted = {("hip_bone", side) for side in sides} | ({("sacrum", None)} if len(sides) > 1 else set())
    hips = np.concatenate([bone.vertices_mm for bone in bones if (bone.name, bone.side) in wanted])
    femora = [bone.vertices_mm for bone in bones if bone.name == "femur" and bone.side in sides]
    top = max(float(one[:, 2].max()) for one in femora)
    points = np.concatenate([hips, *(one[one[:, 2] > top - _BELOW_MM] for one in femora)])
    low, high = points.min(axis=0) - _BESIDE_MM, points.max(axis=0) + _BESIDE_MM
    low[2] = top - _BELOW_MM
    if len(sides) == 1:
        high[2] = top + _ABOVE_MM
    return low, high


def _agreement(truth: Bone, own: Bone, box: tuple[Array, Array]) -> tuple[float, float]:
    """Dice of two solids, and mean distance of the true surface's vertices from ours, mm, inside a box."""
    low, high = box[0] + 2.0, box[1] - 2.0
    grid = np.eye(4)
    grid[:3, :3] *= _STEP_MM
    grid[:3, 3] = low
    i, j, k = (int(n) for n in (high - low) / _STEP_MM)
    one, other = (solid(bone.vertices_mm, bone.faces, grid, (i, j, k)) for bone in (truth, own))
    inside = ((truth.vertices_mm > low) & (truth.vertices_mm < high)).all(axis=1)
    distance = _from_surface(truth.vertices_mm[inside], own.triangles_mm)
    return float(2 * (one & other).sum() / (one.sum() + other.sum())), float(distance.mean())


def _from_surface(points: Array, triangles: Array) -> Array:
    """Distance of each point from a surface of small triangles, mm: from the nearest of the next twelve."""
    from scipy.spatial import cKDTree

    _, near = cKDTree(triangles.mean(axis=1)).query(points, min(_N_NEXT, len(triangles)))
    feet = [closest_on_triangles(points, triangles[one]) for one in near.reshape(len(points), -1).T]
    out: Array = np.linalg.norm(np.stack(feet) - points, axis=-1).min(axis=0)
    return out


def _taken(bone: Bone, other: Bone, labels: Volume) -> float:
    """Share of a bone's solid that the label map gives to another one; what both hold is either's."""
    key = other.name if other.side is None else f"{other.name}_{other.side.value}"
    numbers = [number for number, name in labels.names.items() if name == key]
    i, j, k = labels.values.shape
    mask, shared = (
        solid(one.vertices_mm, one.faces, labels.patient_from_voxel, (i, j, k)) for one in (bone, other)
    )
    return float((mask & ~shared & np.isin(labels.values, numbers)).sum() / max(int(mask.sum()), 1))


def _gaps(bones: Sequence[Bone]) -> dict[Side | None, float | None]:
    """The gap of each side."""
    study = analyse(tuple(bones), Settings(case_id="made"))
    return {row.side: row.value for row in study.measurements if row.name == _GAP}

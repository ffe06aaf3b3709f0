"""Bones found in CT of people, against the edges that the CT shows and against a network's labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.refine import METAL_HU, cubic_part, normals_of, sampled
from ischio.bones.segment.ct import segment_ct
from ischio.bones.surface import bones_from_input
from ischio.geometry.solid import solid
from ischio.io.case import RawInput, read_input
from ischio.io.label_names import label_names
from ischio.io.scan import read_scan
from ischio.types import VERTEBRAE, Bone, Volume
from ischio.validation.rows import Row, compared

MOST_MM = 0.3  # median distance to the steepest edge, in plane
LEAST_NEAR = 0.95  # share of a surface within a voxel of the steepest edge
LEAST_DICE = 0.9
REACH_MM = 3.0  # as far from a surface the steepest fall is looked for
JOINT_MM = 6.0  # nearer to another bone is a joint: there the steepest edge may be the other bone's
_STEP_MM = 0.1
_N_POINTS = 20_000  # of a surface
_PARTS = 3  # of a voxel's side, when a surface's solid is laid on a network's voxels
_FEWEST = 50  # points in plane that make a median

_BOTH_SEE = "Dice of voxels that neither gives to another bone"
_THIGH = ("femur", "hip_bone")
# The numbers of TotalSegmentator, version 1, for the vertebrae, which its class map leaves out.
_THEIR_VERTEBRAE = {18 + n: name for n, name in enumerate(VERTEBRAE)}


@dataclass(frozen=True, slots=True)
class Scan:
    """A CT of a person, what it must show, and a network's labels.

    Parameters
    ----------
    path : str
        In the folder of reference data.
    bones : tuple of str
        Those in view.
    labels : str, optional
    mask : str, optional
        Of tumour: what it covers is not judged.
    amiss : mapping of str to str
        Bones whose labels are seen to be wrong, and how; the comparison is shown and not judged.
    """

    path: str
    bones: tuple[str, ...]
    labels: str | None = None
    mask: str | None = None
    amiss: Mapping[str, str] = field(default_factory=dict)


def _thigh(number: str, side: str) -> Scan:
    """A CT of one hip with a tumour beside it."""
    name = f"ct_mr_hip_sts/STS_{number}_CT"
    bones = tuple(f"{side} {bone}" for bone in _THIGH)
    return Scan(f"{name}.nii.gz", bones, mask=f"{name}_GTVmask.nii.gz")


_BOTH = tuple(f"{side} {bone}" for bone in _THIGH for side in ("left", "right"))
SCANS = {
    "abdomen with a nail, 3 mm": Scan(
        "ct_abdomen_pelvis_totalseg/example_ct.nii.gz",
        (*_BOTH, "sacrum", *VERTEBRAE),
        labels="ct_abdomen_pelvis_totalseg/example_seg_v1_104classes.nii.gz",
        amiss={"left femur": "the network leaves the nailed trochanter out"},
    ),
    "iliac wings, 1 mm": Scan(
        "ct_vhf_pelvis/VHF_CT_pelvis_z901-1050_1mm.nii.gz",
        ("left hip_bone", "right hip_bone", "sacrum", *VERTEBRAE[:2]),
    ),
    **{
        f"hip STS_{number}, 3.3 mm": _thigh(number, side)
        for number, side in (
            ("001", "left"),
            ("003", "right"),
            ("029", "left"),
            ("031", "right"),
            ("044", "right"),
            ("048", "left"),
        )
    },
    "knee STS_013, 3.3 mm": Scan(
        "ct_knee_sts/STS_013_CT.nii.gz", ("left femur",), mask="ct_knee_sts/STS_013_CT_GTVmask.nii.gz"
    ),
}


FEW = ("abdomen with a nail, 3 mm", "iliac wings, 1 mm", "hip STS_044, 3.3 mm")


def scan_rows(data: Path, progress: Callable[[str, float], None], names: Sequence[str] = FEW) -> list[Row]:
    """Rows for CT of people, from the file to the surfaces.

    Parameters
    ----------
    data : Path
        Folder of reference data.
    progress : callable
        ``progress(words, fraction)``.
    names : sequence of str
        Of ``SCANS``; those that are not in the folder are left out.

    Returns
    -------
    list of Row
    """
    rows = []
    for n, name in enumerate(names):
        one = SCANS[name]
        if not (data / one.path).is_file():
            continue
        progress(f"CT of {name}", n / len(names))
        scan, _ = read_scan(data / one.path, modality="CT")
        found = segment_ct(scan).labels
        bones = bones_from_input(RawInput((), found, ()), scan=scan, is_own=True)
        mask = read_scan(data / one.mask, modality="MR")[0] if one.mask is not None else None
        rows += judged_rows(name, one, scan, bones, mask)
        if one.labels is not None:
            rows += label_rows(name, one, data / one.labels, bones)
    return rows


def judged_rows(name: str, one: Scan, scan: Volume, bones: Sequence[Bone], mask: Volume | None) -> list[Row]:
    """Rows for the bones that are found, and for how near their surfaces lie to the scan's steepest edges.

    Parameters
    ----------
    name : str
    one : Scan
    scan : Volume
    bones : sequence of Bone
    mask : Volume or None

    Returns
    -------
    list of Row
    """
    source = f"CT of {name}"
    labels = {bone.label for bone in bones if bone.name in (*_THIGH, "sacrum", *VERTEBRAE)}
    right = len(labels & set(one.bones)) - len(labels - set(one.bones))
    rows = [compared("bones in view that are found", len(one.bones), right, 0, "1", source)]
    for bone in bones:
        found = edge_agreement(bone, [other for other in bones if other is not bone], scan, mask)
        words = bone.label.replace("_", " ")
        if found is None:
            continue
        median, near = found
        rows.append(
            compared(f"{words}: median distance to the edge in plane", 0.0, median, MOST_MM, "mm", source)
        )
        rows.append(
            compared(f"{words}: share within a voxel of the edge", 1.0, near, 1.0 - LEAST_NEAR, "1", source)
        )
    return rows


def edge_agreement(
    bone: Bone, others: Sequence[Bone], scan: Volume, mask: Volume | None = None
) -> tuple[float, float] | None:
    """How near a surface lies to where a CT falls most steeply along its normals.

    Parameters
    ----------
    bone : Bone
    others : sequence of Bone
        What is near to them is a joint and not judged.
    scan : Volume
    mask : Volume, optional
        What it covers is not judged, either.

    Returns
    -------
    median_mm, near : (float, float) or None
        Median distance of what faces the plane of the slices, and the share of all within a voxel along
        its normal; None where fewer than 50 points are seen.

    Notes
    -----
    The steepest edge is looked for within 3 mm, whichever surface it belongs to. Where metal is within reach
    nothing is judged.
    """
    from scipy.spatial import cKDTree

    some = np.random.default_rng(0).permutation(len(bone.vertices_mm))[:_N_POINTS]
    points, normals = bone.vertices_mm[some], normals_of(bone.vertices_mm, bone.faces)[some]
    at = np.arange(-REACH_MM - _STEP_MM, REACH_MM + 1.5 * _STEP_MM, _STEP_MM)
    places = points[:, None] + at[None, :, None] * normals[:, None]
    hu = sampled(cubic_part(scan, points), places, order=3)
    use = np.isfinite(hu).all(axis=1)
    for other in others:
        use &= cKDTree(other.vertices_mm).query(points, distance_upper_bound=JOINT_MM)[0] > JOINT_MM
    use &= np.nan_to_num(hu).max(axis=1) < METAL_HU
    if mask is not None:
        use &= ~(np.nan_to_num(sampled(mask, points, order=0)) > 0)
    distance = np.abs(_steepest(hu, at))
    spacing = np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0)
    along = normals @ (scan.patient_from_voxel[:3, :3] / spacing)
    voxel = np.linalg.norm(along * spacing, axis=1)
    in_plane = use & (np.abs(along[:, int(np.argmax(spacing))]) < 0.5)
    if in_plane.sum() < _FEWEST:
        return None
    return float(np.median(distance[in_plane])), float((distance[use] < voxel[use]).mean())


def _steepest(hu: Array, at: Array) -> Array:
    """Where each row falls most, by a parabola between samples: steps of 0.1 mm are a third of the bar.

    An edge is where the fall is steeper than on either side. What still grows steeper where the row ends is
    the flank of an edge that lies farther off, such as that of a denser sheet behind; of rows without an edge
    the steepest place is told.
    """
    fall = np.nan_to_num(hu[:, :-2] - hu[:, 2:], nan=0.0)
    rows, last = np.arange(len(fall)), fall.shape[1] - 1
    is_edge = np.zeros(fall.shape, dtype=bool)
    is_edge[:, 1:-1] = (fall[:, 1:-1] >= fall[:, :-2]) & (fall[:, 1:-1] >= fall[:, 2:])
    edges = np.where(is_edge & (fall > 0), fall, -np.inf)
    best = np.where(np.isfinite(edges).any(axis=1), np.argmax(edges, axis=1), np.argmax(fall, axis=1))
    before, top, after = (fall[rows, np.clip(best + k, 0, last)] for k in (-1, 0, 1))
    bend = before - 2 * top + after
    is_top = (best > 0) & (best < last) & (bend < 0)
    shift = np.where(is_top, 0.5 * (before - after) / np.where(is_top, bend, 1.0), 0.0)
    out: Array = at[1:-1][best] + _STEP_MM * np.clip(np.nan_to_num(shift), -0.5, 0.5)
    return out


def label_rows(name: str, one: Scan, path: Path, bones: Sequence[Bone]) -> list[Row]:
    """Rows for Dice against a label map: all voxels, and those that neither gives to another bone.

    Parameters
    ----------
    name : str
    one : Scan
    path : Path
        Of the label map.
    bones : sequence of Bone

    Returns
    -------
    list of Row
    """
    theirs = read_input(path, axes="LPS", labels=label_names("totalseg-v1")).label_map
    assert theirs is not None  # the file is one
    theirs = replace(theirs, names={**theirs.names, **_THEIR_VERTEBRAE})
    rows = []
    for label, (raw, both) in label_agreement(bones, theirs).items():
        words, source = label.replace("_", " "), f"network's labels of {name}"
        judged = compared(f"{words}: {_BOTH_SEE}", 1.0, both, 1.0 - LEAST_DICE, "1", source)
        shown = compared(f"{words}: Dice of all voxels", 1.0, raw, 1.0 - LEAST_DICE, "1", source)
        said = "the network gives tops of heads to hip bones" if label.split()[-1] in _THIGH else ""
        rows.append(replace(shown, verdict="shown", note=said))
        note = one.amiss.get(label)
        rows.append(judged if note is None else replace(judged, verdict="disagrees", note=note))
    return rows


def label_agreement(bones: Sequence[Bone], labels: Volume) -> Mapping[str, tuple[float, float]]:
    """Dice of surfaces' solids with a label map: of all voxels, and without those given to another bone.

    Parameters
    ----------
    bones : sequence of Bone
    labels : Volume

    Returns
    -------
    dict of str to (float, float)
        By the bone's label.
    """
    numbers = {name: number for number, name in labels.names.items()}
    ours = {bone.label: _voxels(bone, labels) for bone in bones}
    theirs = {bone.label: labels.values == numbers[_key(bone)] for bone in bones if _key(bone) in numbers}
    out = {}
    for label, mask in theirs.items():
        other = np.any([one for key, one in ours.items() if key != label], axis=0)
        else_ = np.any([one for key, one in theirs.items() if key != label], axis=0)
        out[label] = _dice(ours[label], mask), _dice(ours[label] & ~else_, mask & ~other)
    return out


def _key(bone: Bone) -> str:
    """A bone's name in a label map."""
    return bone.name if bone.side is None else f"{bone.name}_{bone.side.value}"


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Overlap of two masks."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def _voxels(bone: Bone, labels: Volume) -> NDArray[np.bool_]:
    """Voxels of which at least a half lies in a bone."""
    matrix: Array = labels.patient_from_voxel.copy()
    matrix[:3, 3] += matrix[:3, :3] @ np.full(3, (1 / _PARTS - 1) / 2)
    matrix[:3, :3] /= _PARTS
    i, j, k = labels.values.shape
    parts = solid(bone.vertices_mm, bone.faces, matrix, (_PARTS * i, _PARTS * j, _PARTS * k))
    share = parts.reshape(i, _PARTS, j, _PARTS, k, _PARTS).mean(axis=(1, 3, 5))
    out: NDArray[np.bool_] = share >= 0.5
    return out

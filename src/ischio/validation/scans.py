"""Bones found in CT of people, against the edges that the CT shows and against a network's labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.quality import METAL_CM3, STREAKS_MM
from ischio.bones.refine import METAL_HU, cubic_part, normals_of, sampled
from ischio.bones.segment.ct import Segmented, segment_ct
from ischio.bones.segment.territory import distance_field
from ischio.bones.surface import bones_from_input
from ischio.geometry.solid import solid
from ischio.io.case import RawInput, read_input
from ischio.io.label_names import label_names
from ischio.io.scan import read_scan
from ischio.types import VERTEBRAE, Bone, Side, Volume
from ischio.validation.merged import taken_row
from ischio.validation.rows import Row, compared
from ischio.validation.sacroiliac import sacroiliac_rows

MOST_MM = 0.3  # median distance to the steepest edge, in plane
LEAST_NEAR = 0.95  # share of a surface within a voxel of the steepest edge
LEAST_DICE = 0.9
REACH_MM = 3.0  # as far from a surface the steepest fall is looked for
JOINT_MM = 6.0  # nearer to another bone is a joint: there the steepest edge may be the other bone's
_STEP_MM = 0.1
_N_POINTS = 20_000  # of a surface
_PARTS = 3  # of a voxel's side, when a surface's solid is laid on a network's voxels
_FEWEST = 50  # points in plane that make a median
_CUBE = 1.05  # a voxel whose sides differ by less is a cube
DEEP_MM = 3.0  # inside a laid model: what lies there and not in a bone's own model was taken from another

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
        amiss={
            "left femur": "the network gives nail, screw and the middle of the head, not the bone around them"
        },
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
        found = segment_ct(scan)
        bones = bones_from_input(RawInput((), found.labels, ()), scan=scan, is_own=True)
        mask = read_scan(data / one.mask, modality="MR")[0] if one.mask is not None else None
        rows += judged_rows(name, one, scan, bones, mask)
        rows.append(shared_row(name, found))
        rows += sacroiliac_rows(name, scan, bones)
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
    metal = metal_points(scan)
    for bone in bones:
        others = [other for other in bones if other is not bone]
        found = edge_agreement(bone, others, scan, mask, metal)
        words = bone.label.replace("_", " ")
        if found is None:
            continue
        median, near, share = found
        note = ""
        if share > 0.0:
            beside = edge_agreement(bone, others, scan, mask)
            note = f"without the {100 * share:.0f} % of the surface within {STREAKS_MM:g} mm of metal"
            note += "" if beside is None else f"; with it {beside[0]:.2f} mm and {beside[1]:.3f}"
        rows.append(
            compared(
                f"{words}: median distance to the edge in plane", 0.0, median, MOST_MM, "mm", source, note
            )
        )
        rows.append(
            compared(
                f"{words}: share within a voxel of the edge", 1.0, near, 1.0 - LEAST_NEAR, "1", source, note
            )
        )
    return rows


def shared_row(name: str, found: Segmented) -> Row:
    """Row for the largest share of a bone that was taken from another.

    Parameters
    ----------
    name : str
    found : Segmented

    Returns
    -------
    Row

    Notes
    -----
    Nobody knows a real bone's truth. What is counted lies outside of the bone's own laid model and 3 mm deep
    in another's: no joint is so ill divided by chance.
    """
    fields = {
        _named(bone, side): distance_field(laid.vertices_mm, laid.model.faces, found.labels)
        for (bone, side), laid in found.laid.items()
    }
    most, pair = 0.0, "no bone holds voxels of another"
    for number, own in found.labels.names.items():
        mask = found.labels.values == number
        for other, away in fields.items():
            if own in fields and other != own and mask.any():
                share = float((mask & (away < -DEEP_MM) & (fields[own] > 0.0)).sum() / mask.sum())
                if share > most:
                    most, pair = share, f"most: {own} of {other}".replace("_", " ")
    note = f"{pair}; what lies {DEEP_MM:g} mm deep in another's laid model and outside of its own counts"
    return taken_row(most, f"CT of {name}", note)


def metal_points(scan: Volume) -> Array:
    """Middles of voxels of metal, in pieces that quality control takes for metal, shape (N, 3), mm.

    Parameters
    ----------
    scan : Volume
    """
    from scipy.ndimage import label

    pieces, _ = label(scan.values > METAL_HU, structure=np.ones((3, 3, 3)))
    voxel_cm3 = abs(float(np.linalg.det(scan.patient_from_voxel[:3, :3]))) / 1000.0
    index = np.argwhere(pieces)
    sizes = np.bincount(pieces.ravel())
    index = index[sizes[pieces[tuple(index.T)]] * voxel_cm3 >= METAL_CM3]
    out: Array = index @ scan.patient_from_voxel[:3, :3].T + scan.patient_from_voxel[:3, 3]
    return out


def edge_agreement(
    bone: Bone,
    others: Sequence[Bone],
    scan: Volume,
    mask: Volume | None = None,
    metal: Array | None = None,
) -> tuple[float, float, float] | None:
    """How near a surface lies to where a CT falls most steeply along its normals.

    Parameters
    ----------
    bone : Bone
    others : sequence of Bone
        What is near to them is a joint and not judged.
    scan : Volume
    mask : Volume, optional
        What it covers is not judged, either.
    metal : array of shape (N, 3), mm, optional
        Nor is what lies as near to these points as quality control calls distorted.

    Returns
    -------
    median_mm, near, beside_metal : (float, float, float) or None
        Median distance of what faces the plane of the slices, the share of all within a voxel along
        its normal, and what share was left out for metal; None where fewer than 50 points are seen.

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
    beside = 0.0
    if metal is not None and len(metal) and use.any():
        is_beside = cKDTree(metal).query(points, distance_upper_bound=STREAKS_MM)[0] <= STREAKS_MM
        beside = float(is_beside[use].mean())
        use &= ~is_beside
    distance = np.abs(steepest(hu, at))
    spacing = np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0)
    along = normals @ (scan.patient_from_voxel[:3, :3] / spacing)
    voxel = np.linalg.norm(along * spacing, axis=1)
    in_plane = use & (np.abs(along[:, _across(scan)]) < 0.5)
    if in_plane.sum() < _FEWEST:
        return None
    return float(np.median(distance[in_plane])), float((distance[use] < voxel[use]).mean()), beside


def _across(scan: Volume) -> int:
    """The voxel axis across a scan's slices: the widest one, or of cubes the one along the patient."""
    spacing = np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0)
    wide = int(np.argmax(spacing))
    if spacing[wide] > _CUBE * np.median(spacing):
        return wide
    return int(np.argmax(np.abs(scan.patient_from_voxel[2, :3]) / spacing))


def steepest(hu: Array, at: Array) -> Array:
    """Where each profile falls most steeply: the top of the parabola through the steepest step's neighbours.

    Parameters
    ----------
    hu : array of shape (N, M)
    at : array of shape (M,), mm
        Evenly spaced.

    Returns
    -------
    array of shape (N,), mm

    Notes
    -----
    An edge is where the fall is steeper than on either side. What still grows steeper where a profile ends is
    the flank of an edge that lies farther off, such as that of a denser sheet behind; of profiles without an
    edge the steepest place is told.
    """
    fall = np.nan_to_num(hu[:, :-2] - hu[:, 2:], nan=0.0)
    rows, last = np.arange(len(fall)), fall.shape[1] - 1
    is_edge = np.zeros(fall.shape, dtype=bool)
    is_edge[:, 1:-1] = (fall[:, 1:-1] >= fall[:, :-2]) & (fall[:, 1:-1] >= fall[:, 2:])
    edges = np.where(is_edge & (fall > 0), fall, -np.inf)
    best = np.where(np.isfinite(edges).any(axis=1), np.argmax(edges, axis=1), np.argmax(fall, axis=1))
    a, b, c = (fall[rows, np.clip(best + k, 0, last)] for k in (-1, 0, 1))
    bend = np.minimum(a - 2 * b + c, -1e-9)
    out: Array = at[1:-1][best] + (at[1] - at[0]) * np.clip(0.5 * (a - c) / bend, -0.5, 0.5)
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
    for label, found in label_agreement(bones, theirs).items():
        words, source = label.replace("_", " "), f"network's labels of {name}"
        judged = compared(f"{words}: {_BOTH_SEE}", 1.0, found.both, 1.0 - LEAST_DICE, "1", source)
        shown = compared(f"{words}: Dice of all voxels", 1.0, found.raw, 1.0 - LEAST_DICE, "1", source)
        said = f"the network gives {100 * found.given:.0f} % of it to other bones"
        if label.split()[-1] in _THIGH:
            said += "; it gives the upper and inner part of heads, beyond the joint space, to hip bones"
        rows.append(replace(shown, verdict="shown", note=said))
        note = one.amiss.get(label)
        rows.append(judged if note is None else replace(judged, verdict="disagrees", note=note))
    return rows


class Agreement(NamedTuple):
    """How a surface's solid agrees with a label map.

    Parameters
    ----------
    raw, both : float
        Dice of all voxels, and without those that either gives to another bone.
    given : float
        Share of the solid that the label map gives to another bone.
    """

    raw: float
    both: float
    given: float


def label_agreement(bones: Sequence[Bone], labels: Volume) -> Mapping[str, Agreement]:
    """How surfaces' solids agree with a label map.

    Parameters
    ----------
    bones : sequence of Bone
    labels : Volume
        Its outermost voxels are left out: surfaces end in the middle of them.

    Returns
    -------
    dict of str to Agreement
        By the bone's label.
    """
    numbers = {name: number for number, name in labels.names.items()}
    inner = (slice(1, -1),) * 3
    ours = {bone.label: _voxels(bone, labels)[inner] for bone in bones}
    theirs = {
        bone.label: labels.values[inner] == numbers[_key(bone)] for bone in bones if _key(bone) in numbers
    }
    out = {}
    for label, mask in theirs.items():
        own = ours[label]
        other = np.any([one for key, one in ours.items() if key != label], axis=0)
        else_ = np.any([one for key, one in theirs.items() if key != label], axis=0)
        given = float((own & else_).sum() / max(int(own.sum()), 1))
        out[label] = Agreement(_dice(own, mask), _dice(own & ~else_, mask & ~other), given)
    return out


def _key(bone: Bone) -> str:
    """A bone's name in a label map."""
    return _named(bone.name, bone.side)


def _named(name: str, side: Side | None) -> str:
    """Name and side as a label map writes them."""
    return name if side is None else f"{name}_{side.value}"


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

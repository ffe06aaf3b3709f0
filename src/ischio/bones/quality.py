"""Quality control of bones: what is wrong or doubtful with each, named, with the figure that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import AnatomyError, Array, complaint
from ischio.bones.mr_parts import LEAST_SHOWN, TOUCHES, read_unsure
from ischio.bones.refine import METAL_HU
from ischio.bones.topology import find_edges
from ischio.bones.voxels import label_boxes
from ischio.geometry.holes import enclosed
from ischio.geometry.winding import winding_number
from ischio.io.names import read_name
from ischio.types import VERTEBRAE, Bone, Side, Volume

VERDICTS = ("void", "doubt", "note")
METAL_KINDS = frozenset({"metal", "prosthesis", "fusion_hardware"})  # findings that only a scan shows
# Adults' whole bones, cm3, wide: a bone outside is cut, doubled, leaked, or of a child or another species.
VOLUMES_CM3: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"femur": (220.0, 1000.0), "hip_bone": (130.0, 650.0), "sacrum": (80.0, 400.0)}
)
MOST_UNLIKE = 0.15  # of the volume: healthy sides differ by up to 0.08
OPEN_MM = 20.0  # length of one border; nutrient holes and meshing gaps are shorter
METAL_CM3 = 0.05  # smaller ones are noise, or calcium
_NEAR_MM = 3.0  # of a bone's surface: metal this near is in it or on it
STREAKS_MM = 15.0  # around metal: there edges move
STREAK_SIGMA_MM = 1.5
_PROSTHESIS_CM3 = 15.0  # a nail with its screw has 10, a stem with head and cup 40 and more
_ABOVE_MM = 120.0  # of the sacrum's top: hardware of a lumbar fusion
# Radius of the largest ball in a hip bone: 13 to 17 mm, and 19 in coarse labels of large ones; 0.7 of that in
# the femur, which is the head's. Of a femur cut at its head only the hip bone's own ball tells.
_BALL_MM, _LARGEST_BALL_MM, _BALL_RATIO, _SHORT_MM = 17.0, 20.5, 1.1, 90.0
_MAX_POINTS = 4000
_HOLE_SHARE = 0.01

_HEAD = ("femoral_head_centre",)
_SOCKET = ("acetabular_centre", "acetabular_rim", "lunate_surface")


@dataclass(frozen=True, slots=True, eq=False)
class QualityFinding:
    """One thing that quality control found.

    Parameters
    ----------
    kind : str
        "volume", "closedness", "symmetry", "field_of_view", "metal", "prosthesis", "fusion_hardware",
        "hole", "fit", "excluded", "head_to_socket" or "shape".
    bone : str
        In words, as ``Bone.label``.
    side : Side or None
    verdict : str
        "void": the measures it touches have no value; "doubt": their sigma grows; "note": neither.
    words : str
        What was found, with its figure.
    value : float or None
    unit : str
    limit : str
        What would have been normal.
    touches : tuple of str
        Landmarks, regions and bones that are touched, in the words of a measure's needs.
    sigma_mm : float
        Added in quadrature to every sigma in mm that is in doubt.
    points_mm : array of shape (N, 3), mm, or None
        Where it is; landmarks and regions within ``near_mm`` are touched, too.
    near_mm : float
    """

    kind: str
    bone: str
    side: Side | None
    verdict: str
    words: str
    value: float | None = None
    unit: str = "1"
    limit: str = ""
    touches: tuple[str, ...] = ()
    sigma_mm: float = 0.0
    points_mm: Array | None = None
    near_mm: float = 0.0


def check_heads(labels: Volume) -> None:
    """Refuse a label map that gives the femoral head to the hip bone, as networks sometimes do.

    Parameters
    ----------
    labels : Volume
        Modality "labels".

    Raises
    ------
    AnatomyError
        If a ball fits into a hip bone that is too large for any, and larger than the largest in its femur.
    """
    from scipy.ndimage import distance_transform_edt

    sizes = np.linalg.norm(labels.patient_from_voxel[:3, :3], axis=0)
    balls: dict[tuple[str, Side | None], float] = {}
    lengths: dict[tuple[str, Side | None], float] = {}
    for label, box in label_boxes(labels).items():
        bone = read_name(labels.names[label])
        if bone.name not in ("femur", "hip_bone"):
            continue
        stride = tuple(max(1, int(1.5 // size)) for size in sizes)  # a millimetre is exact enough
        mask = (labels.values[box] == label)[tuple(slice(None, None, n) for n in stride)]
        mask = np.pad(enclosed(mask), 1)
        balls[bone.name, bone.side] = float(distance_transform_edt(mask, sampling=sizes * stride).max())
        lengths[bone.name, bone.side] = float((np.array(mask.shape) * sizes * stride).max())
    for side in Side:
        hip, femur = balls.get(("hip_bone", side), 0.0), balls.get(("femur", side), 0.0)
        is_short = lengths.get(("femur", side), 0.0) < _SHORT_MM
        if hip > (_LARGEST_BALL_MM if is_short else _BALL_MM) and hip > _BALL_RATIO * femur:
            raise AnatomyError(
                complaint(
                    f"{side.value} hip bone ({labels.source})",
                    f"room for a solid ball of {hip:.0f} mm radius, and "
                    + (f"of {femur:.0f} mm in the femur" if femur else "no femur on that side"),
                    "an empty socket, and the head in the femur",
                    "The label map gives the femoral head to the hip bone: give it back to the femur.",
                )
            )


def bone_findings(bones: Sequence[Bone], *, scan: Volume | None = None) -> tuple[QualityFinding, ...]:
    """Check every bone, and the metal near it.

    Parameters
    ----------
    bones : sequence of Bone
    scan : Volume, optional
        A CT in HU in the bones' frame: shows metal, and where the scan ends.

    Returns
    -------
    tuple of QualityFinding
        In the order of the bones; metal last.
    """
    found: list[QualityFinding] = []
    cut = {bone.label: _cut_words(bone, scan) for bone in bones}
    for bone in bones:
        found += _closedness(bone)
        if cut[bone.label]:
            found.append(
                QualityFinding(
                    "field_of_view",
                    bone.label,
                    bone.side,
                    "void",
                    f"{bone.label.replace('_', ' ')}: {cut[bone.label]}; what lies beyond is missing",
                    limit="the whole bone in the scan",
                )
            )
        found += _volume(bone, is_cut=bool(cut[bone.label])) + _holes(bone) + _fitted(bone)
    found += _symmetry([bone for bone in bones if not cut[bone.label]])
    if scan is not None and scan.unit == "HU":
        found += _metal([bone for bone in bones if bone.name not in VERTEBRAE], scan)
    return tuple(found)


def volume_cm3(bone: Bone) -> float:
    """Volume inside a surface; open ones are taken as closed by a fan to their middle.

    Parameters
    ----------
    bone : Bone
    """
    triangles = bone.triangles_mm - bone.vertices_mm.mean(axis=0)
    total = np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum()
    return float(total) / 6000.0


def _words(bone: Bone) -> str:
    """A bone in words."""
    return bone.label.replace("_", " ")


def _cut_words(bone: Bone, scan: Volume | None) -> str:
    """How the field of view cuts a bone; empty where it does not."""
    said = next((text for text in bone.repairs if text.startswith("cut by the field of view")), "")
    if said or scan is None:
        return said
    back = np.linalg.inv(scan.patient_from_voxel)
    voxels = bone.vertices_mm @ back[:3, :3].T + back[:3, 3]
    at_end = (voxels < 0.5) | (voxels > np.array(scan.values.shape) - 1.5)
    n_sides = int(
        sum((voxels[:, k] < 0.5).any() + (voxels[:, k] > scan.values.shape[k] - 1.5).any() for k in range(3))
    )
    share = float(at_end.any(axis=1).mean())
    return f"reaches the end of the scan on {n_sides} side(s)" if share > 1e-3 else ""


def _closedness(bone: Bone) -> list[QualityFinding]:
    """Open borders of some length."""
    edges = find_edges(bone.faces)
    ends = edges.ends[edges.n_faces == 1]
    length = float(np.linalg.norm(bone.vertices_mm[ends[:, 0]] - bone.vertices_mm[ends[:, 1]], axis=1).sum())
    if length < OPEN_MM:
        return []
    return [
        QualityFinding(
            "closedness",
            bone.label,
            bone.side,
            "doubt",
            f"{_words(bone)}: open along {length:.0f} mm of border",
            length,
            "mm",
            f"under {OPEN_MM:g} mm",
            (),
            bone.edge_mm,
            bone.vertices_mm[np.unique(ends)][:: max(1, len(ends) // _MAX_POINTS)],
            5.0,
        )
    ]


def _volume(bone: Bone, *, is_cut: bool) -> list[QualityFinding]:
    """A volume that no whole bone of an adult has."""
    low, high = VOLUMES_CM3.get(bone.name, (0.0, np.inf))
    volume = volume_cm3(bone)
    if low * (not is_cut) <= volume <= high:
        return []
    return [
        QualityFinding(
            "volume",
            bone.label,
            bone.side,
            "note",
            f"{_words(bone)}: {volume:.0f} cm3, outside {low:g} to {high:g} of adults' whole bones",
            volume,
            "cm3",
            f"{low:g} to {high:g} cm3",
        )
    ]


def _holes(bone: Bone) -> list[QualityFinding]:
    """Holes of a label that were filled."""
    said = next((text for text in bone.repairs if text.startswith("holes inside the label")), "")
    share = float(said.split("(")[1].split(" %")[0]) / 100 if said else 0.0
    if share < _HOLE_SHARE:
        return []
    words = f"{_words(bone)}: {said}; the label map is incomplete there"
    return [
        QualityFinding("hole", bone.label, bone.side, "note", words, share, "1", f"under {_HOLE_SHARE:g}")
    ]


def _fitted(bone: Bone) -> list[QualityFinding]:
    """A surface that is the shape model's, not drawn: its sigma is in every measure, and is said."""
    said = next((text for text in bone.repairs if text.startswith("fitted to")), "")
    if not said:
        return []
    far = [text for text in bone.repairs if text.startswith("marked ")]
    details = "; ".join([said, *far])
    words = f"{_words(bone)}: the shape model, not drawn on the scan; {details}. Look at its outlines"
    found = [
        QualityFinding(
            "fit", bone.label, bone.side, "note", words, bone.moved_mm, "mm", "surfaces drawn on the scan"
        )
    ]
    for part in (one for one in map(read_unsure, bone.repairs) if one is not None):
        words = (
            f"{_words(bone)}: the {part.part} is less certain, sigma {part.sigma_mm:.1f} mm more; its "
            f"outline lies on an edge on {100 * part.share:.0f} % of it: look, and mark points on it"
        )
        limit = f"{100 * LEAST_SHOWN:g} % or more"
        at = TOUCHES[part.part]
        found.append(
            QualityFinding(
                "fit", bone.label, bone.side, "doubt", words, part.share, "1", limit, at, part.sigma_mm
            )
        )
    return found


def _symmetry(bones: Sequence[Bone]) -> list[QualityFinding]:
    """Pairs of whole bones of unlike volume."""
    found = []
    for name in ("femur", "hip_bone"):
        pair = {bone.side: bone for bone in bones if bone.name == name}
        if Side.LEFT not in pair or Side.RIGHT not in pair:
            continue
        left, right = volume_cm3(pair[Side.LEFT]), volume_cm3(pair[Side.RIGHT])
        unlike = abs(left - right) / max(0.5 * (left + right), 1e-9)
        if unlike > MOST_UNLIKE:
            thing = name.replace("_", " ")
            found.append(
                QualityFinding(
                    "symmetry",
                    name,
                    None,
                    "note",
                    f"{thing}s: {right:.0f} cm3 on the right and {left:.0f} cm3 on the left "
                    f"({100 * unlike:.0f} % apart): one of the two is cut, diseased or wrongly segmented",
                    unlike,
                    "1",
                    f"under {MOST_UNLIKE:g}",
                )
            )
    return found


def _metal(bones: Sequence[Bone], scan: Volume) -> list[QualityFinding]:
    """Pieces of metal in or on bones, and above the sacrum."""
    from scipy.ndimage import find_objects
    from scipy.ndimage import label as pieces_of
    from scipy.spatial import cKDTree

    start, box = _box_of(bones, scan)
    pieces, n_pieces = pieces_of(box > METAL_HU, structure=np.ones((3, 3, 3)))
    if not n_pieces:
        return []
    voxel_cm3 = abs(float(np.linalg.det(scan.patient_from_voxel[:3, :3]))) / 1000
    sizes, slots = np.bincount(pieces.ravel()), find_objects(pieces)
    trees = {bone.label: cKDTree(bone.vertices_mm) for bone in bones}
    sacrum = next((bone for bone in bones if bone.name == "sacrum"), None)
    found = []
    for piece in range(1, n_pieces + 1):
        volume = float(sizes[piece] * voxel_cm3)
        if volume < METAL_CM3:
            continue
        slot = slots[piece - 1]
        index = np.argwhere(pieces[slot] == piece) + [one.start for one in slot] + start
        points = index[:: max(1, len(index) // _MAX_POINTS)] @ scan.patient_from_voxel[:3, :3].T
        points = points + scan.patient_from_voxel[:3, 3]
        near = [bone for bone in bones if _reaches(bone, trees[bone.label], points)]
        kind, words = _what_metal(near, sacrum, points, volume)
        if kind is not None:
            found.append(_metal_finding(kind, words, near, points, volume))
    return _merged_pieces(found)


def _box_of(bones: Sequence[Bone], scan: Volume) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """The part of the scan around the bones, and its first voxel."""
    back = np.linalg.inv(scan.patient_from_voxel)
    points = np.concatenate([bone.vertices_mm for bone in bones])
    low, high = points.min(axis=0) - STREAKS_MM, points.max(axis=0) + STREAKS_MM
    if any(bone.name == "sacrum" for bone in bones):
        high[2] += _ABOVE_MM
    corners = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    voxels = corners @ back[:3, :3].T + back[:3, 3]
    size = np.array(scan.values.shape)
    start = np.clip(np.floor(voxels.min(axis=0)), 0, size).astype(np.int64)
    stop = np.clip(np.ceil(voxels.max(axis=0)) + 1, start, size).astype(np.int64)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return start, scan.values[i, j, k]


def _reaches(bone: Bone, tree: Any, points: Array) -> bool:
    """Whether metal lies on a bone or inside of it."""
    if float(tree.query(points)[0].min()) < _NEAR_MM:
        return True
    return winding_number(points[len(points) // 2], bone.triangles_mm) > 0.5


def _what_metal(
    near: Sequence[Bone], sacrum: Bone | None, points: Array, volume: float
) -> tuple[str | None, str]:
    """Kind of a piece of metal by the bones it reaches and its size."""
    names = {bone.name for bone in near}
    where = " and ".join(_words(bone) for bone in near)
    size = f"{volume:.1f} cm3 above {METAL_HU:g} HU"
    if "femur" in names and names & {"hip_bone", "pelvis"} and volume > _PROSTHESIS_CM3:
        return "prosthesis", f"{where}: metal through the joint, {size}, such as a hip prosthesis"
    if "sacrum" in names:
        return "fusion_hardware", f"{where}: metal in or on the sacrum, {size}, such as fusion hardware"
    if names:
        return "metal", f"{where}: metal in or on the bone, {size}, such as a nail, screws or a plate"
    if sacrum is not None:
        middle, top = points.mean(axis=0), sacrum.vertices_mm[:, 2].max()
        is_above = top - 30.0 < middle[2] < top + _ABOVE_MM
        if is_above and abs(middle[0] - sacrum.vertices_mm[:, 0].mean()) < 50.0:
            return "fusion_hardware", f"lumbar spine: metal above the sacrum, {size}, such as fusion hardware"
    return None, ""


def _metal_finding(
    kind: str, words: str, near: Sequence[Bone], points: Array, volume: float
) -> QualityFinding:
    """The finding of one piece of metal."""
    sides = {bone.side for bone in near if bone.side is not None}
    return QualityFinding(
        kind,
        " and ".join(bone.label for bone in near) or "lumbar spine",
        sides.pop() if len(sides) == 1 else None,
        "void" if kind == "prosthesis" else "doubt",
        words,
        volume,
        "cm3",
        "no metal",
        (*_HEAD, *_SOCKET) if kind == "prosthesis" else (),
        STREAK_SIGMA_MM,
        points,
        STREAKS_MM,
    )


def _merged_pieces(found: Sequence[QualityFinding]) -> list[QualityFinding]:
    """Pieces of one kind in the same bones as one finding."""
    groups: dict[tuple[str, str], list[QualityFinding]] = {}
    for one in found:
        groups.setdefault((one.kind, one.bone), []).append(one)
    out = []
    for group in groups.values():
        largest = max(group, key=lambda one: one.value or 0.0)
        points = np.concatenate([one.points_mm for one in group if one.points_mm is not None])
        words = largest.words + (f"; {len(group)} pieces" if len(group) > 1 else "")
        value = sum(one.value or 0.0 for one in group)
        out.append(replace(largest, points_mm=points, words=words, value=value))
    return out

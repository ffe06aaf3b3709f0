"""Results must not hang on how the bones lie, which side they are, or how finely they are meshed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.landmarks import find_pelvis
from ischio.measures import run
from ischio.types import Bone, Landmark, Side
from ischio.validation.rows import Row, compared

# What a changed mesh, cut or direction may change, for the gap and for points.
GAP_TOLERANCE_MM = 0.25
ROTATION_TOLERANCE_MM = 0.1
POINT_TOLERANCE_MM = 1.0
DERIVED = {"acetabular_rim_centre", "lesser_trochanter_base"}
ANY_POINT_TOLERANCE_MM = 3.0  # of flat places such as the condyles' backs: less than what readers differ by
SURE_SIGMAS = 2.0  # what a point found in another way, which says so, may move by


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one person's hip came to.

    Parameters
    ----------
    gap_mm : float
    tip_mm, head_mm : arrays of shape (3,), mm
    others : mapping of str to Landmark
        Every other landmark of hip bone and femur whose place means something (not along an axis).
    """

    gap_mm: float
    tip_mm: Array
    head_mm: Array
    others: Mapping[str, Landmark]


def answers(bones: tuple[Bone, ...], axes: str) -> dict[Side, Answer]:
    """Gap, trochanter tip and head centre of each side that has them.

    Parameters
    ----------
    bones : tuple of Bone
    axes : str

    Returns
    -------
    dict of Side to Answer
    """
    pelvis, _ = find_pelvis(
        bones, axes=axes, sides=tuple(Side), posture="as_supplied", progress=lambda _words, _share: None
    )
    out = {}
    for one in run(pelvis, tuple(Side)):
        if one.name != "ischiofemoral_space_3d" or one.value is None or one.side is None:
            continue
        hip = pelvis.left if one.side is Side.LEFT else pelvis.right
        if hip is not None:
            out[one.side] = Answer(
                one.value,
                hip.point("lesser_trochanter_tip"),
                hip.point("femoral_head_centre"),
                {
                    name: mark
                    for name, mark in hip.landmarks.items()
                    if name in LANDMARK_BONES.keys() | DERIVED
                },
            )
    return out


def moved(bones: tuple[Bone, ...], rotation: Array, shift: Array) -> tuple[Bone, ...]:
    """Bones after a rigid motion.

    Parameters
    ----------
    bones : tuple of Bone
    rotation : array of shape (3, 3), proper
    shift : array of shape (3,), mm

    Returns
    -------
    tuple of Bone
    """
    return tuple(replace(bone, vertices_mm=bone.vertices_mm @ rotation.T + shift) for bone in bones)


def mirrored(bones: tuple[Bone, ...]) -> tuple[Bone, ...]:
    """Bones seen in a mirror, named for the other side."""
    return tuple(
        replace(
            bone,
            side=bone.side.other if bone.side else None,
            vertices_mm=bone.vertices_mm * [-1, 1, 1],
            faces=bone.faces[:, ::-1],
        )
        for bone in bones
    )


def subdivided(bones: tuple[Bone, ...]) -> tuple[Bone, ...]:
    """The same surfaces with twice the triangles: each cut across its longest edge's middle."""
    out = []
    for bone in bones:
        corners = bone.triangles_mm
        lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
        turned = np.take_along_axis(bone.faces, (lengths.argmax(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
        edges = np.sort(turned[:, :2], axis=1)
        unique, place = np.unique(edges, axis=0, return_inverse=True)
        middle = len(bone.vertices_mm) + place.ravel()
        vertices = np.concatenate([bone.vertices_mm, bone.vertices_mm[unique].mean(axis=1)])
        first = np.column_stack([turned[:, 0], middle, turned[:, 2]])
        second = np.column_stack([middle, turned[:, 1], turned[:, 2]])
        # A neighbour whose longest edge is another keeps this edge whole: the points stay the same.
        out.append(replace(bone, vertices_mm=vertices, faces=np.concatenate([first, second])))
    return tuple(out)


def thinned(bones: tuple[Bone, ...]) -> tuple[Bone, ...]:
    """Surfaces with about half the triangles: of the vertices in each cell of a grid, one is kept."""
    out = []
    for bone in bones:
        cell = 1.05 * bone.edge_mm
        key = np.floor((bone.vertices_mm - bone.vertices_mm.min(axis=0)) / cell).astype(np.int64)
        _, group = np.unique(key, axis=0, return_inverse=True)
        group = group.ravel()
        count = np.bincount(group)
        middle = np.stack(
            [np.bincount(group, weights=bone.vertices_mm[:, k]) / count for k in range(3)], axis=1
        )
        # The vertex nearest to the cell's middle stays where it is: a mean would shrink every bump.
        order = np.lexsort((np.linalg.norm(bone.vertices_mm - middle[group], axis=1), group))
        vertices = bone.vertices_mm[order[np.searchsorted(group[order], np.arange(len(count)))]]
        faces = group[bone.faces]
        kept = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
        out.append(replace(bone, vertices_mm=vertices, faces=faces[kept], edge_mm=1.4 * bone.edge_mm))
    return tuple(out)


def cut(
    bones: tuple[Bone, ...], base: dict[Side, Answer], below_tip_mm: float, above_head_mm: float
) -> tuple[Bone, ...]:
    """Femora cut below the trochanter and hip bones cut at the roof of the socket, in patient LPS.

    Parameters
    ----------
    bones : tuple of Bone
    base : dict of Side to Answer
        Where the trochanter and the head are.
    below_tip_mm, above_head_mm : float
        How far below the tip the femur ends, and above the head's centre the hip bone.

    Returns
    -------
    tuple of Bone
        Open at the cuts.
    """
    out = []
    for bone in bones:
        if bone.side not in base or bone.name not in ("femur", "hip_bone"):
            continue
        answer = base[bone.side]
        height = bone.triangles_mm.mean(axis=1)[:, 2]
        keep = height > answer.tip_mm[2] - below_tip_mm
        if bone.name == "hip_bone":
            keep = height < answer.head_mm[2] + above_head_mm
        used, faces = np.unique(bone.faces[keep], return_inverse=True)
        out.append(replace(bone, vertices_mm=bone.vertices_mm[used], faces=faces.reshape(-1, 3)))
    return tuple(out)


def _worst(
    base: dict[Side, Answer], new: dict[Side, Answer], move: Callable[[Array], Array], flip: bool
) -> Array:
    """Largest changes over the sides; infinite where a side is lost.

    Of gap, tip, head, any other landmark, and, in its sigmas, any landmark that says that it was found in
    another way. A landmark that a cut takes away is no change.
    """
    worst = np.zeros(5)
    for side, before in base.items():
        after = new.get(side.other if flip else side)
        if after is None:
            return np.full(5, np.inf)
        alike, otherwise = [0.0], [0.0]
        for name, mark in before.others.items():
            found = after.others.get(name)
            if found is None:
                continue
            moved_mm = float(np.linalg.norm(found.point_mm - move(mark.point_mm)))
            if found.method == mark.method:
                alike.append(moved_mm)
            else:
                otherwise.append(moved_mm / found.sigma_mm)
        change = [
            abs(after.gap_mm - before.gap_mm),
            float(np.linalg.norm(after.tip_mm - move(before.tip_mm))),
            float(np.linalg.norm(after.head_mm - move(before.head_mm))),
            max(alike),
            max(otherwise),
        ]
        worst = np.maximum(worst, change)
    return worst


def _rows(what: str, who: str, worst: Array, gap_tolerance_mm: float) -> list[Row]:
    """Rows for the changes."""
    source = f"the same bones as they lie ({who})"
    names = ("gap", "lesser trochanter tip", "femoral head centre", "any other landmark")
    tolerances = (gap_tolerance_mm, POINT_TOLERANCE_MM, POINT_TOLERANCE_MM, ANY_POINT_TOLERANCE_MM)
    rows = [
        compared(f"{what}: largest change of {name}", 0.0, float(change), tolerance, "mm", source)
        for name, change, tolerance in zip(names, worst, tolerances, strict=False)
    ]
    if worst[4] > 0:
        name = "landmarks found in another way, which say so: largest change over sigma"
        rows.append(compared(f"{what}: {name}", 0.0, float(worst[4]), SURE_SIGMAS, "1", source))
    return rows


def orientation_rows(
    bones: tuple[Bone, ...], who: str, count: int, tell: Callable[[str, float], None]
) -> list[Row]:
    """The same bones in random directions and places, axes unknown.

    Parameters
    ----------
    bones : tuple of Bone
    who : str
    count : int
    tell : callable

    Returns
    -------
    list of Row
    """
    base = answers(bones, "LPS")
    random = np.random.default_rng(20)
    worst = np.zeros(5)
    for k in range(count):
        rotation = np.linalg.qr(random.normal(size=(3, 3)))[0]
        rotation *= np.linalg.det(rotation)
        shift = random.normal(size=3) * 300
        new = answers(moved(bones, rotation, shift), "unknown")

        def motion(point: Array, turn: Array = rotation, far: Array = shift) -> Array:
            return turn @ point + far

        worst = np.maximum(worst, _worst(base, new, motion, flip=False))
        tell(f"random directions, {who}", (k + 1) / count)
    return _rows(f"{count} random directions, axes unknown", who, worst, ROTATION_TOLERANCE_MM)


def mesh_rows(bones: tuple[Bone, ...], who: str, tell: Callable[[str, float], None]) -> list[Row]:
    """Mirrored, finer, coarser and cut bones against the bones as they are.

    Parameters
    ----------
    bones : tuple of Bone
        With sides on all of them (no joined pelvis), in patient LPS.
    who : str
    tell : callable

    Returns
    -------
    list of Row
    """
    base = answers(bones, "LPS")
    if not base:
        raise CannotMeasure(f"{who}: no hip has a gap")

    def same(point: Array) -> Array:
        return point

    def seen_in_mirror(point: Array) -> Array:
        return point * [-1, 1, 1]

    rows: list[Row] = []
    cases = (
        ("mirrored", mirrored(bones), seen_in_mirror, True),
        ("twice the triangles", subdivided(bones), same, False),
        ("half the triangles", thinned(bones), same, False),
        (
            "femur cut 70 mm below the trochanter, hip bone at the socket's roof",
            cut(bones, base, 70.0, 22.0),
            same,
            False,
        ),
    )
    for k, (what, changed, move, flip) in enumerate(cases):
        tell(f"{what}, {who}", k / len(cases))
        rows += _rows(what, who, _worst(base, answers(changed, "LPS"), move, flip), GAP_TOLERANCE_MM)
    return rows

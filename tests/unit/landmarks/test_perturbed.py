"""Bones that no scan is clean of: each landmark is right, or its sigma or a reason says that it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.landmarks.femur import doubted_knee, find_femur
from ischio.landmarks.findings import Findings
from ischio.landmarks.hip_bone import find_hip_bone
from ischio.landmarks.shaft import SHAFT_AXES
from ischio.types import Bone, Side
from ischio.validation.people import read_person

Cut = Callable[[Bone, np.ndarray], Bone]
BUMP_MM, WIDTH_MM = 5.0, 5.0  # height, and standard deviation across
APART_MM = 60.0  # bumps of one bone: each bothers the landmarks near it alone
ASIDE_MM = (0.0, 7.0, 12.0)  # from a landmark to the middle of a bump
WRONG_MM = 5.0
SURE_SIGMAS = 2.0
STEP_MM = 3.0  # of slices


def silently_wrong(before: Findings, after: Findings) -> list[str]:
    """Landmarks that moved by more than 5 mm without being flagged.

    Flagged is what says of itself that it may be that far off: twice its sigma reaches as far, a sentence of
    doubt stands beside it, or it is missing with a reason. No outcome enters into it.
    """
    out = []
    for name, mark in before.landmarks.items():
        if name not in after.landmarks:
            if name not in after.reasons:
                out.append(f"{name}: gone without a reason")
            continue
        new = after.landmarks[name]
        way = new.point_mm - mark.point_mm
        if name in SHAFT_AXES:  # where along the line its point lies says nothing
            way = way - (way @ mark.detail["direction"]) * np.array(mark.detail["direction"])
        moved = float(np.linalg.norm(way))
        if moved > WRONG_MM and moved > SURE_SIGMAS * new.sigma_mm and not new.detail.get("doubt"):
            out.append(f"{name}: moved {moved:.1f} mm, sigma {new.sigma_mm:.1f} mm")
    return out


def bumped(bone: Bone, places: list[Array], height_mm: float = BUMP_MM) -> Bone:
    """Gaussian bumps across the surface."""
    normals = vertex_normals(bone.vertices_mm, bone.faces)
    away = [np.linalg.norm(bone.vertices_mm - place, axis=1) for place in places]
    raised = height_mm * sum(np.exp(-0.5 * (distance / WIDTH_MM) ** 2) for distance in away)
    return replace(bone, vertices_mm=bone.vertices_mm + np.asarray(raised)[:, None] * normals)


def places_of_bumps(found: Findings, aside_mm: float, seed: int) -> Iterator[list[Array]]:
    """Vertices near every landmark, in groups of which no two are close to each other."""
    rng = np.random.default_rng(seed)
    left = []
    for mark in found.landmarks.values():
        off = rng.normal(size=3)
        place = mark.point_mm + aside_mm * off / np.linalg.norm(off)
        vertices = found.bone.vertices_mm
        left.append(vertices[np.argmin(np.linalg.norm(vertices - place, axis=1))])
    while left:
        group: list[Array] = []
        for place in left:
            if all(np.linalg.norm(place - other) > APART_MM for other in group):
                group.append(place)
        left = [place for place in left if not any(place is one for one in group)]
        yield group


@pytest.fixture(scope="module")
def left_hip(halves: dict[Side, Bone]) -> Findings:
    return find_hip_bone(halves[Side.LEFT], {})[Side.LEFT]


def search(found: Findings) -> Callable[[Bone], Findings]:
    """The search of a kind of bone, alone."""
    if found.bone.name == "femur":
        return find_femur
    return lambda bone: find_hip_bone(bone, {})[found.side]


@pytest.mark.parametrize("aside_mm", ASIDE_MM)
def test_bumps_on_a_femur(femora: dict[Side, Findings], aside_mm: float) -> None:
    found = femora[Side.LEFT]
    for places in places_of_bumps(found, aside_mm, seed=1):
        assert silently_wrong(found, find_femur(bumped(found.bone, places))) == []


@pytest.mark.parametrize("aside_mm", ASIDE_MM)
def test_bumps_on_a_hip_bone(left_hip: Findings, aside_mm: float) -> None:
    for places in places_of_bumps(left_hip, aside_mm, seed=2):
        assert silently_wrong(left_hip, search(left_hip)(bumped(left_hip.bone, places))) == []


@pytest.mark.real_data
@pytest.mark.parametrize("aside_mm", ASIDE_MM)
def test_bumps_on_scanned_bones(shared_data: Path, aside_mm: float) -> None:
    for bone in read_person(shared_data / "bones" / "vsd_z013"):
        if bone.side is not Side.LEFT or bone.name not in ("femur", "hip_bone"):
            continue
        found = find_femur(bone) if bone.name == "femur" else find_hip_bone(bone, {})[Side.LEFT]
        for places in places_of_bumps(found, aside_mm, seed=3):
            assert silently_wrong(found, search(found)(bumped(found.bone, places))) == []


def stepped(bone: Bone) -> Bone:
    """What slices 3 mm thick leave of a surface: every vertex at the height of its slice."""
    vertices = bone.vertices_mm.copy()
    vertices[:, 2] = STEP_MM * np.round(vertices[:, 2] / STEP_MM)
    corners = vertices[bone.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return replace(bone, vertices_mm=vertices, faces=bone.faces[area > 1e-6])


def test_stair_steps_of_a_femur(femora: dict[Side, Findings]) -> None:
    found = femora[Side.LEFT]
    assert silently_wrong(found, find_femur(stepped(found.bone))) == []


def test_stair_steps_of_a_hip_bone(left_hip: Findings) -> None:
    assert silently_wrong(left_hip, search(left_hip)(stepped(left_hip.bone))) == []


@pytest.mark.parametrize("kind", ["lateral", "medial"])
@pytest.mark.parametrize("closed", [False, True])
def test_a_missing_condyle(femora: dict[Side, Findings], cut: Cut, kind: str, closed: bool) -> None:
    """Sawn off and left open, or shaved flat as by an implant's cut."""
    found = femora[Side.LEFT]
    gone = found.landmarks[f"posterior_condyle_{kind}"].point_mm
    knee = found.landmarks["knee_centre"].point_mm
    across = gone - knee
    across = across / np.linalg.norm(across)
    level = float((gone - knee) @ across) * 0.4
    bone = found.bone
    if closed:
        beyond = np.clip((bone.vertices_mm - knee) @ across - level, 0.0, None)
        low = np.linalg.norm(bone.vertices_mm - knee, axis=1) < 70
        vertices = bone.vertices_mm - np.where(low, beyond, 0.0)[:, None] * across
        changed = replace(bone, vertices_mm=vertices)
    else:
        middles = bone.triangles_mm.mean(axis=1) - knee
        changed = cut(bone, ~((middles @ across > level) & (np.linalg.norm(middles, axis=1) < 70)))
    after = find_femur(changed)
    assert silently_wrong(found, after) == []


def test_a_knee_unlike_all_known_doubts_each_of_its_points(femora: dict[Side, Findings]) -> None:
    marks = dict(femora[Side.LEFT].landmarks)
    points = {name: mark for name, mark in marks.items() if "local_rms_mm" in mark.detail}
    assert doubted_knee(points) == points  # the person's own knee is like others
    worn = points["epicondyle_medial"]
    changed = replace(worn, detail={**worn.detail, "local_rms_mm": 5.0})
    for name, mark in doubted_knee({**points, worn.name: changed}).items():
        if "trochanter" in name:
            assert mark is points[name]
        else:
            assert mark.sigma_mm > 7.5 > points[name].sigma_mm  # three times what 5 mm is more than usual
            assert "knee" in mark.detail["doubt"][0]


def test_an_osteophyte_on_the_head(femora: dict[Side, Findings]) -> None:
    """A collar of bone at the head's edge, 6 mm high over a third of the circle."""
    found = femora[Side.LEFT]
    head = found.landmarks["femoral_head_centre"]
    neck = -np.array(found.landmarks["neck_isthmus_centre"].detail["direction"])
    radius = float(head.detail["radius_mm"])
    first = np.cross(neck, [0.0, 0.0, 1.0])
    first = first / np.linalg.norm(first)
    collar = [
        head.point_mm
        + radius * (0.6 * neck + 0.8 * (np.cos(turn) * first + np.sin(turn) * np.cross(neck, first)))
        for turn in np.linspace(0, 2 * np.pi / 3, 8)
    ]
    after = find_femur(bumped(found.bone, collar, 3.0))  # neighbours overlap: together 6 mm
    assert silently_wrong(found, after) == []
    moved = np.linalg.norm(after.landmarks["femoral_head_centre"].point_mm - head.point_mm)
    assert moved < SURE_SIGMAS * after.landmarks["femoral_head_centre"].sigma_mm


def test_a_fused_sacroiliac_joint(hip_bones: dict[Side, Findings], left_hip: Findings) -> None:
    """Sacrum and hip bones in one surface, against the hip bone cut free."""
    assert silently_wrong(left_hip, hip_bones[Side.LEFT]) == []

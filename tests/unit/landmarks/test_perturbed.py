"""Bones that no scan is clean of: each landmark is right, or its sigma or a reason says that it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ischio._check import Array
from ischio.atlas import reconstruction
from ischio.atlas.model import vertex_normals
from ischio.geometry.spheres import find_spheres
from ischio.landmarks import find_pelvis
from ischio.landmarks.femur import HEAD_RADIUS_MM, MIN_HEAD_COVERAGE, doubted_knee, find_femur
from ischio.landmarks.findings import N_SAMPLES, Findings
from ischio.landmarks.grain import steady_sample
from ischio.landmarks.hip_bone import find_hip_bone
from ischio.landmarks.sacrum import sacrum_landmarks
from ischio.landmarks.shaft import SHAFT_AXES
from ischio.types import Bone, Landmark, Side
from ischio.validation.invariance import subdivided
from ischio.validation.people import read_person

Cut = Callable[[Bone, np.ndarray], Bone]
BUMP_MM = 5.0  # high, and as deep
WIDTHS_MM = (3.0, 15.0)  # standard deviation across
ASIDE_MM = 20.0  # from a landmark to the middle of a bump, at most
ON_TOP, DENTS = 0.25, 0.25  # shares of all bumps
APART_MM = 60.0  # bumps of one bone: each bothers the landmarks near it alone
N_ANYWHERE = 10  # more bumps are tried, at any place
SEEDS, RUNS = (11, 12, 13), 3
OTHERS = (3, 22)  # of the model's people
WRONG_MM = 5.0
SURE_SIGMAS = 2.0
STEP_MM, HIGH_STEP_MM = 3.0, 4.0  # of slices


class Bump(NamedTuple):
    """A Gaussian hill across the surface; a dent where its height is negative."""

    place_mm: Array
    height_mm: float
    width_mm: float


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


def bumped(bone: Bone, bumps: list[Bump]) -> Bone:
    """The surface moved along its normals."""
    normals = vertex_normals(bone.vertices_mm, bone.faces)
    raised = np.zeros(len(bone.vertices_mm))
    for one in bumps:
        away = np.linalg.norm(bone.vertices_mm - one.place_mm, axis=1)
        raised += one.height_mm * np.exp(-0.5 * (away / one.width_mm) ** 2)
    return replace(bone, vertices_mm=bone.vertices_mm + raised[:, None] * normals)


def random_bumps(found: Findings, rng: np.random.Generator) -> list[Bump]:
    """Bumps and dents on and near landmarks and anywhere else, far from each other."""
    vertices = found.bone.vertices_mm
    places = [found.landmarks[name].point_mm for name in rng.permutation(list(found.landmarks))]
    places += list(vertices[rng.integers(len(vertices), size=N_ANYWHERE)])
    bumps: list[Bump] = []
    for place in places:
        away = rng.normal(size=3)
        aside = 0.0 if rng.random() < ON_TOP else rng.uniform(0.0, ASIDE_MM)
        middle = place + aside * away / np.linalg.norm(away)
        middle = vertices[np.argmin(np.linalg.norm(vertices - middle, axis=1))]
        height = -BUMP_MM if rng.random() < DENTS else BUMP_MM
        if all(np.linalg.norm(middle - one.place_mm) > APART_MM for one in bumps):
            bumps.append(Bump(middle, height, rng.uniform(*WIDTHS_MM)))
    return bumps


def wrong_after_bumps(found: Findings, seed: int) -> list[str]:
    """What is silently wrong on the same bone with bumps, several times over."""
    rng = np.random.default_rng(seed)
    find = search(found)
    return [
        words
        for _ in range(RUNS)
        for words in silently_wrong(found, find(bumped(found.bone, random_bumps(found, rng))))
    ]


@pytest.fixture(scope="module")
def left_hip(halves: dict[Side, Bone]) -> Findings:
    return find_hip_bone(halves[Side.LEFT], {})[Side.LEFT]


def search(found: Findings) -> Callable[[Bone], Findings]:
    """The search of a kind of bone, alone."""
    if found.bone.name == "femur":
        return find_femur
    return lambda bone: find_hip_bone(bone, {})[found.side]


@pytest.mark.parametrize("seed", SEEDS)
def test_bumps_on_a_femur(femora: dict[Side, Findings], seed: int) -> None:
    assert wrong_after_bumps(femora[Side.LEFT], seed) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_bumps_on_a_hip_bone(left_hip: Findings, seed: int) -> None:
    assert wrong_after_bumps(left_hip, seed) == []


@pytest.mark.parametrize("person", OTHERS)
def test_bumps_on_other_people(person: int) -> None:
    femur, pelvis = reconstruction(person)
    assert wrong_after_bumps(find_femur(femur), person) == []
    assert wrong_after_bumps(find_hip_bone(pelvis, {})[Side.RIGHT], person) == []


@pytest.mark.real_data
@pytest.mark.parametrize("who", ["vsd_z013", "jia_mri", "mc22", "icl_mri"])
def test_bumps_on_scanned_bones(shared_data: Path, who: str) -> None:
    for seed, bone in enumerate(read_person(shared_data / "bones" / who)):
        if bone.side is None or bone.name not in ("femur", "hip_bone"):
            continue
        found = find_femur(bone) if bone.name == "femur" else find_hip_bone(bone, {})[bone.side]
        assert wrong_after_bumps(found, seed) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_bumps_on_a_sacrum(person: tuple[Bone, ...], hip_bones: dict[Side, Findings], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pelvis, fit = person[1], hip_bones[Side.LEFT].fit
    assert fit is not None
    landmarks, reasons = sacrum_landmarks((pelvis,), fit)
    found = replace(hip_bones[Side.LEFT], landmarks=landmarks, reasons=reasons)
    for _ in range(RUNS):
        changed, why_not = sacrum_landmarks((bumped(pelvis, random_bumps(found, rng)),), fit)
        assert silently_wrong(found, replace(found, landmarks=changed, reasons=why_not)) == []


def test_what_is_silently_wrong_is_told(femora: dict[Side, Findings]) -> None:
    """The judgement itself: farther than 5 mm and two sigmas, neither doubted nor missing with a reason."""
    found = femora[Side.LEFT]
    name = "epicondyle_medial"
    mark = found.landmarks[name]
    off = replace(mark, point_mm=mark.point_mm + [0.0, 0.0, 1.1 * max(WRONG_MM, SURE_SIGMAS * mark.sigma_mm)])

    def told(changed: Landmark) -> list[str]:
        return silently_wrong(found, replace(found, landmarks={**found.landmarks, name: changed}))

    assert [words.split(":")[0] for words in told(off)] == [name]
    assert told(replace(off, sigma_mm=2 * mark.sigma_mm)) == []
    assert told(replace(off, detail={**off.detail, "doubt": ["a spur"]})) == []
    rest = {key: one for key, one in found.landmarks.items() if key != name}
    assert silently_wrong(found, replace(found, landmarks=rest)) == [f"{name}: gone without a reason"]
    assert silently_wrong(found, replace(found, landmarks=rest, reasons={name: "cut away"})) == []


def stepped(bone: Bone, step_mm: float = STEP_MM) -> Bone:
    """What thick slices leave of a surface: every vertex at the height of its slice."""
    vertices = bone.vertices_mm.copy()
    vertices[:, 2] = step_mm * np.round(vertices[:, 2] / step_mm)
    corners = vertices[bone.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return replace(bone, vertices_mm=vertices, faces=bone.faces[area > 1e-6])


def test_stair_steps_of_a_femur(femora: dict[Side, Findings]) -> None:
    found = femora[Side.LEFT]
    assert silently_wrong(found, find_femur(stepped(found.bone))) == []


def test_fine_stair_steps_of_a_femur(person: tuple[Bone, ...], femora: dict[Side, Findings]) -> None:
    """Where the mesh is finer than the steps, few faces look out of the head: it is found all the same."""
    found = femora[Side.LEFT]
    changed = stepped(subdivided(subdivided(person[:1]))[0], HIGH_STEP_MM)
    sample = steady_sample(changed, changed.triangles_mm, N_SAMPLES)
    as_it_is = find_spheres(
        *sample, radius_range_mm=HEAD_RADIUS_MM, concave=False, min_coverage=MIN_HEAD_COVERAGE, n_wanted=3
    )
    assert as_it_is == []
    assert silently_wrong(found, find_femur(changed)) == []


def test_doubts_are_warnings(person: tuple[Bone, ...], femora: dict[Side, Findings]) -> None:
    """A bump on the lesser trochanter is told among the warnings, with the landmark's name and why."""
    femur, pelvis = person
    tip = femora[Side.LEFT].landmarks["lesser_trochanter_tip"].point_mm
    changed = bumped(femur, [Bump(tip, 2 * BUMP_MM, 6.0)])

    def warnings(bones: tuple[Bone, ...]) -> str:
        return " ".join(
            find_pelvis(
                bones, axes="LPS", sides=(Side.LEFT,), posture="model", progress=lambda _words, _share: None
            )[1]
        )

    told = warnings((changed, pelvis))
    assert "left lesser trochanter tip" in told
    assert "higher than any known" in told
    assert "lesser trochanter tip" not in warnings(person)


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
    ridge = [Bump(place, 3.0, 5.0) for place in collar]  # neighbours overlap: together 6 mm
    after = find_femur(bumped(found.bone, ridge))
    assert silently_wrong(found, after) == []
    moved = np.linalg.norm(after.landmarks["femoral_head_centre"].point_mm - head.point_mm)
    assert moved < SURE_SIGMAS * after.landmarks["femoral_head_centre"].sigma_mm


def test_a_fused_sacroiliac_joint(hip_bones: dict[Side, Findings], left_hip: Findings) -> None:
    """Sacrum and hip bones in one surface, against the hip bone cut free."""
    assert silently_wrong(left_hip, hip_bones[Side.LEFT]) == []

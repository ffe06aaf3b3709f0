"""Bones whose head or socket is outside the scan: the gap as with them, or a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio._check import CannotMeasure
from ischio.atlas import reconstruction
from ischio.geometry.surface_gap import surface_gap
from ischio.landmarks.assemble import find_pelvis
from ischio.landmarks.cut_ends import without_cut_faces
from ischio.landmarks.femur import find_femur
from ischio.landmarks.headless import WITHOUT, femur_without_head, hip_bone_without_socket
from ischio.landmarks.hip_bone import find_hip_bone
from ischio.measures import run
from ischio.types import Bone, Side

PERSON = 5
SAME_MM = 0.7  # the stated sigma of either bone
BELOW_TIP_MM = 90.0
MIDLINE_MM = 12.0  # to the sacrum


def silent(_words: str, _fraction: float) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def whole() -> dict[str, Bone]:
    return {bone.name: bone for bone in reconstruction(PERSON)}


@pytest.fixture(scope="module")
def head(whole: dict[str, Bone]) -> tuple[np.ndarray, float]:
    mark = find_femur(whole["femur"]).landmarks["femoral_head_centre"]
    return mark.point_mm, float(mark.detail["radius_mm"])


@pytest.fixture(scope="module")
def cut(whole: dict[str, Bone], head: tuple[np.ndarray, float]) -> dict[str, Bone]:
    """Left femur and left hip bone as a scan shows them that ends below the head's centre."""
    femur, pelvis = whole["femur"], whole["pelvis"]
    top = head[0][2] - 0.3 * head[1]
    bottom = top - BELOW_TIP_MM - 60
    kept = (femur.middles_mm[:, 2] < top) & (femur.middles_mm[:, 2] > bottom)
    middle = (pelvis.vertices_mm[:, 0].min() + pelvis.vertices_mm[:, 0].max()) / 2
    half = (pelvis.middles_mm[:, 2] < top) & (pelvis.middles_mm[:, 0] > middle + MIDLINE_MM)
    return {
        "femur": replace(femur, faces=femur.faces[kept]),
        "hip_bone": replace(pelvis, name="hip_bone", side=Side.LEFT, faces=pelvis.faces[half]),
    }


def test_the_gap_is_as_with_head_and_socket(
    whole: dict[str, Bone], cut: dict[str, Bone], head: tuple[np.ndarray, float]
) -> None:
    femur = find_femur(whole["femur"])
    seat = find_hip_bone(whole["pelvis"], {Side.LEFT: head})[Side.LEFT]
    expected = surface_gap(
        femur.bone.triangles_mm[femur.regions["lesser_trochanter"].face_indices],
        seat.bone.triangles_mm[seat.regions["ischium"].face_indices],
    ).gap_mm
    pelvis, warnings = find_pelvis(
        (cut["femur"], cut["hip_bone"]),
        axes="LPS",
        sides=(Side.LEFT,),
        posture="as_supplied",
        progress=silent,
    )
    for name, what in (("lesser trochanter", "head"), ("ischium", "rim")):
        assert any(f"left {name}: found by the {what} of the laid" in words for words in warnings)
    rows = {row.name: row for row in run(pelvis, (Side.LEFT,)) if row.side is Side.LEFT}
    gap = rows["ischiofemoral_space_3d"]
    assert gap.value == pytest.approx(expected, abs=SAME_MM)
    assert gap.sigma is not None
    assert gap.sigma > np.hypot(SAME_MM, SAME_MM)
    assert len(gap.detail["stands_in"]) == 2
    told = {name for name, row in rows.items() if row.value is not None}
    assert told == {"ischiofemoral_space_3d"}
    assert "no spherical head" in (rows["femoral_head_radius"].reason or "")
    tip = femur.landmarks["lesser_trochanter_tip"].point_mm
    found = pelvis.left.landmarks["lesser_trochanter_tip"] if pelvis.left else None
    assert found is not None
    assert np.linalg.norm(found.point_mm - tip) < 2 * found.sigma_mm


def test_in_unknown_axes_nothing_is_told(cut: dict[str, Bone]) -> None:
    pelvis, _ = find_pelvis(
        (cut["femur"], cut["hip_bone"]),
        axes="unknown",
        sides=(Side.LEFT,),
        posture="as_supplied",
        progress=silent,
    )
    rows = run(pelvis, (Side.LEFT,))
    assert all(row.value is None and row.reason for row in rows)


def test_a_gap_beside_the_cut_is_not_told(cut: dict[str, Bone]) -> None:
    """The nearest ischium lies beyond the lower end of the scan."""
    bone = cut["hip_bone"]
    lowest = bone.vertices_mm[np.unique(bone.faces), 2].min()
    high = replace(bone, faces=bone.faces[bone.middles_mm[:, 2] > lowest + 15.0])
    pelvis, _ = find_pelvis(
        (cut["femur"], high), axes="LPS", sides=(Side.LEFT,), posture="as_supplied", progress=silent
    )
    rows = {row.name: row for row in run(pelvis, (Side.LEFT,)) if row.side is Side.LEFT}
    gap = rows["ischiofemoral_space_3d"]
    assert gap.value is None
    assert "from where the bone is cut: beyond, the gap may be smaller" in (gap.reason or "")


def test_a_shaft_alone_is_refused(whole: dict[str, Bone]) -> None:
    femur = whole["femur"]
    height = femur.middles_mm[:, 2] - femur.vertices_mm[:, 2].min()
    shaft = replace(femur, faces=femur.faces[(height > 120) & (height < 280)])
    with pytest.raises(CannotMeasure, match="no head; without it"):
        femur_without_head(shaft, "no head")


def test_a_wing_alone_is_refused(cut: dict[str, Bone], whole: dict[str, Bone]) -> None:
    pelvis = whole["pelvis"]
    high = pelvis.vertices_mm[:, 2].max()
    middle = (pelvis.vertices_mm[:, 0].min() + pelvis.vertices_mm[:, 0].max()) / 2
    kept = (pelvis.middles_mm[:, 2] > high - 70) & (pelvis.middles_mm[:, 0] > middle + 60)
    wing = replace(cut["hip_bone"], faces=pelvis.faces[kept])
    with pytest.raises(CannotMeasure, match="no socket; without it"):
        hip_bone_without_socket(wing, "no socket")


def test_the_side_of_a_bone_without_head_is_not_guessed(cut: dict[str, Bone]) -> None:
    with pytest.raises(CannotMeasure, match="does not tell that it is a right femur"):
        femur_without_head(replace(cut["femur"], side=Side.RIGHT), "no head")


@pytest.mark.parametrize("below_mm", [60.0, 150.0, 250.0])
def test_flat_ends_are_told_from_bone(cut: dict[str, Bone], whole: dict[str, Bone], below_mm: float) -> None:
    """A lid over the cut is left out, however long the shaft; of an open surface nothing is."""
    edge = cut["femur"].vertices_mm[np.unique(cut["femur"].faces), 2].max()
    height = whole["femur"].middles_mm[:, 2]
    kept = (height < edge) & (height > edge - 60.0 - below_mm)
    femur = replace(whole["femur"], faces=whole["femur"].faces[kept])
    assert without_cut_faces(femur).mean() > 0.99
    top = femur.vertices_mm[np.unique(femur.faces), 2].max()
    ticks = np.linspace(-25.0, 25.0, 26)
    middle = femur.vertices_mm[femur.vertices_mm[:, 2] > top - 5].mean(axis=0)
    x, y = np.meshgrid(ticks + middle[0], ticks + middle[1], indexing="ij")
    lid = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, top)])
    at = np.arange(x.size).reshape(x.shape)
    squares = [at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]]
    a, b, c, d = (one.ravel() for one in squares)
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    n = len(femur.vertices_mm)
    closed = replace(
        femur,
        vertices_mm=np.concatenate([femur.vertices_mm, lid]),
        faces=np.concatenate([femur.faces, faces + n]),
    )
    kept = without_cut_faces(closed)
    assert not kept[len(femur.faces) :].any()
    assert kept[: len(femur.faces)].mean() > 0.9
    found = femur_without_head(closed, "no head")
    assert found.regions["lesser_trochanter"].detail[WITHOUT] == pytest.approx(0.7)

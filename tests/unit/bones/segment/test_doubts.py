"""What is left out or flagged before bones are cut out of a scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ischio._check import InputError
from ischio.atlas.model import N_PEOPLE, person_surface, similarity, vertex_areas
from ischio.atlas.parts import part_model, pelvis_parts, socket_of
from ischio.bones.segment.ct import segment_ct
from ischio.bones.segment.doubts import (
    SIZE_SD,
    child_notes,
    cut_notes,
    missing_femora,
    small_bones,
    touched_note,
    without_prostheses,
)
from ischio.bones.segment.fit import Laid
from ischio.types import Frame, Side, Volume


def laid(side: Side, scale: float = 1.0) -> dict[tuple[str, Side | None], Laid]:
    model = part_model("hip_bone", side)
    seen = np.ones(len(model.mean_mm), dtype=bool)
    return {("hip_bone", side): Laid(model, model.mean_mm, scale, seen, 1.0, 0.95, 0.5)}


def scan_with_ball(centre_mm: np.ndarray, radius_mm: float) -> Volume:
    """A grid of muscle around a ball of metal."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = centre_mm - 60.0
    i, j, k = np.ogrid[:60, :60, :60]
    place = (2.0 * i - 60.0) ** 2 + (2.0 * j - 60.0) ** 2 + (2.0 * k - 60.0) ** 2
    values = np.where(place < radius_mm**2, 3071, 50).astype(np.int16)
    return Volume(values, affine, Frame("patient", "made"), "CT", "HU", "made")


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("radius_mm", "stays"), [(18.0, False), (8.0, True)])  # a head; a screw's worth
def test_a_joint_of_metal_is_left_out(side: Side, radius_mm: float, stays: bool) -> None:
    one = laid(side)
    cup = socket_of("hip_bone", side, one["hip_bone", side].vertices_mm)
    kept, notes = without_prostheses(one, scan_with_ball(cup, radius_mm))
    assert bool(kept) is stays
    assert bool(notes) is not stays
    assert stays or f"{side.value} hip: left out" in notes[0]


def test_metal_beside_the_joint_of_a_turned_scan_is_none_in_it() -> None:
    """A box along the axes of a turned scan reaches further than one along the patient's."""
    one = laid(Side.LEFT)
    cup = socket_of("hip_bone", Side.LEFT, one["hip_bone", Side.LEFT].vertices_mm)
    scan = scan_with_ball(np.zeros(3), 14.0)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    turn[:3, 3] = cup + [0.0, 47.0, 0.0]
    assert without_prostheses(one, replace(scan, patient_from_voxel=turn @ scan.patient_from_voxel))[0]


# A large man's hip at 0.76; a small woman's.
@pytest.mark.parametrize(("scale", "is_said"), [(0.7, True), (0.84, True), (0.9, False)])
def test_a_child_is_flagged(scale: float, is_said: bool) -> None:
    assert bool(small_bones(laid(Side.LEFT, scale))) is is_said


def test_one_bone_that_is_hardly_in_view_makes_no_child() -> None:
    """A femur of which little is seen may be laid too small."""
    one = laid(Side.LEFT, 0.97) | {("femur", Side.LEFT): laid(Side.LEFT, 0.86)["hip_bone", Side.LEFT]}
    assert small_bones(one) == ()


def test_sizes_are_those_of_the_models_people() -> None:
    for name, side in (("femur", Side.LEFT), ("hip_bone", Side.LEFT), ("sacrum", None)):
        model, scales = part_model(name, side), []
        for person in range(N_PEOPLE):
            whole = person_surface("femur" if name == "femur" else "pelvis", person)[0]
            own = whole if name == "femur" else whole[pelvis_parts()[name, side].vertices]
            scales.append(similarity(model.mean_mm, own, vertex_areas(model.mean_mm, model.faces))[0])
        assert np.mean(scales) == pytest.approx(1.0, abs=0.01)
        assert np.std(scales, ddof=1) == pytest.approx(SIZE_SD[name], abs=0.003)


def test_a_refused_child_is_named_as_one() -> None:
    assert child_notes([]) == ()
    found = [laid(side, 0.62)["hip_bone", side] for side in Side]
    assert child_notes(found)[0].startswith(
        "what resembles hip bones has 0.62 of the mean adult's size: a child's"
    )


def test_an_mr_is_refused() -> None:
    scan = replace(scan_with_ball(np.zeros(3), 18.0), modality="MR", unit="1")
    with pytest.raises(InputError, match=r"MR without Hounsfield units; expected a CT.*--fit-points"):
        segment_ct(scan)


# Voxels given in cm or in tenths; a bed's length across the body.
@pytest.mark.parametrize("size_mm", [(0.2, 0.2, 0.2), (10.0, 10.0, 50.0), (25.0, 30.0, 2.0)])
def test_a_scan_of_no_persons_size_is_refused(size_mm: tuple[float, ...]) -> None:
    scan = replace(scan_with_ball(np.zeros(3), 18.0), patient_from_voxel=np.diag([*size_mm, 1.0]))
    with pytest.raises(InputError, match="Check the unit of its voxels' size"):
        segment_ct(scan)


@pytest.mark.parametrize("side", list(Side))
def test_a_femur_that_is_not_found_at_a_socket_in_view_is_said(side: Side) -> None:
    one = laid(side)
    cup = socket_of("hip_bone", side, one["hip_bone", side].vertices_mm)
    (said,) = missing_femora(one, scan_with_ball(cup, 18.0))
    assert said.startswith(f"{side.value} femur: not found, though")
    assert missing_femora(one, scan_with_ball(cup + [0.0, 0.0, 80.0], 18.0)) == ()
    assert missing_femora(one | {("femur", side): one["hip_bone", side]}, scan_with_ball(cup, 18.0)) == ()


def test_a_bone_on_which_contrast_lies_is_named() -> None:
    assert touched_note("femur", Side.LEFT, 4.0) == ()  # a patella, or a tendon's bone
    (said,) = touched_note("hip_bone", Side.RIGHT, 29.4)
    assert said.startswith("right hip bone: on 29 cm2 of it")


@pytest.mark.parametrize("corner_hu", [-1024, -3024])
def test_a_bone_that_a_filled_corner_cuts_is_named(corner_hu: int) -> None:
    """A rod runs into it; beside a second one a streak is as dark, and in a third there is a hole."""
    i, j, k = np.ogrid[:40, :60, :50]
    labels = np.zeros((40, 60, 50), dtype=np.uint8)
    for number, middle in ((1, 12), (2, 30), (3, 48)):
        labels[(np.hypot(i - 20, j - middle) < 7.0) & (k >= 0)] = number
    hu = np.where(labels > 0, 900, 50).astype(np.int16)
    hu[:, :20, 30:] = corner_hu
    labels[:, :20, 30:] = 0
    hu[28:31, 25:35, 10:40] = corner_hu
    hu[19:22, 47:50, 10:40] = corner_hu
    matrix, frame = np.eye(4), Frame("patient", "made")
    scan = Volume(hu, matrix, frame, "CT", "HU", "made")
    names = {1: "femur_left", 2: "femur_right", 3: "sacrum"}
    notes = cut_notes(Volume(labels, matrix, frame, "labels", "1", "made", names), scan)
    assert len(notes) == 1
    assert notes[0].startswith("left femur: 1 cm2 of it end at air")
    assert not cut_notes(
        Volume(labels, matrix, frame, "labels", "1", "made", names), replace(scan, values=hu * 0)
    )

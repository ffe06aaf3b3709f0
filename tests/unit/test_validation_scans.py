"""How near a surface lies to a scan's edges, and to a label map: against balls whose place is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from ischio.atlas.model import BoneModel
from ischio.bones.quality import STREAKS_MM
from ischio.bones.refine import METAL_HU
from ischio.bones.segment.ct import Segmented
from ischio.bones.segment.fit import Laid
from ischio.types import Bone, Frame, Side, Volume
from ischio.validation.merged import merged_row
from ischio.validation.scans import (
    REACH_MM,
    edge_agreement,
    label_agreement,
    metal_points,
    shared_row,
    steepest,
)

FRAME = Frame("patient", "made")
CENTRE = np.array([3.0, -2.0, 400.0])
RADIUS_MM, BLUR_MM = 30.0, 0.9
SPACING_MM = np.array([1.0, 1.0, 2.5])
STEP_MM = 0.1  # of the profiles that are read
N_POINTS = 5000
FACET_MM = 0.1  # a hull of so many points lies inside its ball by less


def ball(radius_mm: float, name: str = "femur") -> Bone:
    """A ball's surface: the hull of points spread along a spiral."""
    from scipy.spatial import ConvexHull

    n = np.arange(N_POINTS) + 0.5
    polar, turn = np.arccos(1 - 2 * n / N_POINTS), np.pi * (1 + 5**0.5) * n
    points = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    faces = ConvexHull(points).simplices.astype(np.int64)
    across = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    inward = np.einsum("ij,ij->i", across, points[faces[:, 0]]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return Bone(name, Side.LEFT, radius_mm * points + CENTRE, faces, FRAME, 1.0, "made")


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Affine of a grid around the ball, and the distance of each voxel from its middle."""
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = CENTRE - 44.0
    shape = np.ceil(88.0 / SPACING_MM).astype(int)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return affine, np.linalg.norm(index * SPACING_MM - 44.0, axis=-1)


def ct() -> Volume:
    """A ball of bone in soft tissue, blurred."""
    affine, away = grid()
    hu = gaussian_filter(np.where(away < RADIUS_MM, 900.0, 50.0), BLUR_MM / SPACING_MM)
    return Volume(hu.astype(np.int16), affine, FRAME, "CT", "HU", "made")


@pytest.mark.parametrize("off_mm", [-0.6, 0.0, 0.8])
def test_a_surface_beside_the_edge_is_told_by_how_much(off_mm: float) -> None:
    found = edge_agreement(ball(RADIUS_MM + off_mm), (), ct())
    assert found is not None
    assert found[0] == pytest.approx(abs(off_mm), abs=STEP_MM + FACET_MM)
    assert found[1] > 0.95


def test_a_surface_two_voxels_off_has_no_edge_near() -> None:
    found = edge_agreement(ball(RADIUS_MM - 2.7), (), ct())
    assert found is not None
    assert found[1] < 0.05


def test_joints_metal_and_tumour_are_not_judged() -> None:
    scan, bone = ct(), ball(RADIUS_MM)
    assert edge_agreement(bone, [ball(RADIUS_MM + 2.0, "hip_bone")], scan) is None
    everything = Volume(
        np.ones(scan.values.shape, dtype=np.uint8), scan.patient_from_voxel, FRAME, "MR", "1", "x"
    )
    assert edge_agreement(bone, (), scan, everything) is None
    metal = Volume(
        np.full(scan.values.shape, METAL_HU + 100), scan.patient_from_voxel, FRAME, "CT", "HU", "x"
    )
    assert edge_agreement(bone, (), metal) is None


def test_surface_within_reach_of_streaks_is_left_out_and_told() -> None:
    """A screw's end beside the ball: what lies within 15 mm of it is not judged, the rest is."""
    scan, bone = ct(), ball(RADIUS_MM)
    values = scan.values.copy()
    index = np.argwhere(np.ones(values.shape, dtype=bool))
    place = index @ scan.patient_from_voxel[:3, :3].T + scan.patient_from_voxel[:3, 3]
    tip = CENTRE + [RADIUS_MM + 6.0, 0.0, 0.0]
    is_screw = np.linalg.norm(place - tip, axis=1) < 3.0
    values[tuple(index[is_screw].T)] = 3071
    values[0, 0, 0] = 3071  # a voxel alone is noise
    screwed = replace(scan, values=values)
    metal = metal_points(screwed)
    assert np.linalg.norm(metal - tip, axis=1).max() < 3.0
    found = edge_agreement(bone, (), screwed, metal=metal)
    assert found is not None
    near = np.linalg.norm(bone.vertices_mm[:, None] - metal[None], axis=2).min(axis=1) <= STREAKS_MM
    judged = np.linalg.norm(bone.vertices_mm - tip, axis=1) > 3.0 + REACH_MM + 1.0
    assert 0.0 < found[2] <= near.mean()
    assert found[2] == pytest.approx((near & judged).mean(), abs=0.02)
    assert found[0] < STEP_MM
    everything = edge_agreement(bone, (), scan)
    assert everything is not None
    assert everything[2] == 0.0


def test_the_steepest_step_is_told_between_samples() -> None:
    at = np.linspace(-3.0, 3.0, 61)
    for where in (-0.63, 0.0, 0.17):
        hu = 900.0 * norm.cdf(-(at - where) / BLUR_MM)[None]
        assert steepest(hu, at)[0] == pytest.approx(where, abs=0.01 * STEP_MM)


def test_a_bone_that_holds_another_is_told() -> None:
    """The lower half of the ball is labelled as the bone beside it."""
    affine, away = grid()
    half = np.where(away < RADIUS_MM, 1, 0).astype(np.uint8)
    half[:, :, : half.shape[2] // 2] *= 2
    names = {1: "femur_left", 2: "hip_bone_left"}
    labels = Volume(half, affine, FRAME, "labels", "1", "x", names)
    own, other = ball(RADIUS_MM), ball(5.0, "hip_bone")
    beside = replace(other, vertices_mm=other.vertices_mm + [0, 0, 60.0])
    laid = {
        (bone.name, bone.side): Laid(
            BoneModel(bone.name, bone.vertices_mm, np.zeros((0, len(bone.vertices_mm), 3)), bone.faces),
            bone.vertices_mm,
            1.0,
            np.ones(len(bone.vertices_mm), dtype=bool),
            1.0,
            1.0,
            1.0,
        )
        for bone in (own, beside)
    }
    row = shared_row("two balls", Segmented(labels, laid, ()))
    assert row.verdict == "fail"
    assert row.note.startswith("most: hip bone left of femur left;")
    assert merged_row([row, row]).ours == 2.0
    whole = replace(labels, values=(half > 0).astype(np.uint8))
    right = shared_row("two balls", Segmented(whole, laid, ()))
    assert right.verdict == "pass"
    assert merged_row([right, row]).ours == 1.0
    assert merged_row([right]).verdict == "pass"
    assert merged_row([]).verdict == "skipped"


def test_dice_with_and_without_what_the_labels_give_to_another_bone() -> None:
    affine, away = grid()
    index = np.arange(away.shape[2])[None, None, :] * SPACING_MM[2]
    is_top = np.broadcast_to(index > 44.0 + 15.0, away.shape)
    values = np.where(away < RADIUS_MM, np.where(is_top, 2, 1), 0).astype(np.uint8)
    labels = Volume(values, affine, FRAME, "labels", "1", "x", {1: "femur_left", 2: "hip_bone_left"})
    other = ball(5.0, "hip_bone")
    other = Bone("hip_bone", Side.LEFT, other.vertices_mm + [0, 0, 20.0], other.faces, FRAME, 1.0, "made")
    found = label_agreement([ball(RADIUS_MM), other], labels)["left femur"]
    cap = np.pi * 15.0**2 * (RADIUS_MM - 5.0) / (4 / 3 * np.pi * RADIUS_MM**3)
    assert found.raw == pytest.approx(2 * (1 - cap) / (2 - cap), abs=0.02)
    assert found.both > 0.97
    assert found.given == pytest.approx(cap, abs=0.02)

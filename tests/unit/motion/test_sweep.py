"""Clearance of whole hips: sides, frames, parts and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure, InputError
from ischio.geometry.surface_gap import surface_gap
from ischio.motion import clearance, pose_grid, pose_list
from ischio.motion.equidistant import ENOUGH_MM, head_shift
from ischio.motion.joint import joint_of
from ischio.types import Clearance, Hip, Region, Side

ZEROS = ("app", "pca")
ROUNDING_MM = 1e-9  # float64 at 100 mm
MIRROR_MM = 1e-6  # sides are computed by the same arithmetic
CONCENTRIC_MM = 0.01  # what a head that turns about its own centre may seem to move


@pytest.fixture(scope="module")
def poses():
    """Poses around neutral in which the phantom's bones are apart, and some where they meet."""
    return pose_grid((-20, 20, 10), (-10, 10, 5), (-30, 30, 15), zeros=ZEROS)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("gap", [9.0, 0.5, -3.0])
def test_the_neutral_gap_of_a_phantom_is_exact(side: Side, gap: float) -> None:
    hip = phantoms.hip(side, gap_mm=gap)
    found = clearance(hip, pose_list([[0, 0, 0]], zeros=ZEROS))
    assert found.gap_mm[0] == pytest.approx(gap, abs=ROUNDING_MM)
    assert found.sub_parts[found.sub_part[0]] == "tuberosity"
    across = found.on_femur_mm[0] - found.on_hip_bone_mm[0]
    assert np.abs(across - [-side.sign * gap, 0, 0]).max() < ROUNDING_MM  # lateral in patient LPS


def test_a_left_hip_is_a_mirrored_right_hip(poses, rng: np.random.Generator) -> None:
    right = phantoms.moved(phantoms.hip(Side.RIGHT), phantoms.random_motion(rng))
    a, b = clearance(right, poses), clearance(phantoms.mirrored(right), poses)
    assert np.abs(a.gap_mm - b.gap_mm).max() < MIRROR_MM
    assert np.abs(a.on_femur_mm * [-1, 1, 1] - b.on_femur_mm).max() < MIRROR_MM
    assert np.array_equal(a.sub_part, b.sub_part)


def test_turned_and_reordered_bones_give_the_same_gaps(poses, rng: np.random.Generator) -> None:
    hip = phantoms.hip(Side.LEFT)
    a = clearance(hip, poses)
    b = clearance(shuffled(phantoms.moved(hip, phantoms.random_motion(rng)), rng), poses)
    free = a.gap_mm > 0
    assert np.array_equal(free, b.gap_mm > 0)
    assert (np.abs(a.gap_mm - b.gap_mm) <= a.error_mm + ROUNDING_MM).all()


def shuffled(hip: Hip, rng: np.random.Generator) -> Hip:
    """The same hip with the triangles of both bones in another order."""
    bones, regions = {}, dict(hip.regions)
    for name in ("femur", "hip_bone"):
        bone = getattr(hip, name)
        order = rng.permutation(len(bone.faces))
        bones[name] = replace(bone, faces=bone.faces[order])
        place = np.argsort(order)
        for key, region in hip.regions.items():
            if region.bone == bone.name:
                rows = place[region.face_indices]
                sort = np.argsort(rows)
                parts = tuple(np.array(region.sub_parts)[sort].tolist()) if region.sub_parts else ()
                regions[key] = replace(region, face_indices=rows[sort], sub_parts=parts)
    return replace(hip, **bones, regions=regions)


def test_finer_triangles_give_the_same_gaps(poses) -> None:
    hip = phantoms.hip(Side.RIGHT)
    a, b = clearance(hip, poses), clearance(refined(hip), poses)
    assert (np.abs(a.gap_mm - b.gap_mm) <= np.maximum(a.error_mm, b.error_mm) + ROUNDING_MM).all()


def refined(hip: Hip) -> Hip:
    """The same femur with each triangle cut into four."""
    femur, region = hip.femur, hip.regions["lesser_trochanter"]
    a, b, c = femur.triangles_mm.transpose(1, 0, 2)
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    soup = (
        np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]])
        .transpose(2, 0, 1, 3)
        .reshape(-1, 3, 3)
    )
    faces = np.arange(3 * len(soup)).reshape(-1, 3)
    rows = (region.face_indices[:, None] * 4 + np.arange(4)).ravel()
    return replace(
        hip,
        femur=replace(femur, vertices_mm=soup.reshape(-1, 3), faces=faces),
        regions={**hip.regions, "lesser_trochanter": replace(region, face_indices=rows)},
    )


def test_the_pose_as_supplied_gives_the_gap_as_supplied() -> None:
    """Bones left where they are: the joint must not move them."""
    hip = phantoms.hip(Side.LEFT, gap_mm=7.0)
    pose = hip.poses[1]
    angles = [[pose.flexion_deg, pose.adduction_deg, pose.internal_rotation_deg]]
    found = clearance(hip, pose_list(angles, zeros=(pose.pelvic_zero, pose.rotation_zero)))
    want = surface_gap(hip.region_triangles("lesser_trochanter"), hip.region_triangles("ischium")).gap_mm
    assert found.gap_mm[0] == pytest.approx(want, abs=ROUNDING_MM)


def test_opening_and_closing_follow_the_signs() -> None:
    """Adduction brings the femur towards the midline, where the ischium is."""
    for side in Side:
        found = clearance(phantoms.hip(side), pose_list([[0, -5, 0], [0, 0, 0], [0, 5, 0]], zeros=ZEROS))
        assert (np.diff(found.gap_mm) < 0).all()


def test_pairs_that_are_not_there_are_refused() -> None:
    hip, neutral = phantoms.hip(Side.RIGHT), pose_list([[0, 0, 0]], zeros=ZEROS)
    with pytest.raises(
        InputError, match="got 'greater_trochanter' as first region; expected a region of the femur"
    ):
        clearance(hip, neutral, pair=("greater_trochanter", "ischium"))
    with pytest.raises(InputError, match="'lesser_trochanter' as second region"):
        clearance(hip, neutral, pair=("lesser_trochanter", "lesser_trochanter"))
    lost = replace(hip, regions={}, reasons={"lesser_trochanter": "the femur ends above it"})
    with pytest.raises(CannotMeasure, match="the femur ends above it"):
        clearance(lost, neutral)
    with pytest.raises(ValueError, match="centre: got 'loose'"):
        clearance(hip, neutral, centre="loose")


def test_a_clearance_checks_its_arrays(poses) -> None:
    found = clearance(phantoms.hip(Side.RIGHT), poses)
    with pytest.raises(ValueError, match="clearance lesser_trochanter:ischium: gap_mm: got shape"):
        replace(found, gap_mm=found.gap_mm[1:])
    assert isinstance(found, Clearance)
    assert not found.gap_mm.flags.writeable


# Equidistant centre ------------------------------------------------------------------------------


def with_socket(side: Side, space_mm: float = 3.0, off_mm: tuple[float, float, float] = (0, 0, 0)) -> Hip:
    """A phantom whose hip bone is a closed hollow ball around the head, ``off_mm`` from its centre."""
    hip = phantoms.hip(side)
    head = hip.point("femoral_head_centre")
    polar, around = np.meshgrid(
        np.linspace(1e-3, np.pi - 1e-3, 41), np.arange(80) * np.pi / 40, indexing="ij"
    )
    up = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1)
    i, j = (g.ravel() for g in np.meshgrid(np.arange(40), np.arange(80), indexing="ij"))
    a, b, c, d = i * 80 + j, (i + 1) * 80 + j, (i + 1) * 80 + (j + 1) % 80, i * 80 + (j + 1) % 80
    ring = np.arange(1, 79)
    caps = [np.stack([0 * ring, ring, ring + 1], axis=1)]
    caps.append(np.stack([0 * ring, ring + 1, ring], axis=1) + 40 * 80)
    outer = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1), *caps])
    inner = outer[:, ::-1] + up.size // 3
    points = np.concatenate([(up * r).reshape(-1, 3) for r in (40.0, 24.0 + space_mm)]) + head + off_mm
    faces = np.concatenate([outer, inner])
    lunate = Region("lunate_surface", side, "hip_bone", np.arange(len(outer), len(faces)), 1.0, "phantom@1")
    return replace(
        hip,
        hip_bone=replace(hip.hip_bone, vertices_mm=points, faces=faces),
        regions={**hip.regions, lunate.name: lunate},
    )


@pytest.mark.parametrize("side", Side)
def test_concentric_spheres_leave_the_centre_where_it_is(side: Side) -> None:
    """A round head; the phantom's own facets would rise and fall by tenths of a millimetre."""
    hip = with_socket(side)
    head = hip.point("femoral_head_centre")
    away = hip.femur.vertices_mm - head
    far = np.linalg.norm(away, axis=1)
    assert np.allclose(far[far < 25], 24)
    # Head turned about its own axis of symmetry by whole facets: the same surface, again and again.
    spokes = np.array([[0, 0, 0], [360 / 32, 0, 0], [-360 / 32, 0, 0], [2 * 360 / 32, 0, 0]])
    shift = head_shift(hip, joint_of(hip, *ZEROS), spokes)
    assert np.linalg.norm(shift, axis=1).max() <= CONCENTRIC_MM


def test_the_smallest_space_keeps_its_value() -> None:
    hip = with_socket(Side.LEFT, off_mm=(0.4, -0.3, 1.0))
    hip = replace(hip, femur=replace(hip.femur, vertices_mm=egg(hip)))
    joint, angles = joint_of(hip, *ZEROS), np.array([[0, 0, 0], [40, 0, 0], [-20, 10, 30], [60, -20, -30.0]])
    shift = head_shift(hip, joint, angles)
    assert np.linalg.norm(shift[1:], axis=1).min() > 0.05
    rotations, offsets = joint.motion(angles)
    femur, socket = joint.femoral(hip.femur.triangles_mm), joint.pelvic(hip.hip_bone.triangles_mm)
    socket = socket[np.linalg.norm(socket - joint.centre_mm, axis=2).max(axis=1) < 30]
    near = femur[np.linalg.norm(femur, axis=2).max(axis=1) < 25.2]
    spaces = [
        surface_gap(near @ m.T + o + s, socket).gap_mm
        for m, o, s in zip(rotations, offsets, shift, strict=True)
    ]
    assert np.abs(np.array(spaces) - spaces[0]).max() <= 2 * ENOUGH_MM


def egg(hip: Hip) -> np.ndarray:
    """Vertices of the femur with its head a little flattened along one oblique axis."""
    head, axis = hip.point("femoral_head_centre"), np.array([0.6, 0.64, 0.48])
    away = hip.femur.vertices_mm - head
    return head + away - 0.03 * np.outer(away @ axis, axis)


def test_without_a_socket_there_is_no_equidistant_centre() -> None:
    neutral = pose_list([[0, 0, 0]], zeros=ZEROS)
    with pytest.raises(CannotMeasure, match="right lunate surface is missing"):
        clearance(phantoms.hip(Side.RIGHT), neutral, centre="equidistant")
    hip = with_socket(Side.RIGHT)
    bare = replace(hip.landmarks["femoral_head_centre"], detail={})
    bare_hip = replace(hip, landmarks={**hip.landmarks, "femoral_head_centre": bare})
    with pytest.raises(CannotMeasure, match="without a fitted sphere"):
        clearance(bare_hip, neutral, centre="equidistant")
    small = replace(hip.landmarks["femoral_head_centre"], detail={"radius_mm": 5.0})
    small_hip = replace(hip, landmarks={**hip.landmarks, "femoral_head_centre": small})
    with pytest.raises(CannotMeasure, match="right femur has no surface within 5 mm"):
        clearance(small_hip, neutral, centre="equidistant")

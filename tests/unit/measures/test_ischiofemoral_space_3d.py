"""The ischiofemoral gap: value, points, sub-part and error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ischio import phantoms
from ischio._check import Array
from ischio.measures.ischiofemoral_space_3d import (
    BORDER_MM,
    BUMP_RADIUS_MM,
    ischiofemoral_space_3d,
)
from ischio.types import Hip, Side

POINT_NOISE_MM = 1e-9  # float64 within 1 m of the origin


def with_trochanter(hip: Hip, keep: NDArray[np.bool_]) -> Hip:
    """The hip with some of the trochanter's faces only."""
    region = hip.regions["lesser_trochanter"]
    smaller = replace(region, face_indices=region.face_indices[keep])
    return replace(hip, regions={**hip.regions, "lesser_trochanter": smaller})


def distances_from_tip(hip: Hip) -> Array:
    middles = hip.region_triangles("lesser_trochanter").mean(axis=1)
    return np.asarray(np.linalg.norm(middles - hip.point("lesser_trochanter_tip"), axis=1))


@pytest.mark.parametrize("side", Side)
def test_points_lie_on_trochanter_and_ischium(side: Side) -> None:
    hip = phantoms.hip(side, gap_mm=9.0)
    got = ischiofemoral_space_3d(hip)
    assert got.points_mm is not None
    on_trochanter, on_ischium = got.points_mm
    assert np.allclose(on_trochanter, hip.point("lesser_trochanter_tip"), atol=POINT_NOISE_MM)
    assert abs(np.linalg.norm(on_trochanter - on_ischium) - 9.0) < POINT_NOISE_MM
    assert got.detail["sub_part"] == "tuberosity"
    assert got.detail["bone_contact"] is False
    assert got.posture == "as_supplied"


def test_faces_named_are_those_of_the_bones() -> None:
    hip = phantoms.hip(Side.LEFT)
    got = ischiofemoral_space_3d(hip)
    assert hip.femur is not None
    assert hip.hip_bone is not None
    assert got.points_mm is not None
    corners = hip.femur.triangles_mm[got.detail["lesser_trochanter_face"]]
    assert np.abs(corners - got.points_mm[0]).max(axis=1).min() < POINT_NOISE_MM  # the tip is a corner
    corners = hip.hip_bone.triangles_mm[got.detail["ischium_face"]]
    assert np.ptp(corners[:, 0]) < POINT_NOISE_MM  # a face of the flat lateral side


@pytest.mark.parametrize("side", Side)
def test_components_point_from_ischium_to_trochanter(side: Side) -> None:
    hip = phantoms.moved(phantoms.hip(side, gap_mm=9.0), phantoms.random_motion(np.random.default_rng(3)))
    along = ischiofemoral_space_3d(hip).detail["towards_trochanter"]
    assert along["frame"] == "pelvis_app_from_patient"
    assert np.allclose([along["forward_mm"], along["up_mm"]], 0.0, atol=POINT_NOISE_MM)
    assert abs(along["lateral_mm"] - 9.0) < POINT_NOISE_MM  # lateral is positive on both sides


def test_components_use_the_frame_there_is() -> None:
    hip = phantoms.hip(Side.LEFT)
    isb = {"pelvis_isb_from_patient": hip.frames["pelvis_isb_from_patient"]}
    with_isb = ischiofemoral_space_3d(replace(hip, frames=isb))
    assert with_isb.detail["towards_trochanter"]["frame"] == "pelvis_isb_from_patient"
    assert ischiofemoral_space_3d(replace(hip, frames={})).detail["towards_trochanter"] is None


@pytest.mark.parametrize("gap_mm", [0.0, -3.0])
def test_touching_or_crossing_surfaces_are_bone_contact(gap_mm: float) -> None:
    got = ischiofemoral_space_3d(phantoms.hip(Side.LEFT, gap_mm=gap_mm))
    assert got.value == 0.0
    assert got.detail["bone_contact"] is True


def test_sigma_of_a_gap_inside_its_regions_is_that_of_the_surfaces() -> None:
    hip = phantoms.hip(Side.LEFT)
    assert hip.femur is not None
    assert hip.hip_bone is not None
    femur, hip_bone = (bone.edge_mm**2 / (8 * BUMP_RADIUS_MM) for bone in (hip.femur, hip.hip_bone))
    got = ischiofemoral_space_3d(hip)
    assert got.sigma == pytest.approx(np.hypot(femur, hip_bone))
    assert got.detail["border_sigma_mm"] == 0.0


def test_sigma_of_a_gap_at_a_border_is_what_the_border_decides() -> None:
    hip = phantoms.hip(Side.LEFT)
    away = distances_from_tip(hip)
    cut = with_trochanter(hip, away > 3.0)  # the region now begins 3 mm from the tip
    got = ischiofemoral_space_3d(cut)
    inner = ischiofemoral_space_3d(with_trochanter(hip, away > 3.0 + BORDER_MM))
    assert got.value > ischiofemoral_space_3d(hip).value
    assert got.detail["border_sigma_mm"] > 0
    # The same strip, taken away once by the measure and once here; their edges differ by a face.
    assert got.detail["border_sigma_mm"] == pytest.approx(inner.value - got.value, abs=0.3)


def test_a_region_narrower_than_its_border_has_no_sigma() -> None:
    hip = phantoms.hip(Side.LEFT)
    got = ischiofemoral_space_3d(with_trochanter(hip, distances_from_tip(hip) < BORDER_MM))
    assert got.value == 12.0
    assert got.sigma is None


def test_a_closed_region_has_no_border() -> None:
    hip = phantoms.hip(Side.LEFT)
    assert hip.femur is not None
    trochanter = hip.regions["lesser_trochanter"]
    capsule = np.arange(trochanter.face_indices.min(), len(hip.femur.faces))  # with its far end: closed
    closed = replace(trochanter, face_indices=capsule)
    whole = replace(hip, regions={**hip.regions, "lesser_trochanter": closed})
    assert ischiofemoral_space_3d(whole).detail["border_sigma_mm"] == 0.0


def test_an_ischium_without_sub_parts_names_none() -> None:
    hip = phantoms.hip(Side.LEFT)
    plain = replace(hip.regions["ischium"], sub_parts=())
    got = ischiofemoral_space_3d(replace(hip, regions={**hip.regions, "ischium": plain}))
    assert got.detail["sub_part"] is None

"""What a plan refuses, and how it says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure, InputError
from ischio.plan import goal_of, plan_hip, plan_sections
from ischio.types import Hip, Pelvis, Side


@pytest.fixture(scope="module")
def hip() -> Hip:
    return phantoms.sphere_on_cylinder(Side.LEFT)


def test_an_open_femur_bounds_no_solid(hip: Hip) -> None:
    assert hip.femur is not None
    far = int(
        np.argmax(
            np.linalg.norm(hip.femur.triangles_mm.mean(axis=1) - hip.point("lesser_trochanter_tip"), axis=1)
        )
    )
    faces = np.delete(hip.femur.faces, far, axis=0)
    region = hip.regions["lesser_trochanter"]
    rows = region.face_indices - (region.face_indices > far)
    torn = replace(
        hip,
        femur=replace(hip.femur, faces=faces),
        regions={**hip.regions, "lesser_trochanter": replace(region, face_indices=rows)},
    )
    with pytest.raises(InputError, match=r"left femur .*open surface.*closed surface.*Close its holes"):
        plan_hip(torn, goal_of(torn, 12.0))


def test_a_femur_turned_inside_out_is_seen(hip: Hip) -> None:
    assert hip.femur is not None
    turned = replace(hip, femur=replace(hip.femur, faces=hip.femur.faces[:, ::-1]))
    with pytest.raises(InputError, match="inside out"):
        plan_hip(turned, goal_of(turned, 12.0))


@pytest.mark.parametrize("name", ["lesser_trochanter_tip", "femoral_head_centre"])
def test_a_missing_landmark_is_named(hip: Hip, name: str) -> None:
    marks = {key: mark for key, mark in hip.landmarks.items() if key != name}
    short = replace(hip, landmarks=marks, reasons={name: "cut away"})
    with pytest.raises(CannotMeasure, match=f"{name.replace('_', ' ')} is missing: cut away"):
        plan_hip(short, goal_of(short, 12.0))


def test_a_femur_without_directions_is_said(hip: Hip) -> None:
    frames = {key: one for key, one in hip.frames.items() if not key.startswith("femur")}
    short = replace(hip, frames=frames, reasons={"femur_pca_from_patient": "no condyles"})
    with pytest.raises(CannotMeasure, match="no directions: no condyles"):
        plan_hip(short, goal_of(short, 12.0))


def test_a_shaft_cut_short_is_said(hip: Hip) -> None:
    from ischio.landmarks.smooth_femur import smooth_femur_beneath

    triangles = hip.region_triangles("lesser_trochanter")
    with pytest.raises(CannotMeasure, match="cut too close"):
        smooth_femur_beneath(
            triangles, hip.point("lesser_trochanter_tip"), np.array([0.0, 0, 1]), (np.zeros(3), 24.0)
        )


@pytest.mark.parametrize("target", [-1.0, 41.0, float("nan")])
def test_a_target_that_is_no_distance_is_refused(hip: Hip, target: float) -> None:
    with pytest.raises(InputError, match="0 to 40 mm"):
        goal_of(hip, target)


def test_an_unknown_motion_set_lists_those_there_are(hip: Hip) -> None:
    with pytest.raises(InputError, match=r"motion set: got 'dancing'; expected one of \[.*'standing'"):
        goal_of(hip, 12.0, "dancing")


def test_red_flags_and_absent_hips_end_a_plan_with_a_reason(hip: Hip) -> None:
    pelvis = Pelvis(
        left=hip, right=None, sacrum=None, landmarks={}, frames={}, reasons={"right": "not supplied"}
    )
    stopped, none = plan_sections(pelvis, 12.0, stops=["tumour", "infection"])
    assert none == ()
    assert stopped["plans"] == []
    assert stopped["planning"]["reasons"]["left"] == "red flag: tumour; red flag: infection"
    going, (one,) = plan_sections(pelvis, 5.0)
    assert going["planning"]["reasons"] == {"right": "not supplied"}
    assert one.plans[0].status == "met"


def test_no_plan_where_the_nearest_ischium_is_cut_away() -> None:
    pelvis = phantoms.pelvis()
    left = pelvis.left
    assert left is not None
    missing = left.point("lesser_trochanter_tip")[None] + [0.0, 3.0, 0.0]
    cut = replace(left.regions["ischium"], missing_mm=missing)
    torn = replace(pelvis, left=replace(left, regions={**left.regions, "ischium": cut}))
    sections, found = plan_sections(torn, 17.0, sides=[Side.LEFT])
    assert not found
    assert (
        "the ischium is cut, and what is missing of it would be nearest"
        in sections["planning"]["reasons"]["left"]
    )

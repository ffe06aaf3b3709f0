"""What cannot be measured says why: every refusal of a measure is reached by a hip that lacks something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ischio import phantoms
from ischio.measures import REGISTRY, take
from ischio.types import Hip, Side


def with_mark(hip: Hip, name: str, **change: Any) -> Hip:
    return replace(hip, landmarks={**hip.landmarks, name: replace(hip.landmarks[name], **change)})


def rim_moved(up_mm: float) -> Callable[[Hip], Hip]:
    def change(hip: Hip) -> Hip:
        rim = hip.curves["acetabular_rim"]
        moved = replace(rim, points_mm=rim.points_mm + [0, 0, up_mm])
        return replace(hip, curves={"acetabular_rim": moved})

    return change


def clock_moved(hip: Hip) -> Hip:
    centre = hip.point("acetabular_rim_centre") + [0, 0, 200.0]
    return with_mark(hip, "acetabular_rim_centre", point_mm=centre)


def bone_moved(name: str, up_mm: float) -> Callable[[Hip], Hip]:
    def change(hip: Hip) -> Hip:
        bone = getattr(hip, name)
        moved: dict[str, Any] = {name: replace(bone, vertices_mm=bone.vertices_mm + [0, 0, up_mm])}
        return replace(hip, **moved)

    return change


def only_head(hip: Hip) -> Hip:
    """The femur's first piece alone: the phantom is made of closed pieces, the head first."""
    assert hip.femur is not None
    near = np.linalg.norm(hip.femur.vertices_mm - hip.point("femoral_head_centre"), axis=1) < 24.5
    faces = hip.femur.faces[near[hip.femur.faces].all(axis=1)]
    on_sphere = np.abs(
        np.linalg.norm(hip.femur.vertices_mm - hip.point("femoral_head_centre"), axis=1) - 24.0
    )
    faces = faces[(on_sphere[faces] < 1e-6).all(axis=1)]
    return replace(hip, femur=replace(hip.femur, faces=faces))


def detail_gone(name: str) -> Callable[[Hip], Hip]:
    return lambda hip: with_mark(hip, name, detail={})


def trochanter_medial(hip: Hip) -> Hip:
    place = hip.point("femoral_head_centre")
    return with_mark(hip, "greater_trochanter_superior", point_mm=place)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("acetabular_version_central", rim_moved(200.0), "does not pass both the front and the back"),
        ("lateral_centre_edge_angle", rim_moved(-200.0), "does not pass above the head's centre"),
        ("anterior_centre_edge_angle", rim_moved(-200.0), "does not pass above the head's centre"),
        ("acetabular_version_cranial", clock_moved, "the acetabular rim has no point at 1 o'clock"),
        ("acetabular_coverage", clock_moved, "the acetabular rim has no point at"),
        ("femoral_head_radius", detail_gone("femoral_head_centre"), "without a fitted sphere"),
        ("alpha_angle", detail_gone("femoral_head_centre"), "without a fitted sphere"),
        ("neck_shaft_angle", detail_gone("shaft_axis_proximal"), "came without its direction"),
        ("acetabular_inclination", detail_gone("acetabular_rim_centre"), "came without its normal"),
        ("femoral_version_lee", trochanter_medial, "does not stand lateral of the head"),
        ("femoral_version_lee", only_head, "upper border is not all there"),
        ("femoral_version_reikeras", only_head, "no slice shows both cortices"),
        ("femoral_version_tomczak", only_head, "does not reach the slice"),
        ("femoral_version_index_case", only_head, "does not show both cortices"),
        ("alpha_angle", only_head, "does not leave the sphere from 12 to 3"),
        ("ischiofemoral_space_axial", bone_moved("hip_bone", -400.0), "no axial slice passes both"),
        ("ischial_angle", bone_moved("hip_bone", 400.0), "does not pass the ischium"),
    ],
)
@pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
def test_it_says_why(name: str, change: Callable[[Hip], Hip], words: str, side: Side) -> None:
    (one,) = (one for one in REGISTRY if one.name == name)
    row = take(one, change(phantoms.anatomy(side)), side)
    assert row.value is None
    assert row.reason is not None
    assert words in row.reason


def test_a_head_out_of_its_socket_is_not_its_centre() -> None:
    """The socket's centre stands for it, and the detail says so."""
    (one,) = (one for one in REGISTRY if one.name == "lateral_centre_edge_angle")
    hip = phantoms.anatomy(Side.LEFT, acetabular_version_deg=0.0, rim_drop_deg=34.0)
    away = with_mark(hip, "femoral_head_centre", point_mm=hip.point("femoral_head_centre") + [15.0, 0.0, 0.0])
    near = with_mark(hip, "femoral_head_centre", point_mm=hip.point("femoral_head_centre") + [3.0, 0.0, 0.0])
    rows = [take(one, subject, Side.LEFT) for subject in (hip, away, near)]
    assert rows[1].value == pytest.approx(rows[0].value)
    assert rows[1].detail["centre"] == "of the socket, since the head is not in it"
    assert rows[2].detail["centre"] == "of the head"
    assert rows[2].value != pytest.approx(rows[0].value, abs=1.0)


def test_a_socket_alone_is_measured() -> None:
    (one,) = (one for one in REGISTRY if one.name == "acetabular_version_central")
    hip = phantoms.anatomy(Side.RIGHT, acetabular_version_deg=21.0)
    marks = {name: mark for name, mark in hip.landmarks.items() if name != "femoral_head_centre"}
    row = take(one, replace(hip, landmarks=marks, femur=None), Side.RIGHT)
    assert row.value == pytest.approx(21.0)
    assert row.detail["centre"] == "of the socket, since no head is there"


def test_a_neck_without_a_saddle_is_cut_at_the_trochanters_top() -> None:
    """A trochanter below the falling neck: the highest slice with both is that of its top."""
    (one,) = (one for one in REGISTRY if one.name == "femoral_version_lee")
    hip = phantoms.anatomy(Side.LEFT, version_deg=12.0)
    low = hip.point("greater_trochanter_superior") * [1.0, 1.0, 1.0]
    head = hip.point("femoral_head_centre")
    inward = head + 0.55 * (low - head)
    inward[2] = head[2] - 12.0
    row = take(one, with_mark(hip, "greater_trochanter_superior", point_mm=inward), Side.LEFT)
    assert row.value == pytest.approx(12.0)
    assert row.detail["level_mm"] <= -12.0


def test_acetabular_angles_follow_a_turn_of_the_scanner_exactly() -> None:
    """As supplied, tilt changes them; in the pelvis's own plane it does not."""
    (tilt,) = (one for one in REGISTRY if one.name == "pelvic_tilt_app")
    (edge,) = (one for one in REGISTRY if one.name == "lateral_centre_edge_angle")
    for degrees in (-12.0, 0.0, 7.5):
        pelvis = phantoms.whole_pelvis(app_tilt_deg=degrees)
        assert take(tilt, pelvis, None).value == pytest.approx(degrees)
        assert pelvis.left is not None
        row = take(edge, pelvis.left, Side.LEFT)
        assert row.value == pytest.approx(take(edge, phantoms.anatomy(Side.LEFT), Side.LEFT).value)
        same = row.detail["as_supplied_deg"] == pytest.approx(row.value, abs=1e-6)
        assert same == (degrees == 0.0)


def test_without_a_vertical_what_refers_to_it_is_null() -> None:
    (tilt,) = (one for one in REGISTRY if one.name == "pelvic_tilt_app")
    (edge,) = (one for one in REGISTRY if one.name == "lateral_centre_edge_angle")
    why = "the axes of the input are unknown"
    pelvis = replace(phantoms.whole_pelvis(), frames={}, reasons={"scanner_from_patient": why})
    assert why in str(take(tilt, pelvis, None).reason)
    hip = phantoms.anatomy(Side.LEFT)
    frames = {name: one for name, one in hip.frames.items() if name != "scanner_from_patient"}
    row = take(edge, replace(hip, frames=frames, reasons={"scanner_from_patient": why}), Side.LEFT)
    assert row.value is not None
    assert row.detail["as_supplied_deg"] is None
    assert row.detail["as_supplied_reason"] == why

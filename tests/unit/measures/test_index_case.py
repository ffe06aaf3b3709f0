"""The published case's antetorsion: from bones and from slices of a volume, and how pose changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.measures import REGISTRY, index_case_in_volume, take
from ischio.measures._femur import Neck
from ischio.measures.femoral_version_index_case import in_slices, straight_neck
from ischio.types import Frame, Hip, Side, Transform, Volume

VOXEL_MM = np.array([0.8, 0.8, 3.0])
VOLUME_DEG = 2.0  # half a voxel at the neck, half a head's width from the centre
both_sides = pytest.mark.parametrize("side", Side, ids=lambda side: side.value)


def boxed(hip: Hip) -> Volume:
    """The phantom femur as labels, with condyles, on a grid whose first axis runs backwards."""
    origin = hip.point("femoral_head_centre") + [-70.0, -60.0, -430.0]
    count = np.ceil(np.array([140.0, 120.0, 460.0]) / VOXEL_MM).astype(int)
    place = np.indices(count).reshape(3, -1).T * VOXEL_MM + origin
    inside = np.zeros(len(place), dtype=bool)
    assert hip.femur is not None
    head, isthmus = hip.point("femoral_head_centre"), hip.point("neck_isthmus_centre")
    radius = float(hip.landmarks["femoral_head_centre"].detail["radius_mm"])
    away = place - head
    inside |= np.linalg.norm(away, axis=1) < radius
    axis = (isthmus - head) / np.linalg.norm(isthmus - head)
    along = away @ axis
    front = np.cross(axis, [0.0, 0, 1])
    front /= np.linalg.norm(front)
    high = np.cross(axis, front)
    in_neck = (np.abs(away @ front) < 0.45 * radius) & (np.abs(away @ high) < 0.55 * radius)
    inside |= in_neck & (along > 0.6 * radius) & (along < 2.1 * radius)
    for name in ("lateral", "medial"):
        condyle = hip.point(f"posterior_condyle_{name}")
        inside |= np.linalg.norm(place - condyle - [0.0, -20.0, 0.0], axis=1) < 20.0
    affine = np.eye(4)
    affine[:3, :3] = np.diag(VOXEL_MM)
    affine[:3, 3] = origin
    values = inside.reshape(count).astype(np.uint8)
    # Flip the first axis: the voxels' directions must not matter.
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = count[0] - 1
    return Volume(values[::-1].copy(), affine @ flip, Frame("patient", "phantom"), "labels", "1", "phantom")


@both_sides
@pytest.mark.parametrize("version_deg", [4.0, 16.0, 28.0])
def test_slices_of_a_volume_give_the_version(side: Side, version_deg: float) -> None:
    hip = phantoms.anatomy(side, version_deg=version_deg)
    reading = index_case_in_volume(hip, boxed(hip), 1)
    assert reading.value == pytest.approx(version_deg, abs=VOLUME_DEG)
    assert reading.detail["slice_mm"] == pytest.approx(3.0)


def test_the_slice_is_the_first_below_the_head() -> None:
    hip = phantoms.anatomy(Side.LEFT)
    level = index_case_in_volume(hip, boxed(hip), 1).detail["level_mm"]
    assert -24.0 - 1.5 - 3.0 <= level <= -24.0 - 1.5


def test_an_oblique_volume_is_refused() -> None:
    hip = phantoms.anatomy(Side.LEFT)
    labels = boxed(hip)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    with pytest.raises(CannotMeasure, match="not axial"):
        index_case_in_volume(hip, replace(labels, patient_from_voxel=turn @ labels.patient_from_voxel), 1)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (slice(0, 135), "no slice lies below|does not reach|passes the condyles"),
        (slice(30, None), "no slice passes the condyles"),
    ],
)
def test_what_is_outside_the_volume_is_said(cut: slice, words: str) -> None:
    hip = phantoms.anatomy(Side.LEFT)
    labels = boxed(hip)
    values = labels.values.copy()
    values[:, :, cut] = 0 if cut.start == 0 else values[:, :, cut]
    if cut.start:
        values[:, :, : cut.start] = 0
    with pytest.raises(CannotMeasure, match=words):
        index_case_in_volume(hip, replace(labels, values=values), 1)


def test_a_missing_label_is_said() -> None:
    hip = phantoms.anatomy(Side.LEFT)
    with pytest.raises(CannotMeasure, match="does not reach the slice"):
        index_case_in_volume(hip, boxed(hip), 7)


def test_the_horizontal_of_the_image_cancels() -> None:
    """A leg turned as a whole about the scanner's axis reads the same."""
    hip = phantoms.anatomy(Side.RIGHT, version_deg=16.0)
    (one,) = (one for one in REGISTRY if one.name == "femoral_version_index_case")
    turn = np.eye(4)
    angle = np.radians(20)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    scanner = hip.frames["scanner_from_patient"]
    turned = Transform(scanner.target, scanner.source, scanner.matrix @ turn)
    seen = replace(hip, frames={**hip.frames, "scanner_from_patient": turned})
    detail = take(one, seen, hip.side).detail
    assert detail["as_supplied_deg"] == pytest.approx(16.0, abs=1e-9)


def test_flexion_in_the_scanner_changes_only_what_the_scanner_sees() -> None:
    """Slices across a flexed thigh are no slices across its axis."""
    hip = phantoms.anatomy(Side.RIGHT, version_deg=16.0)
    nod = np.eye(4)
    angle = np.radians(15)
    nod[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    scanner = hip.frames["scanner_from_patient"]
    flexed = replace(
        hip,
        frames={
            **hip.frames,
            "scanner_from_patient": Transform(scanner.target, scanner.source, scanner.matrix @ nod),
        },
    )
    by_name = {one.name: one for one in REGISTRY}
    case = take(by_name["femoral_version_index_case"], flexed, hip.side)
    assert case.value == pytest.approx(16.0, abs=1e-9)
    assert abs(case.detail["as_supplied_deg"] - 16.0) > 1.0
    assert take(by_name["femoral_version_reikeras"], flexed, hip.side).value == pytest.approx(16.0, abs=1e-9)


@both_sides
def test_signs(side: Side) -> None:
    right, forward = np.array([-1.0, 0, 0]), np.array([0.0, -1, 0])
    lateral = side.sign * right
    condyles = (30 * lateral, -30 * lateral)
    ahead = in_slices(-20 * lateral + 5 * forward, np.zeros(3), condyles, right, forward, side.sign)
    assert ahead == pytest.approx(np.degrees(np.arctan2(5, 20)))


def sliced(width_mm: float, flare_mm: float) -> Callable[[float], Neck]:
    """A slice whose neck widens up to 12 mm from the head's centre and runs into a trochanter."""

    def seen(place_mm: float) -> Neck:
        along = place_mm + np.linspace(-7, 7, 15)
        half = np.interp(along, [0, 12, flare_mm, flare_mm + 4], [2.0, width_mm / 2, width_mm / 2, width_mm])
        return Neck(along, np.where(along > flare_mm, -half - 8, -half), half)

    return seen


def test_the_neck_is_read_between_its_tip_and_the_trochanter() -> None:
    seen = sliced(22.0, 30.0)
    neck = straight_neck(seen, seen(21.0), 20.0)
    assert neck.along_mm.min() >= 11.0
    assert neck.along_mm.max() <= 31.0
    assert neck.middle_mm == pytest.approx(0.0, abs=0.1)


def test_a_slice_of_the_trochanter_alone_shows_no_neck() -> None:
    with pytest.raises(CannotMeasure, match="does not show both cortices"):
        straight_neck(sliced(22.0, -20.0), sliced(22.0, 30.0)(21.0), 20.0)
    with pytest.raises(CannotMeasure, match="through the isthmus"):
        straight_neck(sliced(22.0, 30.0), None, 20.0)

"""Measures of the woman whose bones five raters marked: from their points, and found automatically.

Fischer 2023, Sci Data (z013); her surfaces and the raters' raw points lie beside the project
(``../shared/data/bones/vsd_z013``, CC BY-NC-SA 4.0) and are no part of it. Every angle is computed here
a second time, from coordinates alone and by other formulas than the software's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ischio.measures import REGISTRY, take
from ischio.types import Hip, Landmark, Pelvis, Side
from ischio.validation.people import assessed, read_person

pytestmark = pytest.mark.real_data

EXACT = 0.1  # degrees or millimetres
AUTOMATIC_DEG = 3.0
RATED = (
    "femoral_version_isthmus_3d",
    "neck_shaft_angle",
    "lesser_trochanter_version",
    "neck_lesser_trochanter_angle",
)
NECK = [f"{name} Neck Isthmus ({name[0]}NI)" for name in ("Superior", "Anterior", "Inferior", "Posterior")]
FEMUR = {
    "posterior_condyle_lateral": "Posterior Lateral Condyle (PLC)",
    "posterior_condyle_medial": "Posterior Medial Condyle (PMC)",
    "lesser_trochanter_tip": "Lesser Trochanter (LT)",
    "epicondyle_lateral": "Lateral Epicondyle (LEC)",
    "epicondyle_medial": "Medial Epicondyle (MEC)",
}
Points = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "bones" / "vsd_z013"


@pytest.fixture(scope="module")
def found(folder: Path) -> Pelvis:
    return assessed(read_person(folder))


@pytest.fixture(scope="module")
def readings(folder: Path) -> dict[str, np.ndarray]:
    """All 20 readings of each landmark."""
    content = json.loads((folder / "manual_landmarks.json").read_text(encoding="utf-8"))["landmarks"]
    return {
        name: np.array([one["xyz"] for one in each])
        for bone in ("femur_left", "pelvis")
        for name, each in content[bone].items()
    }


@pytest.fixture(scope="module")
def head(readings: Points) -> np.ndarray:
    """Centre of the sphere through the means of the six points on the head, by linear least squares."""
    on_head = np.array([points.mean(axis=0) for name, points in readings.items() if "Femoral Head" in name])
    system = np.column_stack([2 * on_head, np.ones(len(on_head))])
    return np.linalg.lstsq(system, (on_head**2).sum(axis=1), rcond=None)[0][:3]


@pytest.fixture(scope="module")
def means(readings: Points, head: np.ndarray) -> dict[str, np.ndarray]:
    """Raters' means under our names."""
    out = {ours: readings[theirs].mean(axis=0) for ours, theirs in FEMUR.items()}
    out["neck_isthmus_centre"] = np.mean([readings[name].mean(axis=0) for name in NECK], axis=0)
    out["knee_centre"] = (out["epicondyle_lateral"] + out["epicondyle_medial"]) / 2
    out["femoral_head_centre"] = head
    return out


def with_points(hip: Hip, points: Points) -> Hip:
    """The hip with other points in the place of its own."""
    marks: dict[str, Landmark] = dict(hip.landmarks)
    for name, point in points.items():
        marks[name] = replace(marks[name], point_mm=point)
    return replace(hip, landmarks=marks)


def value(name: str, subject: Hip | Pelvis) -> float:
    (one,) = (one for one in REGISTRY if one.name == name)
    row = take(one, subject, subject.side if isinstance(subject, Hip) else None)
    assert row.value is not None, row.reason
    return row.value


def turn_about(axis: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """Angle from one vector to another about an axis, degrees, by the triple product."""
    axis = axis / np.linalg.norm(axis)
    sine = axis @ np.cross(start, end)
    cosine = start @ end - (start @ axis) * (end @ axis)
    return float(np.degrees(np.arctan2(sine, cosine)))


def version(points: Points, tail: np.ndarray, tip: np.ndarray) -> float:
    """On the left, where medial is to the patient's right: forwards is a turn against the axis upwards."""
    up = points["femoral_head_centre"] - points["knee_centre"]
    medial = points["posterior_condyle_medial"] - points["posterior_condyle_lateral"]
    return -turn_about(up, medial, tip - tail) * np.sign(np.cross(up, medial) @ [0, 1, 0])


def left(pelvis: Pelvis) -> Hip:
    assert pelvis.left is not None
    return pelvis.left


def test_version_from_the_raters_points(found: Pelvis, means: Points) -> None:
    ours = value("femoral_version_isthmus_3d", with_points(left(found), means))
    theirs = version(means, means["neck_isthmus_centre"], means["femoral_head_centre"])
    assert ours == pytest.approx(theirs, abs=EXACT)
    assert 10.0 < theirs < 15.0  # the sign is that of a neck that points forwards


def test_trochanter_from_the_raters_points(found: Pelvis, means: Points) -> None:
    """The shaft's axis is ours: raters marked none."""
    hip = with_points(left(found), means)
    shaft = hip.landmarks["shaft_axis_proximal"]
    along = np.array(shaft.detail["direction"])
    up = means["femoral_head_centre"] - means["knee_centre"]
    tip = means["lesser_trochanter_tip"]
    # The axis meets the plane of the tip across the mechanical axis.
    share = np.linalg.solve(np.column_stack([along, *_across(up)]), tip - shaft.point_mm)[0]
    centre = shaft.point_mm + share * along
    theirs = version(means, centre, tip)
    assert value("lesser_trochanter_version", hip) == pytest.approx(theirs, abs=EXACT)
    neck = version(means, means["neck_isthmus_centre"], means["femoral_head_centre"])
    assert value("neck_lesser_trochanter_angle", hip) == pytest.approx(neck - theirs, abs=EXACT)


def _across(up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two vectors that span the plane across a direction."""
    first = np.cross(up, [1.0, 0, 0])
    return first, np.cross(up, first)


def test_neck_shaft_angle_from_the_raters_points(found: Pelvis, means: Points) -> None:
    hip = with_points(left(found), means)
    along = np.array(hip.landmarks["shaft_axis_proximal"].detail["direction"])
    neck = means["femoral_head_centre"] - means["neck_isthmus_centre"]
    theirs = np.degrees(np.arctan2(np.linalg.norm(np.cross(neck, -along)), neck @ -along))
    assert value("neck_shaft_angle", hip) == pytest.approx(theirs, abs=EXACT)


def test_offset_from_the_raters_points(found: Pelvis, means: Points) -> None:
    hip = with_points(left(found), means)
    shaft = hip.landmarks["shaft_axis_proximal"]
    away = means["femoral_head_centre"] - shaft.point_mm
    theirs = np.linalg.norm(np.cross(away, np.array(shaft.detail["direction"])))
    assert value("femoral_offset", hip) == pytest.approx(theirs, abs=EXACT)


def test_tilt_from_the_raters_points(found: Pelvis, readings: Points) -> None:
    spines, tubercles = (
        np.mean([readings[f"{side} {name}"].mean(axis=0) for side in ("Left", "Right")], axis=0)
        for name in ("ASIS", "Pubic Tubercle (PT)")
    )
    _, back, up = spines - tubercles  # patient LPS
    theirs = np.degrees(np.arctan2(-back, up))
    hips = {
        side: with_points(
            getattr(found, side.value),
            {
                "asis": readings[f"{side.value.capitalize()} ASIS"].mean(axis=0),
                "pubic_tubercle": readings[f"{side.value.capitalize()} Pubic Tubercle (PT)"].mean(axis=0),
            },
        )
        for side in Side
    }
    pelvis = replace(found, left=hips[Side.LEFT], right=hips[Side.RIGHT])
    assert value("pelvic_tilt_app", pelvis) == pytest.approx(theirs, abs=EXACT)


@pytest.mark.parametrize("name", RATED)
def test_automatic_angles_are_near_the_raters(found: Pelvis, means: Points, name: str) -> None:
    theirs = value(name, with_points(left(found), means))  # exact, by the tests above
    assert value(name, left(found)) == pytest.approx(theirs, abs=AUTOMATIC_DEG)


@pytest.mark.parametrize("name", RATED)
def test_automatic_angles_lie_among_the_raters(
    found: Pelvis, means: Points, readings: Points, name: str
) -> None:
    single = []
    for k in range(20):
        points = {ours: readings[theirs][k] for ours, theirs in FEMUR.items()}
        points["knee_centre"] = (points["epicondyle_lateral"] + points["epicondyle_medial"]) / 2
        points["femoral_head_centre"] = means["femoral_head_centre"]
        points["neck_isthmus_centre"] = np.mean([readings[one][k] for one in NECK], axis=0)
        single.append(value(name, with_points(left(found), points)))
    assert min(single) <= value(name, left(found)) <= max(single)

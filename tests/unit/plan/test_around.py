"""What stands beside a plan: probability, views, alternatives, and what a ruler says."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.motion import clearance
from ischio.motion.joint import joint_of
from ischio.plan.alternatives import alternatives
from ischio.plan.doubt import SCAN_MM, draws_of, probability_met
from ischio.plan.fluoroscopy import edge_on_view
from ischio.plan.goals import goal_of
from ischio.plan.one_to_one import one_to_one
from ischio.types import Hip, Side
from ischio.validation.plan import index_case_rows

SOLVER_MM = 0.04


@pytest.fixture(scope="module", params=list(Side))
def hip(request: pytest.FixtureRequest) -> Hip:
    return phantoms.hip(request.param)


def test_zero_degrees_changes_nothing(hip: Hip) -> None:
    poses = goal_of(hip, 10.0).poses
    now = float(clearance(hip, poses).gap_mm[0])
    rows = alternatives(hip, poses)
    zeros = [row for row in rows if row["degrees"] == 0]
    assert [row["gap_mm"] for row in zeros] == pytest.approx([now, now], abs=1e-3)
    abducted = [row["gap_mm"] for row in rows if row["kind"] == "abduction"]
    assert abducted == sorted(abducted)  # the capsule points straight at the ischium: abduction takes it away
    turned = next(row for row in rows if row["kind"] == "derotation" and row["degrees"] == 10)
    assert turned["version_change_deg"] == -10


def test_the_view_lies_in_the_plane(hip: Hip, rng: np.random.Generator) -> None:
    joint = joint_of(hip, "app", "pca")
    for normal in rng.normal(size=(10, 3)):
        normal /= np.linalg.norm(normal)
        angle = np.radians(edge_on_view(hip, normal)["orbital_deg"])
        beam = np.array([np.cos(angle), 0.0, np.sin(angle)])  # forward, up, lateral
        patient = joint.patient(beam) - joint.patient(np.zeros(3))
        turn = (
            joint.pelvis_from_patient[:3, :3].T @ joint.femur_from_patient[:3, :3]
        )  # neutral: the identity here
        assert abs(patient @ turn @ normal) < 0.001  # a tenth of a degree is kept


def test_the_view_turns_with_the_femur(hip: Hip) -> None:
    joint = joint_of(hip, "app", "pca")
    backwards = joint.femur_from_patient[:3, :3].T @ np.array([-1.0, 0.0, 0.0])
    found = edge_on_view(hip, backwards)
    assert abs(found["orbital_deg"]) == 90.0
    assert abs(found["change_per_10_deg_internal_rotation"]) == pytest.approx(10.0, abs=0.1)
    along = joint.femur_from_patient[:3, :3].T @ np.array([0.0, 1.0, 0.0])
    none = edge_on_view(hip, along)
    assert none["orbital_deg"] is None
    assert "all of these views" in none["reason"]


def test_the_probability_falls_with_the_target_and_is_even_where_it_is_just_met(hip: Hip) -> None:
    draws = draws_of(hip, goal_of(hip, 10.0))
    triangles = hip.region_triangles("lesser_trochanter")
    now = float(clearance(hip, goal_of(hip, 10.0).poses).gap_mm[0])
    found = [probability_met(draws, triangles, now + more) for more in (-15.0, 0.0, 15.0)]
    assert found[0]["probability"] == 1.0
    assert found[2]["probability"] == 0.0
    assert 0.2 < found[1]["probability"] < 0.8
    assert found[1]["probability_uncontrolled_scan"] == pytest.approx(0.5, abs=SOLVER_MM / SCAN_MM)
    assert probability_met(draws, triangles, now) == found[1]


def test_a_ruler_says_what_was_published() -> None:
    assert [row.verdict for row in index_case_rows()] == ["pass"] * 4
    deep = one_to_one(0.0, 17.0)
    assert deep["attachment_lost_fraction"] is None
    assert "no cadaver" in deep["reason"]
    assert one_to_one(20.0, 17.0)["depth_mm"] == 0

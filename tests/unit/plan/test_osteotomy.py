"""Osteotomies on a sphere on a cylinder: every figure in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio.motion import clearance
from ischio.phantoms.resection import SPHERE_RADIUS_MM
from ischio.plan.goals import goal_of
from ischio.plan.osteotomy import LATERAL_MM, VARUS_DEG, osteotomies
from ischio.plan.site import TROCHANTER, Site, prepare
from ischio.types import Side

GAP_MM, BALL_MM, OFFSET_MM = 8.0, 15.0, 30.0
GAP_TOLERANCE_MM = 0.08  # solver 0.02; balls of 96 corners are 0.05 mm short of round ones
AXIS_MM = 0.1  # the shaft's axis is found from slices of a faceted cylinder


@pytest.fixture(scope="module", params=list(Side))
def site(request: pytest.FixtureRequest) -> Site:
    """With a neck at 135 degrees in the plane across the back."""
    hip = phantoms.sphere_on_cylinder(
        request.param, gap_mm=GAP_MM, ischium="sphere", ischium_radius_mm=BALL_MM
    )
    bare = prepare(hip)
    head = hip.landmarks["femoral_head_centre"]
    middle = head.point_mm - 20.0 * (bare.up + bare.medial)
    neck = replace(head, name="neck_isthmus_centre", point_mm=middle, detail={})
    return prepare(replace(hip, landmarks={**hip.landmarks, "neck_isthmus_centre": neck}))


def test_every_figure_is_the_closed_form_and_zero_changes_nothing(site: Site) -> None:
    poses = goal_of(site.hip, 12.0).poses
    rows = osteotomies(site, poses)
    assert [(row["kind"], row["amount"]) for row in rows] == [("varus", k) for k in VARUS_DEG] + [
        ("lateralising", k) for k in LATERAL_MM
    ]
    now = float(clearance(site.hip, poses).gap_mm.min())
    head = site.hip.point("femoral_head_centre")
    rise = head @ site.up - (site.hip.region_triangles(TROCHANTER).reshape(-1, 3) @ site.up).max()
    apart = SPHERE_RADIUS_MM + GAP_MM + BALL_MM
    for row in rows:
        k = row["amount"]
        if k == 0:
            assert row["gap_mm"] == pytest.approx(now, abs=1e-3)
            assert (row["leg_length_change_mm"], row["version_change_deg"]) == (0.0, 0.0)
            assert row["neck_shaft_angle_deg"] == pytest.approx(135.0, abs=AXIS_MM)
            assert row["offset_mm"] == pytest.approx(OFFSET_MM, abs=AXIS_MM)
            continue
        if row["kind"] == "varus":
            cosine, sine = np.cos(np.radians(k)), np.sin(np.radians(k))
            drop, aside = rise * (1 - cosine) + OFFSET_MM * sine, OFFSET_MM * (cosine - 1) + rise * sine
        else:
            drop, aside = 0.0, k
        assert row["leg_length_change_mm"] == pytest.approx(-drop, abs=AXIS_MM)
        assert row["offset_mm"] == pytest.approx(OFFSET_MM + aside, abs=AXIS_MM)
        assert row["neck_shaft_angle_deg"] == pytest.approx(
            135.0 - (k if row["kind"] == "varus" else 0.0), abs=AXIS_MM
        )
        assert row["version_change_deg"] == pytest.approx(0.0, abs=AXIS_MM)
        gap = np.sqrt(apart**2 + aside**2 + drop**2) - SPHERE_RADIUS_MM - BALL_MM
        assert row["gap_mm"] == pytest.approx(gap, abs=GAP_TOLERANCE_MM)


def test_without_a_neck_its_angles_say_why(site: Site) -> None:
    marks = {name: one for name, one in site.hip.landmarks.items() if name != "neck_isthmus_centre"}
    bare = replace(site, hip=replace(site.hip, landmarks=marks, reasons={"neck_isthmus_centre": "cut away"}))
    row = osteotomies(bare, goal_of(bare.hip, 12.0).poses)[1]
    assert row["neck_shaft_angle_deg"] is None
    assert row["reason"] == "the middle of the neck is missing: cut away"

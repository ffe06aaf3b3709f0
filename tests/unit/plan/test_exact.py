"""A sphere on a cylinder against a plane or a sphere: volume, depth and gap in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.motion import clearance
from ischio.phantoms.resection import SPHERE_RADIUS_MM
from ischio.plan import HipPlans, goal_of, plan_hip
from ischio.plan.site import prepare
from ischio.types import Hip, Side

GAP_MM = 8.0
BALL_MM = 15.0
CLOSED_FORM = 0.01  # relative: polyhedra with 96 corners around are 0.3 % short, grids add as much
CLEARANCE_MM = 0.05  # solver 0.02, level 0.02, plane's seam 0.003


def cap_mm3(depth_mm: float) -> float:
    """A cap of the sphere."""
    return np.pi * depth_mm**2 * (3 * SPHERE_RADIUS_MM - depth_mm) / 3


def lens_mm3(one_mm: float, other_mm: float, apart_mm: float) -> float:
    """What two balls share."""
    near = one_mm + other_mm - apart_mm
    return (
        np.pi
        * near**2
        * (apart_mm**2 + 2 * apart_mm * (one_mm + other_mm) - 3 * (one_mm - other_mm) ** 2)
        / (12 * apart_mm)
    )


def found(hip: Hip, clearance_mm: float) -> HipPlans:
    """Plans for a clearance in the standing-like pose."""
    return plan_hip(hip, goal_of(hip, clearance_mm))


@pytest.mark.parametrize(("side", "depth_mm"), [(Side.LEFT, 2.0), (Side.RIGHT, 6.0)])
def test_against_a_plane_depth_is_clearance_and_volume_a_cap(side: Side, depth_mm: float) -> None:
    plans = {
        one.cut.name: one
        for one in found(phantoms.sphere_on_cylinder(side), GAP_MM + depth_mm).plans
        if one.cut
    }
    parallel, least = plans["parallel_to_posterior_cortex"], plans["theoretical_minimum"]
    assert parallel.depth_mm == pytest.approx(depth_mm, rel=CLOSED_FORM)
    assert parallel.removed_mm3 == pytest.approx(cap_mm3(depth_mm), rel=CLOSED_FORM)
    assert least.removed_mm3 == pytest.approx(cap_mm3(depth_mm), rel=CLOSED_FORM)
    assert least.depth_mm == pytest.approx(depth_mm, rel=CLOSED_FORM)
    for one in plans.values():
        assert one.reached_mm == pytest.approx(GAP_MM + depth_mm, abs=CLEARANCE_MM)
        assert one.removed_mm3 >= least.removed_mm3 * (1 - 1e-9)


def test_against_a_sphere_the_minimum_is_a_lens() -> None:
    hip = phantoms.moved(
        phantoms.sphere_on_cylinder(Side.LEFT, ischium="sphere"),
        phantoms.random_motion(np.random.default_rng(3)),
    )
    wanted = GAP_MM + 5.0
    least = found(hip, wanted).plans[-1]
    lens = lens_mm3(SPHERE_RADIUS_MM, BALL_MM + wanted, SPHERE_RADIUS_MM + GAP_MM + BALL_MM)
    assert least.removed_mm3 == pytest.approx(lens, rel=CLOSED_FORM)
    assert least.depth_mm == pytest.approx(5.0, rel=CLOSED_FORM)
    assert least.reached_mm == pytest.approx(wanted, abs=CLEARANCE_MM)


def test_the_cut_bone_is_closed_and_its_gap_is_that_of_the_engine() -> None:
    hip = phantoms.sphere_on_cylinder(Side.RIGHT)
    plan = found(hip, 12.0).plans[0]
    assert plan.resection is not None
    after = plan.resection.hip
    assert prepare(after).solid.volume() == pytest.approx(
        prepare(hip).solid.volume() - plan.removed_mm3, rel=1e-9
    )
    again = clearance(after, plan.goal.poses)
    assert float(again.gap_mm.min()) == plan.reached_mm


def test_a_cut_stops_at_the_shaft() -> None:
    hip = phantoms.sphere_on_cylinder(Side.RIGHT)
    plans = found(hip, 35.0)
    assert plans.need.status == "beyond"
    # The sphere's tip stands 12 mm over the shaft: that, and no more, can be gained.
    assert plans.need.best_mm == pytest.approx(GAP_MM + 12.0, abs=0.1)
    for one in plans.plans:
        assert one.reached_mm <= plans.need.best_mm + CLEARANCE_MM
        assert one.resection is not None
        corners = one.resection.cut_mm.reshape(-1, 3)
        assert float(plans.site.smooth.height(corners).min()) > -0.1  # the room's floor, between its corners


def test_a_target_that_is_met_needs_no_cut() -> None:
    (plan,) = found(phantoms.sphere_on_cylinder(Side.LEFT), 5.0).plans
    assert plan.status == "met"
    assert plan.cut is None
    assert plan.removed_mm3 == 0
    assert plan.reached_mm == pytest.approx(GAP_MM, abs=1e-6)

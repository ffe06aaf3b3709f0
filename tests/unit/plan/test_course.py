"""How near each place of the femur comes to the ischium, against the engine of gaps, overlap included."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.motion import clearance
from ischio.plan import goal_of, plan_hip
from ischio.plan.course import course_of
from ischio.types import Side

GRID_MM = 0.05  # read between nodes of 0.8 mm


@pytest.mark.parametrize("side", list(Side))
def test_the_field_is_signed(side: Side) -> None:
    hip = phantoms.sphere_on_cylinder(side, gap_mm=6.0, ischium="sphere")
    course = course_of(hip, goal_of(hip, 0.0).poses)
    seat = hip.region_triangles("ischium").reshape(-1, 3).mean(axis=0)
    back = seat - hip.point("lesser_trochanter_tip")
    back /= np.linalg.norm(back)
    away = np.array([-5.0, -1.0, 1.0, 5.0, 12.0])  # of the ball's surface, which has a radius of 15 mm
    found = course.clearance_at(seat - (15.0 + away)[:, None] * back)
    assert found == pytest.approx(away, abs=0.2)  # the ball is a polyhedron


def test_bone_deep_inside_the_ischium_has_to_go() -> None:
    """Where a pose lays the trochanter far into the ischium, what lies deepest must go, too."""
    hip = phantoms.sphere_on_cylinder(Side.LEFT, gap_mm=-7.0, ischium="plane")
    goal = goal_of(hip, 2.0)
    found = plan_hip(hip, goal)
    assert found.need.status == "reached"
    assert found.need.before_mm == pytest.approx(-7.0, abs=GRID_MM)
    for plan in found.plans:
        assert plan.resection is not None
        if plan.status == "reached":
            again = float(clearance(plan.resection.hip, goal.poses).gap_mm.min())
            assert again == pytest.approx(2.0, abs=0.1)
    depth = next(one.depth_mm for one in found.plans if one.cut is not None)
    assert depth == pytest.approx(9.0, rel=0.01)

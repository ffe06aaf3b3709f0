"""Goals over recorded walking, and over the median gap of reference people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure, InputError
from ischio.atlas.reference_gaps import reference_gaps
from ischio.io.gait_trial import GaitCycle
from ischio.motion import clearance
from ischio.motion.average_cycle import average_cycle
from ischio.motion.gait import STRIDES, in_zeros
from ischio.motion.pairs import SPACE
from ischio.plan import goal_of, plan_hip, plan_sections
from ischio.types import Hip, Pelvis, Side

PROMISE_MM = 0.1


@pytest.fixture(scope="module")
def hip() -> Hip:
    """With epicondyles where the condyles are: the cycle's zeros need them."""
    bare = phantoms.sphere_on_cylinder(Side.LEFT, gap_mm=30.0, ischium="sphere")
    frame = bare.frames["femur_pca_from_patient"]
    return replace(bare, frames={**bare.frames, "femur_tea_from_patient": frame})


@pytest.fixture(scope="module")
def recorded() -> GaitCycle:
    """A stiff walk, recorded in the zeros of the bones."""
    cycle = average_cycle(Side.LEFT)
    return replace(
        cycle, angles_deg=0.5 * cycle.angles_deg, pelvic_zero="app", rotation_zero="pca", source="walk"
    )


def test_recorded_walking_is_walked_with_its_strides_scaled(hip: Hip, recorded: GaitCycle) -> None:
    goal = goal_of(hip, 2.0, "gait", cycle=recorded)
    assert "recorded walking (walk)" in goal.words
    np.testing.assert_allclose(goal.poses.angles_deg[51:102], recorded.angles_deg, atol=1e-9)
    flexion = goal.poses.angles_deg[:, 0].reshape(len(STRIDES), -1)
    np.testing.assert_allclose(flexion[2], 1.2 * recorded.angles_deg[:, 0], atol=1e-9)
    other = replace(recorded, side=Side.RIGHT)
    with pytest.raises(CannotMeasure, match="of the right hip, not of the left one"):
        goal_of(hip, 2.0, "gait", cycle=other)


def test_recorded_walking_needs_its_set_and_its_side(hip: Hip, recorded: GaitCycle) -> None:
    pelvis = Pelvis(hip, None, None, {}, {}, {"right": "not supplied"})
    with pytest.raises(InputError, match="--gait: got --motion standing"):
        plan_sections(pelvis, 2.0, cycles={Side.LEFT: recorded})
    with pytest.raises(InputError, match="a recorded gait; expected the built-in cycle"):
        goal_of(hip, 0.0, "gait_median", cycle=recorded)
    sections, none = plan_sections(
        pelvis, 2.0, "gait", cycles={Side.RIGHT: replace(recorded, side=Side.RIGHT)}, sides=[Side.LEFT]
    )
    assert none == ()
    assert sections["planning"]["reasons"]["left"] == "no walking of this side was recorded"


def test_over_the_median_every_percent_has_its_own_clearance(hip: Hip) -> None:
    goal = goal_of(hip, 0.0, "gait_median")
    people = reference_gaps()["gait_stride_1.0", SPACE]
    assert goal.floor_mm.tolist() == np.maximum(np.median(people, axis=0), 0.0).tolist()
    cycle = average_cycle(Side.LEFT)
    np.testing.assert_allclose(
        goal.poses.angles_deg, in_zeros(hip, cycle.angles_deg, ("isb", "tea"), ("app", "pca"))
    )
    over = clearance(hip, goal.poses).gap_mm - goal.floor_mm
    wanted = float(over.min()) + 2.0
    found = plan_hip(hip, replace(goal, clearance_mm=wanted))
    assert found.need.before_mm == pytest.approx(float(over.min()), abs=0.05)
    for plan in found.plans:
        assert plan.resection is not None
        again = clearance(plan.resection.hip, goal.poses).gap_mm - goal.floor_mm
        assert float(again.min()) == pytest.approx(plan.reached_mm, abs=1e-6)
        # A plane that has to take the region to its border gains more than was asked for.
        assert plan.status == "beyond" or plan.reached_mm > goal.clearance_mm + wanted - PROMISE_MM
    assert found.plans[-1].reached_mm == pytest.approx(wanted, abs=PROMISE_MM)

"""Walking: zeros, strides, pelvic turns, bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.io.gait_trial import PERCENT
from ischio.motion import clearance, pose_list
from ischio.motion.average_cycle import average_cycle
from ischio.motion.gait import (
    angles_of,
    gait_gaps,
    in_zeros,
    peak_extension,
    scaled,
    standing_pose,
    with_pelvis_turned,
)
from ischio.motion.joint import rotation_of
from ischio.types import Side, Transform

ANGLE_DEG = 1e-9  # float64, a few rotations
SOLVER_MM = 0.04
MIRROR_MM = 1e-6


def tilted(hip, degrees: float):
    """The hip with an ISB zero that is tilted forward by some degrees against the APP."""
    frame = hip.frames["pelvis_isb_from_patient"]
    turn = np.eye(4)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[:2, :2] = [[c, -s], [s, c]]
    frames = {
        **hip.frames,
        "pelvis_isb_from_patient": Transform(frame.target, frame.source, turn @ frame.matrix),
    }
    return replace(hip, frames=frames)


def cycle_for(side: Side):
    """The average cycle in a rotation zero that phantoms have."""
    return replace(average_cycle(side), rotation_zero="pca")


def test_angles_come_back_from_rotations(rng: np.random.Generator) -> None:
    angles = rng.uniform([-60, -80, -100], [150, 60, 100], (200, 3))
    assert np.abs(angles_of(rotation_of(angles)) - angles).max() < ANGLE_DEG


@pytest.mark.parametrize("side", Side)
def test_one_position_in_two_zeros_has_one_gap(side: Side, rng: np.random.Generator) -> None:
    hip = tilted(phantoms.moved(phantoms.hip(side), phantoms.random_motion(rng)), 9.0)
    angles = rng.uniform([-20, -10, -20], [30, 10, 20], (20, 3))
    other = in_zeros(hip, angles, ("app", "pca"), ("isb", "pca"))
    assert np.abs(other - angles)[:, 0].max() > 5  # the zeros do differ
    a = clearance(hip, pose_list(angles, zeros=("app", "pca"))).gap_mm
    b = clearance(hip, pose_list(other, zeros=("isb", "pca"))).gap_mm
    assert np.abs(a - b)[a > 0].max() <= SOLVER_MM
    assert np.abs(in_zeros(hip, other, ("isb", "pca"), ("app", "pca")) - angles).max() < 1e-7


@pytest.mark.parametrize("side", Side)
def test_standing_has_the_flexion_between_the_zeros(side: Side) -> None:
    hip = tilted(phantoms.hip(side), 9.0)
    assert standing_pose(hip, ("isb", "pca")) == pytest.approx([9.0, 0.0, 0.0], abs=1e-9)
    assert standing_pose(hip, ("app", "pca")) == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    cycle = cycle_for(side)
    low = cycle.angles_deg[:, 0].min()
    assert peak_extension(hip, cycle) == pytest.approx(9.0 - low)


def test_strides_scale_about_standing() -> None:
    angles = np.array([[30.0, 4.0, -3.0], [-10.0, 1.0, 2.0]])
    assert scaled(angles, 5.0, 0.8).tolist() == [[25.0, 4.0, -3.0], [-7.0, 1.0, 2.0]]
    assert np.ptp(scaled(angles, 5.0, 1.2)[:, 0]) == pytest.approx(1.2 * 40)


def test_a_turned_pelvis_leaves_the_thigh_where_it_is(rng: np.random.Generator) -> None:
    angles = rng.uniform(-20, 20, (50, 3))
    turned = with_pelvis_turned(angles, drop_deg=7.0, forward_deg=4.0)
    c, s = np.cos(np.radians(7.0)), np.sin(np.radians(7.0))
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(np.radians(-4.0)), np.sin(np.radians(-4.0))
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    assert np.abs(rotation_of(turned) - about_y @ about_x @ rotation_of(angles)).max() < 1e-12


@pytest.mark.parametrize("side", Side)
def test_the_gap_of_a_cycle_is_that_of_its_poses(side: Side, rng: np.random.Generator) -> None:
    hip = tilted(phantoms.moved(phantoms.hip(side, gap_mm=14.0), phantoms.random_motion(rng)), 8.0)
    cycle = cycle_for(side)
    walk = gait_gaps(hip, cycle)
    own = walk.gaps["stride_1.0"]
    direct = clearance(hip, pose_list(cycle.angles_deg, zeros=("isb", "pca"))).gap_mm
    assert np.abs(own.gap_mm - direct)[direct > 0].max() <= SOLVER_MM
    assert own.closest == int(np.argmin(own.gap_mm))
    assert (walk.band_mm[0] <= own.gap_mm + 1e-9).all()
    assert (walk.band_mm[1] >= own.gap_mm - 1e-9).all()
    assert walk.every_mm == pytest.approx([own.gap_mm.min()], abs=SOLVER_MM)
    apart = np.linalg.norm(walk.points_mm[:, 0] - walk.points_mm[:, 1], axis=1)
    assert np.abs(apart - np.abs(own.gap_mm)).max() < 0.1
    assert walk.gaps["abduction_10"].gap_mm.min() > own.gap_mm.min() > walk.gaps["adduction_10"].gap_mm.min()
    assert walk.gaps["pelvic_drop_5"].gap_mm.min() < own.gap_mm.min()


def test_sides_agree() -> None:
    right = phantoms.hip(Side.RIGHT, gap_mm=10.0)
    a = gait_gaps(right, cycle_for(Side.RIGHT))
    b = gait_gaps(phantoms.mirrored(right), cycle_for(Side.LEFT))
    for name, one in a.gaps.items():
        assert np.abs(one.gap_mm - b.gaps[name].gap_mm).max() < MIRROR_MM


def test_contact_is_told_at_its_first_instant() -> None:
    walk = gait_gaps(phantoms.hip(Side.LEFT, gap_mm=-2.0), cycle_for(Side.LEFT)).gaps["stride_1.0"]
    assert walk.gap_mm[walk.closest] <= 0
    assert (walk.gap_mm[: walk.closest] > 0).all()


def test_a_cycle_of_the_other_side_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="left hip, not of the right"):
        gait_gaps(phantoms.hip(Side.RIGHT), cycle_for(Side.LEFT))


def test_a_zero_that_the_hip_lacks_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="epicondyles"):
        gait_gaps(phantoms.hip(Side.RIGHT), average_cycle(Side.RIGHT))


def test_the_average_cycle_walks() -> None:
    cycle = average_cycle(Side.RIGHT)
    flexion, adduction = cycle.angles_deg[:, 0], cycle.angles_deg[:, 1]
    assert 35 < flexion.max() < 40
    assert 45 <= PERCENT[flexion.argmin()] <= 56  # just before the other foot has the weight
    assert PERCENT[adduction.argmax()] < 30  # loading response
    assert cycle.angles_deg[0] == pytest.approx(cycle.angles_deg[-1])  # it closes
    assert cycle.pelvis_deg is not None
    assert cycle.pelvis_deg[0, 2] > 3  # at foot strike this side of the pelvis is in front

"""Limits against a slow, obvious walk in steps of 0.01 degree, with another distance program."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.geometry.surface_gap import surface_gap
from ischio.motion.joint import joint_of, rotation_of
from ischio.motion.limits import (
    GRAZING_MM_PER_DEG,
    LimitPath,
    _limit,
    limit_paths,
    limit_words,
    limits,
    walks,
)
from ischio.motion.pairs import PAIRS
from ischio.types import Hip, Side

SOLVER_MM, LEAST_DEG = 0.02, 0.05  # what a limit may be off: solver error over closing speed, at least this
STEP_DEG = 0.01

ADDUCTION = LimitPath("adduction", "adduction", ((0, 0, 0), (0, 30, 0)), "adduction")
TURNED = LimitPath("turned", "turned", ((0, 0, 0), (0, -3, 5), (0, 30, 5)), "adduction")


def gaps_of(hip: Hip, poses: np.ndarray) -> np.ndarray:
    """Exact distance of trochanter and ischium, pose by pose: move the triangles, measure all of them."""
    joint = joint_of(hip, "app", "pca")
    moving = joint.femoral(hip.region_triangles("lesser_trochanter"))
    fixed = joint.pelvic(hip.region_triangles("ischium"))
    return np.array(
        [surface_gap(moving @ turn.T + joint.centre_mm, fixed).gap_mm for turn in rotation_of(poses)]
    )


def walked(hip: Hip, path: LimitPath, level: float) -> tuple[float | None, float]:
    """First pose of a path, every 0.01 degree of its last line, down to a clearance; and its speed."""
    start, end = (np.array(path.corners_deg[k], dtype=float) for k in (-2, -1))
    turn = float(np.abs(end - start).max())
    coarse = start + (end - start) * np.linspace(0, 1, round(turn) + 1)[:, None]
    gaps = gaps_of(hip, coarse)
    # A gap changes by less than 1.2 mm a degree at 70 mm: only near the level are fine steps of use.
    for row in np.flatnonzero(np.minimum(gaps[:-1], gaps[1:]) < level + 1.3):
        share = np.arange(round(turn / (len(coarse) - 1) / STEP_DEG) + 1)[:, None] * STEP_DEG
        fine = coarse[row] + (coarse[row + 1] - coarse[row]) * share
        found = gaps_of(hip, fine)
        if (found <= level).any():
            first = int(np.argmax(found <= level))
            column = int(np.argmax(np.abs(end - start)))
            before = gaps_of(hip, fine[[first]] - 0.5 * (end - start) / turn)[0]
            return float(abs(fine[first, column])), (before - found[first]) / 0.5
    return None, 0.0


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("path", [ADDUCTION, TURNED], ids=["straight", "turned"])
def test_limits_agree_with_a_walk_in_steps_of_a_hundredth(
    side: Side, path: LimitPath, rng: np.random.Generator
) -> None:
    hip = phantoms.moved(phantoms.hip(side, gap_mm=6.0), phantoms.random_motion(rng))
    _, space, _ = limits(hip, [path])
    assert [one.clearance_mm for one in space] == [0.0, 5.0, 10.0]
    for one in space[:2]:  # the third is reached in neutral
        truth, speed = walked(hip, path, one.clearance_mm)
        if truth is None:
            assert one.status in ("free", "grazing")
            continue
        assert one.angle_deg is not None
        assert abs(one.angle_deg - truth) <= max(SOLVER_MM / speed, LEAST_DEG)
        assert one.speed_mm_per_deg == pytest.approx(speed, abs=0.1)
        assert one.error_deg is not None
        assert truth >= one.angle_deg - one.error_deg - STEP_DEG
    # 10 mm is not there in neutral: reached at once, or before the last line begins.
    assert (space[2].status, space[2].angle_deg) == (
        ("unreachable", None) if path is TURNED else ("reached", 0.0)
    )


def test_every_limit_of_a_made_up_gap_is_found(rng: np.random.Generator) -> None:
    """Bumps of random place and width: no first contact is passed over, however narrow."""
    for _ in range(40):
        places, depths = rng.uniform(0, 40, 6), rng.uniform(0, 6, 6)

        def gap(angles: np.ndarray, places=places, depths=depths) -> tuple[np.ndarray, np.ndarray]:
            # The least of cones of slope 1: never steeper than a point that moves 1 mm a degree.
            cones = np.abs(-angles[:, :1] - places) + depths - 1.0
            return cones.min(axis=1)[:, None], np.full((len(angles), 1), 0.01)

        (walk,) = walks(gap, [[[0, 0, 0], [-40, 0, 0]]], np.array([1.0]), [([0], 0.0)])
        first, spans = walk.doubts([0], np.array([1.0]), 0.0)
        fine = np.arange(0, 40, 0.001)
        truth = gap(-np.stack([fine, 0 * fine, 0 * fine], axis=1))[0][:, 0]
        if (truth <= 0).any():
            assert first is not None
            assert 40 * walk.places[first] == pytest.approx(fine[np.argmax(truth <= 0)], abs=0.012)
        else:
            assert first is None
            assert (truth.min() > 0.03) <= (len(spans) == 0)  # a graze within the bound stays in doubt


def test_what_lies_behind_a_contact_on_the_way_is_unreachable() -> None:
    hip = phantoms.hip(Side.LEFT, gap_mm=3.0)
    path = LimitPath("behind", "extension", ((0, 0, 0), (0, 20, 0), (-20, 20, 0)), "extension")
    (contact,), _, reasons = limits(hip, [path])
    assert contact.status == "unreachable"
    assert contact.angle_deg is None
    assert "not reachable" in limit_words(contact)
    assert ("greater_trochanter", "ischium") in reasons  # phantoms have none


def test_a_free_path_says_so() -> None:
    path = LimitPath("apart", "adduction", ((0, 0, 0), (0, -30, 0)), "adduction")
    (contact,), space, _ = limits(phantoms.hip(Side.RIGHT, gap_mm=20.0), [path])
    assert contact.status == "free"
    assert all(one.status == "free" for one in space)
    assert "nothing within 0 mm" in limit_words(contact)


def test_the_closing_speed_below_which_a_limit_grazes() -> None:
    def slow(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 0.5 + 0.05 * angles[:, :1], np.full((len(angles), 1), 0.002)

    (walk,) = walks(slow, [[[0, 0, 0], [-20, 0, 0]]], np.array([1.0]), [([0], 0.0)])
    first, spans = walk.doubts([0], np.array([1.0]), 0.0)
    assert first is not None
    assert 20 * walk.places[first] == pytest.approx(10.0, abs=STEP_DEG)
    assert 20 * walk.places[spans.min()] == pytest.approx(10.0, abs=0.4)  # in doubt where 0.02 mm remain
    path = LimitPath("slow", "flexion", ((0, 0, 0), (-20, 0, 0)), "extension")
    parts = {walk.poses(walk.places[first : first + 1])[0].tobytes(): ["body"]}
    limit = _limit(path, walk, ([0], 0.0), np.array([1.0]), [PAIRS[0]], parts)
    assert limit.status == "grazing"
    assert limit.speed_mm_per_deg == pytest.approx(0.05, abs=0.005)
    assert limit.speed_mm_per_deg < GRAZING_MM_PER_DEG
    assert "grazing" in limit_words(limit)


def test_paths_have_names_of_their_own_and_start_in_neutral() -> None:
    paths = limit_paths()
    assert len({path.name for path in paths}) == len(paths)
    assert all(tuple(path.corners_deg[0]) == (0, 0, 0) for path in paths)


def test_a_hip_without_zeros_has_no_limits() -> None:
    from dataclasses import replace

    hip = phantoms.hip(Side.LEFT)
    bare = replace(hip, frames={}, reasons={"pelvis_app_from_patient": "half a pelvis"})
    with pytest.raises(CannotMeasure, match="half a pelvis"):
        limits(bare)

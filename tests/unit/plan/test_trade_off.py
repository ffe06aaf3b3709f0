"""Motion sets, the front of planes, and what the cuts do in other movements."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.motion import clearance, pose_list
from ischio.plan import HipPlans, goal_of, hip_row, plan_hip, plan_rows
from ischio.plan.goals import MOTION_SETS
from ischio.plan.one_to_one import HAPA_PERCENT
from ischio.plan.pareto import best
from ischio.types import Hip, Side
from ischio.validation.plan import attachment_lost_percent, hapa_rows

PROMISE_MM = 0.1


@pytest.fixture(scope="module")
def hip() -> Hip:
    return phantoms.sphere_on_cylinder(Side.LEFT, gap_mm=18.0, ischium="sphere")


@pytest.fixture(scope="module")
def tested(hip: Hip) -> HipPlans:
    """Plans for the IFI test."""
    return plan_hip(hip, goal_of(hip, 3.0, "ifi_test"))


def test_every_pose_of_the_set_keeps_the_clearance(tested: HipPlans) -> None:
    assert tested.need.status == "reached"
    for plan in tested.plans:
        assert plan.resection is not None
        again = clearance(plan.resection.hip, plan.goal.poses)
        assert len(again.gap_mm) == 63
        reached = float(again.gap_mm.min())
        assert plan.reached_mm == pytest.approx(reached, abs=PROMISE_MM)
        if plan.status == "beyond":  # an instrument's axis may be blocked: then it says so
            assert plan.cut is not None
            assert plan.cut.name == "burr"
            assert reached < 3.0 - PROMISE_MM
        else:
            assert reached == pytest.approx(3.0, abs=PROMISE_MM)
    least = tested.plans[-1].removed_mm3
    assert all(plan.removed_mm3 >= least for plan in tested.plans)


def test_the_sparing_plane_spares_more_and_the_free_plane_takes_less(tested: HipPlans) -> None:
    by_name = {one.cut.name: one for one in tested.plans if one.cut is not None}
    free, sparing = by_name["free_plane"], by_name["attachment_sparing_plane"]
    parallel = by_name["parallel_to_posterior_cortex"]
    assert free.removed_mm3 <= min(sparing.removed_mm3, parallel.removed_mm3) * 1.0001
    # Faces are counted whole while directions are tried, and cut where the loss is computed.
    assert sparing.lost.iliopsoas_fraction <= free.lost.iliopsoas_fraction + 0.02


def test_no_plane_of_the_front_beats_another(tested: HipPlans) -> None:
    front = tested.front
    assert len(front) >= 5
    assert {one.kind for one in front} == {"plane", "burr"}
    costs = np.array([[-one.clearance_mm, one.removed_mm3, one.lost_fraction] for one in front])
    assert best(costs) == list(range(len(front)))
    assert all(one.removed_mm3 >= one.least_mm3 for one in front)
    assert front[-1].clearance_mm > front[0].clearance_mm
    assert len(hip_row(tested)["front"]) == len(front)


def test_best_is_what_a_slow_search_finds(rng: np.random.Generator) -> None:
    costs = rng.integers(0, 6, size=(60, 3)).astype(float)
    slow = [
        i
        for i, a in enumerate(costs)
        if not any((b <= a).all() and (b < a).any() for j, b in enumerate(costs) if j != i)
    ]
    assert best(costs) == slow


def test_before_and_after_are_the_gaps_of_the_engine(hip: Hip, tested: HipPlans) -> None:
    row = plan_rows(tested)[0]
    poses = pose_list([[-e, 0.0, 0.0] for e in range(21)], zeros=("app", "pca"))
    assert row["before"]["examinations"]["ifi_test_neutral"] == pytest.approx(
        float(clearance(hip, poses).gap_mm.min()), abs=0.05
    )
    plan = tested.plans[0]
    assert plan.resection is not None
    assert row["after"]["examinations"]["ifi_test_neutral"] == pytest.approx(
        float(clearance(plan.resection.hip, poses).gap_mm.min()), abs=0.05
    )
    assert len(row["after"]["extension_limits"]) == 12
    assert "no epicondyles" in row["after"]["reasons"]["gait"]


@pytest.mark.parametrize("name", [name for name in MOTION_SETS if not name.startswith("gait")])
def test_every_set_holds_poses_in_app_and_pca(hip: Hip, name: str) -> None:
    goal = goal_of(hip, 0.0, name)
    assert (goal.poses.pelvic_zero, goal.poses.rotation_zero) == ("app", "pca")
    assert goal.words


def test_deeper_cuts_lose_more_attachment(hip: Hip) -> None:
    found = attachment_lost_percent(hip)
    whole = [found[depth][0] for depth in HAPA_PERCENT]
    assert 0 < whole[0] < whole[1] < whole[2] < 100
    (row,) = hapa_rows([hip], "phantom")
    assert row.verdict == "skipped"
    rows = hapa_rows([hip] * 6, "phantom")
    assert [row.truth for row in rows] == [22.0, 50.0, 76.0]
    assert rows[0].ours == pytest.approx(whole[0])
    assert {row.verdict for row in rows} == {"shown"}

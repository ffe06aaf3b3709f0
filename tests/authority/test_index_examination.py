"""The index case's examination on a real person: extension closes the gap, abduction opens it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ischio.atlas.reference_gaps import reference_gaps
from ischio.geometry.surface_gap import surface_gap
from ischio.motion import average_cycle, examine, gait_gaps
from ischio.motion.joint import joint_of, rotation_of
from ischio.motion.limits import LimitPath, limits
from ischio.motion.pairs import SPACE
from ischio.types import Side
from ischio.validation.people import RATED, assessed, read_person

STEP_DEG, SOLVER_MM, LEAST_DEG = 0.01, 0.02, 0.05
WINDOW_DEG = 0.4

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def hips(shared_data: Path):
    """Both hips of the rated woman."""
    return assessed(read_person(shared_data / "bones" / RATED)).hips


def test_the_gap_closes_in_neutral_extension_and_opens_with_abduction(hips) -> None:
    assert len(hips) == 2
    for hip in hips:
        found = {one.path.name: one for one in examine(hip)[0] if one.pair == SPACE}
        neutral, apart = found["ifi_test_neutral"].gap_mm, found["ifi_test_abducted"].gap_mm
        assert neutral[-1] < neutral[0] - 1  # by more than any solver's error
        assert (apart > neutral + 5).all()


def test_published_orders_hold_in_the_reference_people() -> None:
    sweep = np.median(reference_gaps()["rotation_sweep", SPACE], axis=0)
    assert sweep[0] > sweep[40] > sweep[100]
    adducted = reference_gaps()["adduction_er_extension", SPACE]
    assert (adducted.min(axis=1) <= 0).mean() > 0.5  # 84 % in 25 cadaver hips


def test_limits_agree_with_a_walk_on_real_bones(hips) -> None:
    paths = [
        LimitPath("adduction", "adduction", ((0, 0, 0), (0, 45, 0)), "adduction"),
        LimitPath(
            "turned", "external rotation", ((0, 0, 0), (-10, 0, 0), (-10, 0, -60)), "external rotation"
        ),
    ]
    for hip in hips:
        joint = joint_of(hip, "app", "pca")
        moving = joint.femoral(hip.region_triangles("lesser_trochanter"))
        fixed = joint.pelvic(hip.region_triangles("ischium"))
        for path, found in zip(paths, limits(hip, paths)[1][::3], strict=True):
            assert found.angle_deg is not None
            assert found.speed_mm_per_deg is not None
            start, end = (np.array(path.corners_deg[k], dtype=float) for k in (-2, -1))
            along = (end - start) / np.abs(end - start).max()
            low = np.floor((found.angle_deg - WINDOW_DEG) / STEP_DEG) * STEP_DEG
            for step in np.arange(0, 2 * WINDOW_DEG, STEP_DEG):  # before it, the bound says: nothing
                turn = rotation_of((start + along * (low + step))[None])[0]
                if surface_gap(moving @ turn.T + joint.centre_mm, fixed).gap_mm <= 0:
                    break
            truth = low + step
            assert abs(found.angle_deg - truth) <= max(SOLVER_MM / found.speed_mm_per_deg, LEAST_DEG)


def test_walking_is_narrowest_in_late_stance(hips) -> None:
    for hip in hips:
        walk = gait_gaps(hip, average_cycle(hip.side)).gaps["stride_1.0"]
        assert 30 <= 2 * walk.closest <= 60
        assert hip.side in Side

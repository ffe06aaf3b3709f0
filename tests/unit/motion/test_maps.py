"""Maps of every degree: what is joined to neutral, what ends a movement, and pruning that loses nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.motion import clearance, motion_map, pose_grid
from ischio.motion.maps import FREE, UNREACHABLE, joined
from ischio.types import Side

GRID = ((-20.0, 10.0, 1.0), (-8.0, 12.0, 2.0), (-10.0, 10.0, 5.0))


@pytest.mark.parametrize("side", Side)
def test_a_map_holds_what_every_pose_says(side: Side, rng: np.random.Generator) -> None:
    hip = phantoms.moved(phantoms.hip(side, gap_mm=4.0), phantoms.random_motion(rng))
    found = motion_map(hip, *GRID)
    grid = pose_grid(*GRID, zeros=("app", "pca"))
    gap = clearance(hip, grid).gap_mm.reshape(grid.shape)
    assert np.array_equal(found.blocked_by == 0, gap <= 0)
    assert len(found.reasons) == 4  # phantoms have one pair
    assert found.reachable[20, 4, 2]  # neutral
    assert not (found.reachable & (gap <= 0)).any()


def test_the_extension_limit_is_the_first_contact_of_each_column() -> None:
    found = motion_map(phantoms.hip(Side.RIGHT, gap_mm=4.0), *GRID)
    zero = int(np.argmin(np.abs(found.flexion_deg)))
    for a in range(len(found.adduction_deg)):
        for r in range(len(found.rotation_deg)):
            if not found.reachable[zero, a, r]:
                assert found.extension_deg[a, r] == UNREACHABLE
                continue
            steps = 0
            while steps < zero and found.blocked_by[zero - steps - 1, a, r] == FREE:
                steps += 1
            wanted = FREE if steps == zero else steps
            assert found.extension_deg[a, r] == wanted


def test_a_pocket_behind_a_wall_is_not_reachable() -> None:
    free = np.ones((5, 5, 5), dtype=bool)
    free[3] = False
    assert joined(free, (0, 0, 0)).sum() == 75
    free[3, 2, 2] = True
    assert joined(free, (0, 0, 0)).sum() == 101  # through the hole
    free = np.zeros((2, 2, 1), dtype=bool)
    free[0, 0] = free[1, 1] = True
    assert joined(free, (0, 0, 0)).sum() == 1  # a shared edge is no way through
    assert joined(free, (0, 1, 0)).sum() == 0  # from inside bone nothing is reachable


def test_other_pairs_are_seen_in_every_pose_that_they_touch() -> None:
    """A second pair, made of the trochanter and the plate under other names, blocks what the first does."""
    hip = phantoms.hip(Side.LEFT, gap_mm=4.0)
    regions = dict(hip.regions)
    regions["greater_trochanter"] = replace(regions["lesser_trochanter"], name="greater_trochanter")
    far = phantoms.hip(Side.LEFT, gap_mm=4.0)
    twin = replace(far, regions=regions)
    found = motion_map(twin, *GRID)
    assert np.array_equal(found.blocked_by == 0, motion_map(hip, *GRID).blocked_by == 0)
    from ischio.motion.maps import _touching  # the pruned pair by itself

    grid = pose_grid(*GRID, zeros=("app", "pca"))
    axes = [np.unique(grid.angles_deg[:, column]) for column in range(3)]
    every = np.ones(len(grid), dtype=bool)
    rows = _touching(twin, ("greater_trochanter", "ischium"), grid, axes, np.radians(70.0), every, 1)
    assert np.array_equal(np.sort(rows), np.flatnonzero(clearance(hip, grid).gap_mm <= 0))


def test_without_a_region_there_is_no_map() -> None:
    hip = phantoms.hip(Side.RIGHT)
    regions = {name: region for name, region in hip.regions.items() if name != "ischium"}
    bare = replace(hip, regions=regions, reasons={"ischium": "cut off"})
    with pytest.raises(CannotMeasure, match="cut off"):
        motion_map(bare, *GRID)

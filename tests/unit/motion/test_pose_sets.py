"""Sets of poses, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.motion import pose_grid, pose_list, pose_path
from ischio.types import PoseSet


def test_a_grid_holds_both_ends_and_runs_fastest_in_rotation() -> None:
    grid = pose_grid((-40, 60, 1), (-30, 30, 1), (-60, 60, 1))
    assert len(grid) == 745_481
    assert grid.shape == (101, 61, 121)
    cube = grid.angles_deg.reshape(*grid.shape, 3)
    assert cube[3, 5, 7].tolist() == [-37, -25, -53]
    assert (grid.pelvic_zero, grid.rotation_zero) == ("isb", "tea")


def test_a_path_turns_no_angle_by_more_than_its_step() -> None:
    path = pose_path([[0, 0, 0], [-20, 5, 0], [-20, 5, 60]], step_deg=3, zeros=("app", "pca"))
    assert np.abs(np.diff(path.angles_deg, axis=0)).max() <= 3
    assert path.angles_deg[[0, -1]].tolist() == [[0, 0, 0], [-20, 5, 60]]
    assert [-20, 5, 0] in path.angles_deg.tolist()
    assert path.pelvic_zero == "app"


@pytest.mark.parametrize(
    ("angles", "words"),
    [
        ([[0, 0, np.nan]], "1 values that are not finite"),
        ([[0, 0]], r"shape \(1, 2\)"),
        (np.zeros((0, 3)), "got no pose"),
        ([[0, 0, 0], [200, 0, 0]], "row 2: got flexion_deg 200; expected -60 to 150"),
        ([[0, 90, 0]], "adduction_deg 90"),
        ([[0, 0, -120]], "internal_rotation_deg -120"),
    ],
)
def test_what_is_no_pose_is_refused(angles: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pose_list(angles)  # type: ignore[arg-type]


@pytest.mark.parametrize("zeros", [("supine", "tea"), ("isb", "neck")])
def test_unknown_zeros_are_refused(zeros: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        pose_list([[0, 0, 0]], zeros=zeros)


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(ValueError, match="a whole number of steps"):
        pose_grid((0, 10, 3), (0, 0, 1), (0, 0, 1))
    with pytest.raises(ValueError, match="a whole number of steps"):
        pose_grid((10, 0, 5), (0, 0, 1), (0, 0, 1))
    with pytest.raises(ValueError, match="a step above 0"):
        pose_grid((0, 10, 0), (0, 0, 1), (0, 0, 1))
    with pytest.raises(ValueError, match="20000000 poses or fewer"):
        pose_grid((-60, 150, 0.1), (-80, 60, 0.1), (-100, 100, 0.1))
    with pytest.raises(ValueError, match="Name both ends"):
        pose_path([[0, 0, 0]])
    with pytest.raises(ValueError, match="a step above 0"):
        pose_path([[0, 0, 0], [1, 0, 0]], step_deg=-1)


def test_kind_and_shape_have_to_fit() -> None:
    for kind, shape in (("grid", ()), ("list", (1, 1, 1)), ("grid", (2, 1, 1))):
        with pytest.raises(ValueError, match="a shape that fits"):
            PoseSet("odd", np.zeros((1, 3)), kind=kind, shape=shape)
    with pytest.raises(ValueError, match="kind: got 'cloud'"):
        PoseSet("odd", np.zeros((1, 3)), kind="cloud")

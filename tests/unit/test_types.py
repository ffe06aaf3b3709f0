"""What the shared types refuse."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.types import Curve, Frame, Side

FRAME = Frame("patient", "made-up")


def line(points: list[list[float]], *, closed: bool) -> Curve:
    return Curve("acetabular_rim", Side.LEFT, np.array(points), closed, FRAME, 1.0, "made@1")


class TestCurve:
    def test_it_holds_its_points_for_good(self) -> None:
        points = np.eye(3)
        curve = Curve("acetabular_rim", Side.LEFT, points, True, FRAME, 1.0, "made@1", {"x": 1})
        points[0] = 9.0
        assert np.array_equal(curve.points_mm, np.eye(3))
        with pytest.raises(ValueError, match="read-only"):
            curve.points_mm[0] = 0.0
        with pytest.raises(TypeError):
            curve.detail["x"] = 2  # type: ignore[index]

    @pytest.mark.parametrize("closed", [True, False])
    def test_two_points_are_no_line(self, closed: bool) -> None:
        with pytest.raises(ValueError, match="2 points"):
            line([[0, 0, 0], [1, 0, 0]], closed=closed)

    def test_no_point_stands_twice_in_a_row(self) -> None:
        with pytest.raises(ValueError, match="1 of them twice in a row"):
            line([[0, 0, 0], [1, 0, 0], [1, 0, 0]], closed=False)

    def test_the_first_point_is_not_repeated_at_the_end_of_a_closed_line(self) -> None:
        ring: list[list[float]] = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]]
        assert len(line(ring, closed=False).points_mm) == 4
        with pytest.raises(ValueError, match="twice in a row"):
            line(ring, closed=True)

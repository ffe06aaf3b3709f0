"""Errors on people whom the model does not know."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.validation import left_out
from ischio.validation.left_out import LeftOut, left_out_errors, left_out_rows

PERSON = 11
SURE_SIGMAS, FAR_MM = 3.0, 9.0  # of some forty landmarks of one person none is farther


def test_one_person_left_out() -> None:
    errors = left_out_errors(PERSON)
    assert {"left asis", "right asis", "left femoral_head_centre", "sacral_promontory"} <= errors.keys()
    for name, one in errors.items():
        assert one.error_mm < min(SURE_SIGMAS * one.sigma_mm, FAR_MM), name
        assert one.of_model_mm is None or 0 < one.of_model_mm < one.sigma_mm
    assert errors["left psis"].of_model_mm is not None
    # Where the model leads, another model leads elsewhere; where the bone leads, it does not.
    assert errors["left psis"][0] > 0.1 > errors["left femoral_head_centre"][0]


def told(_words: str, _share: float) -> None:
    """Nothing is shown."""


def test_none_left_out_is_a_row_that_says_so() -> None:
    (row,) = left_out_rows(0, told)
    assert (row.verdict, row.note) == ("skipped", "--left-out 0")


def test_rows_join_both_sides_and_tell_what_was_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "left asis": LeftOut(3.0, 2.0, 1.5),
        "right asis": LeftOut(4.0, 2.0),
        "left psis": LeftOut(np.inf, 0.0),
    }
    monkeypatch.setattr(left_out, "left_out_errors", lambda _person: given)
    asis, psis, ratio, led = left_out_rows(3, told)
    assert asis.ours == pytest.approx(np.sqrt(12.5))
    assert (asis.verdict, psis.verdict, ratio.verdict) == ("pass", "fail", "fail")
    assert "0 of 3 found in 3 people" in psis.note
    assert ratio.ours == pytest.approx(np.sqrt((1.5**2 + 2.0**2) / 2))
    assert (led.ours, led.verdict) == (pytest.approx(2.0), "fail")

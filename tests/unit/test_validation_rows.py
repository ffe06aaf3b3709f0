"""Rows of validation: what could not be measured fails, and is written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ischio.validation.rows import compared, to_dict, to_markdown, to_text


@pytest.mark.parametrize("ours", [np.inf, -np.inf, np.nan])
def test_what_was_not_measured_fails_and_is_written(ours: float) -> None:
    row = compared("gap", 5.0, ours, 0.1, "mm", "phantom", "upright")
    assert (row.verdict, row.ours, row.difference) == ("fail", None, None)
    assert row.note == "not measured; upright"
    json.dumps(to_dict([row]), allow_nan=False)
    assert "| - | - | 0.100 | fail |" in to_markdown([row])
    assert "1 fail" in to_text([row])


def test_what_was_measured_is_judged_by_its_difference() -> None:
    verdicts = [compared("gap", 5.0, ours, 0.1, "mm", "phantom").verdict for ours in (5.09, 4.91, 5.11, 4.89)]
    assert verdicts == ["pass", "pass", "fail", "fail"]

"""The validation table's rows on the differential."""

from __future__ import annotations

from ischio.validation.judgement import judgement_rows


def test_posteriors_by_hand_and_calibration_pass() -> None:
    rows = judgement_rows(5_000)
    assert len(rows) > 10
    assert [row.quantity for row in rows if row.verdict != "pass"] == []

"""Rows on the differential: posteriors by hand, and whether stated shares come true."""

from __future__ import annotations

from ischio.io.documents import packaged_document
from ischio.record import case_from_document
from ischio.record.calibration import calibrate
from ischio.record.judgement import differential_dict
from ischio.validation.rows import Row, compared

ROUNDED = 0.0001  # shares are printed with four decimals
QUESTION = "ischiofemoral_impingement"

# By hand: long-stride walking 16/17 and 2/13, ratio 6.1176; space 0.769 and 0.19, ratio 4.0474;
# together 24.760 times the prior odds of 1/99 and 3/7.
BY_HAND = (("1 %", "from", 0.2001), ("30 %", "to", 0.9139))


def judgement_rows(people: int = 200_000) -> list[Row]:
    """Posteriors of the published case against hand calculation, and calibration of simulated people."""
    found = differential_dict(case_from_document(packaged_document("index-case")), is_whole=False)
    row = next(
        one for one in found["diagnoses"] if (one["diagnosis"], one["side"]) == (QUESTION, "unspecified")
    )
    source = "odds multiplied by hand from the printed tables"
    rows = [
        compared(
            f"index case: share of impingement from a prior of {prior}",
            *(truth, row["posterior"][end]["value"], ROUNDED, "1", source),
        )
        for prior, end, truth in BY_HAND
    ]
    for one in calibrate(people):
        name = one.diagnosis.replace("_", " ")
        rows.append(
            compared(
                f"{people:,} simulated people, {name}, prior {one.prior:.3g}: stated less counted share",
                *(0.0, one.largest_gap, one.allowed, "1", "drawn from the model's own assumptions"),
                f"largest over all results; true share inside the stated interval: {one.coverage:.1%}",
            )
        )
    return rows

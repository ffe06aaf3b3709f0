"""Published thresholds: all there, each with its population, source and mark; none merged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ischio.evidence import evidence
from ischio.record import score_dict
from ischio.record.case import Case
from ischio.record.instruments import scale_of
from ischio.record.thresholds import verdicts

THRESHOLDS = evidence().thresholds


def test_every_figure_says_where_it_is_from() -> None:
    for row in THRESHOLDS:
        assert row.population
        assert row.source
        scale_of(row.instrument, row.scale)  # which raises for a scale that is not there


def test_no_figure_is_there_twice() -> None:
    figures = [replace(one, id="") for one in THRESHOLDS]
    assert len(set(figures)) == len(figures)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        (("ODI", "", "MCID", "V"), [18.0, 8.0]),
        (("ODI", "", "PASS", "V"), []),
        (("mHHS", "", "MCID", "V"), [6.9, 9.2, 11.4, 7.9, 7.4, 7.5, 13.0, 9.0, 20.0, 20.3]),
        (("mHHS", "", "PASS", "V"), [84.8, 83.3, 83.6, 77.5, 85.5, 78.5, 81.9]),
        (("mHHS", "", "SCB", "V"), [95.0, 99.0, 88.0, 34.0]),
        (("iHOT-12", "", "MCID", "V"), [15.1, 13.9, 15.1, 9.6, 10.6]),
        (("iHOT-12", "", "PASS", "V"), [59.5, 69.1, 72.2, 74.3, 67.4, 76.9, 62.9]),
        (("HOS", "ADL", "MCID", "V"), [9.0, 8.8, 9.7, 10.2]),
        (("HOS", "Sport", "MCID", "V"), [6.0, 13.9, 14.3, 15.2]),
        (("HAGOS", "Pain", "MDC", "V"), [17.7, 33.8]),
        (("HAGOS", "QOL", "MCID", "V"), []),
    ],
)
def test_figures_seen_in_public_pages(key: tuple[str, str, str, str], values: list[float]) -> None:
    found = [one.value for one in THRESHOLDS if (one.instrument, one.scale, one.kind, one.mark) == key]
    assert found == values


def test_the_published_case_exceeds_every_verified_change(index_case: Case) -> None:
    """Derived: all changes exceed every smallest important change; both hips end above every state."""
    for row in score_dict(index_case)["changes"]:
        seen = [one for one in row["thresholds"] if not one["unverified"]]
        assert all(one["met"] for one in seen if one["kind"] in ("MCID", "PASS"))


def test_disagreements_are_shown(index_case: Case) -> None:
    right = next(one for one in score_dict(index_case)["changes"] if one["side"] == "right")
    assert right["agreement"]["SCB"] == "published figures disagree: 3 of 4"
    assert right["agreement"]["PASS"] == "all met: 7 of 7; 1 unverified not counted"
    before = [
        one["met_before"] for one in right["thresholds"] if one["kind"] == "PASS" and one["mark"] == "V"
    ]
    assert before == [False] * 7
    odi = next(one for one in score_dict(index_case)["changes"] if one["instrument"] == "ODI")
    assert odi["agreement"]["PASS"] == "no verified figure; 1 unverified not counted"


@pytest.mark.parametrize(
    ("instrument", "before", "after", "met"),
    [
        ("ODI", 56.0, 48.0, [False, True]),  # 14.3 % of the baseline, 8 points
        ("ODI", 20.0, 16.0, [True, False]),  # 20 %, 4 points
        ("ODI", 14.0, 56.0, [False, False]),
        ("ODI", 0.0, 0.0, [False]),  # no percentage of nothing
        ("mHHS", 50.0, 56.9, [True] + [False] * 9),  # exactly the smallest of all
        ("mHHS", 56.9, 50.0, [False] * 10),
    ],
)
def test_directions(instrument: str, before: float, after: float, met: list[bool]) -> None:
    found = [
        one.met
        for one in verdicts(instrument, None, before, after)
        if one.threshold.is_seen and one.threshold.kind == "MCID"
    ]
    assert found == met


def test_none_met_is_said() -> None:
    from ischio.record.facts import When
    from ischio.record.kinds import Score

    scores = tuple(Score(instrument="ODI", value=v, when=When(months=m)) for v, m in ((50, 0), (52, 6)))
    found = score_dict(Case(schema_version=1, case_id="c", scores=scores))["changes"][0]["agreement"]["MCID"]
    assert found == "none met: 0 of 2; 4 unverified not counted"

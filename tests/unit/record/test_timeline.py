"""Times: one axis for the person, one clock for each hip, first and last scores, rules in force."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ischio.record import summary_dict, timeline_dict
from ischio.record.calendar import is_date, months_between
from ischio.record.case import Case
from ischio.record.timeline import changes, events, in_force, offset, timed_scores

DAY_MONTHS = 0.04  # a day, and the rounding to hundredths


DATES = st.dates(date(1901, 1, 1), date(2099, 12, 31))  # every fourth year is a leap year


@given(DATES, DATES)
def test_months_between_dates(one: date, other: date) -> None:
    """Against days: a calendar month is at most 2.5 days off a mean month at either end."""
    found = months_between(one.isoformat(), other.isoformat())
    assert abs(found - (other - one).days / 30.4375) < 5 * DAY_MONTHS
    assert found == pytest.approx(-months_between(other.isoformat(), one.isoformat()))


@given(st.integers(-1, 9999), st.integers(0, 13), st.integers(0, 32))
def test_dates_against_the_calendar(year: int, month: int, day: int) -> None:
    try:
        known = bool(date(year, month, day))
    except ValueError:
        known = False
    assert is_date(f"{year:04}-{month:02}-{day:02}") == known


@pytest.mark.parametrize("text", ["", "2020-1-1", "1.1.2020", "2020-01-01T00:00", "２０２０-01-01"])
def test_other_texts_are_no_dates(text: str) -> None:
    assert not is_date(text)


def test_the_published_axis(index_case: Case) -> None:
    """Offsets derived in months from the left operation: right + 6 is 10, right + 12 is 16."""
    at = {(one.kind, one.what, one.side, one.own_months): one.offset_months for one in events(index_case)}
    assert at[("operations", "lesser trochanter resection", "right", 0.0)] == 4
    assert at[("images", "radiograph", "right", 6.0)] == 10
    assert at[("images", "radiograph", "left", 12.0)] == 12
    assert at[("findings", "no heterotopic ossification", "right", 12.0)] == 16
    scores = {(one.score.instrument, one.score.side): one.offset_months for one in timed_scores(index_case)}
    assert scores == {("ODI", "none"): 17, ("mHHS", "left"): 17, ("mHHS", "right"): 16}


def test_what_has_no_date_keeps_its_order(index_case: Case) -> None:
    known = [one for one in events(index_case) if one.kind in ("operations", "scores")]
    assert [one.offset_months for one in known[:8]] == [None] * 8
    assert [one.what for one in known[:6]] == [
        *("lumbar fusion", "sacroiliac fusion", "sacroiliac fusion"),
        *("neuromodulator implantation", "neuromodulator revision", "ODI"),
    ]
    times = [one.offset_months for one in known[8:]]
    assert times == sorted(times)


def test_the_published_changes(index_case: Case) -> None:
    found = {
        (one.before.score.instrument, one.before.score.side): one for one in changes(timed_scores(index_case))
    }
    assert {key: one.points for key, one in found.items()} == {
        ("ODI", "none"): -42.0,
        ("mHHS", "left"): 46.2,
        ("mHHS", "right"): 23.0,
    }
    assert found[("ODI", "none")].percent_of_baseline == -75.0


def test_grades_stand_beside_findings(index_case: Case) -> None:
    found = [one.detail for one in events(index_case) if one.what == "no heterotopic ossification"]
    assert found == ["Brooker 0"] * 4


def test_values_stand_beside_examinations(case_of: Any) -> None:
    text = (
        "{test: passive_hip_extension, side: left, result: measured, value: 5, unit: deg, when: {months: 1}}"
    )
    assert [one.detail for one in events(case_of(f"examinations: [{text}]"))] == ["5 deg"]


class TestTimes:
    def test_dates_and_offsets_on_one_axis(self, case_of: Any) -> None:
        case = case_of(
            "zero: {words: z, date: 2020-01-15}\n"
            "operations: [{id: o, what: o, side: left, starts_clock: true, when: {date: 2020-03-15}}]\n"
            "visits: [{what: a, side: left, when: {months: 3, after: own_operation}},"
            "{what: b, when: {date: 2020-02-15}}, {what: c, when: {months: 1, after: o}},"
            "{what: d, when: {months: 4, relation: after}}, {what: e, when: {months: -6}},"
            "{what: f, when: {months: 0, relation: before}}, {what: g, when: {months: 2, relation: before}},"
            "{what: h, when: {date: 2020-06-15, approximate: true}}, {what: i}]"
        )
        found = [(one.what, one.offset_months) for one in events(case)]
        assert found == [
            *(("e", -6.0), ("f", None), ("b", 1.0), ("g", None), ("o", 2.0), ("c", 3.0)),
            *(("d", None), ("a", 5.0), ("h", 5.0)),
        ]
        words = {one.what: one.words for one in events(case)}
        assert words["d"] == "more than 4 months after z"
        assert words["g"] == "less than 2 months after z"
        assert words["e"] == "6 months before z"
        assert words["h"] == "about 2020-06-15"

    def test_a_fact_of_both_hips_has_two_times(self, case_of: Any) -> None:
        case = case_of(
            "operations: [{what: o, side: left, starts_clock: true, when: {months: 0}},"
            "{what: o, side: right, starts_clock: true, when: {months: 4}}]\n"
            "visits: [{what: v, side: both, when: {months: 6, after: own_operation}}]"
        )
        assert [(one.side, one.offset_months) for one in events(case) if one.kind == "visits"] == [
            ("left", 6.0),
            ("right", 10.0),
        ]

    def test_a_fact_of_both_hips_with_one_operation(self, case_of: Any) -> None:
        case = case_of(
            "operations: [{what: o, side: left, starts_clock: true, when: {months: 0}}]\n"
            "visits: [{what: v, side: both, when: {months: 6, after: own_operation}}]"
        )
        assert [one.side for one in events(case) if one.kind == "visits"] == ["left"]

    def test_operations_that_wait_for_each_other_have_no_time(self, case_of: Any) -> None:
        case = case_of(
            "operations: [{id: a, what: a, when: {months: 1, after: b}}, {id: b, what: b, when: {months: 1, "
            "after: a}}, {id: c, what: c}, {what: d, when: {months: 1, after: c}}]"
        )
        assert [offset(case, one.when, one.side) for one in case.operations] == [None] * 4


class TestChanges:
    def test_sides_and_sites_are_kept_apart(self, case_of: Any) -> None:
        case = case_of(
            "scores: [{instrument: pain NRS, site: hip, value: 8, when: {months: 0}},"
            "{instrument: pain NRS, site: back, value: 4, when: {months: 0}},"
            "{instrument: pain NRS, site: hip, value: 2, when: {months: 6}},"
            "{instrument: mHHS, side: left, value: 55, when: {months: 0}},"
            "{instrument: mHHS, side: right, value: 77, when: {months: 6}}]"
        )
        assert [(one.before.score.site, one.points) for one in changes(timed_scores(case))] == [("hip", -6.0)]

    def test_what_does_not_count(self, case_of: Any) -> None:
        """No time, no side, no valid total: no change is made of these."""
        case = case_of(
            "scores: [{instrument: mHHS, side: unspecified, value: 55, when: {months: 0}},"
            "{instrument: mHHS, side: unspecified, value: 77, when: {months: 6}},"
            "{instrument: ODI, value: 40}, {instrument: ODI, value: 20, when: {months: 6}},"
            "{instrument: ODI, items: {odi_01: 1}, when: {months: 8}}]"
        )
        assert changes(timed_scores(case)) == ()
        assert timed_scores(case)[2].words == "time not stated"

    def test_nothing_is_a_part_of_nothing(self, case_of: Any) -> None:
        case = case_of(
            "scores: [{instrument: ODI, value: 0, when: {months: 0}}, {instrument: ODI, value: 2, "
            "when: {months: 1}}]"
        )
        assert changes(timed_scores(case))[0].percent_of_baseline is None


class TestInForce:
    @pytest.mark.parametrize(
        ("months", "left", "right"),
        [
            (-0.1, None, None),
            (0.0, "in force", None),
            (1.3, "in force", None),
            (1.5, "in force by one of 2 statements", None),
            (5.0, "in force by one of 2 statements", "in force"),
            (6.1, None, "in force by one of 2 statements"),
            (10.1, None, None),
        ],
    )
    def test_the_published_restriction(
        self, index_case: Case, months: float, left: str | None, right: str | None
    ) -> None:
        """Six weeks in one place, six months in another; the right hip was operated on at 4 months."""
        found = {
            side: verdict for rule, side, verdict in in_force(index_case, months) if rule.rule == "avoid"
        }
        assert (found.get("left"), found.get("right")) == (left, right)

    def test_an_ambiguous_duration_ends_nothing(self, index_case: Case) -> None:
        found = [verdict for rule, _, verdict in in_force(index_case, 60.0) if rule.what == "weight_bearing"]
        assert found == ["no end stated"] * 2

    def test_they_are_in_the_timeline_when_asked_for(self, index_case: Case) -> None:
        assert "in_force" not in timeline_dict(index_case)
        assert timeline_dict(index_case, 3.0)["in_force"][0]["verdict"] == "in force by one of 2 statements"


def test_planned_follow_up_is_due(case_of: Any) -> None:
    case = case_of(
        "visits: [{what: check_up, status: planned, when: {months: 24}}, {what: call, status: planned}]"
    )
    assert timeline_dict(case)["follow_up_due"] == [
        {"what": "check up", "side": "none", "offset_months": 24.0},
        {"what": "call", "side": "none", "offset_months": None},
    ]


def test_a_summary_names_no_file(case_of: Any) -> None:
    case = case_of("inputs: {bones: Jane_Doe/bones, images: [Jane_Doe/ct]}")
    assert "Jane" not in str(summary_dict(case))

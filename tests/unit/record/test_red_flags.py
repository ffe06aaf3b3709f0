"""Red flags, the checklist for case reports, and the data dictionary."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from ischio.record import check_dict
from ischio.record.care import care_coverage
from ischio.record.case import Case
from ischio.record.instruments import SCALES
from ischio.record.red_flags import WORDS, notices, red_flags
from ischio.record.redcap import COLUMNS, redcap_dictionary


def verdict(case: Case, name: str) -> str:
    return next(one.verdict for one in red_flags(case) if one.name == name)


@pytest.mark.parametrize("name", WORDS)
def test_a_flag_that_is_there_stops(case_of: Any, name: str) -> None:
    case = case_of(f"person: {{age_years: 40}}\nalerts: [{{what: {name}, present: true}}]")
    assert [one.name for one in red_flags(case) if one.verdict == "stop"] == [name]


@pytest.mark.parametrize("name", WORDS)
def test_a_flag_is_absent_only_where_it_was_stated(case_of: Any, name: str) -> None:
    case = case_of(f"alerts: [{{what: {name}, present: false}}]")
    assert verdict(case, name) == "absent"
    assert {one.verdict for one in red_flags(case) if one.name != name} == {"not_stated"}


@pytest.mark.parametrize(
    ("person", "alert", "expected"),
    [
        ("{}", "{what: lesser_trochanter_avulsion, present: true}", "stop"),
        ("{age_years: 17}", "{what: lesser_trochanter_avulsion, present: true}", "absent"),
        ("{age_years: 18}", "{what: lesser_trochanter_avulsion, present: true}", "stop"),
        (
            "{age_years: 40}",
            "{what: lesser_trochanter_avulsion, present: true, after_trauma: true}",
            "absent",
        ),
        ("{age_years: 40}", "{what: lesser_trochanter_avulsion, present: true, after_trauma: false}", "stop"),
    ],
)
def test_an_avulsion_without_trauma_in_an_adult(case_of: Any, person: str, alert: str, expected: str) -> None:
    assert verdict(case_of(f"person: {person}\nalerts: [{alert}]"), "lesser_trochanter_avulsion") == expected


def test_presence_outweighs_absence(case_of: Any) -> None:
    case = case_of("alerts: [{what: tumour, present: false}, {what: tumour, present: true}]")
    assert verdict(case, "tumour") == "stop"


@pytest.mark.parametrize(("age", "expected"), [("17", "not_stated"), ("18", "absent")])
def test_an_adult_has_no_open_apophysis(case_of: Any, age: str, expected: str) -> None:
    assert verdict(case_of(f"person: {{age_years: {age}}}"), "open_apophysis") == expected


def test_notices(index_case: Case, case_of: Any) -> None:
    found = notices(index_case)
    assert found[0].startswith("MR conditions unknown: pedicle screws, sacroiliac implant, neuromodulator.")
    assert "priors" in found[1]
    assert notices(case_of("implants: [{what: cup, mr_conditions: conditional}]")) == ()
    assert check_dict(index_case)["notices"] == list(found)


def test_the_checklist_of_the_published_case(index_case: Case) -> None:
    found = {one.item: one.is_covered for one in care_coverage(index_case)}
    assert len(found) == 13
    assert [item for item, covered in found.items() if covered] == [
        *("Patient information", "Clinical findings", "Timeline", "Diagnostic assessment"),
        *("Therapeutic intervention", "Follow-up and outcomes"),
    ]
    assert not found["Patient perspective"]
    assert not found["Informed consent"]


def test_the_data_dictionary_has_a_field_for_every_item() -> None:
    head, *rows = csv.reader(io.StringIO(redcap_dictionary()))
    assert tuple(head) == COLUMNS
    assert {len(row) for row in rows} == {18}
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in names)
    sides = {"hip": 2, "person": 1, "either": 1}
    n_items = {scale.name: 0 if scale.rule == "mean_of_scales" else len(scale.items) for scale in SCALES}
    assert len(rows) == 2 + sum(sides[scale.per] * (n_items[scale.name] + 1) for scale in SCALES)
    limp = next(row for row in rows if row[0] == "mhhs_limp_left")
    assert (limp[4], limp[7], limp[8], limp[9]) == ("mHHS, item 2, left hip", "integer", "0", "11")

"""Every rule fires on the published case and on others, and is silent once the cause is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ischio.record.case import Case
from ischio.record.conflicts import CONFLICT_RULES, REMARK_RULES, conflicts, remarks
from ischio.record.facts import Duration, Place, When
from ischio.record.kinds import Finding, Image, Score

PLACE = Place(document="report", place="Case Report")
PUBLISHED = ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C10", "C11"]


def found(case: Case) -> dict[str, str]:
    """Text of everything that the rules find, by id."""
    return {one.id: one.text for one in (*conflicts(case), *remarks(case))}


def each(facts: tuple[Any, ...], change: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Facts after a change, without those that it turned into None."""
    return tuple(new for new in map(change, facts) if new is not None)


def equal_durations(case: Case) -> Case:
    weeks = (Duration(value=6, unit="weeks", sources=(PLACE,)), Duration(value=42, unit="days"))
    return replace(
        case,
        rehabilitation=each(
            case.rehabilitation,
            lambda one: replace(one, durations=weeks) if one.what == "active_hip_flexion" else one,
        ),
    )


def swapped_spaces(case: Case) -> Case:
    other = {"left": "right", "right": "left"}

    def swap(one: Finding) -> Finding:
        return replace(one, side=other[one.side]) if one.what == "ischiofemoral_space" else one

    return replace(case, findings=each(case.findings, swap))


def one_anchor(case: Case) -> Case:
    same = tuple(replace(one, anchor="presentation") for one in case.symptoms[0].durations)
    return replace(case, symptoms=(replace(case.symptoms[0], durations=same), *case.symptoms[1:]))


def score_between(case: Case) -> Case:
    between = Score(instrument="ODI", value=40, when=When(months=3), sources=(PLACE,))
    return replace(case, scores=(*case.scores, between))


def all_shown(case: Case) -> Case:
    shown = tuple(
        Image(
            modality="radiograph",
            side="both",
            shows=("heterotopic_ossification",),
            when=When(months=months, after="own_operation"),
            sources=(PLACE,),
        )
        for months in (6.0, 12.0)
    )
    return replace(case, images=(*case.images, *shown))


def none_shown(case: Case) -> Case:
    return replace(case, images=each(case.images, lambda one: replace(one, shows=())))


def one_name(case: Case) -> Case:
    return replace(
        case,
        operations=each(case.operations, lambda one: replace(one, acts=one.acts[:2])),
    )


def stated_everywhere(case: Case) -> Case:
    return replace(case, findings=each(case.findings, lambda one: replace(one, absent_from=())))


def lower_fusion(case: Case) -> Case:
    return replace(
        case,
        operations=each(case.operations, lambda one: replace(one, fuses=("L5", "S1")) if one.fuses else one),
    )


def higher_mechanism(case: Case) -> Case:
    return replace(case, mechanisms=each(case.mechanisms, lambda one: replace(one, levels=("L3-L4",))))


def clear_attachment(case: Case) -> Case:
    def clear(one: Any) -> Any:
        return replace(one, durations=tuple(replace(each, attachment="clear") for each in one.durations))

    return replace(case, rehabilitation=each(case.rehabilitation, clear))


def sides_stated(case: Case) -> Case:
    def state(one: Any) -> Any:
        return replace(one, side="left") if one.side == "unspecified" else one

    kinds = ("care", "examinations", "blocks")
    return replace(case, **{kind: each(getattr(case, kind), state) for kind in kinds})


def without_claims(kind: str) -> Callable[[Case], Case]:
    def drop(case: Case) -> Case:
        return replace(case, claims=each(case.claims, lambda one: None if one.kind == kind else one))

    return drop


def without_hip_pain(case: Case) -> Case:
    claims = each(
        case.claims, lambda one: replace(one, also_without="groin_pain" if one.also_without else None)
    )
    return replace(case, claims=claims)


SILENCED = [
    ("C1", equal_durations),
    ("C2", swapped_spaces),
    ("C3", one_anchor),
    ("C4", score_between),
    ("C5", all_shown),
    ("C5", none_shown),
    ("C6", one_name),
    ("C7", stated_everywhere),
    ("C8", lower_fusion),
    ("C8", higher_mechanism),
    ("C10", clear_attachment),
    ("C11", sides_stated),
    ("C9", without_claims("recommendation")),
    ("C9", without_hip_pain),
    ("C12", without_claims("citation")),
    ("C13", without_claims("causation")),
]


def test_the_published_case_has_its_conflicts_and_remarks(index_case: Case) -> None:
    assert [one.id for one in conflicts(index_case)] == PUBLISHED
    assert [one.id for one in remarks(index_case)] == ["C9", "C12", "C13"]
    assert all(one.places and one.text.endswith(".") for one in conflicts(index_case))


@pytest.mark.parametrize(
    ("conflict", "words"),
    [
        ("C1", ["6 weeks (Case Report)", "6 months (Discussion)"]),
        ("C2", ["worse on the left", "7 mm against 4 mm", "not swapped"]),
        ("C3", ["12 years", "Abstract"]),
        ("C4", ["17 from the left and 13 from the right", "4 months apart", "No score lies between"]),
        ("C5", ["asserted for left at 6 months, right at 12 months"]),
        ("C6", ["partial detachment or partial release or tenotomy", "left, right"]),
        ("C7", ["hamstring partial tear: in Figure 2", "gluteus minimus partial tear: in Case Report"]),
        ("C8", ["L4-L5 is fused", "extension was painless", "L3-L4 at most"]),
        ("C10", ["6 weeks", "weight bearing", "not applied"]),
        (
            "C11",
            ["ischiofemoral impingement test", "long stride walking", "intra articular hip", "cortisone"],
        ),
        ("C9", ["extrapolation"]),
        ("C12", ["11 to 77 years", "25 to 40 %", ": 24 people"]),
        ("C13", ["one person, both sides operated on, no control, ODI 14 at the end"]),
    ],
)
def test_what_the_published_conflicts_say(index_case: Case, conflict: str, words: list[str]) -> None:
    text = found(index_case)[conflict]
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(("rule", "change"), SILENCED, ids=lambda one: getattr(one, "__name__", str(one)))
def test_a_rule_is_silent_once_its_cause_is_gone(
    index_case: Case, rule: str, change: Callable[[Case], Case]
) -> None:
    """And no other rule begins or stops to speak."""
    assert set(found(index_case)) - set(found(change(index_case))) == {rule}
    assert set(found(change(index_case))) <= set(found(index_case))


def test_every_rule_has_a_case_in_which_it_is_silent() -> None:
    rules = {rule.id for rule in (*CONFLICT_RULES, *REMARK_RULES)}
    assert rules - {rule for rule, _ in SILENCED} == {"S1"}  # which does not speak of the published case
    names = [rule.name for rule in (*CONFLICT_RULES, *REMARK_RULES)]
    assert len(set(names)) == len(names)


def test_an_empty_record_has_no_conflict() -> None:
    assert found(Case(schema_version=1, case_id="c")) == {}


TWO_RULES = """
rehabilitation:
  - {what: a, rule: avoid, durations: [{value: 2, unit: weeks}, {value: 3, unit: weeks}]}
  - {what: b, rule: do, durations: [{value: 1, unit: days}, {value: 1, unit: months}]}
"""
ONE_MONTH_TWICE = """
rehabilitation: [{what: a, rule: avoid, durations: [{value: 30, unit: days}, {value: 1, unit: months}]}]
"""
TWO_LENGTHS = "symptoms: [{what: pain, durations: [{value: 2, unit: years}, {value: 3, unit: years}]}]"
ONE_LENGTH = "symptoms: [{what: pain, durations: [{value: 2, unit: years}, {value: 24, unit: months}]}]"
WIDER = """
symptoms: [{what: pain, worse_side: right}]
findings:
  - {what: ischiofemoral_space, side: right, modality: MRI, value: 12, unit: mm}
"""
OTHER_SIDE = "  - {what: ischiofemoral_space, side: left, modality: MRI, value: 9, unit: mm}\n"
TWO_TIMES = """
operations:
  - {what: o, side: left, starts_clock: true, when: {months: 0}}
  - {what: o, side: right, starts_clock: true, when: {months: 9}}
scores: [{instrument: ODI, value: 30, when: {months: 12}}]
"""
ONE_TIME = """
operations: [{what: o, side: both, starts_clock: true, when: {months: 0}}]
scores: [{instrument: ODI, value: 30, when: {months: 12}}]
"""
TWO_ACTS = "operations: [{what: o, side: left, acts: [{structure: s, act: a}, {structure: s, act: b}]}]"
ACT_A_SIDE = """
operations:
  - {what: o, side: left, acts: [{structure: s, act: a}]}
  - {what: o, side: right, acts: [{structure: s, act: b}]}
"""
FUSED = """
operations: [{what: f, side: none, fuses: [L2, L4]}]
mechanisms: [{what: m, levels: [L3-L4]}]
"""
OF_91 = "mhhs_pain: 44, mhhs_limp: 11, mhhs_support: 11, mhhs_distance: 11, mhhs_stairs: 4, "
OF_91 += "mhhs_shoes_socks: 4, mhhs_sitting: 5, mhhs_transport: 1"
NINE_OF_TEN = ", ".join(f"odi_{i:02}: 1" for i in range(1, 9)) + ", odi_09: 2"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (TWO_RULES, ["C1", "C1-2"]),
        (ONE_MONTH_TWICE, []),
        (TWO_LENGTHS, ["C3"]),
        (ONE_LENGTH, []),
        (WIDER + OTHER_SIDE, ["C2"]),
        (WIDER, []),
        (TWO_TIMES, ["C4"]),
        (ONE_TIME, []),
        (TWO_ACTS, ["C6"]),
        (ACT_A_SIDE, []),
        (FUSED, ["C8"]),
        ("mechanisms: [{what: m, levels: [L3-L4]}]", []),
        ("blocks: [{target: hip}]", ["C11"]),
        (f"scores: [{{instrument: mHHS, side: left, value: 80, items: {{{OF_91}}}}}]", ["S1"]),
        (f"scores: [{{instrument: mHHS, side: left, value: 100, items: {{{OF_91}}}}}]", []),
        ("scores: [{instrument: mHHS, side: left, value: 80, items: {mhhs_pain: 44}}]", ["S1"]),
        (f"scores: [{{instrument: ODI, value: 22, items: {{{NINE_OF_TEN}}}}}]", []),
        ("claims: [{what: w, kind: citation}]", ["C12"]),
    ],
)
def test_rules_on_other_records(case_of: Any, text: str, ids: list[str]) -> None:
    assert list(found(case_of(text))) == ids

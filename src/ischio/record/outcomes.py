"""What a record says of each test: positive or negative, on which side, and what was left out and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ischio._check import InputError, complaint
from ischio.evidence import Evidence
from ischio.evidence.rows import ClinicalTest, Sign
from ischio.record.case import Case
from ischio.record.facts import Fact, sides_of
from ischio.record.kinds import Block, Examination, Finding
from ischio.record.timeline import offset

YES, NO = ("positive", "painful", "abnormal"), ("negative", "painless", "normal")
HIPS = ("left", "right")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result of one test.

    Parameters
    ----------
    test : ClinicalTest
    side : str
        "left", "right", "unspecified", or "none" for tests of the whole person.
    is_positive : bool
    months : float or None
        From the record's zero.
    where : str
        List and number in the record.
    places : tuple of str
    """

    test: ClinicalTest
    side: str
    is_positive: bool
    months: float | None
    where: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A fact that looks like a result and is not calculated with."""

    what: str
    side: str
    why: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignSeen:
    """A fact without a likelihood ratio that speaks for or against a diagnosis."""

    sign: Sign
    what: str
    side: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All results of a record; each test once on each side."""

    found: tuple[Outcome, ...]
    left_out: tuple[LeftOut, ...]
    signs: tuple[SignSeen, ...]


def outcomes(case: Case, base: Evidence) -> Outcomes:
    """Read the results of every known test from a record, as they were before an operation.

    Parameters
    ----------
    case : Case
    base : Evidence
        Says which facts are tests, and what counts as positive.

    Returns
    -------
    Outcomes
        In the order of the tests in the base, whatever the order of the facts.

    Raises
    ------
    InputError
        If one test has contradicting results on one side that no time tells apart, or if a test of one
        hip is stated for no side.
    """
    found: list[Outcome] = []
    left_out: list[LeftOut] = []
    for test in base.tests:
        read = list(_read(case, test))
        left_out += [one for one in read if isinstance(one, LeftOut)]
        kept, later = _one_each(case, [one for one in read if isinstance(one, Outcome)])
        found += kept
        left_out += later
    return Outcomes(tuple(found), tuple(left_out), tuple(_signs(case, base.signs)))


def _read(case: Case, test: ClinicalTest) -> Iterator[Outcome | LeftOut]:
    """Results of one test, one for each hip it was stated for."""
    named = [
        (kind, i, fact)
        for kind, i, fact in case.facts()
        if isinstance(fact, Examination | Finding | Block)
        and kind.removesuffix("s") == test.kind
        and _name(fact) in test.names
    ]
    for kind, i, fact in named:
        where, places = f"{kind} {i}", tuple(place.words for place in fact.sources)
        for side in _sides(case, where, test, fact):
            if is_late(case, fact, side):
                why = "stated for a time after the operation"
                yield LeftOut(test.words, side, why, places)
                continue
            halves = [other for _, _, other in named if side in _sides(case, where, test, other)]
            is_positive, why = _result(test, fact, halves)
            if is_positive is None:
                if why:
                    yield LeftOut(test.words, side, why, places)
                continue
            at = offset(case, fact.when, side)
            yield Outcome(test, side, is_positive, at, where, places)


def _name(fact: Examination | Finding | Block) -> str:
    """What the record calls a test."""
    return (
        fact.test
        if isinstance(fact, Examination)
        else fact.what
        if isinstance(fact, Finding)
        else fact.target
    )


def _sides(case: Case, where: str, test: ClinicalTest, fact: Fact) -> tuple[str, ...]:
    """Sides that a result holds for."""
    if test.of == "person":
        return ("none",)
    if fact.side == "none":
        got = f"no side for the {test.words}"
        do = "Give the side, or write unspecified."
        raise InputError(complaint(f"{case.case_id}, {where}", got, "left, right, both or unspecified", do))
    return sides_of(fact.side) or ("unspecified",)


def is_late(case: Case, fact: Fact, side: str) -> bool:
    """Whether a fact is known to lie after an operation: that of its side, or the first.

    Parameters
    ----------
    case : Case
    fact : Fact
    side : str
        "left" or "right" for the clock of that hip; anything else for the earliest.
    """
    if fact.when is None:
        return False
    starts = [
        begin
        for hip in (HIPS if side not in HIPS else (side,))
        if (clock := case.clock(hip)) is not None
        and (begin := offset(case, clock.when, clock.side)) is not None
    ]
    if not starts:
        return False
    at = offset(case, fact.when, side)
    if at is None:
        return fact.when.relation == "after"
    return at > min(starts)


def _result(test: ClinicalTest, fact: Fact, halves: Iterable[Fact]) -> tuple[bool | None, str]:
    """Positive or negative; None with a reason where a fact is no result, without one where it is a part."""
    if isinstance(fact, Block):
        known = {"complete": True, "none": False}
        return known.get(fact.relief), f"{fact.relief} relief is neither a positive nor a negative block"
    if isinstance(fact, Finding):
        return _finding(test, fact)
    assert isinstance(fact, Examination)
    if test.needs_relief and fact.manoeuvre is not None:
        return _two_halves(fact, [one for one in halves if isinstance(one, Examination)])
    if fact.result in YES or fact.result in NO:
        return fact.result in YES, ""
    return None, f"the result is {fact.result}, neither positive nor negative"


def _finding(test: ClinicalTest, fact: Finding) -> tuple[bool | None, str]:
    """Result of a finding; an accuracy holds for its own modality and unit."""
    if test.modality is not None and fact.modality != test.modality:
        return None, f"its accuracy was published for {test.modality}, this is {fact.modality}"
    if test.at_most is None:
        return fact.present, ""
    if fact.value is None or fact.unit != test.unit:
        return None, f"no value in {test.unit}"
    return fact.value <= test.at_most, ""


def _two_halves(fact: Examination, halves: list[Examination]) -> tuple[bool | None, str]:
    """A test that is positive only if the pain goes in the opposite position."""
    others = [one for one in halves if one.manoeuvre not in (None, fact.manoeuvre)]
    if fact.result == "relief":
        return None, ""  # the second half, which is told with the first
    if fact.result in NO:
        is_second = any(one.result in YES for one in others)
        return (None, "") if is_second else (False, "")
    if any(one.result == "relief" or one.result in NO for one in others):
        return True, ""
    if any(one.result in YES for one in others):
        return False, ""  # painful in the opposite position, too
    return None, "only its first half is recorded: relief in abduction is not stated"


def _one_each(case: Case, read: list[Outcome]) -> tuple[list[Outcome], list[LeftOut]]:
    """Each side once: the latest result, where times tell contradicting ones apart."""
    kept: list[Outcome] = []
    earlier: list[LeftOut] = []
    for side in dict.fromkeys(one.side for one in read):
        here = [one for one in read if one.side == side]
        last = _latest(case, here)
        kept.append(last)
        earlier += [
            LeftOut(one.test.words, side, "an earlier result; the latest is used", one.places)
            for one in here
            if one.is_positive != last.is_positive
        ]
    sided = {one.side: one for one in kept}
    open_side = sided.get("unspecified")
    both = [sided[hip] for hip in HIPS if hip in sided]
    if open_side and len(both) == len(HIPS) and all(one.is_positive != open_side.is_positive for one in both):
        got = f"{_word(open_side)} without a side and {_word(both[0])} on both"
        where = f"{case.case_id}, {open_side.where} and {both[0].where}"
        do = "State the side of the first, or correct one."
        raise InputError(complaint(where, got, f"sides that match for the {open_side.test.words}", do))
    return kept, earlier


def _latest(case: Case, here: list[Outcome]) -> Outcome:
    """The result that holds; contradicting results need times that tell them apart."""
    yes = [one for one in here if one.is_positive]
    no = [one for one in here if not one.is_positive]
    if yes and no:
        times = [one.months for one in here]
        known = [one for one in times if one is not None]
        last = [one for one in here if known and one.months == max(known)]
        if len(known) < len(times) or len({one.is_positive for one in last}) > 1:
            side = "" if here[0].side in ("none", "unspecified") else f"{here[0].side} "
            where = f"{case.case_id}, {' and '.join(one.where for one in here)}"
            got = f"the {side}{here[0].test.words} positive and negative"
            do = "Give each its time (when), or correct one."
            raise InputError(complaint(where, got, "one result of a test on a side", do))
        here = last
    # Equal results are one; the smallest place in the record makes the order of facts irrelevant.
    first = min(here, key=lambda one: (one.places, one.where))
    places = tuple(sorted({place for one in here for place in one.places}))
    return Outcome(first.test, first.side, first.is_positive, first.months, first.where, places)


def _word(one: Outcome) -> str:
    """A result in a word."""
    return "positive" if one.is_positive else "negative"


def _signs(case: Case, signs: Iterable[Sign]) -> Iterator[SignSeen]:
    """Facts that speak for or against a diagnosis without a figure."""
    for sign in signs:
        for what, fact in _sign_facts(case, sign):
            sides = sides_of(fact.side) or ("unspecified",)
            for side in sides:
                if not is_late(case, fact, side):
                    yield SignSeen(sign, what, side, tuple(place.words for place in fact.sources))


def _sign_facts(case: Case, sign: Sign) -> Iterator[tuple[str, Fact]]:
    """Facts that are the sign."""
    if sign.kind == "aggravated_by":
        for symptom in case.symptoms:
            for what in symptom.aggravated_by:
                if what in sign.names:
                    yield f"worse with {what}", symptom
    elif sign.kind == "symptom":
        yield from ((one.what, one) for one in case.symptoms if one.what in sign.names)
    elif sign.kind == "finding":
        for finding in case.findings:
            if finding.what in sign.names and finding.present != sign.when_absent:
                yield ("no " if sign.when_absent else "") + finding.what, finding
    elif sign.kind == "strength":
        for one in case.examinations:
            if one.test in sign.names and one.mrc not in (None, "5"):
                yield f"{one.test} {one.mrc}", one
    else:
        for one in case.examinations:
            if one.test in sign.names and one.result in (NO if sign.when_absent else YES):
                yield f"{one.test} {one.result}", one

"""The differential, its sensitivity and its calibration as plain values: what commands and reports show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ischio.evidence import Evidence, evidence
from ischio.record.calibration import agreeing_tests, calibrate
from ischio.record.case import Case
from ischio.record.differential import (
    QUESTION,
    Choices,
    Differential,
    Judged,
    Share,
    differential,
    share_from,
)
from ischio.record.next_test import Candidate, candidates, missing
from ischio.record.odds import Weight
from ischio.record.outcomes import Outcome
from ischio.record.reasons import VERDICTS, reasons_not_to_operate
from ischio.record.sensitivity import sensitivity

_DECIMALS = 4
WORTH_BITS = 0.01  # less is not worth a person's time
PRIORS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25)  # between the ends of one that nobody has published
RULES_OF_READING = (
    "Every diagnosis is judged by itself: several can be there at once, and shares need not add up to 1.",
    "A share is not a verdict. It rests on the population named and on the studies listed.",
)


def differential_dict(
    case: Case, choices: Choices | None = None, base: Evidence | None = None, *, is_whole: bool = True
) -> dict[str, Any]:
    """Every source of pain with what speaks for and against it, what is missing, and the next test.

    Parameters
    ----------
    case : Case
    choices : Choices, optional
    base : Evidence, optional
        The packaged one by default.
    is_whole : bool
        With the sensitivity of the order to each assumption.

    Returns
    -------
    dict
        ``diagnoses`` holds a row for each diagnosis and side; ``next_test`` is that of the diagnosis in
        question. A ``posterior`` has a ``value``, or is a range ``from`` one share ``to`` another.
    """
    base, choices = base or evidence(), choices or Choices()
    found = differential(case, choices, base)
    rows = [_judged(one, found, base) for one in found.judged]
    asked = [row for row in rows if row["diagnosis"] == QUESTION]
    best = max(asked, key=_top, default=None)
    out = {
        "case_id": case.case_id,
        "question": QUESTION,
        "population": {
            "id": found.population,
            "words": next(one.words for one in base.settings if one.id == found.population),
            "chosen": choices.population is not None,
        },
        "assumptions": _assumptions(case, found, base),
        "diagnoses": rows,
        "next_test": None if best is None else best["next_test"],
        "left_out": [
            {"what": one.what, "side": one.side, "why": one.why, "places": list(one.places)}
            for one in found.left_out
        ],
        "reading": list(RULES_OF_READING),
    }
    if is_whole:
        out["sensitivity"] = [
            {
                "assumption": one.assumption,
                "ranking": list(one.ranking),
                "moved": list(one.moved),
                "question_from": round(one.question[0], _DECIMALS),
                "question_to": round(one.question[1], _DECIMALS),
                "next_test": one.next_test,
            }
            for one in sensitivity(case, choices, base)
        ]
    return out


def reasons_dict(
    case: Case, base: Evidence | None = None, measured: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Reasons not to operate as plain values.

    Parameters
    ----------
    case : Case
    base : Evidence, optional
        The packaged one by default.
    measured : iterable of mapping, optional
        ``measurements`` of a study of the same person.
    """
    rows = [
        {
            "rule": one.rule,
            "verdict": one.verdict,
            "words": VERDICTS[one.verdict],
            "side": one.side,
            "text": one.text,
            "places": list(one.places),
        }
        for one in reasons_not_to_operate(case, base, measured)
    ]
    return {"case_id": case.case_id, "reasons": rows}


def calibration_dict(people: int, seed: int, base: Evidence | None = None) -> dict[str, Any]:
    """Stated against counted shares of simulated people as plain values.

    Parameters
    ----------
    people, seed : int
        As ``calibration.calibrate``.
    base : Evidence, optional
        The packaged one by default.
    """
    rows = [
        {**asdict(one), "tests": list(one.tests), "is_calibrated": one.is_calibrated}
        for one in calibrate(people, seed, base)
    ]
    return {"people": people, "seed": seed, "rows": rows, "two_tests_that_agree": agreeing_tests(base)}


def _judged(one: Judged, found: Differential, base: Evidence) -> dict[str, Any]:
    """One diagnosis on one side."""
    tests = [row for row in candidates(one, found, base) if row.high >= WORTH_BITS]
    speaks: dict[str, list[dict[str, Any]]] = {"for": [], "against": []}
    for weight in one.used:
        speaks[_direction(weight)].append(_weight(weight, "multiplied"))
    for weight, why in one.not_multiplied:
        speaks[_direction(weight)].append(_weight(weight, f"not multiplied: {why}"))
    for outcome, why in one.no_figure:
        speaks["for" if outcome.is_positive else "against"].append(_no_figure(outcome, why))
    for sign in one.signs:
        speaks[sign.sign.speaks].append(
            {
                "what": sign.what.replace("_", " "),
                "ratio": None,
                "why": sign.sign.why + ("; unverified" if sign.sign.mark == "K" else ""),
                "source": sign.sign.source,
                "mark": sign.sign.mark,
                "places": list(sign.places),
            }
        )
    prior = one.prior
    return {
        "diagnosis": one.diagnosis.id,
        "words": one.diagnosis.words,
        "plain": one.diagnosis.plain,
        "side": one.side,
        "prior": {
            "from": round(prior.ends[0][0], _DECIMALS),
            "to": round(prior.ends[-1][0], _DECIMALS),
            "is_range": prior.is_range,
            "why": prior.why,
            "population": prior.setting,
            "source": None if prior.row is None else prior.row.source,
            "n": None if prior.row is None else prior.row.n,
            "mark": None if prior.row is None else prior.row.mark,
        },
        "posterior": {**_posterior(one.ends, prior.why), "over": _over(one)},
        "has_facts": one.has_facts,
        "is_listed": any(fact["mark"] != "K" for fact in speaks["for"]),
        **speaks,
        "missing": [{"test": test.id, "words": test.words, "why": why} for test, why in missing(one, base)],
        "next_test": _candidate(tests[0]) if tests else None,
        "other_tests": [_candidate(row) for row in tests[1:]],
    }


def _posterior(ends: tuple[Share, ...], why: str) -> dict[str, Any]:
    """A share, or a range of shares with no single figure."""
    if len(ends) == 1:
        return {**_share(ends[0]), "reason": None, "from": None, "to": None}
    low, high = (_share(one) for one in ends)
    return {"value": None, "low": None, "high": None, "reason": why, "from": low, "to": high}


def _over(one: Judged) -> list[dict[str, float]]:
    """Shares over the range of a prior, from end to end; nothing where the prior is one figure."""
    if not one.prior.is_range:
        return []
    low, high = (value for value, _ in one.prior.ends)
    return [
        {"prior": round(prior, _DECIMALS), **_share(share_from(prior, one.used, len(one.ends[0].draws)))}
        for prior in (low, *(each for each in PRIORS if low < each < high), high)
    ]


def _share(one: Share) -> dict[str, float]:
    """A share and its interval."""
    return {
        "value": round(one.value, _DECIMALS),
        "low": round(one.low, _DECIMALS),
        "high": round(one.high, _DECIMALS),
    }


def _direction(one: Weight) -> str:
    """Whether a weight raises or lowers a share."""
    return "for" if one.ratio >= 1 else "against"


def _weight(one: Weight, how: str) -> dict[str, Any]:
    """A result with its likelihood ratio."""
    row = one.accuracy
    low, high = one.interval
    return {
        "what": f"{one.outcome.test.words}: {_word(one.outcome)}",
        "test": row.test,
        "result": _word(one.outcome),
        "side": one.outcome.side,
        "ratio": round(one.ratio, _DECIMALS),
        "low": round(low, _DECIMALS),
        "high": round(high, _DECIMALS),
        "why": how,
        "group": row.group,
        "evidence": row.id,
        "source": row.source,
        "population": row.population,
        "n": row.n,
        "mark": row.mark,
        "note": row.note,
        "places": list(one.outcome.places),
    }


def _no_figure(one: Outcome, why: str) -> dict[str, Any]:
    """A result without a ratio that may be used."""
    return {
        "what": f"{one.test.words}: {_word(one)}",
        "test": one.test.id,
        "result": _word(one),
        "side": one.side,
        "ratio": None,
        "why": f"not calculated with: {why}",
        "source": None,
        "mark": None,
        "places": list(one.places),
    }


def _word(one: Outcome) -> str:
    """A result in a word."""
    return "positive" if one.is_positive else "negative"


def _candidate(one: Candidate) -> dict[str, Any]:
    """A test that was not done."""
    return {
        "test": one.test.id,
        "words": one.test.words,
        "plain": one.test.plain or one.test.words,
        "bits_low": round(one.low, _DECIMALS),
        "bits_high": round(one.high, _DECIMALS),
        "assumptions": list(one.assumptions),
        "source": one.accuracy.source,
        "mark": one.accuracy.mark,
    }


def _top(row: dict[str, Any]) -> float:
    """Highest share of a row."""
    after = row["posterior"]
    return float(after["value"] if after["value"] is not None else after["to"]["value"])


def _assumptions(case: Case, found: Differential, base: Evidence) -> list[str]:
    """What the calculation takes for granted, in sentences."""
    choices, unknown = found.choices, base.unknown_prior
    within = {
        "largest": "Of tests of one group that agree only the strongest counts; they are not multiplied.",
        "product": "Tests of one group are multiplied as if they were independent, which they are not.",
    }
    between = {
        "product": "Groups of tests are taken as independent given the diagnosis; nobody has tested that.",
        "largest": "Only the strongest of all groups counts.",
    }
    out = [
        within[choices.within],
        between[choices.between],
        f"A prior that nobody has published is {unknown.low:.0%} to {unknown.high:.0%}, never one figure.",
        "A prior of a person is taken for one hip.",
        "Tables with an empty cell get half a person in each cell; no likelihood ratio is zero.",
        "Studies of the tests were made where the diagnosis was suspected: ratios may be too strong.",
        "Gaps and examinations computed from bones have no published accuracy and do not enter.",
    ]
    chosen = {found.population, *choices.priors.values()}
    out += [f"{one.id}: {one.caution}." for one in base.settings if one.id in chosen and one.caution]
    if any(op.starts_clock for op in case.operations):
        out.append("Judged as before the operation: facts stated for a later time are left out.")
    out += [f"{name}: prior of population {setting}." for name, setting in sorted(choices.priors.items())]
    fused = tuple(dict.fromkeys(segment for op in case.operations for segment in op.segments))
    if fused and found.population.startswith("low_back_pain"):
        out.append(f"{', '.join(fused)} fused: the population was described without a word on fusion.")
    if any(one.what == "sacroiliac_fusion" for one in case.operations):
        out.append("A sacroiliac joint is fused: its published priors do not hold, a range stands for them.")
    out += ["Figures that were not verified are calculated with."] if choices.takes_unverified else []
    return out

"""What the order of the diagnoses and the next test rest on: one assumption changed at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from ischio.evidence import Evidence, evidence
from ischio.record.case import Case
from ischio.record.differential import QUESTION, Choices, Differential, Judged, differential
from ischio.record.next_test import candidates
from ischio.record.odds import Weight, log_odds, posterior, ratio_of

FEW_DRAWS = 400  # an order needs points, not intervals
WHOLE_PERSON = 1.0  # in each cell of a table with an empty one, instead of half

Ratio = Callable[[Weight], float]


@dataclass(frozen=True, slots=True)
class Changed:
    """One assumption changed.

    Parameters
    ----------
    assumption : str
    ranking : tuple of str
        Diagnoses, the likeliest first; each by the side that is likeliest.
    question : tuple of (float, float)
        Share of the diagnosis in question at both ends of its prior, on that side.
    next_test : str or None
        What tells most about it.
    moved : tuple of str
        Diagnoses whose place differs from the first row's.
    """

    assumption: str
    ranking: tuple[str, ...]
    question: tuple[float, float]
    next_test: str | None
    moved: tuple[str, ...] = ()


def sensitivity(
    case: Case, choices: Choices | None = None, base: Evidence | None = None
) -> tuple[Changed, ...]:
    """The order under the assumptions as chosen, then with each of them changed.

    Parameters
    ----------
    case : Case
    choices : Choices, optional
    base : Evidence, optional
        The packaged one by default.

    Returns
    -------
    tuple of Changed
        The first is unchanged. Diagnoses are ordered by the middle of their log odds where the prior is
        a range; equal ones by how many facts without a figure speak for and against.
    """
    base = base or evidence()
    few = replace(choices or Choices(), n_draws=FEW_DRAWS)
    start = differential(case, few, base)
    first = _row("as chosen", start, base)
    rows = [first]
    for words, found, place in _variants(case, few, start, base):
        row = _row(words, found, base, place)
        moved = tuple(one for one in first.ranking if row.ranking.index(one) != first.ranking.index(one))
        rows.append(replace(row, moved=moved))
    return tuple(rows)


def _variants(
    case: Case, choices: Choices, start: Differential, base: Evidence
) -> Iterator[tuple[str, Differential, float | None]]:
    """Every change: in words, what follows, and where in a range the order is taken."""
    low, high = base.unknown_prior.low, base.unknown_prior.high
    yield f"unknown priors at {low:.0%}", start, 0.0
    yield f"unknown priors at {high:.0%}", start, 1.0
    for setting in base.settings:
        if setting.id != start.population:
            changed = replace(choices, population=setting.id)
            yield f"population {setting.id}", differential(case, changed, base), None
    for name, changed in (
        ("tests of one group multiplied as if independent", replace(choices, within="product")),
        ("only the strongest group counts", replace(choices, between="largest")),
        ("unverified figures used too", replace(choices, takes_unverified=True)),
    ):
        yield name, differential(case, changed, base), None
    used = {one.accuracy.id: one.accuracy for judged in start.judged for one in judged.used}
    for row in used.values():
        for other in base.accuracies:
            key = (row.test, row.diagnosis)
            if (other.test, other.diagnosis) != key or other.id == row.id or other.unused_words:
                continue
            changed = replace(choices, replaced={**choices.replaced, key: other.id})
            yield f"{row.test}: figures of {other.source}", differential(case, changed, base), None
    for row_id in used:
        for end, word in ((0, "low"), (1, "high")):
            changed_ratios = _with_ratio(row_id, _end_of_interval(end))
            yield f"{row_id}: ratio at the {word} end of its interval", _altered(start, changed_ratios), None
    for row_id, row in used.items():
        if row.counts is not None and min(asdict(row.counts).values()) == 0:
            more = _with_ratio(row_id, lambda one: ratio_of(one, WHOLE_PERSON))
            yield f"{row_id}: a whole person in each cell", _altered(start, more), None
    halved = _altered(start, lambda one: math.sqrt(one.ratio))
    yield "every ratio half as strong, as if studies overstate it", halved, None
    yield "the prior of a person shared between two hips", _altered(start, None, hip_share=0.5), None
    sided = [one for one in start.judged if one.side != "unspecified" or not one.outcomes]
    named = {one.diagnosis.id for one in sided}
    bare = [_recalculated(one, ()) for one in start.judged if one.diagnosis.id not in named]
    yield "facts without a side left out", replace(start, judged=(*sided, *bare)), None
    for row in base.accuracies:
        assumed = row.specificity_assumed
        if assumed is None:
            continue
        for value in (assumed.low, assumed.high):
            fixed = replace(row, specificity_assumed=replace(assumed, value=value, low=value, high=value))
            others = tuple(fixed if one.id == row.id else one for one in base.accuracies)
            altered = differential(case, choices, replace(base, accuracies=others))
            yield f"{row.test}: specificity {value:g}", altered, None


def _end_of_interval(end: int) -> Ratio:
    """The low (0) or high (1) end of what a study leaves open."""
    return lambda one: one.interval[end]


def _with_ratio(row_id: str, ratio: Ratio) -> Ratio:
    """A ratio for one study; those of the others stay."""
    return lambda one: ratio(one) if one.accuracy.id == row_id else one.ratio


def _altered(start: Differential, ratio: Ratio | None, *, hip_share: float = 1.0) -> Differential:
    """What follows from other ratios, or from another prior of one hip."""
    judged = []
    for one in start.judged:
        ratios = [one.ratio if ratio is None else ratio(one) for one in one.used]
        share = hip_share if one.diagnosis.of == "hip" else 1.0
        judged.append(_recalculated(one, ratios, share))
    return replace(start, judged=tuple(judged))


def _recalculated(one: Judged, ratios: Iterable[float], share: float = 1.0) -> Judged:
    """A diagnosis with other ratios and a part of its prior."""
    given = list(ratios)
    ends = tuple(
        replace(end, value=posterior(value * share, given))
        for end, (value, _) in zip(one.ends, one.prior.ends, strict=True)
    )
    return replace(one, ends=ends)


def _row(words: str, found: Differential, base: Evidence, place: float | None = None) -> Changed:
    """The order of the diagnoses, and the next test for the one in question."""
    best: dict[str, Judged] = {}
    for one in found.judged:
        name = one.diagnosis.id
        key = (_middle(one, place), _balance(one))
        if name not in best or key > (_middle(best[name], place), _balance(best[name])):
            best[name] = one
    ranking = tuple(sorted(best, key=lambda name: (-_middle(best[name], place), -_balance(best[name]), name)))
    asked = best.get(QUESTION)
    tests = () if asked is None else candidates(asked, found, base)
    ends = (0.0, 0.0) if asked is None else (asked.ends[0].value, asked.ends[-1].value)
    return Changed(words, ranking, ends, tests[0].test.id if tests else None)


def _middle(judged: Judged, place: float | None) -> float:
    """What an order is taken by: log odds, in the middle of a range or at one end."""
    low, high = (log_odds(judged.ends[i].value) for i in (0, -1))
    return round(low + (high - low) * (0.5 if place is None else place), 9)


def _balance(judged: Judged) -> int:
    """Facts without a figure, those against taken from those for."""
    return sum(1 if one.sign.speaks == "for" else -1 for one in judged.signs)

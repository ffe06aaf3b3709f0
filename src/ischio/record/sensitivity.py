"""What the order of the diagnoses and the next test rest on: one assumption changed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ischio.evidence import Evidence, evidence
from ischio.record.case import Case
from ischio.record.differential import QUESTION, Choices, Differential, Judged, differential
from ischio.record.next_test import candidates
from ischio.record.odds import log_odds, posterior

FEW_DRAWS = 400  # an order needs points, not intervals


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
            yield f"{row_id}: ratio at the {word} end of its interval", _at_end(start, row_id, end), None
    for row in base.accuracies:
        assumed = row.specificity_assumed
        if assumed is None:
            continue
        for value in (assumed.low, assumed.high):
            fixed = replace(row, specificity_assumed=replace(assumed, value=value, low=value, high=value))
            others = tuple(fixed if one.id == row.id else one for one in base.accuracies)
            altered = differential(case, choices, replace(base, accuracies=others))
            yield f"{row.test}: specificity {value:g}", altered, None


def _at_end(start: Differential, row_id: str, end: int) -> Differential:
    """What follows if one study's ratio were at one end of its interval."""
    judged = []
    for one in start.judged:
        if any(weight.accuracy.id == row_id for weight in one.used):
            ratios = [
                weight.interval[end] if weight.accuracy.id == row_id else weight.ratio for weight in one.used
            ]
            ends = tuple(
                replace(share, value=posterior(value, ratios))
                for share, (value, _) in zip(one.ends, one.prior.ends, strict=True)
            )
            one = replace(one, ends=ends)
        judged.append(one)
    return replace(start, judged=tuple(judged))


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

"""Which test next: how many bits each is expected to tell about a diagnosis, and on which assumptions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ischio.evidence import Evidence
from ischio.evidence.rows import Accuracy, ClinicalTest
from ischio.record.differential import Differential, Judged, usable
from ischio.record.odds import point_accuracy


@dataclass(frozen=True, slots=True)
class Candidate:
    """A test that was not done.

    Parameters
    ----------
    test : ClinicalTest
    accuracy : Accuracy
    low, high : float
        Expected information in bits, at the ends of what is not known.
    assumptions : tuple of str
    """

    test: ClinicalTest
    accuracy: Accuracy
    low: float
    high: float
    assumptions: tuple[str, ...]

    @property
    def middle(self) -> float:
        """What candidates are ordered by."""
        return (self.low + self.high) / 2


def expected_bits(share: float, sensitivity: float, specificity: float) -> float:
    """Expected information of a test about a yes-or-no question, in bits.

    Parameters
    ----------
    share : float
        How likely yes is before the test.
    sensitivity, specificity : float

    Returns
    -------
    float
        From 0 for a test that tells nothing to the entropy of ``share`` for one that is never wrong.

    Examples
    --------
    >>> expected_bits(0.5, 1.0, 1.0), expected_bits(0.3, 0.5, 0.5)
    (1.0, 0.0)
    """
    positive = share * sensitivity + (1 - share) * (1 - specificity)
    told = entropy(share)
    for weight, yes in ((positive, share * sensitivity), (1 - positive, share * (1 - sensitivity))):
        if weight > 0:
            told -= weight * entropy(min(1.0, yes / weight))
    return max(0.0, told)


def entropy(share: float) -> float:
    """Entropy of a yes-or-no question, in bits.

    Examples
    --------
    >>> entropy(0.5), entropy(0.0)
    (1.0, 0.0)
    """
    return -math.fsum(one * math.log2(one) for one in (share, 1 - share) if one > 0)


def candidates(judged: Judged, found: Differential, base: Evidence) -> tuple[Candidate, ...]:
    """Tests of a diagnosis that are worth asking for, the one that tells most first.

    A test is left out if it was done (on a side that nobody stated counts as done: ask for the side), or
    if another of its group was: what it would tell is known in part, and nobody has published which part.

    Parameters
    ----------
    judged : Judged
    found : Differential
    base : Evidence
    """
    name = judged.diagnosis.id
    groups = {one.group for one in base.accuracies if one.diagnosis == name and one.test in judged.answered}
    out = []
    for (test, diagnosis), row in usable(base.accuracies, found.choices).items():
        if diagnosis != name or row.group in groups or not _may_use(row, found):
            continue
        pairs, words = _pairs(row)
        shares = [one.value for one in judged.ends]
        bits = [expected_bits(share, *pair) for share in shares for pair in pairs]
        if bits:
            said = (*words, *_prior_words(judged), "no other test is done at the same time")
            out.append(Candidate(base.test(test), row, min(bits), max(bits), said))
    return tuple(sorted(out, key=lambda one: (-one.middle, one.test.id)))


def missing(judged: Judged, base: Evidence) -> tuple[tuple[ClinicalTest, str], ...]:
    """Tests of a diagnosis that a record does not hold, each with a word on it."""
    out = []
    name = judged.diagnosis.id
    done = {one.test.id for one in judged.outcomes}
    groups = {one.group for one in base.accuracies if one.diagnosis == name and one.test in judged.answered}
    for test in dict.fromkeys(
        one.test for one in base.accuracies if one.diagnosis == name and one.is_default
    ):
        if test in done:
            continue
        group = next(one.group for one in base.accuracies if (one.test, one.diagnosis) == (test, name))
        word = (
            "done, side not stated"
            if test in judged.answered
            else "correlated with a test that was done"
            if group in groups
            else "not stated"
        )
        out.append((base.test(test), word))
    return tuple(out)


def _may_use(row: Accuracy, found: Differential) -> bool:
    """Whether a choice may rest on a figure; an assumed specificity may, and says so."""
    if not row.is_verified and not found.choices.takes_unverified:
        return False
    return not row.unused_words or row.specificity_assumed is not None


def _pairs(row: Accuracy) -> tuple[list[tuple[float, float]], tuple[str, ...]]:
    """Sensitivity and specificity to try, and what was assumed."""
    assumed = row.specificity_assumed
    if assumed is not None:
        n = row.n_with or 1
        sensitivity = row.sensitivity if row.sensitivity is not None else 0.5
        corrected = (sensitivity * n + 0.5) / (n + 1)
        said = (
            f"specificity {assumed.low:g} to {assumed.high:g} is assumed: none was published",
            f"sensitivity {corrected:.2f} from {sensitivity * n:g} of {n} people, half a person added",
        )
        return [(corrected, one) for one in (assumed.low, assumed.value, assumed.high)], said
    pair = point_accuracy(row)
    words = (f"sensitivity and specificity of {row.source}",)
    return ([] if pair is None else [pair]), words


def _prior_words(judged: Judged) -> Iterable[str]:
    """How the share before the test is known."""
    if len(judged.ends) > 1:
        low, high = (one.value for one in judged.ends)
        return (f"share before the test anywhere from {low:.2g} to {high:.2g}",)
    return (f"share before the test {judged.ends[0].value:.2g}",)

"""Does a stated share come true? People drawn from the model's own assumptions, and from broken ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ischio._check import Array
from ischio.evidence import Evidence, evidence
from ischio.evidence.rows import Accuracy
from ischio.record.odds import (
    N_DRAWS,
    Weight,
    Within,
    choose,
    interval_of,
    point_accuracy,
    posterior,
    posterior_draws,
    weight,
)
from ischio.record.outcomes import Outcome

SIGMAS = 4.0  # a share counted in people differs from the true one by less, 15,999 times of 16,000
FEWEST = 30  # people in a group whose share is counted


@dataclass(frozen=True, slots=True)
class Calibration:
    """Stated against counted shares for one diagnosis from one prior.

    Parameters
    ----------
    diagnosis : str
    prior : float
    tests : tuple of str
        One of each group that has a published accuracy.
    people : int
    largest_gap : float
        Largest difference of stated and counted share over all patterns of results.
    allowed : float
        What the count of people lets that difference be.
    overall_gap : float
        Difference of the mean stated share and the share of people with the diagnosis.
    coverage : float
        How often the true share lies in the stated 95 % interval, when the accuracy of each test is as
        uncertain as its study leaves it.
    """

    diagnosis: str
    prior: float
    tests: tuple[str, ...]
    people: int
    largest_gap: float
    allowed: float
    overall_gap: float
    coverage: float

    @property
    def is_calibrated(self) -> bool:
        """Whether every difference is one that chance explains."""
        return self.largest_gap <= self.allowed


def calibrate(people: int = 20_000, seed: int = 1, base: Evidence | None = None) -> tuple[Calibration, ...]:
    """Simulate people for every diagnosis that has tests, from each prior that is used.

    Parameters
    ----------
    people : int
        For each diagnosis and prior.
    seed : int
    base : Evidence, optional
        The packaged one by default.

    Returns
    -------
    tuple of Calibration
    """
    base = base or evidence()
    rng = np.random.Generator(np.random.PCG64(seed))
    out = []
    for one in base.diagnoses:
        rows = _one_of_each_group(base, one.id)
        priors = dict.fromkeys(
            [
                base.unknown_prior.low,
                *(row.share for row in base.priors if row.diagnosis == one.id and row.share),
                base.unknown_prior.high,
            ]
        )
        out += [_calibration(base, one.id, rows, prior, people, rng) for prior in priors if rows]
    return tuple(out)


def agreeing_tests(base: Evidence | None = None) -> dict[str, float]:
    """What multiplying two tests of one group would state, if they always agree.

    Returns
    -------
    dict
        ``true`` share after two positive tests of the diagnosis in question at the high end of the
        unknown prior, and what ``largest`` and ``product`` state.
    """
    base = base or evidence()
    row = next(one for one in base.accuracies if one.id == "acc_long_stride")
    prior = base.unknown_prior.high
    first = _weight(base, row, True)
    twin = replace(first, accuracy=replace(row, id=f"{row.id} again"))
    out = {"prior": prior, "true": posterior(prior, [first.ratio])}
    hows: tuple[Within, ...] = ("largest", "product")
    for how in hows:
        used, _ = choose([first, twin], within=how)
        out[how] = posterior(prior, (one.ratio for one in used))
    return out


def _one_of_each_group(base: Evidence, diagnosis: str) -> list[Accuracy]:
    """The first test of each group whose two results have a published weight."""
    rows: dict[str, Accuracy] = {}
    for row in base.accuracies:
        fits = row.diagnosis == diagnosis and row.is_default and row.is_verified and not row.unused_words
        if fits and _accuracy(row) is not None:
            rows.setdefault(row.group, row)
    return list(rows.values())


def _accuracy(row: Accuracy) -> tuple[float, float] | None:
    """Sensitivity and specificity that give exactly the likelihood ratios which are calculated with."""
    if row.lr_positive is not None and row.lr_negative is not None:
        return point_accuracy(replace(row, counts=None, sensitivity=None, specificity=None))
    return point_accuracy(row)


def _calibration(
    base: Evidence, diagnosis: str, rows: list[Accuracy], prior: float, people: int, rng: np.random.Generator
) -> Calibration:
    """Draw people, state a share for each pattern of results, and count."""
    pairs = [pair for row in rows if (pair := _accuracy(row)) is not None]
    has_it = rng.random(people) < prior
    results = [
        np.where(has_it, rng.random(people) < sens, rng.random(people) >= spec) for sens, spec in pairs
    ]
    gap, allowed, stated_sum, covered = 0.0, 0.0, 0.0, []
    worst = -1.0
    for pattern, weights in _patterns(base, rows):
        same = np.all([got == want for got, want in zip(results, pattern, strict=True)], axis=0)
        n = int(same.sum())
        stated = posterior(prior, (one.ratio for one in weights))
        stated_sum += n * stated
        covered.append((_covered(base, rows, pattern, prior, weights), n))
        if n < FEWEST:
            continue
        here = abs(stated - float(has_it[same].mean()))
        bound = SIGMAS * float(np.sqrt(stated * (1 - stated) / n)) + 1 / n
        if here / bound > worst:
            worst, gap, allowed = here / bound, here, bound
    total = sum(n for _, n in covered) or 1
    return Calibration(
        diagnosis,
        prior,
        tuple(row.test for row in rows),
        people,
        gap,
        allowed,
        abs(stated_sum / people - float(has_it.mean())),
        sum(share * n for share, n in covered) / total,
    )


def _patterns(base: Evidence, rows: list[Accuracy]) -> Iterator[tuple[tuple[bool, ...], tuple[Weight, ...]]]:
    """Every combination of results, with the weights that are multiplied for it."""
    for pattern in product((True, False), repeat=len(rows)):
        found = [_weight(base, row, is_positive) for row, is_positive in zip(rows, pattern, strict=True)]
        yield pattern, choose(found)[0]


def _weight(base: Evidence, row: Accuracy, is_positive: bool) -> Weight:
    """The weight of one simulated result."""
    outcome = Outcome(base.test(row.test), "none", is_positive, None, "simulated", ())
    found = weight(outcome, row, N_DRAWS)
    assert isinstance(found, Weight)  # only rows with both weights are simulated
    return found


def _covered(
    base: Evidence, rows: list[Accuracy], pattern: tuple[bool, ...], prior: float, weights: tuple[Weight, ...]
) -> float:
    """How often a true share, as uncertain as the studies leave it, lies in the stated interval."""
    truth = [
        _weight(base, replace(row, id=f"{row.id} as it is"), is_positive)
        for row, is_positive in zip(rows, pattern, strict=True)
    ]
    true: Array = posterior_draws(prior, truth)
    low, high = interval_of(posterior_draws(prior, weights))
    return float(((true >= low) & (true <= high)).mean())

"""How much a result weighs: likelihood ratios with their uncertainty, drawn and combined.

A ratio is drawn from the two-by-two table of its study: sensitivity and specificity from beta
distributions with half a person added to each cell (which also keeps every ratio above zero), or from
the printed interval. Each study has its own draws, found by its id, so the order of the evidence and
what else is in a record change nothing.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ischio._check import Array
from ischio.evidence.rows import Accuracy, Estimate
from ischio.record.outcomes import Outcome

Z_95 = 1.959964  # standard normal, 97.5 %
CORRECTION = 0.5  # of a person, in each cell of a table that has an empty one
SMALLEST_RATIO = 1e-9  # a draw of a beta distribution may round to zero
N_DRAWS = 20_000

Within = Literal["largest", "product"]


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """What one result weighs for one diagnosis.

    Parameters
    ----------
    outcome : Outcome
    accuracy : Accuracy
    ratio : float
        Likelihood ratio of this result, as printed or counted; corrected where a cell is empty.
    draws : array of shape (N,)
        Ratios drawn.
    """

    outcome: Outcome
    accuracy: Accuracy
    ratio: float
    draws: Array

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the central 95 % of the draws."""
        return interval_of(self.draws)


def interval_of(draws: Array) -> tuple[float, float]:
    """Ends of the central 95 % of draws."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def weight(outcome: Outcome, accuracy: Accuracy, n_draws: int = N_DRAWS) -> Weight | str:
    """Likelihood ratio of a result, or the reason why there is none.

    Parameters
    ----------
    outcome : Outcome
    accuracy : Accuracy
    n_draws : int

    Returns
    -------
    Weight or str
    """
    if accuracy.unused_words:
        return accuracy.unused_words
    printed = accuracy.lr_positive if outcome.is_positive else accuracy.lr_negative
    if printed is not None:
        return Weight(outcome, accuracy, printed.value, _ratio_draws(accuracy.id, printed, n_draws))
    pair = accuracy_draws(accuracy, n_draws)
    if pair is None:
        word = "positive" if outcome.is_positive else "negative"
        return f"neither counts nor an interval were seen for a {word} result"
    sensitivity, specificity = pair
    points = point_accuracy(accuracy)
    assert points is not None  # whatever can be drawn has a middle
    return Weight(
        outcome,
        accuracy,
        _ratio(outcome.is_positive, *points),
        np.maximum(_ratios(outcome.is_positive, sensitivity, specificity), SMALLEST_RATIO),
    )


def ratio_of(one: Weight, correction: float) -> float:
    """The ratio of a result with another correction of an empty cell."""
    points = point_accuracy(one.accuracy, correction)
    return one.ratio if points is None else _ratio(one.outcome.is_positive, *points)


def point_accuracy(accuracy: Accuracy, correction: float = CORRECTION) -> tuple[float, float] | None:
    """Sensitivity and specificity as printed or counted; corrected where they would be 0 or 1.

    Parameters
    ----------
    accuracy : Accuracy
    correction : float
        People added to each cell of a table that has an empty one.

    Returns
    -------
    tuple of float, or None
        None where a study gives neither, nor both likelihood ratios to derive them from. Shares that
        nobody can say the uncertainty of are not used.

    Examples
    --------
    >>> from ischio.evidence import evidence
    >>> rows = {one.id: one for one in evidence().accuracies}
    >>> [round(one, 3) for one in point_accuracy(rows["acc_ifi_test"])]
    [0.824, 0.846]
    >>> [round(one, 3) for one in point_accuracy(rows["acc_single_leg"])]  # no false negative: corrected
    [0.972, 0.961]
    """
    cells = _cells(accuracy)
    if cells is not None:
        tp, fn, fp, tn = cells if min(cells) > 0 else (cell + correction for cell in cells)
        return tp / (tp + fn), tn / (fp + tn)
    if accuracy.sensitivity_interval is not None and accuracy.specificity_interval is not None:
        return accuracy.sensitivity_interval.value, accuracy.specificity_interval.value
    if accuracy.lr_positive is not None and accuracy.lr_negative is not None:
        plus, minus = accuracy.lr_positive.value, accuracy.lr_negative.value
        if minus < 1 < plus:
            specificity = (plus - 1) / (plus - minus)
            return plus * (1 - specificity), specificity
    return None


def accuracy_draws(accuracy: Accuracy, n_draws: int) -> tuple[Array, Array] | None:
    """Draws of sensitivity and specificity; None where a study gives only ratios."""
    rng = _rng(accuracy.id)
    cells = _cells(accuracy)
    if cells is not None:
        tp, fn, fp, tn = (cell + CORRECTION for cell in cells)
        return rng.beta(tp, fn, n_draws), rng.beta(tn, fp, n_draws)
    sensitivity, specificity = accuracy.sensitivity_interval, accuracy.specificity_interval
    if sensitivity is None or specificity is None:
        return None
    return _share_draws(rng, sensitivity, n_draws), _share_draws(rng, specificity, n_draws)


def choose(
    weights: Sequence[Weight], *, within: Within = "largest", between: Within = "product"
) -> tuple[tuple[Weight, ...], tuple[tuple[Weight, str], ...]]:
    """Weights that are multiplied, and those that are not, each with the reason.

    Tests of one group see the same thing in the same people. Of those that point one way the strongest
    counts; one that points the other way counts against it. So agreement is not counted twice and
    disagreement is not hidden.

    Parameters
    ----------
    weights : sequence of Weight
    within : str
        "largest" (default), or "product" as if tests of a group were independent.
    between : str
        "product" (default), or "largest" as if all groups saw the same thing.

    Returns
    -------
    used : tuple of Weight
    not_used : tuple of (Weight, str)
    """
    used, rest = list(weights), []
    for how, is_by_group in ((within, True), (between, False)):
        if how == "product":
            continue
        kept: list[Weight] = []
        for group in dict.fromkeys(one.accuracy.group if is_by_group else "" for one in used):
            for up in (True, False):
                here = [one for one in used if one.accuracy.group == group or not is_by_group]
                same = [one for one in here if (one.ratio >= 1) == up]
                same.sort(key=lambda one: (-abs(math.log(one.ratio)), one.accuracy.id))
                kept += same[:1]
                rest += [(one, f"correlated with {same[0].outcome.test.words}") for one in same[1:]]
        used = kept
    return tuple(sorted(used, key=lambda one: one.accuracy.id)), tuple(rest)


def log_odds(share: float) -> float:
    """Log odds of a share.

    Examples
    --------
    >>> log_odds(0.5)
    0.0
    """
    return math.log(share / (1 - share))


def share_of(odds_log: float) -> float:
    """Share of log odds; the inverse of ``log_odds``."""
    return 1 / (1 + math.exp(-odds_log)) if odds_log >= 0 else math.exp(odds_log) / (1 + math.exp(odds_log))


def posterior(prior: float, ratios: Iterable[float]) -> float:
    """Share after evidence: prior odds times every ratio.

    Parameters
    ----------
    prior : float
        Share, strictly between 0 and 1.
    ratios : iterable of float

    Examples
    --------
    >>> round(posterior(0.18, [4.0]), 6)  # 0.72 / (0.72 + 0.82)
    0.467532
    """
    # Sorted, so that not even rounding depends on the order of the evidence.
    return share_of(log_odds(prior) + math.fsum(math.log(one) for one in ratios))


def posterior_draws(prior: Array | float, weights: Sequence[Weight], n_draws: int = N_DRAWS) -> Array:
    """Draws of the share after evidence.

    Parameters
    ----------
    prior : array of shape (N,), or float
    weights : sequence of Weight
        As ``choose`` gives them: ordered by id.
    n_draws : int
    """
    prior = np.full(n_draws, prior) if isinstance(prior, float) else prior
    total = np.log(prior) - np.log1p(-prior)
    for one in weights:
        total = total + np.log(one.draws)
    return np.asarray(1 / (1 + np.exp(-np.clip(total, -700, 700))), dtype=np.float64)


def prior_draws(row_id: str, events: float, n: int, n_draws: int = N_DRAWS) -> Array:
    """Draws of a share from people counted.

    Parameters
    ----------
    row_id : str
        Gives the draws their own stream.
    events : float
    n : int
    n_draws : int
    """
    found = _rng(row_id).beta(events + CORRECTION, n - events + CORRECTION, n_draws)
    return np.clip(found, SMALLEST_RATIO, 1 - SMALLEST_RATIO)


def _cells(accuracy: Accuracy) -> tuple[float, float, float, float] | None:
    """The two-by-two table, also where it is given as shares of people."""
    if accuracy.counts is not None:
        one = accuracy.counts
        return float(one.tp), float(one.fn), float(one.fp), float(one.tn)
    sens, spec, n_with, n_without = (
        accuracy.sensitivity,
        accuracy.specificity,
        accuracy.n_with,
        accuracy.n_without,
    )
    if sens is None or spec is None or n_with is None or n_without is None:
        return None
    return sens * n_with, (1 - sens) * n_with, (1 - spec) * n_without, spec * n_without


def _ratio(is_positive: bool, sensitivity: float, specificity: float) -> float:
    """Likelihood ratio of a result."""
    return sensitivity / (1 - specificity) if is_positive else (1 - sensitivity) / specificity


def _ratios(is_positive: bool, sensitivity: Array, specificity: Array) -> Array:
    """Likelihood ratios of draws; what rounds to zero or to no end is held off it."""
    above, below = (sensitivity, 1 - specificity) if is_positive else (1 - sensitivity, specificity)
    return np.asarray(above / np.maximum(below, SMALLEST_RATIO), dtype=np.float64)


def _ratio_draws(row_id: str, printed: Estimate, n_draws: int) -> Array:
    """Ratios from a printed interval: normal in the logarithm, about the printed value."""
    sd = math.log(printed.high / printed.low) / (2 * Z_95)
    drawn = printed.value * np.exp(sd * _rng(row_id).standard_normal(n_draws))
    return np.maximum(drawn, SMALLEST_RATIO)


def _share_draws(rng: np.random.Generator, printed: Estimate, n_draws: int) -> Array:
    """Shares from a printed interval: normal in the log odds, about the printed value."""
    sd = (log_odds(printed.high) - log_odds(printed.low)) / (2 * Z_95)
    drawn = log_odds(printed.value) + sd * rng.standard_normal(n_draws)
    return np.asarray(1 / (1 + np.exp(-drawn)), dtype=np.float64)


def _rng(row_id: str) -> np.random.Generator:
    """The stream of random numbers of one row."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(row_id.encode())))

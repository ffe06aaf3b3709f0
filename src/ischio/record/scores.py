"""Totals from items, items' totals from published scores, and what cannot be known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ischio._check import complaint
from ischio.record.instruments import MHHS_CAP, MHHS_FACTOR, Scale, scale_of, scales_of

_EPSILON = 1e-9  # binary fractions of a tenth; totals are printed with two decimals at most


@dataclass(frozen=True, slots=True)
class Raw:
    """Points behind a total: how many of how many, over how many answered items."""

    raw: float
    raw_max: float
    n_answered: int


@dataclass(frozen=True, slots=True)
class Scored:
    """A total with what it came from; ``value`` is None together with a ``reason``.

    Parameters
    ----------
    value : float or None
    raw : Raw or None
        Points; None where the total does not tell them.
    alternatives : tuple of Raw
        Other points that print the same total.
    is_valid : bool
        False where too few items were answered.
    reason : str or None
    assumption : str or None
        What was assumed to choose ``raw`` among alternatives.
    """

    value: float | None
    raw: Raw | None
    alternatives: tuple[Raw, ...]
    is_valid: bool
    reason: str | None
    assumption: str | None = None

    @property
    def is_unique(self) -> bool:
        """Whether the points follow from what was given, without an assumption."""
        return self.raw is not None and not self.alternatives


def score_items(scale: Scale, answers: Mapping[str, float | None]) -> Scored:
    """Total of answered items.

    Parameters
    ----------
    scale : Scale
    answers : mapping of str to float or None
        Points by item key; None and absent keys are missing answers. Order does not matter.

    Returns
    -------
    Scored

    Raises
    ------
    ValueError
        If an item is of another scale, or an answer cannot have these points.

    Examples
    --------
    >>> from ischio.record.instruments import scale_of
    >>> odi = scale_of("ODI", None)
    >>> score_items(odi, {f"odi_{i:02}": 3 for i in range(1, 10)}).value
    60.0
    """
    by_key = {item.key: item for item in scale.items}
    for key, answer in answers.items():
        if key not in by_key:
            raise ValueError(
                complaint(
                    scale.name,
                    f"item {key!r}",
                    f"items such as {next(iter(by_key), None)!r}",
                    "Check the instrument.",
                )
            )
        if answer is not None and not by_key[key].allows(answer):
            raise ValueError(complaint(key, answer, by_key[key].points, "Enter the points of the answer."))
    given = {item.key: answers.get(item.key) for item in scale.scored}
    points = [(value, by_key[key].points[-1]) for key, value in given.items() if value is not None]
    raw = Raw(math.fsum(value for value, _ in points), math.fsum(most for _, most in points), len(points))
    is_valid = raw.n_answered >= scale.min_answered
    reason = None
    if not is_valid:
        reason = f"{raw.n_answered} of {len(given)} items answered, {scale.min_answered} needed"
    if scale.rule == "mean_of_scales":
        return _mean_of_scales(scale, answers)
    if raw.n_answered == 0 or not (is_valid or scale.keeps_invalid):
        return Scored(None, None, (), is_valid=False, reason=reason)
    return Scored(_total(scale, raw), raw, (), is_valid, reason)


def decode_total(scale: Scale, value: float) -> Scored:
    """Points that a published total was made of, where it tells.

    Parameters
    ----------
    scale : Scale
    value : float
        As printed; its own decimals say how it was rounded.

    Returns
    -------
    Scored
        With complete answers preferred and the alternatives kept. Sums of equally many answers never print
        the same total: one point is more than 1 % on every scale that is decoded.

    Examples
    --------
    >>> from ischio.record.instruments import scale_of
    >>> decode_total(scale_of("mHHS", None), 95.7).raw
    Raw(raw=87, raw_max=91, n_answered=8)
    >>> decode_total(scale_of("ODI", None), 56).alternatives
    (Raw(raw=25, raw_max=45, n_answered=9),)
    """
    if not scale.low <= value <= scale.high:
        raise ValueError(complaint(scale.name, value, f"{scale.low:g} to {scale.high:g}", "Check the score."))
    if scale.rule == "as_marked":
        return Scored(value, Raw(value, scale.high, 1), (), is_valid=True, reason=None)
    if scale.rule == "mean_of_scales" or scale.items[0].is_continuous:
        return Scored(value, None, (), is_valid=True, reason="a mean does not tell its items")
    half = 0.5 * 10.0 ** -_decimals(value) + _EPSILON
    fits = [raw for raw, total in _reachable(scale) if abs(total - value) <= half]
    if not fits:
        return Scored(value, None, (), is_valid=True, reason=_misfit(scale, value, half))
    n_items = len(scale.scored)
    first, rest = fits[0], tuple(fits[1:])
    if not rest:
        return Scored(value, first, (), is_valid=True, reason=None)
    assumption = f"{first.n_answered} of {n_items} items answered"
    return Scored(value, first, rest, is_valid=True, reason=None, assumption=assumption)


@cache
def n_profiles(scale: Scale) -> Mapping[int, int]:
    """How many sets of complete answers give each sum of points.

    Examples
    --------
    >>> from ischio.record.instruments import scale_of
    >>> n_profiles(scale_of("mHHS", None))[87]
    10
    """
    ways = {0: 1}
    for item in scale.scored:
        grown: dict[int, int] = {}
        for total, count in ways.items():
            for points in item.points:
                grown[total + int(points)] = grown.get(total + int(points), 0) + count
        ways = grown
    return ways


def _mean_of_scales(scale: Scale, answers: Mapping[str, float | None]) -> Scored:
    """Mean of the instrument's other scales, each by its own rule; points of a mean mean nothing."""
    values = []
    for name in scales_of(scale.instrument):
        if name == scale.scale:
            continue
        part = scale_of(scale.instrument, name)
        keys = {item.key for item in part.items}
        one = score_items(part, {key: value for key, value in answers.items() if key in keys})
        if one.value is None:
            return Scored(None, None, (), is_valid=False, reason=f"{part.name}: {one.reason}")
        values.append(one.value)
    return Scored(math.fsum(values) / len(values), None, (), is_valid=True, reason=None)


def _total(scale: Scale, raw: Raw) -> float:
    """Total of points, by the rule of the scale."""
    if scale.rule == "mhhs":
        return min(MHHS_CAP, round(MHHS_FACTOR * raw.raw, 10))
    if scale.rule == "as_marked":
        return raw.raw
    percent = 100.0 * raw.raw / raw.raw_max
    return 100.0 - percent if scale.rule == "percent_reversed" else percent


@cache
def _reachable(scale: Scale) -> tuple[tuple[Raw, float], ...]:
    """Every sum of points that answers can have with its total, complete answers first."""
    n_items = len(scale.scored)
    if scale.rule == "mhhs":
        most = int(sum(item.points[-1] for item in scale.scored))
        sums = [Raw(total, most, n_items) for total in sorted(n_profiles(scale))]
        return tuple((raw, _total(scale, raw)) for raw in sums)
    most = int(scale.scored[0].points[-1])
    counts = range(n_items, scale.min_answered - 1, -1)
    sums = [Raw(total, most * n, n) for n in counts for total in range(most * n + 1)]
    return tuple((raw, _total(scale, raw)) for raw in sums)


def _misfit(scale: Scale, value: float, half: float) -> str:
    """Why no sum of points gives a total."""
    if scale.rule == "mhhs":
        other = [
            raw.raw for raw, _ in _reachable(scale) if abs(100.0 * raw.raw / raw.raw_max - value) <= half
        ]
        if other:
            return f"no sum x 1.1 gives it; {other[0]} x 100/91 would, which is not the published rule"
    return "no sum of points gives this total"


def _decimals(value: float) -> int:
    """Decimals a number was printed with; a whole number counts as printed without."""
    return 0 if value == int(value) else len(repr(float(value)).partition(".")[2])

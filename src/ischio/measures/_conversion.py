"""Femoral version by one method, said as by another: labelled, with its uncertainty, or refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ischio._check import InputError, complaint, one_of
from ischio.evidence import evidence
from ischio.evidence.rows import Band
from ischio.types import Measurement

_PREFIX = "femoral_version_"
_SAME_HIPS = "Schmaranzer et al. 2019, Clin Orthop"  # means of four methods on the same hips
_SEEN = "Four methods compared, 100 hip-preservation patients"  # Lee and Murphy, read in an abstract

VERSION_METHODS: tuple[str, ...] = ("lee", "reikeras", "tomczak", "murphy")
"""Methods that can be converted into each other."""


def conversion_sigma_deg() -> float:
    """One standard deviation of a person about the mean difference of two methods.

    Follows from the spread of one method and the correlation of two.

    Examples
    --------
    >>> round(conversion_sigma_deg(), 1)
    7.0
    """
    correlation = evidence().figure("version_methods_correlation").value or 0.0
    spread: float = _band("lee", _SAME_HIPS).sd or 0.0
    return spread * math.sqrt(2 * (1 - correlation))


def _band(method: str, source: str) -> Band:
    """What a source says of a method."""
    name = f"{_PREFIX}{method}"
    return next(one for one in evidence().bands if (one.measure, one.source) == (name, source))


def _mean(method: str, source: str) -> float:
    """Mean of a method in a source."""
    return _band(method, source).mean or 0.0


@dataclass(frozen=True, slots=True)
class Converted:
    """A version as another method would read it on average, and what to say of that.

    Parameters
    ----------
    value_deg, sigma_deg : float
    label : str
        Must be printed beside the value.
    """

    value_deg: float
    sigma_deg: float
    label: str


def convert_version(
    value_deg: float, *, measured_by: str, as_by: str, sigma_deg: float | None = None
) -> Converted:
    """Say a femoral version as another method would read it on average.

    Parameters
    ----------
    value_deg : float
    measured_by, as_by : str
        Two of ``VERSION_METHODS``.
    sigma_deg : float, optional
        Of the value.

    Returns
    -------
    Converted
        Its sigma holds what people differ by from the mean difference of the methods; that grows with
        version and neck-shaft angle and is larger for unusual femora.

    Raises
    ------
    ValueError
        If a method is not known or both are one.

    Examples
    --------
    >>> out = convert_version(16.0, measured_by="reikeras", as_by="murphy", sigma_deg=3.0)
    >>> round(out.value_deg, 1), round(out.sigma_deg, 1)
    (29.0, 7.6)
    """
    one_of(measured_by, VERSION_METHODS, "measured_by")
    one_of(as_by, VERSION_METHODS, "as_by")
    if measured_by == as_by:
        raise ValueError(complaint("as_by", repr(as_by), "another method", "There is nothing to convert."))
    verified = {measured_by, as_by} == {"lee", "murphy"}
    means = [_mean(method, _SEEN if verified else _SAME_HIPS) for method in (measured_by, as_by)]
    step, sign = abs(means[1] - means[0]), 1.0 if means[1] > means[0] else -1.0
    sigma = ((sigma_deg or 0.0) ** 2 + conversion_sigma_deg() ** 2) ** 0.5
    source = "100 hip-preservation patients" if verified else "Schmaranzer 2019, unverified"
    label = (
        f"converted from {measured_by.capitalize()} to {as_by.capitalize()} by the mean difference of the "
        f"methods ({sign * step:+.1f} degrees, {source}); not measured"
    )
    return Converted(value_deg + sign * step, sigma, label)


def version_difference(first: Measurement, second: Measurement, *, convert: bool = False) -> Converted:
    """First femoral version minus second; of two methods only after a labelled conversion.

    Parameters
    ----------
    first, second : Measurement
    convert : bool
        Say the second as by the first's method before it is subtracted.

    Returns
    -------
    Converted

    Raises
    ------
    InputError
        If one of them has no value or is no femoral version, or the methods differ and ``convert`` is
        not set.
    """
    for one in (first, second):
        if not one.name.startswith(_PREFIX) or one.value is None:
            raise InputError(
                complaint(
                    one.name, f"value {one.value}", "a measured femoral version", "Choose two of these."
                )
            )
    assert first.value is not None  # just checked
    assert second.value is not None
    own = [one.sigma or 0.0 for one in (first, second)]
    if first.name == second.name:
        sigma = (own[0] ** 2 + own[1] ** 2) ** 0.5
        return Converted(first.value - second.value, sigma, f"both by {first.name}")
    if not convert:
        raise InputError(
            complaint(
                "difference of femoral versions",
                f"{first.name} and {second.name}",
                "one method",
                "Methods differ by up to 20 degrees on one femur: measure both alike, or ask for a "
                "conversion.",
            )
        )
    names = [one.name.removeprefix(_PREFIX) for one in (first, second)]
    for name in names:
        if name not in VERSION_METHODS:
            raise InputError(
                complaint(name, "no published conversion", f"one of {list(VERSION_METHODS)}", "Measure it.")
            )
    moved = convert_version(second.value, measured_by=names[1], as_by=names[0], sigma_deg=own[1])
    sigma = (own[0] ** 2 + moved.sigma_deg**2) ** 0.5
    return Converted(first.value - moved.value_deg, sigma, f"second {moved.label}")

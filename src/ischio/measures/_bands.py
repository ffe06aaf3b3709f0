"""Published values of people, and a measurement beside them: compared in words, never judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ischio.evidence import evidence
from ischio.evidence.rows import MARK_WORDS, Band
from ischio.types import Measurement, Pelvis, Pose, Side

STANDING_TOLERANCE_DEG = 5.0
"""How far a pose may be from standing-like for a band of a gap."""
FILM_TOLERANCE_DEG = 2.0
"""How far a value in the scanner's directions may be from that in the pelvis's for bands of films."""
ADULT_YEARS = 18.0

_STANDING = "standing-like"


def is_standing_like(poses: Iterable[Pose]) -> bool:
    """Whether bones lie within ``STANDING_TOLERANCE_DEG`` of standing-like.

    Examples
    --------
    >>> is_standing_like([Pose(3.0, 1.0, -4.0, "app", "pca")]), is_standing_like([])
    (True, False)
    """
    pose = next((one for one in poses if (one.pelvic_zero, one.rotation_zero) == ("app", "pca")), None)
    if pose is None:
        return False
    angles = (pose.flexion_deg, pose.adduction_deg, pose.internal_rotation_deg)
    return all(abs(angle) <= STANDING_TOLERANCE_DEG for angle in angles)


def with_bands(
    rows: Iterable[Measurement], pelvis: Pelvis, *, sex: str | None, age_years: float | None
) -> tuple[Measurement, ...]:
    """Measurements with every published band that there is, or why it is not shown.

    Parameters
    ----------
    rows : iterable of Measurement
    pelvis : Pelvis
        Tells the poses.
    sex : str or None
        "f" or "m"; without it the bands of both are shown.
    age_years : float or None

    Returns
    -------
    tuple of Measurement
        In order. ``comparisons`` holds a mapping for each band with ``shown``, ``words`` and every figure.
    """
    return tuple(
        row if row.value is None else replace(row, comparisons=tuple(_beside(row, pelvis, sex, age_years)))
        for row in rows
    )


def _beside(
    row: Measurement, pelvis: Pelvis, sex: str | None, age_years: float | None
) -> Iterable[Mapping[str, Any]]:
    """Each band of a measure beside its value."""
    for band in evidence().bands:
        if band.measure != row.name or (sex is not None and band.sex not in (None, sex)):
            continue
        why_not = _not_comparable(row, band, pelvis, age_years)
        mean = band.mean
        if mean is not None and band.per_year and age_years is not None:
            mean = mean + band.per_year * age_years
        yield {
            "source": band.source,
            "population": band.population,
            "n": band.n,
            "sex": band.sex,
            "ages": None if band.ages is None else list(band.ages),
            "mean": mean,
            "sd": band.sd,
            "low": band.low,
            "high": band.high,
            "range_is": band.range_is,
            "modality": band.modality,
            "mark": band.mark,
            "mark_means": MARK_WORDS[band.mark],
            "note": band.note,
            "shown": why_not is None,
            "words": why_not or _words(row, band, mean),
        }


def _not_comparable(row: Measurement, band: Band, pelvis: Pelvis, age_years: float | None) -> str | None:
    """Why a band cannot stand beside a value, or None."""
    if band.per_year and age_years is None:
        return "not compared: it is for children, and no age is known"
    if age_years is not None:
        low, high = band.ages or (ADULT_YEARS, 150.0)
        if not low <= age_years <= high:
            covered = f"{low:g} to {high:g} years" if band.ages else "adults"
            return f"not compared: the source is of {covered}"
    if band.pose == _STANDING:
        if row.posture == "model":
            return "not compared: the model's posture is no posture of a person"
        hip = None if row.side is None else getattr(pelvis, Side(row.side).value)
        if hip is None or not is_standing_like(hip.poses):
            limit = f"{STANDING_TOLERANCE_DEG:g} degrees"
            return f"not compared: the bones do not lie within {limit} of standing-like"
    if band.pose == "film":
        if any(hip.posture == "model" for hip in pelvis.hips):
            return "not compared: the model's posture is no posture of a person"
        supplied = row.detail.get("as_supplied_deg")
        if row.value is None or supplied is None:
            return "not compared: the source follows the pelvis's own tilt, which is not known here"
        if abs(supplied - row.value) > FILM_TOLERANCE_DEG:
            there = f"{supplied:.1f} degrees"
            return f"not compared: the source follows the pelvis's own tilt, in which this is {there}"
    return None


def _words(row: Measurement, band: Band, mean: float | None) -> str:
    """Where a value lies, in words."""
    assert row.value is not None  # rows without a value have no bands
    out = []
    if mean is not None and band.sd is not None:
        z = (row.value - mean) / band.sd
        side = "above" if z >= 0 else "below"
        out.append(f"{abs(z):.1f} SD {side} the mean")
    elif mean is not None:
        middle = "median" if "median" in band.note else "mean"
        out.append(f"{abs(row.value - mean):.1f} {'above' if row.value >= mean else 'below'} the {middle}")
    if band.low is not None or band.high is not None:
        if band.low is not None and row.value < band.low:
            where = "below"
        elif band.high is not None and row.value > band.high:
            where = "above"
        else:
            where = "within"
        out.append(f"{where} the {band.range_is}")
    return "; ".join(out)

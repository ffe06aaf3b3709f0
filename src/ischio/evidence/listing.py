"""The evidence base as a list: what the command prints and the reference page shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ischio._check import InputError, complaint
from ischio.evidence._base import ROWS, Evidence
from ischio.evidence.rows import MARK_WORDS, Accuracy, Band, Figure, Prior, Row, Threshold


def evidence_rows(
    base: Evidence, *, kind: str | None = None, mark: str | None = None, about: str | None = None
) -> list[dict[str, Any]]:
    """Every figure as one row of plain values.

    Parameters
    ----------
    base : Evidence
    kind : str, optional
        One list: "priors", "accuracies", "thresholds", "bands" or "figures".
    mark : str, optional
        One mark of evidence.
    about : str, optional
        A word in the id, the name, the source or the population.

    Returns
    -------
    list of dict
        Keys ``kind``, ``id``, ``what``, ``figure``, ``interval``, ``unit``, ``n``, ``n_words``,
        ``population``, ``source``, ``mark``, ``mark_words``, ``used`` and ``note``.

    Raises
    ------
    InputError
        If there is no such kind or mark.
    """
    for name, given, known in (("kind", kind, ROWS), ("mark", mark, tuple(MARK_WORDS))):
        if given is not None and given not in known:
            do = "Leave it out for all."
            raise InputError(complaint(f"--{name}", repr(given), f"one of {', '.join(known)}", do))
    rows = [_row(name, row, base) for name, row in base.rows() if kind in (None, name)]
    found = [row for row in rows if mark in (None, row["mark"])]
    if about is not None:
        keys = ("id", "what", "source", "population")
        found = [row for row in found if any(about.lower() in row[key].lower() for key in keys)]
    return found


def _row(kind: str, row: Row, base: Evidence) -> dict[str, Any]:
    """One figure."""
    what, figure, interval, unit, used = _figure(row, base)
    return {
        "kind": kind,
        "id": row.id,
        "what": what,
        "figure": figure,
        "interval": interval,
        "unit": unit,
        "n": row.n,
        "n_words": row.n_words,
        "population": row.population,
        "source": row.source,
        "mark": row.mark,
        "mark_words": MARK_WORDS[row.mark],
        "used": used,
        "note": row.note,
    }


def _figure(row: Row, base: Evidence) -> tuple[str, str, str, str, str]:
    """Name, figure, interval, unit and use of a row."""
    used = "calculated with" if row.is_verified else "not calculated with: unverified"
    if isinstance(row, Prior):
        what = f"prior of {base.diagnosis(row.diagnosis).words}, {row.setting}"
        share = row.share if row.share is not None else row.value
        figure = "" if share is None else f"{share:.3g}"
        interval = "" if row.low is None or row.high is None else f"{row.low:g} to {row.high:g}"
        if row.share is None and row.low is None:
            used = "not calculated with: no number of people"
        return what, figure, interval, "share", used
    if isinstance(row, Accuracy):
        what = f"{base.test(row.test).words}, for {base.diagnosis(row.diagnosis).words}"
        if row.unused_words:
            used = f"not calculated with: {row.unused_words}"
        elif not row.is_default:
            used = "for comparison"
        return what, "; ".join(_accuracy(row)), "; ".join(_intervals(row)), "1", used
    if isinstance(row, Threshold):
        scale = f" {row.scale}" if row.scale else ""
        what = f"{row.kind} of {row.instrument}{scale}, {row.horizon}"
        shown = "counted" if row.is_seen else "shown, not counted"
        return what, f"{row.value:g}", "", row.basis.replace("_", " "), shown
    if isinstance(row, Band):
        sex = {"f": ", women", "m": ", men"}.get(row.sex or "", "")
        ends = " to ".join(f"{one:g}" for one in (row.low, row.high) if one is not None)
        spread = "" if row.sd is None else f"SD {row.sd:g}"
        middle = "" if row.mean is None else f"{row.mean:g}"
        interval = "; ".join(one for one in (f"{ends} {row.range_is}".strip(), spread) if one)
        return f"{row.measure.replace('_', ' ')}{sex}, {row.modality}", middle, interval, "", "shown beside"
    assert isinstance(row, Figure)  # the last kind of rows
    figure = "" if row.value is None else f"{row.value:g}"
    ends = "" if row.low is None or row.high is None else f"{row.low:g} to {row.high:g}"
    spread = "" if row.sd is None else f"SD {row.sd:g}"
    return row.what, figure, "; ".join(one for one in (ends, spread) if one), row.unit, used


def _accuracy(row: Accuracy) -> Iterator[str]:
    """Figures of an accuracy."""
    if row.counts is not None:
        one = row.counts
        yield f"{one.tp}/{one.tp + one.fn} and {one.tn}/{one.fp + one.tn}"
    for name, value in (("sensitivity", row.sensitivity), ("specificity", row.specificity)):
        if value is not None:
            yield f"{name} {value:g}"
    for name, estimate, bare in (
        ("LR+", row.lr_positive, row.lr_positive_value),
        ("LR-", row.lr_negative, row.lr_negative_value),
    ):
        value = bare if estimate is None else estimate.value
        if value is not None:
            yield f"{name} {value:g}"


def _intervals(row: Accuracy) -> Iterator[str]:
    """Intervals of an accuracy, as printed or assumed."""
    for name, one in (
        ("sensitivity", row.sensitivity_interval),
        ("specificity", row.specificity_interval),
        ("LR+", row.lr_positive),
        ("LR-", row.lr_negative),
        ("specificity assumed", row.specificity_assumed),
    ):
        if one is not None:
            yield f"{name} {one.low:g} to {one.high:g}"

"""Everything a clinic letter says of a record, in the order it has, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ischio.evidence import Evidence
from ischio.record.case import Case
from ischio.record.differential import Choices
from ischio.record.instruments import scale_of
from ischio.record.judgement import differential_dict, reasons_dict
from ischio.record.summary import summary_dict


def letter_dict(
    case: Case,
    choices: Choices | None = None,
    base: Evidence | None = None,
    measured: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The record, its scores and timeline, the differential and the reasons not to operate.

    Parameters
    ----------
    case : Case
    choices : Choices, optional
    base : Evidence, optional
        The packaged one by default.
    measured : iterable of mapping, optional
        ``measurements`` of a study of the same person; reasons not to operate look at them.

    Returns
    -------
    dict
        The keys of ``summary_dict``, and ``differential`` and ``reasons_not_to_operate``.
    """
    return {
        **summary_dict(case),
        "differential": differential_dict(case, choices, base),
        "reasons_not_to_operate": reasons_dict(case, base, measured)["reasons"],
    }


def plain_letter(found: dict[str, Any]) -> dict[str, Any]:
    """What a person's own page tells, as words without figures.

    Parameters
    ----------
    found : dict
        As ``letter_dict`` gives it.

    Returns
    -------
    dict
        ``possible``: what facts speak for; ``unlikely``: what facts only speak against; ``scores``: each
        with a word; ``next``: tests in plain words; ``is_stopped``: whether a red flag stands.
    """
    rows = found["differential"]["diagnoses"]
    possible = list(dict.fromkeys(row["plain"] for row in rows if row["is_listed"]))
    against = list(dict.fromkeys(row["plain"] for row in rows if row["against"]))
    asked = found["differential"]["next_test"]
    tests = [] if asked is None else [asked]
    tests += [row["next_test"] for row in rows if row["is_listed"] and row["next_test"] is not None]
    return {
        "case_id": found["case_id"],
        "record": found["record"],
        "possible": possible,
        "unlikely": [name for name in against if name not in possible],
        "next": list(dict.fromkeys(one["plain"] for one in tests)),
        "scores": [_score_word(row) for row in found["changes"]],
        "is_stopped": any(one["verdict"] == "stop" for one in found["red_flags"]),
    }


def _score_word(row: dict[str, Any]) -> dict[str, str]:
    """A change of a score as a word, by the smallest changes that were published for it."""
    best = scale_of(row["instrument"], row["scale"]).best
    worse = row["change"] * (1 if best == "high" else -1) < 0
    seen = [one for one in row["thresholds"] if one["kind"] == "MCID" and not one["unverified"]]
    met = [one["met"] for one in seen]
    if row["change"] == 0:
        word = "the same as before"
    elif worse:
        word = "worse than before"
    elif met and all(met):
        word = "clearly better than before"
    elif any(met):
        word = "better than before; how much that matters is judged differently"
    else:
        word = "a little better than before"
    return {"instrument": row["instrument"], "side": row["side"], "word": word}

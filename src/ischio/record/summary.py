"""A record as plain values: what the commands print and the report shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ischio.record.case import Case
from ischio.record.conflicts import Conflict, conflicts, remarks
from ischio.record.door import plain_case
from ischio.record.facts import label
from ischio.record.instruments import scale_of
from ischio.record.red_flags import notices, red_flags
from ischio.record.scores import Raw, n_profiles
from ischio.record.thresholds import WORDS, Verdict, verdicts
from ischio.record.timeline import Change, TimedScore, changes, events, in_force, timed_scores

_DECIMALS = 2  # totals are printed with one; a percentage needs no more


def score_dict(case: Case) -> dict[str, Any]:
    """Scores, changes and thresholds as plain values.

    Returns
    -------
    dict
        ``scores`` holds a row for each score: ``unique`` says whether the points follow from the total
        without an assumption. ``changes`` holds first and last total of each side with every published
        threshold.
    """
    timed = timed_scores(case)
    return {
        "case_id": case.case_id,
        "scores": [_score(one) for one in timed],
        "changes": [_change(one) for one in changes(timed)],
    }


def check_dict(case: Case) -> dict[str, Any]:
    """Conflicts, remarks, red flags and notices as plain values."""
    return {
        "case_id": case.case_id,
        "conflicts": [_conflict(one) for one in conflicts(case)],
        "remarks": [_conflict(one) for one in remarks(case)],
        "red_flags": [
            {"name": one.name, "verdict": one.verdict, "reason": one.reason, "places": list(one.places)}
            for one in red_flags(case)
        ],
        "notices": list(notices(case)),
    }


def timeline_dict(case: Case, at_months: float | None = None) -> dict[str, Any]:
    """Events in order as plain values, with the rules that hold at a time where one is asked for.

    Parameters
    ----------
    case : Case
    at_months : float, optional
        Months from the record's zero.
    """
    out: dict[str, Any] = {
        "case_id": case.case_id,
        "zero": None if case.zero is None else case.zero.words,
        "events": [
            {
                "kind": one.kind,
                "what": one.what,
                "side": one.side,
                "offset_months": one.offset_months,
                "own_months": one.own_months,
                "when": one.words,
                "detail": one.detail,
                "approximate": one.is_approximate,
                "places": list(one.places),
            }
            for one in events(case)
        ],
        "follow_up_due": _due(case),
    }
    if at_months is not None:
        out["at_months"] = at_months
        out["in_force"] = [
            {"what": label(rule), "rule": rule.rule, "side": side, "verdict": verdict}
            for rule, side, verdict in in_force(case, at_months)
        ]
    return out


def summary_dict(case: Case) -> dict[str, Any]:
    """The record and all that follows from it, as plain values; places of files stay out."""
    return {
        "case_id": case.case_id,
        "record": {key: value for key, value in plain_case(case).items() if key != "inputs"},
        **{key: value for key, value in score_dict(case).items() if key != "case_id"},
        **{key: value for key, value in check_dict(case).items() if key != "case_id"},
        "timeline": timeline_dict(case),
    }


def _score(one: TimedScore) -> dict[str, Any]:
    """One score as plain values."""
    score, scored = one.score, one.scored
    scale = scale_of(score.instrument, score.scale)
    raw = scored.raw
    out = {
        "instrument": score.instrument,
        "scale": score.scale,
        "side": score.side,
        "offset_months": one.offset_months,
        "when": one.words,
        "value": None if scored.value is None else round(scored.value, _DECIMALS),
        "unit": scale.unit,
        "better": scale.best,
        "raw": None if raw is None else _whole(raw.raw),
        "raw_max": None if raw is None else _whole(raw.raw_max),
        "unique": scored.is_unique,
        "alternatives": [_points(raw) for raw in scored.alternatives],
        "assumption": scored.assumption,
        "valid": scored.is_valid,
        "reason": scored.reason,
        "from": "items" if score.items else "total",
        "missing_rule": scale.words,
        "places": [place.words for place in score.sources],
    }
    if scale.rule == "mhhs" and raw is not None:
        out["n_item_profiles"] = 1 if score.items else n_profiles(scale)[int(raw.raw)]
    return out


def _change(one: Change) -> dict[str, Any]:
    """One change as plain values, beside every published threshold."""
    score = one.before.score
    before, after = one.before.scored.value, one.after.scored.value
    assert before is not None
    assert after is not None
    found = verdicts(score.instrument, score.scale, before, after)
    return {
        "instrument": score.instrument,
        "scale": score.scale,
        "side": score.side,
        "from": round(before, _DECIMALS),
        "to": round(after, _DECIMALS),
        "change": round(one.points, _DECIMALS),
        "percent_of_baseline": None
        if one.percent_of_baseline is None
        else round(one.percent_of_baseline, _DECIMALS),
        "from_when": one.before.words,
        "to_when": one.after.words,
        "thresholds": [_verdict(each) for each in found],
        "agreement": {
            kind: text
            for kind in WORDS
            if (text := _agreement([each for each in found if each.threshold.kind == kind]))
        },
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    """A threshold and whether it is met."""
    row = one.threshold
    return {
        "kind": row.kind,
        "value": row.value,
        "basis": row.basis,
        "met": one.met,
        "met_before": one.met_before,
        "horizon": row.horizon,
        "population": row.population,
        "source": row.source,
        "mark": row.mark,
        "unverified": not row.is_seen,
        "note": row.note,
    }


def _agreement(found: list[Verdict]) -> str:
    """Whether published figures of one kind agree on a person, by the figures that were seen."""
    seen = [one for one in found if one.threshold.is_seen]
    n_unseen = len(found) - len(seen)
    tail = f"; {n_unseen} unverified not counted" if n_unseen else ""
    if not seen:
        return f"no verified figure{tail}" if found else ""
    n_met = sum(one.met for one in seen)
    words = "all met" if n_met == len(seen) else "none met" if n_met == 0 else "published figures disagree"
    return f"{words}: {n_met} of {len(seen)}{tail}"


def _conflict(one: Conflict) -> dict[str, Any]:
    """A conflict or remark as plain values."""
    return {"id": one.id, "rule": one.rule, "places": list(one.places), "text": one.text}


def _due(case: Case) -> list[dict[str, Any]]:
    """Follow-up that is planned and not done."""
    visits: Iterable[Any] = (one for one in case.visits if one.status == "planned")
    at = {(one.what, one.side): one for one in events(case) if one.kind == "visits"}
    return [
        {"what": label(one), "side": one.side, "offset_months": event.offset_months if event else None}
        for one in visits
        for event in [at.get((label(one), one.side))]
    ]


def _points(raw: Raw) -> dict[str, Any]:
    """Points as plain values."""
    return {"raw": _whole(raw.raw), "raw_max": _whole(raw.raw_max), "n_answered": raw.n_answered}


def _whole(value: float) -> float | int:
    """A whole number without decimals."""
    return int(value) if value == int(value) else value

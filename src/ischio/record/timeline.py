"""When things were: offsets from one zero, one clock for each hip, scores in order, rules in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ischio.record.calendar import months_between
from ischio.record.case import Case
from ischio.record.facts import OWN_OPERATION, Fact, When, label, sides_of
from ischio.record.instruments import scale_of
from ischio.record.kinds import Examination, Finding, Instruction, Score
from ischio.record.scores import Scored, decode_total, score_items

_SAME_TIME = 1e-6  # months


@dataclass(frozen=True, slots=True)
class Event:
    """A fact on the axis of time.

    Parameters
    ----------
    kind : str
        Name of the list the fact is in.
    what, side : str
    offset_months : float or None
        From the record's zero; None where only the order is known.
    own_months : float or None
        From the operation of the fact's own side.
    words : str
        The time as stated.
    is_approximate : bool
    places : tuple of str
    detail : str
        A value with its unit, or a grade.
    """

    kind: str
    what: str
    side: str
    offset_months: float | None
    own_months: float | None
    words: str
    is_approximate: bool
    places: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TimedScore:
    """A score with its time and its total, from answers where they are given."""

    score: Score
    offset_months: float | None
    words: str
    scored: Scored


@dataclass(frozen=True, slots=True)
class Change:
    """First and last valid total of one scale and side."""

    before: TimedScore
    after: TimedScore

    @property
    def points(self) -> float:
        """Last minus first."""
        assert self.before.scored.value is not None
        assert self.after.scored.value is not None
        return round(self.after.scored.value - self.before.scored.value, 6)

    @property
    def percent_of_baseline(self) -> float | None:
        """The change as a part of the first value."""
        before = self.before.scored.value
        return round(100.0 * self.points / before, 6) if before else None


def offset(case: Case, when: When | None, side: str) -> float | None:
    """Months from the record's zero; None where the time is not known or only its order is.

    Parameters
    ----------
    case : Case
    when : When or None
    side : str
        Of the fact, for times that count from the operation of its own side.
    """
    if when is None or when.relation != "at":
        return None
    return _position(case, when, side)


def events(case: Case) -> tuple[Event, ...]:
    """Every fact that has a time, in order; a fact of both sides with own clocks is two events."""
    found: list[tuple[tuple[float, int, int], Event]] = []
    for kind, _, fact in case.facts():
        when = fact.when
        if when is None:
            continue
        split = when.after == OWN_OPERATION
        for side in sides_of(fact.side) if split else (fact.side,):
            if split and case.clock(side) is None:
                continue
            at = offset(case, when, side)
            event = Event(
                *(kind, label(fact), side, at, _own(case, at, side), _words(case, when)),
                when.approximate,
                tuple(place.words for place in fact.sources),
                _detail(fact),
            )
            found.append((_key(case, when, side), event))
    return tuple(event for _, event in sorted(found, key=lambda pair: pair[0]))


def timed_scores(case: Case) -> tuple[TimedScore, ...]:
    """Every score, scored, by instrument, side and time; those without a time come last."""
    order: list[tuple[tuple[object, ...], TimedScore]] = []
    for i, score in enumerate(case.scores):
        scale = scale_of(score.instrument, score.scale)
        scored = score_items(scale, score.items) if score.items else decode_total(scale, score.value or 0.0)
        key = (9e9, 0, 0) if score.when is None else _key(case, score.when, score.side)
        words = "time not stated" if score.when is None else _words(case, score.when)
        timed = TimedScore(score, offset(case, score.when, score.side), words, scored)
        order.append(((*_series(score), key, i), timed))
    return tuple(timed for _, timed in sorted(order, key=lambda pair: pair[0]))


def changes(timed: Iterable[TimedScore]) -> tuple[Change, ...]:
    """First and last valid total of every scale and side that has two times, from ``timed_scores``."""
    groups: dict[tuple[str, ...], list[TimedScore]] = {}
    for one in timed:
        is_usable = one.scored.is_valid and one.scored.value is not None and one.score.when is not None
        if is_usable and one.score.side != "unspecified":
            groups.setdefault(_series(one.score), []).append(one)
    return tuple(Change(group[0], group[-1]) for group in groups.values() if len(group) > 1)


def in_force(case: Case, months: float) -> tuple[tuple[Instruction, str, str], ...]:
    """Rules of the rehabilitation that hold at a time, for each hip.

    Parameters
    ----------
    case : Case
    months : float
        From the record's zero.

    Returns
    -------
    tuple of (Instruction, side, verdict)
        The verdict is "in force", "in force by one of two statements", or "no end stated". Rules count
        from the operation of the side.
    """
    out = []
    for rule in case.rehabilitation:
        for side in sides_of(rule.side) or ("left", "right"):
            clock = case.clock(side)
            begin = None if clock is None else offset(case, clock.when, side)
            if begin is None or months < begin - _SAME_TIME:
                continue
            clear = [one for one in rule.durations if one.attachment == "clear"]
            holds = {months <= begin + one.months + _SAME_TIME for one in clear}
            if not clear:
                out.append((rule, side, "no end stated"))
            elif holds == {True}:
                out.append((rule, side, "in force"))
            elif True in holds:
                out.append((rule, side, f"in force by one of {len(clear)} statements"))
    return tuple(out)


def _detail(fact: Fact) -> str:
    """Figures that belong to an event."""
    if isinstance(fact, Score):
        return "answers" if fact.value is None else f"{fact.value:g}"
    if isinstance(fact, Finding) and fact.brooker is not None:
        return f"Brooker {fact.brooker}"
    if isinstance(fact, Finding | Examination) and fact.value is not None:
        return f"{fact.value:g} {fact.unit}"
    return ""


def _series(score: Score) -> tuple[str, str, str, str]:
    """What scores of one course share."""
    return (score.instrument, score.scale or "", score.site or "", score.side)


def _position(case: Case, when: When, side: str, depth: int = 0) -> float | None:
    """Months from the zero to the stated time, whatever its relation."""
    if when.date is not None:
        assert case.zero is not None  # checked when the case was made
        assert case.zero.date is not None
        return months_between(case.zero.date, when.date)
    months = when.months or 0.0
    if when.after is None:
        return months
    operation = next((op for op in case.operations if op.id == when.after), None)
    if when.after == OWN_OPERATION:
        operation = case.clock(side)
    if operation is None or operation.when is None or depth > len(case.operations):
        return None
    begin = _position(case, operation.when, operation.side, depth + 1)
    return None if begin is None else round(begin + months, 6)


def _key(case: Case, when: When, side: str) -> tuple[float, int, int]:
    """Order of times: "before 0" comes before 0, "after 0" behind it."""
    at = _position(case, when, side)
    relation = {"before": -1, "at": 0, "after": 1}[when.relation]
    return (9e9 if at is None else at, relation, when.order or 0)


def _own(case: Case, at: float | None, side: str) -> float | None:
    """Months from the operation of one side."""
    clock = case.clock(side) if side in ("left", "right") else None
    begin = None if clock is None else offset(case, clock.when, side)
    return None if at is None or begin is None else round(at - begin, 6)


def _words(case: Case, when: When) -> str:
    """The time as it was stated."""
    about = "about " if when.approximate else ""
    if when.date is not None:
        return f"{'' if when.relation == 'at' else when.relation + ' '}{about}{when.date}"
    months = when.months or 0.0
    zero = "time 0" if case.zero is None else case.zero.words
    if when.after == OWN_OPERATION:
        zero = "the operation of this side"
    elif when.after is not None:
        zero = f"operation {when.after}"
    if months == 0.0:
        return f"{about}{when.relation} {zero}"
    direction = "before" if months < 0 else "after"
    bound = {"at": "", direction: "more than "}.get(when.relation, "less than ")
    return f"{bound}{about}{abs(months):g} months {direction} {zero}"

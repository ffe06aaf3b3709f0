"""Contradictions and gaps within a record, found by rules with names; nothing is repaired.

Rules speak of any record. Their ids are those of the published case that they were first needed for:
C1 to C8, C10 and C11 are conflicts; C9, C12 and C13 are remarks on what a source claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ischio.record.case import Case
from ischio.record.facts import Duration, Fact, Place, label, sides_of
from ischio.record.instruments import scale_of
from ischio.record.scores import score_items
from ischio.record.timeline import offset, timed_scores

SAME_MONTHS = 0.05  # a day and a half: "6 weeks" and "42 days" are one statement
HALF_A_POINT = 0.5  # totals may be printed without decimals
LUMBAR_EXTENSION = ("lumbar_hyperextension", "lumbar_extension")
SPACE = "ischiofemoral_space"

Found = tuple[Iterable[Place], str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a rule found: its id and name, the places that disagree, and one sentence."""

    id: str
    rule: str
    places: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule; ``find`` yields places and a sentence for each thing it finds."""

    id: str
    name: str
    find: Callable[[Case], Iterator[Found]]


def conflicts(case: Case) -> tuple[Conflict, ...]:
    """Everything in a record that contradicts itself or leaves open what it must say.

    Returns
    -------
    tuple of Conflict
        In the order of the rules. A second finding of one rule has the id with a dash and its number.
    """
    return _apply(CONFLICT_RULES, case)


def remarks(case: Case) -> tuple[Conflict, ...]:
    """Claims of the sources that reach beyond this person's facts, each with its place."""
    return _apply(REMARK_RULES, case)


def _apply(rules: tuple[Rule, ...], case: Case) -> tuple[Conflict, ...]:
    """What the rules find."""
    out = []
    for rule in rules:
        for n, (places, text) in enumerate(rule.find(case), 1):
            named = tuple(dict.fromkeys(place.words for place in places))
            out.append(Conflict(rule.id if n == 1 else f"{rule.id}-{n}", rule.name, named, text))
    return tuple(out)


def _two_durations(case: Case) -> Iterator[Found]:
    """One restriction with two lengths."""
    for rule in case.rehabilitation:
        clear = [one for one in rule.durations if one.attachment == "clear"]
        if _differ(one.months for one in clear):
            what = f"{_plain(rule.rule)} {label(rule)}"
            text = f"{what}: {_versus(clear)}. The first is used, both are kept."
            yield _places_of(clear), text


def _worse_side_is_wider(case: Case) -> Iterator[Found]:
    """The side with more complaints has the wider gap."""
    spaces = {one.side: one for one in case.findings if one.what == SPACE and one.value is not None}
    if not {"left", "right"} <= set(spaces):
        return
    for symptom in case.symptoms:
        worse = symptom.worse_side
        if worse is None:
            continue
        here, there = spaces[worse], spaces["right" if worse == "left" else "left"]
        if (here.value or 0.0) > (there.value or 0.0):
            text = (
                f"{label(symptom)} is worse on the {worse}, where the space is wider: {here.value:g} mm "
                f"against {there.value:g} mm. Not an error by itself; the sides are not swapped."
            )
            yield (*symptom.sources, *here.sources, *there.sources), text


def _two_anchors(case: Case) -> Iterator[Found]:
    """One duration that is counted to different points, or has different lengths."""
    for symptom in case.symptoms:
        given = symptom.durations
        if len({one.anchor for one in given}) > 1 or _differ(one.months for one in given):
            text = f"duration of {label(symptom)}: {_versus(given)}. Both are kept; the first is used."
            yield _places_of(given), text


def _two_clocks(case: Case) -> Iterator[Found]:
    """Scores of the whole person when both hips were operated on at different times."""
    starts = {side: op for side in ("left", "right") if (op := case.clock(side)) is not None}
    begin = {side: offset(case, op.when, side) for side, op in starts.items()}
    left, right = begin.get("left"), begin.get("right")
    if left is None or right is None or abs(left - right) <= SAME_MONTHS:
        return
    first, second = sorted((left, right))
    timed = [one for one in timed_scores(case) if one.offset_months is not None]
    late = [one for one in timed if (one.offset_months or 0.0) >= second]
    if not late or any(first < (one.offset_months or 0.0) <= second for one in timed):
        return
    counts = []
    for one in late:
        at = one.offset_months or 0.0
        side = "" if one.score.side == "none" else f" {one.score.side}"
        since = f"{at - left:g} from the left and {at - right:g} from the right"
        counts.append(f"{one.score.instrument}{side} at {at:g} months, {since}")
    text = (
        f"one follow-up, two clocks ({second - first:g} months apart): {'; '.join(counts)}. No score lies "
        "between the two operations, so the effect of one side alone cannot be told."
    )
    yield tuple(place for one in late for place in one.score.sources), text


def _image_against_clock(case: Case) -> Iterator[Found]:
    """A finding that the text gives for sides and times of which only some are shown."""
    for what in dict.fromkeys(one.what for one in case.findings if one.when is not None):
        said = {key: one for one in case.findings if one.what == what for key in _moments(case, one)}
        shown = {key: one for one in case.images if what in one.shows for key in _moments(case, one)}
        unseen = sorted(set(said) - set(shown))
        if not shown or not unseen:
            continue
        text = (
            f"{_plain(what)}: stated for {_listed(sorted(said))}; shown for {_listed(sorted(shown))}. "
            f"Documented by an image there, asserted for {_listed(unseen)}."
        )
        yield (*_sources(said.values()), *_sources(shown.values())), text


def _one_act_many_names(case: Case) -> Iterator[Found]:
    """One structure for which different acts are stated."""
    seen: dict[tuple[str, tuple[str, ...]], tuple[list[str], list[Place]]] = {}
    for operation in case.operations:
        for structure in dict.fromkeys(act.structure for act in operation.acts):
            acts = [act for act in operation.acts if act.structure == structure]
            names = tuple(dict.fromkeys(act.act for act in acts))
            if len(names) > 1:
                sides, found = seen.setdefault((structure, names), ([], []))
                sides.append(operation.side)
                found += [place for act in acts for place in act.sources]
    for (structure, names), (sides, found) in seen.items():
        text = (
            f"{_plain(structure)} ({', '.join(dict.fromkeys(sides))}): "
            f"{' or '.join(map(_plain, names))}. All are kept: the extent is not known."
        )
        yield found, text


def _one_place_only(case: Case) -> Iterator[Found]:
    """Facts that one description of the same thing states and another leaves out."""
    missed = [fact for _, _, fact in case.facts() if fact.absent_from]
    if missed:
        text = "; ".join(
            f"{label(fact)}: in {', '.join(one.place for one in fact.sources)}, not in "
            f"{', '.join(one.place for one in fact.absent_from)}"
            for fact in missed
        )
        yield (
            (place for fact in missed for place in (*fact.sources, *fact.absent_from)),
            f"{text}. Not merged.",
        )


def _mechanism_at_fused_level(case: Case) -> Iterator[Found]:
    """An explanation at a level of the spine that no longer moves."""
    fused = {segment: op for op in case.operations for segment in op.segments}
    painless = [one for one in case.examinations if one.test in LUMBAR_EXTENSION and one.result == "painless"]
    for mechanism in case.mechanisms:
        dead = [level for level in mechanism.levels if level in fused]
        if not dead:
            continue
        alive = ", ".join(level for level in mechanism.levels if level not in fused) or "no level"
        also = "; lumbar extension was painless" if painless else ""
        text = (
            f"{label(mechanism)} is given for {', '.join(mechanism.levels)}, but {', '.join(dead)} is "
            f"fused{also}. It can hold for {alive} at most, as a hypothesis."
        )
        yield (*mechanism.sources, *_sources([*(fused[level] for level in dead), *painless])), text


def _ambiguous_attachment(case: Case) -> Iterator[Found]:
    """A duration that may belong to another rule."""
    for rule in case.rehabilitation:
        unclear = [one for one in rule.durations if one.attachment == "ambiguous"]
        if unclear:
            text = (
                f"{_versus(unclear)} stands beside {label(rule)} {_plain(rule.rule)}; whether it belongs to "
                "it is not clear. It is not applied."
            )
            yield _places_of(unclear), text


def _side_never_stated(case: Case) -> Iterator[Found]:
    """Facts of one hip whose side is not stated."""
    open_facts = [fact for _, _, fact in case.facts() if fact.side == "unspecified"]
    if open_facts:
        names = ", ".join(dict.fromkeys(label(fact) for fact in open_facts))
        yield (
            _sources(open_facts),
            f"side not stated: {names}. They stay unspecified, and are not taken as both.",
        )


def _total_against_items(case: Case) -> Iterator[Found]:
    """A total that its own answers do not give."""
    for one in case.scores:
        if one.value is None or not one.items:
            continue
        scored = score_items(scale_of(one.instrument, one.scale), one.items)
        if scored.value is None or abs(scored.value - one.value) > HALF_A_POINT:
            gives = scored.reason if scored.value is None else f"{scored.value:g}"
            yield one.sources, f"{label(one)} {one.side}: {one.value:g} is stated, its answers give {gives}."


def _beyond_this_person(case: Case) -> Iterator[Found]:
    """Advice for people without a symptom that this person had."""
    had = {one.what: one for one in case.symptoms}
    for claim in case.claims:
        if claim.kind == "recommendation" and claim.also_without in had:
            symptom = had[claim.also_without]
            text = (
                f"{label(claim)} is advised also without {label(symptom)}, which this person had: an "
                "extrapolation."
            )
            yield (*claim.sources, *symptom.sources), text


def _others_data(case: Case) -> Iterator[Found]:
    """Figures that are citations."""
    cited = [claim for claim in case.claims if claim.kind == "citation"]
    if cited:
        figures = "; ".join(
            f"{label(claim)}: {' to '.join(f'{one:g}' for one in span)} {claim.unit or ''}".rstrip(" :")
            for claim in cited
            for span in [dict.fromkeys(one for one in (claim.low, claim.high) if one is not None)]
        )
        yield _sources(cited), f"figures from other work, not this person's data: {figures}."


def _cause_from_one_case(case: Case) -> Iterator[Found]:
    """A cause stated from one person without a control."""
    for claim in case.claims:
        if claim.kind != "causation":
            continue
        sides = {side for op in case.operations if op.starts_clock for side in sides_of(op.side)}
        both = ", both sides operated on" if len(sides) > 1 else ""
        whole = [one for one in timed_scores(case) if one.score.side == "none" and one.scored.value]
        rest = f", {whole[-1].score.instrument} {whole[-1].scored.value:g} at the end" if whole else ""
        text = f"{label(claim)} is stated as a cause: one person{both}, no control{rest}. An association."
        yield claim.sources, text


CONFLICT_RULES: tuple[Rule, ...] = (
    Rule("C1", "two_durations_for_one_restriction", _two_durations),
    Rule("C2", "worse_side_has_the_wider_space", _worse_side_is_wider),
    Rule("C3", "one_duration_two_anchors", _two_anchors),
    Rule("C4", "one_follow_up_two_clocks", _two_clocks),
    Rule("C5", "image_against_the_clock_of_the_text", _image_against_clock),
    Rule("C6", "one_act_under_several_names", _one_act_many_names),
    Rule("C7", "finding_in_one_place_only", _one_place_only),
    Rule("C8", "mechanism_at_a_fused_level", _mechanism_at_fused_level),
    Rule("C10", "duration_that_may_belong_elsewhere", _ambiguous_attachment),
    Rule("C11", "side_never_stated", _side_never_stated),
    Rule("S1", "total_against_its_answers", _total_against_items),
)
REMARK_RULES: tuple[Rule, ...] = (
    Rule("C9", "advice_beyond_this_person", _beyond_this_person),
    Rule("C12", "figures_of_other_people", _others_data),
    Rule("C13", "cause_from_one_person", _cause_from_one_case),
)


def _plain(name: str) -> str:
    """A name in words."""
    return name.replace("_", " ")


def _differ(months: Iterable[float]) -> bool:
    """Whether lengths of time are more than one statement."""
    given = list(months)
    return bool(given) and max(given) - min(given) > SAME_MONTHS


def _versus(durations: Iterable[Duration]) -> str:
    """Lengths with what they count to and where they stand."""
    parts = []
    for one in durations:
        anchor = [] if one.anchor in (None, "operation") else [f"of {_plain(str(one.anchor))}"]
        beside = "; ".join([*anchor, *(place.place for place in one.sources)])
        parts.append(f"{one.words} ({beside})" if beside else one.words)
    return ", against ".join(parts)


def _places_of(durations: Iterable[Duration]) -> tuple[Place, ...]:
    """Places of several durations."""
    return tuple(place for one in durations for place in one.sources)


def _sources(facts: Iterable[Fact]) -> tuple[Place, ...]:
    """Places of several facts."""
    return tuple(place for fact in facts for place in fact.sources)


def _moments(case: Case, fact: Fact) -> Iterator[tuple[str, float]]:
    """Side and months from that side's own operation at which a fact holds."""
    for side in sides_of(fact.side):
        clock = case.clock(side)
        begin = None if clock is None else offset(case, clock.when, side)
        at = offset(case, fact.when, side)
        if begin is not None and at is not None:
            yield side, round(at - begin, 3)


def _listed(moments: Iterable[tuple[str, float]]) -> str:
    """Sides and times in words."""
    return ", ".join(f"{side} at {months:g} months" for side, months in moments)

"""Reasons not to operate, by rules with names: what stands against it, what is open, what is settled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ischio.evidence import Evidence, evidence
from ischio.record.case import Case
from ischio.record.facts import label
from ischio.record.kinds import Finding
from ischio.record.outcomes import Outcomes, is_late, outcomes
from ischio.record.red_flags import red_flags

VERDICTS = {
    "stands": "stands against an operation",
    "open": "to be settled first",
    "clear": "settled",
}
SPACE_TEST = "ischiofemoral_space_mri"
JOINT_DISEASE = ("hip_osteoarthritis", "osteoarthritis", "joint_space_narrowing", "arthritis")
HAMSTRING = ("hamstring_partial_tear", "hamstring_complete_tear", "hamstring_tear")
GLUTEAL = (
    *("gluteus_minimus_partial_tear", "gluteus_medius_partial_tear", "gluteal_tear"),
    *("gluteus_minimus_tear", "gluteus_medius_tear"),
)
CENTRE_EDGE = ("lateral_centre_edge_angle", "lcea")
SPINE_TESTS = ("sacroiliac_block", "sacroiliac_provocation_3_of_5", "centralisation", "facet_spect")

Found = tuple[Literal["stands", "open", "clear"], str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule says.

    Parameters
    ----------
    rule : str
    verdict : str
        "stands", "open" or "clear".
    side : str
        "left", "right", "unspecified" or "none".
    text : str
    places : tuple of str
    """

    rule: str
    verdict: str
    side: str
    text: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    """What the rules look at."""

    case: Case
    base: Evidence
    seen: Outcomes
    findings: tuple[Finding, ...]
    measured: tuple[Mapping[str, Any], ...]


def reasons_not_to_operate(
    case: Case, base: Evidence | None = None, measured: Iterable[Mapping[str, Any]] = ()
) -> tuple[Reason, ...]:
    """Every rule applied to a record; what nobody has stated is open, never settled.

    Parameters
    ----------
    case : Case
    base : Evidence, optional
        The packaged one by default.
    measured : iterable of mapping, optional
        ``measurements`` of a study of the same person; they speak where the record is silent.

    Returns
    -------
    tuple of Reason
        Those that stand first, then the open ones; within, in the order of the rules.
    """
    base = base or evidence()
    before = tuple(one for one in case.findings if not is_late(case, one, one.side))
    given = _Given(case, base, outcomes(case, base), before, tuple(measured))
    found = [
        Reason(name, verdict, side, text, places)
        for name, rule in RULES
        for verdict, side, text, places in rule(given)
    ]
    order = list(VERDICTS)
    return tuple(sorted(found, key=lambda one: order.index(one.verdict)))


def _flags(given: _Given) -> Iterator[Found]:
    """Red flags."""
    flags = red_flags(given.case)
    for one in flags:
        if one.verdict == "stop":
            yield "stands", "none", one.reason, one.places
    unstated = [one.name.replace("_", " ") for one in flags if one.verdict == "not_stated"]
    if unstated:
        yield "open", "none", f"nobody has stated: {', '.join(unstated)}", ()


def _block(given: _Given) -> Iterator[Found]:
    """The step that tells impingement from its neighbours."""
    for side, is_positive, places in _results(given, "ischiofemoral_block"):
        if is_positive is None:
            text = "no anaesthetic block of the ischiofemoral space is recorded: its last step is missing"
            yield "stands", side, text, ()
        elif is_positive:
            yield "clear", side, "a block of the ischiofemoral space took the pain away", places
        else:
            yield "stands", side, "a block of the ischiofemoral space did not take the pain away", places


def _joint_block(given: _Given) -> Iterator[Found]:
    """Pain from the joint itself."""
    for side, is_positive, places in _results(given, "intra_articular_block"):
        if is_positive is None:
            yield "open", side, "no anaesthetic block of the hip joint is recorded", ()
        elif is_positive:
            yield "stands", side, "a block of the hip joint took the pain away: the joint is a source", places
        else:
            yield "clear", side, "a block of the hip joint did not take the pain away", places


def _test_negative(given: _Given) -> Iterator[Found]:
    """Both halves of the bedside test."""
    for side, is_positive, places in _results(given, "ischiofemoral_impingement_test"):
        if is_positive is None:
            yield "open", side, "no complete ischiofemoral impingement test is recorded", ()
        elif not is_positive:
            yield "stands", side, "the ischiofemoral impingement test is negative", places


def _space(given: _Given) -> Iterator[Found]:
    """A space that is not small, or was measured in a position that nobody controlled."""
    test = given.base.test(SPACE_TEST)
    cut = test.at_most or 0.0
    sd = given.base.figure("position_error_sd").value or 0.0
    spaces = [
        one
        for one in given.findings
        if one.what in test.names and one.modality == test.modality and one.value is not None
    ]
    if not spaces:
        yield "open", "none", "no ischiofemoral space was measured on MRI", ()
    for one in spaces:
        value = one.value or 0.0
        if value > cut:
            yield (
                "stands",
                one.side,
                f"the space on MRI is {value:g} mm, more than {cut:g} mm",
                _places(one),
            )
        if not _is_controlled(one.posture):
            share = 0.5 * (1 + math.erf((cut - value) / (sd * math.sqrt(2))))
            text = (
                f"the MRI's position was not controlled: {value:g} mm is {cut:g} mm or less with a chance "
                f"of {share:.0%} (standard deviation of position {sd:g} mm)"
            )
            yield "stands", one.side, text, _places(one)
        elif value <= cut:
            text = f"the space is {value:g} mm in a position set like standing"
            yield "clear", one.side, text, _places(one)


def _dysplasia(given: _Given) -> Iterator[Found]:
    """A socket that covers too little: a smaller trochanter does not help it."""
    low = given.base.figure("dysplasia_lcea").value or 0.0
    borderline = given.base.figure("borderline_lcea").value or 0.0
    angles = [one for one in given.findings if one.what in CENTRE_EDGE and one.value is not None]
    stated = [one for one in given.findings if one.what in ("dysplasia", "hip_dysplasia")]
    for one in angles:
        value = one.value or 0.0
        word = "dysplasia" if value < low else "borderline dysplasia" if value <= borderline else ""
        text = f"lateral centre-edge angle {value:g} deg{': ' + word if word else ''}"
        yield ("stands" if word else "clear"), one.side, text, _places(one)
    for one in stated:
        yield (
            "stands" if one.present else "clear",
            one.side,
            "dysplasia" if one.present else "no dysplasia",
            _places(one),
        )
    on_bones = [] if angles or stated else _on_bones(given, "lateral_centre_edge_angle")
    for side, value, sigma in on_bones:
        figure = f"lateral centre-edge angle {value:.0f} deg (sigma {sigma:.0f})"
        text = f"{figure} on the bones; the cut-offs are of films"
        if abs(value - borderline) < sigma:
            yield "open", side, f"{text}; borderline dysplasia within its error", ()
        elif value < borderline:
            yield "stands", side, f"{text}; {'dysplasia' if value < low else 'borderline dysplasia'}", ()
        else:
            yield "clear", side, text, ()
    if not angles and not stated and not on_bones:
        yield "open", "none", "coverage of the socket (lateral centre-edge angle) is not stated", ()


def _arthritis(given: _Given) -> Iterator[Found]:
    """Arthritis of the hip."""
    yield from _stated(given, JOINT_DISEASE, "arthritis of the hip", "the joint may be the source")


def _hamstring(given: _Given) -> Iterator[Found]:
    """A hamstring tear: a source of its own that a resection leaves."""
    yield from _stated(given, HAMSTRING, "hamstring tear", "a source of its own, which a resection leaves")


def _gluteal(given: _Given) -> Iterator[Found]:
    """A gluteal tear: a source of its own, and weak abductors with it."""
    yield from _stated(given, GLUTEAL, "gluteal tear", "a source of its own, which a resection leaves")


def _version(given: _Given) -> Iterator[Found]:
    """A femur turned far forwards: the turn may be what has to be treated."""
    limit = given.base.figure("high_version").value or 0.0
    versions = [one for one in given.findings if one.what == "femoral_version" and one.value is not None]
    on_bones = [] if versions else _on_bones(given, "femoral_version_murphy")
    for side, value, sigma in on_bones:
        near = abs(value - limit) < sigma
        text = f"femoral version {value:.0f} deg (sigma {sigma:.0f}) by Murphy's method on the bones"
        if near or value > limit:
            text += f", {'near' if near else 'above'} {limit:g}: the turn may be the cause"
        yield ("open" if near else "stands" if value > limit else "clear"), side, text, ()
    if not versions and not on_bones:
        yield "open", "none", "femoral version is not stated", ()
    for one in versions:
        value, method = one.value or 0.0, one.method or "method not stated"
        if value > limit:
            text = f"femoral version {value:g} deg ({method}), above {limit:g}: the turn may be the cause"
            yield "stands", one.side, text, _places(one)
        elif "murphy" in method.lower():
            yield "clear", one.side, f"femoral version {value:g} deg by Murphy's method", _places(one)
        else:
            spread = given.base.figure("version_methods_difference").value or 0.0
            if value + spread > limit:
                text = (
                    f"femoral version {value:g} deg is not Murphy's ({method}); methods differ by up to "
                    f"{spread:g} deg, so it may lie above {limit:g}"
                )
                yield "open", one.side, text, _places(one)
            else:
                yield "clear", one.side, f"femoral version {value:g} deg ({method})", _places(one)


def _spine(given: _Given) -> Iterator[Found]:
    """Back pain whose own sources nobody has tested."""
    if not any(one.what == "low_back_pain" for one in given.case.symptoms):
        return
    done = [one for one in given.seen.found if one.test.id in SPINE_TESTS]
    if done:
        names = ", ".join(dict.fromkeys(one.test.words for one in done))
        yield "clear", "none", f"sources in the back were tested: {names}", ()
    else:
        yield "open", "none", "back pain, and no test of a disc, facet or sacroiliac joint is recorded", ()


def _care(given: _Given) -> Iterator[Found]:
    """Care without an operation that was not tried."""
    if not given.case.care:
        yield "stands", "none", "no care without an operation is recorded", ()
        return
    failed = [one for one in given.case.care if one.result == "failed"]
    places = tuple(dict.fromkeys(place.words for one in given.case.care for place in one.sources))
    if failed:
        yield "clear", "none", f"tried without success: {', '.join(label(one) for one in failed)}", places
    else:
        yield "open", "none", "no care without an operation is recorded as failed", places


def _worse_side(given: _Given) -> Iterator[Found]:
    """More pain where there is more room."""
    test = given.base.test(SPACE_TEST)
    spaces = {one.side: one for one in given.findings if one.what in test.names and one.value is not None}
    for symptom in given.case.symptoms:
        worse = symptom.worse_side
        other = {"left": "right", "right": "left"}.get(worse or "", "")
        if worse in spaces and other in spaces and (spaces[worse].value or 0) > (spaces[other].value or 0):
            text = (
                f"{label(symptom)} is worse on the {worse}, where the space is wider: the space at rest does "
                "not tell which side hurts"
            )
            yield "open", "none", text, tuple(place.words for place in symptom.sources)


def _scans(given: _Given) -> Iterator[Found]:
    """What must be known before the next scan or cut."""
    unknown = [label(one) for one in given.case.implants if one.mr_conditions == "unknown"]
    if unknown:
        yield "open", "none", f"MR conditions unknown: {', '.join(unknown)}", ()
    if not any(one.what == "bone_density" for one in given.findings):
        text = "bone density is not stated: no study says how much weaker a femur is after a resection"
        yield "open", "none", text, ()


def _evidence_level(given: _Given) -> Iterator[Found]:
    """What all of this rests on."""
    people = given.base.figure("resection_people")
    yield (
        "stands",
        "none",
        f"all published results are series without a control: {people.value:g} people",
        (people.source,),
    )


RULES: tuple[tuple[str, Callable[[_Given], Iterator[Found]]], ...] = (
    ("red_flag", _flags),
    ("ischiofemoral_block", _block),
    ("joint_block", _joint_block),
    ("impingement_test", _test_negative),
    ("ischiofemoral_space", _space),
    ("dysplasia", _dysplasia),
    ("arthritis", _arthritis),
    ("hamstring_tear", _hamstring),
    ("gluteal_tear", _gluteal),
    ("femoral_version", _version),
    ("spine", _spine),
    ("care_without_operation", _care),
    ("worse_side_has_the_wider_space", _worse_side),
    ("before_the_next_step", _scans),
    ("level_of_evidence", _evidence_level),
)
"""Name and rule; a new reason is a function and a row here."""


def _results(given: _Given, test: str) -> Iterator[tuple[str, bool | None, tuple[str, ...]]]:
    """Result of a test by side; None where it is not recorded at all."""
    found = [one for one in given.seen.found if one.test.id == test]
    for one in found:
        yield one.side, one.is_positive, one.places
    if not found:
        yield "none", None, ()


def _stated(given: _Given, names: tuple[str, ...], what: str, why: str) -> Iterator[Found]:
    """Whether a reader stated something, its absence, or nothing."""
    found = [one for one in given.findings if one.what in names]
    for one in found:
        if one.present:
            yield "stands", one.side, f"{label(one)}: {why}", _places(one)
        else:
            yield "clear", one.side, f"no {what}", _places(one)
    if not found:
        yield "open", "none", f"{what}: not stated", ()


def _on_bones(given: _Given, name: str) -> list[tuple[str, float, float]]:
    """Side, value and sigma of a measure of a study, where there is one."""
    rows = [row for row in given.measured if row["name"] == name and row["value"] is not None]
    return [(str(row["side"]), float(row["value"]), float(row["sigma"] or 0.0)) for row in rows]


def _is_controlled(posture: str | None) -> bool:
    """Whether the record says that the legs were placed as in standing."""
    words = (posture or "").lower()
    denied = ("uncontrolled", "not controlled", "not standing", "unknown")
    return any(one in words for one in ("standing", "controlled")) and not any(one in words for one in denied)


def _places(one: Finding) -> tuple[str, ...]:
    """Where a finding stands."""
    return tuple(place.words for place in one.sources)

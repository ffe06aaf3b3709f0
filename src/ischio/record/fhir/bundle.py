"""A record as a FHIR R4B bundle: a patient without a name, and one resource for each fact.

What FHIR has an element for stands in that element, with the record's own name as a code and a code of a
standard beside it where one is known. The rest stands in extensions. Files of the person are left out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ischio.record.case import Case
from ischio.record.door import plain_case
from ischio.record.fhir.codes import (
    AGE,
    FHIR_VERSION,
    OWN,
    RESULTS,
    SIDES,
    STANDARD,
    TERMINOLOGY,
    UCUM,
    UNITS,
    Code,
)
from ischio.record.fhir.extension import extensions

Row = dict[str, Any]
_CODE = re.compile(r"[^\s]+(\s[^\s]+)*")  # what FHIR calls a code

RECORD = ("documents", "zero", "not_reported")


def to_bundle(case: Case) -> Row:
    """A record as the plain values of a FHIR R4B bundle.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
        Ready for JSON; equal records give equal bundles.
    """
    plain = plain_case(case)
    patient = _patient(case)
    subject = {"reference": _url(case.case_id, "patient")}
    entries = [(_url(case.case_id, "patient"), patient)]
    if case.person.age_years is not None:
        entries.append((_url(case.case_id, "age"), _age(case.person.age_years, subject)))
    for kind, write in WRITERS.items():
        for i, (fact, stated) in enumerate(zip(plain.get(kind, []), getattr(case, kind), strict=True)):
            row = {**fact, "side": stated.side}  # said also where it is the default of its list
            for name, resource in write(kind, i, row, case.case_id):
                entries.append((_url(case.case_id, name), {**resource, "subject": subject}))
    rest = {key: plain[key] for key in RECORD if key in plain}
    if case.person.occupation is not None:
        rest["occupation"] = case.person.occupation
    record = {
        "resourceType": "Basic",
        "id": "record",
        "identifier": [_identifier("fact", "record")],
        "extension": _record_extensions(rest),
        "code": _concept("record", "record"),
        "subject": subject,
    }
    entries.append((_url(case.case_id, "record"), {key: one for key, one in record.items() if one}))
    return {
        "resourceType": "Bundle",
        "meta": {
            "tag": [
                {"system": f"{OWN}:fhir-version", "code": FHIR_VERSION},
                {"system": f"{OWN}:case-version", "code": str(case.schema_version)},
            ]
        },
        "identifier": _identifier("case", case.case_id),
        "type": "collection",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


Written = list[tuple[str, Row]]


def _observation(kind: str, i: int, fact: Row, case_id: str) -> Written:
    """An examination, a finding, an implant or a score."""
    out: Row = {**_head("Observation", kind, i, fact), "status": "final"}
    out["category"] = [_category(kind)]
    name = _taken_name(kind, fact)
    out["code"] = _concept(kind, name)
    _take_when(fact, out, "effectiveDateTime")
    side = fact.pop("side")
    answers: Written = []
    unit = fact.pop("unit", None)
    value = fact.pop("value", None)
    if value is not None:
        out["valueQuantity"] = _quantity(value, unit or "score")
    if kind == "examinations":
        result = fact.pop("result")
        standard = [_coding(RESULTS[result])] if result in RESULTS else []
        out["interpretation"] = [{"coding": [_own("result", result), *standard], "text": result}]
        if fact.get("manoeuvre"):
            out["method"] = {"text": fact.pop("manoeuvre")}
    elif kind == "findings":
        present = fact.pop("present", True)
        if value is None:
            out["valueBoolean"] = present
        elif not present:
            fact["present"] = False
        if fact.get("method"):
            out["method"] = {"text": fact.pop("method")}
    elif kind == "implants":
        conditions = fact.pop("mr_conditions", "unknown")
        out["valueCodeableConcept"] = {"coding": [_own("mr-conditions", conditions)]}
    elif kind == "scores":
        items = fact.pop("items", None)
        if items:
            answers = [(f"scores-{i}-answers", _answers(i, name, items))]
            out["derivedFrom"] = [{"reference": _url(case_id, f"scores-{i}-answers")}]
        if value is None:
            out["dataAbsentReason"] = {"coding": [_coding_of(f"{TERMINOLOGY}/data-absent-reason", "unknown")]}
    if side != "none":
        out["bodySite"] = _side(side)
    return [*answers, (f"{kind}-{i}", _finish(out, fact))]


def _procedure(kind: str, i: int, fact: Row, _case_id: str) -> Written:
    """An operation, care without one, or a diagnostic block."""
    out: Row = {**_head("Procedure", kind, i, fact), "status": "completed", "category": _category(kind)}
    out["code"] = _concept(kind, _taken_name(kind, fact))
    _take_when(fact, out, "performedDateTime")
    side = fact.pop("side")
    if side != "none":
        out["bodySite"] = [_side(side)]
    outcome = fact.pop({"care": "result", "blocks": "relief"}.get(kind, ""), None)
    if outcome is not None:
        out["outcome"] = {"coding": [_own("outcome", outcome)], "text": outcome.replace("_", " ")}
    return [(f"{kind}-{i}", _finish(out, fact))]


def _condition(kind: str, i: int, fact: Row, _case_id: str) -> Written:
    """A symptom, a complication or a red flag; what was looked for and not there is refuted."""
    out: Row = _head("Condition", kind, i, fact)
    present = True if kind == "symptoms" else fact.pop("present")
    if present:
        out["clinicalStatus"] = {"coding": [_coding_of(f"{TERMINOLOGY}/condition-clinical", "active")]}
    status = "confirmed" if present else "refuted"
    out["verificationStatus"] = {"coding": [_coding_of(f"{TERMINOLOGY}/condition-ver-status", status)]}
    out["category"] = [_category(kind)]
    out["code"] = _concept(kind, _taken_name(kind, fact))
    _take_when(fact, out, "onsetDateTime")
    side = fact.pop("side")
    if side != "none":
        out["bodySite"] = [_side(side)]
    return [(f"{kind}-{i}", _finish(out, fact))]


def _basic(kind: str, i: int, fact: Row, _case_id: str) -> Written:
    """A fact that FHIR has no resource for which would not claim more than was stated."""
    out = {**_head("Basic", kind, i, fact), "code": _concept(kind, kind)}
    return [(f"{kind}-{i}", {**out, "extension": extensions(fact)})]


WRITERS: Mapping[str, Callable[[str, int, Row, str], Written]] = {
    "symptoms": _condition,
    "care": _procedure,
    "operations": _procedure,
    "implants": _observation,
    "examinations": _observation,
    "images": _basic,
    "findings": _observation,
    "blocks": _procedure,
    "rehabilitation": _basic,
    "complications": _condition,
    "scores": _observation,
    "visits": _basic,
    "mechanisms": _basic,
    "claims": _basic,
    "alerts": _condition,
}
"""What a list of a record becomes."""

NAMES = {"examinations": "test", "blocks": "target", "scores": "instrument"}
"""Field that names a fact, where it is not ``what``."""


def _patient(case: Case) -> Row:
    """Who, by a pseudonym."""
    out: Row = {"resourceType": "Patient", "id": "patient", "identifier": [_identifier("case", case.case_id)]}
    if case.person.sex is not None:
        out["gender"] = {"f": "female", "m": "male"}[case.person.sex]
    if case.person.birth_year is not None:
        out["birthDate"] = f"{case.person.birth_year:04}"
    return out


def _age(years: float, subject: Row) -> Row:
    """Age at presentation."""
    return {
        "resourceType": "Observation",
        "id": "age",
        "identifier": [_identifier("fact", "age")],
        "status": "final",
        "code": {"coding": [_own("person", "age_years"), _coding(AGE)], "text": "age at presentation"},
        "subject": subject,
        "valueQuantity": _quantity(years, "years"),
    }


def _answers(i: int, instrument: str, items: Mapping[str, float | None]) -> Row:
    """Answers by item key; no wording of any question."""
    code = STANDARD.get(("answers", instrument))
    return {
        "resourceType": "QuestionnaireResponse",
        "id": f"scores-{i}-answers",
        **({} if code is None else {"meta": {"tag": [_coding(code)]}}),
        "identifier": _identifier("fact", f"scores/{i}/answers"),
        "questionnaire": f"urn:ischio:questionnaire:{instrument.replace(' ', '-')}",
        "status": "completed",
        "item": [
            {"linkId": key, **({} if value is None else {"answer": [{"valueDecimal": value}]})}
            for key, value in items.items()
        ],
    }


def _head(resource: str, kind: str, i: int, fact: Row) -> Row:
    """Type and identifiers of a fact."""
    identifiers = [_identifier("fact", f"{kind}/{i}")]
    if "id" in fact:
        identifiers.append(_identifier("fact-id", fact.pop("id")))
    return {"resourceType": resource, "id": f"{kind}-{i}", "identifier": identifiers}


def _taken_name(kind: str, fact: Row) -> str:
    """The name of a fact, taken out of it; one that is no code stays as an extension, too."""
    key = NAMES.get(kind, "what")
    name = str(fact.pop(key))
    if not _CODE.fullmatch(name):
        fact["name"] = name
    return name


def _take_when(fact: Row, out: Row, element: str) -> None:
    """Move a plain date to its element; every other time stays an extension."""
    when = fact.get("when")
    if when and set(when) == {"date"}:
        out[element] = fact.pop("when")["date"]


def _finish(out: Row, fact: Row) -> Row:
    """Note and what is left of a fact."""
    if fact.get("note"):
        out["note"] = [{"text": fact.pop("note")}]
    if fact:
        out["extension"] = extensions(fact)
    return out


def _record_extensions(rest: Row) -> list[Row]:
    """What belongs to the record as a whole."""
    out: list[Row] = []
    for key in ("documents", "not_reported"):
        out += [one for value in rest.pop(key, []) for one in extensions({key: value})]
    return [*out, *extensions(rest)]


def _concept(kind: str, name: str) -> Row:
    """A name as a concept: our own code first, that of a standard beside it."""
    code = name if _CODE.fullmatch(name) else "_".join(name.split()) or "unnamed"
    standard = STANDARD.get((kind, name))
    codings = [_own(kind, code), *([] if standard is None else [_coding(standard)])]
    return {"coding": codings, "text": name.replace("_", " ").strip() or "unnamed"}


def _category(kind: str) -> Row:
    """What kind of observation, procedure or condition it is."""
    known = {"examinations": "exam", "findings": "imaging", "scores": "survey"}
    standard = [_coding_of(f"{TERMINOLOGY}/observation-category", known[kind])] if kind in known else []
    return {"coding": [*standard, _own("list", kind)]}


def _side(side: str) -> Row:
    """A side as a body site: its word, and its code as an extension."""
    code = SIDES[side]
    return {
        "extension": [{"url": f"{OWN}:laterality", "valueCodeableConcept": {"coding": [_coding(code)]}}],
        "text": side,
    }


def _quantity(value: float, unit: str) -> Row:
    """A value with its UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": UNITS[unit]}


def _coding(code: Code) -> Row:
    """A code of a standard; one that was not seen in a page says so."""
    out: Row = {"system": code.system, "code": code.code, "display": code.display}
    if code.mark == "K":
        out["extension"] = [{"url": f"{OWN}:mark", "valueString": "K: unverified"}]
    return out


def _coding_of(system: str, code: str) -> Row:
    """A bare code."""
    return {"system": system, "code": code}


def _own(system: str, code: str) -> Row:
    """A code of ours."""
    return {"system": f"{OWN}:{system}", "code": code}


def _identifier(system: str, value: str) -> Row:
    """An identifier of ours."""
    return {"system": f"{OWN}:{system}", "value": value}


def _url(case_id: str, name: str) -> str:
    """The url of a resource within the bundle; the same for the same record."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{OWN}:{case_id}:{name}')}"

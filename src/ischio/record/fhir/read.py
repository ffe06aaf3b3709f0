"""A record from a FHIR R4B bundle that ischio wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ischio._check import InputError, complaint
from ischio.io.documents import Document
from ischio.record.case import CASE_VERSION, Case
from ischio.record.door import case_from_document
from ischio.record.fhir.bundle import NAMES, WRITERS
from ischio.record.fhir.check import demand_good
from ischio.record.fhir.codes import OWN, SIDES, UNITS
from ischio.record.fhir.extension import plain_values

Row = dict[str, Any]
_DATES = ("effectiveDateTime", "performedDateTime", "onsetDateTime")
_DO = "Only bundles that ischio wrote can be read back."


def case_from_bundle(document: Document) -> Case:
    """A record from a bundle; what its elements say counts, and extensions give the rest.

    Parameters
    ----------
    document : Document
        The bundle as it was read.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        If the bundle breaks a rule of FHIR that we check, holds a resource that ischio did not write, or
        gives a record that contradicts itself.
    """
    bundle = document.values
    if not isinstance(bundle, dict):
        raise InputError(complaint(document.name, "no fields", "a FHIR R4B bundle of ischio", _DO))
    try:
        demand_good(bundle, document.name)
        values = _case_values(bundle, document.name)
    except InputError:
        raise
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        got = f"a part that is missing or of another kind ({type(error).__name__}: {error})"
        raise InputError(complaint(document.name, got, "a FHIR R4B bundle of ischio", _DO)) from error
    return case_from_document(Document(document.name, values, document.text))


def _case_values(bundle: Row, source: str) -> Row:
    """The content of a case file from a bundle."""
    out: Row = {"schema_version": CASE_VERSION}
    person: Row = {}
    facts: dict[str, dict[int, Row]] = {}
    answers: dict[int, Row] = {}
    for one in (entry["resource"] for entry in bundle["entry"]):
        name = _fact_name(one, source)
        if one["resourceType"] == "Patient":
            out["case_id"] = one["identifier"][0]["value"]
            if "gender" in one:
                person["sex"] = {"female": "f", "male": "m"}.get(one["gender"])
            if "birthDate" in one:
                person["birth_year"] = int(one["birthDate"])
        elif name == "age":
            person["age_years"] = one["valueQuantity"]["value"]
        elif name == "record":
            out |= _record(one, person)
        else:
            kind, number, *rest = name.split("/")
            i = int(number)
            if kind not in WRITERS:
                raise InputError(complaint(source, f"a fact {name!r}", "a list of a record", _DO))
            if rest:
                answers[i] = {
                    item["linkId"]: item["answer"][0]["valueDecimal"] if item.get("answer") else None
                    for item in one.get("item", [])
                }
            elif i in facts.setdefault(kind, {}):
                raise InputError(complaint(source, f"{name!r} twice", "each fact once", _DO))
            else:
                facts[kind][i] = _fact(kind, one)
    for i, items in answers.items():
        facts["scores"][i]["items"] = items
    out |= {"person": person} if person else {}
    out |= {kind: [rows[i] for i in sorted(rows)] for kind, rows in facts.items()}
    return out


def _fact_name(resource: Mapping[str, Any], name: str) -> str:
    """What a resource calls its place in the record."""
    given = resource.get("identifier", [])
    found = [
        one.get("value")
        for one in (given if isinstance(given, list) else [given])
        if one.get("system") in (f"{OWN}:fact", f"{OWN}:case")
    ]
    if len(found) != 1:
        got = f"a {resource['resourceType']} without our identifier"
        raise InputError(complaint(name, got, "resources that ischio wrote", _DO))
    return str(found[0])


def _record(resource: Mapping[str, Any], person: Row) -> Row:
    """What belongs to the record as a whole."""
    given = resource.get("extension", [])
    several = {
        key: [one for one in given if one["url"] == f"{OWN}:{key}"] for key in ("documents", "not_reported")
    }
    out: Row = {key: [plain_values([one])[key] for one in found] for key, found in several.items() if found}
    taken = {f"{OWN}:{key}" for key in several}
    rest = plain_values(one for one in given if one["url"] not in taken)
    if "occupation" in rest:
        person["occupation"] = rest.pop("occupation")
    return out | rest


def _fact(kind: str, one: Mapping[str, Any]) -> Row:
    """One fact of a list."""
    out = plain_values(one.get("extension", []))
    ids = [each["value"] for each in one["identifier"] if each.get("system") == f"{OWN}:fact-id"]
    if ids:
        out["id"] = ids[0]
    if one["resourceType"] == "Basic":
        return out
    out[NAMES.get(kind, "what")] = out.pop("name") if "name" in out else _own_code(one["code"], kind)
    for element in _DATES:
        if element in one:
            out["when"] = {"date": one[element]}
    if one.get("note"):
        out["note"] = one["note"][0]["text"]
    sites = one.get("bodySite")
    out["side"] = _side(sites[0] if isinstance(sites, list) else sites) if sites else "none"
    return out | _values(kind, one)


def _values(kind: str, one: Mapping[str, Any]) -> Row:
    """What the elements of a resource say of its value, result or status."""
    out: Row = {}
    if "valueQuantity" in one:
        out["value"] = one["valueQuantity"]["value"]
        if kind != "scores":
            out["unit"] = next(unit for unit, code in UNITS.items() if code == one["valueQuantity"]["code"])
    if kind == "examinations":
        out["result"] = _own_code(one["interpretation"][0], "result")
    if kind == "findings" and "valueBoolean" in one:
        out["present"] = one["valueBoolean"]
    if kind in ("complications", "alerts"):
        out["present"] = one["verificationStatus"]["coding"][0]["code"] != "refuted"
    if kind == "implants":
        out["mr_conditions"] = _own_code(one["valueCodeableConcept"], "mr-conditions")
    if "outcome" in one:
        out[{"care": "result", "blocks": "relief"}[kind]] = _own_code(one["outcome"], "outcome")
    if "method" in one:
        out["manoeuvre" if kind == "examinations" else "method"] = one["method"]["text"]
    return out


def _side(site: Mapping[str, Any]) -> str:
    """The side that a body site's code means."""
    code = site["extension"][0]["valueCodeableConcept"]["coding"][0]["code"]
    return next(side for side, known in SIDES.items() if known.code == code)


def _own_code(concept: Mapping[str, Any], system: str) -> str:
    """Our code of a concept."""
    found = [one["code"] for one in concept.get("coding", []) if one.get("system") == f"{OWN}:{system}"]
    if not found:
        raise InputError(complaint("bundle", f"no code of {OWN}:{system}", "our code beside others", _DO))
    return str(found[0])

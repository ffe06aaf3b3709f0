"""What FHIR requires of a bundle beyond its types: codes, references, units, and that nobody is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ischio._check import InputError, complaint
from ischio.record.fhir.codes import (
    IDENTIFYING,
    INTERPRETATION,
    LOINC,
    NEEDED,
    OWN,
    REQUIRED,
    REQUIRED_CONCEPTS,
    SIDES,
    SNOMED,
    UCUM,
    UNITS,
    is_loinc,
    is_snomed,
)

INTERPRETATIONS = frozenset("POS NEG N A IND H L".split())
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")

Resource = Mapping[str, Any]


def check_bundle(bundle: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything that is wrong with a bundle, in sentences.

    Parameters
    ----------
    bundle : mapping
        Plain values, as JSON gives them.

    Returns
    -------
    tuple of str
        Empty for a good one. Checked are elements that must be there, codes of required value sets,
        units, check digits of LOINC and SNOMED CT, references within the bundle, sides that contradict
        their words, and that nothing names the person.
    """
    return tuple(_problems(bundle))


def demand_good(bundle: Mapping[str, Any], name: str) -> None:
    """Raise ``InputError`` with the first problem of a bundle, and how many more there are."""
    found = check_bundle(bundle)
    if found:
        more = f" ({len(found) - 1} more after this one.)" if len(found) > 1 else ""
        raise InputError(complaint(name, found[0], "a FHIR R4B bundle of ischio", f"Correct it.{more}"))


def problems_of_library(bundle: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What the package fhir.resources finds wrong with structure and types.

    Returns
    -------
    tuple of str, or None
        None if the package is not installed.
    """
    try:
        from fhir.resources.R4B.bundle import Bundle
    except ImportError:
        return None
    from pydantic import ValidationError

    try:
        Bundle.model_validate(dict(bundle))
    except ValidationError as error:
        return tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return ()


def _problems(bundle: Mapping[str, Any]) -> Iterator[str]:
    """Problems of a bundle."""
    if bundle.get("resourceType") != "Bundle":
        yield f"resourceType {bundle.get('resourceType')!r}"
        return
    yield from _resource("Bundle", bundle)
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        yield "entries that are no list of resources"
        return
    urls = [one.get("fullUrl") for one in entries]
    if len(set(urls)) < len(urls) or None in urls:
        yield "a fullUrl that is missing or comes twice"
    patients = 0
    for one in entries:
        resource = one.get("resource")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(resource, dict) or kind is None or kind not in NEEDED or kind == "Bundle":
            yield f"a resource of type {kind!r}"
            continue
        where = f"{kind} {resource.get('id', '')}".strip()
        yield from (f"{where}: {words}" for words in _resource(kind, resource))
        yield from (f"{where}: {words}" for words in _parts(resource, set(urls)))
        patients += kind == "Patient"
    if patients != 1:
        yield f"{patients} patients"


def _resource(kind: str, resource: Resource) -> Iterator[str]:
    """Elements, required codes and rules of one resource."""
    for name in NEEDED[kind]:
        if name not in resource:
            yield f"no {name}"
    for name, allowed in REQUIRED[kind].items():
        if name in resource and resource[name] not in allowed:
            yield f"{name} {resource[name]!r}"
    for name, (system, codes) in REQUIRED_CONCEPTS.get(kind, {}).items():
        codings = resource.get(name, {}).get("coding", []) if isinstance(resource.get(name), dict) else None
        if name in resource and (
            not codings or any(one.get("system") != system or one.get("code") not in codes for one in codings)
        ):
            yield f"{name} {codings!r}"
    if kind == "Patient":
        for name in IDENTIFYING:
            if name in resource:
                yield f"{name}, which names the person"
        if len(str(resource.get("birthDate", ""))) not in (0, 4):
            yield "birthDate with more than the year"
    if kind == "Observation":
        values = [key for key in resource if key.startswith("value")]
        if len(values) > 1:
            yield f"{' and '.join(values)}, of which only one may be there"
        if values and "dataAbsentReason" in resource:
            yield "a value and a reason why there is none"
    for name in ("effectiveDateTime", "performedDateTime", "onsetDateTime", "birthDate"):
        if name in resource and not DATE.fullmatch(str(resource[name])):
            yield f"{name} {resource[name]!r}"


def _parts(value: Any, urls: set[Any], key: str = "") -> Iterator[str]:
    """Codes, units, references and sides anywhere in a resource."""
    if isinstance(value, list):
        for one in value:
            yield from _parts(one, urls, key)
    elif isinstance(value, dict):
        if key in ("coding", "tag"):
            yield from _coding(value)
        elif key == "bodySite":
            yield from _body_site(value)
        elif key == "valueQuantity":
            if value.get("system") != UCUM or value.get("code") not in UNITS.values():
                yield f"unit {value.get('code')!r} of {value.get('system')!r}"
            if not isinstance(value.get("value"), int | float) or isinstance(value.get("value"), bool):
                yield f"a quantity {value.get('value')!r}"
        if "reference" in value and value["reference"] not in urls:
            yield f"a reference to {value['reference']!r}, which is not in the bundle"
        for name, one in value.items():
            yield from _parts(one, urls, name)


def _coding(one: Mapping[str, Any]) -> Iterator[str]:
    """A code that its own system would not know."""
    system, code = one.get("system"), str(one.get("code", ""))
    if system == LOINC and not is_loinc(code):
        yield f"LOINC code {code!r}, whose check digit is wrong"
    elif system == SNOMED and not is_snomed(code):
        yield f"SNOMED CT code {code!r}, whose check digit is wrong"
    elif system == INTERPRETATION and code not in INTERPRETATIONS:
        yield f"interpretation {code!r}"
    elif not system or not code:
        yield "a coding without system or code"


def _body_site(site: Mapping[str, Any]) -> Iterator[str]:
    """A side that is not known, or contradicts its words."""
    sides = [one for one in site.get("extension", []) if one.get("url") == f"{OWN}:laterality"]
    codes = [
        coding.get("code")
        for one in sides
        for coding in one.get("valueCodeableConcept", {}).get("coding", [])
    ]
    known = {code.code: side for side, code in SIDES.items()}
    if len(codes) != 1 or codes[0] not in known:
        yield f"side {codes!r}"
    elif site.get("text") not in (None, known[codes[0]]):
        yield f"side {known[codes[0]]} by its code and {site['text']!r} by its text"

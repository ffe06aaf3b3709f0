"""The door of the record: values that were read become a ``Case``, or an error names line and field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any

from ischio._check import InputError, complaint
from ischio.io.checked import Closed, checked
from ischio.io.documents import Document
from ischio.record.case import CASE_VERSION, Case
from ischio.record.facts import Fact

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Mapping[int, Migration] = {}
"""By version: what turns a file of that version into the next. Version 1 is the first."""


def case_from_document(document: Document, *, migrations: Mapping[int, Migration] = MIGRATIONS) -> Case:
    """A record from a document that was read.

    Parameters
    ----------
    document : Document
    migrations : mapping of int to callable, optional
        Steps from older versions.

    Returns
    -------
    Case

    Raises
    ------
    InputError
        With file, line and field, if the document is no record, is of a newer version, or contradicts
        itself.
    """
    case: Case = checked(document, _migrated(document, migrations), _adapter())
    return case


@cache
def case_schema() -> dict[str, Any]:
    """The JSON schema of a case file, as packaged in ``schema/case-1.schema.json``."""
    made = _described(_adapter().json_schema())
    made["properties"]["schema_version"] = {"const": CASE_VERSION}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ischio:case:{CASE_VERSION}",
    }
    return {**head, "title": f"ischio case, version {CASE_VERSION}", **made}


def plain_case(case: Case) -> dict[str, Any]:
    """A record as plain values: what a JSON file of it holds, fields at their defaults left out.

    Examples
    --------
    >>> plain_case(Case(schema_version=1, case_id="p01"))
    {'schema_version': 1, 'case_id': 'p01'}
    """
    out = _plain(case)
    assert isinstance(out, dict)
    return out


def _plain(value: Any) -> Any:
    """Values of our types as JSON knows them."""
    if is_dataclass(value):
        given = ((one, getattr(value, one.name)) for one in fields(value))
        return {one.name: _plain(each) for one, each in given if each != _default(one)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _described(made: dict[str, Any]) -> dict[str, Any]:
    """A schema with the first line of each class in it, in place of what pydantic words by its version."""
    kinds = {kind.__name__: kind for kind in (*Closed.__subclasses__(), *Fact.__subclasses__())}

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            texts = [key for key in ("title", "description") if isinstance(value.get(key), str)]
            return {key: bare(one) for key, one in value.items() if key not in texts}
        return [bare(one) for one in value] if isinstance(value, list) else value

    out: dict[str, Any] = bare(made)
    for name, part in (*out["$defs"].items(), ("Case", out)):
        part["description"] = (kinds[name].__doc__ or "").partition("\n")[0]
    return out


def _default(one: Field[Any]) -> Any:
    """What a field is where a file does not give it."""
    return one.default if one.default_factory is MISSING else one.default_factory()


@cache
def _adapter() -> Any:
    """Checks and builds a ``Case``; made once, as it takes a while."""
    from pydantic import TypeAdapter

    return TypeAdapter(Case)


def _migrated(document: Document, migrations: Mapping[int, Migration]) -> dict[str, Any]:
    """The values in today's version."""
    values = document.values
    if not isinstance(values, dict):
        got = "no fields" if values is None else type(values).__name__
        raise InputError(complaint(document.name, got, "a record", "Start with schema_version and case_id."))
    version = values.get("schema_version")
    place = f"{document.name}, line {document.line(('schema_version',))}, schema_version"
    if not isinstance(version, int) or isinstance(version, bool):
        do = f"Add schema_version: {CASE_VERSION}."
        raise InputError(complaint(place, "nothing" if version is None else repr(version), "a version", do))
    if version > CASE_VERSION:
        raise InputError(complaint(place, version, f"{CASE_VERSION} or older", "Use a newer ischio."))
    while version < CASE_VERSION:
        if version not in migrations:
            raise InputError(complaint(place, version, CASE_VERSION, "This version never existed; check it."))
        values = {**migrations[version](values), "schema_version": version + 1}
        version += 1
    return values

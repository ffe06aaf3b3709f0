"""The clinical record of one person: who, which files, and tuples of facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from ischio.io.checked import Closed, FieldError
from ischio.record.calendar import months_between
from ischio.record.facts import (
    OWN_OPERATION,
    Duration,
    Fact,
    Place,
    Source,
    Zero,
    sides_of,
)
from ischio.record.kinds import (
    Act,
    Alert,
    Block,
    Care,
    Claim,
    Complication,
    Examination,
    Finding,
    Image,
    Implant,
    Instruction,
    Mechanism,
    Operation,
    Score,
    Symptom,
    Visit,
)

CASE_VERSION = 1
OLDEST_YEARS = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Closed):
    """Who, without a name.

    Parameters
    ----------
    age_years : float or None
        At presentation.
    sex : str or None
        "f" or "m".
    birth_year : int or None
    occupation : str or None
    """

    age_years: float | None = None
    sex: Literal["f", "m"] | None = None
    birth_year: int | None = None
    occupation: str | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not 0 <= self.age_years <= OLDEST_YEARS:
            raise FieldError(("age_years",), self.age_years, f"0 to {OLDEST_YEARS}", "Give the age in years.")
        if self.birth_year is not None and not 1850 <= self.birth_year <= 2200:
            raise FieldError(("birth_year",), self.birth_year, "a year of four digits", "Check the year.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Closed):
    """Files of the same person, relative to the case file, and what must be known to read them.

    Parameters
    ----------
    bones : str or None
        Folder of surfaces or a label map, as ``ischio assess`` takes it.
    axes, side, labels
        As the options of ``ischio assess``.
    names : mapping of str to str
        Bone by file or label, as ``--bone`` gives them.
    images, gait : tuple of str
        Other files, listed in the record.
    """

    bones: str | None = None
    axes: Literal["LPS", "RAS", "unknown"] | None = None
    side: Literal["left", "right", "both"] | None = None
    labels: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    gait: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Closed):
    """The whole record of one person.

    Parameters
    ----------
    schema_version : int
    case_id : str
        A pseudonym.
    documents : tuple of Source
    zero : Zero or None
        What time 0 is.
    not_reported : tuple of str
        What the sources leave open: no value is ever filled in.
    person, inputs, and one tuple for each kind of fact
    """

    schema_version: int
    case_id: str
    documents: tuple[Source, ...] = ()
    zero: Zero | None = None
    person: Person = field(default_factory=Person)
    inputs: Inputs = field(default_factory=Inputs)
    symptoms: tuple[Symptom, ...] = ()
    care: tuple[Care, ...] = ()
    operations: tuple[Operation, ...] = ()
    implants: tuple[Implant, ...] = ()
    examinations: tuple[Examination, ...] = ()
    images: tuple[Image, ...] = ()
    findings: tuple[Finding, ...] = ()
    blocks: tuple[Block, ...] = ()
    rehabilitation: tuple[Instruction, ...] = ()
    complications: tuple[Complication, ...] = ()
    scores: tuple[Score, ...] = ()
    visits: tuple[Visit, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    claims: tuple[Claim, ...] = ()
    alerts: tuple[Alert, ...] = ()
    not_reported: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.case_id):
            expected = "1 to 64 letters, digits, dots, dashes or underscores"
            raise FieldError(("case_id",), repr(self.case_id), expected, "Choose a pseudonym that fits.")
        _check_references(self)
        _check_times(self)

    def facts(self) -> Iterator[tuple[str, int, Fact]]:
        """Every fact with the name of its list and its place in it."""
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, tuple):
                yield from ((one.name, i, fact) for i, fact in enumerate(value) if isinstance(fact, Fact))

    def clock(self, side: str) -> Operation | None:
        """The operation that the follow-up of a side counts from."""
        return next((op for op in self.operations if op.starts_clock and op.side in (side, "both")), None)


def _places(value: Any) -> Iterator[tuple[tuple[str | int, ...], Place]]:
    """Every place within a fact, and where in it."""
    if isinstance(value, Place):
        yield (), value
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            yield from (((i, *where), place) for where, place in _places(one))
    elif isinstance(value, Fact | Duration | Act):
        for one in fields(value):
            yield from (((one.name, *where), place) for where, place in _places(getattr(value, one.name)))


def _check_references(case: Case) -> None:
    """Ids are unique, and what is referred to is there."""
    documents = {one.id for one in case.documents}
    clocks = {op.id for op in case.operations if op.id is not None}
    ids: set[str] = set()
    for kind, i, fact in case.facts():
        if fact.id is not None and fact.id in ids:
            raise FieldError((kind, i, "id"), f"{fact.id!r} twice", "each id once", "Rename one of them.")
        ids |= {fact.id} if fact.id is not None else set()
        after = fact.when.after if fact.when is not None else None
        if after == OWN_OPERATION:
            if not any(case.clock(side) for side in sides_of(fact.side)):
                do = "Mark that operation with starts_clock, and give this fact a side."
                raise FieldError((kind, i, "when", "after"), after, "an operation of its side", do)
        elif after is not None and after not in clocks:
            do = "Use the id of an operation."
            raise FieldError((kind, i, "when", "after"), repr(after), f"one of {sorted(clocks)}", do)
        for where, place in _places(fact):
            if place.document not in documents:
                expected = f"one of {sorted(documents)}"
                raise FieldError(
                    (kind, i, *where, "document"), repr(place.document), expected, "List it under documents."
                )


def _check_times(case: Case) -> None:
    """Nothing happened before birth; dates stand beside a zero that has one."""
    zero = None if case.zero is None else case.zero.date
    for kind, i, fact in case.facts():
        if fact.when is None:
            continue
        date, months = fact.when.date, fact.when.months
        if date is not None and zero is None:
            do = "Give zero.date, or write months."
            raise FieldError((kind, i, "when", "date"), "a date", "a zero with a date", do)
        name = "months" if date is None else "date"
        at = months if date is None or zero is None else months_between(zero, date)
        earliest = _birth(case.person, zero)
        if at is not None and at < earliest[0]:
            stated = f"{months:g} months" if date is None else date
            do = "Check the sign and the unit." if date is None else "Check the date."
            raise FieldError((kind, i, "when", name), f"{stated}, before birth", earliest[1], do)


def _birth(person: Person, zero: str | None) -> tuple[float, str]:
    """Earliest time that a person can have lived at, in months from the zero, and why."""
    if person.birth_year is not None and zero is not None:
        return months_between(zero, f"{person.birth_year:04}-01-01"), f"{person.birth_year} or later"
    if person.age_years is not None:  # at presentation, which lies near the zero; a year is left for that
        return -12.0 * (person.age_years + 1.0), f"less than {person.age_years:g} years back"
    return -12.0 * OLDEST_YEARS, f"less than {OLDEST_YEARS} years back"

"""What every fact of a record has: frozen values, each with its side, time and place in a source.

Facts are kept as they were stated, contradictions included; nothing is repaired or filled in. A side
that was not stated is "unspecified"; "none" is for what has no side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ischio.io.checked import Closed, FieldError
from ischio.record.calendar import is_date

OWN_OPERATION = "own_operation"  # a time that counts from the operation of the fact's own side

SideWord = Literal["left", "right", "both", "unspecified", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Closed):
    """A source that facts come from.

    Parameters
    ----------
    id : str
        What places call it.
    citation, doi : str or None
    """

    id: str
    citation: str | None = None
    doi: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Closed):
    """Where a fact stands: a document and a section, figure or page in it."""

    document: str
    place: str

    @property
    def words(self) -> str:
        """Document and place in one line."""
        return f"{self.document}: {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Closed):
    """A time: a date, or months from the record's zero or from an operation.

    Parameters
    ----------
    months : float or None
        Offset; negative is earlier.
    after : str or None
        Id of the operation the offset counts from, or "own_operation"; None is the record's zero.
    date : str or None
        Year-month-day, in place of an offset.
    relation : str
        "before" or "after" where only the order is known.
    approximate : bool
    order : int or None
        Place in a sequence without dates.
    """

    months: float | None = None
    after: str | None = None
    date: str | None = None
    relation: Literal["at", "before", "after"] = "at"
    approximate: bool = False
    order: int | None = None

    def __post_init__(self) -> None:
        if (self.months is None) == (self.date is None):
            got = "no time" if self.months is None else "months and a date"
            raise FieldError(("months",), got, "months or a date", "Give exactly one of the two.")
        if self.date is not None and not is_date(self.date):
            raise FieldError(("date",), repr(self.date), "a date as 2024-02-29", "Write year-month-day.")
        if self.date is not None and self.after is not None:
            raise FieldError(
                ("after",), "a date after an event", "months after an event", "Drop one of them."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Zero(Closed):
    """What offset 0 is, in words, and its date where known."""

    words: str
    date: str | None = None

    def __post_init__(self) -> None:
        if self.date is not None and not is_date(self.date):
            raise FieldError(("date",), repr(self.date), "a date as 2024-02-29", "Write year-month-day.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Closed):
    """How long something lasted or shall last.

    Parameters
    ----------
    value : float
    unit : str
    anchor : str or None
        What the time is counted to or from, for example "presentation".
    attachment : str
        "ambiguous" where the text does not say which of several things lasts so long.
    sources : tuple of Place
    """

    value: float
    unit: Literal["days", "weeks", "months", "years"]
    anchor: str | None = None
    attachment: Literal["clear", "ambiguous"] = "clear"
    sources: tuple[Place, ...] = ()

    def __post_init__(self) -> None:
        if self.value < 0:
            raise FieldError(("value",), self.value, "0 or more", "A duration has no sign.")

    @property
    def months(self) -> float:
        """The same in months of 30.4375 days."""
        days = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}[self.unit]
        return self.value * days / 30.4375

    @property
    def words(self) -> str:
        """Number and unit."""
        return f"{self.value:g} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Closed):
    """What every fact can carry.

    Parameters
    ----------
    id : str or None
        For facts that others refer to.
    side : str
    when : When or None
    sources : tuple of Place
        Everywhere it is stated.
    absent_from : tuple of Place
        Places that describe the same thing and leave this fact out.
    note : str or None
    """

    id: str | None = None
    side: SideWord = "none"
    when: When | None = None
    sources: tuple[Place, ...] = ()
    absent_from: tuple[Place, ...] = ()
    note: str | None = None


def sides_of(side: str) -> tuple[str, ...]:
    """Hips that a word for a side stands for; none where it was not stated."""
    return {"left": ("left",), "right": ("right",), "both": ("left", "right")}.get(side, ())


def label(fact: Fact) -> str:
    """What a fact is about, in words."""
    name = next(one for one in ("what", "test", "target", "instrument", "modality") if hasattr(fact, one))
    absent = "no " if getattr(fact, "present", True) is False else ""
    return absent + str(getattr(fact, name)).replace("_", " ")

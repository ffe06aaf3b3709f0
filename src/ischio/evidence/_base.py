"""The evidence base: every figure in one place, read from one file and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from ischio._check import InputError, complaint
from ischio.evidence.rows import (
    Accuracy,
    Band,
    ClinicalTest,
    Diagnosis,
    Figure,
    Prior,
    Row,
    Setting,
    Sign,
    Threshold,
)
from ischio.io.checked import Closed, FieldError, checked
from ischio.io.documents import Document, packaged_evidence

EVIDENCE_VERSION = 1
ROWS = ("priors", "accuracies", "thresholds", "bands", "figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPrior(Closed):
    """The range that stands for a prior which nobody has published; shares, 0 to 1."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < 1:
            got = f"{self.low:g} to {self.high:g}"
            raise FieldError(("low",), got, "0 < low < high < 1", "Give a range of shares.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Closed):
    """Every figure that ischio knows, with what it is about.

    Parameters
    ----------
    schema_version : int
    unknown_prior : UnknownPrior
    settings, diagnoses, tests : tuple
        What figures refer to.
    priors, accuracies, thresholds, bands, figures : tuple
        The figures.
    signs : tuple of Sign
        Facts that speak for or against and have no figure.
    """

    schema_version: int
    unknown_prior: UnknownPrior
    settings: tuple[Setting, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    tests: tuple[ClinicalTest, ...] = ()
    priors: tuple[Prior, ...] = ()
    accuracies: tuple[Accuracy, ...] = ()
    signs: tuple[Sign, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    bands: tuple[Band, ...] = ()
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        if self.schema_version != EVIDENCE_VERSION:
            do = "Use the ischio that this file was written for."
            raise FieldError(("schema_version",), self.schema_version, EVIDENCE_VERSION, do)
        for name in ("settings", "diagnoses", "tests"):
            _check_once(name, [one.id for one in getattr(self, name)])
        seen: set[str] = set()
        for name in ROWS:
            for i, row in enumerate(getattr(self, name)):
                if row.id in seen:
                    raise FieldError(
                        (name, i, "id"), f"{row.id!r} twice", "each id once", "Rename one of them."
                    )
                seen.add(row.id)
        _check_known("priors", "diagnosis", self.priors, self.diagnoses)
        _check_known("priors", "setting", self.priors, self.settings)
        _check_known("accuracies", "test", self.accuracies, self.tests)
        _check_known("accuracies", "diagnosis", self.accuracies, self.diagnoses)
        _check_known("signs", "diagnosis", self.signs, self.diagnoses)
        defaults: set[tuple[str, str]] = set()
        for i, one in enumerate(self.accuracies):
            if one.is_default and (one.test, one.diagnosis) in defaults:
                got = f"a second default for {one.test}"
                raise FieldError(("accuracies", i, "is_default"), got, "one", "Choose one of the studies.")
            defaults |= {(one.test, one.diagnosis)} if one.is_default else set()

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every figure with the name of its list."""
        for name in ROWS:
            yield from ((name, row) for row in getattr(self, name))

    def figure(self, row_id: str) -> Figure:
        """The figure of an id.

        Raises
        ------
        InputError
            If the base has none of that id.
        """
        found = next((one for one in self.figures if one.id == row_id), None)
        if found is None:
            raise InputError(
                complaint("evidence", f"no figure {row_id!r}", "it in figures", "Add it to the file.")
            )
        return found

    def diagnosis(self, name: str) -> Diagnosis:
        """The diagnosis of an id, which must be there."""
        return next(one for one in self.diagnoses if one.id == name)

    def test(self, name: str) -> ClinicalTest:
        """The test of an id, which must be there."""
        return next(one for one in self.tests if one.id == name)


def evidence_from_document(document: Document) -> Evidence:
    """An evidence base from a document that was read.

    Parameters
    ----------
    document : Document

    Returns
    -------
    Evidence

    Raises
    ------
    InputError
        With file, line and field, if a figure lacks its source, population, number of people or mark,
        or contradicts itself.
    """
    if not isinstance(document.values, dict):
        do = "Start from `ischio evidence --json`."
        raise InputError(complaint(document.name, "no fields", "an evidence base", do))
    found: Evidence = checked(document, document.values, _adapter())
    return found


@cache
def evidence() -> Evidence:
    """The packaged evidence base.

    Examples
    --------
    >>> evidence().figure("position_error_sd").value
    4.2
    """
    return evidence_from_document(packaged_evidence())


def plain_evidence(base: Evidence) -> dict[str, Any]:
    """The whole base as plain values: what a file of it holds, ready to be edited."""
    out: dict[str, Any] = _adapter().dump_python(base, mode="json", exclude_defaults=True)
    return out


@cache
def _adapter() -> Any:
    """Checks and builds an ``Evidence``; made once, as it takes a while."""
    from pydantic import TypeAdapter

    return TypeAdapter(Evidence)


def _check_once(name: str, ids: list[str]) -> None:
    """Each id is there once."""
    for i, one in enumerate(ids):
        if one in ids[:i]:
            raise FieldError((name, i, "id"), f"{one!r} twice", "each id once", "Rename one of them.")


def _check_known(rows: str, name: str, found: Iterable[Any], known: Iterable[Any]) -> None:
    """What a row refers to is there."""
    ids = [one.id for one in known]
    for i, row in enumerate(found):
        if getattr(row, name) not in ids:
            do = "Add it, or correct its spelling."
            raise FieldError((rows, i, name), repr(getattr(row, name)), f"one of {', '.join(ids)}", do)

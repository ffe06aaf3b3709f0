"""What a written case report has to contain, and how much of it a record holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ischio.record.case import Case


@dataclass(frozen=True, slots=True)
class CareItem:
    """One item of the CARE checklist and the lists of a record that speak to it."""

    item: str
    is_covered: bool
    by: str


_ITEMS: tuple[tuple[str, str, Callable[[Case], bool]], ...] = (
    ("Title", "written by the authors", lambda _: False),
    ("Key words", "written by the authors", lambda _: False),
    ("Abstract", "written by the authors", lambda _: False),
    ("Introduction", "written by the authors", lambda _: False),
    ("Patient information", "person, symptoms", lambda case: bool(case.person.age_years and case.symptoms)),
    ("Clinical findings", "examinations", lambda case: bool(case.examinations)),
    ("Timeline", "times of operations and scores", lambda case: any(one.when for one in case.operations)),
    ("Diagnostic assessment", "findings, blocks", lambda case: bool(case.findings)),
    ("Therapeutic intervention", "operations, care", lambda case: bool(case.operations or case.care)),
    ("Follow-up and outcomes", "scores, visits", lambda case: bool(case.scores and case.visits)),
    ("Discussion", "written by the authors", lambda _: False),
    ("Patient perspective", "written by the patient", lambda _: False),
    ("Informed consent", "kept where the patient's name is kept", lambda _: False),
)


def care_coverage(case: Case) -> tuple[CareItem, ...]:
    """Items of the CARE checklist (names only, unverified) that a record holds facts for.

    Examples
    --------
    >>> sum(one.is_covered for one in care_coverage(Case(schema_version=1, case_id="p01")))
    0
    """
    return tuple(CareItem(item, holds(case), by) for item, by, holds in _ITEMS)

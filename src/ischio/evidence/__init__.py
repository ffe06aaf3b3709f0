"""Every published figure that ischio uses, in one place, with source, population, people and mark."""

from ischio.evidence._base import (
    ROWS,
    Evidence,
    UnknownPrior,
    evidence,
    evidence_from_document,
    plain_evidence,
)

__all__ = ["ROWS", "Evidence", "UnknownPrior", "evidence", "evidence_from_document", "plain_evidence"]

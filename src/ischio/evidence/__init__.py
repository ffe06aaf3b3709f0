"""Every published figure that ischio uses, in one place, with source, population, people and mark."""

from ischio.evidence.base import Evidence, evidence, evidence_from_document

__all__ = ["Evidence", "evidence", "evidence_from_document"]

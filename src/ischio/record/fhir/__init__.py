"""A record as a FHIR R4B bundle, and back."""

from ischio.record.fhir.bundle import to_bundle
from ischio.record.fhir.check import check_bundle, problems_of_library
from ischio.record.fhir.read import case_from_bundle

__all__ = ["case_from_bundle", "check_bundle", "problems_of_library", "to_bundle"]

"""One person's clinical record: facts with their places, scores, conflicts, a timeline."""

from ischio.record.door import case_from_document, case_schema, plain_case
from ischio.record.judgement import differential_dict, reasons_dict
from ischio.record.letter import letter_dict
from ischio.record.summary import check_dict, score_dict, summary_dict, timeline_dict

__all__ = [
    "case_from_document",
    "case_schema",
    "check_dict",
    "differential_dict",
    "letter_dict",
    "plain_case",
    "reasons_dict",
    "score_dict",
    "summary_dict",
    "timeline_dict",
]

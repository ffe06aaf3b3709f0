"""A study: one person's bones to results, and results to and from a folder."""

from ischio.study.analysis import Progress, Settings, analyse
from ischio.study.as_dict import DISCLAIMER, SCHEMA_VERSION, schema, to_dict, to_json
from ischio.study.folder import RESULT_FILES, STUDY_FILE, check_out, load_dict, write

__all__ = [
    "DISCLAIMER",
    "RESULT_FILES",
    "SCHEMA_VERSION",
    "STUDY_FILE",
    "Progress",
    "Settings",
    "analyse",
    "check_out",
    "load_dict",
    "schema",
    "to_dict",
    "to_json",
    "write",
]

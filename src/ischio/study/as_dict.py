"""A study as plain values and as text: what ``study.json`` holds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import PureWindowsPath
from typing import Any

import numpy as np

from ischio import __version__
from ischio._check import complaint
from ischio.landmarks.offsets import Offset, hip_offsets, knee_distance
from ischio.study.surfaces import SAVED_REGIONS, surface_file
from ischio.types import Bone, Hip, Landmark, Pelvis, Region, Study, Substitute, Transform, side_word

SCHEMA_VERSION = 1
DISCLAIMER = "For research only; not a medical device. Nothing here is a diagnosis or advice on treatment."

_FRAMES = (
    "pelvis_isb_from_patient",
    "pelvis_app_from_patient",
    "femur_tea_from_patient",
    "femur_pca_from_patient",
)
_POSE = ("flexion_deg", "adduction_deg", "internal_rotation_deg", "pelvic_zero", "rotation_zero")
_LANDMARK = ("name", "side", "point_mm", "sigma_mm", "method", "detail")
_CURVE = ("name", "points_mm", "closed", "sigma_mm", "method", "detail")
_MEASUREMENT = (
    *("name", "side", "value", "unit", "sigma", "method", "definition", "posture", "reference"),
    *("evidence", "points_mm", "reason", "detail", "comparisons"),
)
_NUMBERS = re.compile(r"\[\n([-+.,\deE\s]+)\]")  # a line break is never inside a text of JSON
_DECIMALS, _ROTATION_DECIMALS = 4, 9  # 0.1 micrometre; a rotation read back is still orthonormal to 1e-8


def to_dict(study: Study) -> dict[str, Any]:
    """A study as plain values, the content of ``study.json``.

    Returns
    -------
    dict
        Described key by key in ``schema/study-1.schema.json``. Lengths are rounded to
        0.0001 mm, so the bytes do not depend on the number of threads.

    Raises
    ------
    ValueError
        If a figure is not finite.
    """
    unknown = study.settings.get("axes") == "unknown"
    return {
        "schema_version": SCHEMA_VERSION,
        "case_id": study.case_id,
        "software": {"name": "ischio", "version": __version__},
        "disclaimer": DISCLAIMER,
        "settings": _plain(study.settings),
        "coordinates": "axes of the input, mm" if unknown else "patient LPS, mm",
        "bones": [_bone(bone) for bone in study.bones],
        "hips": [_hip(hip, study.pelvis) for hip in study.pelvis.hips],
        "knee_distance": _offset(knee_distance(study.pelvis)),
        "landmarks": [_fields(landmark, *_LANDMARK) for landmark in all_landmarks(study)],
        "measurements": [_fields(row, *_MEASUREMENT) for row in study.measurements],
        "notes": list(study.notes),
        "warnings": list(study.warnings),
        "quality": [_plain(row) for row in study.quality],
        **({} if study.record is None else {"record": _plain(study.record)}),
        **({} if study.motion is None else _plain(study.motion)),
        **({} if study.planning is None else _plain(study.planning)),
    }


def all_landmarks(study: Study) -> list[Landmark]:
    """Every landmark of a study: right, left, then those in the midline."""
    of_hips = [landmark for hip in study.pelvis.hips for landmark in hip.landmarks.values()]
    return [*of_hips, *study.pelvis.landmarks.values()]


def to_json(study: Study) -> str:
    """The exact text of ``study.json``: a row of numbers, such as a point, stays on one line."""
    text = json.dumps(to_dict(study), indent=2, allow_nan=False) + "\n"
    return _NUMBERS.sub(lambda row: "[" + " ".join(row[1].split()) + "]", text)


def schema() -> dict[str, Any]:
    """The JSON schema of ``study.json``, as packaged."""
    text = resources.files("ischio").joinpath(f"schema/study-{SCHEMA_VERSION}.schema.json").read_text("utf-8")
    out: dict[str, Any] = json.loads(text)
    return out


def _hip(hip: Hip, pelvis: Pelvis) -> dict[str, Any]:
    """A hip as plain values; a frame that is missing is null, with its reason beside it."""
    missing = {name: "not determined" for name in _FRAMES if name not in hip.frames}
    names = (*_FRAMES, *(name for name in hip.frames if name not in _FRAMES))
    return {
        **_fields(hip, "side", "posture"),
        "poses": [_fields(pose, *_POSE) for pose in hip.poses],
        "frames": {name: _matrix(hip.frames[name]) if name in hip.frames else None for name in names},
        "substitutes": {name: _substitute(one) for name, one in hip.substitutes.items()},
        "offsets": {one.name: _offset(one) for one in hip_offsets(pelvis, hip.side)},
        "regions": [_region(region) for region in hip.regions.values()],
        "curves": [_fields(curve, *_CURVE) for curve in hip.curves.values()],
        "reasons": {**missing, **hip.reasons},
    }


def _substitute(one: Substitute) -> dict[str, Any]:
    """A substitute as plain values."""
    return {"matrix": _matrix(one.frame), **_fields(one, "instead_of", "sigma_deg", "method", "reason")}


def _offset(offset: Offset) -> dict[str, Any]:
    """An offset as plain values."""
    return {**_fields(offset, "value", "unit", "sigma", "reason"), "flagged": offset.is_flagged}


def _region(region: Region) -> dict[str, Any]:
    """A region as plain values: how large, not which faces."""
    return {
        **_fields(region, "name", "bone", "area_mm2"),
        "n_faces": len(region.face_indices),
        "sub_parts": {part: region.sub_parts.count(part) for part in sorted(set(region.sub_parts))},
        **_fields(region, "method", "detail"),
        "surface_file": surface_file(region.name, region.side) if region.name in SAVED_REGIONS else None,
    }


def _bone(bone: Bone) -> dict[str, Any]:
    """A bone as plain values, without its surface."""
    return {
        **_fields(bone, "label", "name", "side", "edge_mm", "repairs"),
        "n_faces": len(bone.faces),
        "moved_mm": _number(bone.moved_mm),
        "scan_ends": [
            [*(_number(value, _ROTATION_DECIMALS) for value in plane[:3]), _number(plane[3])]
            for plane in bone.scan_ends.tolist()
        ],
        "source": PureWindowsPath(bone.source).name,  # splits at / and \: no folder of the user's gets out
    }


def _matrix(transform: Transform) -> list[list[float]]:
    """A 4 x 4 matrix by rows, rotations with more decimals than millimetres."""
    return [
        [_number(value, _ROTATION_DECIMALS if column < 3 else _DECIMALS) for column, value in enumerate(row)]
        for row in transform.matrix.tolist()
    ]


def _fields(value: Any, *names: str) -> dict[str, Any]:
    """The named fields of one of our types as plain values."""
    return {name: side_word(value.side) if name == "side" else _plain(getattr(value, name)) for name in names}


def _plain(value: Any) -> Any:
    """Numbers, texts, arrays, sequences and mappings as JSON knows them."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _number(value)
    raise TypeError(complaint("study", type(value).__name__, "numbers, texts, lists", "Convert it first."))


def _number(value: float, decimals: int = _DECIMALS) -> float:
    """A finite number, rounded, without a negative zero."""
    if not math.isfinite(value):
        raise ValueError(complaint("study", value, "a finite number", "Give None and a reason."))
    return round(float(value), decimals) + 0.0

"""Names of labels: known class maps, JSON files, and ITK-SNAP's label descriptions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ischio._check import InputError, complaint

_BONES = "sacrum femur_left femur_right hip_left hip_right".split()
# TotalSegmentator's numbers for the bones used here: task "total" of versions 2 and 1, and "total_mr".
CLASS_MAPS: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        name: MappingProxyType(dict(zip(values, _BONES, strict=True)))
        for name, values in (
            ("totalseg-v2", (25, 75, 76, 77, 78)),
            ("totalseg-v1", (92, 88, 89, 90, 91)),
            ("totalseg-mr", (18, 36, 37, 38, 39)),
        )
    }
)
_NAME_KEYS = ("name", "Name", "SegmentLabel")
_VALUE_KEYS = ("value", "label", "id", "LabelValue", "labelID")
_MAX_JSON_BYTES = 10_000_000
# Label, red, green, blue, opacity, two switches, and the name in quotes.
_SNAP_LINE = re.compile(r'\s*(\d{1,6})(?:\s+[\d.]+){6}\s+"([^"]*)"\s*')


def label_names(text: str) -> dict[int, str]:
    """Names of labels from the option: a known class map, or a JSON file.

    Parameters
    ----------
    text : str
        "totalseg-v2", "totalseg-v1", "totalseg-mr", or the path of a JSON file that holds
        ``{"1": "femur_left"}``, ``{"femur_left": 1}``, either under "labels", or a list of entries with
        a name and a value; or ITK-SNAP's file of label descriptions.

    Returns
    -------
    dict of int to str

    Raises
    ------
    InputError
        If it is neither, or the file holds no such map.

    Examples
    --------
    >>> label_names("totalseg-v2")[75]
    'femur_left'
    """
    if text.lower() in CLASS_MAPS:
        return dict(CLASS_MAPS[text.lower()])
    path = Path(text)
    names = (_json_names(path) or _snap_names(path)) if path.is_file() else None
    if names is None:
        raise InputError(
            complaint(
                f"--labels {text}",
                "no map of labels" if path.is_file() else "no such file",
                f"one of {list(CLASS_MAPS)}, or a JSON file such as {{'1': 'femur_left'}}",
                "Correct the option.",
            )
        )
    return names


def names_beside(path: Path) -> tuple[Mapping[int, str], str] | None:
    """Names from a file that lies beside a label map.

    Parameters
    ----------
    path : Path
        The label map.

    Returns
    -------
    (mapping of int to str, str) or None
        The names, and where they are from.
    """
    stem = bare_name(path)
    for name in (
        *(f"{stem}.json", f"{stem}_labels.json", "labels.json", "dataset.json"),
        *(f"{stem}.label", f"{stem}.txt", f"{stem}_labels.txt", "labels.label", "labels.txt"),
    ):
        names = _json_names(path.with_name(name)) or _snap_names(path.with_name(name))
        if names:
            return names, f"from {name}"
    return None


def bare_name(path: Path) -> str:
    """File name without its ending, of which there may be two.

    Parameters
    ----------
    path : Path

    Examples
    --------
    >>> bare_name(Path("femur_left.nii.gz"))
    'femur_left'
    """
    name = path.name
    for ending in (".gz", ".nii", ".nrrd", ".mha", ".mhd", ".dcm", ".seg"):
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    return name


def _json_names(path: Path) -> dict[int, str] | None:
    """A map of labels from JSON, in one of the shapes programs write, or None."""
    if not path.is_file() or path.stat().st_size > _MAX_JSON_BYTES:
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # no JSON, or no text
        return None
    if isinstance(data, dict) and isinstance(data.get("labels"), dict | list):
        data = data["labels"]
    if isinstance(data, list):
        pairs = [(_first(entry, _VALUE_KEYS), _first(entry, _NAME_KEYS)) for entry in data]
    elif isinstance(data, dict):
        pairs = [(key, name) if isinstance(name, str) else (name, key) for key, name in data.items()]
    else:
        return None
    names = {}
    for value, name in pairs:
        label = _label(value)
        if label is None or not isinstance(name, str) or label in names:
            return None
        names[label] = name
    return names


def _snap_names(path: Path) -> dict[int, str] | None:
    """Names in a file of label descriptions as ITK-SNAP writes it, or None."""
    if path.suffix.lower() == ".json" or not path.is_file() or path.stat().st_size > _MAX_JSON_BYTES:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except ValueError:  # no text
        return None
    found = [_SNAP_LINE.fullmatch(line) for line in lines if line.strip() and not line.startswith("#")]
    if not found or not all(found):
        return None
    return {int(line[1]): line[2] for line in found if line and int(line[1])}


def _first(entry: Any, keys: Sequence[str]) -> Any:
    """The first of the keys that an entry has."""
    return next((entry[key] for key in keys if key in entry), None) if isinstance(entry, dict) else None


def _label(value: Any) -> int | None:
    """A label's number, also when it is written as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None

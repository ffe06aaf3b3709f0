"""Read hip angles and gait events from CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ischio._check import Array, InputError, complaint
from ischio.io.gait_trial import ANGLES, PELVIS, GaitTrial
from ischio.types import Side

_UNITS = {"_deg": 1.0, "_rad": float(np.degrees(1.0))}
_EVENTS = ("time_s", "side", "event")
_MOST_ROWS = 1_000_000


def read_gait_csv(path: Path, zeros: tuple[str, str], columns: Mapping[str, str]) -> GaitTrial:
    """Read hip angles from a CSV file.

    Parameters
    ----------
    path : Path
        With columns ``time_s``, ``right_flexion_deg``, ``right_adduction_deg``,
        ``right_internal_rotation_deg``, the same for the left, and optionally ``right_pelvic_tilt_deg``
        (forward), ``right_pelvic_list_deg`` (this side up), ``right_pelvic_rotation_deg`` (this side
        forward). One side may be absent as a whole. ``_rad`` in place of ``_deg`` states radians.
    zeros : (pelvic_zero, rotation_zero)
    columns : mapping of str to str
        Our name to the file's, where they differ.

    Returns
    -------
    GaitTrial
        Empty cells are NaN.

    Raises
    ------
    InputError
        If a column is missing, its name has no unit, or a cell is not a number.
    """
    names, rows = _rows(path)
    wanted = {f"{side.value}_{name}" for side in Side for name in (*ANGLES, *PELVIS)}
    place: dict[str, tuple[int, float]] = {}
    for name, column in {**{one: one for one in names}, **columns}.items():
        if column not in names:
            raise InputError(
                complaint(
                    f"{path.name}, {name}",
                    f"no column {column!r}",
                    f"one of {names}",
                    "Correct --gait-column.",
                )
            )
        stem, unit = name[:-4], name[-4:]
        if name == "time_s":
            place[name] = names.index(column), 1.0
        elif name in wanted:
            raise InputError(
                complaint(f"{path.name}, {name}", "no unit", f"{name}_deg or {name}_rad", "State the unit.")
            )
        elif stem in wanted and unit in _UNITS:
            place[stem] = names.index(column), _UNITS[unit]
        elif name in columns:
            raise InputError(
                complaint(
                    f"{path.name}, --gait-column",
                    repr(name),
                    f"time_s or one of {sorted(wanted)} with _deg or _rad",
                    "Correct the name.",
                )
            )
    sides = [side for side in Side if any(f"{side.value}_{name}" in place for name in ANGLES)]
    lacking = [
        f"{side.value}_{name}_deg"
        for side in sides or list(Side)
        for name in ANGLES
        if f"{side.value}_{name}" not in place
    ]
    if "time_s" not in place or lacking:
        raise InputError(
            complaint(
                path.name,
                f"no {', '.join(lacking) or 'time_s'}",
                "time_s and three angles of a hip; a pose needs all three",
                "Name the columns with --gait-column OURS=THEIRS.",
            )
        )
    table = _numbers(rows)

    def of(side: Side, these: tuple[str, ...]) -> Array:
        found = [place[f"{side.value}_{name}"] for name in these]
        return np.stack([table[:, column] * scale for column, scale in found], axis=1)

    pelvis = {
        side: of(side, PELVIS) for side in sides if all(f"{side.value}_{name}" in place for name in PELVIS)
    }
    angles = {side: of(side, ANGLES) for side in sides}
    return GaitTrial(table[:, place["time_s"][0]], angles, pelvis, {}, *zeros, f"table {path.name}")


def read_events(path: Path) -> dict[Side, Array]:
    """Foot strikes of a CSV file with columns ``time_s``, ``side`` and ``event``."""
    names, rows = _rows(path)
    if any(name not in names for name in _EVENTS):
        raise InputError(
            complaint(path.name, f"columns {names}", f"{', '.join(_EVENTS)}", "Rename the columns.")
        )
    at, side, event = (names.index(name) for name in _EVENTS)
    out: dict[Side, list[float]] = {}
    for number, row in enumerate(rows, start=2):
        word = row[side].strip().lower()
        try:
            seconds = float(row[at])
            of = Side(word)
        except ValueError as error:
            raise InputError(
                complaint(f"{path.name}, line {number}", row, "a time and left or right", "Correct the line.")
            ) from error
        if row[event].strip().lower().replace("_", " ") == "foot strike":
            out.setdefault(of, []).append(seconds)
    if not out:
        raise InputError(complaint(path.name, "no foot strike", "events named Foot Strike", "Rename them."))
    return {one: np.array(sorted(found)) for one, found in out.items()}


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names of columns and rows as text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(complaint(path.name, error, "a CSV file in UTF-8", "Check the file.")) from error
    table = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    names = [name.strip() for name in table[0]] if table else []
    rows = table[1:]
    if not rows or len(rows) > _MOST_ROWS or any(len(row) != len(names) for row in rows):
        raise InputError(
            complaint(
                path.name, f"{len(rows)} rows, or uneven ones", "a table with a header", "Check the commas."
            )
        )
    if len(set(names)) != len(names):
        raise InputError(complaint(path.name, "a column twice", "each once", "Rename one."))
    return names, rows


def _numbers(rows: list[list[str]]) -> Array:
    """Cells as numbers; empty ones and texts in columns that are not asked for are NaN."""
    out = np.full((len(rows), len(rows[0])), np.nan)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            word = cell.strip()
            if word:
                try:
                    out[i, j] = float(word)
                except ValueError:
                    continue
    return out

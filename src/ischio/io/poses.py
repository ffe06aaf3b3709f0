"""Read poses from a table, and write what was found for them."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ischio._check import InputError, complaint
from ischio.types import PELVIC_ZEROS, POSE_LIMITS_DEG, ROTATION_ZEROS, Side

ANGLES = tuple(POSE_LIMITS_DEG)
ZEROS = {"pelvic_zero": ("isb", PELVIC_ZEROS), "rotation_zero": ("tea", ROTATION_ZEROS)}
MOST_BYTES = 1 << 30
_NULL = "\\N"  # no text of ours is this; an empty text stays an empty text


@dataclass(frozen=True, slots=True)
class PoseRow:
    """One row of a table of poses: what was read, and its meaning.

    Parameters
    ----------
    cells : mapping of str to str
        Every column as it stands in the file, and the zeros where the file leaves them out.
    side : Side
    angles_deg : (flexion, adduction, internal rotation)
    zeros : (pelvic_zero, rotation_zero)
    """

    cells: Mapping[str, str]
    side: Side
    angles_deg: tuple[float, float, float]
    zeros: tuple[str, str]


def read_poses(path: Path) -> tuple[PoseRow, ...]:
    """Read a CSV file of poses.

    Parameters
    ----------
    path : Path
        UTF-8, with columns ``side``, ``flexion_deg``, ``adduction_deg``, ``internal_rotation_deg`` and
        optionally ``pelvic_zero`` and ``rotation_zero``; without these two, "isb" and "tea". Further
        columns are carried along.

    Returns
    -------
    tuple of PoseRow

    Raises
    ------
    InputError
        Naming the row, if an angle is missing, not a number or beyond anatomy, or a word is unknown.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(complaint(path.name, "more than 1 GB", "a table of poses", "Split the file."))
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            complaint(path.name, error, "a CSV file in UTF-8", "Check path and encoding.")
        ) from error
    table = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = [name.strip() for name in table.fieldnames or ()]
    table.fieldnames = names
    missing = [name for name in ("side", *ANGLES) if name not in names]
    if missing or len(set(names)) != len(names):
        raise InputError(
            complaint(
                path.name,
                f"columns {names}",
                f"side, {', '.join(ANGLES)}, each once",
                "A pose needs all three angles; write 0 where it is 0." if missing else "Rename one.",
            )
        )
    rows = tuple(_row(cells, f"{path.name}, line {table.line_num}") for cells in table)
    if not rows:
        raise InputError(complaint(path.name, "no rows", "at least one pose", "Add a row below the header."))
    return rows


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with equal keys as CSV text; ``None`` is an empty cell."""
    out = io.StringIO()
    table = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def to_npz(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as the bytes of a compressed npz file: one array for each column, under the column's name.

    Numbers are float64, a missing one NaN; all else is text. Angles are numbers.
    """
    columns: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name.endswith(("_mm", "_deg")):
            columns[name] = np.array([np.nan if value is None else float(value) for value in values])
        else:
            columns[name] = np.array(["" if value is None else str(value) for value in values])
    out = io.BytesIO()
    np.savez_compressed(out, **columns)
    return out.getvalue()


def to_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as the bytes of a Parquet file: columns under their names, angles and millimetres as DOUBLE.

    All else is text; what is missing is null.

    Raises
    ------
    InputError
        If DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise InputError(
            complaint(
                "Parquet", "no DuckDB", "the package duckdb", "Install it: pip install 'ischio[cohort]'."
            )
        ) from error
    kinds = {name: "DOUBLE" if name.endswith(("_mm", "_deg")) else "VARCHAR" for name in rows[0]}
    with tempfile.TemporaryDirectory() as folder:
        table, out = Path(folder, "rows.csv"), Path(folder, "rows.parquet")
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([_NULL if value is None else value for value in row.values()] for row in rows)
        columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in kinds.items())
        read = (
            f"read_csv({_quoted(str(table))}, header=false, auto_detect=false, columns={{{columns}}}, "
            f"nullstr='{_NULL}', delim=',', quote='\"', escape='\"')"
        )
        with duckdb.connect() as base:  # in memory; the network is not asked
            base.execute(f"COPY (SELECT * FROM {read}) TO {_quoted(str(out))} (FORMAT parquet)")
        return out.read_bytes()


def _quoted(text: str) -> str:
    """A text of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _row(cells: Mapping[str | None, Any], where: str) -> PoseRow:
    """One row, checked."""
    if None in cells or None in cells.values():
        raise InputError(
            complaint(where, "another number of cells than columns", "one each", "Check the commas.")
        )
    words = {str(name): str(value).strip() for name, value in cells.items()}
    for name, (default, _) in ZEROS.items():
        words[name] = words.get(name) or default
    side = _one_of(words["side"].lower(), tuple(one.value for one in Side), f"{where}, side")
    zeros = tuple(
        _one_of(words[name].lower(), known, f"{where}, {name}") for name, (_, known) in ZEROS.items()
    )
    angles = tuple(_angle(words[name], name, where) for name in ANGLES)
    return PoseRow(words, Side(side), (angles[0], angles[1], angles[2]), (zeros[0], zeros[1]))


def _one_of(word: str, known: tuple[str, ...], where: str) -> str:
    """The word, if it is known."""
    if word not in known:
        raise InputError(complaint(where, repr(word), f"one of {list(known)}", "Write one of these."))
    return word


def _angle(word: str, name: str, where: str) -> float:
    """An angle that a hip can have."""
    low, high = POSE_LIMITS_DEG[name]
    try:
        angle = float(word)
    except ValueError:
        angle = math.nan
    if not low <= angle <= high:
        raise InputError(
            complaint(
                f"{where}, {name}", repr(word), f"{low:g} to {high:g} degrees", "Check sign, unit and column."
            )
        )
    return angle

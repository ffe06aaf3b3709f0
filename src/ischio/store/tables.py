"""Tables of a registry as Parquet files, for DuckDB and everything else that reads them."""

from __future__ import annotations

import csv
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ischio._check import InputError, OutputError, complaint

TABLES = ("cases", "scores", "changes", "measurements", "provenance", "history")
_DUCKDB_TYPE = {"TEXT": "VARCHAR", "REAL": "DOUBLE", "INTEGER": "BIGINT"}
_NULL = "\\N"  # no text of ours is this; an empty text stays an empty text


def export_parquet(connection: sqlite3.Connection, table: str, out: Path, *, force: bool = False) -> int:
    """Write one table as a Parquet file.

    Parameters
    ----------
    connection : sqlite3.Connection
        From ``open_registry``.
    table : str
        One of ``TABLES``.
    out : Path
    force : bool
        Replace a file that is there.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InputError
        If DuckDB is not installed.
    OutputError
        If the place is taken or cannot be written to.
    """
    if table not in TABLES:
        raise ValueError(complaint("table", repr(table), f"one of {list(TABLES)}", "Choose one of these."))
    try:
        import duckdb
    except ImportError as error:
        raise InputError(
            complaint(
                "Parquet", "no DuckDB", "the package duckdb", "Install it: pip install 'ischio[cohort]'."
            )
        ) from error
    columns = {
        name: _DUCKDB_TYPE[kind] for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
    }
    rows = connection.execute(f"SELECT * FROM {table}")
    n_rows = 0
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "rows.csv")
        with text.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for row in rows:
                writer.writerow([_NULL if one is None else one for one in row])
                n_rows += 1

        read = (
            f"read_csv({_quoted(text)}, header=false, auto_detect=false, columns={columns}, nullstr='{_NULL}'"
        )
        read += """, delim=',', quote='"', escape='"')"""

        def write(part: Path) -> None:
            with duckdb.connect() as base:  # in memory; the network is not asked
                base.execute(f"COPY (SELECT * FROM {read}) TO {_quoted(part)} (FORMAT parquet)")

        write_file(out, write, force=force)
    return n_rows


def write_text(out: Path, text: str, *, force: bool = False) -> None:
    """Write a text file, whole or not at all.

    Parameters
    ----------
    out : Path
    text : str
    force : bool
        Replace a file that is there.

    Raises
    ------
    OutputError
        If the place is taken or cannot be written to.
    """
    write_file(out, lambda part: _write(part, text), force=force)


def write_file(out: Path, write: Callable[[Path], None], *, force: bool) -> None:
    """Let ``write`` make a file beside its place, then put it there in one step.

    Parameters
    ----------
    out : Path
    write : callable
        Given the path to write to.
    force : bool
        Replace a file that is there.

    Raises
    ------
    OutputError
        If the place is taken or cannot be written to; what was there is then as it was.
    """
    if out.exists() and not (force and out.is_file()):
        do = "Choose another." if out.is_dir() else "Choose another, or pass --force."
        raise OutputError(complaint(out.name, "a place that exists", "a new file", do))
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        write(part)
        part.replace(out)
    except OSError as error:
        raise OutputError(
            complaint(out.name, os.strerror(error.errno or 0), "a place to write to", "Check the folder.")
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def _write(part: Path, text: str) -> None:
    """Write text as it is."""
    part.write_text(text, encoding="utf-8", newline="\n")

"""The registry: records in one SQLite file that several programs may write to at once.

A write is one transaction: a program that is killed leaves the state before or after it. Earlier
versions of a record are never changed or removed; tables of scores and measurements are derived from
the newest version and can be made again from the history.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ischio import __version__
from ischio._check import InputError, OutputError, complaint
from ischio.io.documents import parse_document
from ischio.record import case_from_document, plain_case, score_dict
from ischio.record.case import Case

APPLICATION_ID = 0x49534348  # "ISCH", in the head of the file: other programs' files are left alone
REGISTRY_VERSION = 1
WAIT_S = 60.0  # for another writer; a write takes milliseconds

_SCHEMA = """
CREATE TABLE history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL, version INTEGER NOT NULL,
    at_utc TEXT NOT NULL, software TEXT NOT NULL, sha256 TEXT NOT NULL, record TEXT NOT NULL,
    measurements TEXT NOT NULL, UNIQUE (case_id, version));
CREATE TRIGGER history_is_kept BEFORE DELETE ON history
    BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER history_is_not_edited BEFORE UPDATE ON history
    BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TABLE cases (
    case_id TEXT PRIMARY KEY, version INTEGER NOT NULL, age_years REAL, sex TEXT,
    n_operations INTEGER NOT NULL, seq INTEGER NOT NULL REFERENCES history (seq));
CREATE TABLE scores (
    case_id TEXT NOT NULL REFERENCES cases (case_id), instrument TEXT NOT NULL, scale TEXT,
    side TEXT NOT NULL, offset_months REAL, value REAL, raw REAL, raw_max REAL, unique_raw INTEGER NOT NULL,
    valid INTEGER NOT NULL, reason TEXT);
CREATE INDEX scores_by_case ON scores (case_id);
CREATE TABLE changes (
    case_id TEXT NOT NULL REFERENCES cases (case_id), instrument TEXT NOT NULL, scale TEXT,
    side TEXT NOT NULL, before REAL NOT NULL, after REAL NOT NULL, change REAL NOT NULL);
CREATE INDEX changes_by_case ON changes (case_id);
CREATE TABLE measurements (
    case_id TEXT NOT NULL REFERENCES cases (case_id), name TEXT NOT NULL, side TEXT NOT NULL, value REAL,
    unit TEXT NOT NULL, sigma REAL, method TEXT NOT NULL, posture TEXT, reason TEXT);
CREATE INDEX measurements_by_case ON measurements (case_id);
CREATE TABLE provenance (
    case_id TEXT NOT NULL REFERENCES cases (case_id), what TEXT NOT NULL, value TEXT NOT NULL);
CREATE INDEX provenance_by_case ON provenance (case_id);
"""
_SCORE_KEYS = (
    *("instrument", "scale", "side", "offset_months", "value", "raw", "raw_max", "unique", "valid"),
    "reason",
)
_CHANGE_KEYS = ("instrument", "scale", "side", "from", "to", "change")
_MEASUREMENT_KEYS = ("name", "side", "value", "unit", "sigma", "method", "posture", "reason")
_DERIVED = ("scores", "changes", "measurements", "provenance", "cases")


@contextmanager
def open_registry(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a registry for the length of a ``with`` block.

    Parameters
    ----------
    path : Path
        The file.
    create : bool
        Make it where it does not exist.

    Yields
    ------
    sqlite3.Connection

    Raises
    ------
    InputError
        If there is none, or the file is another program's or of a newer version.
    OutputError
        If it cannot be written to.
    """
    if not path.exists() and not create:
        raise InputError(
            complaint(path.name, "no such registry", "a registry", "Make one with `ischio record add`.")
        )
    try:
        connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
    except sqlite3.Error as error:
        raise OutputError(complaint(path.name, error, "a file to write to", "Check the folder.")) from error
    try:
        _prepare(connection, path, create)
        yield connection
    except sqlite3.OperationalError as error:
        raise OutputError(
            complaint(path.name, error, "a registry that can be written to", "Check rights and free space.")
        ) from error
    except sqlite3.DatabaseError as error:
        raise InputError(complaint(path.name, error, "a registry", "Choose another file.")) from error
    finally:
        connection.close()


def add(
    connection: sqlite3.Connection,
    additions: Iterable[tuple[Case, Mapping[str, Any] | None]],
    *,
    replace: bool = False,
) -> tuple[tuple[str, int], ...]:
    """Add records, all or none.

    Parameters
    ----------
    connection : sqlite3.Connection
        From ``open_registry``.
    additions : iterable of (Case, study or None)
        A study, as ``study.load_dict`` gives it, adds its measurements.
    replace : bool
        Let a record that differs become the next version of one that is there.

    Returns
    -------
    tuple of (str, int)
        Pseudonym and version of each; a record that is there already keeps its version.

    Raises
    ------
    OutputError
        If a different record has the pseudonym and ``replace`` is not set; nothing is added then.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        out = tuple(_add(connection, case, study or {}, replace) for case, study in additions)
        connection.execute("COMMIT")
    except BaseException:  # also when stopped by the user: all or none
        connection.execute("ROLLBACK")
        raise
    return out


def load(connection: sqlite3.Connection, case_id: str) -> Case:
    """The newest version of a record.

    Raises
    ------
    InputError
        If no record has the pseudonym.
    """
    found = connection.execute(
        "SELECT record FROM history WHERE case_id = ? ORDER BY version DESC LIMIT 1", (case_id,)
    ).fetchone()
    if found is None:
        raise InputError(
            complaint(
                case_id, "no such case in the registry", "a pseudonym that is in it", "List them first."
            )
        )
    return case_from_document(parse_document(f"{case_id}.json", found[0]))


def cases(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every record in its newest version, by pseudonym, with its scores counted and its last change."""
    return _rows(
        connection,
        "SELECT c.case_id, c.version, c.age_years, c.sex, c.n_operations, h.at_utc, h.sha256, "
        "(SELECT count(*) FROM scores s WHERE s.case_id = c.case_id) AS n_scores, "
        "(SELECT count(*) FROM measurements m WHERE m.case_id = c.case_id) AS n_measurements "
        "FROM cases c JOIN history h ON h.seq = c.seq ORDER BY c.case_id",
    )


def history(connection: sqlite3.Connection, case_id: str | None = None) -> list[dict[str, Any]]:
    """Every version that was ever added, oldest first, of one record or of all."""
    where, values = ("", ()) if case_id is None else ("WHERE case_id = ? ", (case_id,))
    columns = "seq, case_id, version, at_utc, software, sha256"
    return _rows(connection, f"SELECT {columns} FROM history {where}ORDER BY seq", values)


def scores(connection: sqlite3.Connection, instrument: str | None = None) -> list[dict[str, Any]]:
    """Scores of every record in its newest version, of one instrument or of all."""
    where, values = ("", ()) if instrument is None else ("WHERE instrument = ? ", (instrument,))
    return _rows(connection, f"SELECT * FROM scores {where}ORDER BY case_id, rowid", values)


def _add(
    connection: sqlite3.Connection, case: Case, study: Mapping[str, Any], replace: bool
) -> tuple[str, int]:
    """Add one record within a transaction."""
    text = json.dumps(plain_case(case), sort_keys=True, ensure_ascii=False, allow_nan=False)
    measured = json.dumps(study.get("measurements", []), sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(f"{text}\n{measured}".encode()).hexdigest()
    last = connection.execute(
        "SELECT version, sha256 FROM history WHERE case_id = ? ORDER BY version DESC LIMIT 1", (case.case_id,)
    ).fetchone()
    if last is not None and last[1] == digest:
        return case.case_id, int(last[0])
    if last is not None and not replace:
        got = f"another record under this pseudonym, version {last[0]}"
        do = "Pass --force to add this one as the next version; earlier ones are kept."
        raise OutputError(complaint(case.case_id, got, "a new pseudonym", do))
    version = 1 if last is None else int(last[0]) + 1
    seq = connection.execute(
        "INSERT INTO history (case_id, version, at_utc, software, sha256, record, measurements) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (case.case_id, version, _now(), f"ischio {__version__}", digest, text, measured),
    ).lastrowid
    _derive(connection, case, study, version, seq, digest)
    return case.case_id, version


def _derive(
    connection: sqlite3.Connection,
    case: Case,
    study: Mapping[str, Any],
    version: int,
    seq: int | None,
    digest: str,
) -> None:
    """Make the rows of one record again from its newest version."""
    key = case.case_id
    for table in _DERIVED:
        connection.execute(f"DELETE FROM {table} WHERE case_id = ?", (key,))
    connection.execute(
        "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?)",
        (key, version, case.person.age_years, case.person.sex, len(case.operations), seq),
    )
    scored = score_dict(case)
    _insert(connection, "scores", key, scored["scores"], _SCORE_KEYS)
    _insert(connection, "changes", key, scored["changes"], _CHANGE_KEYS)
    _insert(connection, "measurements", key, study.get("measurements", []), _MEASUREMENT_KEYS)
    facts = {"sha256": digest, "software": f"ischio {__version__}"}
    facts |= {"study_software": f"ischio {study['software']['version']}"} if study else {}
    facts |= {f"source {one.id}": one.doi or one.citation or "" for one in case.documents}
    connection.executemany(
        "INSERT INTO provenance VALUES (?, ?, ?)", [(key, *pair) for pair in facts.items()]
    )


def _insert(
    connection: sqlite3.Connection,
    table: str,
    case_id: str,
    rows: Iterable[Mapping[str, Any]],
    keys: tuple[str, ...],
) -> None:
    """Rows of one record into one table."""
    marks = ", ".join("?" * (len(keys) + 1))
    connection.executemany(
        f"INSERT INTO {table} VALUES ({marks})", [(case_id, *(row[one] for one in keys)) for row in rows]
    )


def _prepare(connection: sqlite3.Connection, path: Path, create: bool) -> None:
    """Check whose file it is, and make the tables in a new one."""
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    if found == 0 and create and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.execute("PRAGMA journal_mode = WAL")  # readers go on while someone writes
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA application_id").fetchone()[0] == 0:  # nobody else was first
            for statement in _statements(_SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {REGISTRY_VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
        found = APPLICATION_ID
    elif found == 0:  # another writer may have made it between the two looks
        found = connection.execute("PRAGMA application_id").fetchone()[0]
    if found != APPLICATION_ID:
        raise InputError(
            complaint(path.name, "a database of another program", "a registry", "Choose another file.")
        )
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != REGISTRY_VERSION:
        raise InputError(complaint(path.name, f"version {version}", REGISTRY_VERSION, "Use a newer ischio."))
    connection.execute("PRAGMA synchronous = FULL")  # what was said to be written survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")


def _statements(script: str) -> Iterator[str]:
    """Statements of a script; ``executescript`` would end the transaction."""
    part = ""
    for line in script.splitlines():
        part += line + "\n"
        if sqlite3.complete_statement(part):
            yield part
            part = ""


def _rows(connection: sqlite3.Connection, query: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    """Rows of a query by column name."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _now() -> str:
    """The time of the edit, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

"""The registry: nothing is lost, nothing is overwritten, and others' files are left alone."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ischio import store
from ischio._check import InputError, OutputError
from ischio.io.documents import packaged_document
from ischio.record import case_from_document
from ischio.record.case import Case
from ischio.record.facts import When
from ischio.record.instruments import scale_of
from ischio.record.kinds import Operation, Score
from ischio.store import registry

MANY = 10_000  # records that are scored, stored and queried
KILLS = 200
WRITERS = 2
LIFE_S = 0.03  # a writer is killed after this at most: in the middle of its second to tenth write
CHILD_S = 60.0  # a child that is not done by then hangs


def synthetic(n: int, numbers: random.Random) -> Case:
    """A person with answers and totals before and after an operation."""
    mhhs = scale_of("mHHS", None)
    scores = []
    for months in (0.0, 6.0, 12.0):
        items = {item.key: numbers.choice(item.points) for item in mhhs.items}
        when = When(months=months)
        scores.append(Score(instrument="mHHS", side="left", items=items, when=when))
        scores.append(Score(instrument="ODI", value=2.0 * numbers.randint(0, 50), when=when))
    operation = Operation(what="lesser_trochanter_resection", side="left", starts_clock=True)
    return Case(schema_version=1, case_id=f"s{n:05}", operations=(operation,), scores=tuple(scores))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.db"


@pytest.fixture
def connection(file: Path) -> Iterator[sqlite3.Connection]:
    with store.open_registry(file, create=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def case() -> Case:
    return case_from_document(packaged_document("index-case"))


def measured(value: float) -> dict[str, Any]:
    row = {"name": "gap", "side": "left", "value": value, "unit": "mm", "sigma": 0.3}
    row |= {"method": "gap@1", "posture": "as_supplied", "reason": None}
    return {"software": {"version": "0"}, "measurements": [row]}


class TestAdd:
    def test_a_record_comes_back_as_it_was(self, connection: sqlite3.Connection, case: Case) -> None:
        assert store.add(connection, [(case, None)]) == (("index-case", 1),)
        assert store.load(connection, "index-case") == case
        assert [row["n_scores"] for row in store.cases(connection)] == [6]

    def test_the_same_again_is_no_edit(self, connection: sqlite3.Connection, case: Case) -> None:
        for _ in range(2):
            assert store.add(connection, [(case, None)]) == (("index-case", 1),)
        assert len(store.history(connection)) == 1

    def test_another_record_needs_a_word(self, connection: sqlite3.Connection, case: Case) -> None:
        other = replace(case, scores=case.scores[:2])
        store.add(connection, [(case, None)])
        with pytest.raises(OutputError, match="got another record under this pseudonym, version 1"):
            store.add(connection, [(synthetic(1, random.Random(1)), None), (other, None)])
        assert [row["case_id"] for row in store.cases(connection)] == ["index-case"]  # all or none
        assert store.add(connection, [(other, None)], replace=True) == (("index-case", 2),)
        assert store.load(connection, "index-case") == other
        assert [row["version"] for row in store.history(connection, "index-case")] == [1, 2]
        assert len(store.scores(connection)) == 2

    def test_measurements_of_a_study_are_kept(self, connection: sqlite3.Connection, case: Case) -> None:
        store.add(connection, [(case, measured(7.0))])
        assert store.add(connection, [(case, measured(7.5))], replace=True) == (("index-case", 2),)
        rows = connection.execute("SELECT name, value, unit FROM measurements").fetchall()
        assert rows == [("gap", 7.5, "mm")]
        assert "ischio 0" in [row[0] for row in connection.execute("SELECT value FROM provenance")]

    def test_scores_are_there_to_query(self, connection: sqlite3.Connection, case: Case) -> None:
        store.add(connection, [(case, None)])
        assert [row["raw"] for row in store.scores(connection, "mHHS")] == [45, 87, 70, 91]
        changes = connection.execute("SELECT side, change FROM changes ORDER BY rowid").fetchall()
        assert changes == [("none", -42.0), ("left", 46.2), ("right", 23.0)]

    @pytest.mark.parametrize("edit", ["UPDATE history SET record = ''", "DELETE FROM history"])
    def test_the_history_is_append_only(self, connection: sqlite3.Connection, case: Case, edit: str) -> None:
        store.add(connection, [(case, None)])
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(edit)

    def test_who_is_not_there(self, connection: sqlite3.Connection) -> None:
        with pytest.raises(InputError, match="nobody: got no such case"):
            store.load(connection, "nobody")


class TestFile:
    def test_there_has_to_be_one(self, file: Path) -> None:
        with pytest.raises(InputError, match="no such registry"), store.open_registry(file):
            pass
        assert not file.exists()

    def test_a_place_that_cannot_be(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError), store.open_registry(tmp_path / "absent/r.db", create=True):
            pass

    def test_another_program_s_file_is_left_alone(self, file: Path) -> None:
        other = sqlite3.connect(file)
        other.execute("CREATE TABLE theirs (a)")
        other.close()
        with pytest.raises(InputError, match="another program"), store.open_registry(file, create=True):
            pass

    def test_what_is_no_database(self, file: Path) -> None:
        file.write_text("bones" * 1000)
        with pytest.raises(InputError, match="not a database"), store.open_registry(file, create=True):
            pass
        assert file.read_text() == "bones" * 1000

    def test_a_newer_registry(self, file: Path) -> None:
        with store.open_registry(file, create=True) as opened:
            opened.execute("PRAGMA user_version = 2")
        with pytest.raises(InputError, match="got version 2; expected 1"), store.open_registry(file):
            pass

    def test_a_writer_who_never_ends(
        self, file: Path, connection: sqlite3.Connection, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "WAIT_S", 0.05)
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="locked"), store.open_registry(file) as other:
            store.add(other, [(case, None)])


class TestParquet:
    @pytest.mark.parametrize("table", store.TABLES)
    def test_tables_are_read_by_duckdb(
        self, tmp_path: Path, connection: sqlite3.Connection, case: Case, table: str
    ) -> None:
        duckdb = pytest.importorskip("duckdb")
        store.add(connection, [(case, measured(7.0))])
        out = tmp_path / "t.parquet"
        n_rows = store.export_parquet(connection, table, out)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        found = duckdb.sql(f"SELECT * FROM '{out}'")
        assert found.columns == columns
        assert found.fetchall() == connection.execute(f"SELECT * FROM {table}").fetchall()
        assert len(found.fetchall()) == n_rows > 0
        with pytest.raises(OutputError, match="got a place that exists"):
            store.export_parquet(connection, table, out)
        assert sorted(path.name for path in tmp_path.iterdir() if "r.db" not in path.name) == ["t.parquet"]

    def test_an_unknown_table(self, connection: sqlite3.Connection, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="table: got 'x'"):
            store.export_parquet(connection, "x", tmp_path / "t.parquet")

    def test_without_duckdb_it_says_what_to_install(
        self, connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "duckdb", None)
        with pytest.raises(InputError, match=r"ischio\[cohort\]"):
            store.export_parquet(connection, "scores", tmp_path / "t.parquet")


@pytest.mark.slow
def test_many_records_are_scored_and_queried(
    connection: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.process_time()
    numbers = random.Random(1)
    store.add(connection, [(synthetic(n, numbers), None) for n in range(MANY)])
    assert len(store.cases(connection)) == MANY
    query = "SELECT instrument, count(*), avg(change) FROM changes GROUP BY instrument ORDER BY instrument"
    (odi, n_odi, _), (mhhs, n_mhhs, _) = connection.execute(query).fetchall()
    assert (odi, n_odi, mhhs, n_mhhs) == ("ODI", MANY, "mHHS", MANY)
    with capsys.disabled():
        print(f"\n  {MANY:,} records: {time.process_time() - start:.1f} s of processor time", end="")


def write_until_killed(file: Path, name: str, said: int) -> None:
    """Add records for ever; say the pseudonym of each once it is in."""
    numbers = random.Random(name)
    for n in range(1_000_000):
        with store.open_registry(file, create=True) as opened:
            case = replace(synthetic(n, numbers), case_id=f"{name}-{n}")
            store.add(opened, [(case, None)])
        os.write(said, f"{name}-{n}\n".encode())


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_two_writers_killed_two_hundred_times_lose_nothing(file: Path) -> None:
    numbers = random.Random(7)
    said: set[str] = set()
    for turn in range(KILLS // WRITERS):
        children = []
        for writer in range(WRITERS):
            out, into = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(out)
                try:
                    write_until_killed(file, f"w{writer}-{turn}", into)
                finally:
                    os._exit(1)  # only reached by a fault, which leaves no word and is seen below
            os.close(into)
            children.append((child, out))
        first = os.read(children[0][1], 4096)  # both are at work by then
        time.sleep(numbers.random() * LIFE_S)
        for child, out in children:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), "a writer ended by itself"
            heard = first if child == children[0][0] else b""
            while part := os.read(out, 65536):
                heard += part
            os.close(out)
            said |= set(heard.decode().split())
        with store.open_registry(file) as opened:  # always readable
            assert opened.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            there = {row["case_id"] for row in store.history(opened)}
        assert said <= there
    assert len(said) >= KILLS // WRITERS
    with store.open_registry(file) as opened:
        found = {row["case_id"]: row["n_scores"] for row in store.cases(opened)}
        assert set(found) == {row["case_id"] for row in store.history(opened)}
        assert set(found.values()) == {6}  # whole records alone
        store.load(opened, min(found))


ADDER = """
import sys
from pathlib import Path
from ischio import store
from ischio.record.case import Case
for n in range(40):
    with store.open_registry(Path(sys.argv[1]), create=True) as opened:
        store.add(opened, [(Case(schema_version=1, case_id=f"{sys.argv[2]}-{n}"), None)])
"""


def test_two_programs_write_at_once(file: Path) -> None:
    """Both begin with a file that is not there yet."""
    running = [
        subprocess.Popen([sys.executable, "-c", ADDER, str(file), name], stderr=subprocess.PIPE)
        for name in ("a", "b")
    ]
    for one in running:
        _, complaint = one.communicate(timeout=CHILD_S)
        assert (one.returncode, complaint) == (0, b"")
    with store.open_registry(file) as opened:
        assert {row["case_id"] for row in store.cases(opened)} == {
            f"{name}-{n}" for name in ("a", "b") for n in range(40)
        }
        assert [row["seq"] for row in store.history(opened)] == list(range(1, 81))


def test_a_registry_made_between_two_looks_is_a_registry(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other writer comes between the first look at whose file it is and the look at what it holds."""
    came = []

    class Late(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "PRAGMA application_id" and not came:
                came.append(statement)
                with store.open_registry(file, create=True):
                    pass
                return super().execute("SELECT 0")
            return super().execute(statement, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **more, factory=Late))
    with store.open_registry(file, create=True) as opened:
        assert store.cases(opened) == []
    assert came

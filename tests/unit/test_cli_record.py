"""``ischio record``: what it prints, what it writes, and how it says no."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ischio import cli, study
from ischio.io.documents import packaged_document
from ischio.record import case_schema

CASE = """schema_version: 1
case_id: p01
person: {age_years: 40, sex: f}
scores:
  - {instrument: mHHS, side: left, value: 55, when: {months: 0}}
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("p01.yaml").write_text(CASE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command that has to succeed, and returns what it prints."""

    def run(*tokens: str) -> str:
        assert cli.main(["record", *tokens]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command that has to fail, and returns its code and message."""

    def run(*tokens: str) -> tuple[int, str]:
        code = cli.main(["record", *tokens])
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return code, err

    return run


def test_scores_of_the_published_case(said: Any) -> None:
    found = json.loads(said("score", "index-case", "--json"))
    keys = ("instrument", "side", "offset_months", "value", "raw", "raw_max", "unique")
    assert [tuple(row[key] for key in keys) for row in found["scores"]] == [
        ("ODI", "none", None, 56.0, 28, 50, False),
        ("ODI", "none", 17.0, 14.0, 7, 50, True),
        ("mHHS", "left", None, 49.5, 45, 91, True),
        ("mHHS", "left", 17.0, 95.7, 87, 91, True),
        ("mHHS", "right", None, 77.0, 70, 91, True),
        ("mHHS", "right", 16.0, 100.0, 91, 91, True),
    ]
    assert [row["change"] for row in found["changes"]] == [-42.0, 46.2, 23.0]


def test_conflicts_of_the_published_case(said: Any) -> None:
    found = json.loads(said("check", "index-case", "--json"))
    assert [row["id"] for row in found["conflicts"]] == "C1 C2 C3 C4 C5 C6 C7 C8 C10 C11".split()
    assert [row["id"] for row in found["remarks"]] == ["C9", "C12", "C13"]
    assert all(set(row) == {"id", "rule", "places", "text"} for row in found["conflicts"] + found["remarks"])


@pytest.mark.parametrize("command", [[], ["show"], ["check"], ["score"], ["timeline"]])
def test_tables_and_json_tell_the_same(said: Any, command: list[str]) -> None:
    text, found = said(*command, "index-case"), json.loads(said(*command, "index-case", "--json"))
    assert found["case_id"] == "index-case"
    for row in found.get("scores", []):
        assert f"{row['value']:g}" in text
        assert f"{row['raw']}/{row['raw_max']}" in text
    if command == ["check"]:
        assert all(row["text"] in text for row in found["conflicts"] + found["remarks"])
    for row in found["events"] if command == ["timeline"] else []:
        assert row["when"] in text


def test_thresholds_are_printed_with_source_and_mark(said: Any) -> None:
    text = said("score", "index-case")
    assert "Mannion 2006, 10.1007/s00586-004-0816-z" in text
    assert "K unverified" in text
    assert "SCB: published figures disagree: 3 of 4" in text
    assert text.endswith("No threshold comes from people with ischiofemoral impingement.\n")


def test_rules_in_force(said: Any) -> None:
    text = said("timeline", "index-case", "--at", "3")
    assert "at 3 months, left: active hip flexion (avoid): in force by one of 2 statements\n" in text


def test_a_short_record(said: Any) -> None:
    assert said("p01.yaml").startswith("case p01: 40 years, female\n")
    Path("p02.yaml").write_text(
        "schema_version: 1\ncase_id: p02\nvisits: [{what: call, status: planned}]\n"
        "alerts: [{what: tumour, present: true}]\n"
    )
    assert said("p02.yaml").startswith("case p02\n")
    assert "STOP: tumour\n" in said("check", "p02.yaml")
    assert "planned: call\n" in said("timeline", "p02.yaml")


def test_a_timeline_is_drawn(said: Any, refused: Any) -> None:
    said("timeline", "index-case", "--out", "t.svg")
    assert Path("t.svg").read_text(encoding="utf-8").startswith("<svg ")
    code, message = refused("timeline", "index-case", "--out", "t.svg")
    assert code == 5
    assert "t.svg: got a place that exists" in message
    said("timeline", "index-case", "--out", "t.svg", "--force")


class TestRegistry:
    def test_from_adding_to_export(self, said: Any, refused: Any) -> None:
        registry = ["--registry", "r.db"]
        assert said("add", "p01.yaml", *registry) == "p01: version 1\n"
        assert json.loads(said("add", "index-case", *registry, "--json")) == {
            "case_id": "index-case",
            "version": 1,
        }
        Path("p01.yaml").write_text(CASE.replace("55", "66"), encoding="utf-8")
        code, message = refused("add", "p01.yaml", *registry)
        assert code == 5
        assert "another record under this pseudonym" in message
        assert said("add", "p01.yaml", *registry, "--force") == "p01: version 2\n"
        rows = json.loads(said("list", *registry, "--json"))
        assert [(row["case_id"], row["version"]) for row in rows] == [("index-case", 1), ("p01", 2)]
        assert said("list", *registry).split()[8:10] == ["index-case", "1"]
        assert [row["version"] for row in json.loads(said("history", "p01", *registry, "--json"))] == [1, 2]
        assert len(said("history", *registry).splitlines()) == 5
        assert "66" in said("score", "p01", *registry)
        said("export", "p01", *registry, "--as", "json", "--out", "p01.json")
        assert json.loads(said("score", "p01.json", "--json"))["scores"][0]["value"] == 66.0

    def test_measurements_of_a_result(self, said: Any, refused: Any) -> None:
        Path("out").mkdir()
        found = {"schema_version": study.SCHEMA_VERSION, "case_id": "p01", "software": {"version": "0"}}
        Path("out/study.json").write_text(json.dumps({**found, "measurements": []}))
        said("add", "p01.yaml", "--registry", "r.db", "--study", "out")
        code, message = refused("add", "p01.yaml", "--registry", "r.db", "--study", "absent")
        assert code == 3
        assert "no study.json" in message

    def test_a_table_as_parquet(self, said: Any, refused: Any) -> None:
        duckdb = pytest.importorskip("duckdb")
        said("add", "index-case", "--registry", "r.db")
        out = ["--as", "parquet", "--table", "changes", "--out", "c.parquet"]
        assert said("export", *out, "--registry", "r.db") == "c.parquet: 3 rows\n"
        assert duckdb.sql("SELECT sum(change) FROM 'c.parquet'").fetchall()[0][0] == pytest.approx(27.2)
        code, message = refused("export", *out)
        assert code == 3
        assert "Name it with --registry" in message

    def test_no_registry_and_nobody(self, said: Any, refused: Any) -> None:
        assert refused("list", "--registry", "r.db")[0] == 3
        said("add", "p01.yaml", "--registry", "r.db")
        assert refused("score", "p02", "--registry", "r.db")[0] == 3


class TestExport:
    def test_the_schema(self, said: Any) -> None:
        said("export", "--as", "schema", "--out", "s.json")
        schema = json.loads(Path("s.json").read_text(encoding="utf-8"))
        assert schema == case_schema()
        jsonschema.Draft202012Validator.check_schema(schema)

    def test_the_data_dictionary(self, said: Any) -> None:
        said("export", "--as", "redcap", "--out", "d.csv")
        with Path("d.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.DictReader(file))["Variable / Field Name"] == "case_id"

    def test_the_checklist(self, said: Any, refused: Any) -> None:
        said("export", "index-case", "--as", "care", "--out", "c.json")
        items = json.loads(Path("c.json").read_text(encoding="utf-8"))["care"]
        assert next(one["item"] for one in items if one["covered"]) == "Patient information"
        code, message = refused("export", "--as", "care", "--out", "d.json")
        assert code == 3
        assert "got no CASE for care" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CASE.replace("value: 55", "value: 555"), "p01.yaml, line 5, scores.0.value: got 555.0"),
        (
            "a: &a [" + "x, " * 99 + "x]\nb: [" + "*a, " * 9 + "*a]\nc: !!python/name:os.system",
            "line 3: got the tag",
        ),
        (CASE + "scores: []", "line 6: got 'scores' twice"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_wrong_file_has_the_one_shape(refused: Any, text: str, message: str, as_json: bool) -> None:
    Path("p01.yaml").write_text(text, encoding="utf-8")
    code, err = refused("score", "p01.yaml", *["--json"] * as_json)
    assert code == 3
    assert message in (json.loads(err)["error"]["message"] if as_json else err)


def test_a_file_that_is_not_there(refused: Any) -> None:
    assert refused("absent.yaml") == (
        3,
        "error: absent.yaml: got no such file; expected a YAML or JSON file. Check the path.\n",
    )


def test_the_packaged_case_can_be_copied(said: Any) -> None:
    Path("copy.yaml").write_text(packaged_document("index-case").text, encoding="utf-8")
    assert said("score", "copy.yaml") == said("score", "index-case")

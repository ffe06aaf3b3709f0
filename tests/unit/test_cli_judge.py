"""``ischio evidence`` and the commands that judge a record: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ischio import cli, study

CASE = """schema_version: 1
case_id: p01
examinations:
  - {test: long_stride_walking, side: left, result: positive}
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
        assert cli.main(tokens) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command that has to fail, and returns its code and message."""

    def run(*tokens: str) -> tuple[int, str]:
        code = cli.main(tokens)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return code, err

    return run


class TestEvidence:
    def test_it_lists_every_figure(self, said: Any) -> None:
        text, rows = said("evidence"), json.loads(said("evidence", "--kind", "figures", "--json"))
        for row in rows:
            assert f"[{row['id']}]" in text
        assert "For research only" in text

    def test_a_changed_file_changes_list_and_differential(self, said: Any) -> None:
        base = json.loads(said("evidence", "--json"))
        row = next(one for one in base["accuracies"] if one["id"] == "acc_long_stride")
        row["counts"] = {"tp": 10, "fn": 10, "fp": 10, "tn": 10}
        Path("mine.json").write_text(json.dumps(base), encoding="utf-8")
        assert "10/20 and 10/20" in said("evidence", "--about", "long-stride", "--evidence", "mine.json")
        found = json.loads(said("record", "differential", "p01.yaml", "--evidence", "mine.json", "--json"))
        row = next(one for one in found["diagnoses"] if one["diagnosis"] == "ischiofemoral_impingement")
        assert row["for"][0]["ratio"] == 1.0
        assert (row["posterior"]["from"]["value"], row["posterior"]["to"]["value"]) == (0.01, 0.3)

    def test_evidence_without_people_is_refused(self, said: Any, refused: Any) -> None:
        base = json.loads(said("evidence", "--json"))
        base["accuracies"][0].pop("n")
        Path("mine.json").write_text(json.dumps(base, indent=1), encoding="utf-8")
        code, message = refused("record", "differential", "p01.yaml", "--evidence", "mine.json")
        assert code == 3
        assert "accuracies.0.n: got nothing; expected how many people it comes from" in message


class TestDifferential:
    def test_text_and_json_tell_the_same(self, said: Any) -> None:
        text = said("record", "differential", "index-case")
        found = json.loads(said("record", "differential", "index-case", "--json"))
        for row in found["diagnoses"]:
            assert row["words"] in text
        for row in found["sensitivity"]:
            assert row["assumption"] in text
        for words in (*found["assumptions"], *found["reading"]):
            assert words in text
        assert text.splitlines()[-2].startswith(
            "Next test for ischiofemoral impingement: anaesthetic block of the ischiofemoral space, "
        )

    def test_the_population_is_named(self, said: Any) -> None:
        assert "population unstated (taken from the record)" in said("record", "differential", "p01.yaml")
        chosen = said("record", "differential", "p01.yaml", "--population", "hip_mri")
        assert "population hip_mri (chosen)" in chosen
        assert "must not count again" in chosen
        other = ("--prior", "ischiofemoral_impingement=hip_mri")
        assert "prior    12%, radiology cohort, n 50" in said("record", "differential", "p01.yaml", *other)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--population", "martians"), "population: got 'martians'; expected one of low_back_pain"),
            (("--prior", "disc"), "--prior: got 'disc'; expected DIAGNOSIS=POPULATION"),
            (("--prior", "disc=hip_mri", "--prior", "disc=unstated"), "'disc' twice"),
            (("--prior", "gout=hip_mri"), "prior: got 'gout'"),
        ],
    )
    def test_bad_choices(self, refused: Any, options: tuple[str, ...], words: str) -> None:
        code, message = refused("record", "differential", "p01.yaml", *options)
        assert code == 3
        assert words in message

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ("  - {test: long_stride_walking, side: left, result: negative}\n", "positive and negative"),
            ("  - {test: fadir, side: none, result: negative}\n", "got no side for the FADIR test"),
            (
                "  - {test: fadir, result: positive}\n  - {test: fadir, side: both, result: negative}\n",
                "sides that match",
            ),
        ],
    )
    @pytest.mark.parametrize("command", ["differential", "reasons"])
    def test_bad_records(self, refused: Any, command: str, more: str, words: str) -> None:
        Path("p01.yaml").write_text(CASE + more, encoding="utf-8")
        code, message = refused("record", command, "p01.yaml")
        assert code == 3
        assert words in message

    def test_what_is_left_out_is_said(self, said: Any) -> None:
        more = "blocks: [{target: ischiofemoral_space, side: left, relief: partial}]\n"
        Path("p01.yaml").write_text(CASE + more, encoding="utf-8")
        text = said("record", "differential", "p01.yaml")
        assert "left out: anaesthetic block of the ischiofemoral space, left: partial relief" in text


def test_reasons(said: Any) -> None:
    text = said("record", "reasons", "index-case")
    found = json.loads(said("record", "reasons", "index-case", "--json"))
    assert all(row["text"] in text for row in found["reasons"])
    assert text.startswith("Stands against an operation: 4\n")


def test_calibration(said: Any, refused: Any) -> None:
    text = said("record", "calibration", "--people", "2000")
    assert "NO" not in text.split("Two tests")[0].split()
    found = json.loads(said("record", "calibration", "--people", "2000", "--json"))
    assert found["people"] == 2000
    assert refused("record", "calibration", "--people", "0")[0] == 3


class TestLetter:
    def test_both_pages(self, said: Any, refused: Any) -> None:
        assert said("record", "letter", "index-case", "--out", "c.html") == "c.html\n"
        assert "What else could it be" in Path("c.html").read_text(encoding="utf-8")
        said("record", "letter", "index-case", "--out", "p.html", "--for", "patient")
        assert "What you told us" in Path("p.html").read_text(encoding="utf-8")
        assert refused("record", "letter", "index-case", "--out", "c.html")[0] == 5
        code, message = refused("record", "letter", "index-case", "--out", "c.pdf")
        assert code == 3
        assert "a name that ends in .html" in message

    def test_a_study_of_somebody_else_is_refused(self, said: Any, refused: Any) -> None:
        found = {"schema_version": study.SCHEMA_VERSION, "case_id": "p01", "measurements": []}
        Path("out").mkdir()
        Path("out/study.json").write_text(json.dumps(found), encoding="utf-8")
        said("record", "letter", "p01.yaml", "--out", "c.html", "--study", "out")
        code, message = refused("record", "letter", "index-case", "--out", "d.html", "--study", "out")
        assert code == 3
        assert "got a study of p01; expected one of index-case" in message


class TestFhir:
    def test_there_and_back(self, said: Any) -> None:
        text = said("record", "export", "index-case", "--as", "fhir", "--out", "b.json")
        assert "74 resources, value sets checked" in text
        assert said("record", "import", "b.json", "--out", "c.json") == "c.json: case index-case, 71 facts\n"
        for command in ("show", "check", "score", "differential"):
            one, two = (said("record", command, name, "--json") for name in ("index-case", "c.json"))
            assert one == two

    def test_a_bundle_that_breaks_a_rule(self, said: Any, refused: Any) -> None:
        said("record", "export", "index-case", "--as", "fhir", "--out", "b.json")
        bundle = json.loads(Path("b.json").read_text(encoding="utf-8"))
        resource = next(
            one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"
        )
        resource["status"] = "nope"
        Path("b.json").write_text(json.dumps(bundle), encoding="utf-8")
        code, message = refused("record", "import", "b.json", "--out", "c.json")
        assert code == 3
        assert "status 'nope'" in message
        assert not Path("c.json").exists()

    def test_structure_that_the_library_refuses(self, said: Any, refused: Any) -> None:
        pytest.importorskip("fhir.resources")
        said("record", "export", "index-case", "--as", "fhir", "--out", "b.json")
        bundle = json.loads(Path("b.json").read_text(encoding="utf-8"))
        bundle["entry"][0]["resource"]["colour"] = "red"
        Path("b.json").write_text(json.dumps(bundle), encoding="utf-8")
        assert refused("record", "import", "b.json", "--out", "c.json")[0] == 3

    def test_a_case_file_is_json(self, said: Any, refused: Any) -> None:
        said("record", "export", "index-case", "--as", "fhir", "--out", "b.json")
        code, message = refused("record", "import", "b.json", "--out", "c.yaml")
        assert code == 3
        assert "a name that ends in .json" in message

    def test_a_fault_of_ours_is_not_written(self, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ischio.record.fhir.check_bundle", lambda _: ("something",))
        code, message = refused("record", "export", "index-case", "--as", "fhir", "--out", "b.json")
        assert code == 5
        assert "index-case as FHIR: got something" in message
        assert not Path("b.json").exists()

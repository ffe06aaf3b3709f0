"""``ischio motion``: rows in, the same rows with gaps out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ischio import phantoms
from ischio.cli import EXIT_CODES, RESEARCH_USE, main
from ischio.report.words import GAP_SENTENCE

CODE = {kind: code for code, kind, _ in EXIT_CODES}
ROWS = """side,note,flexion_deg,adduction_deg,internal_rotation_deg,pelvic_zero,rotation_zero
left,neutral,0,0,0,app,pca
right,neutral,0,0,0,isb,pca
left,opened,0,-10,0,isb,pca
left,no such zero,0,0,0,standing,pca
right,no epicondyles,0,0,0,isb,tea
"""


@pytest.fixture
def phantom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand-ins for reading and searching; joint, engine and table are real."""
    pelvis = phantoms.pelvis()
    monkeypatch.setattr("ischio.io.case.read_input", lambda _path, **_: SimpleNamespace(notes=()))
    monkeypatch.setattr("ischio.bones.surface.bones_from_input", lambda _raw, **_: ())
    monkeypatch.setattr("ischio.landmarks.find_pelvis", lambda _bones, **_: (pelvis, ("a warning",)))
    monkeypatch.chdir(tmp_path)
    Path("poses.csv").write_text(ROWS, encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *tokens: str, code: str = "ok") -> tuple[str, str]:
    """Output and errors of one command."""
    got = main(["motion", "bones", "--poses", "poses.csv", *tokens])
    said = capsys.readouterr()
    assert got == CODE[code], said.err
    return said.out, said.err


@pytest.mark.usefixtures("phantom")
def test_rows_come_back_with_gaps_points_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["note"] for row in rows] == ["neutral", "neutral", "opened", "no such zero", "no epicondyles"]
    assert [row["gap_mm"] for row in rows[:2]] == ["9.0", "12.0"]
    assert float(rows[2]["gap_mm"]) > 12
    assert rows[0]["sub_part"] == "tuberosity"
    assert "no pelvis zero 'standing'" in rows[3]["reason"]
    assert "no epicondyles" in rows[4]["reason"]
    assert rows[3]["gap_mm"] == rows[4]["error_mm"] == rows[0]["reason"] == ""
    assert "head centre" in rows[0]["joint"]
    apart = [float(rows[0][f"femur_{axis}_mm"]) - float(rows[0][f"hip_bone_{axis}_mm"]) for axis in "xyz"]
    assert np.linalg.norm(apart) == pytest.approx(9.0, abs=1e-3)  # coordinates are rounded to 0.0001 mm
    assert err.splitlines() == ["warning: a warning", GAP_SENTENCE, RESEARCH_USE]


@pytest.mark.usefixtures("phantom")
def test_json_csv_and_npz_hold_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    text, err = run(capsys, "--quiet")
    assert err == ""
    rows = json.loads(run(capsys, "--json", "--quiet")[0])
    assert run(capsys, "--out", "gaps.csv")[0] == ""
    assert Path("gaps.csv").read_text(encoding="utf-8") == text
    run(capsys, "--out", "gaps.npz", "--jobs", "1")
    with np.load("gaps.npz") as content:
        arrays = dict(content)
    assert list(arrays) == list(rows[0])
    assert arrays["gap_mm"][:3].tolist() == [row["gap_mm"] for row in rows[:3]]
    assert np.isnan(arrays["gap_mm"][3])
    assert rows[3]["gap_mm"] is None
    duckdb = pytest.importorskip("duckdb")
    run(capsys, "--out", "gaps.parquet")
    table = duckdb.sql("SELECT * FROM 'gaps.parquet'")
    assert table.columns == list(rows[0])
    kinds = dict(zip(table.columns, map(str, table.types), strict=True))
    assert (kinds["gap_mm"], kinds["flexion_deg"], kinds["note"]) == ("DOUBLE", "DOUBLE", "VARCHAR")
    at = table.columns.index("gap_mm")
    assert [row[at] for row in table.fetchall()] == [row["gap_mm"] for row in rows]
    assert main(["motion", "bones", "--poses", "poses.csv", "--jobs", "2"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.usefixtures("phantom")
def test_what_cannot_be_done_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert "two regions" in run(capsys, "--pair", "ischium", code="usage")[1]
    assert ".csv, .npz or .parquet" in run(capsys, "--out", "gaps.txt", code="usage")[1]
    assert "greater_trochanter" in run(capsys, "--pair", "greater_trochanter:ischium", code="input")[1]
    assert "can be written" in run(capsys, "--out", "none/gaps.csv", code="output")[1]
    Path("poses.csv").write_text("\n".join(ROWS.splitlines()[i] for i in (0, 4)), encoding="utf-8")
    assert "no gap in any row" in run(capsys, code="nothing_measured")[1]
    Path("poses.csv").write_text("side\nleft\n", encoding="utf-8")
    assert "A pose needs all three angles" in run(capsys, code="input")[1]


@pytest.mark.usefixtures("phantom")
def test_an_absent_hip_is_a_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pelvis = phantoms.pelvis(right_gap_mm=None)
    monkeypatch.setattr("ischio.landmarks.find_pelvis", lambda _bones, **_: (pelvis, ()))
    rows = list(csv.DictReader(io.StringIO(run(capsys)[0])))
    assert rows[1]["reason"] == "no right hip in the input"
    assert rows[0]["gap_mm"] == "9.0"


def whole(capsys: pytest.CaptureFixture[str], *tokens: str, code: str = "ok") -> tuple[str, str]:
    """Output and errors of ``ischio motion`` without a table of poses."""
    got = main(["motion", "bones", *tokens])
    said = capsys.readouterr()
    assert got == CODE[code], said.err
    return said.out, said.err


@pytest.mark.usefixtures("phantom")
def test_without_poses_the_hips_are_examined(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = whole(capsys, "--out", "moved", "--no-map", "--fused", "L4-S1", "--passive-extension", "left=4")
    assert "Report:" in out
    found = json.loads(Path("moved/study.json").read_text(encoding="utf-8"))
    assert found["spine"]["fused"] == ["L4-L5", "L5-S1"]
    assert found["limits"]["soft_tissue"]["left"]["extension_deg"] == 4.0
    assert len(found["examinations"]["findings"]) > 0
    assert "In motion" in Path("moved/report.html").read_text(encoding="utf-8")
    assert whole(capsys, "--out", "moved", "--no-map", code="output")[1].startswith("error: moved")


@pytest.mark.usefixtures("phantom")
@pytest.mark.parametrize(
    ("tokens", "kind", "words"),
    [
        ((), "usage", "--out"),
        (("--out", "x", "--fused", "L9-S1"), "usage", "fused levels"),
        (("--out", "x", "--passive-extension", "left"), "usage", "NAME=VALUE"),
        (("--out", "x", "--passive-extension", "both=3"), "usage", "left=DEGREES"),
        (("--out", "x", "--passive-extension", "left=much"), "usage", "left=DEGREES"),
        (("--out", "x", "--soft-tissue", "80"), "usage", "soft-tissue limit"),
        (("--out", "x", "--pelvic-zero", "isb"), "usage", "--gait"),
        (("--out", "x", "--gait", "none.mot", "--pelvic-zero", "isb"), "input", "none.mot"),
        (("--out", "x", "--gait", "poses.csv"), "input", "pelvic zero"),
    ],
)
def test_what_motion_refuses(
    tokens: tuple[str, ...], kind: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = whole(capsys, *tokens, code=kind)
    assert words in err
    assert not Path("x").exists()


@pytest.mark.usefixtures("phantom")
def test_assess_takes_options_of_motion_with_motion_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assess", "bones", "--out", "x", "--fused", "L4-S1"]) == CODE["usage"]
    assert "--motion" in capsys.readouterr().err
    assert main(["assess", "bones", "--out", "x", "--motion", "--no-map", "--quiet"]) == CODE["ok"]
    assert "spine" in json.loads(Path("x/study.json").read_text(encoding="utf-8"))


def test_fusions_of_a_record_count() -> None:
    from ischio.cli_study import case_at, fused_in
    from ischio.motion.spine import fused_parts

    case = case_at(Path("index-case"))
    assert fused_parts(fused_in(case)) == ("L4-L5", "L5-S1", "sacroiliac_right", "sacroiliac_left")
    assert fused_in(None) == []

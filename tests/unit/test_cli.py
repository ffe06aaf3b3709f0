"""The command line: what it parses, calls, prints and returns. The steps below it are stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from ischio import __version__, cli, phantoms, study
from ischio._check import AnatomyError, CannotMeasure, FrameMismatch, InputError, complaint
from ischio.io.markups import markups_text
from ischio.types import Bone, Landmark, Pelvis, Side, Study

GAP_SENTENCE = "Bone-to-bone distance, unloaded, in the pose shown; it does not diagnose impingement."


@dataclass
class Steps:
    """Stand-ins for reading, cleaning, searching, drawing; they keep what they were asked."""

    asked: dict[str, Any]
    pelvis: Pelvis
    warnings: tuple[str, ...] = ()
    failure: BaseException | None = None

    def read_input(self, path: Path, **keywords: Any) -> SimpleNamespace:
        self.asked.update(keywords, path=path)
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(notes=("read from phantoms",), label_map=None)

    def bones_from_input(
        self, _raw: SimpleNamespace, *, progress: Any, scan: Any, exclude: Any
    ) -> tuple[Bone, ...]:
        self.asked["scan"], self.asked["exclude"] = scan, exclude
        progress("cleaning", 0.5)
        return ()

    def reconstruction(self, *, person: int) -> tuple[Bone, ...]:
        self.asked["person"] = person
        return ()

    def find_pelvis(self, _bones: tuple[Bone, ...], **keywords: Any) -> tuple[Pelvis, tuple[str, ...]]:
        self.asked.update(keywords)
        return self.pelvis, self.warnings

    def render_report(
        self, _found: Study, as_dict: Mapping[str, Any], *, scan: Any, exclude: Any, plans: Any
    ) -> str:
        assert plans == ()
        self.asked["drawn scan"], self.asked["drawn exclude"] = scan, exclude
        return f"<html>{as_dict['case_id']}</html>"


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steps:
    made = Steps({}, phantoms.pelvis())
    for place in (
        "ischio.io.case.read_input",
        "ischio.bones.surface.bones_from_input",
        "ischio.atlas.reconstruction",
        "ischio.landmarks.find_pelvis",
        "ischio.report.html.render_report",
    ):
        monkeypatch.setattr(place, getattr(made, place.rpartition(".")[2]))
    monkeypatch.chdir(tmp_path)
    return made


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of error there is; nothing else may be on either stream."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def moved_tip(by_mm: float = 1.0) -> Landmark:
    """The phantom's left trochanter tip, marked further up."""
    tip = phantoms.hip(Side.LEFT).landmarks["lesser_trochanter_tip"]
    return replace(tip, point_mm=tip.point_mm + [0.0, 0.0, by_mm])


@pytest.mark.usefixtures("steps")
class TestAssess:
    def test_options_reach_the_steps(self, steps: Steps) -> None:
        words = "assess bones --out out --axes RAS --side left --sex f --age 41 --case-id p7 --quiet"
        files = ["--bone", "femur_left=mesh 3.stl", "--bone", "ignore=x=y.stl", "--labels", "totalseg-v2"]
        assert cli.main([*words.split(), *files]) == 0
        assert steps.asked["path"] == Path("bones")
        assert steps.asked["mapping"] == {"mesh 3.stl": "femur_left", "x=y.stl": "ignore"}
        assert steps.asked["labels"][75] == "femur_left"
        assert (steps.asked["axes"], steps.asked["sides"]) == ("RAS", (Side.LEFT,))
        assert steps.asked["posture"] == "as_supplied"
        got = study.load_dict(Path("out"))
        assert got["case_id"] == "p7"
        assert (got["settings"]["sex"], got["settings"]["age_years"]) == ("f", 41.0)

    def test_defaults(self, steps: Steps) -> None:
        assert cli.main(["assess", "Jane_Doe", "--out", "out", "--quiet"]) == 0
        assert (steps.asked["axes"], steps.asked["sides"]) == ("LPS", tuple(Side))
        assert (steps.asked["mapping"], steps.asked["labels"]) == (None, None)
        assert study.load_dict(Path("out"))["case_id"] == "case"
        assert "Jane" not in Path("out/study.json").read_text(encoding="utf-8")

    def test_read_landmarks_take_the_place_of_found_ones(self) -> None:
        text = markups_text([moved_tip()])
        Path("read.mrk.json").write_text(text.replace("left_lesser", "L lesser"), encoding="utf-8")
        words = "assess bones --out out --quiet --landmarks read.mrk.json --reader anna --reader-sigma 1.5"
        assert cli.main([*words.split(), "--reader-date", "2025-01-31"]) == 0
        got = study.load_dict(Path("out"))
        tip = next(
            row for row in got["landmarks"] if (row["name"], row["side"]) == ("lesser_trochanter_tip", "left")
        )
        assert (tip["method"], tip["sigma_mm"], tip["detail"]["when"]) == ("reader:anna", 1.5, "2025-01-31")
        assert tip["detail"]["replaces"]["method"] == "phantom@1"
        assert "markups: left lesser_trochanter_tip read by anna" in got["notes"]
        written = json.loads(Path("out/landmarks.mrk.json").read_text(encoding="utf-8"))
        points = [one for node in written["markups"] for one in node["controlPoints"]]
        assert "reader:anna" in [one["description"] for one in points]

    def test_a_label_to_ignore(self) -> None:
        text = markups_text([moved_tip()]).replace("left_lesser_trochanter_tip", "F-1")
        Path("read.mrk.json").write_text(text, encoding="utf-8")
        words = "assess bones --out out --quiet --landmarks read.mrk.json --reader anna"
        assert cli.main([*words.split(), "--ignore-label", "f-1"]) == 3  # nothing is left of it

    def test_points_of_a_side_that_was_not_asked_for(self) -> None:
        Path("read.mrk.json").write_text(markups_text([moved_tip()]), encoding="utf-8")
        words = "assess bones --out out --quiet --landmarks read.mrk.json --reader anna --side right"
        assert cli.main(words.split()) == 0
        assert "markups: 1 of the other side left alone" in study.load_dict(Path("out"))["notes"]

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            ("--reader anna", 2, "--reader: got no markups to read; expected --landmarks FILE.mrk.json"),
            ("--landmarks absent.mrk.json", 3, "absent.mrk.json: got No such file"),
            ("--landmarks read.mrk.json", 3, "nobody who marked"),
            ("--landmarks read.mrk.json --reader anna --reader-date today", 3, "date of reading: got"),
            ("--landmarks far.mrk.json --reader anna", 4, "left lesser trochanter tip: got a point"),
        ],
    )
    def test_markups_that_cannot_be_used(
        self, words: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path("read.mrk.json").write_text(
            markups_text([moved_tip()]).replace("phantom@1", ""), encoding="utf-8"
        )
        Path("far.mrk.json").write_text(markups_text([moved_tip(by_mm=100.0)]), encoding="utf-8")
        assert cli.main(["assess", "bones", "--out", "out", *words.split()]) == code
        assert said in error_of(capsys)
        assert not Path("out").exists()

    def test_files_are_written(self) -> None:
        assert cli.main(["assess", "bones", "--out", "out", "--quiet"]) == 0
        assert Path("out/report.html").read_text(encoding="utf-8") == "<html>case</html>"
        assert study.load_dict(Path("out"))["notes"] == ["read from phantoms"]

    def test_a_case_file_says_what_is_asked(self, steps: Steps) -> None:
        Path("p07").mkdir()
        Path("p07/case.yaml").write_text(
            "schema_version: 1\ncase_id: p07\nperson: {age_years: 41, sex: f}\n"
            "inputs: {bones: bones, axes: RAS, side: left, labels: totalseg-v2, "
            "names: {mesh.stl: femur_left}, images: [ct, mr]}\n"
            "scores: [{instrument: ODI, value: 14, when: {months: 17}}]\n",
            encoding="utf-8",
        )
        assert cli.main(["assess", "p07/case.yaml", "--out", "out", "--quiet"]) == 0
        assert steps.asked["path"] == Path("p07/bones")
        assert steps.asked["mapping"] == {"mesh.stl": "femur_left"}
        assert steps.asked["labels"][75] == "femur_left"
        assert (steps.asked["axes"], steps.asked["sides"]) == ("RAS", (Side.LEFT,))
        got = study.load_dict(Path("out"))
        jsonschema.validate(got, study.schema(), jsonschema.Draft202012Validator)
        assert got["case_id"] == "p07"
        assert (got["settings"]["sex"], got["settings"]["age_years"]) == ("f", 41.0)
        assert [row["raw"] for row in got["record"]["scores"]] == [7]
        assert "inputs" not in got["record"]["record"]
        assert got["notes"][-1] == "listed in the case file and not read: images (2)"

    def test_names_of_labels_lie_beside_the_case_file(self, steps: Steps) -> None:
        Path("p07").mkdir()
        Path("p07/names.json").write_text('{"3": "femur_left"}', encoding="utf-8")
        Path("p07/case.json").write_text(
            '{"schema_version": 1, "case_id": "p07", "inputs": {"bones": "b", "labels": "names.json"}}',
            encoding="utf-8",
        )
        assert cli.main(["assess", "p07/case.json", "--out", "out", "--quiet", "--side", "left"]) == 0
        assert steps.asked["labels"] == {3: "femur_left"}
        assert steps.asked["sides"] == (Side.LEFT,)

    @pytest.mark.parametrize(
        ("text", "options", "code", "words"),
        [
            ("person: {sex: f}", "--sex m", 2, "--sex: got m; expected f, as the case file says"),
            ("inputs: {bones: b, axes: RAS}", "--axes LPS", 2, "--axes: got LPS; expected RAS"),
            ("", "--case-id p08", 2, "--case-id: got p08; expected p07"),
            ("", "", 3, "case.yaml: got no bones; expected inputs.bones in the case file"),
            ("colour: red", "", 3, "case.yaml, line 3, colour: got a field that is not known"),
        ],
    )
    def test_a_case_file_that_does_not_fit(
        self, capsys: pytest.CaptureFixture[str], text: str, options: str, code: int, words: str
    ) -> None:
        Path("case.yaml").write_text(f"schema_version: 1\ncase_id: p07\n{text}\n", encoding="utf-8")
        assert cli.main(["assess", "case.yaml", "--out", "out", *options.split()]) == code
        assert words in error_of(capsys)

    def test_the_packaged_case_has_no_bones(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["assess", "index-case", "--out", "out"]) == 3
        assert "index-case: got no bones" in error_of(capsys)

    def test_a_folder_of_that_name_is_a_folder(self, steps: Steps) -> None:
        Path("index-case").mkdir()
        assert cli.main(["assess", "index-case", "--out", "out", "--quiet"]) == 0
        assert steps.asked["path"] == Path("index-case")

    def test_a_summary_is_printed(self, steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
        steps.pelvis = phantoms.pelvis(right_gap_mm=-1.0)
        steps.warnings = ("the socket is far from the head",)
        assert cli.main(["assess", "bones", "--out", "out"]) == 0
        out, err = capsys.readouterr()
        lines = out.splitlines()
        assert err == ""  # no terminal, no progress
        assert "case case, as supplied" in lines[0]
        assert "right    0.0 mm" in lines[1]
        assert "bone contact at the ischial tuberosity" in lines[1]
        assert "left     9.0 mm   sigma 0.3 mm   nearest at the ischial tuberosity" in lines[2]
        assert "warning: the socket is far from the head" in lines
        assert GAP_SENTENCE in lines
        assert "For research only; not a medical device." in lines
        assert lines[-1] == "Report: out/report.html"

    def test_an_absent_side_is_in_the_summary(self, steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
        steps.pelvis = phantoms.pelvis(right_gap_mm=None)
        assert cli.main(["assess", "bones", "--out", "out"]) == 0
        assert "right  not measured: no right femur or hip bone" in capsys.readouterr().out

    def test_a_gap_without_part_or_sigma_is_in_the_summary(
        self, steps: Steps, capsys: pytest.CaptureFixture[str]
    ) -> None:
        left = phantoms.hip(Side.LEFT)
        away = {
            "ischium": replace(left.regions["ischium"], sub_parts=()),
            "lesser_trochanter": replace(  # a few faces at the tip: all border
                left.regions["lesser_trochanter"],
                face_indices=left.regions["lesser_trochanter"].face_indices[:2],
            ),
        }
        steps.pelvis = replace(phantoms.pelvis(right_gap_mm=None), left=replace(left, regions=away))
        assert cli.main(["assess", "bones", "--out", "out", "--side", "left"]) == 0
        assert "left    12.0 mm   sigma unknown\n" in capsys.readouterr().out

    def test_json_is_the_file(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        assert cli.main(["assess", "bones", "--out", "out", "--json"]) == 0
        out, err = capfdbinary.readouterr()
        assert out == Path("out/study.json").read_bytes()
        assert err == b""

    def test_quiet_prints_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["assess", "bones", "--out", "out", "--quiet"]) == 0
        assert capsys.readouterr() == ("", "")

    def test_an_existing_place_is_refused_before_any_work(
        self, steps: Steps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out").mkdir()
        assert cli.main(["assess", "bones", "--out", "out"]) == 5
        assert "pass --force" in error_of(capsys)
        assert steps.asked == {}

    def test_force_replaces(self) -> None:
        assert cli.main(["assess", "bones", "--out", "out", "--quiet"]) == 0
        assert cli.main(["assess", "bones", "--out", "out", "--quiet", "--force", "--case-id", "b"]) == 0
        assert study.load_dict(Path("out"))["case_id"] == "b"

    def test_nothing_measured_is_said_and_written(
        self, steps: Steps, capsys: pytest.CaptureFixture[str]
    ) -> None:
        steps.pelvis = phantoms.pelvis(right_gap_mm=None, left_gap_mm=None)
        assert cli.main(["assess", "bones", "--out", "out", "--quiet"]) == 6
        assert "got no value for any of " in error_of(capsys)
        assert all(row["reason"] for row in study.load_dict(Path("out"))["measurements"])

    @pytest.mark.parametrize(
        ("failure", "code", "kind"),
        [
            (InputError(complaint("a.ply", "x", "y", "Z.")), 3, "input"),
            (AnatomyError(complaint("femur", "x", "y", "Z.")), 4, "anatomy"),
            (CannotMeasure("no femur at all"), 6, "nothing_measured"),
            (KeyboardInterrupt(), 130, "interrupted"),
        ],
    )
    def test_an_error_has_one_line_and_its_code(
        self,
        steps: Steps,
        capsys: pytest.CaptureFixture[str],
        failure: BaseException,
        code: int,
        kind: str,
    ) -> None:
        steps.failure = failure
        assert cli.main(["assess", "bones", "--out", "out"]) == code
        assert str(failure) in error_of(capsys)
        assert cli.main(["assess", "bones", "--out", "out", "--json"]) == code
        out, err = capsys.readouterr()
        assert out == ""
        said = json.loads(err)["error"]
        assert said["kind"] == kind
        assert str(failure) in said["message"]
        assert list(Path().iterdir()) == []  # nothing half written

    @pytest.mark.parametrize("failure", [KeyError("x"), FrameMismatch("a to b"), MemoryError()])
    def test_a_fault_shows_where_it_was(
        self, steps: Steps, capsys: pytest.CaptureFixture[str], failure: Exception
    ) -> None:
        steps.failure = failure
        assert cli.main(["assess", "bones", "--out", "out"]) == 70
        err = capsys.readouterr().err
        assert "Traceback" in err  # this one is for us, not for the user
        assert f"error: ischio: got {type(failure).__name__}" in err.splitlines()[-1]
        assert cli.main(["assess", "bones", "--out", "out", "--json"]) == 70
        assert json.loads(capsys.readouterr().err)["error"]["kind"] == "unexpected"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("", "no value for INPUT"),
            ("bones", "no value for --out"),
            ("bones --out out --axes LAS", "--axes"),
            ("bones --out out --side middle", "--side"),
            ("bones --out out --sex x", "--sex"),
            ("bones --out out --age old", "--age"),
            ("bones --out out --age 200", "age: got 200.0"),
            ("bones --out out --jobs 0", "--jobs: got 0"),
            ("bones --out out --case-id a/b", "case id: got 'a/b'"),
            ("bones --out out --bone femur_left", "--bone: got 'femur_left'; expected BONE=FILE"),
            ("bones --out out --bone =a.stl", "--bone: got '=a.stl'"),
            ("bones --out out --bone a=x --bone b=x", "--bone: got 'x' twice"),
            ("bones --out out --verbose", "--verbose"),
            ("bones more --out out", "more"),
        ],
    )
    def test_a_wrong_command_line_is_refused(
        self, steps: Steps, capsys: pytest.CaptureFixture[str], words: str, said: str
    ) -> None:
        assert cli.main(["assess", *words.split()]) == 2
        assert said in error_of(capsys)
        assert steps.asked == {}
        assert list(Path().iterdir()) == []

    def test_unknown_labels_are_an_error_of_input(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["assess", "map.nii", "--out", "out", "--labels", "absent.json"]) == 3
        assert "absent.json" in error_of(capsys)

    def test_jobs_are_told_to_the_libraries_and_to_nobody_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "environ", {})
        assert cli.main(["assess", "bones", "--out", "one", "--quiet", "--jobs", "1"]) == 0
        assert os.environ["OPENBLAS_NUM_THREADS"] == os.environ["NUMBA_NUM_THREADS"] == "1"
        assert cli.main(["assess", "bones", "--out", "two", "--quiet", "--jobs", "2"]) == 0
        assert Path("one/study.json").read_bytes() == Path("two/study.json").read_bytes()

    def test_progress_is_drawn_on_a_terminal(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the captured stream for a terminal
        assert cli.main(["assess", "bones", "--out", "out", "--json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["case_id"] == "case"
        assert "drawing the report" in err
        assert cli.main(["assess", "bones", "--out", "out", "--json", "--quiet", "--force"]) == 0
        assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("steps")
class TestDemo:
    def test_it_is_a_left_hip_in_model_posture_and_the_right_is_said_to_be_absent(
        self, steps: Steps, capsys: pytest.CaptureFixture[str]
    ) -> None:
        steps.pelvis = phantoms.pelvis(right_gap_mm=None, posture="model")
        assert cli.main(["demo"]) == 0
        assert steps.asked["person"] == 18
        assert (steps.asked["sides"], steps.asked["posture"]) == (tuple(Side), "model")
        lines = capsys.readouterr().out.splitlines()
        assert "Shape-model reconstruction in model posture; not a patient." in lines
        assert lines[-1] == "Report: ischio-demo/report.html"
        got = study.load_dict(Path("ischio-demo"))
        assert "Shape-model reconstruction in model posture; not a patient." in got["notes"]
        assert got["settings"]["posture"] == "model"
        for row in got["measurements"]:
            assert (row["value"] is None) == (row["reason"] is not None)
            if row["side"] == "right":
                assert row["value"] is None
        measured = {row["name"] for row in got["measurements"] if row["value"] is not None}
        assert {"ischiofemoral_space_3d", "femoral_head_radius"} <= measured

    def test_it_may_be_repeated(self) -> None:
        assert cli.main(["demo", "--quiet"]) == 0
        assert cli.main(["demo", "--quiet"]) == 0

    def test_another_folder_of_that_name_is_safe(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("ischio-demo").mkdir()
        Path("ischio-demo/thesis.txt").write_text("years of work")
        assert cli.main(["demo"]) == 5
        assert "--force" in error_of(capsys)
        assert cli.main(["demo", "--force"]) == 5
        assert "other things than an earlier result" in error_of(capsys)
        assert Path("ischio-demo/thesis.txt").read_text() == "years of work"

    def test_a_case_of_that_name_is_safe(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["assess", "bones", "--out", "ischio-demo", "--quiet"]) == 0
        assert cli.main(["demo"]) == 5
        assert "--force" in error_of(capsys)

    def test_a_chosen_place_is_not_replaced_unasked(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["demo", "--out", "out", "--quiet"]) == 0
        assert cli.main(["demo", "--out", "out"]) == 5
        assert "--force" in error_of(capsys)

    def test_json_is_the_file(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        assert cli.main(["demo", "--json"]) == 0
        assert capfdbinary.readouterr() == (Path("ischio-demo/study.json").read_bytes(), b"")


class TestValidate:
    @pytest.fixture(autouse=True)
    def table(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
        asked: dict[str, Any] = {"verdict": "pass"}

        def run(
            data: Path | None, *, orientations: int, left_out: int, every_ct: bool, progress: Any
        ) -> tuple[SimpleNamespace, ...]:
            asked["data"] = data
            asked["every_ct"] = every_ct
            asked["left_out"] = left_out
            asked["orientations"] = orientations
            progress("comparing", 0.5)
            return (SimpleNamespace(quantity="gap", verdict=asked["verdict"]),)

        monkeypatch.setattr("ischio.validation.run", run)
        monkeypatch.setattr("ischio.validation.to_markdown", lambda rows: f"gap: {rows[0].verdict}\n")
        monkeypatch.setattr("ischio.validation.to_text", lambda rows: f"gap: {rows[0].verdict}\n")
        monkeypatch.setattr("ischio.validation.to_dict", lambda rows: {"rows": [vars(row) for row in rows]})
        monkeypatch.chdir(tmp_path)
        return asked

    def test_the_table_is_printed(self, table: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["validate", "--data", "truth", "--left-out", "26", "--every-ct"]) == 0
        assert (table["data"], table["left_out"], table["every_ct"]) == (Path("truth"), 26, True)
        assert capsys.readouterr() == ("gap: pass\n", "")

    def test_the_table_is_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["validate", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"rows": [{"quantity": "gap", "verdict": "pass"}]}

    @pytest.mark.parametrize(("name", "starts"), [("table.md", "gap: pass"), ("table.json", "{")])
    def test_the_table_is_written(self, capsys: pytest.CaptureFixture[str], name: str, starts: str) -> None:
        assert cli.main(["validate", "--out", name, "--quiet"]) == 0
        assert Path(name).read_text(encoding="utf-8").startswith(starts)
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize("count", ["-1", "27"])
    def test_there_are_26_people_to_leave_out(self, count: str) -> None:
        assert cli.main(["validate", "--left-out", count]) == 2

    def test_a_place_that_cannot_be_written_to(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["validate", "--out", "missing/table.md"]) == 5
        assert "table.md: got No such file or directory" in error_of(capsys)

    def test_a_failed_row_shows_in_the_code(self, table: dict[str, Any]) -> None:
        table["verdict"] = "fail"
        assert cli.main(["validate", "--quiet"]) == 1


class TestMeasures:
    def test_all_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["measures"]) == 0
        out = capsys.readouterr().out
        assert "ischiofemoral_space_3d [mm], of a hip" in out
        assert "lesser_trochanter, ischium" in out
        assert out.endswith("For research only; not a medical device.\n")

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["measures", "--json"]) == 0
        rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
        assert rows["femoral_head_radius"]["method"] == "femoral_head_radius@1"
        assert GAP_SENTENCE in rows["ischiofemoral_space_3d"]["definition"]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_arguments_of_the_process_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ischio", "frobnicate"])
    assert cli.main() == 2
    assert "frobnicate" in error_of(capsys)


def test_it_runs_as_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "ischio", "frobnicate"], capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: command line: got")


def test_a_reader_that_leaves_is_no_error() -> None:
    """As with ``ischio measures | head -0``: no traceback, no failure."""
    command = [sys.executable, "-c", "from ischio.cli import main; raise SystemExit(main(['measures']))"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")

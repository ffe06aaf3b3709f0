"""What every command owes: the same numbers, the same options, one table of exit codes, quick help."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from ischio import _check, cli, cli_study, phantoms, study
from ischio.atlas import reconstruction
from ischio.types import Pelvis

SLOW_TO_LOAD = {"numpy", "scipy", "numba", "ischio.types", "ischio.study", "rich.progress"}
COMMANDS = (
    "assess",
    "demo",
    "evidence",
    "export",
    "inspect",
    "measures",
    "motion",
    "plan",
    "record",
    "register",
    "validate",
)
COMMON = {  # every command that has the option has it under this name
    "assess": {"--out", "--json", "--axes", "--side", "--sex", "--age", "--jobs", "--force", "--quiet"}
    | {"--scan", "--series", "--show-names"},
    "demo": {"--out", "--json", "--jobs", "--force", "--quiet"},
    "validate": {"--out", "--json", "--jobs", "--quiet", "--data"},
    "measures": {"--json"},
    "evidence": {"--json", "--kind", "--mark", "--about", "--evidence"},
    "motion": {"--out", "--json", "--axes", "--jobs", "--quiet", "--poses", "--pair", "--centre"},
    "plan": {"--out", "--json", "--axes", "--side", "--sex", "--age", "--jobs", "--force", "--quiet"}
    | {"--scan", "--series", "--show-names", "--target-mm", "--motion"},
    "record": {"--json", "--registry"},
    "export": {"--out", "--axes", "--force", "--quiet", "--case-id", "--scan", "--series", "--show-names"},
    "inspect": {"--json", "--series", "--show-names"},
    "register": {"--json", "--axes", "--scan", "--series"},
}
KIND_OF: dict[type[Exception], str] = {
    _check.InputError: "input",
    _check.AnatomyError: "anatomy",
    _check.OutputError: "output",
    _check.CannotMeasure: "nothing_measured",
    _check.FrameMismatch: "unexpected",
    _check.IschioError: "unexpected",
    ZeroDivisionError: "unexpected",
}


def said(tokens: Sequence[str]) -> str:
    """What a command prints on standard output; it has to succeed."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert cli.main(tokens) == 0
    return out.getvalue()


def ran(*tokens: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
    """A command run as its own process."""
    command = [sys.executable, "-m", "ischio", *tokens]
    return subprocess.run(command, capture_output=True, text=True, check=False, **keywords)


@pytest.fixture
def phantom_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pelvis:
    """Stand-ins for reading and searching; measuring, writing and drawing are real."""
    pelvis = phantoms.pelvis(posture="model")
    hips = [bone for hip in pelvis.hips for bone in (hip.femur, hip.hip_bone) if bone is not None]
    monkeypatch.setattr(
        "ischio.io.case.read_input", lambda _path, **_: SimpleNamespace(notes=(), label_map=None)
    )
    monkeypatch.setattr("ischio.bones.surface.bones_from_input", lambda _raw, **_: tuple(hips))
    monkeypatch.setattr("ischio.atlas.reconstruction", lambda **_: tuple(hips))
    monkeypatch.setattr("ischio.landmarks.find_pelvis", lambda _bones, **_: (pelvis, ()))
    monkeypatch.chdir(tmp_path)
    return pelvis


def test_every_command_is_known_here() -> None:
    listed = {name for name in cli.app if not name.startswith("-")}
    assert listed == set(COMMANDS) == set(COMMON)


@pytest.mark.parametrize("command", COMMANDS)
def test_options_have_one_name_everywhere(command: str) -> None:
    help_text = said([command, "--help"])
    assert {option for option in COMMON[command] if option not in help_text} == set()


@pytest.mark.parametrize("tokens", [[], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_says_what_it_is_for_and_every_exit_code(tokens: list[str]) -> None:
    help_text = said(tokens)
    assert "For research only; not a medical device." in help_text
    for code, _, words in cli.EXIT_CODES:
        assert f"{code:>3}  {words}" in help_text


def test_exit_codes_and_kinds_are_told_apart() -> None:
    codes, kinds, words = zip(*cli.EXIT_CODES, strict=True)
    assert len(set(codes)) == len(set(kinds)) == len(set(words)) == len(cli.EXIT_CODES)
    assert list(codes) == sorted(codes)


@pytest.mark.parametrize(("error", "kind"), KIND_OF.items())
def test_every_class_of_error_has_its_code(error: type[Exception], kind: str) -> None:
    assert cli._worded(error("a: got b; expected c. D."))[0] == kind


def test_every_class_of_error_is_in_that_list() -> None:
    ours = {
        value for value in vars(_check).values() if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert ours <= set(KIND_OF)


@pytest.mark.usefixtures("phantom_input")
@pytest.mark.parametrize("command", [["assess", "bones", "--out", "out"], ["demo", "--out", "out"]])
def test_every_shell_gives_the_same_numbers(command: list[str]) -> None:
    printed = said([*command, "--json"])
    page = Path("out/report.html").read_text(encoding="utf-8")
    assert printed == Path("out/study.json").read_text(encoding="utf-8")
    assert json.loads(printed) == study.load_dict(Path("out"))
    summary = said([*command, "--force"])
    gaps = [row for row in json.loads(printed)["measurements"] if row["name"] == cli_study.HEADLINE]
    for gap in gaps:
        assert f"{gap['side']:<6} {gap['value']:>5.1f} mm" in summary
        assert f"{gap['value']:.1f} mm" in page
        assert gap["definition"].split(". ")[-1] in summary  # the sentence that goes with every gap
    assert summary.splitlines()[-1] == "Report: out/report.html"


@pytest.mark.usefixtures("phantom_input")
def test_the_same_command_gives_the_same_bytes() -> None:
    for out in ("one", "two"):
        said(["assess", "bones", "--out", out, "--quiet"])
    for path in Path("one").iterdir():
        assert path.name in study.RESULT_FILES
        assert path.read_bytes() == Path("two", path.name).read_bytes()


@pytest.mark.usefixtures("phantom_input")
def test_results_name_no_place_and_no_person(tmp_path: Path) -> None:
    Path("Jane_Doe").mkdir()
    said(["assess", "Jane_Doe", "--out", "out", "--quiet"])
    for path in Path("out").iterdir():
        text = path.read_bytes().decode("utf-8", errors="replace")  # surfaces are binary
        assert "Jane" not in text
        assert str(tmp_path) not in text


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_loads_nothing_that_takes_time(command: list[str]) -> None:
    code = (
        "import sys; from ischio.cli import main; main(sys.argv[1:]);"
        f"print(*sorted({SLOW_TO_LOAD!r} & set(sys.modules)), file=sys.stderr)"
    )
    got = subprocess.run(
        [sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, check=True
    )
    assert got.stderr.split() == []


@pytest.mark.slow
def test_the_demo_runs_from_end_to_end(tmp_path: Path) -> None:
    """Everything real: shape model, landmarks, measures, report; as a user would run it."""
    got = ran("demo", cwd=tmp_path)
    assert got.returncode == 0, got.stderr
    assert got.stderr == ""
    assert got.stdout.splitlines()[-1] == "Report: ischio-demo/report.html"
    found = study.load_dict(tmp_path / "ischio-demo")
    for row in found["measurements"]:
        assert (row["value"] is None) == (row["reason"] is not None), row
        if row["name"] == "ischiofemoral_space_3d":  # the model has a left femur only, and both sockets
            assert (row["value"] is not None) == (row["side"] == "left"), row
    assert [path.name for path in tmp_path.iterdir()] == ["ischio-demo"]


@pytest.mark.slow
def test_landmarks_go_out_to_slicer_and_come_back(tmp_path: Path) -> None:
    """A person's bones, assessed; one point moved in the file of landmarks; assessed again."""
    for bone in reconstruction(person=cli_study.DEMO_PERSON):
        name = bone.name if bone.side is None else f"{bone.name}_{bone.side.value}"
        lines = [f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in bone.vertices_mm]
        lines += [f"f {a} {b} {c}\n" for a, b, c in bone.faces + 1]
        (tmp_path / "bones").mkdir(exist_ok=True)
        (tmp_path / "bones" / f"{name}.obj").write_text("".join(lines), encoding="utf-8")
    first = ran("assess", "bones", "--out", "first", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    markups = json.loads((tmp_path / "first/landmarks.mrk.json").read_text(encoding="utf-8"))
    points = [one for node in markups["markups"] for one in node["controlPoints"]]
    asis = next(one for one in points if one["label"] == "left_asis")
    found, read = list(asis["position"]), [asis["position"][0] + 2.0, *asis["position"][1:]]
    asis["position"] = read
    (tmp_path / "read.mrk.json").write_text(json.dumps(markups), encoding="utf-8")
    tokens = ["assess", "bones", "--out", "second", "--landmarks", "read.mrk.json", "--reader", "anna"]
    second = ran(*tokens, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    before, after = (study.load_dict(tmp_path / name) for name in ("first", "second"))
    jsonschema.validate(after, study.schema())
    changed = [two for one, two in zip(before["landmarks"], after["landmarks"], strict=True) if one != two]
    assert [(row["name"], row["side"], row["method"]) for row in changed] == [("asis", "left", "reader:anna")]
    assert changed[0]["point_mm"] == read
    assert changed[0]["detail"]["replaces"]["point_mm"] == found
    assert before["hips"][1]["poses"] != after["hips"][1]["poses"]
    assert before["measurements"][-1]["value"] == after["measurements"][-1]["value"]
    assert f"{len(points) - 1} points left to the software" in " ".join(after["notes"])
    assert "reader:anna" in (tmp_path / "second/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_number_of_threads_changes_no_byte(tmp_path: Path) -> None:
    one, two = (ran("demo", "--json", "--out", jobs, "--jobs", jobs, cwd=tmp_path) for jobs in ("1", "2"))
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert one.stdout == two.stdout

"""Gait files: what is read, and every input that is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ischio._check import InputError
from ischio.io import c3d
from ischio.io.gait import checked, cycles, read_gait
from ischio.io.gait_csv import read_events
from ischio.io.gait_trial import ANGLES, PERCENT, GaitCycle, GaitTrial
from ischio.types import Side

RATE = 100.0
PERIOD_S = 1.1
TEXT_DEG = 1e-5  # what is written below
SAMPLED_DEG = 0.1  # a cycle between samples, along straight lines


def walking(seconds: float = 4.0) -> tuple[np.ndarray, dict[Side, np.ndarray]]:
    """Times and hip angles of a made-up walk; the right foot strikes at 0, the left half a cycle later."""
    time = np.arange(0, seconds, 1 / RATE)
    angles = {}
    for side, late in ((Side.RIGHT, 0.0), (Side.LEFT, 0.5)):
        turn = 2 * np.pi * (time / PERIOD_S - late)
        angles[side] = np.stack([15 + 20 * np.cos(turn), 5 * np.sin(turn), -4 + 3 * np.cos(turn)], axis=1)
    return time, angles


def mot(
    path: Path, *, header: str = "inDegrees=yes", scale: float = 1.0, drop: str = "", rows: int | None = None
) -> Path:
    """Write a walk as OpenSim does."""
    time, angles = walking()
    names, columns = ["time"], [time]
    for side in Side:
        for name, column in zip(("flexion", "adduction", "rotation"), angles[side].T, strict=True):
            names.append(f"hip_{name}_{side.value[0]}")
            columns.append(column * scale)
    for name, value in (("tilt", -12.0), ("list", 2.0), ("rotation", 3.0)):
        names.append(f"pelvis_{name}")
        columns.append(np.full(len(time), value) * scale)
    keep = [k for k, name in enumerate(names) if name != drop]
    table = np.stack([columns[k] for k in keep], axis=1)
    lines = ["\t".join(f"{value:.8f}" for value in row) for row in table]
    head = f"Coordinates\nversion=1\nnRows={len(lines) if rows is None else rows}\n{header}\nendheader\n"
    path.write_text(
        head + "\t".join(names[k] for k in keep) + "\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    return path


def table(path: Path, names: dict[str, str] | None = None, **changes: Any) -> Path:
    """Write a walk as CSV; ``changes`` puts other columns in."""
    time, angles = walking()
    columns = {"time_s": time}
    for side in Side:
        for name, column in zip(ANGLES, angles[side].T, strict=True):
            columns[f"{side.value}_{name}_deg"] = column
    columns |= changes
    columns = {
        (names or {}).get(name, name): column for name, column in columns.items() if column is not None
    }
    lines = [",".join(columns)]
    for row in zip(*columns.values(), strict=True):
        lines.append(",".join("" if value is None or value != value else f"{value:.6f}" for value in row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def events(path: Path, exchanged: bool = False) -> Path:
    """Write the foot strikes of the walk."""
    sides = ("left", "right") if exchanged else ("right", "left")
    lines = ["time_s,side,event"]
    for number in range(6):
        lines.append(f"{number * PERIOD_S / 2:.3f},{sides[number % 2]},Foot Strike")
        lines.append(f"{number * PERIOD_S / 2 + 0.2:.3f},{sides[1 - number % 2]},Foot Off")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_motion_is_read(tmp_path: Path) -> None:
    trial = read_gait(mot(tmp_path / "walk.mot"), pelvic_zero="isb")
    time, angles = walking()
    for side in Side:
        assert np.abs(trial.angles_deg[side] - angles[side]).max() < TEXT_DEG
    # Forward tilt, this side up, this side forward: OpenSim's signs are the right side's, tilt is negative.
    assert trial.pelvis_deg[Side.RIGHT][0] == pytest.approx([12, -2, 3])
    assert trial.pelvis_deg[Side.LEFT][0] == pytest.approx([12, 2, -3])
    assert np.abs(trial.time_s - time).max() < TEXT_DEG
    assert "left and right are exchanged cannot be seen" in trial.notes[0]


def test_declared_radians_are_turned(tmp_path: Path) -> None:
    path = mot(tmp_path / "walk.sto", header="inDegrees=no", scale=np.pi / 180)
    trial = read_gait(path, pelvic_zero="isb")
    assert np.abs(trial.angles_deg[Side.LEFT] - walking()[1][Side.LEFT]).max() < 1e-4
    assert "radians" in trial.notes[0]


def test_a_table_is_read_with_a_mapping(tmp_path: Path) -> None:
    theirs = {
        f"{side.value}_{name}_deg": f"{side.value[0].upper()}Hip_{name}" for side in Side for name in ANGLES
    }
    path = table(tmp_path / "walk.csv", {**theirs, "time_s": "t"})
    mapping = {**theirs, "time_s": "t"}
    trial = read_gait(path, pelvic_zero="isb", columns=mapping, events=events(tmp_path / "events.csv"))
    for side in Side:
        cycle = cycles(trial, side)
        assert cycle.starts_at == "foot strike"
        assert len(cycle.all_deg) == 2
        wanted = 15 + 20 * np.cos(2 * np.pi * PERCENT / 100)
        assert np.abs(cycle.angles_deg[:, 0] - wanted).max() < SAMPLED_DEG
        assert cycle.duration_s == pytest.approx(PERIOD_S, abs=0.01)


def test_one_side_alone_is_enough(tmp_path: Path) -> None:
    only = dict.fromkeys([f"left_{name}_deg" for name in ANGLES])
    trial = read_gait(table(tmp_path / "walk.csv", **only), pelvic_zero="app", rotation_zero="pca")
    assert list(trial.angles_deg) == [Side.RIGHT]
    assert cycles(trial, Side.RIGHT).starts_at == "peak flexion"
    with pytest.raises(InputError, match="left hip: got no angles"):
        cycles(trial, Side.LEFT)


def test_radians_in_a_column_are_turned_by_its_name(tmp_path: Path) -> None:
    angles = walking()[1][Side.RIGHT]
    changes: dict[str, Any] = {"right_flexion_deg": None, "right_flexion_rad": np.radians(angles[:, 0])}
    trial = read_gait(table(tmp_path / "walk.csv", **changes), pelvic_zero="isb")
    assert np.abs(trial.angles_deg[Side.RIGHT][:, 0] - angles[:, 0]).max() < 1e-4


def test_short_gaps_are_bridged_and_long_ones_leave_cycles_out(tmp_path: Path) -> None:
    flexion = walking()[1][Side.RIGHT][:, 0].copy()
    flexion[50:55] = np.nan
    trial = read_gait(table(tmp_path / "short.csv", right_flexion_deg=flexion), pelvic_zero="isb")
    assert any("5 missing samples bridged" in note for note in trial.notes)
    assert np.abs(trial.angles_deg[Side.RIGHT][:, 0] - walking()[1][Side.RIGHT][:, 0]).max() < 0.5
    flexion[40:80] = np.nan
    trial = read_gait(
        table(tmp_path / "long.csv", right_flexion_deg=flexion),
        pelvic_zero="isb",
        events=events(tmp_path / "events.csv"),
    )
    found = cycles(trial, Side.RIGHT)
    assert len(found.all_deg) == 1
    assert "1 cycles left out" in found.notes[-1]


def still(seconds: float = 4.0) -> np.ndarray:
    """Flexion of somebody who stands."""
    return 3 + 0.8 * np.sin(np.arange(0, seconds, 1 / RATE))


REFUSED = {
    "no unit": (lambda p: mot(p / "a.mot", header="x=1"), {}, "no inDegrees"),
    "no pelvic zero": (lambda p: mot(p / "a.mot"), {"pelvic_zero": None}, "pelvic zero: got none"),
    "unknown zero": (lambda p: mot(p / "a.mot"), {"pelvic_zero": "sacrum"}, "pelvic_zero"),
    "a missing angle": (lambda p: mot(p / "a.mot", drop="hip_rotation_l"), {}, "hip_rotation_l"),
    "no time": (lambda p: mot(p / "a.mot", drop="time"), {}, "no time"),
    "radians called degrees": (lambda p: mot(p / "a.mot", scale=np.pi / 180), {}, "look like radians"),
    "a cut file": (lambda p: mot(p / "a.mot", rows=9999), {}, "nRows=9999"),
    "a column without unit": (
        lambda p: table(p / "a.csv", {"right_flexion_deg": "right_flexion"}),
        {},
        "right_flexion: got no unit",
    ),
    "a missing column": (lambda p: table(p / "a.csv", left_adduction_deg=None), {}, "left_adduction_deg"),
    "a column that is not there": (
        lambda p: table(p / "a.csv"),
        {"columns": {"right_flexion_deg": "Hip"}},
        "no column 'Hip'",
    ),
    "a name we do not know": (
        lambda p: table(p / "a.csv"),
        {"columns": {"hip_deg": "time_s"}},
        "--gait-column: got 'hip_deg'",
    ),
    "standing": (lambda p: table(p / "a.csv", right_flexion_deg=still()), {}, "standing trial"),
    "flexion of the wrong sign": (
        lambda p: table(p / "a.csv", right_flexion_deg=-walking()[1][Side.RIGHT][:, 0]),
        {},
        "more flexion than extension",
    ),
    "a zero 40 degrees off": (
        lambda p: table(p / "a.csv", right_flexion_deg=walking()[1][Side.RIGHT][:, 0] - 40),
        {},
        "zero of the pelvis",
    ),
    "a jump of 360 degrees": (
        lambda p: table(p / "a.csv", right_internal_rotation_deg=np.linspace(-10, 350, 400)),
        {},
        "jumps of 360",
    ),
    "times that go back": (
        lambda p: table(p / "a.csv", time_s=np.linspace(4, 0, 400)),
        {},
        "not rising",
    ),
    "nothing but gaps": (
        lambda p: table(p / "a.csv", right_flexion_deg=np.full(400, np.nan)),
        {},
        "no angles",
    ),
    "another kind of file": (lambda p: events(p / "a.txt"), {}, "type '.txt'"),
    "a file that is not there": (lambda p: p / "none.mot", {}, "a file that can be read"),
    "no motion": (lambda p: _text(p / "a.mot", "hello"), {}, "no endheader"),
    "words for numbers": (
        lambda p: _text(p / "a.mot", "inDegrees=yes\nendheader\ntime a\n0 x\n"),
        {},
        "numbers",
    ),
    "uneven rows": (
        lambda p: _text(p / "a.mot", "inDegrees=yes\nendheader\ntime a\n0 1 2\n"),
        {},
        "another length",
    ),
    "bytes": (lambda p: _bytes(p / "a.mot"), {}, "OpenSim text file"),
    "bytes in a table": (lambda p: _bytes(p / "a.csv"), {}, "UTF-8"),
    "an uneven table": (lambda p: _text(p / "a.csv", "time_s,b\n1\n"), {}, "uneven"),
    "a column twice": (lambda p: _text(p / "a.csv", "time_s,time_s\n1,2\n"), {}, "a column twice"),
    "no C3D": (lambda p: _text(p / "a.c3d", "hello"), {"pelvic_zero": None}, "C3D"),
    "another zero than Plug-in Gait's": (lambda p: _text(p / "a.c3d", "x"), {"pelvic_zero": "app"}, "'isb'"),
}


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _bytes(path: Path) -> Path:
    path.write_bytes(b"\xff\xfe\x00\x81")
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    make, options, words = REFUSED[name]
    if name == "no C3D":
        pytest.importorskip("ezc3d")
    with pytest.raises((InputError, ValueError), match=words) as caught:
        read_gait(make(tmp_path), **{"pelvic_zero": "isb", **options})
    assert "; expected " in str(caught.value)


def test_exchanged_sides_are_seen_by_the_foot_strikes(tmp_path: Path) -> None:
    path, strikes = table(tmp_path / "a.csv"), events(tmp_path / "e.csv", exchanged=True)
    with pytest.raises(InputError, match="Left and right are exchanged"):
        read_gait(path, pelvic_zero="isb", events=strikes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "columns"),
        ("time_s,side,event\nx,left,Foot Strike\n", "line 2"),
        ("time_s,side,event\n1,both,Foot Strike\n", "line 2"),
        ("time_s,side,event\n1,left,Foot Off\n", "no foot strike"),
    ],
)
def test_events_that_are_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read_events(_text(tmp_path / "e.csv", text))


def test_a_trial_too_short_for_a_cycle_is_refused(tmp_path: Path) -> None:
    time, angles = walking(0.7)
    trial = checked(GaitTrial(time, angles, {}, {}, "isb", "tea", "short"), "short")
    with pytest.raises(InputError, match="no whole cycle"):
        cycles(trial, Side.RIGHT)


def test_one_cycle_is_found_by_the_other_side() -> None:
    time, angles = walking(1.5)
    angles[Side.LEFT] = np.roll(angles[Side.RIGHT], 27, axis=0)  # peaks twice; the right once
    trial = checked(GaitTrial(time, angles, {}, {}, "isb", "tea", "short"), "short")
    right, left = cycles(trial, Side.RIGHT), cycles(trial, Side.LEFT)
    assert (right.starts_at, left.starts_at) == ("start of the trial", "peak flexion")
    assert right.duration_s == left.duration_s == pytest.approx(PERIOD_S, abs=0.03)


def test_a_cycle_checks_itself() -> None:
    angles = np.zeros((len(PERCENT), 3))
    with pytest.raises(ValueError, match="pelvic_zero"):
        GaitCycle("a", Side.LEFT, angles, angles[None], None, "sacrum", "tea", "foot strike", "test", None)
    with pytest.raises(ValueError, match="shape"):
        GaitCycle("a", Side.LEFT, angles[:5], angles[None], None, "isb", "tea", "foot strike", "test", None)


def content(**changes: Any) -> dict[str, Any]:
    """What ezc3d gives for a walk."""
    time, angles = walking()
    points = np.zeros((4, 2, len(time)))
    for row, side in enumerate((Side.LEFT, Side.RIGHT)):
        points[:3, row] = angles[side].T
    point = {
        "LABELS": {"value": ["LHipAngles", "RHipAngles"]},
        "ANGLE_UNITS": {"value": ["deg"]},
        "RATE": {"value": [RATE]},
    }
    event = {
        "LABELS": {"value": ["Foot Strike", "Foot Strike", "Foot Off"]},
        "CONTEXTS": {"value": ["Right", "Left", "Left"]},
        "TIMES": {"value": [[0, 0, 0], [0.2, 0.75, 1.0]]},
    }
    out: dict[str, Any] = {
        "parameters": {"POINT": point, "EVENT": event},
        "data": {"points": points, "meta_points": {"residuals": np.zeros((1, 2, len(time)))}},
        "header": {"points": {"first_frame": 20}},
    }
    out["parameters"]["POINT"] |= changes
    return out


def test_times_of_a_c3d_count_from_the_start_of_the_recording() -> None:
    trial = c3d._trial(content(), "walk.c3d", "tea")
    assert trial.time_s[0] == pytest.approx(0.2)
    assert trial.strikes_s[Side.LEFT].tolist() == [0.75]
    assert trial.pelvic_zero == "isb"


def test_frames_without_a_model_output_are_gaps() -> None:
    given = content()
    given["data"]["points"][:3, 0, 5] = 0
    given["data"]["meta_points"]["residuals"][0, 1, 7] = -1
    trial = c3d._trial(given, "walk.c3d", "tea")
    assert np.isnan(trial.angles_deg[Side.LEFT][5]).all()
    assert np.isnan(trial.angles_deg[Side.RIGHT][7]).all()
    assert np.isfinite(trial.angles_deg[Side.LEFT][7]).all()


@pytest.mark.parametrize("unit", ["", "gon"])
def test_a_c3d_without_a_known_unit_is_refused(unit: str) -> None:
    with pytest.raises(InputError, match="ANGLE_UNITS"):
        c3d._trial(content(ANGLE_UNITS={"value": [unit] if unit else []}), "walk.c3d", "tea")


def test_a_c3d_without_a_model_is_refused() -> None:
    with pytest.raises(InputError, match="no RHipAngles"):
        c3d._trial(content(LABELS={"value": ["LHipAngles", "RHip"]}), "walk.c3d", "tea")


def test_without_the_reader_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(InputError, match=r"ischio\[mocap\]"):
        read_gait(_text(tmp_path / "a.c3d", "x"))

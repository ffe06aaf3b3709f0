"""Tables of poses: what is read, what is refused, what is written."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from ischio._check import InputError
from ischio.io.poses import read_poses, to_csv, to_npz, to_parquet
from ischio.types import Side

HEADER = "side,flexion_deg,adduction_deg,internal_rotation_deg"


def table(tmp_path: Path, text: str) -> Path:
    """A file with this text."""
    path = tmp_path / "poses.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_come_in_any_order_and_others_are_carried_along(tmp_path: Path) -> None:
    text = (
        "\ufeffnote, internal_rotation_deg,flexion_deg,adduction_deg,side,pelvic_zero\n"
        '"a, b",3,-10.5,2,LEFT,APP\nc,0,1e1,0,right,\n'
    )
    first, second = read_poses(table(tmp_path, text))
    assert (first.side, first.angles_deg, first.zeros) == (Side.LEFT, (-10.5, 2.0, 3.0), ("app", "tea"))
    assert first.cells["note"] == "a, b"
    assert second.zeros == ("isb", "tea")
    assert second.cells["pelvic_zero"] == "isb"  # what was meant is said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns"),
        (f"{HEADER}\n", "no rows"),
        ("side,flexion_deg,adduction_deg\nleft,0,0\n", "A pose needs all three angles"),
        (f"{HEADER},side\nleft,0,0,0,left\n", "each once"),
        (f"{HEADER}\nleft,0,0\n", "line 2: got another number of cells"),
        (f"{HEADER}\nleft,0,0,0,0\n", "another number of cells"),
        (f"{HEADER}\nleft,0,0,0\nleft,,0,0\n", "line 3, flexion_deg: got ''; expected -60 to 150"),
        (f"{HEADER}\nleft,nan,0,0\n", "flexion_deg: got 'nan'"),
        (f"{HEADER}\nleft,0,inf,0\n", "adduction_deg: got 'inf'"),
        (f"{HEADER}\nleft,0,0,x\n", "internal_rotation_deg: got 'x'"),
        (f"{HEADER}\nleft,400,0,0\n", "flexion_deg: got '400'"),
        (f"{HEADER}\nboth,0,0,0\n", r"side: got 'both'; expected one of \['right', 'left'\]"),
        (f"{HEADER},pelvic_zero\nleft,0,0,0,supine\n", "pelvic_zero: got 'supine'; expected one of"),
        (f"{HEADER},rotation_zero\nleft,0,0,0,neck\n", "rotation_zero: got 'neck'"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_poses(table(tmp_path, text))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Check path and encoding"):
        read_poses(tmp_path / "none.csv")
    path = tmp_path / "poses.csv"
    path.write_bytes(b"\xff\xfe\x00side")
    with pytest.raises(InputError, match="Check path and encoding"):
        read_poses(path)
    monkeypatch.setattr("ischio.io.poses.MOST_BYTES", 3)
    with pytest.raises(InputError, match="Split the file"):
        read_poses(path)


def test_rows_are_written_as_they_are() -> None:
    rows = [{"side": "left", "note": 'a, "b"', "gap_mm": 1.5}, {"side": "right", "note": "", "gap_mm": None}]
    assert to_csv(rows) == 'side,note,gap_mm\nleft,"a, ""b""",1.5\nright,,\n'
    arrays = np.load(io.BytesIO(to_npz(rows)))
    assert arrays["gap_mm"][0] == 1.5
    assert np.isnan(arrays["gap_mm"][1])
    assert arrays["note"].tolist() == ['a, "b"', ""]


def test_a_parquet_file_holds_the_rows(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    rows = [
        {"side": "left", "no'te": 'a, "b"\nc', "gap_mm": 1.5},
        {"side": "right", "no'te": "", "gap_mm": None},
    ]
    path = tmp_path / "gaps.parquet"
    path.write_bytes(to_parquet(rows))
    assert duckdb.read_parquet(str(path)).fetchall() == [tuple(row.values()) for row in rows]


def test_without_duckdb_parquet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match=r"Install it: pip install 'ischio\[cohort\]'"):
        to_parquet([{"side": "left"}])

"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ischio._check import OutputError
from ischio.store.tables import write_file, write_text


def test_a_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "x\r\ny\n")
    assert (tmp_path / "a.csv").read_bytes() == b"x\r\ny\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "1")
    with pytest.raises(OutputError, match="pass --force"):
        write_text(tmp_path / "a", "2")
    write_text(tmp_path / "a", "3", force=True)
    assert (tmp_path / "a").read_text() == "3"


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a new file\. Choose another\."):
        write_text(tmp_path, "1", force=True)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        write_text(tmp_path / "absent" / "a", "1")


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def fail(part: Path) -> None:
        part.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_file(tmp_path / "a", fail, force=True)
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]

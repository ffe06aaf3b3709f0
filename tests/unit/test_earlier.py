"""An earlier result as input: bones to the last bit, and nothing lost without a word."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ischio import phantoms, study
from ischio._check import InputError
from ischio.study.earlier import is_earlier, load_earlier
from ischio.types import Study


@pytest.fixture
def written(tmp_path: Path) -> tuple[Study, Path]:
    """A study of phantom hips, and its folder."""
    pelvis = phantoms.pelvis()
    bones = tuple(
        replace(bone, repairs=("cut",), moved_mm=0.25)
        for hip in pelvis.hips
        for bone in (hip.femur, hip.hip_bone)
        if bone is not None
    )
    settings = {"axes": "RAS", "sides": ["left"], "sex": "f", "age_years": 41.0, "posture": "model"}
    found = Study("p01", pelvis, bones, (), settings, ("a note",), ())
    study.write(found, tmp_path / "out")
    return found, tmp_path / "out"


def changed(out: Path, **values: object) -> None:
    found = json.loads((out / study.STUDY_FILE).read_text())
    (out / study.STUDY_FILE).write_text(json.dumps(found | values))


def test_bones_come_back_to_the_last_bit(written: tuple[Study, Path]) -> None:
    made, out = written
    assert is_earlier(out)
    assert not is_earlier(out.parent)
    found = load_earlier(out)
    assert [bone.label for bone in found.bones] == [bone.label for bone in made.bones]
    for ours, theirs in zip(found.bones, made.bones, strict=True):
        np.testing.assert_array_equal(ours.vertices_mm, theirs.vertices_mm)
        np.testing.assert_array_equal(ours.faces, theirs.faces)
        assert (ours.repairs, ours.moved_mm) == (theirs.repairs, theirs.moved_mm)
    # RAS surfaces were turned when they were first read: the results are in LPS.
    assert (found.case_id, found.axes, found.sides, found.sex) == ("p01", "LPS", "left", "f")
    assert (found.age_years, found.posture, found.needs_scan) == (41.0, "model", ())
    assert found.notes == ("a note", "bones of the earlier result of case p01")


def test_what_only_the_scan_shows_is_not_forgotten(written: tuple[Study, Path]) -> None:
    _, out = written
    rows = [
        {"kind": "prosthesis", "words": "left femur: metal"},
        {"kind": "field_of_view", "words": "sacrum: reaches the end of the scan on 1 side(s)"},
        {"kind": "volume", "words": "left femur: 9 cm3"},
    ]
    changed(out, quality=rows, record={"case_id": "p01"}, landmarks=[{"method": "reader:one"}])
    found = load_earlier(out)
    assert found.needs_scan == (rows[0]["words"], rows[1]["words"])
    assert any("--landmarks" in note for note in found.notes)
    assert any("case file" in note for note in found.notes)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda out: (out / "femur_left.ply").unlink(), "femur_left.ply: got no such file"),
        (lambda out: (out / "femur_left.ply").write_bytes((out / "hip_bone_left.ply").read_bytes()), "faces"),
        (lambda out: changed(out, bones=[{"name": "femur"}]), "a whole study"),
        (lambda out: changed(out, settings=3), "a whole study"),
        (lambda out: (out / "study.json").write_text("{"), "a study in JSON"),
    ],
)
def test_a_damaged_result(written: tuple[Study, Path], break_it: object, words: str) -> None:
    _, out = written
    assert callable(break_it)
    break_it(out)
    with pytest.raises(InputError, match=words):
        load_earlier(out)

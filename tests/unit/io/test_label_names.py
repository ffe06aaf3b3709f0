"""Names of labels from class maps and JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ischio._check import InputError
from ischio.io.label_names import CLASS_MAPS, bare_name, label_names, names_beside
from ischio.io.names import read_name

NAMES = {1: "femur_left", 2: "hip_left"}


@pytest.mark.parametrize(
    "data",
    [
        {"1": "femur_left", "2": "hip_left"},
        {"femur_left": 1, "hip_left": 2},
        {"labels": {"femur_left": 1, "hip_left": 2}, "channel_names": {"0": "CT"}},
        {"labels": [{"name": "femur_left", "value": 1}, {"name": "hip_left", "value": 2}]},
        [{"SegmentLabel": "femur_left", "labelID": 1}, {"SegmentLabel": "hip_left", "labelID": 2}],
    ],
)
def test_json_in_the_shapes_programs_write(data: Any, tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text(json.dumps(data))
    assert label_names(str(path)) == NAMES


@pytest.mark.parametrize(
    "text",
    ["no json", "\udcff", "3", "[1, 2]", '["a"]', '{"EchoTime": 0.01, "SeriesNumber": 3}', '{"a": true}',
     '{"1": "a", "01": "b"}', '{"labels": {"a": [1, 2]}}'],
)  # fmt: skip
def test_other_json_is_no_map(text: str, tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"no map of labels; expected one of \['totalseg-v2'"):
        label_names(str(path))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        label_names(str(tmp_path / "none.json"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(11_000_000)
    with pytest.raises(InputError, match="no map of labels"):
        label_names(str(tmp_path / "huge.json"))


@pytest.mark.parametrize("name", CLASS_MAPS)
def test_class_maps_hold_the_bones(name: str) -> None:
    bones = [read_name(text).text for text in label_names(name.upper()).values()]
    assert bones == ["sacrum", "femur_left", "femur_right", "hip_bone_left", "hip_bone_right"]


def test_numbers_of_totalsegmentator() -> None:
    v2 = label_names("totalseg-v2")
    assert [v2[value] for value in (25, 75, 76, 77, 78)] == list(v2.values())


@pytest.mark.real_data
def test_version_1_agrees_with_a_file_of_its_own(shared_data: Path) -> None:
    path = shared_data / "ct_abdomen_pelvis_totalseg" / "example_seg_v1_104classes_labels.json"
    theirs = label_names(str(path))
    assert {value: theirs[value] for value in CLASS_MAPS["totalseg-v1"]} == CLASS_MAPS["totalseg-v1"]


def test_names_beside_a_label_map(tmp_path: Path) -> None:
    label_map = tmp_path / "seg.nii.gz"
    assert names_beside(label_map) is None
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0, "femur_left": 1, "hip_left": 2}}')
    assert names_beside(label_map) == ({0: "background", **NAMES}, "from dataset.json")
    (tmp_path / "seg_labels.json").write_text('{"1": "femur_left", "2": "hip_left"}')
    assert names_beside(label_map) == (NAMES, "from seg_labels.json")
    (tmp_path / "seg.json").write_text('{"EchoTime": 0.01}')  # of a scanner: not a map, so passed over
    assert names_beside(label_map) == (NAMES, "from seg_labels.json")


def test_endings_are_taken_off() -> None:
    names = ("a.nii", "a.nii.gz", "a.seg.nrrd", "a.nrrd", "a.NII.GZ")
    assert {bare_name(Path(name)) for name in names} == {"a"}

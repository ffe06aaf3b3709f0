"""Names that could name a person stay out of what is read, unless they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from ischio.io.case import RawInput, read_input
from ischio.io.identity import aliases, names_nobody, without_names

Mesh = tuple[np.ndarray, np.ndarray]
Write = Callable[..., Path]


def everything(raw: RawInput) -> str:
    """All text that goes on."""
    volume = "" if raw.label_map is None else f"{raw.label_map.source} {dict(raw.label_map.names)}"
    sources = [f"{one.source} {one.repairs}" for one in raw.surfaces]
    return " ".join([*raw.notes, *sources, volume])


@pytest.mark.parametrize(
    "name",
    "femur_left.ply Femur_L.stl R-Femur.obj os_coxae_right.vtp Segment_1.stl lfemur.ply seg.nii.gz "
    "example_seg.nii.gz vertebrae_L5 gluteus_maximus_left iliopsoas_right PelvisNoSacrum.ply ct.nii.gz "
    "portal_vein_and_splenic_vein autochthon_left rib_left_12 hipL.stl".split(),
)
def test_known_words_name_nobody(name: str) -> None:
    assert names_nobody(name)


@pytest.mark.parametrize(
    "name",
    "Meier_femur_left.ply femur_left_19640229.ply 4711.nii.gz EvaMuster.stl müller.nii.gz "
    "femur_left_Li.ply femur_em_left.ply 李_femur.ply MRN0012345.nrrd Leftwich.ply".split(),
)
def test_anything_else_might_name_somebody(name: str) -> None:
    assert not names_nobody(name)


def test_a_name_is_replaced_as_a_word() -> None:
    known = aliases(["Ring.nii.gz"])
    assert without_names("Ring.nii.gz: a string; Ring", known) == "file 1.nii.gz: a string; file 1"


def test_a_folder_of_somebody(tmp_path: Path, box: Mesh, write: Write) -> None:
    folder = tmp_path / "Muster_Eva_19640229"
    folder.mkdir()
    write(folder / "Muster_femur_left.ply", box)
    write(folder / "Muster_hip_left.stl", box, "stl text")
    (folder / "Befund Muster.txt").write_text("x")
    raw = read_input(folder, axes="LPS")
    assert "Muster" not in everything(raw)
    assert [one.source for one in raw.surfaces] == ["file 3.ply", "file 4.stl"]
    assert raw.notes == ("left alone: file 2.txt",)
    asked = read_input(folder, axes="LPS", show_names=True)
    assert asked.surfaces[0].source == "Muster_femur_left.ply"
    assert asked.notes == ("left alone: Befund Muster.txt",)


def test_a_label_map_of_somebody(tmp_path: Path) -> None:
    values = np.zeros((6, 6, 6), dtype=np.uint8)
    values[1:3, 1:3, 1:3], values[4, 4, 4] = 1, 2
    path = tmp_path / "Muster_Eva.nii.gz"
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    (tmp_path / "Muster_Eva.json").write_text('{"1": "femur_left", "2": "Tumor Muster"}')
    raw = read_input(path, axes="LPS")
    assert "Muster" not in everything(raw)
    assert raw.label_map is not None
    assert raw.label_map.source == "file 1.nii.gz"
    assert raw.notes == (
        "file 1.nii.gz: names of labels from file 1.json",
        "file 1.nii.gz: labels left alone: label 2",
    )


def test_a_folder_of_masks_of_somebody(tmp_path: Path) -> None:
    folder = tmp_path / "Muster_Eva"
    folder.mkdir()
    values = np.zeros((6, 6, 6), dtype=np.uint8)
    values[1:3, 1:3, 1:3] = 1
    for name in ("Muster femur left", "Muster hip left"):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), folder / f"{name}.nii.gz")
    raw = read_input(folder, axes="LPS")
    assert "Muster" not in everything(raw)
    assert "8 voxels shared" in everything(raw)

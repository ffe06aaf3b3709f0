"""Label maps that cannot be used: one clear error each."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest

from ischio._check import InputError
from ischio.io.case import read_input
from ischio.io.label_names import label_names
from ischio.io.labels import MAX_VOXELS


def seg(path: Path, *values: int) -> Path:
    """Write a label map with a block of each label."""
    volume = np.zeros((12, 12, 12), dtype=np.int16)
    for n, value in enumerate(values):
        volume[3 * n : 3 * n + 3] = value
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), path)
    return path


def refused(path: Path, words: str, **options: object) -> None:
    """One error, which says where, what was seen, what was expected and what to do."""
    with pytest.raises(InputError, match=words) as caught:
        read_input(path, axes="LPS", **options)  # type: ignore[arg-type]
    assert ": got " in str(caught.value)
    assert "; expected " in str(caught.value)


def test_labels_without_names(tmp_path: Path) -> None:
    refused(seg(tmp_path / "seg.nii.gz", 75, 77), "no bone among the labels 75, 77.*--labels totalseg-v2")


def test_unknown_label_names(tmp_path: Path) -> None:
    path = seg(tmp_path / "seg.nii.gz", 1, 2)
    refused(path, "no bone among the labels bone one, bone two", labels={1: "bone one", 2: "bone two"})


def test_names_of_another_version(tmp_path: Path) -> None:
    """A map of version 1 read with the names of version 2: none of its bones has that number."""
    path = seg(tmp_path / "seg.nii.gz", 88, 90)
    refused(path, "no bone among the labels 88, 90", labels=label_names("totalseg-v2"))


def test_two_left_femora(tmp_path: Path) -> None:
    path = seg(tmp_path / "seg.nii.gz", 1, 2)
    refused(
        path, "femur_left twice, 'femur_left' and 'Left Femur'", labels={1: "femur_left", 2: "Left Femur"}
    )


def test_a_scan_in_place_of_its_label_map(tmp_path: Path) -> None:
    refused(seg(tmp_path / "ct.nii.gz", -1000, 300), "values from -1000 to 300.*not the scan")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".seg.nrrd"])
def test_text_renamed_to_a_label_map(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"seg{ending}").write_text("Patient seen today.\n" * 100)
    refused(tmp_path, f"seg{ending}: got a file that cannot be read")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_truncated_label_map(share: float, ending: str, tmp_path: Path) -> None:
    path = seg(tmp_path / f"seg{ending}", 1)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(tmp_path, "cannot be read")


def test_far_too_many_voxels(tmp_path: Path) -> None:
    header = bytearray(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).header.binaryblock)
    header[40:48] = struct.pack("<4h", 3, 2000, 2000, 2000)
    header[108:112] = struct.pack("<f", 352)
    (tmp_path / "seg.nii").write_bytes(bytes(header) + bytes(4))
    tracemalloc.start()
    try:
        refused(tmp_path, f"8,000,000,000 voxels; expected at most {MAX_VOXELS:,}")
        assert tracemalloc.get_traced_memory()[1] < 50e6  # imports, not voxels
    finally:
        tracemalloc.stop()

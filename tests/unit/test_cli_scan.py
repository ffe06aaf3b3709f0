"""Commands that look into scans and write segmentations; nothing they print or write names a person."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from ischio.cli import main
from ischio.io.case import read_input

SPACING_MM = 2.0


def phantom() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A CT with one bone, its labels, and voxels to patient LPS."""
    n = 40
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = (-40.0, -40.0, -900.0)
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    depth = np.linalg.norm((index - n / 2) / [12.0, 9, 14], axis=-1)
    return np.where(depth < 1, 900, -60).astype(np.int16), (depth < 1).astype(np.uint8), affine


def write_study(folder: Path) -> None:
    """The CT as a DICOM series of somebody."""
    values, _, affine = phantom()
    folder.mkdir()
    for k in range(values.shape[2]):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.5.{k + 1}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2", "1.3", "1.4"
        dataset.PatientName, dataset.PatientID, dataset.SeriesDescription = "Muster^Eva", "4711", "Muster"
        dataset.Modality, dataset.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.Rows, dataset.Columns, dataset.PixelSpacing = *values.shape[:2], [SPACING_MM] * 2
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [float(mm) for mm in affine[:3, 3] + k * affine[:3, 2]]
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        dataset.PixelData = values[:, :, k].T.tobytes()
        pydicom.dcmwrite(folder / f"Muster{k:03d}.dcm", dataset, enforce_file_format=True)


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study and its labels, both named after somebody."""
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "Muster study")
    _, labels, affine = phantom()
    image = nibabel.Nifti1Image(labels, np.diag([-1.0, -1, 1, 1]) @ affine)
    nibabel.save(image, tmp_path / "Muster.nii.gz")
    (tmp_path / "Muster.json").write_text('{"1": "sacrum"}')
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = 0) -> str:
    assert main(tokens) == code
    printed = capsys.readouterr()
    assert "Muster" not in printed.out
    return printed.out if code == 0 else printed.err


def test_inspect_lists_a_study(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "inspect", "Muster study")
    assert text.startswith("> 1    CT  original     40 x 40 x 40 of 2.0 x 2.0 x 2.0 mm")
    found = json.loads(said(capsys, "inspect", "Muster study", "--json"))
    assert found["read"] == "1"
    assert "uid" not in found["series"][0]
    assert main(["inspect", "Muster study", "--json", "--show-names"]) == 0
    asked = json.loads(capsys.readouterr().out)["series"][0]
    assert (asked["description"], asked["uid"]) == ("Muster", "1.3")


def test_inspect_says_why_nothing_is_read(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted((case / "Muster study").iterdir())[10:12]:
        path.unlink()
    text = said(capsys, "inspect", "Muster study")
    assert "cannot be used: 2 missing slices, the first between" in text
    assert "None is read by default" in text


def test_inspect_a_file_and_bones(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values, _, affine = phantom()
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-1.0, -1, 1, 1]) @ affine), case / "ct.nii.gz")
    assert "voxel axes run to LPS; values -60 to 900" in said(capsys, "inspect", "ct.nii.gz")
    folder = case / "bones"
    folder.mkdir()
    (folder / "sacrum.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert said(capsys, "inspect", "bones").strip() == "sacrum"
    assert json.loads(said(capsys, "inspect", "bones", "--json"))["bones"] == ["sacrum"]


def test_export_writes_what_is_read_again(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = ("export", "Muster.nii.gz", "--scan", "Muster study", "--out", "out", "--case-id", "p01")
    text = said(capsys, *tokens)
    names = ["sacrum.ply", "sacrum.stl", "labels.nii.gz", "labels.seg.nrrd", "labels.dcm", "export.json"]
    assert [line.split("/")[-1] for line in text.split()] == names
    for path in (case / "out").iterdir():
        assert b"Muster" not in path.read_bytes()
        assert b"4711" not in path.read_bytes()
    wanted = read_input(case / "Muster.nii.gz", axes="LPS").label_map
    for name in ("labels.nii.gz", "labels.seg.nrrd", "labels.dcm"):
        found = read_input(case / "out" / name, axes="LPS").label_map
        assert found is not None
        assert wanted is not None
        np.testing.assert_array_equal(found.values, wanted.values)
    assert "place that exists" in said(capsys, *tokens, code=5)
    said(capsys, *tokens, "--force", "--refer", "--quiet")
    assert pydicom.dcmread(case / "out" / "labels.dcm").StudyInstanceUID == "1.2"


def test_export_of_surfaces_has_no_labels(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "export", "Muster.nii.gz", "--out", "first", "--quiet")
    (case / "bones").mkdir()
    (case / "first" / "sacrum.ply").rename(case / "bones" / "sacrum.ply")
    text = said(capsys, "export", "bones", "--out", "second")
    assert [line.split("/")[-1] for line in text.split()] == ["sacrum.ply", "sacrum.stl", "export.json"]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (("export", "Muster.nii.gz", "--out", "x", "--refer"), "--refer: got no scan"),
        (("export", "Muster.nii.gz", "--out", "x", "--series", "1"), "expected a DICOM study"),
        (("export", "Muster.nii.gz", "--out", "x", "--bone", "femur"), "--bone: got"),
        (("assess", "Muster study", "--out", "x"), "got no hip bone of an adult; expected a CT"),
        (("register", "Muster.nii.gz", "--to", "Muster study"), "register: got no first scan"),
    ],
)
def test_wrong_calls(
    tokens: tuple[str, ...], words: str, case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in said(capsys, *tokens, code=3)


def test_a_segmenter_that_is_not_there(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(case))
    tokens = ("export", "Muster study", "--segmenter", "totalsegmentator", "--out", "x")
    assert "pip install TotalSegmentator" in said(capsys, *tokens, code=3)
    program = case / "TotalSegmentator"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(case / "weights"))
    assert "totalseg_download_weights" in said(capsys, *tokens, code=3)
    (case / "weights" / "Dataset291_TotalSegmentator").mkdir(parents=True)
    assert "exit code 3" in said(capsys, *tokens, code=3)
    assert "INPUT is the scan" in said(capsys, *tokens, "--scan", "Muster study", code=3)


def test_a_segmenter_that_works(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in program that copies labels in TotalSegmentator's numbers to where it is told."""
    _, labels, affine = phantom()
    nibabel.save(nibabel.Nifti1Image(labels * 25, np.diag([-1.0, -1, 1, 1]) @ affine), case / "drawn.nii.gz")
    (case / "bin").mkdir()
    program = case / "bin" / "TotalSegmentator"
    program.write_text(f'#!/bin/sh\n/bin/cp "{case}/drawn.nii.gz" "$4"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(case / "bin"))
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(case / "weights"))
    (case / "weights" / "Dataset291_TotalSegmentator").mkdir(parents=True)
    text = said(capsys, "export", "Muster study", "--segmenter", "totalsegmentator", "--out", "out")
    assert "sacrum.ply" in text
    note: dict[str, Any] = json.loads((case / "out" / "export.json").read_text())
    assert any("laid on the edge of the bone in the CT" in words for words in note["bones"][0]["repairs"])


def test_labels_of_another_frame_of_reference(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "export", "Muster.nii.gz", "--scan", "Muster study", "--out", "out", "--refer", "--quiet")
    seg = pydicom.dcmread(case / "out" / "labels.dcm")
    seg.FrameOfReferenceUID = "1.4.9"
    seg.save_as(case / "other.dcm")
    tokens = ("export", "other.dcm", "--scan", "Muster study", "--out", "again")
    assert "another frame of reference" in said(capsys, *tokens, code=3)

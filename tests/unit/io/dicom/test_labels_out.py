"""Label maps out and in again: every labelled voxel in the same place, under the same name."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from ischio._check import InputError
from ischio.io._volume import scanner_frame
from ischio.io.case import read_input
from ischio.io.dicom.pixels import read_dicom
from ischio.io.dicom.seg import read_seg
from ischio.io.dicom.series import list_series
from ischio.io.dicom.write_seg import label_map_seg
from ischio.io.label_names import label_names
from ischio.io.meshes import read_surface
from ischio.io.write_labels import label_map_nifti, label_map_seg_nrrd
from ischio.io.write_meshes import bone_ply, bone_stl
from ischio.phantoms import hip
from ischio.types import Side, Volume

SAME_MM = 1e-6  # DICOM holds numbers of 16 characters
FLOAT32_MM = 1e-4  # NIfTI's matrix, 1 m from the origin
NAMES = {3: "femur_left", 7: "hip_bone_left", 200: "sacrum"}


def turned(*, left_handed: bool = False, sheared: bool = False) -> np.ndarray:
    """An oblique, anisotropic matrix, voxels to patient LPS."""
    a, b = np.deg2rad((20.0, -9.0))
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.7, 0.9, 2.5]
    if left_handed:
        affine[:3, 2] *= -1
    if sheared:
        affine[:3, 2] += 0.4 * affine[:3, 1]
    affine[:3, 3] = (-120.5, 35.25, -860.125)
    return affine


def label_map(affine: np.ndarray) -> Volume:
    values = np.zeros((14, 12, 10), dtype=np.uint8)
    values[2:6, 3:9, 2:7] = 3
    values[7:12, 1:4, 1:9] = 7
    values[7:9, 6:11, 4:6] = 200
    values[0, 0, 0] = 5  # no bone: is left out
    return Volume(values, affine, scanner_frame(""), "labels", "1", "test", NAMES)


def places(volume: Volume) -> dict[str, np.ndarray]:
    """Centres of the voxels of each bone, sorted."""
    out = {}
    for label, name in volume.names.items():
        index = np.argwhere(volume.values == label)
        points = index @ volume.patient_from_voxel[:3, :3].T + volume.patient_from_voxel[:3, 3]
        out[name] = points[np.lexsort(np.round(points, 3).T)]
    return out


AFFINES = [turned(), turned(left_handed=True), turned(sheared=True)]
WRITERS: dict[str, Callable[[Volume], bytes]] = {
    "a.nii.gz": label_map_nifti,
    "a.seg.nrrd": label_map_seg_nrrd,
    "a.dcm": lambda labels: label_map_seg(labels, case_id="p01"),
}


@pytest.mark.parametrize("affine", AFFINES, ids=["right-handed", "left-handed", "sheared"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_label_map_comes_back(name: str, affine: np.ndarray, tmp_path: Path) -> None:
    labels = label_map(affine)
    (tmp_path / name).write_bytes(WRITERS[name](labels))
    assert WRITERS[name](labels) == (tmp_path / name).read_bytes()
    back = read_input(tmp_path / name, axes="LPS").label_map
    assert back is not None
    assert sorted(back.names.values()) == sorted(NAMES.values())
    assert back.values.shape == labels.values.shape  # with its empty ends: they are the field of view
    found, wanted = places(back), places(labels)
    for bone in wanted:
        tolerance = FLOAT32_MM if name == "a.nii.gz" else SAME_MM
        np.testing.assert_allclose(found[bone], wanted[bone], atol=tolerance)


def test_slicer_reads_a_segmentation(tmp_path: Path) -> None:
    slicerio = pytest.importorskip("slicerio")
    labels = label_map(turned())
    path = tmp_path / "a.seg.nrrd"
    path.write_bytes(label_map_seg_nrrd(labels))
    found = slicerio.read_segmentation(str(path))
    assert [one["name"] for one in found["segments"]] == list(NAMES.values())
    assert [one["labelValue"] for one in found["segments"]] == list(NAMES)
    first = found["segments"][0]["terminology"]
    assert first["type"] == ["SCT", "71341001", "Femur"]
    assert first["typeModifier"] == ["SCT", "7771000", "Left"]
    np.testing.assert_allclose(found["ijkToLPS"], labels.patient_from_voxel, atol=SAME_MM)
    np.testing.assert_array_equal(found["voxels"], np.where(labels.values == 5, 0, labels.values))


def test_what_slicer_needs_is_in_the_header() -> None:
    """The rules of its reader, which no other program checks."""
    labels = label_map(turned())
    head = label_map_seg_nrrd(labels).split(b"\n\n")[0].decode("ascii")
    fields = dict(line.split(": ", 1) for line in head.splitlines()[3:] if ":=" not in line)
    keys = dict(line.split(":=", 1) for line in head.splitlines() if ":=" in line)
    assert fields["type"] == "unsigned char"
    assert (fields["dimension"], fields["space"]) == ("3", "left-posterior-superior")
    assert fields["kinds"] == "domain domain domain"
    assert fields["encoding"] == "gzip"
    assert keys["Segmentation_MasterRepresentation"] == keys["Segmentation_SourceRepresentation"]
    assert keys["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert keys["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    assert "Segmentation_Extent" not in keys  # the mark of an old file
    for n, (label, name) in enumerate(NAMES.items()):
        segment = {key.split("_", 1)[1]: value for key, value in keys.items() if key[:9] == f"Segment{n}_"}
        assert set(segment) == set(
            "ID Name NameAutoGenerated Color ColorAutoGenerated LabelValue Layer Extent Tags".split()
        )
        assert (segment["ID"], segment["LabelValue"], segment["Layer"]) == (name, str(label), "0")
        ends = np.array(segment["Extent"].split(), dtype=int).reshape(3, 2)
        index = np.argwhere(labels.values == label)
        np.testing.assert_array_equal(ends, np.stack([index.min(axis=0), index.max(axis=0)], axis=1))
        assert all(0 <= float(value) <= 1 for value in segment["Color"].split())
        assert segment["Tags"].count("~") == 6
        assert segment["Tags"].endswith("|")
    assert f"Segment{len(NAMES)}_ID" not in keys


def test_another_program_reads_a_dicom_segmentation(tmp_path: Path) -> None:
    highdicom = pytest.importorskip("highdicom")
    labels = label_map(turned())
    seg = highdicom.seg.segread(io.BytesIO(label_map_seg(labels, case_id="p01")))
    volume = seg.get_volume(combine_segments=True)
    index = np.argwhere(volume.array == 1)
    points = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    points = points[np.lexsort(np.round(points, 3).T)]
    np.testing.assert_allclose(points, places(labels)["femur_left"], atol=SAME_MM)
    described = seg.get_segment_description(2)
    assert described.segmented_property_type.meaning == "Pelvis"


def test_a_segmentation_refers_to_its_scan(
    tmp_path: Path, series: Callable[..., list[Path]], scan: tuple[np.ndarray, np.ndarray]
) -> None:
    series(tmp_path / "study", *scan)
    volume, _ = read_dicom(tmp_path / "study")
    values = (volume.values > 0).astype(np.uint8)
    labels = Volume(values, volume.patient_from_voxel, volume.frame, "labels", "1", "x", {1: "femur_left"})
    (one,) = list_series(tmp_path / "study").series
    data = label_map_seg(labels, case_id="p01", scan=one)
    found = pydicom.dcmread(io.BytesIO(data))
    assert (found.FrameOfReferenceUID, found.StudyInstanceUID) == ("1.9", "1.2")
    references = found.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert len(references) == volume.values.shape[2]
    slices = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, (tmp_path / "study").iterdir())}
    for frame in found.PerFrameFunctionalGroupsSequence:  # each frame names the image it lies on
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        place = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(place, slices[source].ImagePositionPatient, atol=SAME_MM)
    assert b"Muster" not in data
    assert b"4711" not in data
    (tmp_path / "seg.dcm").write_bytes(data)
    back = read_input(tmp_path / "seg.dcm", axes="LPS").label_map
    assert back is not None
    assert back.frame == volume.frame
    other = Volume(values, volume.patient_from_voxel, scanner_frame("1.8"), "labels", "1", "x", labels.names)
    with pytest.raises(InputError, match="another frame of reference"):
        label_map_seg(other, case_id="p01", scan=one)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_a_validator_finds_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(label_map_seg(label_map(turned()), case_id="p01"))
    ran = subprocess.run(["dciodvfy", str(tmp_path / "a.dcm")], capture_output=True, text=True, check=False)
    assert "Error" not in ran.stderr


def test_segments_that_overlap_lie_in_layers(tmp_path: Path) -> None:
    labels = label_map(turned())
    found = pydicom.dcmread(io.BytesIO(label_map_seg(labels, case_id="p01")))
    shape = found.NumberOfFrames, found.Rows, found.Columns
    found.PixelData = np.packbits(np.ones(shape, np.uint8).ravel(), bitorder="little").tobytes()
    found.save_as(tmp_path / "a.dcm")
    file = read_seg(tmp_path / "a.dcm")
    assert [(one.name, one.layer) for one in file.segments] == [(n, k) for k, n in enumerate(NAMES.values())]


def test_coded_names_of_segments(tmp_path: Path) -> None:
    found = pydicom.dcmread(io.BytesIO(label_map_seg(label_map(turned()), case_id="p01")))
    for n, item in enumerate(found.SegmentSequence, start=1):
        item.SegmentLabel = f"Segment {n}"
    found.save_as(tmp_path / "a.dcm")
    back = read_input(tmp_path / "a.dcm", axes="LPS").label_map
    assert back is not None
    assert list(back.names.values()) == ["femur_left", "hip_bone_left", "sacrum"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "DICOM of SEG kind|a DICOM scan|nothing"),
        ({"NumberOfFrames": 3}, "3 frames with"),
        ({"SegmentSequence": []}, "no segments"),
        ({"PixelData": b"\0\0"}, "cannot be read"),
        ({"Rows": 60000, "Columns": 60000}, "voxels"),
    ],
)
def test_segmentations_that_cannot_be_read(change: dict[str, object], words: str, tmp_path: Path) -> None:
    found = pydicom.dcmread(io.BytesIO(label_map_seg(label_map(turned()), case_id="p01")))
    for key, value in change.items():
        setattr(found, key, value)
    found.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match=words):
        read_seg(tmp_path / "a.dcm")


def test_a_grid_with_leaning_rows_is_no_segmentation() -> None:
    affine = turned()
    affine[:3, 1] += 0.3 * affine[:3, 0]
    with pytest.raises(InputError, match="not perpendicular"):
        label_map_seg(label_map(affine), case_id="p01")


def test_names_from_itk_snap(tmp_path: Path) -> None:
    lines = ["# ITK-SnAP Label Description File", '    0     0    0    0        0  0  0    "Clear Label"']
    lines += [f'  {label}   255    0    0        1  1  1    "{name}"' for label, name in NAMES.items()]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    assert label_names(str(tmp_path / "a.txt")) == NAMES
    labels = label_map(turned())
    header = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        "CompressedData = False\nTransformMatrix = {}\nOffset = {}\nElementSpacing = {}\n"
        "DimSize = 14 12 10\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    )
    affine = labels.patient_from_voxel
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    words = (
        " ".join(map(repr, row))
        for row in ((affine[:3, :3] / spacing).T.ravel().tolist(), affine[:3, 3].tolist(), spacing.tolist())
    )
    (tmp_path / "a.mha").write_bytes(header.format(*words).encode() + labels.values.tobytes(order="F"))
    back = read_input(tmp_path / "a.mha", axes="LPS").label_map
    assert back is not None
    assert dict(back.names) == NAMES
    np.testing.assert_allclose(back.patient_from_voxel, affine, atol=SAME_MM)


@pytest.mark.parametrize(("write", "name"), [(bone_ply, "a.ply"), (bone_stl, "a.stl")])
def test_a_surface_comes_back(write: Callable[..., bytes], name: str, tmp_path: Path) -> None:
    bone = hip(Side.LEFT).femur
    assert bone is not None
    (tmp_path / name).write_bytes(write(bone))
    mesh = read_surface(tmp_path / name)
    triangles = mesh.vertices_mm[mesh.faces]
    np.testing.assert_allclose(triangles, bone.triangles_mm, atol=0 if name == "a.ply" else 1e-5)

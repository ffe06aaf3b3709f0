"""Label maps: what is in the file comes back at its place, under its name; the rest is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest

from ischio._check import InputError
from ischio.io import _volume
from ischio.io.labels import MAX_VOXELS, read_label_map, read_masks
from ischio.io.names import read_name
from ischio.types import Volume

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
FLOAT32_MM = 1e-4  # a NIfTI header keeps its matrix in float32: 1e-5 of a coordinate of some 100 mm
OBLIQUE = np.array(
    [[0.8, -0.1, 0.4, -120.0], [0.2, 0.9, -0.3, 35.0], [-0.2, 0.1, 2.4, 640.0], [0, 0, 0, 1.0]]
)
MIRRORED = OBLIQUE @ np.diag([-1.0, 1.0, 1.0, 1.0])
NAMES = {1: "femur_left", 2: "hip_right", 3: "spleen"}
TABLE = (
    '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <Date><![CDATA[2013-07-14T05:45:09]]></Date>'
    '   <VolumeInformation Index="0">   <LabelTable>\n'
    + "".join(f'<Label Key="{k}" Red="1"><![CDATA[{n}]]></Label>\n' for k, n in ({0: "???"} | NAMES).items())
    + "</LabelTable></VolumeInformation></CaretExtension>\n              "
)


@pytest.fixture
def values() -> np.ndarray:
    """Three labels in a grid of three different lengths."""
    values = np.zeros((9, 8, 7), dtype=np.uint8)
    values[1:4, 2:7, 1:3] = 1
    values[5:8, 2:7, 4:6] = 2
    values[0, 0, 0] = 3
    return values


def nifti(path: Path, values: np.ndarray, ras: np.ndarray = OBLIQUE, table: str = "", **codes: int) -> Path:
    """Write a NIfTI label map, with the sform alone unless told otherwise."""
    header = nibabel.Nifti1Header()
    header.set_xyzt_units("mm")
    header.set_data_dtype(values.dtype)
    header.set_sform(ras, codes.get("sform", 1))
    if codes.get("qform"):
        header.set_qform(ras, codes["qform"])
    if table:
        header.extensions.append(nibabel.nifti1.Nifti1Extension(0, table.encode()))
    # Without a matrix of its own the image leaves the header's orientation as it is.
    nibabel.save(nibabel.Nifti1Image(values, None, header), path)
    return path


def seg_nrrd(path: Path, values: np.ndarray, names: dict[int, str] | None = None, **fields: Any) -> Path:
    """Write an NRRD label map; ``names`` as 3D Slicer writes them."""
    header: dict[str, Any] = {
        "space": "left-posterior-superior",
        "space directions": OBLIQUE[:3, :3].T,
        "space origin": OBLIQUE[:3, 3],
    }
    for n, (value, name) in enumerate((names or {}).items()):
        header |= {f"Segment{n}_ID": f"Segment_{n}", f"Segment{n}_Name": name}
        header |= {f"Segment{n}_LabelValue": str(value), f"Segment{n}_Layer": "0"}
    header |= {
        key.replace("_", " ") if key.startswith("space") else key: value for key, value in fields.items()
    }
    nrrd.write(str(path), values, {key: value for key, value in header.items() if value is not None})
    return path


def check(volume: Volume, values: np.ndarray, patient_from_voxel: np.ndarray) -> None:
    """The volume holds these labels at these places."""
    np.testing.assert_allclose(volume.patient_from_voxel, patient_from_voxel, rtol=0, atol=FLOAT32_MM)
    np.testing.assert_array_equal(volume.values, values)
    assert volume.names == {1: "femur_left", 2: "hip_bone_right"}
    assert (volume.modality, volume.unit, volume.frame.kind) == ("labels", "1", "patient")


@pytest.mark.parametrize(
    "ras", [OBLIQUE, MIRRORED, np.diag([-0.7, 0.7, 5.0, 1.0])], ids=["oblique", "mirrored", "flat"]
)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_nifti(ras: np.ndarray, ending: str, dtype: type, values: np.ndarray, tmp_path: Path) -> None:
    path = nifti(tmp_path / f"seg{ending}", values.astype(dtype), ras, TABLE)
    volume, notes = read_label_map(path, axes="LPS")
    check(volume, values, FLIP @ ras)
    assert volume.values.dtype == np.uint8
    assert notes == (
        f"seg{ending}: names of labels in the file",
        f"seg{ending}: labels left alone: spleen",
    )


@pytest.mark.parametrize("codes", [{"sform": 2, "qform": 0}, {"sform": 0, "qform": 1}])
def test_nifti_with_one_orientation(codes: dict[str, int], values: np.ndarray, tmp_path: Path) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]
    ras = turn @ np.diag([0.5, 0.75, 2.0, 1.0])  # a qform holds no shear
    volume, _ = read_label_map(nifti(tmp_path / "a.nii", values, ras, TABLE, **codes), axes="LPS")
    check(volume, values, FLIP @ ras)


def test_nifti_orientations_that_differ_are_said(values: np.ndarray, tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", values, np.eye(4), TABLE)
    header = nibabel.load(path).header
    moved = np.eye(4)
    moved[2, 3] = 3
    header.set_qform(moved, 1)
    nibabel.save(nibabel.Nifti1Image(values, None, header), path)
    volume, notes = read_label_map(path, axes="LPS")
    assert "a.nii: sform and qform differ by up to 3.0 mm; sform was used" in notes
    check(volume, values, FLIP)


def test_nifti_with_a_fourth_axis_of_one(values: np.ndarray, tmp_path: Path) -> None:
    volume, _ = read_label_map(nifti(tmp_path / "a.nii", values[..., None], OBLIQUE, TABLE), axes="LPS")
    check(volume, values, FLIP @ OBLIQUE)


@pytest.mark.parametrize(
    ("space", "signs"),
    [("left-posterior-superior", (1, 1, 1)), ("RAS", (-1, -1, 1)), ("left-anterior-superior", (1, -1, 1))],
)
@pytest.mark.parametrize("encoding", ["gzip", "raw"])
def test_nrrd_spaces(
    space: str, signs: tuple[int, ...], encoding: str, values: np.ndarray, tmp_path: Path
) -> None:
    path = seg_nrrd(tmp_path / "a.seg.nrrd", values, NAMES, space=space, encoding=encoding)
    volume, _ = read_label_map(path, axes="RAS")  # a file that names its space is believed
    check(volume, values, np.diag([*signs, 1.0]) @ OBLIQUE)


@pytest.mark.parametrize(("axes", "turn"), [("LPS", np.eye(4)), ("unknown", np.eye(4)), ("RAS", FLIP)])
def test_nrrd_without_a_space_takes_the_option(
    axes: str, turn: np.ndarray, values: np.ndarray, tmp_path: Path
) -> None:
    path = seg_nrrd(tmp_path / "a.nrrd", values, NAMES, space=None, space_dimension=3)
    volume, notes = read_label_map(path, axes=axes)
    check(volume, values, turn @ OBLIQUE)
    assert f"a.nrrd: the header names no space; {axes} was taken from the option" in notes


def layered(path: Path, layers: np.ndarray, axis: int, **fields: Any) -> Path:
    """Write a segmentation in layers: femur and hip bone overlap by one voxel, a muscle by many."""
    directions = np.insert(OBLIQUE[:3, :3].T, axis, np.nan, axis=0)
    names = {"Segment0_ID": "a", "Segment0_Name": "gluteus maximus left", "Segment0_LabelValue": "1"}
    names |= {"Segment0_Layer": "1", "Segment1_ID": "b", "Segment1_Name": "Femur Left", "Segment1_Layer": "0"}
    names |= {"Segment1_LabelValue": "4", "Segment2_ID": "c", "Segment2_Name": "hip_right"}
    names |= {"Segment2_LabelValue": "2", "Segment2_Layer": "1"}
    stacked = np.moveaxis(layers, 0, axis)
    return seg_nrrd(path, stacked, None, space_directions=directions, **(names | fields))


@pytest.mark.parametrize("axis", [0, 3])
def test_nrrd_layers(axis: int, values: np.ndarray, tmp_path: Path) -> None:
    upper = np.where(values == 2, 2, 1).astype(np.uint8)
    upper[1, 2, 1] = 2
    lower = np.where(values == 1, 4, 0).astype(np.uint8)
    volume, notes = read_label_map(
        layered(tmp_path / "a.seg.nrrd", np.stack([lower, upper]), axis), axes="LPS"
    )
    check(volume, np.where(values < 3, values, 0), OBLIQUE)
    assert notes[-2:] == (
        "a.seg.nrrd: labels left alone: gluteus maximus left",
        "a.seg.nrrd: hip_right: 1 voxel shared with another bone and left to it",
    )


def test_old_segmentations_have_a_layer_for_each_segment(values: np.ndarray, tmp_path: Path) -> None:
    names = {f"Segment{n}_LabelValue": None for n in range(3)} | {f"Segment{n}_Layer": None for n in range(3)}
    layers = np.stack([values == 3, values == 1, values == 2]).astype(np.uint8)
    volume, _ = read_label_map(layered(tmp_path / "a.seg.nrrd", layers, 0, **names), axes="LPS")
    check(volume, np.where(values < 3, values, 0), OBLIQUE)


def test_names_given_beat_names_in_the_file_beat_names_beside_it(values: np.ndarray, tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii", values)
    (tmp_path / "a.json").write_text('{"1": "tibia_left", "2": "tibia_right", "9": "sacrum"}')
    volume, notes = read_label_map(path, axes="LPS")
    assert volume.names == {1: "tibia_left", 2: "tibia_right"}
    assert notes == ("a.nii: names of labels from a.json", "a.nii: labels left alone: 3")
    nifti(path, values, table=TABLE)
    assert read_label_map(path, axes="LPS")[0].names == {1: "femur_left", 2: "hip_bone_right"}
    volume, notes = read_label_map(path, axes="LPS", labels={2: "femur_right"})
    assert volume.names == {2: "femur_right"}
    assert notes == ("a.nii: names of labels given", "a.nii: labels left alone: 1, 3")


def test_labels_are_mapped_by_name_or_number(values: np.ndarray, tmp_path: Path) -> None:
    path = seg_nrrd(tmp_path / "a.nrrd", values, {1: "Segment_1", 2: "hip_right", 3: "Segment_3"})
    mapping = {"Segment_1": "sacrum", "2": "ignore", "3": "femur_right"}
    assert read_label_map(path, axes="LPS", mapping=mapping)[0].names == {1: "sacrum", 3: "femur_right"}
    bare = nifti(tmp_path / "b.nii", values)
    assert read_label_map(bare, axes="LPS", mapping={"1": "femur_left"})[0].names == {1: "femur_left"}


def test_a_mask_is_named_by_its_file(values: np.ndarray, tmp_path: Path) -> None:
    path = nifti(tmp_path / "Femur_L.nii.gz", (values == 1).astype(np.uint8))
    assert read_label_map(path, axes="LPS")[0].names == {1: "femur_left"}


def test_named_bones_without_a_voxel_are_said(values: np.ndarray, tmp_path: Path) -> None:
    path = seg_nrrd(tmp_path / "a.nrrd", values, {1: "femur_left", 7: "sacrum", 8: "spleen"})
    volume, notes = read_label_map(path, axes="LPS")
    assert volume.names == {1: "femur_left"}
    assert "a.nrrd: named, but without a voxel: sacrum" in notes


def test_masks_are_joined(values: np.ndarray, tmp_path: Path) -> None:
    hip = (values == 2).astype(np.uint8)
    hip[1, 2, 1] = 1
    files = [
        nifti(tmp_path / "femur_left.nii.gz", (values == 1).astype(np.uint8) * 255),
        nifti(tmp_path / "hip_right.nii.gz", hip),
        nifti(tmp_path / "sacrum.nii.gz", np.zeros_like(values)),
    ]
    volume, notes = read_masks([(file, read_name(file.name.split(".")[0])) for file in files], axes="LPS")
    check(volume, np.where(values < 3, values, 0), FLIP @ OBLIQUE)
    assert notes == (
        "hip_right.nii.gz: 1 voxel shared with another bone and left to it",
        "sacrum.nii.gz: an empty mask",
    )


@pytest.mark.parametrize("kind", ["labels", "shape", "place", "empty"])
def test_masks_that_do_not_go_together_are_refused(kind: str, values: np.ndarray, tmp_path: Path) -> None:
    first = nifti(tmp_path / "femur_left.nii.gz", (values == (9 if kind == "empty" else 1)).astype(np.uint8))
    second, ras = values if kind == "labels" else (values == 2).astype(np.uint8), OBLIQUE.copy()
    if kind == "place":
        ras[0, 3] += 0.5
    files = [first, nifti(tmp_path / "hip_right.nii.gz", second[:-1] if kind == "shape" else second, ras)]
    words = {
        "labels": r"labels \[1, 2, 3\] in a folder of masks",
        "shape": "another grid than femur_left",
        "place": "another grid than femur_left",
        "empty": "empty masks",
    }
    with pytest.raises(InputError, match=words[kind]):
        read_masks(
            [(f, read_name(f.name.split(".")[0])) for f in (files[:1] if kind == "empty" else files)],
            axes="LPS",
        )


def refused(path: Path, words: str, **options: Any) -> None:
    """Reading raises one error that names the file and says the words."""
    with pytest.raises(InputError, match=words) as caught:
        read_label_map(path, axes="LPS", **options)
    assert path.name in str(caught.value)
    assert "; expected " in str(caught.value)


def test_labels_without_names_are_listed(values: np.ndarray, tmp_path: Path) -> None:
    refused(nifti(tmp_path / "a.nii", values), "no bone among the labels 1, 2, 3.*--labels totalseg-v2")
    many = np.arange(504, dtype=np.uint16).reshape(9, 8, 7) % 100
    refused(nifti(tmp_path / "b.nii", many), "labels 1, 2, .*, 12 and 87 more")


def test_an_image_is_told_from_a_label_map(tmp_path: Path) -> None:
    """An MR that nobody called one: hundreds of values, and what to do with an MR."""
    values = np.arange(1000, dtype=np.int16).reshape(10, 10, 10)
    refused(nifti(tmp_path / "a.nii", values), "999 different values.*For an MR mark points.*--fit-points")


def test_unknown_names_are_listed(values: np.ndarray, tmp_path: Path) -> None:
    path = seg_nrrd(tmp_path / "a.nrrd", values, {1: "os longum", 2: "Segment_2", 3: "spleen"})
    refused(path, "no bone among the labels os longum, Segment_2, spleen; expected a femur")
    refused(path, "the option for 'Segment_5'", mapping={"Segment_5": "femur_left"})


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({1: "femur left", 2: "Femur_L"}, "femur_left twice"),
        ({1: "femur", 2: "hip_left"}, "no side in 'femur'"),
        ({1: "pelvis", 2: "hip_left"}, "in one surface or apart"),
    ],
)
def test_names_that_contradict_are_refused(
    names: dict[int, str], words: str, values: np.ndarray, tmp_path: Path
) -> None:
    refused(seg_nrrd(tmp_path / "a.nrrd", values, names), words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v - 1.0, "values from -1.0 to 2.0.*not the scan"),
        (lambda v: v * 30_000, "labels from 0 to 65,535"),
        (lambda v: v / 2.0, "not whole"),
        (lambda v: np.where(v == 3, np.nan, v), "values from nan to nan"),
        (lambda v: v.astype(np.complex64), "values of type complex64"),
    ],
)
def test_an_image_that_is_no_label_map_is_refused(
    change: Any, words: str, values: np.ndarray, tmp_path: Path
) -> None:
    changed = change(values.astype(np.float32))
    refused(nifti(tmp_path / "a.nii", changed), words)


@pytest.mark.parametrize("row", [0, 2])
def test_a_singular_orientation_is_refused(row: int, values: np.ndarray, tmp_path: Path) -> None:
    flat = OBLIQUE.copy()
    flat[row, :3] = flat[1, :3]
    refused(nifti(tmp_path / "a.nii", values, flat, TABLE, sform=1, qform=0), "singular orientation")
    flat[0, 0] = np.nan
    refused(nifti(tmp_path / "a.nii", values, flat, TABLE, sform=1, qform=0), "not finite")
    refused(
        seg_nrrd(tmp_path / "a.nrrd", values, NAMES, space_directions=np.ones((3, 3))), "singular orientation"
    )


def test_nifti_headers_that_do_not_tell_are_refused(values: np.ndarray, tmp_path: Path) -> None:
    refused(nifti(tmp_path / "a.nii", values, sform=0, qform=0), "no orientation")
    refused(nifti(tmp_path / "b.nii", np.stack([values, values], -1)), "three axes")
    image = nibabel.Nifti1Image(values, OBLIQUE)
    for unit, words in (("meter", "voxels in metres"), ("micron", "voxels in micrometres")):
        image.header.set_xyzt_units(unit)
        nibabel.save(image, tmp_path / "c.nii")
        refused(tmp_path / "c.nii", words)
    image.header["xyzt_units"] = 5
    nibabel.save(image, tmp_path / "d.nii")
    refused(tmp_path / "d.nii", "a unit without a name")
    nibabel.save(nibabel.MGHImage(values, OBLIQUE.astype(np.float32)), tmp_path / "e.mgz")
    (tmp_path / "e.nii.gz").write_bytes((tmp_path / "e.mgz").read_bytes())
    refused(tmp_path / "e.nii.gz", "cannot be read|a MGHImage")


def test_another_image_under_the_name_of_a_nifti_is_refused(
    values: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = nibabel.MGHImage(values, OBLIQUE.astype(np.float32))
    monkeypatch.setattr(nibabel, "load", lambda _: image)
    (tmp_path / "a.nii").write_bytes(b"x")
    refused(tmp_path / "a.nii", "a MGHImage")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"space": "scanner-xyz"}, "the space 'scanner-xyz'"),
        ({"space units": ["um", "um", "um"]}, r"voxels in \['um'\]"),
        ({"space directions": None}, "no orientation"),
        ({"space origin": None}, "no orientation"),
        ({"space directions": np.array([[np.nan] * 3, [1, 0, 0], [0, 1, 0]])}, "3 axes, 1 of them lists"),
        ({"Segment0_LabelValue": "one"}, "segment 'femur_left' with value 'one'"),
        ({"Segment0_Layer": "3"}, "layers 0 to 0"),
        ({"data file": "other.raw"}, "data are in another file"),
    ],
)
def test_nrrd_headers_that_do_not_tell_are_refused(
    fields: dict[str, Any], words: str, values: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "a.nrrd"
    if "data file" in fields:
        seg_nrrd(path, values, NAMES)
        path.write_bytes(path.read_bytes().replace(b"encoding:", b"data file: other.raw\nencoding:", 1))
    else:
        seg_nrrd(path, values, NAMES, **{key.replace(" ", "_"): value for key, value in fields.items()})
    refused(path, words)


def test_layers_without_names_are_refused(values: np.ndarray, tmp_path: Path) -> None:
    directions = np.insert(OBLIQUE[:3, :3].T, 0, np.nan, axis=0)
    path = seg_nrrd(tmp_path / "a.nrrd", np.stack([values, values]), space_directions=directions)
    refused(path, "2 layers without names")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd"])
def test_damaged_files_are_refused_or_read(
    ending: str,
    values: np.ndarray,
    tmp_path: Path,
    rng: np.random.Generator,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Cut or overwritten bytes never lead to anything but a volume or an InputError, nor to a message."""
    path = tmp_path / f"a{ending}"
    seg_nrrd(path, values, NAMES) if ending == ".nrrd" else nifti(path, values, table=TABLE)
    whole = path.read_bytes()
    for n in range(150):
        data = bytearray(whole)
        if n % 2:
            del data[int(rng.integers(0, len(data))) :]
        else:
            for at in rng.integers(0, min(len(data), 500), 4):
                data[at] = int(rng.integers(0, 256))
        path.write_bytes(bytes(data))
        try:
            volume, _ = read_label_map(path, axes="LPS")
        except InputError:
            continue
        assert np.isfinite(volume.patient_from_voxel).all()
    assert capfd.readouterr() == ("", "")


def test_a_table_that_is_no_xml_is_as_good_as_none(values: np.ndarray, tmp_path: Path) -> None:
    for table in (
        TABLE.replace("</LabelTable>", ""),
        TABLE.replace("<Caret", '<!DOCTYPE a [<!ENTITY b "c">]><Caret'),
    ):
        refused(nifti(tmp_path / "a.nii", values, table=table), "no bone among the labels 1, 2, 3")
        volume, _ = read_label_map(tmp_path / "a.nii", axes="LPS", labels={1: "femur_left"})
        assert volume.names == {1: "femur_left"}


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"")
    refused(tmp_path / "a.nii", "an empty file")
    refused(tmp_path / "b.nrrd", "No such file")
    (tmp_path / "c.nii.gz").write_text("text that was renamed")
    refused(tmp_path / "c.nii.gz", "cannot be read")
    (tmp_path / "d.nrrd").write_text("text that was renamed")
    refused(tmp_path / "d.nrrd", "cannot be read")


def test_too_many_voxels_are_refused_by_the_header(tmp_path: Path) -> None:
    limit = f"at most {MAX_VOXELS:,}"
    header = nibabel.Nifti1Header()
    header.set_data_shape((1001, 1000, 1000))
    header.set_sform(OBLIQUE, 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    (tmp_path / "a.nii").write_bytes(header.binaryblock + bytes(4))
    refused(tmp_path / "a.nii", limit)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(header.binaryblock + bytes(4)))
    refused(tmp_path / "a.nii.gz", limit)
    (tmp_path / "a.nrrd").write_text(
        "NRRD0004\ntype: uint8\ndimension: 4\nsizes: 3 1001 1000 1000\nencoding: raw\n\n"
    )
    refused(tmp_path / "a.nrrd", "3,003,000,000 voxels.*" + limit)
    (tmp_path / "b.nrrd").write_text("NRRD0004\ntype: uint8\ndimension: 3\nsizes: 0 5 5\nencoding: raw\n\n")
    refused(tmp_path / "b.nrrd", r"an image of \(0, 5, 5\) voxels")


def test_voxels_are_counted_in_any_memory_order(values: np.ndarray) -> None:
    expected = {label: int((values == label).sum()) for label in (1, 2, 3)}
    for view in (values, np.asfortranarray(values), values[::-1, :, ::2][:, :, :].copy("K")):
        counted = _volume.voxel_counts(view)
        assert counted == {label: int((view == label).sum()) for label in expected if (view == label).any()}

"""Scans of real people: read the right way round, and assessed as far as they go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ischio import study
from ischio.cli import main
from ischio.io.nifti import read_nifti_labels
from ischio.io.scan import read_scan

SAME_MM = 1e-3  # float32 headers
SPINOUS, BODY = 42, 49  # labels of a vertebra's parts

pytestmark = pytest.mark.real_data


def scans(folder: Path) -> list[Path]:
    """Every scan in the folder, no masks."""
    files = sorted(folder.rglob("*.nii.gz"))
    return [file for file in files if not any(word in file.name for word in ("mask", "seg", "msk"))]


def test_every_scan_lies_where_an_independent_reader_puts_it(shared_data: Path) -> None:
    found = scans(shared_data)
    assert len(found) >= 19
    for path in found:
        volume, _ = read_scan(path)
        image = nibabel.Nifti1Image.from_filename(path)
        corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        corners = corners * (np.array(volume.values.shape) - 1)
        ours = corners @ volume.patient_from_voxel[:3, :3].T + volume.patient_from_voxel[:3, 3]
        theirs = nibabel.affines.apply_affine(image.affine, corners) * [-1, -1, 1]
        np.testing.assert_allclose(ours, theirs, atol=SAME_MM, err_msg=path.name)
        assert (volume.unit == "HU") == ("MR" not in path.name and "CT" in path.name.upper()), path.name


def test_a_vertebra_stored_in_other_axes_faces_forwards(shared_data: Path) -> None:
    """Voxel axes run backwards, down and to the right; the spinous process lies behind the body."""
    folder = shared_data / "ct_vertebra_L3_tptbox"
    labels = read_nifti_labels(folder / "sub-ct_seg-subreg_label-22_msk.nii.gz")
    volume, _ = read_scan(folder / "sub-ct_label-22_ct.nii.gz")
    np.testing.assert_allclose(labels.patient_from_voxel, volume.patient_from_voxel, atol=SAME_MM)
    middle = {}
    for part in (SPINOUS, BODY):
        index = np.argwhere(labels.layers[0] == part)
        assert len(index) > 100
        middle[part] = (index @ volume.patient_from_voxel[:3, :3].T).mean(axis=0)
    assert middle[SPINOUS][1] > middle[BODY][1] + 25  # y to the back


@pytest.mark.slow
def test_abdomen_with_a_nail(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The field of view ends in the hips; a nail with a head screw is in the left femur."""
    folder = shared_data / "ct_abdomen_pelvis_totalseg"
    labels, scan = folder / "example_seg_v1_104classes.nii.gz", folder / "example_ct.nii.gz"
    code = main(["assess", str(labels), "--scan", str(scan), "--out", str(tmp_path / "out"), "--quiet"])
    capsys.readouterr()
    assert code == 0  # heads are measured though the gap is not
    found = study.load_dict(tmp_path / "out")
    jsonschema.validate(found, study.schema())
    assert [bone["label"] for bone in found["bones"]] == [
        *("left femur", "right femur", "left hip_bone", "right hip_bone", "sacrum")
    ]
    kinds = {(row["kind"], row["side"]) for row in found["quality"]}
    assert {("field_of_view", "left"), ("field_of_view", "right"), ("metal", "left")} <= kinds
    assert not any(kind == "metal" and side == "right" for kind, side in kinds)
    metal = next(row for row in found["quality"] if row["kind"] == "metal")
    assert metal["measures"]
    rows = {(row["name"], row["side"]): row for row in found["measurements"]}
    assert rows["ischiofemoral_space_3d", "left"]["reason"]
    assert rows["femoral_head_radius", "right"]["value"] == pytest.approx(24, abs=1.5)
    left = rows["femoral_head_radius", "left"]
    assert left["value"] is None or left["detail"]["doubt"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Bones on the scan" in page
    assert "example_" not in json.dumps(found)


@pytest.mark.slow
@pytest.mark.parametrize("swap", [{88: "femur_right", 89: "femur_left"}, {}])
def test_left_and_right_exchanged(
    swap: dict[int, str], shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {88: "femur_left", 89: "femur_right", 90: "hip_left", 91: "hip_right", 92: "sacrum"} | swap
    if not swap:  # both pairs
        names |= {88: "femur_right", 89: "femur_left", 90: "hip_right", 91: "hip_left"}
    (tmp_path / "names.json").write_text(json.dumps(names))
    labels = shared_data / "ct_abdomen_pelvis_totalseg" / "example_seg_v1_104classes.nii.gz"
    tokens = ["assess", str(labels), "--labels", str(tmp_path / "names.json"), "--out", str(tmp_path / "out")]
    assert main([*tokens, "--quiet"]) == 4
    assert "left" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("case", "side"), [("STS_001", "left"), ("STS_003", "right"), ("STS_048", "left")])
def test_a_gap_is_told_without_the_head(
    case: str, side: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scan ends below the head's middle; trochanter and ischium are in view."""
    scan = shared_data / "ct_mr_hip_sts" / f"{case}_CT.nii.gz"
    assert main(["assess", str(scan), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    capsys.readouterr()
    rows = {(row["name"], row["side"]): row for row in study.load_dict(tmp_path / "out")["measurements"]}
    gap = rows["ischiofemoral_space_3d", side]
    assert gap["value"] is not None
    assert gap["sigma"] > 0.7
    assert "head of the laid shape model" in gap["detail"]["stands_in"][0]
    assert rows["femoral_head_radius", side]["value"] is None
    assert "no spherical head" in rows["femoral_head_radius", side]["reason"]


@pytest.mark.slow
def test_lumbar_vertebrae_agree_with_a_network(shared_data: Path) -> None:
    """Dice against one network's labels on 3 mm voxels; labels of processes differ most."""
    from ischio.bones.segment.ct import segment_ct

    folder = shared_data / "ct_abdomen_pelvis_totalseg"
    found = segment_ct(read_scan(folder / "example_ct.nii.gz")[0]).labels
    theirs = read_nifti_labels(folder / "example_seg_v1_104classes.nii.gz")
    index = np.argwhere(np.ones(theirs.layers[0].shape, dtype=bool))
    places = index @ theirs.patient_from_voxel[:3, :3].T + theirs.patient_from_voxel[:3, 3]
    back = np.linalg.inv(found.patient_from_voxel)
    voxels = np.round(places @ back[:3, :3].T + back[:3, 3]).astype(int)
    inside = ((voxels >= 0) & (voxels < np.array(found.values.shape))).all(axis=1)
    ours = np.zeros(len(index), dtype=int)
    ours[inside] = found.values[tuple(voxels[inside].T)]
    number = {name: label for label, name in found.names.items()}
    for label, level, least in (
        (18, "L5", 0.87),
        (19, "L4", 0.9),
        (20, "L3", 0.9),
        (21, "L2", 0.9),
        (22, "L1", 0.9),
    ):
        own, other = ours == number[f"vertebrae_{level}"], theirs.layers[0].ravel() == label
        assert 2 * (own & other).sum() / (own.sum() + other.sum()) > least, level


@pytest.mark.slow
def test_a_pelvis_turned_by_20_degrees_keeps_its_bones(shared_data: Path) -> None:
    """No guess leads to the right hip bone then: it is found from the left one. Nothing strange is told."""
    from ischio.bones.segment.ct import segment_ct

    scan, _ = read_scan(shared_data / "ct_vhf_pelvis" / "VHF_CT_pelvis_z901-1050_1mm.nii.gz", modality="CT")
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", (-18, -8, 12), degrees=True).as_matrix()
    found = segment_ct(replace(scan, patient_from_voxel=turn @ scan.patient_from_voxel))
    assert {"hip_bone_left", "hip_bone_right", "sacrum", "vertebrae_L5"} <= set(found.labels.names.values())
    assert not [note for note in found.notes if "as dense as bone" in note]


@pytest.mark.slow
def test_sacroiliac_joints_are_cut_where_they_are_dark(shared_data: Path) -> None:
    """The ilium's joint cortex is far denser than the sacrum's, which had taken it on the left side."""
    from ischio.bones.segment.ct import segment_ct
    from ischio.bones.surface import bones_from_input
    from ischio.io.case import RawInput
    from ischio.validation.sacroiliac import sacroiliac_rows

    scan, _ = read_scan(shared_data / "ct_vhf_pelvis" / "VHF_CT_pelvis_z901-1050_1mm.nii.gz", modality="CT")
    labels = segment_ct(scan).labels
    bones = bones_from_input(RawInput((), labels, ()), scan=scan, is_own=True)
    rows = sacroiliac_rows("iliac wings", scan, bones)
    assert len(rows) == 2
    assert {row.verdict for row in rows} == {"pass"}, rows

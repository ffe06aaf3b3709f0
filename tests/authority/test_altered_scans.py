"""Mistakes of networks and metal of surgeons, made in labels and scan of a real person."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from ischio import study
from ischio.cli import main

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

FEMUR_LEFT, FEMUR_RIGHT, HIP_LEFT, HIP_RIGHT, SACRUM = 88, 89, 90, 91, 92
V2 = {FEMUR_LEFT: 75, FEMUR_RIGHT: 76, HIP_LEFT: 77, HIP_RIGHT: 78, SACRUM: 25}
HEAD_MM, METAL_HU = 24.0, 3000
Mask = NDArray[np.bool_]


@pytest.fixture
def person(shared_data: Path) -> SimpleNamespace:
    """Labels and CT of the abdomen, without the file of names beside them."""
    folder = shared_data / "ct_abdomen_pelvis_totalseg"
    image = nibabel.Nifti1Image.from_filename(folder / "example_seg_v1_104classes.nii.gz")
    scan = nibabel.Nifti1Image.from_filename(folder / "example_ct.nii.gz")
    labels = np.asarray(image.dataobj).astype(np.uint8)
    return SimpleNamespace(labels=labels, affine=image.affine, scan=np.asarray(scan.dataobj), folder=folder)


def head_of(person: SimpleNamespace, femur: int) -> tuple[NDArray[np.float64], Mask]:
    """Distance of every voxel from the middle of the head, and the femur's mask."""
    from scipy.ndimage import distance_transform_edt

    mask = person.labels == femur
    deepest = np.unravel_index(np.argmax(distance_transform_edt(mask)), mask.shape)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in mask.shape], indexing="ij"), axis=-1)
    spacing = np.linalg.norm(person.affine[:3, :3], axis=0)
    return np.linalg.norm((index - np.array(deepest)) * spacing, axis=-1), mask


def saved(person: SimpleNamespace, path: Path, values: NDArray[np.generic]) -> str:
    nibabel.save(nibabel.Nifti1Image(values, person.affine), path)
    return str(path)


@pytest.mark.parametrize(
    ("femur", "hip", "given"),
    [(FEMUR_LEFT, HIP_LEFT, "the head"), (FEMUR_RIGHT, HIP_RIGHT, "all that is in view")],
)
def test_a_head_given_to_the_hip_bone(
    femur: int,
    hip: int,
    given: str,
    person: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    apart, mask = head_of(person, femur)
    person.labels[mask & ((apart < HEAD_MM + 2) | (given != "the head"))] = hip
    labels = saved(person, tmp_path / "labels.nii.gz", person.labels)
    assert main(["assess", labels, "--labels", "totalseg-v1", "--out", str(tmp_path / "out"), "--quiet"]) == 4
    said = capsys.readouterr().err
    assert f"{'left' if femur == FEMUR_LEFT else 'right'} hip bone" in said
    assert "gives the femoral head to the hip bone" in said
    assert not (tmp_path / "out").exists()


def test_a_prosthesis_takes_head_and_socket_away(
    person: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A metal head in a metal cup in the right hip; the nail in the left stays a nail."""
    apart, mask = head_of(person, FEMUR_RIGHT)
    person.scan = person.scan.copy()
    cup = (person.labels == HIP_RIGHT) & (apart < HEAD_MM + 4)
    person.scan[(mask & (apart < HEAD_MM)) | cup] = METAL_HU
    scan = saved(person, tmp_path / "scan.nii.gz", person.scan.astype(np.int16))
    labels = saved(person, tmp_path / "labels.nii.gz", person.labels)
    out = tmp_path / "out"
    main(["assess", labels, "--labels", "totalseg-v1", "--scan", scan, "--out", str(out), "--quiet"])
    capsys.readouterr()
    found = study.load_dict(out)
    kinds = {(row["kind"], row["side"]) for row in found["quality"]}
    assert ("prosthesis", "right") in kinds
    assert ("prosthesis", "left") not in kinds
    rows = {(row["name"], row["side"]): row for row in found["measurements"]}
    for name in ("femoral_head_radius", "lateral_centre_edge_angle", "acetabular_version_central"):
        assert rows[name, "right"]["value"] is None
    assert "prosthesis" in rows["femoral_head_radius", "right"]["reason"]
    # The earlier result goes on, but not without the scan that shows the metal.
    assert main(["assess", str(out), "--out", str(tmp_path / "again"), "--quiet"]) == 3
    assert "findings that only the scan shows" in capsys.readouterr().err
    main(["assess", str(out), "--scan", scan, "--out", str(tmp_path / "again"), "--quiet"])
    again = study.load_dict(tmp_path / "again")
    assert {(row["kind"], row["side"]) for row in again["quality"]} == kinds


def test_metal_inside_the_head_is_named_and_nothing_is_measured_through_it(
    person: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Metal smaller than the head, and a cup: the edge of the metal is not the edge of the bone."""
    apart, mask = head_of(person, FEMUR_RIGHT)
    person.scan = person.scan.copy()
    cup = (person.labels == HIP_RIGHT) & (apart < HEAD_MM + 4)
    person.scan[(mask & (apart < HEAD_MM - 4)) | cup] = METAL_HU
    scan = saved(person, tmp_path / "scan.nii.gz", person.scan.astype(np.int16))
    labels = saved(person, tmp_path / "labels.nii.gz", person.labels)
    out = tmp_path / "out"
    main(["assess", labels, "--labels", "totalseg-v1", "--scan", scan, "--out", str(out), "--quiet"])
    capsys.readouterr()
    found = study.load_dict(out)
    assert ("prosthesis", "right") in {(row["kind"], row["side"]) for row in found["quality"]}
    values = {row["name"]: row["value"] for row in found["measurements"] if row["side"] == "right"}
    assert set(values.values()) == {None}


def as_v1(person: SimpleNamespace, folder: Path) -> list[str]:
    return [saved(person, folder / "labels.nii.gz", person.labels), "--labels", "totalseg-v1"]


def as_v2(person: SimpleNamespace, folder: Path) -> list[str]:
    values = np.zeros_like(person.labels)
    for ours, theirs in V2.items():
        values[person.labels == ours] = theirs
    return [saved(person, folder / "labels.nii.gz", values), "--labels", "totalseg-v2"]


def as_masks(person: SimpleNamespace, folder: Path) -> list[str]:
    """One mask for each class, as TotalSegmentator writes them without --ml; more than bones."""
    names = json.loads((person.folder / "example_seg_v1_104classes_labels.json").read_text())
    pairs = names.items() if all(key.isdecimal() for key in names) else ((v, k) for k, v in names.items())
    (folder / "segmentations").mkdir()
    for label, name in pairs:
        if int(label):
            saved(
                person,
                folder / "segmentations" / f"{name}.nii.gz",
                (person.labels == int(label)).astype("u1"),
            )
    return [str(folder / "segmentations")]


@pytest.mark.parametrize("written", [as_v1, as_v2, as_masks])
def test_every_way_totalsegmentator_writes(
    written: Callable[[SimpleNamespace, Path], list[str]],
    person: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tokens = written(person, tmp_path)
    assert main(["export", *tokens, "--out", str(tmp_path / "out"), "--quiet"]) == 0, capsys.readouterr().err
    bones = {path.stem for path in (tmp_path / "out").glob("*.ply")}
    assert bones == {"femur_left", "femur_right", "hip_bone_left", "hip_bone_right", "sacrum"}
    image = nibabel.Nifti1Image.from_filename(tmp_path / "out" / "labels.nii.gz")
    out = np.asarray(image.dataobj)
    np.testing.assert_allclose(image.affine, person.affine, atol=1e-4)
    for label in V2:  # each bone is one label of the export, voxel for voxel
        mask = person.labels == label
        (only,) = set(np.unique(out[mask]))
        assert only
        assert ((out == only) == mask).all()

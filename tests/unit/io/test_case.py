"""A folder of bones, one bone, a label map or a folder of masks: each read as what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from ischio._check import InputError
from ischio.io.case import RawInput, read_input
from ischio.types import Side

Mesh = tuple[np.ndarray, np.ndarray]
Write = Callable[..., Path]


def found(raw: RawInput) -> list[tuple[str, Side | None, str]]:
    """What bones were read, and from which files."""
    return [(surface.name, surface.side, surface.source) for surface in raw.surfaces]


def refused(path: Path, words: str, axes: str = "LPS", **options: object) -> None:
    """Reading raises one error that says the words."""
    with pytest.raises(InputError, match=words) as caught:
        read_input(path, axes=axes, **options)  # type: ignore[arg-type]
    assert "; expected " in str(caught.value)


def test_a_folder_of_bones(tmp_path: Path, box: Mesh, write: Write) -> None:
    write(tmp_path / "Femur_L.ply", box)
    write(tmp_path / "R_femur.stl", box, "stl text")
    write(tmp_path / "os_coxae_left.OBJ", box, "obj")
    write(tmp_path / "Segment_sacrum.vtp", box, "vtp binary zlib")
    write(tmp_path / "fibula_left.stl", box, "stl binary")
    write(tmp_path / "._Femur_L.ply", box)  # left by a file manager
    (tmp_path / "landmarks.json").write_text("{}")
    (tmp_path / "scans").mkdir()
    raw = read_input(tmp_path, axes="LPS")
    assert found(raw) == [
        ("femur", Side.LEFT, "Femur_L.ply"),
        ("femur", Side.RIGHT, "R_femur.stl"),
        ("sacrum", None, "Segment_sacrum.vtp"),
        ("hip_bone", Side.LEFT, "os_coxae_left.OBJ"),
    ]
    assert raw.label_map is None
    assert raw.notes == ("left alone: landmarks.json, scans", "left alone: fibula_left.stl")
    assert raw.surfaces[3].repairs == ("6 polygons cut into triangles",)


def test_one_bone(tmp_path: Path, box: Mesh, write: Write) -> None:
    path = write(tmp_path / "femur_left.ply", box)
    assert found(read_input(path, axes="LPS")) == [("femur", Side.LEFT, "femur_left.ply")]
    path = write(tmp_path / "scan 3.ply", box)
    raw = read_input(path, axes="LPS", mapping={"scan 3.ply": "hip_right"})
    assert found(raw) == [("hip_bone", Side.RIGHT, "scan 3.ply")]


@pytest.mark.parametrize(
    ("axes", "signs"), [("LPS", (1, 1, 1)), ("unknown", (1, 1, 1)), ("RAS", (-1, -1, 1))]
)
def test_axes_are_turned_once(
    axes: str, signs: tuple[int, ...], tmp_path: Path, box: Mesh, write: Write
) -> None:
    write(tmp_path / "pelvis.ply", box)
    raw = read_input(tmp_path, axes=axes)
    np.testing.assert_array_equal(raw.surfaces[0].vertices_mm, box[0] * signs)
    np.testing.assert_array_equal(raw.surfaces[0].faces, box[1])  # a rotation keeps the winding
    assert ("surfaces turned from RAS to LPS" in raw.notes) == (axes == "RAS")


def test_a_mapping_names_and_leaves_out(tmp_path: Path, box: Mesh, write: Write) -> None:
    for name in ("bone_1.ply", "bone_2.ply", "femur_left.ply", "femur_left_old.ply"):
        write(tmp_path / name, box)
    mapping = {"bone_1.ply": "pelvis", "bone_2.ply": "ignore", "femur_left_old.ply": "ignore"}
    raw = read_input(tmp_path, axes="LPS", mapping=mapping)
    assert found(raw) == [("pelvis", None, "bone_1.ply"), ("femur", Side.LEFT, "femur_left.ply")]
    assert raw.notes == ("left alone: bone_2.ply, femur_left_old.ply",)


def mask(path: Path, value: int = 1) -> Path:
    """Write a small mask."""
    values = np.zeros((5, 5, 5), dtype=np.uint8)
    values[value : value + 2, 1:4, 1:4] = value
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


def test_a_label_map(tmp_path: Path) -> None:
    path = mask(tmp_path / "seg.nii.gz")
    for place in (path, tmp_path):
        raw = read_input(place, axes="RAS", labels={1: "hip_left"})
        assert raw.label_map is not None
        assert raw.label_map.names == {1: "hip_bone_left"}
        np.testing.assert_array_equal(np.diag(raw.label_map.patient_from_voxel), [-1, -1, 1, 1])
        assert raw.surfaces == ()


def test_a_folder_of_masks(tmp_path: Path) -> None:
    for n, name in enumerate(("femur_left", "hip_left", "liver", "bone_x")):
        mask(tmp_path / f"{name}.nii.gz", n + 1 if n < 3 else 1)
    raw = read_input(tmp_path, axes="LPS", mapping={"bone_x.nii.gz": "sacrum"})
    assert raw.label_map is not None
    assert raw.label_map.names == {1: "sacrum", 2: "femur_left", 3: "hip_bone_left"}
    assert raw.notes[0] == "left alone: liver.nii.gz"


def test_surfaces_come_before_scans_in_a_folder(tmp_path: Path, box: Mesh, write: Write) -> None:
    write(tmp_path / "femur_left.ply", box)
    mask(tmp_path / "ct.nii.gz")
    raw = read_input(tmp_path, axes="LPS")
    assert found(raw) == [("femur", Side.LEFT, "femur_left.ply")]
    assert raw.notes == ("left alone: ct.nii.gz",)


def test_what_holds_no_bones_is_refused(
    tmp_path: Path, box: Mesh, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(tmp_path / "none", "no such file or folder")
    refused(tmp_path, r"nothing that can be read \(an empty folder\); expected files that end in .ply, .stl")
    (tmp_path / "notes.txt").write_text("x")
    refused(tmp_path, r"nothing that can be read \(notes.txt\)")
    refused(tmp_path / "notes.txt", r"nothing that can be read \(notes.txt\)")
    write(tmp_path / "mesh.ply", box)
    write(tmp_path / "Segment_7.ply", box)
    refused(tmp_path, "say no bone: 'Segment_7.ply', 'mesh.ply'.*--bone femur_left=Segment_7.ply")
    refused(tmp_path, "names of labels without a label map", labels={1: "femur_left"})
    ignore = dict.fromkeys(("mesh.ply", "Segment_7.ply"), "ignore")
    refused(tmp_path, "no bone that is used here among Segment_7.ply, mesh.ply", mapping=ignore)
    with pytest.raises(ValueError, match="one of"):
        read_input(tmp_path, axes="LAS")

    def forbidden(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    refused(tmp_path, "Permission denied")


def test_scans_that_are_no_masks_are_refused(tmp_path: Path) -> None:
    mask(tmp_path / "ct.nii.gz")
    mask(tmp_path / "seg.nii.gz")
    refused(tmp_path, "among ct.nii.gz, seg.nii.gz.*Pass the label map itself")
    refused(tmp_path, "names of labels without a label map", labels={1: "femur_left"})
    mask(tmp_path / "femur.nii.gz")
    refused(tmp_path, "no side in 'femur.nii.gz'")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("person", "n_bones"), [("vsd_z013", 7), ("icl_mri", 4), ("jia_mri", 4), ("mc22", 4)]
)
def test_real_bones_are_read(person: str, n_bones: int, shared_data: Path) -> None:
    raw = read_input(shared_data / "bones" / person, axes="LPS")
    assert len(raw.surfaces) == n_bones
    assert all(len(surface.faces) > 10_000 for surface in raw.surfaces)
    assert all(surface.repairs == () for surface in raw.surfaces)

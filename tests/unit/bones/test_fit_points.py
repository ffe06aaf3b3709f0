"""Bones laid in an MR by a few points: where they lie, how certain they are said to be, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from ischio import study
from ischio._check import InputError
from ischio.atlas.model import person_surface, vertex_normals
from ischio.atlas.parts import pelvis_parts, socket_of
from ischio.bones.fit_points import MIN_POINTS, MOST_SIGMA_MM, fit_bones, usable
from ischio.bones.quality import bone_findings
from ischio.cli import main
from ischio.geometry.solid import solid
from ischio.io.markups import SCHEMA, MarkedPoint, SurfacePoint
from ischio.types import Frame, Side, Volume

Mesh = tuple[np.ndarray, np.ndarray]
PERSON = 3
SPACING_MM = (1.5, 1.5, 4.0)
READING_MM = 2.0  # 3-D standard deviation of the points
MEAN_MM = 2.0  # of the surface, half a slice: the person is one of the model's own
FEMUR = (
    *("femoral_head_centre", "lesser_trochanter_tip", "greater_trochanter_superior"),
    "intertrochanteric_crest_posterior",
)
HIP = (
    "acetabular_centre",
    "ischial_tuberosity_inferior",
    "symphysis_inferior",
    "ischial_spine",
    "pubic_tubercle",
)


def bones() -> dict[str, Mesh]:
    """Left femur and hip bone of a person."""
    part = pelvis_parts()["hip_bone", Side.LEFT]
    return {
        "femur": person_surface("femur", PERSON),
        "hip_bone": (person_surface("pelvis", PERSON)[0][part.vertices], part.faces),
    }


def water_image(meshes: dict[str, Mesh], rng: np.random.Generator) -> Volume:
    """Bright muscle, dark cortex, marrow in between, from mid thigh to above the hip."""
    hip, femur = meshes["hip_bone"][0], meshes["femur"][0]
    low = np.array([*(hip.min(axis=0) - 20)[:2], femur[:, 2].max() - 140])
    high = np.array([*(np.maximum(hip, femur.max(axis=0)).max(axis=0) + 20)[:2], femur[:, 2].max() + 50])
    i, j, k = (int(n) for n in np.ceil((high - low) / SPACING_MM))
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = low
    inside = np.zeros((i, j, k), dtype=bool)
    for vertices, faces in meshes.values():
        inside |= solid(vertices, faces, affine, (i, j, k))
    depth = ndimage.distance_transform_edt(inside, sampling=SPACING_MM)
    values = np.where(inside, np.where(depth < 2.5, 40.0, 500.0), 300.0)
    values = ndimage.gaussian_filter(values, 0.4) + rng.normal(scale=20, size=values.shape)
    return Volume(values.astype(np.int16), affine, Frame("patient", "as_supplied"), "MR", "1", "made")


def marks(meshes: dict[str, Mesh], rng: np.random.Generator) -> list[MarkedPoint]:
    """What a reader marks, who errs."""
    found = []
    for bone, names in (("femur", FEMUR), ("hip_bone", HIP)):
        vertices = meshes[bone][0]
        for name in names:
            vertex = usable(bone, Side.LEFT)[name]
            true = socket_of(bone, Side.LEFT, vertices) if vertex is None else vertices[vertex]
            at = true + rng.normal(scale=READING_MM / np.sqrt(3), size=3)
            found.append(MarkedPoint(name, Side.LEFT, at, "one", sigma_mm=READING_MM))
    return found


def off_mm(vertices: np.ndarray, truth: Mesh) -> np.ndarray:
    """Distance of vertices from a surface, along its normals."""
    from scipy.spatial import cKDTree

    nearest = cKDTree(truth[0]).query(vertices)[1]
    return np.abs(((vertices - truth[0][nearest]) * vertex_normals(*truth)[nearest]).sum(axis=1))


def test_bones_are_laid_where_they_are(rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    found, notes = fit_bones(points, scan)
    assert [(bone.name, bone.side) for bone in found] == [("femur", Side.LEFT), ("hip_bone", Side.LEFT)]
    assert notes == ()
    back = np.linalg.inv(scan.patient_from_voxel)
    for bone in found:
        off = off_mm(bone.vertices_mm, meshes[bone.name])
        assert off.mean() < MEAN_MM
        assert np.sqrt((off**2).mean()) < 2 * bone.moved_mm  # what is said of the error is no less than it
        assert 1.7 < bone.moved_mm < MOST_SIGMA_MM
        # Nothing is made up where the scan does not look.
        voxels = bone.vertices_mm @ back[:3, :3].T + back[:3, 3]
        assert (voxels > -0.51).all()
        assert (voxels < np.array(scan.values.shape) - 0.49).all()
        assert "cut by the field of view" in bone.repairs[-1]
    kinds = {(one.kind, one.bone) for one in bone_findings(found, scan=scan)}
    assert {("fit", "left femur"), ("fit", "left hip_bone"), ("field_of_view", "left femur")} <= kinds


def test_what_is_not_told_by_points_is_refused(rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    few = [one for one in points if one.name in FEMUR[: MIN_POINTS - 1]]
    with pytest.raises(InputError, match=f"of which a fit takes {MIN_POINTS}"):
        fit_bones(few, scan)
    with pytest.raises(InputError, match="none on a femur or hip bone"):
        fit_bones([], scan)
    away = [replace(one, point_mm=one.point_mm + [0, 0, 900]) for one in points]
    with pytest.raises(InputError, match=r"left_femoral_head_centre.* mm outside the scan"):
        fit_bones(away, scan)


def test_no_bone_where_the_scan_shows_no_edges(rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    flat = rng.normal(300, 5, size=scan.values.shape).astype(np.int16)
    with pytest.raises(InputError, match=r"neighbouring places show edges \d+.\d mm apart"):
        fit_bones(points, replace(scan, values=flat))


def test_three_points_do_with_three_on_the_surface(rng: np.random.Generator) -> None:
    meshes = bones()
    scan = water_image(meshes, rng)
    points = [one for one in marks(meshes, rng) if one.name in ("femoral_head_centre", *HIP[1:3])]
    assert len(points) == 3
    with pytest.raises(InputError, match="3 with 3 on the surface; it has 0"):
        fit_bones(points, scan)
    vertices = meshes["hip_bone"][0]
    lowest = vertices[usable("hip_bone", Side.LEFT)["ischial_tuberosity_inferior"]]
    some = np.flatnonzero(np.linalg.norm(vertices - lowest, axis=1) < 60)[::40]
    surface = [SurfacePoint("hip_bone", Side.LEFT, vertices[n], f"left hip surface {n}") for n in some]
    found, notes = fit_bones(points, scan, surface=surface)
    assert [bone.name for bone in found] == ["hip_bone"]
    assert "left hip bone: acetabular_centre taken from femoral_head_centre" in notes
    assert off_mm(found[0].vertices_mm, meshes["hip_bone"]).mean() < MEAN_MM
    assert f"{len(some)} more on the surface" in found[0].repairs[0]


def test_what_is_excluded_steers_nothing(rng: np.random.Generator) -> None:
    """Bright stuff over a trochanter moves its outline, and does not where it is excluded."""
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    femur = [one for one in points if one.name in FEMUR]
    tip = meshes["femur"][0][usable("femur", Side.LEFT)["lesser_trochanter_tip"]]
    place = np.indices(scan.values.shape).reshape(3, -1).T @ scan.patient_from_voxel[:3, :3].T
    place = place + scan.patient_from_voxel[:3, 3]
    tumour = (np.linalg.norm(place - tip, axis=1) < 22).reshape(scan.values.shape)
    spoilt = replace(scan, values=np.where(tumour, 900, scan.values).astype(np.int16))
    mask = replace(scan, values=tumour.astype(np.uint8), modality="labels")
    (with_mask,), _ = fit_bones(femur, spoilt, exclude=mask)
    (clean,), _ = fit_bones(femur, scan, exclude=mask)
    assert "unsure at the lesser trochanter" in " ".join(with_mask.repairs)
    np.testing.assert_allclose(
        with_mask.vertices_mm, clean.vertices_mm, atol=1.0
    )  # but for the range of values


def test_exchanged_sides_are_refused(rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    femur = [one for one in points if one.name in FEMUR]
    lateral = [replace(one, side=Side.RIGHT, point_mm=one.point_mm + [3, 0, 0]) for one in femur]
    with pytest.raises(InputError, match="those called left on the patient's right"):
        fit_bones([*femur, *lateral], scan)


@pytest.mark.parametrize("pair", [(0, 1), (0, 2)])
def test_exchanged_labels_lay_no_bone(pair: tuple[int, int], rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    one, other = (FEMUR[n] for n in pair)
    exchanged = {one: other, other: one}
    swapped = [replace(mark, name=exchanged.get(mark.name, mark.name)) for mark in points]
    femur = [mark for mark in swapped if mark.name in FEMUR]
    with pytest.raises(
        InputError, match=r"let expect it|would be uncertain|edges \d\.\d mm apart|shows an edge"
    ):
        fit_bones(femur, scan)


def test_the_other_side_is_refused(rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    with pytest.raises(InputError, match=r"right .*(that of the other side|let expect it)"):
        fit_bones([replace(one, side=Side.RIGHT) for one in points if one.name in HIP], scan)


def test_from_the_command_line(
    rng: np.random.Generator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An MR and a file of points to a study, and on from there."""
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.patient_from_voxel
    nibabel.save(nibabel.Nifti1Image(scan.values, affine), tmp_path / "mr.nii.gz")
    placed = [
        {"id": one.label, "label": one.label, "position": one.point_mm.tolist(), "positionStatus": "defined"}
        for one in points
    ]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": placed}
    marked = tmp_path / "points.mrk.json"
    marked.write_text(json.dumps({"@schema": SCHEMA, "markups": [markup]}))
    tokens = ["assess", str(tmp_path / "mr.nii.gz"), "--fit-points", str(marked), "--side", "left", "--quiet"]
    assert main([*tokens, "--out", str(tmp_path / "out")]) == 0, capsys.readouterr().err
    found = study.load_dict(tmp_path / "out")
    gap = next(row for row in found["measurements"] if row["name"] == "ischiofemoral_space_3d")
    assert gap["value"] is not None
    assert gap["sigma"] > 1.7 * 2**0.5  # both surfaces are uncertain
    assert {row["kind"] for row in found["quality"]} >= {"fit", "field_of_view"}
    assert "Look at its outlines" in (tmp_path / "out" / "report.html").read_text()
    capsys.readouterr()
    for wrong, words in (
        (["--labels", "totalseg-v2"], "an MR as INPUT, alone"),
        (["--modality", "CT"], "bones are found in a CT"),
        ([], "bones are found in a CT"),  # whose file does not say what it is
    ):
        values = np.where(scan.values > 400, 900, scan.values.astype(np.int32) * 2 - 1000).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "mr.nii.gz")
        assert main([*tokens, *wrong, "--out", str(tmp_path / "other")]) == 3
        assert words in capsys.readouterr().err


def test_unknown_points_are_said(rng: np.random.Generator) -> None:
    meshes = bones()
    scan, points = water_image(meshes, rng), marks(meshes, rng)
    extra = MarkedPoint("knee_centre", Side.LEFT, points[0].point_mm, "one")
    femur = [one for one in points if one.name in FEMUR]
    found, notes = fit_bones([*femur, extra, points[-1]], scan)
    assert [bone.name for bone in found] == ["femur"]
    assert notes[0] == "left femur: not used for the fit: knee_centre"
    assert notes[1].startswith("left hip bone: 2 marked point(s)")  # with the head's centre

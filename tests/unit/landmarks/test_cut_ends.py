"""Bones that a scan cuts: its flat ends are no bone, and a gap whose nearest part is missing is not told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ischio._check import Array
from ischio.atlas import reconstruction
from ischio.bones.surface import bones_from_input
from ischio.geometry.sampling import face_normals
from ischio.geometry.solid import solid
from ischio.io.case import RawInput
from ischio.landmarks.assemble import find_pelvis
from ischio.landmarks.cut_ends import beyond_cut, closed_again, cut_places, opened, without_cut_faces
from ischio.landmarks.femur import find_femur
from ischio.landmarks.points import cut_edges
from ischio.measures import run
from ischio.types import Bone, Frame, Measurement, Side, Volume
from ischio.validation.invariance import subdivided

PERSON, MIDLINE_MM, VOXEL_MM = 5, 12.0, 2.0
TILT = Rotation.from_euler("xyz", [4.0, -3.0, 6.0], degrees=True).as_matrix()  # of the scanner's axes
SAME_MM = 0.3  # of a gap, when far parts of the bones are missing
END_MM = 3.0  # as near to the plane a flat face lies


def _mirrored(bone: Bone, side: Side) -> Bone:
    """A left bone as one of the given side."""
    if side is Side.LEFT:
        return bone
    flip = np.array([-1.0, 1.0, 1.0])
    return replace(bone, side=side, vertices_mm=bone.vertices_mm * flip, faces=bone.faces[:, ::-1])


@pytest.fixture(scope="module", params=tuple(Side))
def side(request: pytest.FixtureRequest) -> Side:
    found: Side = request.param
    return found


@pytest.fixture(scope="module")
def labels(side: Side) -> Volume:
    """Femur and hip bone of one side in a label map whose axes are tilted."""
    femur, pelvis = reconstruction(PERSON)
    middle = (pelvis.vertices_mm[:, 0].min() + pelvis.vertices_mm[:, 0].max()) / 2
    bones = [_mirrored(one, side) for one in (femur, replace(pelvis, name="hip_bone", side=Side.LEFT))]
    knee = bones[0].vertices_mm[:, 2].max() - 200.0
    points = np.concatenate([one.vertices_mm[one.vertices_mm[:, 2] > knee] for one in bones])
    low, high = (points @ TILT).min(axis=0) - 8.0, (points @ TILT).max(axis=0) + 8.0
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = VOXEL_MM * TILT, TILT @ low
    i, j, k = (int(n) for n in np.ceil((high - low) / VOXEL_MM))
    values = np.zeros((i, j, k), dtype=np.uint8)
    for number, one in enumerate(bones, start=1):
        values[solid(one.vertices_mm, one.faces, affine, (i, j, k))] = number
    places = np.stack(np.meshgrid(*map(np.arange, values.shape), indexing="ij"), axis=-1)
    across = (places @ affine[:3, :3].T + affine[:3, 3])[..., 0] * -side.sign
    values[(values == 2) & (across < middle + MIDLINE_MM)] = 0
    names = {1: f"femur_{side.value}", 2: f"hip_bone_{side.value}"}
    return Volume(values, affine, Frame("patient", "as_supplied"), "labels", "1", names=names, source="made")


def _cropped(labels: Volume, stop: int) -> tuple[Bone, ...]:
    """Bones of the label map's front part, in slices across its second axis."""
    return bones_from_input(RawInput((), replace(labels, values=labels.values[:, :stop]), ()))


def _gap(bones: tuple[Bone, ...], side: Side) -> Measurement:
    pelvis, _ = find_pelvis(
        bones, axes="LPS", sides=(side,), posture="as_supplied", progress=lambda _words, _share: None
    )
    return next(row for row in run(pelvis, (side,)) if row.name == "ischiofemoral_space_3d" and row.side)


@pytest.fixture(scope="module")
def whole(labels: Volume, side: Side) -> Measurement:
    return _gap(_cropped(labels, labels.values.shape[1]), side)


def _slices_of(labels: Volume, points: Array) -> Array:
    """Of the label map's second axis."""
    inverse = np.linalg.inv(labels.patient_from_voxel)
    return np.asarray((points @ inverse[:3, :3].T + inverse[:3, 3])[:, 1])


@pytest.mark.parametrize("behind_mm", [-10.0, -5.0, -2.0, 9.0, 14.0])
def test_a_gap_is_right_or_not_told(labels: Volume, whole: Measurement, side: Side, behind_mm: float) -> None:
    assert whole.value is not None
    assert whole.points_mm is not None
    # The ramus ends beside the midline.
    assert whole.detail.get("missing_part_mm", np.inf) > 2 * whole.value
    nearest = float(_slices_of(labels, whole.points_mm)[1])
    found = _gap(_cropped(labels, round(nearest + behind_mm / VOXEL_MM)), side)
    if behind_mm < 0:
        assert found.value is None
        assert found.reason is not None
        reasons = ("what is missing of it would be nearest", "ischium is missing")
        assert any(words in found.reason for words in reasons)
    else:
        assert found.value == pytest.approx(whole.value, abs=SAME_MM)
        assert found.detail["missing_part_mm"] > whole.value


def test_ends_of_a_scan_are_known_by_its_planes(labels: Volume) -> None:
    """Flat faces are taken off and put back, and each lies in the plane that is named."""
    stop = labels.values.shape[1] // 2
    bone = next(one for one in _cropped(labels, stop) if one.name == "hip_bone")
    (plane,) = bone.scan_ends
    assert np.allclose(plane[:3], TILT[:, 1])
    kept = without_cut_faces(bone)
    normals, areas = face_normals(bone.triangles_mm)
    height = bone.middles_mm @ plane[:3] - plane[3]
    assert (np.abs(height[~kept]) < END_MM + 1.0).all()
    flat = (normals @ plane[:3] > 0.95) & (np.abs(height) < 1.0)
    assert flat.any()
    assert not (flat & kept).any()
    assert areas[~kept].sum() < 1.5 * areas[flat].sum()
    assert len(opened(bone).faces) == kept.sum()
    whole = _cropped(labels, labels.values.shape[1])
    assert all(len(one.scan_ends) == (one.name == "femur") for one in whole)
    assert all(opened(one) is one for one in whole if one.name == "hip_bone")


def test_findings_stand_on_the_closed_bone(labels: Volume) -> None:
    femur = next(one for one in _cropped(labels, labels.values.shape[1]) if one.name == "femur")
    searched = opened(femur)
    found = find_femur(searched)
    closed = closed_again(found, femur, searched)
    region = found.regions["lesser_trochanter"].face_indices
    assert np.array_equal(closed.bone.triangles_mm[region], found.bone.triangles_mm[region])
    ends = femur.faces[~without_cut_faces(femur)]
    assert len(closed.bone.faces) == len(found.bone.faces) + len(ends)
    edges = np.sort(closed.bone.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()  # a closed surface


def test_places_beyond_a_cut(side: Side) -> None:
    """Where an open half of a sphere ends, the other half's places are missing; spurs and holes are not."""
    rng = np.random.default_rng(side.sign + 2)
    turn = Rotation.random(rng=rng).as_matrix()
    femur = reconstruction(PERSON)[0]
    centre = femur.vertices_mm.mean(axis=0)
    upper = femur.middles_mm[:, 2] > centre[2]
    bone = replace(femur, faces=femur.faces[upper], vertices_mm=femur.vertices_mm @ turn.T)
    below = femur.vertices_mm[:, 2] - centre[2]
    places = femur.vertices_mm @ turn.T
    missing = beyond_cut(bone, places)
    assert missing[below < -12.0].all()
    assert not missing[below > 0.0].any()
    assert len(cut_places(bone)) > 0
    spur = places[below > 60.0][::50] + 8.0 * turn[:, 0]
    assert not beyond_cut(bone, spur).any()


def test_triangles_that_meet_without_common_vertices_are_no_cut(side: Side) -> None:
    rng = np.random.default_rng(side.sign + 5)
    femur = _mirrored(reconstruction(PERSON)[0], side)
    turned = replace(femur, vertices_mm=femur.vertices_mm @ Rotation.random(rng=rng).as_matrix().T)
    (finer,) = subdivided((turned,))
    edges = np.sort(finer.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 1).sum() > 1000  # so many seams
    assert len(cut_edges(turned)) == len(cut_edges(finer)) == 0
    upper = replace(turned, faces=turned.faces[femur.middles_mm[:, 2] > femur.vertices_mm[:, 2].mean()])
    (upper_finer,) = subdivided((upper,))
    ends, ends_finer = cut_edges(upper), cut_edges(upper_finer)
    assert len(ends) > 10
    apart, back = cKDTree(ends).query(ends_finer)[0], cKDTree(ends_finer).query(ends)[0]
    assert max(apart.max(), back.max()) < upper.edge_mm  # an edge of the cut that is halved stays on it

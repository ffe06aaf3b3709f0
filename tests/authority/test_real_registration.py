"""CT and MR of one person: the bone is found again from wherever the MR is moved to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ischio.bones.refine import refine
from ischio.bones.registration import register_bone
from ischio.bones.voxels import label_boxes, label_surface
from ischio.io.scan import read_scan
from ischio.types import Bone, Side, Volume

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

SAME_MM = 1.0  # a third of the slices' distance
BONE_HU, MEDIAL_VOXEL = 170, 130  # of this scan: what lies lateral of it is femur
LARGE_MM = 2.0  # the frames of the two scans agree in name only


def femur_of(scan: Volume) -> Bone:
    """The left femur of STS_048 as far as it lies lateral of the ischium: by a threshold, filled."""
    mask = ndimage.gaussian_filter(scan.values.astype(np.float32), (0.7, 0.7, 0.3)) > BONE_HU
    mask = ndimage.binary_closing(mask, np.ones((3, 3, 1)))
    mask = np.stack([ndimage.binary_fill_holes(one) for one in np.moveaxis(mask, 2, 0)], axis=2)
    mask[:MEDIAL_VOXEL] = False
    pieces, _ = ndimage.label(mask)
    values = (pieces == np.argmax(np.bincount(pieces.ravel())[1:]) + 1).astype(np.uint8)
    names = {1: "femur_left"}
    labels = Volume(values, scan.patient_from_voxel, scan.frame, "labels", "1", "threshold", names)
    vertices, faces, _, _ = label_surface(labels, 1, label_boxes(labels)[1], finer=(1, 1, 2))
    vertices = refine(vertices, faces, scan, labels, 1).vertices_mm
    return Bone("femur", Side.LEFT, vertices, faces, scan.frame, 1.0, "threshold")


def test_the_femur_is_found_again_after_a_move(shared_data: Path) -> None:
    folder = shared_data / "ct_mr_hip_sts"
    ct, _ = read_scan(folder / "STS_048_CT.nii.gz")
    mr, _ = read_scan(folder / "STS_048_MR_T1.nii.gz", modality="MR")
    bone = femur_of(ct)
    found = register_bone(bone, ct, mr)
    assert found.reason is None
    assert found.moved_mm > LARGE_MM
    assert found.residual_mm is not None
    assert found.residual_mm < SAME_MM
    degrees, shift = -7.0, (12.0, -9.0, -8.0)
    away = np.eye(4)
    away[:3, :3] = Rotation.from_rotvec(np.deg2rad(degrees) * np.array([0.48, -0.6, 0.64])).as_matrix()
    middle = bone.vertices_mm.mean(axis=0)
    away[:3, 3] = middle + shift - away[:3, :3] @ middle
    moved = replace(mr, patient_from_voxel=away @ mr.patient_from_voxel)
    again = register_bone(bone, ct, moved)
    assert again.reason is None
    there = np.linalg.inv(again.first_from_second.matrix @ away) @ found.first_from_second.matrix
    apart = bone.vertices_mm - (bone.vertices_mm @ there[:3, :3].T + there[:3, 3])
    assert np.sqrt((apart**2).sum(axis=1).mean()) < SAME_MM

"""A label comes back as a surface at its place, outward and with its volume, whatever the voxels' axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ischio.bones.voxels import label_boxes, label_surface
from ischio.types import Frame, Volume

CENTRE_MM = np.array([-85.0, 32.0, 640.0])  # on the left and on the right, by its sign
RADII_MM = np.array([14.0, 20.0, 26.0])
SHAPE = (64, 72, 60)


def _turn(degrees: float, axis: int) -> np.ndarray:
    """Rotation about an axis."""
    a, (i, j) = np.deg2rad(degrees), [k for k in range(3) if k != axis]
    out = np.eye(3)
    out[[i, i, j, j], [i, j, i, j]] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
    return out


OBLIQUE = _turn(23, 0) @ _turn(-31, 1) @ _turn(12, 2)
AXES = {
    "plain": np.diag([1.0, 1.0, 1.0]),
    "anisotropic": np.diag([0.9, 0.9, 1.6]),
    "one axis flipped": np.diag([-1.0, 1.1, 1.0]),
    "all flipped, mixed": np.array([[0, 0, -1.2], [-1.0, 0, 0], [0, -0.95, 0]]),
    "oblique": OBLIQUE @ np.diag([0.9, 0.9, 1.5]),
    "oblique, left-handed": OBLIQUE @ np.diag([0.9, -0.9, 1.5]),
    "sheared, as by a tilted gantry": OBLIQUE @ np.array([[1.0, 0, 0], [0, 1.0, 0.4], [0, 0, 1.4]]),
}


def phantom(axes: np.ndarray, centre: np.ndarray, *, shift: np.ndarray | None = None) -> Volume:
    """A label map with an ellipsoid whose axes are those of the patient, as label 7."""
    affine = np.eye(4)
    affine[:3, :3] = axes
    middle = (np.array(SHAPE) - 1) / 2 if shift is None else shift
    affine[:3, 3] = centre - axes @ middle
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    points = grid @ axes.T + affine[:3, 3]
    values = 7 * (np.linalg.norm((points - centre) / RADII_MM, axis=-1) < 1).astype(np.uint8)
    return Volume(
        values, affine, Frame("patient", "test"), "labels", "1", "phantom", {7: "femur_left", 9: "sacrum"}
    )


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
@pytest.mark.parametrize("side", [1.0, -1.0], ids=["right", "left"])
def test_an_ellipsoid_comes_back(axes: np.ndarray, side: float, volume: Callable[..., float]) -> None:
    centre = CENTRE_MM * [side, 1, 1]
    scan = phantom(axes, centre)
    boxes = label_boxes(scan)
    assert list(boxes) == [7]
    vertices, faces, repairs, _ = label_surface(scan, 7, boxes[7])
    voxel_mm = float(np.linalg.norm(axes, axis=0).max())
    exact = 4 / 3 * np.pi * float(RADII_MM.prod())
    # The voxels counted miss the exact volume by up to 0.5 %, the smoothing of 0.6 voxel by 0.3 % more.
    assert volume(vertices, faces) == pytest.approx(exact, rel=0.01)
    # The mean of many steps lies within a tenth of a voxel.
    assert np.abs(vertices.mean(axis=0) - centre).max() < 0.1 * voxel_mm
    # No vertex is farther from the true surface than one voxel.
    distance = (np.linalg.norm((vertices - centre) / RADII_MM, axis=1) - 1) * RADII_MM.min()
    assert np.abs(distance).max() < voxel_mm
    assert repairs == ("made from a label map",)


def test_other_labels_do_not_matter(volume: Callable[..., float]) -> None:
    scan = phantom(AXES["oblique"], CENTRE_MM)
    values = scan.values.copy()
    values[values == 0] = 9
    both = Volume(values, scan.patient_from_voxel, scan.frame, "labels", "1", "phantom", scan.names)
    boxes = label_boxes(both)
    assert list(boxes) == [7, 9]
    for name in (0, 1):
        np.testing.assert_array_equal(
            label_surface(scan, 7, boxes[7])[name], label_surface(both, 7, boxes[7])[name]
        )


def test_a_bone_that_leaves_the_scan_is_closed_and_said(volume: Callable[..., float]) -> None:
    scan = phantom(
        np.eye(3), CENTRE_MM, shift=np.array([32.0, -0.5, 30.0])
    )  # centre on the border: half is seen
    vertices, faces, repairs, _ = label_surface(scan, 7, label_boxes(scan)[7])
    half = 2 / 3 * np.pi * float(RADII_MM.prod())
    assert volume(vertices, faces) == pytest.approx(half, rel=0.02)  # the edge of the cut is rounded off
    assert repairs[1] == "cut by the field of view on 1 side and closed there with a flat face"


def test_specks_are_dropped_and_said() -> None:
    scan = phantom(np.eye(3), CENTRE_MM)
    values = scan.values.copy()
    values[0, 0, 0] = values[60:62, 70:72, 58:60] = 7
    speckled = Volume(values, scan.patient_from_voxel, scan.frame, "labels", "1", "phantom", scan.names)
    vertices, faces, repairs, _ = label_surface(speckled, 7, label_boxes(speckled)[7])
    assert repairs == ("made from a label map", "2 specks of the label dropped")
    clean_vertices, clean_faces, _, _ = label_surface(scan, 7, label_boxes(scan)[7])
    np.testing.assert_array_equal(vertices, clean_vertices)
    np.testing.assert_array_equal(faces, clean_faces)


def test_a_plate_one_voxel_thick_stays_whole(volume: Callable[..., float]) -> None:
    values = np.zeros((40, 40, 12), dtype=np.uint8)
    values[5:35, 5:35, 6] = 1
    scan = Volume(values, np.eye(4), Frame("patient", "test"), "labels", "1", "plate", {1: "hip_bone_left"})
    vertices, faces, _, _ = label_surface(scan, 1, label_boxes(scan)[1])
    assert 0.5 < volume(vertices, faces) / 900 < 1.0  # two thirds of its thickness, said in the module


def test_a_few_voxels_are_no_surface() -> None:
    values = np.zeros((9, 9, 9), dtype=np.uint8)
    values[4, 4, 4] = 1
    scan = Volume(values, np.eye(4), Frame("patient", "test"), "labels", "1", "dot", {1: "sacrum"})
    vertices, faces, _, _ = label_surface(scan, 1, label_boxes(scan)[1])
    assert (vertices.shape, faces.shape) == ((0, 3), (0, 3))

"""Surfaces of coarse labels on the edges of a CT: nearer to the truth than the labels alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ischio._check import InputError
from ischio.bones.refine import METAL_HU, refine, sampled
from ischio.bones.surface import bones_from_input
from ischio.bones.topology import find_edges
from ischio.bones.voxels import label_boxes, label_surface
from ischio.io.case import RawInput
from ischio.types import Bone, Frame, Volume

FRAME = Frame("patient", "as_supplied")
RADII_MM = np.array([22.0, 17.0, 25.0])
CT_MM, LABEL_MM = 0.8, 3.0
RMS_MM = 0.15  # a fifth of the CT's voxel: its noise, its blur and the surface's cells
BIAS_MM = 0.05  # a third of what noise leaves; a start that is remembered would pull by 0.2 and more
BETWEEN_MM = 0.6  # a fifth of a coarse voxel; along lines between voxels it would be a half
LABEL_RMS_MM = 0.3  # what the labels alone are off by, at least: the test must have something to mend


def grid(
    spacing: float, half_mm: float, *, turn: np.ndarray, centre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix of a cubic grid about a centre, and its size."""
    n = int(2 * half_mm / spacing)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ (np.full(3, (n - 1) / 2))
    return affine, np.array([n, n, n])


def points_of(affine: np.ndarray, size: np.ndarray) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1)
    return index @ affine[:3, :3].T + affine[:3, 3]


def inside(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return (((points - centre) / RADII_MM) ** 2).sum(axis=-1)


@pytest.fixture
def case(rng: np.random.Generator) -> tuple[Volume, Volume, np.ndarray]:
    """An ellipsoid with a cortex and marrow in an oblique CT, and its coarse labels on another grid."""
    angle = np.deg2rad(17)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    centre = np.array([80.0, -30.0, -700.0])
    affine, size = grid(CT_MM, 32, turn=turn, centre=centre + 0.3)
    place = points_of(affine, size)
    depth = inside(place, centre)
    hu = np.where(depth < 1, np.where(depth < 0.75, 60.0, 1100.0), 40.0)
    hu = gaussian_filter(hu, 0.8) + rng.normal(scale=25.0, size=hu.shape)
    scan = Volume(hu.astype(np.int16), affine, FRAME, "CT", "HU", "phantom")
    affine, size = grid(LABEL_MM, 33, turn=np.eye(3), centre=centre)
    mask = inside(points_of(affine, size), centre) < 1
    labels = Volume(mask.astype(np.uint8), affine, FRAME, "labels", "1", "phantom", {1: "sacrum"})
    return scan, labels, centre


def error_mm(vertices: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Distance from the ellipsoid, to first order exact for a surface near it."""
    q = (vertices - centre) / RADII_MM
    size = np.linalg.norm(q, axis=1)
    return (size - 1) * size / np.linalg.norm(q / RADII_MM, axis=1)


def test_a_coarse_label_on_a_fine_ct(case: tuple[Volume, Volume, np.ndarray]) -> None:
    scan, labels, centre = case
    (plain,) = bones_from_input(RawInput((), labels, ()))
    (laid,) = bones_from_input(RawInput((), labels, ()), scan=scan)
    before, after = (error_mm(bone.vertices_mm, centre) for bone in (plain, laid))
    assert np.sqrt(np.mean(before**2)) > LABEL_RMS_MM
    assert np.sqrt(np.mean(after**2)) < RMS_MM
    assert np.abs(after).max() < CT_MM
    assert laid.edge_mm < 1.3 * CT_MM
    assert "laid on the edge of the bone in the CT" in " ".join(laid.repairs)


def test_no_vertex_goes_into_another_bone(case: tuple[Volume, Volume, np.ndarray]) -> None:
    """Half of the bone is another label: the cut between them shows no edge and stays."""
    scan, labels, _ = case
    values = labels.values.copy()
    values[len(values) // 2 :][values[len(values) // 2 :] == 1] = 2
    both = Volume(
        values, labels.patient_from_voxel, FRAME, "labels", "1", "x", {1: "sacrum", 2: "femur_left"}
    )
    cut = labels.patient_from_voxel[0] @ [len(values) // 2 - 0.5, 0, 0, 1]
    sacrum = next(
        bone for bone in bones_from_input(RawInput((), both, ()), scan=scan) if bone.name == "sacrum"
    )
    assert sacrum.vertices_mm[:, 0].max() < cut + 0.5 * LABEL_MM


def test_labels_of_another_scan_are_refused(case: tuple[Volume, Volume, np.ndarray]) -> None:
    scan, labels, _ = case
    affine = labels.patient_from_voxel.copy()
    affine[:3, 3] += (14.0, 0.0, 9.0)
    moved = Volume(labels.values, affine, FRAME, "labels", "1", "x", labels.names)
    with pytest.raises(InputError, match=r"lies on edges of bone in the scan.*of one person"):
        bones_from_input(RawInput((), moved, ()), scan=scan)


def test_vertices_beside_metal_follow_their_neighbours(case: tuple[Volume, Volume, np.ndarray]) -> None:
    scan, labels, centre = case
    place = points_of(scan.patient_from_voxel, np.array(scan.values.shape))
    values = scan.values.copy()
    values[np.linalg.norm(place - centre - [20.0, 0, 0], axis=-1) < 5] = int(METAL_HU) + 500
    metal = Volume(values, scan.patient_from_voxel, FRAME, "CT", "HU", "x")
    vertices, faces, _, _ = label_surface(labels, 1, label_boxes(labels)[1], finer=(4, 4, 4))
    laid = refine(vertices, faces, metal, labels, 1)
    after = error_mm(laid.vertices_mm, centre)
    assert np.abs(after).max() < LABEL_MM / 2
    assert np.sqrt(np.mean(after**2)) < 2 * RMS_MM


def test_an_mr_changes_nothing(case: tuple[Volume, Volume, np.ndarray]) -> None:
    scan, labels, _ = case
    mr = Volume(scan.values, scan.patient_from_voxel, FRAME, "MR", "1", "x")
    one, two = (bones_from_input(RawInput((), labels, ()), scan=s)[0] for s in (None, mr))
    assert isinstance(one, Bone)
    np.testing.assert_array_equal(one.vertices_mm, two.vertices_mm)


def test_samples_outside_are_missing(case: tuple[Volume, Volume, np.ndarray]) -> None:
    scan, _, centre = case
    found = sampled(scan, np.array([centre, centre + 500.0]), order=1)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_a_hole_inside_a_label_is_filled() -> None:
    values = np.zeros((12, 12, 12), dtype=np.uint8)
    values[2:10, 2:10, 2:10], values[5:7, 5:7, 5:7] = 1, 0
    labels = Volume(values, np.diag([2.0, 2, 2, 1]), FRAME, "labels", "1", "x", {1: "sacrum"})
    vertices, _, repairs, _ = label_surface(labels, 1, label_boxes(labels)[1])
    assert "holes inside the label filled (1.6 % of its voxels)" in repairs
    assert np.linalg.norm(vertices - vertices.mean(axis=0), axis=1).min() > 6


@pytest.mark.parametrize("off_mm", [-0.8, 0.0, 0.8])
def test_where_the_label_lies_does_not_matter(case: tuple[Volume, Volume, np.ndarray], off_mm: float) -> None:
    """A surface started inside or outside of the edge ends on it, not between the two."""
    scan, labels, centre = case
    (bone,) = bones_from_input(RawInput((), labels, ()), scan=scan)
    out = (bone.vertices_mm - centre) / np.linalg.norm(bone.vertices_mm - centre, axis=1, keepdims=True)
    laid = refine(bone.vertices_mm + off_mm * out, bone.faces, scan, labels, 1)
    assert abs(float(np.median(error_mm(laid.vertices_mm, centre)))) < BIAS_MM


@pytest.mark.parametrize("shift", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_in_coarse_voxels_the_edge_is_found_between_them(shift: float) -> None:
    """A line between two voxels is equally steep all along: the edge would seem to lie in its middle."""
    fine_mm = 0.1
    x = np.arange(-30.0, 30.0, fine_mm) + fine_mm / 2
    n = round(LABEL_MM / fine_mm)
    line = gaussian_filter(np.where(x < 0, 900.0, 40.0), 1.0 / fine_mm)
    line = np.roll(line, round(shift * n)).reshape(-1, n).mean(axis=1)
    affine = np.diag([LABEL_MM] * 3 + [1.0])
    affine[:3, 3] = [-30.0 + LABEL_MM / 2, -15.0, -15.0]
    values = np.broadcast_to(line[:, None, None], (len(line), 11, 11))
    scan = Volume(values.astype(np.int16), affine, FRAME, "CT", "HU", "plate")
    labels = Volume((values > 400).astype(np.uint8), affine, FRAME, "labels", "1", "plate", {1: "sacrum"})
    ticks = np.arange(-8.0, 8.1, 1.0)
    m = len(ticks)
    y, z = (one.ravel() for one in np.meshgrid(ticks, ticks, indexing="ij"))
    corner = (np.arange(m - 1)[:, None] * m + np.arange(m - 1)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + m, corner + m + 1], 1), np.stack([corner, corner + m + 1, corner + 1], 1)]
    )
    edge_mm = shift * LABEL_MM
    start = np.stack([np.full(m * m, edge_mm + 0.8), y, z], axis=1)
    laid = refine(start, faces, scan, labels, 1)
    assert np.abs(laid.vertices_mm[:, 0] - edge_mm).max() < BETWEEN_MM


LEFT_MM = 0.4  # half a voxel; an edge that is not found leaves more than a voxel
ROUGH_MM = 0.07  # between neighbours, where a label's steps left 0.1: a least distance picks what stands out


def noisy(noise_hu: float) -> tuple[Volume, np.ndarray, np.ndarray]:
    """A CT with noise in each voxel, the mask that half of the cortex's height gives, and its centre."""
    centre = np.array([10.0, 20.0, 30.0])
    affine, size = grid(CT_MM, 32, turn=np.eye(3), centre=centre)
    depth = inside(points_of(affine, size), centre)
    hu = gaussian_filter(np.where(depth < 1, np.where(depth < 0.75, 200.0, 1100.0), 40.0), 0.8)
    hu = hu + np.random.default_rng(4).normal(scale=noise_hu, size=hu.shape)
    scan = Volume(hu.astype(np.int16), affine, FRAME, "CT", "HU", "phantom")
    return scan, (depth < 1) & (gaussian_filter(hu, 0.5) > 500.0) | (depth < 0.8), centre


def laid_on(scan: Volume, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = Volume(mask.astype(np.uint8), scan.patient_from_voxel, FRAME, "labels", "1", "x", {1: "sacrum"})
    vertices, faces, _, _ = label_surface(labels, 1, label_boxes(labels)[1])
    return refine(vertices, faces, scan, labels, 1).vertices_mm, faces


def test_an_edge_deeper_than_is_looked_for_is_reached() -> None:
    """A part of the label bulges by two voxels and more, as where a hollow of the bone was closed."""
    scan, mask, centre = noisy(20.0)
    place = points_of(scan.patient_from_voxel, np.array(scan.values.shape))
    tip = centre + [RADII_MM[0], 0.0, 0.0]
    bulge = inside(place, centre) < (1 + 2.0 / RADII_MM[0]) ** 2
    vertices, _ = laid_on(scan, mask | (bulge & (np.linalg.norm(place - tip, axis=-1) < 7)))
    there = np.linalg.norm(vertices - tip, axis=1) < 5
    assert np.abs(error_mm(vertices[there], centre)).max() < LEFT_MM


@pytest.mark.parametrize("noise_hu", [0.0, 20.0, 40.0])
def test_a_surface_is_smooth_in_noise(noise_hu: float) -> None:
    scan, mask, centre = noisy(noise_hu)
    vertices, faces = laid_on(scan, mask)
    after = error_mm(vertices, centre)
    ends = find_edges(faces).ends
    assert np.sqrt(np.mean((after[ends[:, 0]] - after[ends[:, 1]]) ** 2)) < ROUGH_MM

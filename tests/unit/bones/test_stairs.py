"""Stair steps are seen on what label maps leave, not on bones; smoothing keeps place and volume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ischio.bones.stairs import STEP_SHARE, smooth_steps, step_share
from ischio.bones.topology import find_edges, oriented
from ischio.io.meshes import read_surface

Mesh = tuple[np.ndarray, np.ndarray]
RADIUS_MM = 24.5


def stepped(spacing: tuple[float, float, float]) -> Mesh:
    """A ball as a label map has it: marching cubes on its voxels, unsmoothed."""
    from skimage.measure import marching_cubes

    half = np.ceil(30 / np.array(spacing)).astype(int)
    axes = [np.arange(-n, n + 1) * s + 0.3 for n, s in zip(half, spacing, strict=True)]
    inside = np.linalg.norm(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), axis=-1) < RADIUS_MM
    vertices, faces, _, _ = marching_cubes(inside.astype(np.float32), 0.5, spacing=spacing)
    vertices = vertices.astype(np.float64) - half * np.array(spacing) + 0.3
    return vertices, oriented(vertices, faces.astype(np.int64))[0]


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 3.0), (1.5, 1.5, 1.5)])
def test_steps_are_seen_and_smoothed_away(
    spacing: tuple[float, float, float], volume: Callable[..., float]
) -> None:
    vertices, faces = stepped(spacing)
    edges = find_edges(faces)
    assert step_share(vertices, faces, edges) > STEP_SHARE
    smooth = smooth_steps(vertices, edges)
    assert step_share(smooth, faces, edges) < STEP_SHARE / 2
    before, after = (np.linalg.norm(points, axis=1) - RADIUS_MM for points in (vertices, smooth))
    assert after.std() < 0.75 * before.std()  # half for cubes; slices 3 mm thick leave broad terraces
    assert abs(after.mean()) < 0.03 * max(spacing)  # no shrinking: a plain mean would lose a voxel
    assert volume(smooth, faces) == pytest.approx(volume(vertices, faces), rel=0.005)


def test_no_steps_on_smooth_or_coarse_surfaces(ball: Callable[..., Mesh]) -> None:
    for n_points in (100, 1000):
        vertices, faces = ball(n_points, (30.0, 20.0, 50.0))
        assert step_share(vertices, faces, find_edges(faces)) < 1e-12  # convex: no hollow fold at all


def test_the_share_is_the_same_in_any_frame_and_unit(rng: np.random.Generator) -> None:
    vertices, faces = stepped((1.0, 1.0, 2.0))
    edges = find_edges(faces)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    moved = 0.001 * (vertices @ turn.T) + 0.7
    assert step_share(moved, faces, edges) == pytest.approx(step_share(vertices, faces, edges), rel=1e-6)


def test_a_point_has_no_steps() -> None:
    faces = np.array([[0, 1, 2], [2, 1, 3]])
    assert step_share(np.zeros((4, 3)), faces, find_edges(faces)) == 0.0


def test_open_borders_stay(ball: Callable[..., Mesh]) -> None:
    vertices, faces = ball(500)
    faces = faces[(vertices[faces][:, :, 2] < 5).all(axis=1)]
    edges = find_edges(faces)
    border = np.unique(edges.ends[edges.n_faces == 1])
    smooth = smooth_steps(vertices, edges)
    np.testing.assert_array_equal(smooth[border], vertices[border])
    inner = np.setdiff1d(np.unique(faces), border)
    assert (smooth[inner] != vertices[inner]).any()
    unused = np.setdiff1d(np.arange(len(vertices)), np.unique(faces))
    np.testing.assert_array_equal(smooth[unused], vertices[unused])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("bone", "has_steps"),
    [
        ("mc22/femur_left", True),
        ("mc22/hip_right", True),
        ("jia_mri/femur_left", True),
        ("jia_mri/hip_left", False),
        ("icl_mri/sacrum", False),
        ("icl_mri/hip_left", False),
        ("vsd_z013/femur_left", False),
        ("vsd_z013/hip_left", False),
    ],
)
def test_real_bones(bone: str, has_steps: bool, shared_data: Path) -> None:
    mesh = read_surface(shared_data / "bones" / f"{bone}.ply")
    share = step_share(mesh.vertices_mm, mesh.faces, find_edges(mesh.faces))
    assert (share > STEP_SHARE) == has_steps
    assert not 0.6 * STEP_SHARE < share < 1.3 * STEP_SHARE  # no bone is near the line

"""Plane sections against volumes, exact outlines and cuts through vertices."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry.sections import outline_area_and_centroid, section

POINT_NOISE_MM = 1e-9  # float64 some 500 mm from the origin
VOLUME_SHARE = 2e-3  # 400 slices
N_SLICES = 400

Mesh = tuple[np.ndarray, np.ndarray]


def torus(large_mm: float = 30.0, small_mm: float = 9.0, n: int = 40) -> Mesh:
    """A ring round z: cut across it gives two outlines, along it two nested ones."""
    u, v = (g.ravel() for g in np.meshgrid(*[np.arange(n) * 2 * np.pi / n] * 2, indexing="ij"))
    radius = large_mm + small_mm * np.cos(v)
    vertices = np.stack([radius * np.cos(u), radius * np.sin(u), small_mm * np.sin(v)], axis=1)
    i, j = (g.ravel() for g in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    a, b = i * n + j, (i + 1) % n * n + j
    c, d = (i + 1) % n * n + (j + 1) % n, i * n + (j + 1) % n
    return vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int64)


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = np.moveaxis(vertices[faces] - vertices.mean(axis=0), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def outlines(mesh: Mesh, origin: np.ndarray, normal: np.ndarray) -> list[tuple[float, np.ndarray]]:
    segments, group = section(*mesh, origin, normal)
    return [outline_area_and_centroid(segments[group == k], normal) for k in np.unique(group)]


def test_outlines_close_and_lie_in_the_plane(rng: np.random.Generator) -> None:
    vertices, faces = torus()
    for _ in range(10):
        motion = phantoms.random_motion(rng)
        origin, normal = motion.apply(rng.normal(size=3) * 4), motion.matrix[:3, 2]
        normal = np.linalg.qr(np.column_stack([normal + rng.normal(size=3), np.eye(3)[:, :2]]))[0][:, 0]
        segments, group = section(motion.apply(vertices), faces, origin, normal)
        assert np.abs((segments - origin) @ normal).max() < POINT_NOISE_MM
        for k in np.unique(group):
            starts, ends = segments[group == k, 0], segments[group == k, 1]
            order_s, order_e = (np.lexsort(np.round(points, 6).T) for points in (starts, ends))
            # Every point is left as often as it is reached.
            assert np.abs(starts[order_s] - ends[order_e]).max() < POINT_NOISE_MM


def test_slices_add_up_to_the_volume(rng: np.random.Generator) -> None:
    """Across the ring, areas with their hole taken off: Cavalieri."""
    vertices, faces = torus()
    motion = phantoms.random_motion(rng)
    moved = motion.apply(vertices), faces
    height = moved[0] @ motion.matrix[:3, 0]
    levels = np.linspace(height.min(), height.max(), N_SLICES)
    areas = [
        sum(area for area, _ in outlines(moved, level * motion.matrix[:3, 0], motion.matrix[:3, 0]))
        for level in levels
    ]
    # Where the hole is passed, two outlines lie side by side; nowhere does one lie in the other.
    expected = volume(vertices, faces)
    assert sum(areas) * (levels[1] - levels[0]) == pytest.approx(expected, rel=VOLUME_SHARE)


def test_a_ring_cut_in_half_is_two_discs() -> None:
    found = outlines(torus(), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    area = 40 / 2 * np.sin(2 * np.pi / 40) * 9.0**2  # of the polygon of 40 corners
    assert [one for one, _ in found] == pytest.approx([area, area])
    assert sorted(middle[0] for _, middle in found) == pytest.approx([-30.0, 30.0])


def test_a_plane_through_vertices_loses_and_doubles_nothing() -> None:
    """z = 0 holds the two rings of vertices that are farthest in and out."""
    segments, group = section(*torus(), np.zeros(3), np.array([0.0, 0.0, 1.0]))
    assert len(np.unique(group)) == 2
    lengths = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    assert lengths.sum() == pytest.approx(40 * 2 * np.sin(np.pi / 40) * (39.0 + 21.0))


def test_a_plane_beside_the_surface_cuts_nothing() -> None:
    segments, group = section(*torus(), np.array([0.0, 0, 50]), np.array([0.0, 0.0, 1.0]))
    assert (segments.shape, len(group)) == ((0, 2, 3), 0)


def test_the_centroid_is_that_of_the_area_not_of_the_corners(rng: np.random.Generator) -> None:
    """A triangle with one side cut finely: corners crowd there, the area does not."""
    fine = np.stack([np.linspace(0, 6, 50), np.zeros(50), np.zeros(50)], axis=1)
    corners = np.concatenate([fine, [[0.0, 9.0, 0.0]]])
    motion = phantoms.random_motion(rng)
    outline = motion.apply(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
    area, middle = outline_area_and_centroid(outline, motion.matrix[:3, 2])
    assert area == pytest.approx(27.0)
    assert middle == pytest.approx(motion.apply(np.array([2.0, 3.0, 0.0])), abs=POINT_NOISE_MM)


def test_a_line_encloses_nothing() -> None:
    there_and_back = np.array([[[0.0, 0, 0], [4, 0, 0]], [[4, 0, 0], [0, 0, 0]]])
    area, middle = outline_area_and_centroid(there_and_back, np.array([0.0, 0, 1]))
    assert area == 0.0
    assert middle.tolist() == [2.0, 0.0, 0.0]


def test_triangles_without_common_corners_make_the_same_outlines() -> None:
    """As STL holds them, and as one side of an edge is cut finer than the other."""
    vertices, faces = torus()
    origin, normal = np.array([0.0, 3.0, 0.0]), np.array([0.0, 1.0, 0.0])
    whole = outlines((vertices, faces), origin, normal)
    soup = vertices[faces].reshape(-1, 3), np.arange(3 * len(faces)).reshape(-1, 3)
    a, b, c = faces[::2].T
    middle = len(vertices) + np.arange(len(a))
    finer = (
        np.concatenate([vertices, (vertices[a] + vertices[b]) / 2]),
        np.concatenate([faces[1::2], np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)]),
    )
    for mesh in (soup, finer):
        found = outlines(mesh, origin, normal)
        assert len(found) == len(whole) == 2
        for (area, centroid), (area_2, centroid_2) in zip(
            sorted(whole, key=lambda one: one[1][0]), sorted(found, key=lambda one: one[1][0]), strict=True
        ):
            assert area_2 == pytest.approx(area)
            assert centroid_2 == pytest.approx(centroid, abs=POINT_NOISE_MM * 10)

"""Points on a surface: even by area, on their faces, and fixed to the mesh."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.types import Side

N_POINTS = 6000
POINT_NOISE_MM = 1e-9  # float64 some 500 mm from the origin


@pytest.fixture
def triangles(rng: np.random.Generator) -> np.ndarray:
    """Faces from 0.01 to 100 mm2, three of them without area."""
    out = rng.normal(size=(200, 3, 3)) * 10 ** rng.uniform(-1, 1, size=(200, 1, 1))
    out[0, 2] = out[0, 1]
    out[70] = out[70, :1]
    out[-1, 1] = (out[-1, 0] + out[-1, 2]) / 2
    return out + rng.normal(size=(200, 1, 3)) * 200


def test_normals_and_areas_as_by_hand(triangles: np.ndarray) -> None:
    normals, areas = face_normals(triangles)
    for (a, b, c), normal, area in zip(triangles, normals, areas, strict=True):
        lengths = [np.linalg.norm(b - a), np.linalg.norm(c - b), np.linalg.norm(a - c)]
        half = sum(lengths) / 2  # Heron
        by_sides = np.sqrt(max(half * np.prod([half - length for length in lengths]), 0.0))
        assert area == pytest.approx(by_sides, abs=1e-4, rel=1e-6)  # Heron loses half the digits on slivers
        if area > 0.01:
            assert np.linalg.norm(normal) == pytest.approx(1.0, abs=1e-12)
            assert np.abs([normal @ (b - a), normal @ (c - a)]).max() < POINT_NOISE_MM
            assert np.linalg.det([b - a, c - a, normal]) > 0  # counter-clockwise seen from outside


def test_a_face_without_area_has_no_normal() -> None:
    normals, areas = face_normals(np.array([[[5.0, 1, 2]] * 3]))
    assert (normals.tolist(), areas.tolist()) == ([[0.0, 0.0, 0.0]], [0.0])


def test_normals_of_a_closed_bone_are_outward_and_balanced() -> None:
    femur = phantoms.hip(Side.LEFT).femur
    assert femur is not None
    normals, areas = face_normals(femur.triangles_mm)
    assert np.abs((normals * areas[:, None]).sum(axis=0)).max() < 1e-6  # of some 10,000 mm2: Gauss
    assert (areas * np.einsum("ij,ij->i", normals, femur.triangles_mm.mean(axis=1))).sum() > 0


def test_each_face_gets_points_by_its_area(triangles: np.ndarray) -> None:
    """Stratified, so the count is not random: it is within 2 of the share."""
    _, areas = face_normals(triangles)
    _, _, faces = sample_surface(triangles, N_POINTS)
    counts = np.bincount(faces, minlength=len(triangles))
    assert np.abs(counts - N_POINTS * areas / areas.sum()).max() <= 2
    assert (np.diff(faces) >= 0).all()  # in mesh order


def test_points_lie_within_their_faces(triangles: np.ndarray) -> None:
    points, normals, faces = sample_surface(triangles, N_POINTS)
    a, b, c = np.moveaxis(triangles[faces], 1, 0)
    shares = [
        face_normals(np.stack(corners, axis=1))[1]
        for corners in ((points, b, c), (a, points, c), (a, b, points))
    ]
    _, areas = face_normals(triangles[faces])
    assert np.abs(sum(shares) - areas).max() < 1e-9 * areas.max()  # inside, the three parts make up the whole
    np.testing.assert_array_equal(normals, face_normals(triangles)[0][faces])


def test_points_are_even_within_a_face() -> None:
    triangle = np.array([[[0.0, 0, 0], [6, 0, 0], [0, 6, 0]]])
    points, _, _ = sample_surface(triangle, N_POINTS)
    noise = 6 / np.sqrt(N_POINTS)  # four standard errors: a coordinate's is 6 / sqrt(18 n)
    assert np.abs(points.mean(axis=0) - [2, 2, 0]).max() < noise
    quarter = (points[:, 0] > 3).mean()  # the corner triangle of half the size
    assert quarter == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / N_POINTS))


def test_points_move_with_the_mesh(triangles: np.ndarray, rng: np.random.Generator) -> None:
    points, normals, faces = sample_surface(triangles, N_POINTS)
    motion = phantoms.random_motion(rng)
    new_points, new_normals, new_faces = sample_surface(motion.apply(triangles), N_POINTS)
    np.testing.assert_array_equal(new_faces, faces)
    assert np.abs(new_points - motion.apply(points)).max() < POINT_NOISE_MM
    big = face_normals(triangles)[1][faces] > 0.01  # a normal's rounding grows as the face shrinks
    assert np.abs(new_normals - normals @ motion.matrix[:3, :3].T)[big].max() < 1e-7


def test_it_is_the_same_every_time(triangles: np.ndarray) -> None:
    for first, second in zip(sample_surface(triangles, 99), sample_surface(triangles, 99), strict=True):
        np.testing.assert_array_equal(first, second)

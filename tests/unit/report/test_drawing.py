"""What a drawn picture shows: outline, depth, tints, insides; and that it turns with its camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ischio import phantoms
from ischio._check import Array
from ischio.report.drawing import Surface, draw
from ischio.report.raster import Camera
from ischio.report.shading import _HOLLOW, _HOLLOWS_MM, hollows, vertex_normals
from ischio.report.thinning import _CELL_MM, thinned, thinned_pelvis
from ischio.types import Pelvis, Side

PX, MM_PER_PX = 120, 0.5
RADIUS_MM = 20.0
RINGS, STEPS = 48, 96
SAG_MM = RADIUS_MM * (1 - np.cos(np.pi / STEPS)) * 2  # how far facets lie inside their sphere, both ways
ROUNDING = 4  # of 255: two shades of 2, where a value falls between them
BONE = np.array([[240.0, 230, 200], [200, 60, 40]])


def sphere(radius_mm: float = RADIUS_MM) -> tuple[Array, NDArray[np.int64]]:
    """Vertices and outward faces of a ball."""
    polar = np.linspace(0, np.pi, RINGS + 1)[1:-1]
    turn = np.arange(STEPS) * 2 * np.pi / STEPS
    rings = np.stack(
        [
            np.outer(np.sin(polar), np.cos(turn)),
            np.outer(np.sin(polar), np.sin(turn)),
            np.outer(np.cos(polar), np.ones(STEPS)),
        ],
        axis=-1,
    )
    vertices = np.concatenate([[[0, 0, 1.0]], rings.reshape(-1, 3), [[0, 0, -1.0]]]) * radius_mm
    k = 1 + np.arange((RINGS - 1) * STEPS).reshape(RINGS - 1, STEPS)
    after = np.roll(k, -1, axis=1)
    a, b, c, d = (x.ravel() for x in (k[:-1], after[:-1], k[1:], after[1:]))
    top = np.column_stack([np.zeros(STEPS, int), k[0], after[0]])
    bottom = np.column_stack([np.full(STEPS, len(vertices) - 1), after[-1], k[-1]])
    faces = np.concatenate([top, np.column_stack([a, c, b]), np.column_stack([b, c, d]), bottom])
    return vertices, faces


def plain(vertices: Array, faces: NDArray[np.int64]) -> Surface:
    return Surface(vertices, faces, np.zeros(len(faces), dtype=np.int64))


def camera(axes: Array | None = None, centre: Array | None = None) -> Camera:
    right, up, toward = np.eye(3) if axes is None else axes
    return Camera(np.zeros(3) if centre is None else centre, right, up, toward, PX, PX, MM_PER_PX)


def test_normals_point_outwards() -> None:
    vertices, faces = sphere()
    outward = np.einsum("vk,vk->v", vertex_normals(vertices, faces), vertices) / RADIUS_MM
    assert outward.min() > np.cos(2 * np.pi / RINGS)  # within one facet of the true direction


def test_a_ball_is_a_disc_of_its_radius_and_depth() -> None:
    picture = draw([plain(*sphere())], BONE, camera())
    seen = np.isfinite(picture.depth_mm)
    area = seen.sum() * MM_PER_PX**2
    rim = 2 * np.pi * RADIUS_MM * (MM_PER_PX + SAG_MM)
    assert abs(area - np.pi * RADIUS_MM**2) < rim
    assert abs(picture.depth_mm.max() - RADIUS_MM) < SAG_MM + MM_PER_PX
    assert (picture.rgb[0] == 255).all()  # paper


def test_picture_does_not_change_when_body_and_camera_turn_together(rng: np.random.Generator) -> None:
    vertices, faces = sphere()
    vertices = vertices * [1.0, 1.6, 0.7] + [3.0, -2, 5]
    tints = (np.arange(len(faces)) % 7 == 0).astype(np.int64)
    one = draw([Surface(vertices, faces, tints)], BONE, camera())
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    move = rng.normal(size=3) * 300
    moved = draw([Surface(vertices @ turn.T + move, faces, tints)], BONE, camera(turn.T, move))
    differs = np.abs(one.rgb.astype(int) - moved.rgb).max(axis=2) > ROUNDING
    assert differs.mean() < 1e-3  # a sample on an edge may fall to either side


def test_nearer_part_hides_the_farther_and_a_dark_line_parts_them() -> None:
    vertices, faces = sphere(10.0)
    ball = plain(vertices, faces)
    wall = Surface(
        np.array([[-40.0, -40, -30], [40, -40, -30], [40, 40, -30], [-40, 40, -30]]),
        np.array([[0, 1, 2], [0, 2, 3]]),
        np.array([1, 1]),
    )
    row = draw([wall, ball], BONE, camera()).rgb[PX // 2].astype(int)
    red = row[:, 0] - row[:, 2] > 80  # the wall's tint; the ball is nearly grey
    assert red[5]
    assert not red[PX // 2]
    rim = round(PX / 2 - 10 / MM_PER_PX)
    outline = row[rim - 2 : rim + 3].sum(axis=1).min()
    assert outline < 0.6 * row[5].sum()
    assert outline < 0.6 * row[PX // 2].sum()


def test_tints_meet_between_their_triangles() -> None:
    vertices, faces = sphere()
    upper = vertices[faces].mean(axis=1)[:, 1] > 0
    rgb = draw([Surface(vertices, faces, upper.astype(np.int64))], BONE, camera()).rgb.astype(int)
    column = rgb[:, PX // 2 + 3]
    red = column[:, 0] - column[:, 2] > 80
    edge_px = 2 * np.pi * RADIUS_MM / STEPS / MM_PER_PX
    border = np.flatnonzero(np.diff(red.astype(int)) == -1)
    assert len(border) == 1
    assert abs(border[0] + 1 - PX / 2) < edge_px


def test_inside_of_an_open_surface_is_seen_and_dark() -> None:
    vertices, faces = sphere()
    bowl = faces[vertices[faces].mean(axis=1)[:, 2] < 0]  # opens toward the viewer
    picture = draw([plain(vertices, bowl)], BONE, camera())
    middle = picture.rgb[PX // 2, PX // 2]
    assert abs(picture.depth_mm[PX // 2, PX // 2] + RADIUS_MM) < SAG_MM + MM_PER_PX
    whole = draw([plain(vertices, faces)], BONE, camera()).rgb[PX // 2, PX // 2]
    assert middle.sum() < 0.75 * whole.sum()


def test_far_things_fade_towards_the_paper() -> None:
    vertices, faces = sphere()
    near, far = (
        draw([plain(vertices - [0, 0, depth], faces)], BONE, camera()).rgb[PX // 2, PX // 2]
        for depth in (0.0, 60.0)
    )
    assert (far > near).all()


def test_nothing_in_view_is_white_paper() -> None:
    vertices, faces = sphere()
    picture = draw([plain(vertices + 500.0, faces)], BONE, camera())
    assert (picture.rgb == 255).all()
    assert (picture.depth_mm == -np.inf).all()


@pytest.mark.parametrize("drop", [0, 1])
def test_same_scene_gives_the_same_picture(drop: int) -> None:
    vertices, faces = sphere()
    scene = [plain(vertices, faces[drop:])]
    assert np.array_equal(draw(scene, BONE, camera()).rgb, draw(scene, BONE, camera()).rgb)


def slow_hollows(depth: Array, mm_per_px: float) -> Array:
    """Every pixel's square of neighbours looked up one by one, the edge repeated."""
    sizes = [(max(1, round(size / mm_per_px)), full) for size, full in _HOLLOWS_MM]
    rows, columns = depth.shape
    factor = np.ones(depth.shape)
    for i, j in np.argwhere(np.isfinite(depth)):
        for radius, full in sizes:
            near = depth[
                np.clip(np.arange(i - radius, i + radius + 1), 0, rows - 1)[:, None],
                np.clip(np.arange(j - radius, j + radius + 1), 0, columns - 1),
            ]
            behind = near[np.isfinite(near)].mean() - depth[i, j]
            factor[i, j] -= _HOLLOW * min(max(behind / full, 0.0), 1.0)
    return factor


def test_hollows_are_those_of_every_square_of_neighbours(rng: np.random.Generator) -> None:
    depth = np.cumsum(rng.normal(size=(23, 31)), axis=1)
    depth[rng.random(depth.shape) < 0.3] = -np.inf
    np.testing.assert_allclose(hollows(depth, 1.7), slow_hollows(depth, 1.7), rtol=0, atol=1e-9)


def test_thinned_surface_stays_within_a_cell_and_says_which_faces_are_left() -> None:
    vertices, faces = sphere(12.0)  # edges under 0.8 mm: thinned
    points, left, kept = thinned(vertices, faces)
    assert 0 < len(kept) < len(faces) / 2
    assert np.all(np.diff(kept) > 0)
    moved = np.linalg.norm(points[left] - vertices[faces[kept]], axis=2)
    assert moved.max() < np.sqrt(3) * _CELL_MM
    coarse = thinned(vertices * 10, faces)
    assert coarse[0].shape == vertices.shape
    assert len(coarse[2]) == len(faces)


def test_thinned_person_has_the_regions_of_the_faces_left() -> None:
    hip = phantoms.hip(Side.LEFT, gap_mm=9.25)
    assert hip.femur is not None
    dense = replace(hip.femur, vertices_mm=hip.femur.vertices_mm / 8, faces=hip.femur.faces)
    small = replace(hip, femur=dense)
    pelvis = Pelvis(left=small, right=None, sacrum=None, landmarks={}, frames={})
    drawn = thinned_pelvis(pelvis).left
    assert drawn is not None
    assert drawn.femur is not None
    _, _, kept = thinned(dense.vertices_mm, dense.faces)
    assert len(kept) < len(dense.faces)
    expected = set(kept.tolist()) & set(small.regions["lesser_trochanter"].face_indices.tolist())
    found = drawn.regions["lesser_trochanter"].face_indices if expected else np.empty(0, dtype=int)
    assert set(kept[found].tolist()) == expected

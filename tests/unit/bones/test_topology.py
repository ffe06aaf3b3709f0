"""Edges, groups and winding, against slow and obvious twins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from ischio.bones.topology import find_edges, groups, oriented

Mesh = tuple[np.ndarray, np.ndarray]


def open_at(mesh: Mesh, height: float) -> Mesh:
    """The part of a surface below a height: an open shell."""
    vertices, faces = mesh
    return vertices, faces[vertices[faces][:, :, 2].max(axis=1) < height]


def strip(n: int, twists: int) -> Mesh:
    """A band of triangles closed into a ring, with as many half twists."""
    turn = 2 * np.pi * np.arange(n) / n
    half = twists * turn / 2
    out = np.stack([np.cos(turn), np.sin(turn), np.zeros(n)], axis=1)
    across = np.cos(half)[:, None] * out + np.sin(half)[:, None] * [0, 0, 1]
    vertices = np.concatenate([10 * out - across, 10 * out + across])
    faces = []
    for i in range(n):
        a, b, c, d = i, i + n, (i + 1) % n, (i + 1) % n + n
        if i == n - 1 and twists % 2:
            c, d = d, c
        faces += [[a, b, d], [a, d, c]]
    return vertices, np.array(faces)


def test_edges_against_counting(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    _, faces = open_at(ball(60), 5.0)
    faces = rng.permutation(np.vstack([faces, [faces[0, 0], faces[0, 1], 60]]))  # with a fin on an edge
    edges = find_edges(faces)
    count = Counter(tuple(sorted((int(f[i]), int(f[(i + 1) % 3])))) for f in faces for i in range(3))
    assert {
        tuple(ends): n for ends, n in zip(edges.ends.tolist(), edges.n_faces.tolist(), strict=True)
    } == count
    for face, row in zip(faces, edges.of_face, strict=True):
        for i in range(3):
            assert sorted((face[i], face[(i + 1) % 3])) == edges.ends[row[i]].tolist()
    for (a, b), edge in zip(edges.pairs, edges.pair_edges, strict=True):
        assert a != b
        assert set(edges.ends[edge]) <= set(faces[a]) & set(faces[b])
    assert len(edges.pairs) == sum(n == 2 for n in count.values())


def test_groups_against_flooding(rng: np.random.Generator) -> None:
    links = rng.integers(0, 50, (30, 2))
    expected = np.arange(50)
    for _ in range(50):
        for a, b in links:
            expected[expected == max(expected[a], expected[b])] = min(expected[a], expected[b])
    found = groups(50, links)
    assert np.array_equal(np.unique(expected, return_inverse=True)[1], found)
    assert groups(3, np.empty((0, 2), np.int64)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("height", [99.0, 8.0, -8.0], ids=["closed", "open above", "a shallow bowl"])
@pytest.mark.parametrize("inside_out", [False, True])
def test_any_winding_comes_out_outward(
    height: float, inside_out: bool, ball: Callable[..., Mesh], rng: np.random.Generator
) -> None:
    vertices, faces = open_at(ball(400, centre_mm=(300.0, -500.0, 0.0)), height)
    given = faces[:, ::-1] if inside_out else faces
    out, against, turned = oriented(vertices, given)
    np.testing.assert_array_equal(out, faces)
    assert not against.any()
    assert turned.all() == turned.any() == inside_out
    wrong = rng.random(len(faces)) < 0.2
    out, against, turned = oriented(vertices, np.where(wrong[:, None], given[:, ::-1], given))
    np.testing.assert_array_equal(out[:, [0, 1, 2]], np.where(inside_out ^ wrong[:, None], out, faces))
    np.testing.assert_array_equal(np.sort(out), np.sort(faces))
    np.testing.assert_array_equal(against, wrong)
    normals = np.cross(vertices[out[:, 1]] - vertices[out[:, 0]], vertices[out[:, 2]] - vertices[out[:, 0]])
    assert (np.einsum("ij,ij->i", normals, vertices[out].mean(axis=1) - [300.0, -500.0, 0.0]) > 0).all()


def test_each_sheet_is_turned_by_itself(ball: Callable[..., Mesh], join: Callable[..., Mesh]) -> None:
    a, b = ball(200), ball(300, centre_mm=(60.0, 0.0, 0.0))
    vertices, faces = join(a, (b[0], b[1][:, ::-1]))
    out, _, turned = oriented(vertices, faces)
    np.testing.assert_array_equal(turned, np.arange(len(faces)) >= len(a[1]))
    np.testing.assert_array_equal(out, join(a, b)[1])


def test_a_tube_open_at_both_ends_is_turned(ball: Callable[..., Mesh]) -> None:
    vertices, faces = ball(600, (5.0, 5.0, 40.0), (90.0, 90.0, 700.0))
    tube = faces[(np.abs(vertices[faces][:, :, 2] - 700) < 25).all(axis=1)]
    for given in (tube, tube[:, ::-1]):
        np.testing.assert_array_equal(oriented(vertices, given)[0], tube)


def test_what_has_no_outside_stays() -> None:
    vertices, faces = strip(40, twists=1)
    out, against, turned = oriented(vertices, faces)
    np.testing.assert_array_equal(out, faces)
    assert not against.any()
    assert not turned.any()
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(oriented(flat, np.array([[0, 2, 1], [0, 3, 2]]))[0], [[0, 2, 1], [0, 3, 2]])


def test_a_band_without_a_twist_has_two_sides(rng: np.random.Generator) -> None:
    vertices, faces = strip(40, twists=0)
    wrong = rng.random(len(faces)) < 0.3
    _, against, _ = oriented(vertices, np.where(wrong[:, None], faces[:, ::-1], faces))
    np.testing.assert_array_equal(against, wrong)

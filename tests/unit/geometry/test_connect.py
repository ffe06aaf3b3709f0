"""Which faces hang together, against twins that walk from face to face."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.geometry.connect import connected_faces, face_components, largest_component, without_holes

N_SOUPS = 40


def soups(rng: np.random.Generator) -> list[np.ndarray]:
    """Lists of faces, from all apart to all in one; vertex numbers have gaps."""
    return [
        7 * np.stack([rng.choice(n, 3, replace=False) for _ in range(25)])
        for n in rng.integers(4, 160, size=N_SOUPS)
    ]


def walk(faces: np.ndarray, chosen: np.ndarray, n_shared: int) -> list[set[int]]:
    """Groups of chosen faces that can be reached from each other over so many shared vertices."""
    corners = {int(row): set(faces[row].tolist()) for row in chosen}
    groups, left = [], set(corners)
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            edge = {
                other
                for other in left - group
                if any(len(corners[other] & corners[row]) >= n_shared for row in edge)
            }
        groups.append(group)
        left -= group
    return groups


def grid(n: int) -> np.ndarray:
    """A sheet of 2 n^2 faces; faces 2 k and 2 k + 1 make up square k."""
    corner = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    low = np.stack([corner, corner + 1, corner + n + 2], axis=1)
    high = np.stack([corner, corner + n + 2, corner + n + 1], axis=1)
    return np.stack([low, high], axis=1).reshape(-1, 3).astype(np.int64)


def squares(n: int, *places: tuple[int, int]) -> np.ndarray:
    """Rows of both faces of squares, named by row and column."""
    return np.sort([2 * (row * n + column) + half for row, column in places for half in (0, 1)])


def test_components_as_by_walking(rng: np.random.Generator) -> None:
    for faces in soups(rng):
        count, group = face_components(faces)
        expected = walk(faces, np.arange(len(faces)), 1)
        assert count == len(expected)
        assert {frozenset(np.flatnonzero(group == k).tolist()) for k in range(count)} == set(
            map(frozenset, expected)
        )


def test_the_faces_around_a_seed_as_by_walking(rng: np.random.Generator) -> None:
    for faces in soups(rng):
        chosen = np.sort(rng.choice(len(faces), 12, replace=False))
        seed = int(rng.choice(chosen))
        expected = next(group for group in walk(faces, chosen, 1) if seed in group)
        assert connected_faces(faces, chosen, seed).tolist() == sorted(expected)


def test_a_seed_that_is_not_chosen_gives_nothing(rng: np.random.Generator) -> None:
    faces = soups(rng)[0]
    assert len(connected_faces(faces, np.array([1, 2]), 5)) == 0
    assert len(connected_faces(faces, np.zeros(0, dtype=np.int64), 5)) == 0


def test_the_largest_is_so_by_area_not_by_count(rng: np.random.Generator) -> None:
    for faces in soups(rng):
        areas = 10 ** rng.uniform(-2, 2, size=len(faces))
        chosen = np.sort(rng.choice(len(faces), 15, replace=False))
        expected = max(walk(faces, chosen, 1), key=lambda group: areas[list(group)].sum())
        assert largest_component(faces, chosen, areas).tolist() == sorted(expected)


def test_of_nothing_the_largest_is_nothing() -> None:
    assert len(largest_component(grid(2), np.zeros(0, dtype=np.int64), np.ones(8))) == 0


def holes_filled(
    faces: np.ndarray, chosen: np.ndarray, near: np.ndarray, areas: np.ndarray, limit: float
) -> list[int]:
    """Twin: groups of other faces joined over edges, small, with an edge's worth of chosen corners."""
    corners = set(faces[chosen].ravel().tolist())
    out = set(chosen.tolist())
    for group in walk(faces, np.setdiff1d(near, chosen), 2):
        touches = any(len(set(faces[row].tolist()) & corners) >= 2 for row in group)
        if touches and areas[list(group)].sum() <= limit:
            out |= group
    return sorted(out)


def test_holes_as_by_walking(rng: np.random.Generator) -> None:
    faces = grid(9)
    for share in rng.uniform(0.2, 0.9, size=N_SOUPS):
        areas = rng.uniform(0.5, 2.0, size=len(faces))
        chosen = np.flatnonzero(rng.uniform(size=len(faces)) < share)
        near = np.union1d(chosen, np.flatnonzero(rng.uniform(size=len(faces)) < 0.9))
        limit = float(rng.uniform(1, 12))
        assert without_holes(faces, chosen, near, areas, limit).tolist() == holes_filled(
            faces, chosen, near, areas, limit
        )


class TestHoles:
    """On a sheet of 10 x 10 squares with a ring of chosen ones."""

    n = 10
    faces = grid(n)
    areas = np.ones(len(faces))  # a square is 2 mm2
    everything = np.arange(len(faces))

    def block(self, low: int, high: int) -> list[tuple[int, int]]:
        return [(i, j) for i in range(low, high) for j in range(low, high)]

    def ring(self) -> np.ndarray:
        return squares(self.n, *(set(self.block(2, 7)) - set(self.block(3, 6))))

    def test_a_hole_is_filled_up_to_its_limit(self) -> None:
        filled = squares(self.n, *self.block(2, 7))
        hole_mm2 = 18.0
        got = without_holes(self.faces, self.ring(), self.everything, self.areas, hole_mm2)
        np.testing.assert_array_equal(got, filled)
        smaller = without_holes(self.faces, self.ring(), self.everything, self.areas, hole_mm2 - 0.5)
        np.testing.assert_array_equal(smaller, self.ring())

    def test_a_corner_is_no_way_out_of_a_hole(self) -> None:
        """A missing square of the ring's inner corner meets the outside in one point only."""
        chosen = np.setdiff1d(squares(self.n, *self.block(2, 7)), squares(self.n, (2, 2), (3, 3)))
        got = without_holes(self.faces, chosen, self.everything, self.areas, 4.0)
        assert set(squares(self.n, (3, 3)).tolist()) <= set(got.tolist())
        assert not set(squares(self.n, (2, 2)).tolist()) & set(got.tolist())

    def test_what_lies_apart_is_no_hole(self) -> None:
        got = without_holes(
            self.faces, squares(self.n, (0, 0)), squares(self.n, (0, 0), (7, 7)), self.areas, 99.0
        )
        np.testing.assert_array_equal(got, squares(self.n, (0, 0)))

    @pytest.mark.parametrize("empty", ["chosen", "others"])
    def test_nothing_to_fill_changes_nothing(self, empty: str) -> None:
        chosen = np.zeros(0, dtype=np.int64) if empty == "chosen" else self.ring()
        near = self.everything if empty == "chosen" else chosen
        np.testing.assert_array_equal(without_holes(self.faces, chosen, near, self.areas, 99.0), chosen)

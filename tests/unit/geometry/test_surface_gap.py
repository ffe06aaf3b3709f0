"""The exact gap against a twin that knows no faces, edges or corners, only convex hulls."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry import surface_gap as module
from ischio.geometry.surface_gap import closest_on_triangles, surface_gap, triangle_pairs

N_PAIRS = 60
POINT_NOISE_MM = 1e-9  # float64 some 500 mm from the origin, after a few sums
NEEDLE_MM = 1e-4  # width of a sliver: its points are no better known than that
CROSSING_NOISE_MM = 1e-9  # a touch is seen where rounding puts it


def nearest_in_hull(points: np.ndarray) -> np.ndarray:
    """Distance of the origin from the convex hull of points (..., N, 3): all simplices are tried.

    The nearest point of a hull lies in a simplex of at most four of its corners (Carathéodory),
    so the best of all feet with weights that are not negative is the nearest point.
    """
    best: np.ndarray = np.full(points.shape[:-2], np.inf)
    for size in range(1, min(4, points.shape[-2]) + 1):
        for rows in combinations(range(points.shape[-2]), size):
            corners = points[..., rows, :]
            edges = np.swapaxes(corners[..., 1:, :] - corners[..., :1, :], -1, -2)
            rest = (np.linalg.pinv(edges) @ -corners[..., 0, :, None])[..., 0]
            weights = np.concatenate([1 - rest.sum(axis=-1, keepdims=True), rest], axis=-1)
            foot = (weights[..., None] * corners).sum(axis=-2)
            # A hair of slack: on the border of a simplex a weight of 0 may round to less.
            inside = (weights >= -1e-12).all(axis=-1)
            best = np.minimum(best, np.where(inside, np.linalg.norm(foot, axis=-1), np.inf))
    return best


def twin_pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distances of triangle pairs: of the origin from the hull of all nine differences of corners."""
    return nearest_in_hull((a[:, :, None] - b[:, None, :]).reshape(len(a), 9, 3))


def twin_points(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Distances of points from the triangles of their rows."""
    return nearest_in_hull(triangles - points[:, None])


def in_any_frame(rng: np.random.Generator, *parts: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same shapes elsewhere, turned, and mirrored or not."""
    motion = phantoms.random_motion(rng)
    flip = rng.choice([-1.0, 1.0])
    return tuple(motion.apply(part * [flip, 1, 1]) for part in parts)


def apart(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of a few millimetres, most of them apart."""
    first, second = rng.normal(size=(2, N_PAIRS, 3, 3)) * 3 + rng.normal(size=(2, N_PAIRS, 1, 3)) * 6
    return first, second


def crossing(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that share an inner point."""
    pair = rng.normal(size=(2, N_PAIRS, 3, 3)) * 5
    shares = rng.dirichlet([2, 2, 2], size=(2, N_PAIRS))
    first, second = pair - (shares[..., None] * pair).sum(axis=2, keepdims=True)
    return first, second


def coplanar(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs in one plane, apart or over each other, or in two parallel planes."""
    first, second = apart(rng)
    first[..., 2], second[..., 2] = 0.0, rng.choice([0.0, 2.5], size=N_PAIRS)[:, None]
    return first, second


def one_corner_shared(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours on a mesh: they touch in a corner."""
    first, second = apart(rng)
    second += first[:, :1] - second[:, :1]
    return first, second


def without_area(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Triangles that are a line, a point, or fold back on themselves, against whole ones."""
    first, second = apart(rng)
    kind = np.arange(N_PAIRS) % 3
    first[kind == 0, 2] = first[kind == 0, 1]
    first[kind == 1] = first[kind == 1, :1]
    first[kind == 2, 2] = (first[kind == 2, 0] + first[kind == 2, 1]) / 2
    return first, second


def both_without_area(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two lines or points."""
    first, second = without_area(rng)
    second[:, 2] = second[:, 1]
    return first, second


def slivers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Needles of 1e-4 mm by some millimetres."""
    first, second = apart(rng)
    for one in (first, second):
        along = rng.uniform(size=(N_PAIRS, 1))
        one[:, 2] = one[:, 0] + along * (one[:, 1] - one[:, 0]) + NEEDLE_MM * rng.normal(size=(N_PAIRS, 3))
    return first, second


KINDS = (apart, crossing, coplanar, one_corner_shared, without_area, both_without_area, slivers)


class TestTwin:
    """The twin is only worth something if it is right where the answer is known."""

    def test_it_knows_plain_cases(self) -> None:
        low = np.array([[[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]])
        assert twin_pairs(low, low + [0, 0, 2.5]) == pytest.approx(2.5)
        assert twin_pairs(low, low + [7, 0, 0]) == pytest.approx(3.0)
        assert twin_pairs(low, low + [0.5, 0.5, 0]) == pytest.approx(0.0)
        assert twin_points(np.array([[3.0, 3.0, 0.0]]), low) == pytest.approx(np.sqrt(2))

    def test_it_agrees_with_points_strewn_finely(self, rng: np.random.Generator) -> None:
        a, b = (part[:8] for part in apart(rng))
        n = 40
        shares = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]) / n
        strewn = np.linalg.norm((shares @ a)[:, :, None] - (shares @ b)[:, None], axis=3).min(axis=(1, 2))
        cell = max(np.linalg.norm(t - np.roll(t, 1, axis=1), axis=2).max() for t in (a, b)) / n
        assert ((strewn >= twin_pairs(a, b) - POINT_NOISE_MM) & (strewn <= twin_pairs(a, b) + 2 * cell)).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_pairs_are_as_far_apart_as_their_twins(kind, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    noise = NEEDLE_MM if kind is slivers else POINT_NOISE_MM
    a, b = in_any_frame(rng, *kind(rng))
    for first, second in ((a, b), (b, a), (a[:, ::-1], np.roll(b, 1, axis=1))):
        distance, on_first, on_second = triangle_pairs(first, second)
        assert np.abs(distance - twin_pairs(first, second)).max() < noise
        assert np.abs(np.linalg.norm(on_first - on_second, axis=1) - distance).max() < POINT_NOISE_MM
        for point, triangles in ((on_first, first), (on_second, second)):
            assert twin_points(point, triangles).max() < noise


@pytest.mark.parametrize("kind", [crossing, one_corner_shared], ids=lambda kind: kind.__name__)
def test_pairs_that_meet_are_at_zero(kind, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    distance, _, _ = triangle_pairs(*in_any_frame(rng, *kind(rng)))
    assert distance.max() < CROSSING_NOISE_MM


def test_pairs_that_cross_are_at_exactly_zero(rng: np.random.Generator) -> None:
    """Bone contact is told by 0.0 itself, so a crossing may not come out as 1e-13."""
    assert (triangle_pairs(*in_any_frame(rng, *crossing(rng)))[0] == 0.0).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_points_are_nearest_on_their_triangles(kind, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    noise = NEEDLE_MM if kind is slivers else POINT_NOISE_MM
    triangles, others = in_any_frame(rng, *kind(rng))
    points = np.concatenate([others[:, 0], triangles[:, 1], triangles.mean(axis=1)])  # off, corner, inside
    triangles = np.tile(triangles, (3, 1, 1))
    nearest = closest_on_triangles(points, triangles)
    assert np.abs(np.linalg.norm(nearest - points, axis=1) - twin_points(points, triangles)).max() < noise
    assert twin_points(nearest, triangles).max() < noise


def all_pairs(a: np.ndarray, b: np.ndarray) -> tuple[float, int, int]:
    """Smallest distance over every pair, and its rows: the first of ``a``, then of ``b``."""
    rows = np.array(list(product(range(len(a)), range(len(b)))))
    distance = triangle_pairs(a[rows[:, 0]], b[rows[:, 1]])[0]
    first, second = rows[int(np.argmin(distance))]
    return float(distance.min()), int(first), int(second)


@pytest.mark.parametrize("block", [1, 7, module._BLOCK])
def test_surfaces_are_as_far_apart_as_their_nearest_pair(
    block: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    for spread in (0.0, 4.0, 12.0, 40.0):  # from crossing to far apart
        a = rng.normal(size=(23, 3, 3)) * 3 + rng.normal(size=(23, 1, 3)) * 8
        b = rng.normal(size=(31, 3, 3)) * 3 + rng.normal(size=(31, 1, 3)) * 8 + [spread, 0, 0]
        a, b = in_any_frame(rng, a, b)
        found = surface_gap(a, b)
        distance, face_a, face_b = all_pairs(a, b)
        assert found.gap_mm == pytest.approx(distance, abs=POINT_NOISE_MM)
        if distance > 0:
            assert (found.face_a, found.face_b) == (face_a, face_b)
        assert twin_points(found.point_a_mm[None], a[found.face_a][None]).max() < POINT_NOISE_MM
        assert twin_points(found.point_b_mm[None], b[found.face_b][None]).max() < POINT_NOISE_MM
        assert np.linalg.norm(found.point_a_mm - found.point_b_mm) == pytest.approx(
            found.gap_mm, abs=POINT_NOISE_MM
        )


def test_a_large_face_without_near_corners_is_not_missed(rng: np.random.Generator) -> None:
    """A pair of vertices bounds the search; the nearest face may have all its corners far away."""
    wide = np.array([[[-300.0, -300, 0], [300, -300, 0], [0, 400, 0]]])
    small = np.array(
        [[[10.0, 5, 1.5], [12, 5, 3], [10, 8, 3]], [[-290.0, -290, 9], [-280, -290, 9], [0, 0, 9]]]
    )
    a, b = in_any_frame(rng, wide, small)
    found = surface_gap(a, b)
    assert found.gap_mm == pytest.approx(1.5, abs=POINT_NOISE_MM)
    assert found.face_b == 0


def test_the_order_of_faces_and_surfaces_does_not_matter(rng: np.random.Generator) -> None:
    a = rng.normal(size=(40, 3, 3)) + rng.normal(size=(40, 1, 3)) * 9
    b = rng.normal(size=(50, 3, 3)) + rng.normal(size=(50, 1, 3)) * 9 + [30, 0, 0]
    found = surface_gap(a, b)
    order_a, order_b = rng.permutation(len(a)), rng.permutation(len(b))
    shuffled, swapped = surface_gap(a[order_a], b[order_b]), surface_gap(b, a)
    assert (order_a[shuffled.face_a], order_b[shuffled.face_b]) == (found.face_a, found.face_b)
    assert shuffled.gap_mm == found.gap_mm
    assert swapped.gap_mm == pytest.approx(found.gap_mm, abs=POINT_NOISE_MM)
    assert (swapped.face_b, swapped.face_a) == (found.face_a, found.face_b)


@pytest.mark.parametrize("block", [1, 7, module._BLOCK])
def test_of_equal_pairs_the_first_faces_are_named(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parallel sheets on whole numbers: every facing pair is at 3.0 exactly."""
    monkeypatch.setattr(module, "_BLOCK", block)
    corners = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]])
    tiles = np.concatenate([corners + [4 * i, 4 * j, 0] for i in range(4) for j in range(4)])
    found = surface_gap(tiles, tiles[::-1] + [0, 0, 3.0])
    assert found.gap_mm == 3.0
    assert (found.face_a, found.face_b) == (0, len(tiles) - 1)


@pytest.mark.parametrize("block", [1, 7, module._BLOCK])
def test_of_many_crossings_the_first_faces_are_named(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    flat = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 2, 0]]])
    upright = np.array([[[0.5, 0.5, -1.0], [0.5, 0.5, 1], [3, 3, 0]]])
    sizes = (
        1 + np.arange(16)[::-1, None, None] / 16
    )  # the last are the smallest: their spheres are apart most
    places = np.array([[8.0 * i, 8 * j, 0] for i in range(4) for j in range(4)])[:, None]
    found = surface_gap(flat * sizes + places, upright * sizes + places)
    assert found.gap_mm == 0.0
    assert (found.face_a, found.face_b) == (0, 0)


def test_no_triangles_are_refused() -> None:
    some, none = np.zeros((2, 3, 3)), np.zeros((0, 3, 3))
    for a, b in ((some, none), (none, some), (none, none)):
        with pytest.raises(ValueError, match=f"got {len(a)} and {len(b)} triangles; expected at least"):
            surface_gap(a, b)

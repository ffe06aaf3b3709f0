"""Spheres: fitted as by a general solver, found on bodies that are made of known parts."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry.spheres import Sphere, find_spheres, fit_sphere, refine_sphere

RADIUS_MM = 24.0
RADIUS_RANGE_MM = (12.0, 36.0)
EXACT_NOISE_MM = 1e-8  # float64 some 500 mm from the origin, through squares of that
SOLVER_NOISE_MM = 1e-5  # where the general solver stops
FOUND_NOISE_MM = 0.05  # the border of a ball's stem adds a few points with turned normals
CAP_NOISE = 0.01  # of coverage: 400 directions are counted
CAP_EXCESS = 0.06  # a direction counts up to its cell's corner, 6-7 degrees, beyond the border

Cloud = tuple[np.ndarray, np.ndarray]  # points and outward normals


def on_sphere(n: int, low: float, high: float) -> np.ndarray:
    """Directions between two heights, spread evenly (Fibonacci)."""
    k = np.arange(n) + 0.5
    up = low + (high - low) * k / n
    turn = np.pi * (3 - np.sqrt(5)) * k
    across = np.sqrt(1 - up**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), up], axis=1)


def ball_on_a_stick() -> Cloud:
    """A ball of 24 mm round the origin on a stick of 10 mm radius: one point for each 3 mm2."""
    start = -np.sqrt(RADIUS_MM**2 - 10.0**2)
    head = on_sphere(2400, start / RADIUS_MM, 1.0)
    height = np.linspace(start, start - 90, 1900)
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(len(height))
    round_ = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    stick = 10 * round_ + height[:, None] * [0, 0, 1]
    return np.concatenate([RADIUS_MM * head, stick]), np.concatenate([head, round_])


def hollow_socket() -> Cloud:
    """A half-sphere of 24 mm sunk into the upper face of a block of 90 x 90 x 40 mm."""
    hollow = on_sphere(1200, -1.0, 0.0)
    ticks = np.arange(-45, 45, 1.7)
    x, y = (values.ravel() for values in np.meshgrid(ticks, ticks))
    top = np.stack([x, y, 0 * x], axis=1)
    low = top - [0, 0, 40]
    z = np.tile(np.arange(-40, 0, 1.7), len(ticks))
    along = np.repeat(ticks, len(z) // len(ticks))
    sides = [np.stack(three, axis=1) for three in ((along, 0 * z + 45, z), (along, 0 * z - 45, z))]
    sides += [points[:, [1, 0, 2]] for points in sides]
    outward = [[0, 1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0]]
    top = top[np.linalg.norm(top, axis=1) > RADIUS_MM]
    points = [RADIUS_MM * hollow, top, low, *sides]
    normals = [-hollow] + [
        np.tile(np.array(way, dtype=float), (len(part), 1))
        for way, part in zip(([0, 0, 1], [0, 0, -1], *outward), points[1:], strict=True)
    ]
    return np.concatenate(points), np.concatenate(normals)


def block() -> Cloud:
    """The block without its hollow."""
    points, normals = hollow_socket()
    flat = np.isin(np.abs(normals).max(axis=1), [1.0])
    return points[flat], normals[flat]


def elsewhere(
    cloud: Cloud, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points and normals after a motion, where the origin went, and where "up" points."""
    motion = phantoms.random_motion(rng)
    rotation = motion.matrix[:3, :3]
    return motion.apply(cloud[0]), cloud[1] @ rotation.T, motion.matrix[:3, 3], rotation[:, 2]


def found_on(cloud: Cloud, *, concave: bool, min_coverage: float = 0.2, n_wanted: int = 1) -> list[Sphere]:
    return find_spheres(
        *cloud, radius_range_mm=RADIUS_RANGE_MM, concave=concave, min_coverage=min_coverage, n_wanted=n_wanted
    )


class TestFit:
    def test_points_on_a_sphere_give_it_back(self, rng: np.random.Generator) -> None:
        for low in (-1.0, 0.0, 0.8):  # whole, half, a cap of a tenth
            centre, radius = rng.uniform(-500, 500, size=3), rng.uniform(5, 40)
            found = fit_sphere(centre + radius * on_sphere(60, low, 1.0), rng.uniform(0.1, 3, size=60))
            assert np.abs(found[0] - centre).max() < EXACT_NOISE_MM
            assert found[1] == pytest.approx(radius, abs=EXACT_NOISE_MM)

    def test_rough_points_as_by_a_general_solver(self, rng: np.random.Generator) -> None:
        from scipy.optimize import least_squares

        for low in (-1.0, 0.0, 0.5):
            directions, weights = on_sphere(200, low, 1.0), rng.uniform(0.1, 3, size=200)
            points = rng.uniform(-500, 500, size=3) + (20 + rng.normal(size=(200, 1))) * directions

            def misfit(guess: np.ndarray, points=points, weights=weights) -> np.ndarray:  # type: ignore[no-untyped-def]
                out: np.ndarray = np.sqrt(weights) * (np.linalg.norm(points - guess[:3], axis=1) - guess[3])
                return out

            start = np.array([*(points - 20 * directions).mean(axis=0), 20.0])
            twin = least_squares(misfit, start, xtol=1e-14, ftol=1e-14, gtol=1e-14).x
            centre, radius = fit_sphere(points, weights)
            assert np.abs(centre - twin[:3]).max() < SOLVER_NOISE_MM
            assert radius == pytest.approx(twin[3], abs=SOLVER_NOISE_MM)

    def test_a_weight_of_three_is_three_points(self, rng: np.random.Generator) -> None:
        points = (20 + rng.normal(size=(80, 1))) * on_sphere(80, -0.3, 1.0)
        times = rng.integers(1, 5, size=80)
        weighted = fit_sphere(points, times.astype(np.float64))
        repeated = fit_sphere(np.repeat(points, times, axis=0))
        assert np.abs(weighted[0] - repeated[0]).max() < EXACT_NOISE_MM
        assert weighted[1] == pytest.approx(repeated[1], abs=EXACT_NOISE_MM)

    def test_three_points_are_refused(self) -> None:
        with pytest.raises(ValueError, match="got 3 points; expected at least 4"):
            fit_sphere(np.eye(3))


class TestFind:
    @pytest.mark.parametrize(
        ("body", "concave", "coverage"),
        [
            (ball_on_a_stick, False, (1 + np.sqrt(1 - (10 / RADIUS_MM) ** 2)) / 2),
            (hollow_socket, True, 0.5),
        ],
    )
    def test_a_known_part_is_found_anywhere(  # type: ignore[no-untyped-def]
        self, body, concave: bool, coverage: float, rng: np.random.Generator
    ) -> None:
        for _ in range(3):
            points, normals, centre, _ = elsewhere(body(), rng)
            (sphere,) = found_on((points, normals), concave=concave)
            assert np.linalg.norm(sphere.centre_mm - centre) < FOUND_NOISE_MM
            assert sphere.radius_mm == pytest.approx(RADIUS_MM, abs=FOUND_NOISE_MM)
            assert sphere.rms_mm < FOUND_NOISE_MM
            assert -CAP_NOISE < sphere.coverage_fraction - coverage < CAP_EXCESS

    @pytest.mark.parametrize(("body", "concave"), [(ball_on_a_stick, True), (hollow_socket, False)])
    def test_a_ball_is_no_hollow_and_a_hollow_no_ball(self, body, concave: bool) -> None:  # type: ignore[no-untyped-def]
        assert found_on(body(), concave=concave) == []

    @pytest.mark.parametrize("concave", [False, True])
    def test_nothing_is_found_where_nothing_is_round(self, concave: bool, rng: np.random.Generator) -> None:
        points, normals, _, _ = elsewhere(block(), rng)
        assert found_on((points, normals), concave=concave) == []

    def test_too_little_of_a_sphere_is_not_enough(self) -> None:
        assert found_on(hollow_socket(), concave=True, min_coverage=0.55) == []

    def test_a_sphere_of_another_size_is_not_looked_for(self) -> None:
        points, normals = ball_on_a_stick()
        for factor in (2.0, 1 / 3):
            assert found_on((points * factor, normals), concave=False, min_coverage=0.5) == []

    def test_the_fuller_of_two_comes_first(self) -> None:
        """The smaller ball is whole, the larger a half; they are 120 mm apart."""
        half, whole = on_sphere(1500, 0.0, 1.0), on_sphere(1500, -1.0, 1.0)
        cloud = np.concatenate([30 * half, 15 * whole + [0, 120, 0]]), np.concatenate([half, whole])
        first, second = found_on(cloud, concave=False, n_wanted=3)
        assert first.radius_mm == pytest.approx(15, abs=FOUND_NOISE_MM)
        assert second.radius_mm == pytest.approx(30, abs=FOUND_NOISE_MM)
        assert first.coverage_fraction == 1.0
        assert len(found_on(cloud, concave=False, n_wanted=1)) == 1

    def test_it_is_the_same_every_time(self) -> None:
        (one,), (two,) = (found_on(ball_on_a_stick(), concave=False) for _ in range(2))
        assert one.centre_mm.tolist() == two.centre_mm.tolist()
        assert (one.radius_mm, one.coverage_fraction) == (two.radius_mm, two.coverage_fraction)


class TestRefine:
    @pytest.mark.parametrize("low", [-0.6, 0.0, 0.7])
    def test_coverage_is_the_share_of_directions(self, low: float, rng: np.random.Generator) -> None:
        cap = on_sphere(3000, low, 1.0)
        points, normals, centre, _ = elsewhere((RADIUS_MM * cap, cap), rng)
        sphere = refine_sphere(points, normals, centre + 1.0, RADIUS_MM + 1.0, concave=False)
        assert sphere is not None
        assert -CAP_NOISE < sphere.coverage_fraction - (1 - low) / 2 < CAP_EXCESS

    def test_rms_is_weighted_by_area(self, rng: np.random.Generator) -> None:
        """Twice as many points on one half, at half the weight, change nothing."""
        up, low = on_sphere(1000, 0.0, 1.0), on_sphere(2000, -1.0, 0.0)
        rough = 1 + 0.01 * rng.choice([-1.0, 1.0], size=(3000, 1))
        directions = np.concatenate([up, low])
        weights = np.repeat([1.0, 0.5], [1000, 2000])
        sphere = refine_sphere(
            RADIUS_MM * rough * directions, directions, np.zeros(3), RADIUS_MM, concave=False, weights=weights
        )
        assert sphere is not None
        assert sphere.rms_mm == pytest.approx(0.01 * RADIUS_MM, rel=0.02)  # every point is 1 % off

    def test_outliers_do_not_pull(self, rng: np.random.Generator) -> None:
        """A fifth of the points stand 4 mm off, as round a fovea or an osteophyte."""
        directions = on_sphere(2000, -0.5, 1.0)
        off = np.where(directions[:, :1] > 0.6, 4.0, 0.0)
        points, normals, centre, _ = elsewhere(((RADIUS_MM + off) * directions, directions), rng)
        sphere = refine_sphere(points, normals, centre + 0.5, RADIUS_MM, concave=False)
        assert sphere is not None
        assert np.linalg.norm(sphere.centre_mm - centre) < FOUND_NOISE_MM
        assert sphere.radius_mm == pytest.approx(RADIUS_MM, abs=FOUND_NOISE_MM)

    def test_few_points_are_no_sphere(self) -> None:
        directions = on_sphere(11, -1.0, 1.0)
        assert (
            refine_sphere(RADIUS_MM * directions, directions, np.zeros(3), RADIUS_MM, concave=False) is None
        )

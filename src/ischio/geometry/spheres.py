"""Find and fit spheres: the femoral head from outside, the socket from inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array, complaint

_N_PAIRS = 4000
_N_CANDIDATES = 40
_RADIAL_TOLERANCE = 0.05  # of the radius: cartilage-bearing bone strays 3-4 % from a sphere
_NORMAL_COSINE = 0.9  # normals of an inlier point within 26 degrees of the radius


@dataclass(frozen=True, slots=True, eq=False)
class Sphere:
    """A sphere found on a surface.

    Parameters
    ----------
    centre_mm : array of shape (3,), mm
    radius_mm : float
    rms_mm : float
        Root mean square distance of the fitted points from the sphere.
    coverage_fraction : float
        Share of the sphere's directions that the surface covers, 0 to 1.
    """

    centre_mm: Array
    radius_mm: float
    rms_mm: float
    coverage_fraction: float


def fit_sphere(
    points_mm: Array, weights: Array | None = None, expected: tuple[float, float] | None = None
) -> tuple[Array, float]:
    """Fit a sphere by weighted geometric least squares.

    Parameters
    ----------
    points_mm : array of shape (N, 3), mm
        At least four points that are not in one plane.
    weights : array of shape (N,), optional
        Areas, for example.
    expected : (radius in mm, weight), optional
        A radius that is likely before any point is seen: its squared miss, times the weight, counts beside
        the mean squared distance of the points.

    Returns
    -------
    centre_mm : array of shape (3,)
    radius_mm : float

    Raises
    ------
    ValueError
        With fewer than four points.

    Notes
    -----
    Starts from the algebraic fit and takes Gauss-Newton steps on the radial distances.

    Examples
    --------
    >>> corners = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> centre, radius = fit_sphere(corners)
    >>> round(radius, 9)
    1.0
    """
    if len(points_mm) < 4:
        raise ValueError(
            complaint("fit_sphere", f"{len(points_mm)} points", "at least 4", "Pass more points.")
        )
    share = np.ones(len(points_mm)) if weights is None else weights / weights.mean()
    root = np.sqrt(share)[:, None]
    middle = points_mm.mean(axis=0)
    local = points_mm - middle
    system = np.hstack([2 * local, np.ones((len(local), 1))])
    solution = np.linalg.lstsq(root * system, root[:, 0] * (local**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    radius = float(np.sqrt(max(solution[3] + centre @ centre, 0.0)))
    likely, trust = expected or (radius, 0.0)
    prior = np.diag([0.0, 0.0, 0.0, trust * len(local)])
    jacobian = np.ones((len(local), 4))
    for _ in range(8):
        away = local - centre
        distance = np.linalg.norm(away, axis=1)
        jacobian[:, :3] = away / distance[:, None]
        # Directions and ones are of one size: the normal equations lose nothing, and cost a tenth.
        weighted = jacobian * share[:, None]
        right = weighted.T @ (distance - radius) + prior[3] * (likely - radius)
        step = np.linalg.lstsq(weighted.T @ jacobian + prior, right, rcond=None)[0]
        centre, radius = centre + step[:3], float(radius + step[3])
        if np.abs(step).max() < 1e-9:
            break
    return centre + middle, radius


def _directions(n: int) -> Array:
    """``n`` directions spread evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(n) + 0.5
    up = 1 - 2 * k / n
    turn = np.pi * (1 + 5**0.5) * k
    across = np.sqrt(1 - up**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), up], axis=1)


_BINS = _directions(400)
_BIN_TREE = cKDTree(_BINS)


def _inliers(points_mm: Array, inward: Array, centre: Array, radius: float, tolerance: float) -> Array:
    """Mask of points that lie on the sphere with the right normal."""
    away = points_mm - centre
    distance = np.linalg.norm(away, axis=1)
    cosine = np.einsum("ij,ij->i", away, inward) / np.maximum(distance, 1e-9)
    mask: Array = (np.abs(distance - radius) < tolerance) & (cosine > _NORMAL_COSINE)
    return mask


def covered_fraction(directions: Array) -> float:
    """Share of the sphere that some of the unit vectors lie in."""
    return float(len(np.unique(_BIN_TREE.query(directions)[1])) / len(_BINS))


def find_spheres(
    points_mm: Array,
    normals: Array,
    *,
    radius_range_mm: tuple[float, float],
    concave: bool,
    min_coverage: float,
    n_wanted: int = 1,
) -> list[Sphere]:
    """Find the spherical parts of a surface that cover most of their sphere.

    Parameters
    ----------
    points_mm, normals : arrays of shape (N, 3)
        Points spread evenly over the surface, with outward unit normals.
    radius_range_mm : (float, float)
    concave : bool
        False for a ball seen from outside, True for a hollow.
    min_coverage : float
        Least share of the sphere's directions, 0 to 1.
    n_wanted : int
        At most this many, each at least one radius from the others.

    Returns
    -------
    list of Sphere
        Best first; empty when nothing covers enough.

    Notes
    -----
    Two points with normals give a sphere; many pairs vote, with a fixed seed. Deterministic.
    """
    outward = -normals if concave else normals
    random = np.random.default_rng(0)
    tree = cKDTree(points_mm)
    # Partners within one diameter: far pairs are on different parts of the bone.
    first = random.integers(len(points_mm), size=_N_PAIRS)
    near = tree.query(
        points_mm[first], k=min(len(points_mm), 250), distance_upper_bound=1.6 * radius_range_mm[1]
    )[1]
    second = near[np.arange(_N_PAIRS), random.integers(1, near.shape[1], size=_N_PAIRS)]
    good = second < len(points_mm)
    first, second = first[good], second[good]
    apart, turn = points_mm[first] - points_mm[second], outward[first] - outward[second]
    turn2 = (turn**2).sum(axis=1)
    radii = (apart * turn).sum(axis=1) / np.maximum(turn2, 1e-9)
    misfit = np.linalg.norm(apart - radii[:, None] * turn, axis=1)
    usable = (turn2 > 0.1) & (radii > radius_range_mm[0]) & (radii < radius_range_mm[1])
    usable &= misfit < 0.15 * radii
    centres = (points_mm[first] + points_mm[second] - radii[:, None] * (outward[first] + outward[second])) / 2
    centres, radii, misfit = centres[usable], radii[usable], misfit[usable]
    if len(radii) == 0:
        return []
    # Votes: how many other candidates agree in centre and radius.
    keys = np.column_stack([centres, radii])
    votes = cKDTree(keys).query_ball_point(keys, r=0.12 * float(np.median(radii)), return_length=True)
    found: list[tuple[float, Sphere]] = []
    left = votes.astype(np.float64)
    for _ in range(_N_CANDIDATES):
        index = int(np.argmax(left))
        if left[index] <= 0:
            break
        left[np.linalg.norm(centres - centres[index], axis=1) < 0.3 * radii[index]] = 0
        sphere = refine_sphere(points_mm, normals, centres[index], float(radii[index]), concave=concave)
        if sphere is None or not radius_range_mm[0] < sphere.radius_mm < radius_range_mm[1]:
            continue
        if sphere.coverage_fraction >= min_coverage:
            found.append((sphere.coverage_fraction, sphere))
    found.sort(key=lambda pair: -pair[0])
    chosen: list[Sphere] = []
    for _, sphere in found:
        if all(np.linalg.norm(sphere.centre_mm - other.centre_mm) > sphere.radius_mm for other in chosen):
            chosen.append(sphere)
        if len(chosen) == n_wanted:
            break
    return chosen


def refine_sphere(
    points_mm: Array,
    normals: Array,
    centre_mm: Array,
    radius_mm: float,
    *,
    concave: bool,
    weights: Array | None = None,
) -> Sphere | None:
    """Refit a sphere to the points that lie on it, tightening the tolerance.

    Parameters
    ----------
    points_mm, normals : arrays of shape (N, 3)
    centre_mm : array of shape (3,), mm
    radius_mm : float
    concave : bool
    weights : array of shape (N,), optional
        Area each point stands for.

    Returns
    -------
    Sphere or None
        None when fewer than 12 points remain.
    """
    outward = -normals if concave else normals
    centre, radius = np.asarray(centre_mm, dtype=float), radius_mm
    mask = np.zeros(len(points_mm), dtype=bool)
    for tolerance in (3 * _RADIAL_TOLERANCE, 2 * _RADIAL_TOLERANCE, *[_RADIAL_TOLERANCE] * 6):
        new = _inliers(points_mm, outward, centre, radius, tolerance * radius)
        if new.sum() < 12:
            return None
        settled = np.array_equal(new, mask)
        mask = new
        if settled and tolerance == _RADIAL_TOLERANCE:
            break
        centre, radius = fit_sphere(points_mm[mask], None if weights is None else weights[mask])
    away = points_mm[mask] - centre
    distance = np.linalg.norm(away, axis=1)
    residual = distance - radius
    share = np.ones(len(residual)) if weights is None else weights[mask]
    rms = float(np.sqrt((share * residual**2).sum() / share.sum()))
    return Sphere(centre, radius, rms, covered_fraction(away / distance[:, None]))

"""The gap engine against slow and obvious twins: all pairs of triangles, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ischio.geometry._kernels import compile as kernel_compile
from ischio.geometry._kernels import field as kernel_field
from ischio.geometry._kernels import search as kernel_search
from ischio.geometry._kernels import triangles as kernel_triangles
from ischio.geometry._kernels.depth import DEPTH_SHARE
from ischio.geometry._pose_cells import CELL_DEG
from ischio.geometry.gap_field import FAR_MM, FAR_TOLERANCE_MM, NEAR_TOLERANCE_MM, pose_gaps
from ischio.geometry.gap_fixed import BEYOND_STEPS, FixedSurface, fixed_surface
from ischio.geometry.gap_moving import MovingSurface, moving_surface
from ischio.geometry.surface_gap import closest_on_triangles, surface_gap, triangle_pairs
from ischio.motion.joint import rotation_of

Array = NDArray[np.float64]

ROUNDING_MM = 1e-9  # float64 some 100 mm from the origin
FIELD_ROUNDING_MM2 = 1e-4  # float32 distances of up to 60 mm, squared
ORDER_MM = NEAR_TOLERANCE_MM + ROUNDING_MM  # two right answers differ by no more than the error of one


def ball(radius_mm: float, rings: int = 12, bumps: float = 0.0) -> Array:
    """Closed triangles of a ball about the origin, with bumps if wanted; the pole +Y is a corner."""
    polar = np.linspace(0, np.pi, rings + 1)
    around = np.arange(2 * rings) * np.pi / rings
    polar, around = np.meshgrid(polar, around, indexing="ij")
    r = radius_mm + bumps * np.sin(3 * around) * np.sin(4 * polar) * np.sin(polar)
    points = r[..., None] * np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), -np.sin(polar) * np.sin(around)], axis=-1
    )
    a, b = points[:-1], points[1:]
    c, d = np.roll(b, -1, axis=1), np.roll(a, -1, axis=1)
    soup = np.concatenate(
        [np.stack([a, b, c], axis=2).reshape(-1, 3, 3), np.stack([a, c, d], axis=2).reshape(-1, 3, 3)]
    )
    across = np.cross(soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0])
    return soup[np.linalg.norm(across, axis=1) > 1e-9]


def plate(low_mm: list[float], high_mm: list[float], cells: int) -> Array:
    """Closed triangles of a box; those of its top (+Y) come first."""
    grid = np.linspace(0, 1, cells + 1)
    u, v = (g.ravel() for g in np.meshgrid(grid[:-1], grid[:-1], indexing="ij"))
    step = 1 / cells
    sheets = []
    for axis in (1, 0, 2):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        for far in (1.0, 0.0):
            corners = np.zeros((len(u), 4, 3))
            for k, (du, dv) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
                corners[:, k, first], corners[:, k, second] = u + du * step, v + dv * step
            corners[:, :, axis] = far
            halves = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
            sheets.append(halves if far else halves[:, ::-1])
    return np.concatenate(sheets) * (np.array(high_mm) - low_mm) + low_mm


def in_place(centre_mm: Array):
    """Motion about a centre, for ``pose_gaps``."""
    return lambda angles: (rotation_of(angles), np.repeat(centre_mm[None], len(angles), axis=0))


def truth(moving: Array, fixed: Array, angles: Array, centre_mm: Array) -> Array:
    """Gap of every pose by the slow twin."""
    rotations = rotation_of(angles)
    return np.array([surface_gap(moving @ m.T + centre_mm, fixed).gap_mm for m in rotations])


@pytest.fixture(scope="module")
def scene() -> tuple[Array, Array, Array, FixedSurface]:
    """A bumpy patch 40 mm below a centre, and a bumpy ball beside its path."""
    patch = ball(9, 9, 0.8)
    patch = patch[patch[:, :, 0].min(axis=1) > -4] - [0, 40, 0]
    fixed = ball(18, 10, 1.0) + [40, -36, 3]
    centre = np.array([1.0, 2, -3])
    return patch, fixed, centre, fixed_surface(fixed, fixed, step_mm=1.0)


def test_triangle_distance_agrees_with_its_slow_twin(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 2000, 3, 3)) * 2
    b += rng.normal(size=(2000, 1, 3)) * 2
    b[:300, 2] = b[:300, 1]  # without area
    want, _, _ = triangle_pairs(a, b)
    out, tmp = np.empty(6), np.empty(4)
    for row in range(len(a)):
        one = np.ascontiguousarray(a[row : row + 1])
        got = np.sqrt(kernel_triangles.triangle_triangle(one[0], b, row, np.inf, out, tmp))
        assert got == pytest.approx(want[row], abs=ROUNDING_MM)
        assert np.linalg.norm(out[:3] - out[3:]) == pytest.approx(got, abs=ROUNDING_MM)
    assert (want == 0).sum() > 100


def test_the_bound_of_a_point_is_below_and_close(scene, rng: np.random.Generator) -> None:
    _, fixed, _, field = scene
    points = rng.uniform(-50, 90, size=(300, 3))  # some outside the grid
    exact = np.array([surface_gap(np.repeat(p[None, None], 3, axis=1), fixed).gap_mm for p in points])
    box = (*field.square.shape, *map(float, field.low_mm), 1 / field.step_mm)
    square = field.square.reshape(-1)
    bound = np.array([kernel_field.lower2(*p, square, box) for p in points])
    assert (bound <= exact**2 + FIELD_ROUNDING_MM2).all()
    together = np.empty(len(points))
    kernel_field.lower2_all(len(points), *np.ascontiguousarray(points.T), square, box, together)
    assert np.array_equal(together, bound)
    inside = (points > field.low_mm).all(axis=1)
    inside &= (points < field.low_mm + (np.array(field.square.shape) - 1) * field.step_mm).all(axis=1)
    assert inside.sum() > 50
    # Three directions lose at most a quarter of a squared step each, and as much of two steps far away.
    lost, far = exact**2 - bound, exact > (BEYOND_STEPS - 2) * field.step_mm
    assert (inside & far).sum() > 20
    assert lost[inside & ~far].max() <= 0.75 * field.step_mm**2 + FIELD_ROUNDING_MM2
    assert lost[inside & far].max() <= 3.75 * field.step_mm**2 + FIELD_ROUNDING_MM2


def test_the_bound_of_a_triangle_is_below_all_its_points(rng: np.random.Generator) -> None:
    weights = rng.dirichlet([0.5, 0.5, 0.5], size=2000)
    for _ in range(50):
        triangle, cloud = rng.normal(size=(3, 3)) * 3, rng.normal(size=(40, 3)) * 6
        corners = ((triangle[:, None] - cloud) ** 2).sum(axis=2).min(axis=1)
        inner = (((weights @ triangle)[:, None] - cloud) ** 2).sum(axis=2).min(axis=1).min()
        e1, e2 = triangle[1] - triangle[0], triangle[2] - triangle[0]
        gram = np.linalg.inv(np.array([[e1 @ e1, e1 @ e2], [e1 @ e2, e2 @ e2]]))
        inverse = np.array([gram[0, 0], gram[0, 1], gram[1, 1]])
        edges = e1 @ e1, e2 @ e2, (e2 - e1) @ (e2 - e1)
        assert kernel_search.least2(*corners, *edges, inverse, 1.0) <= inner + ROUNDING_MM


def test_poses_apart_agree_with_all_pairs_of_triangles(scene, rng: np.random.Generator) -> None:
    patch, fixed, centre, field = scene
    angles = rng.uniform([-40, -30, -60], [60, 30, 60], size=(150, 3))
    check(patch, fixed, centre, field, angles)


def test_poses_close_together_agree_with_all_pairs_of_triangles(scene) -> None:
    """Within a cell of angles a list of triangles is shared; it must not lose the nearest."""
    patch, fixed, centre, field = scene
    for start in ([-20.0, -10, 30], [0.0, 5, -50], [9.0, -3, 0]):
        steps = np.stack(np.meshgrid(*[np.arange(0, 2 * CELL_DEG, 2)] * 3, indexing="ij"), axis=-1)
        check(patch, fixed, centre, field, steps.reshape(-1, 3) + start)


def check(patch: Array, fixed: Array, centre: Array, field: FixedSurface, angles: Array) -> None:
    """Compare with the slow twin; closest points, faces and errors have to fit too."""
    found = pose_gaps(field, moving_surface(patch), angles, in_place(centre))
    exact = truth(patch, fixed, angles, centre)
    free = found.gap_mm > 0
    assert free.sum() > 5
    over = found.gap_mm[free] - exact[free]
    assert over.min() >= -ROUNDING_MM
    assert (over <= found.error_mm[free]).all()
    assert over[exact[free] <= FAR_MM].max(initial=0) <= NEAR_TOLERANCE_MM
    assert over.max() <= FAR_TOLERANCE_MM
    assert (found.gap_mm[exact == 0] <= 0).all()
    apart = np.linalg.norm(found.on_moving_mm - found.on_fixed_mm, axis=1)
    assert np.abs(apart - np.abs(found.gap_mm)).max() <= ROUNDING_MM
    for row in range(0, len(angles), 10):
        moved = patch[found.moving_face[row]] @ rotation_of(angles[row : row + 1])[0].T + centre
        for point, triangle in (
            (found.on_moving_mm[row], moved),
            (found.on_fixed_mm[row], fixed[found.fixed_face[row]]),
        ):
            alone = np.repeat(point[None, None], 3, axis=1)
            assert surface_gap(alone, triangle[None]).gap_mm <= 1e-6  # the point lies on its face


def test_a_shift_of_each_pose_is_carried_out(scene, rng: np.random.Generator) -> None:
    patch, fixed, centre, field = scene
    angles = np.stack(np.meshgrid(np.arange(-24.0, -20), np.arange(4.0), np.arange(4.0)), axis=-1).reshape(
        -1, 3
    )
    shift = rng.normal(size=angles.shape)
    found = pose_gaps(field, moving_surface(patch), angles, in_place(centre), shift_mm=shift)
    for row in range(0, len(angles), 7):
        want = truth(patch, fixed, angles[row : row + 1], centre + shift[row])[0]
        assert want - ROUNDING_MM <= found.gap_mm[row] <= want + FAR_TOLERANCE_MM


def test_threads_change_no_bit_and_order_no_more_than_the_error(scene, rng: np.random.Generator) -> None:
    patch, _, centre, field = scene
    axes = np.arange(-40, 0, 2.0), np.arange(-12, 12, 2.0), np.arange(-60, 60, 3.0)
    angles = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    thigh = moving_surface(patch)
    one, two = (pose_gaps(field, thigh, angles, in_place(centre), jobs=jobs) for jobs in (1, 2))
    for name in ("gap_mm", "on_moving_mm", "on_fixed_mm", "moving_face", "fixed_face", "error_mm"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    order = rng.permutation(len(angles))
    other = pose_gaps(field, thigh, angles[order], in_place(centre))
    free = one.gap_mm[order] > 0
    assert np.array_equal(free, other.gap_mm > 0)
    assert np.abs(other.gap_mm - one.gap_mm[order])[free].max() <= FAR_TOLERANCE_MM


def test_the_grid_changes_the_speed_and_not_the_answer(scene, rng: np.random.Generator) -> None:
    patch, fixed, centre, field = scene
    angles = rng.uniform([-30, -20, -40], [10, 20, 40], size=(60, 3))
    shell = (centre, 25.0, 55.0)
    few = fixed_surface(
        fixed, fixed, step_mm=2.0, shell=shell, within=(centre - 45, centre + [50, 10, 30]), jobs=2
    )
    gaps = [pose_gaps(one, moving_surface(patch), angles, in_place(centre)).gap_mm for one in (field, few)]
    free = (gaps[0] > 0) & (gaps[1] > 0)
    assert free.sum() > 30
    assert np.abs(gaps[0] - gaps[1])[free].max() <= FAR_TOLERANCE_MM


# Negative gaps -----------------------------------------------------------------------------------


def sunk(depth_mm: float, solid: bool = True) -> float:
    """Gap of a ball of radius 8 that dips into the top of a thick plate by this much."""
    box = plate([-30, -40, -30], [30, 0, 30], 20)
    top = box[: 2 * 20 * 20]
    field = fixed_surface(top, box if solid else None, step_mm=0.75)
    patch = ball(8, 16)
    found = pose_gaps(
        field, moving_surface(patch), np.zeros((1, 3)), in_place(np.array([0.3, 8 - depth_mm, 0.2]))
    )
    if found.gap_mm[0] < 0:
        assert found.error_mm[0] <= 0.75 * np.sqrt(0.75) - DEPTH_SHARE * found.gap_mm[0] + ROUNDING_MM
    elif found.gap_mm[0] > 0:
        assert found.error_mm[0] <= FAR_TOLERANCE_MM
    apart = np.linalg.norm(found.on_moving_mm - found.on_fixed_mm, axis=1)
    assert apart[0] == pytest.approx(abs(found.gap_mm[0]), abs=ROUNDING_MM)
    return float(found.gap_mm[0])


@pytest.mark.parametrize("depth", [-12.0, -3.0, -0.004, 0.01, 0.4, 3.0, 7.5, 12.0, 19.0])
def test_depth_is_the_distance_of_the_deepest_point(depth: float) -> None:
    """A corner of the ball is its lowest point, so depth is exact; above the plate it is a gap."""
    tolerance = NEAR_TOLERANCE_MM if depth > -FAR_MM else FAR_TOLERANCE_MM
    if depth > 0:
        tolerance = DEPTH_SHARE * depth
    assert sunk(depth) == pytest.approx(-depth, abs=tolerance)


@pytest.fixture(scope="module")
def dented() -> tuple[Array, Array, Array, Array, FixedSurface]:
    """A bumpy patch that sinks into the flank of a bumpy ball in many poses; the flank is the region."""
    patch = ball(9, 9, 0.8)
    patch = patch[patch[:, :, 0].min(axis=1) > -4] - [0, 40, 0]
    bone = ball(18, 14, 1.0) + [26, -36, 3]
    flank = bone[bone[:, :, 0].max(axis=1) < 28]
    angles = np.stack(np.meshgrid([-10.0, -5, 0, 5], [-9.0, -3, 3], np.arange(-12, 13, 4.0)), axis=-1)
    return patch, bone, flank, angles.reshape(-1, 3), fixed_surface(flank, bone, step_mm=0.75)


def depths(moving: MovingSurface, flank: Array, inside, centre: Array, angles: Array) -> Array:
    """Slow twin: the largest distance from the region of samples inside, whose foot is not on its border."""
    edges = np.sort(
        np.round(flank[:, [[0, 1], [1, 2], [2, 0]]], 9).reshape(-1, 2, 3).view("f8,f8,f8"), axis=1
    )
    ends, times = np.unique(edges.view("f8").reshape(-1, 6), axis=0, return_counts=True)
    border = ends[times == 1].reshape(-1, 2, 3)
    border = np.concatenate([border, border[:, :1]], axis=1)
    out = np.zeros(len(angles))
    for row, turn in enumerate(rotation_of(angles)):
        for point in moving.samples.T @ turn.T + centre:
            if inside(point):
                alone = np.repeat(point[None], len(flank), axis=0)
                d = np.linalg.norm(closest_on_triangles(alone, flank) - point, axis=1).min()
                alone = np.repeat(point[None], len(border), axis=0)
                rim = np.linalg.norm(closest_on_triangles(alone, border) - point, axis=1).min()
                out[row] = max(out[row], d if rim > d + ROUNDING_MM else 0)
    return out


def in_ball(bone: Array):
    """Whether a point is inside closed triangles: their solid angles sum up to a whole turn."""

    def inside(point: Array) -> bool:
        a, b, c = (bone - point).transpose(1, 0, 2)
        la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
        over = (np.cross(a, b) * c).sum(axis=1)
        under = la * lb * lc + (a * b).sum(axis=1) * lc + (b * c).sum(axis=1) * la + (c * a).sum(axis=1) * lb
        return bool(abs(np.arctan2(over, under).sum()) > np.pi)

    return inside


def test_depth_agrees_with_its_slow_twin(dented) -> None:
    patch, bone, flank, angles, field = dented
    moving, centre = moving_surface(patch), np.array([1.0, 2, -3])
    found = pose_gaps(field, moving, angles, in_place(centre))
    want = depths(moving, flank, in_ball(bone), centre, angles)
    sunk_in = found.gap_mm < 0
    assert sunk_in.sum() > 30
    assert (want[sunk_in] > 0).all()
    # Where the deepest sample changes from behind the region to behind its border, depth has a step.
    off = np.abs(found.gap_mm + want)[sunk_in] > found.error_mm[sunk_in]
    assert off.mean() < 0.05
    apart = np.linalg.norm(found.on_moving_mm - found.on_fixed_mm, axis=1)
    assert np.abs(apart - np.abs(found.gap_mm)).max() <= ROUNDING_MM


def test_depth_does_not_depend_on_the_order_or_company_of_poses(dented, rng: np.random.Generator) -> None:
    patch, _, _, angles, field = dented
    steps = np.stack(np.meshgrid(*[np.arange(0, 4.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    angles = np.concatenate([angles, *(steps + start for start in angles[::9])])
    moving, motion = moving_surface(patch), in_place(np.array([1.0, 2, -3]))
    one = pose_gaps(field, moving, angles, motion)
    order = rng.permutation(len(angles))
    shuffled = pose_gaps(field, moving, angles[order], motion)
    sunk_in = one.gap_mm < 0
    assert sunk_in.sum() > 200
    for name in ("gap_mm", "on_moving_mm", "on_fixed_mm", "fixed_face", "error_mm"):
        assert np.array_equal(
            getattr(shuffled, name)[sunk_in[order]], getattr(one, name)[order][sunk_in[order]]
        )
    for row in np.flatnonzero(sunk_in)[::40]:
        alone = pose_gaps(field, moving, angles[row : row + 1], motion)
        assert alone.gap_mm[0] == one.gap_mm[row]


def test_a_surface_wholly_inside_is_not_free() -> None:
    """The ball has passed the surface: nothing crosses, and yet there is no gap."""
    assert sunk(18.0) == pytest.approx(-18.0, rel=DEPTH_SHARE)


def test_without_a_solid_nothing_is_negative() -> None:
    assert sunk(3.0, solid=False) == 0.0
    assert sunk(18.0, solid=False) == pytest.approx(2.0, abs=0.1)  # the ball's facets lie inside the ball


def test_behind_the_border_of_the_region_is_not_behind_the_region() -> None:
    """A ball inside the plate but beside the region that the pair is about: no contact of this pair."""
    box = plate([-30, -40, -30], [30, 0, 30], 20)
    top = box[: 2 * 20 * 20]
    part = top[top[:, :, 0].max(axis=1) < -5]
    field = fixed_surface(part, box, step_mm=0.75)
    patch = ball(4, 10)
    found = pose_gaps(field, moving_surface(patch), np.zeros((1, 3)), in_place(np.array([15.0, -10, 0])))
    assert found.gap_mm[0] > 15


@pytest.mark.parametrize("bad", [np.zeros((0, 3, 3)), np.zeros((4, 3))])
def test_surfaces_without_triangles_are_refused(bad: Array) -> None:
    with pytest.raises(ValueError, match=r"moving surface: got shape .*; expected \(N, 3, 3\)"):
        moving_surface(bad)
    with pytest.raises(ValueError, match="fixed surface: got shape"):
        fixed_surface(bad, None, step_mm=1.0)


def test_an_option_that_this_numba_lacks_is_left_out() -> None:
    assert kernel_compile.uncounted(object()) == {}
    assert kernel_compile.lean(lambda x: x + 1.0)(2.0) == 3.0

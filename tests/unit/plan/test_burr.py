"""A burr: what a ball takes in closed form, and a trochanter burred from within a cone."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import CrossSection, Manifold, OpType

from ischio import phantoms
from ischio._check import InputError
from ischio.geometry.burring import Table, burred_floor, resting, swept_ball, table_over
from ischio.motion import clearance
from ischio.plan import Burr, goal_of, plan_hip
from ischio.plan.approach import APPROACHES, approach_of, axes_within, axis_of
from ischio.plan.site import prepare
from ischio.types import Hip, Side

RADIUS_MM = 2.75
CLOSED_FORM = 0.01  # relative
PROMISE_MM = 0.1
FLOOR_MM = 0.1  # the room's floor, between its corners


@pytest.fixture
def table(rng: np.random.Generator) -> Table:
    """Cells of a sixteenth of the diameter, in some direction."""
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    axes[0] *= np.sign(np.linalg.det(axes))
    return Table(axes, rng.normal(size=3) * 30, RADIUS_MM / 8, (61, 61))


def laid(table: Table, solid: Manifold) -> Manifold:
    """A solid given in a table's own axes."""
    return solid.transform(np.column_stack([table.axes.T, table.low_mm @ table.axes]))


def path(table: Table, rows: slice, column: int, height_mm: float) -> np.ndarray:
    """Centres along a row of cells."""
    out = np.full(table.shape, np.inf)
    out[rows, column] = height_mm
    return out


def block(table: Table, top_mm: float) -> Manifold:
    """Bone with a flat top."""
    wide = table.step_mm * table.shape[0]
    return laid(table, Manifold.cube((wide, wide, 10.0)).translate((0.0, 0.0, top_mm - 10.0)))


@pytest.mark.parametrize("depth_mm", [0.8, 2.0, 2.75])
def test_a_ball_into_a_half_space_takes_a_cap(table: Table, depth_mm: float) -> None:
    bone = block(table, 0.0)
    tool = swept_ball(table, path(table, slice(30, 31), 30, RADIUS_MM - depth_mm), RADIUS_MM, 8.0)
    cap = np.pi * depth_mm**2 * (3 * RADIUS_MM - depth_mm) / 3
    assert (bone ^ tool).volume() == pytest.approx(cap, rel=CLOSED_FORM)


def test_a_deep_ball_leaves_the_hole_it_came_through(table: Table) -> None:
    depth = 6.0
    tool = swept_ball(table, path(table, slice(30, 31), 30, RADIUS_MM - depth), RADIUS_MM, 8.0)
    hole = 2 / 3 * np.pi * RADIUS_MM**3 + np.pi * RADIUS_MM**2 * (depth - RADIUS_MM)
    assert (block(table, 0.0) ^ tool).volume() == pytest.approx(hole, rel=CLOSED_FORM)


@pytest.mark.parametrize("depth_mm", [1.0, 2.5])
def test_a_straight_path_takes_a_trench_with_round_ends(table: Table, depth_mm: float) -> None:
    rows = slice(12, 49)
    tool = swept_ball(table, path(table, rows, 30, RADIUS_MM - depth_mm), RADIUS_MM, 8.0)
    up = RADIUS_MM - depth_mm
    section = RADIUS_MM**2 * np.arccos(up / RADIUS_MM) - up * np.sqrt(RADIUS_MM**2 - up**2)
    cap = np.pi * depth_mm**2 * (3 * RADIUS_MM - depth_mm) / 3
    trench = section * table.step_mm * (rows.stop - rows.start - 1) + cap
    assert (block(table, 0.0) ^ tool).volume() == pytest.approx(trench, rel=CLOSED_FORM)


def test_along_a_cylinder_it_takes_a_lens_all_the_way(table: Table) -> None:
    bone_mm, length, depth = 12.0, 8.0, 2.0
    across, start = table.step_mm * 30, table.step_mm * 18
    ring = CrossSection.circle(bone_mm, 720).extrude(length)
    upright = np.array([[0.0, 0, 1, start], [1, 0, 0, across], [0, 1, 0, -bone_mm]])  # along the rows
    bone = laid(table, ring.transform(upright))
    tool = swept_ball(table, path(table, slice(5, 56), 30, RADIUS_MM - depth), RADIUS_MM, 8.0)
    apart = bone_mm + RADIUS_MM - depth
    one = (apart**2 + RADIUS_MM**2 - bone_mm**2) / (2 * apart)
    two = apart - one
    lens = (
        RADIUS_MM**2 * np.arccos(one / RADIUS_MM)
        - one * np.sqrt(RADIUS_MM**2 - one**2)
        + bone_mm**2 * np.arccos(two / bone_mm)
        - two * np.sqrt(bone_mm**2 - two**2)
    )
    assert (bone ^ tool).volume() == pytest.approx(lens * length, rel=CLOSED_FORM)


def test_the_sweep_is_the_union_of_capsules(table: Table, rng: np.random.Generator) -> None:
    centres = np.full(table.shape, np.inf)
    centres[20:30, 20:30:2] = rng.uniform(0.0, 3.0, size=(10, 5))
    tool = swept_ball(table, centres, RADIUS_MM, 8.0)
    ball = Manifold.sphere(RADIUS_MM, 64)
    slow = Manifold.batch_boolean(
        [
            Manifold.batch_hull([ball.translate((x, y, z)), ball.translate((x, y, 16.0))])
            for (row, column), z in np.ndenumerate(centres)
            if np.isfinite(z)
            for x, y in [(row * table.step_mm, column * table.step_mm)]
        ],
        OpType.Add,
    )
    slow = laid(table, slow.trim_by_plane((0.0, 0.0, -1.0), -7.9))
    low = laid(table, Manifold.cube((40.0, 40.0, 27.9)).translate((-5.0, -5.0, -20.0)))
    assert ((tool ^ low) - slow).volume() + (slow - tool).volume() < CLOSED_FORM * slow.volume()


def test_a_resting_ball_touches_its_floor_and_takes_no_more(table: Table, rng: np.random.Generator) -> None:
    floor = np.full(table.shape, -np.inf)
    floor[15:45, 15:45] = rng.normal(size=(30, 30))
    centres = resting(table, floor, RADIUS_MM)
    taken = burred_floor(table, np.where(np.isfinite(floor), centres, np.inf), RADIUS_MM)
    inside = np.isfinite(floor)
    assert (taken[inside] >= floor[inside] - 1e-9).all()
    row, column = 30, 30
    near = [
        floor[i, j] + np.sqrt(RADIUS_MM**2 - away)
        for i in range(61)
        for j in range(61)
        if (away := table.step_mm**2 * ((i - row) ** 2 + (j - column) ** 2)) < RADIUS_MM**2
    ]
    assert centres[row, column] == pytest.approx(max(near), abs=1e-9)


def test_heights_are_those_of_the_surface(rng: np.random.Generator) -> None:
    radius = 9.0
    mesh = Manifold.sphere(radius, 128).to_mesh64()
    corners = np.asarray(mesh.vert_properties)[:, :3]
    triangles = corners[np.asarray(mesh.tri_verts, dtype=np.int64)]
    axis = rng.normal(size=3)
    table = table_over(triangles, axis / np.linalg.norm(axis), 0.3, 2.0)
    top, bottom = (table.heights(triangles, highest=which) for which in (True, False))
    cells = np.argwhere(np.isfinite(top))
    at = table.step_mm * cells + table.low_mm[:2]
    away = np.hypot(*at.T)
    for heights, sign in ((top, 1), (bottom, -1)):
        got = heights[tuple(cells.T)] + table.low_mm[2]
        inner = away < 0.7 * radius
        np.testing.assert_allclose(
            got[inner], sign * np.sqrt(radius**2 - away[inner] ** 2), atol=table.step_mm * 0.75
        )


@pytest.fixture(scope="module")
def hip() -> Hip:
    return phantoms.moved(
        phantoms.sphere_on_cylinder(Side.LEFT, ischium="sphere"),
        phantoms.random_motion(np.random.default_rng(5)),
    )


@pytest.mark.parametrize(
    ("target_mm", "burr", "margin_mm"),
    [
        (12.0, Burr(4.0), 0.0),
        (30.0, Burr(5.5, "posterior"), 3.0),  # out of reach: down to the margin and no deeper
    ],
)
def test_a_burred_trochanter_keeps_its_promise(
    hip: Hip, target_mm: float, burr: Burr, margin_mm: float
) -> None:
    goal = goal_of(hip, target_mm)
    found = plan_hip(hip, goal, burr=burr, margin_mm=margin_mm)
    plan = next(one for one in found.plans if one.cut is not None and one.cut.kind == "burr")
    assert plan.cut is not None
    assert plan.cut.direction is not None
    assert plan.resection is not None
    least = found.plans[-1]
    assert plan.removed_mm3 >= least.removed_mm3
    again = float(clearance(plan.resection.hip, goal.poses).gap_mm.min())
    if target_mm < 20:
        assert plan.status == "reached"
        assert again == pytest.approx(target_mm, abs=PROMISE_MM)
        assert plan.removed_mm3 < 1.3 * least.removed_mm3
    else:
        assert plan.status == "beyond"
        assert again <= found.need.best_mm + PROMISE_MM
    axis = axis_of(found.site, approach_of(burr.approach))
    assert plan.cut.direction @ axis >= np.cos(np.radians(APPROACHES[burr.approach].half_angle_deg)) - 1e-9
    corners = plan.resection.cut_mm.reshape(-1, 3)
    assert float(found.site.smooth.height(corners).min()) >= margin_mm - FLOOR_MM
    assert prepare(plan.resection.hip).solid.volume() == pytest.approx(
        found.site.solid.volume() - plan.removed_mm3, rel=1e-9
    )


@pytest.mark.parametrize("side", list(Side))
def test_approaches_come_from_where_they_say(side: Side) -> None:
    site = prepare(phantoms.sphere_on_cylinder(side))
    posterior, anterior = (axis_of(site, APPROACHES[name]) for name in ("posterior", "anterior"))
    assert posterior @ site.back > 0.8
    assert anterior @ site.back < 0
    for name, approach in APPROACHES.items():
        axes = axes_within(site, approach)
        np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1.0)
        leaning = np.degrees(np.arccos(np.clip(axes @ axis_of(site, approach), -1, 1)))
        assert leaning.max() == pytest.approx(approach.half_angle_deg), name
        # The legs are turned so that the trochanter, on the femur's medial side, comes towards the burr.
        assert axes[0] @ site.medial >= -1e-9


def test_tools_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="2 to 12 mm"):
        Burr(55.0)
    with pytest.raises(InputError, match="approach: got 'lateral'; expected one of"):
        Burr(approach="lateral")
    with pytest.raises(InputError, match="margin over the cortex"):
        prepare(phantoms.sphere_on_cylinder(Side.LEFT), margin_mm=-1.0)

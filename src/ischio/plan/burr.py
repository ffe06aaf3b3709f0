"""A burr: a ball led over what has to go, from within the cone of an approach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ischio._check import Array, InputError, complaint
from ischio.geometry.burring import Table, burred_floor, resting, swept_ball, table_over
from ischio.plan.approach import TEMPLATE, Approach, approach_of, axes_within
from ischio.plan.course import Course
from ischio.plan.cuts import BURR, Cut
from ischio.plan.need import MET_WITHIN_MM, Field, Need, reached
from ischio.plan.site import Resection, Site, resect, room_over

if TYPE_CHECKING:
    from manifold3d import Manifold

DIAMETER_MM = 5.5  # Anderson 2022; the cadaver study used 5 mm
DIAMETERS_MM = (2.0, 12.0)
_CELLS = 16  # of the diameter: passes lie two apart, so 0.02 of the diameter is left standing between them
_ROUNDS = 7
_LEFT_SHARE = 0.02  # of what has to go: an axis from which more cannot be reached is the last choice


@dataclass(frozen=True, slots=True)
class Burr:
    """A tool and the way it comes.

    Parameters
    ----------
    diameter_mm : float
        Of the ball.
    approach : str
        One of ``APPROACHES``.

    Raises
    ------
    InputError
        If it is no burr, or no approach.

    Examples
    --------
    >>> Burr().approach
    'posterolateral'
    """

    diameter_mm: float = DIAMETER_MM
    approach: str = "posterolateral"

    def __post_init__(self) -> None:
        approach_of(self.approach)
        if not DIAMETERS_MM[0] <= self.diameter_mm <= DIAMETERS_MM[1]:
            low, high = DIAMETERS_MM
            raise InputError(
                complaint("burr", f"{self.diameter_mm:g} mm", f"{low:g} to {high:g} mm", "Give its diameter.")
            )


USUAL = Burr()


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A trochanter under a burr of one axis.

    Parameters
    ----------
    table : Table
    radius_mm : float
    stop_mm, top_mm : arrays of shape ``table.shape``
        Lowest centre of the ball that spares all bone that no cut may take; the bone's highest place.
    """

    table: Table
    radius_mm: float
    stop_mm: Array
    top_mm: Array

    def centres(self, wanted_mm: Array) -> Array:
        """Where the ball is led, in passes, to take all above a floor and as little beneath as it can.

        Parameters
        ----------
        wanted_mm : array of shape ``table.shape``
            Lowest place that has to go; inf where nothing has to.

        Returns
        -------
        array of shape ``table.shape``
            Height of its centre; inf between the passes.
        """
        floor = np.where(np.isfinite(wanted_mm), wanted_mm, -np.inf)
        centres = np.maximum(resting(self.table, floor, self.radius_mm), self.stop_mm)
        led = np.isfinite(wanted_mm)
        led[1::2] = False
        return np.where(led, centres, np.inf)

    def tool(self, centres_mm: Array) -> Manifold:
        """Solid of all places of the ball that is led over centres."""
        top = float(self.top_mm.max()) + 2 * self.radius_mm
        return swept_ball(self.table, centres_mm, self.radius_mm, top)

    def cost(self, wanted_mm: Array) -> tuple[float, float]:
        """Bone taken, and what has to go and is left, in mm3: by columns, to choose an axis."""
        floor = burred_floor(self.table, self.centres(wanted_mm), self.radius_mm)
        taken = np.maximum(self.top_mm - floor, 0.0)
        asked = np.isfinite(wanted_mm)
        left = np.maximum(np.minimum(floor, self.top_mm)[asked] - wanted_mm[asked], 0.0)
        return float(taken.sum() * self.table.step_mm**2), float(left.sum() * self.table.step_mm**2)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Bone that a burr may take, and bone that it may not.

    Parameters
    ----------
    site : Site
    room : Manifold
        That of the site, as much wider as the ball's radius: beside the region stand less than 2 mm of bone
        over the smooth femur, which a ball takes along.
    spared_mm, bone_mm : arrays of shape (N, 3, 3), mm, patient frame
        Surface of the bone outside the room, and of that within.
    """

    site: Site
    room: Manifold
    spared_mm: Array
    bone_mm: Array


def ground_of(site: Site, radius_mm: float) -> Ground:
    """Prepare a femur for a burr.

    Parameters
    ----------
    site : Site
    radius_mm : float

    Returns
    -------
    Ground
    """
    room = room_over(site, site.margin_mm, beside_mm=radius_mm)
    return Ground(site, room, _surface(site.solid - room), _surface(site.solid ^ room))


def bench_of(ground: Ground, axis: Array, radius_mm: float) -> Bench:
    """Lay a trochanter under a burr.

    Parameters
    ----------
    ground : Ground
    axis : array of shape (3,), patient frame
        Of the burr, out of the bone, a unit vector.
    radius_mm : float

    Returns
    -------
    Bench
    """
    step = 2 * radius_mm / _CELLS
    table = table_over(ground.bone_mm, axis, step, radius_mm + 2 * step)
    spared = table.heights(ground.spared_mm, highest=True)
    top = table.heights(ground.bone_mm, highest=True)
    return Bench(table, radius_mm, resting(table, spared, radius_mm), top)


def burr_cut(
    ground: Ground, course: Course, field: Field, found: Need, burr: Burr, *, jobs: int = 1
) -> tuple[Cut, Resection]:
    """The burr's way from within its cone that takes the least bone for a clearance.

    Parameters
    ----------
    ground : Ground
        Of the burr's radius.
    course : Course
    field : Field
    found : Need
        What has to go.
    burr : Burr
    jobs : int

    Returns
    -------
    cut : Cut
        Its tool is all places of the ball: over its lowest passes, and straight out along the axis.
    resection : Resection
        By it: as much clearance as the theoretical minimum reaches, or the most that the ball gets.

    Notes
    -----
    The axis is one of 19 directions in the cone, fixed while the burr works; it never enters bone that no cut
    may take. A ball wider than a hollow that has to go takes its rims along.
    """
    assert found.resection is not None
    site, radius, approach = ground.site, burr.diameter_mm / 2, approach_of(burr.approach)
    benches = [bench_of(ground, axis, radius) for axis in axes_within(site, approach)]
    asked = _surface(found.solid ^ site.solid)
    costs = np.array([one.cost(one.table.heights(asked, highest=False)) for one in benches])
    least_left = max(_LEFT_SHARE * found.resection.removed_mm3, float(costs[:, 1].min()))
    bench = benches[int(np.argmin(np.where(costs[:, 1] <= least_left, costs[:, 0], np.inf)))]
    goal = reached(course, found.resection, jobs=jobs)
    level, kept = goal, None
    for _ in range(_ROUNDS):
        centres = bench.centres(asked_for(bench, ground, field, level))
        tool = bench.tool(centres)
        resection = resect(site, tool, room=ground.room)
        gap = reached(course, resection, jobs=jobs)
        one = (round(min(gap, goal) / MET_WITHIN_MM), -resection.removed_mm3)
        if kept is None or one > kept[0]:
            kept = one, centres, tool, resection
        if 0 <= gap - goal <= MET_WITHIN_MM:
            break
        level += goal - gap + MET_WITHIN_MM / 2
    assert kept is not None
    _, centres, tool, resection = kept
    return Cut(
        "burr", BURR, _words(burr), tool, bench.table.axes[2], detail=_detail(bench, centres, burr, approach)
    ), resection


def asked_for(bench: Bench, ground: Ground, field: Field, level_mm: float) -> Array:
    """Find how deep each cell of a burr's raster has to go for a clearance.

    Parameters
    ----------
    bench : Bench
    ground : Ground
    field : Field
    level_mm : float
        The clearance.

    Returns
    -------
    array of shape ``bench.table.shape``, mm
        Lowest place that has to go; inf where nothing has to.
    """
    site = ground.site
    return bench.table.heights(_surface(field.below(level_mm) ^ site.room ^ site.solid), highest=False)


def _words(burr: Burr) -> str:
    """The tool in words."""
    return f"burr of {burr.diameter_mm:g} mm from {burr.approach}"


def _detail(bench: Bench, centres: Array, burr: Burr, approach: Approach) -> dict[str, Any]:
    """Figures of a burr's way."""
    led = np.isfinite(centres)
    return {
        "diameter_mm": burr.diameter_mm,
        "approach": approach.name,
        "from_behind_towards_lateral_deg": approach.lateral_deg,
        "leg_turned_in_deg": approach.turned_in_deg,
        "cone_half_angle_deg": approach.half_angle_deg,
        "cone_source": TEMPLATE,
        "n_passes": int(led.any(axis=1).sum()),
        "between_passes_mm": round(2 * bench.table.step_mm, 3),
    }


def _surface(solid: Manifold) -> Array:
    """Triangles of a solid, shape (N, 3, 3), mm."""
    mesh = solid.to_mesh64()
    corners = np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3]
    out: Array = corners[np.asarray(mesh.tri_verts, dtype=np.int64)]
    return out

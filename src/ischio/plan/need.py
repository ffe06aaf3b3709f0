"""The theoretical minimum: what the moving ischium, thickened by the clearance, sweeps out of the femur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ischio._check import Array
from ischio.geometry.solids import level_solid
from ischio.plan.course import Course
from ischio.plan.site import Resection, Site, resect

if TYPE_CHECKING:
    from manifold3d import Manifold

CELL_MM = 0.75  # of the grid in the trochanter; where the surface sought bends over 10 mm that is 0.007 mm
MET_WITHIN_MM = 0.02  # above the wanted clearance; the solver's own tolerance
LEAST_CLEARANCE_MM = 0.05  # "no bone contact" is asked for as this much: a gap of 0 is contact
_ROUNDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """How near each place of the trochanter ever comes to the ischium.

    Parameters
    ----------
    values_mm : array of shape (I, J, K)
    low_mm : array of shape (3,), mm, patient frame
        First node.
    """

    values_mm: Array
    low_mm: Array

    def below(self, level_mm: float) -> Manifold:
        """Solid of all places that come nearer than a level."""
        return level_solid(self.values_mm, self.low_mm, CELL_MM, level_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """What has to go for a clearance, at least.

    Parameters
    ----------
    wanted_mm : float
    status : str
        "met": nothing has to go. "reached": the solid does it. "beyond": not even all of the room does it;
        the solid is then that for the best clearance that can be reached.
    before_mm, best_mm : float
        Clearance as it is, and with all of the room taken away.
    solid : Manifold
        The tool that takes it, which reaches out of the bone; empty when met.
    resection : Resection or None
    """

    wanted_mm: float
    status: str
    before_mm: float
    best_mm: float
    solid: Manifold
    resection: Resection | None


def field_of(site: Site, course: Course) -> Field:
    """Clearance of each place in the room, over all poses of a course."""
    low_x, low_y, low_z, high_x, high_y, high_z = (site.room ^ site.solid).bounding_box()
    low = np.array([low_x, low_y, low_z]) - 1.5 * CELL_MM
    n = np.ceil((np.array([high_x, high_y, high_z]) + 1.5 * CELL_MM - low) / CELL_MM).astype(int) + 1
    places = np.stack(np.meshgrid(*(np.arange(k) for k in n), indexing="ij"), axis=-1).reshape(-1, 3)
    return Field(course.clearance_at(low + CELL_MM * places).reshape(n), low)


def need(site: Site, course: Course, field: Field, wanted_mm: float, *, jobs: int = 1) -> Need:
    """Find what has to go so that a course is run with a clearance.

    Parameters
    ----------
    site : Site
    course : Course
    field : Field
        Of both.
    wanted_mm : float
        Between trochanter, cut surface included, and ischium, in every pose.
    jobs : int

    Returns
    -------
    Need
        Its clearance, computed again on the cut solid, is at most 0.02 mm over the one wanted.
    """
    from manifold3d import Manifold

    wanted = max(wanted_mm, LEAST_CLEARANCE_MM)
    before = course.least(site.hip.region_triangles("lesser_trochanter"), jobs=jobs)
    if before >= wanted:
        return Need(wanted_mm, "met", before, before, Manifold(), None)
    best = reached(course, resect(site, site.room), jobs=jobs)
    status = "reached" if best >= wanted else "beyond"
    goal = min(wanted, best - MET_WITHIN_MM)
    if goal <= before:  # what can be reached is what there is
        return Need(wanted_mm, "beyond", before, max(best, before), Manifold(), None)
    level, kept = goal, None
    for _ in range(_ROUNDS):
        solid = field.below(level) ^ site.room
        resection = resect(site, solid)
        short = goal - reached(course, resection, jobs=jobs)
        if short <= 0:
            kept = solid, resection
            if short >= -MET_WITHIN_MM:
                break
        level += short + MET_WITHIN_MM / 2
    if kept is None:  # between grid and surface the level is never quite met: all of the room does it
        kept = site.room, resect(site, site.room)
    return Need(wanted_mm, status, before, best, kept[0], kept[1])


def reached(course: Course, resection: Resection, *, jobs: int = 1) -> float:
    """Clearance after a resection.

    Parameters
    ----------
    course : Course
    resection : Resection
    jobs : int

    Returns
    -------
    float
        Least gap of what is left of the trochanter and of the cut surface, over all poses, mm.
    """
    if "lesser_trochanter" not in resection.hip.regions:
        return float("inf")
    return course.least(resection.hip.region_triangles("lesser_trochanter"), jobs=jobs)

"""Plans of one hip: each cut carried out on the solid, and its clearance computed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ischio._check import Array
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import surface_index
from ischio.motion.pairs import CREST, GREATER, SPACE, pair_gaps
from ischio.plan.burr import USUAL, Burr, burr_cut, ground_of
from ischio.plan.course import course_of
from ischio.plan.cuts import Cut, free_plane, minimum, parallel_plane
from ischio.plan.footprint import Footprint, Lost, footprint, lost
from ischio.plan.goals import Goal
from ischio.plan.need import Need, field_of, need
from ischio.plan.pareto import Option, front, sparing_plane
from ischio.plan.site import CORTEX_MARGIN_MM, TROCHANTER, Resection, Site, prepare, resect
from ischio.types import Clearance, Hip

Progress = Callable[[str, float], None]
_DEPTH_SAMPLES = 250
_DEPTH_REACH_MM = 40.0
_SHORT_MM = 0.05  # of a goal that counts as reached: the engine's 0.04 beyond 10 mm, and the level's 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One cut for one goal.

    Parameters
    ----------
    goal : Goal
    status : str
        "reached"; "met": there is nothing to cut; "beyond": the goal is out of reach of this cut, and this is
        its best.
    cut : Cut or None
        ``None`` when met.
    resection : Resection or None
    removed_mm3, depth_mm : float
        The depth of a plane is from the trochanter's most prominent point along its normal; of any other cut
        the greatest depth beneath the former surface.
    lost : Lost
    before, after : mapping of (str, str) to Clearance
        Gaps of each pair over the poses of the goal, by the engine of ``ischio motion``.
    """

    goal: Goal
    status: str
    cut: Cut | None
    resection: Resection | None
    removed_mm3: float
    depth_mm: float
    lost: Lost
    before: Mapping[tuple[str, str], Clearance]
    after: Mapping[tuple[str, str], Clearance]

    @property
    def reached_mm(self) -> float:
        """Least gap of trochanter, cut surface included, and ischium over the goal's floor, after it."""
        return float((self.after[SPACE].gap_mm - self.goal.floor_mm).min())


@dataclass(frozen=True, slots=True, eq=False)
class HipPlans:
    """All plans of one hip for one goal.

    Parameters
    ----------
    site : Site
    need : Need
    footprint : Footprint
    plans : tuple of Plan
    front : tuple of Option
        The trade-off; empty where there is nothing to gain.
    """

    site: Site
    need: Need
    footprint: Footprint
    plans: tuple[Plan, ...]
    front: tuple[Option, ...]

    @property
    def hip(self) -> Hip:
        """The hip before any cut."""
        return self.site.hip


def plan_hip(
    hip: Hip,
    goal: Goal,
    *,
    burr: Burr = USUAL,
    margin_mm: float = CORTEX_MARGIN_MM,
    jobs: int = 1,
    progress: Progress = lambda _words, _fraction: None,
) -> HipPlans:
    """Plan the smallest resections of one hip for a goal.

    Parameters
    ----------
    hip : Hip
    goal : Goal
    burr : Burr
        Tool and approach of the cut with a burr.
    margin_mm : float
        Bone to be left standing over the smooth femur.
    jobs : int
        Threads; the result does not depend on it.
    progress : callable

    Returns
    -------
    HipPlans

    Raises
    ------
    CannotMeasure
        If a landmark, region or frame is missing that a plan needs.
    InputError
        If the femur's surface bounds no solid.

    Examples
    --------
    >>> from ischio import phantoms
    >>> from ischio.plan.goals import goal_of
    >>> from ischio.types import Side
    >>> hip = phantoms.sphere_on_cylinder(Side.LEFT, gap_mm=8.0)
    >>> first = plan_hip(hip, goal_of(hip, 12.0)).plans[0]
    >>> first.cut.name, round(first.depth_mm, 1), round(first.reached_mm, 1)
    ('parallel_to_posterior_cortex', 4.0, 12.0)
    """
    progress("preparing the femur", 0.0)
    site = prepare(hip, margin_mm=margin_mm)
    course = course_of(hip, goal.poses, goal.floor_mm, jobs=jobs)
    where = footprint(site)
    progress("what has to go", 0.2)
    field = field_of(site, course)
    found = need(site, course, field, goal.clearance_mm, jobs=jobs)
    before, _ = pair_gaps(hip, goal.poses, (SPACE, CREST, GREATER), jobs=jobs)
    if found.resection is None:
        none = Plan(goal, found.status, None, None, 0.0, 0.0, Lost(0.0, 0.0, 0.0), before, before)
        return HipPlans(site, found, where, (none,), ())
    progress("planes and burr", 0.3)
    ground = ground_of(site, burr.diameter_mm / 2)
    burred, by_burr = burr_cut(ground, course, field, found, burr, jobs=jobs)
    planes = (
        parallel_plane(site, found.solid),
        free_plane(site, found.solid),
        sparing_plane(site, found.solid, where),
    )
    cuts = (*((one, resect(site, one.tool)) for one in planes), (burred, by_burr))
    plans = []
    for number, (cut, resection) in enumerate((*cuts, (minimum(found), found.resection))):
        progress(cut.words, 0.5 + 0.06 * number)
        plans.append(_plan(site, goal, found, where, cut, resection, before, jobs))
    progress("the trade-off", 0.8)
    trade_off = front(site, course, field, found, where, ground, burred)
    return HipPlans(site, found, where, tuple(plans), trade_off)


def _plan(
    site: Site,
    goal: Goal,
    found: Need,
    where: Footprint,
    cut: Cut,
    resection: Resection,
    before: Mapping[tuple[str, str], Clearance],
    jobs: int,
) -> Plan:
    """Compute gaps and cost of a cut that was carried out."""
    after, _ = pair_gaps(resection.hip, goal.poses, (SPACE, CREST, GREATER), jobs=jobs)
    depth = deepest(site, resection) if cut.depth_mm is None else cut.depth_mm
    reached = float((after[SPACE].gap_mm - goal.floor_mm).min()) >= goal.clearance_mm - _SHORT_MM
    return Plan(
        goal,
        found.status if reached else "beyond",
        cut,
        resection,
        resection.removed_mm3,
        depth,
        lost(where, site, resection),
        before,
        after,
    )


def deepest(site: Site, resection: Resection) -> float:
    """Greatest depth of the cut surface beneath the former surface, mm."""
    if len(resection.cut_mm) == 0:
        return 0.0
    points, _, _ = sample_surface(resection.cut_mm, _DEPTH_SAMPLES)
    surface = surface_index(site.femur)
    feet = [surface.nearest(point, _DEPTH_REACH_MM) for point in points]
    return max(
        float(np.linalg.norm(foot - point))
        for foot, point in zip(feet, points, strict=True)
        if foot is not None
    )


def standing_bone(site: Site, plan: Plan) -> dict[str, Any]:
    """What remains of the trochanter and over the shaft after a cut."""
    whole = (site.solid ^ site.room).volume()
    cut: Array = np.empty((0, 3, 3)) if plan.resection is None else plan.resection.cut_mm
    hip = site.hip if plan.resection is None else plan.resection.hip
    left = hip.region_triangles(TROCHANTER).reshape(-1, 3)
    return {
        "trochanter_left_fraction": round(1 - plan.removed_mm3 / whole, 4),
        "trochanter_height_left_mm": round(float(site.smooth.height(left).max()), 2),
        "least_over_cortex_mm": None
        if len(cut) == 0
        else round(max(float(site.smooth.height(cut.reshape(-1, 3)).min()), 0.0), 2),
        "cut_area_mm2": 0.0 if plan.resection is None else round(plan.resection.cut_area_mm2, 1),
    }

"""The trade-off: clearance restored against bone and attachment, over planes of all directions and a burr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ischio._check import Array
from ischio.geometry.sampling import face_normals
from ischio.geometry.solids import volume_above
from ischio.plan.burr import Bench, Ground, asked_for, bench_of
from ischio.plan.course import Course
from ischio.plan.cuts import SPARING, Cut, directions, levels_of, plane_at
from ischio.plan.footprint import Footprint, lost
from ischio.plan.need import MET_WITHIN_MM, Field, Need, reached
from ischio.plan.site import TROCHANTER, Site, resect

if TYPE_CHECKING:
    from manifold3d import Manifold

N_LEVELS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """A cut on the front.

    Parameters
    ----------
    kind : str
        "plane" or "burr".
    clearance_mm : float
        Over the course: of a plane by the field, to 0.05 mm, of the burr computed again on the solid.
    removed_mm3, lost_fraction : float
        The share that a plane takes is by whole faces.
    least_mm3 : float
        The theoretical minimum for the same clearance.
    normal : array of shape (3,), patient frame
        Of the plane, or the axis of the burr; out of the bone.
    level_mm : float or None
        Of the plane along its normal, from the origin.
    """

    kind: str
    clearance_mm: float
    removed_mm3: float
    lost_fraction: float
    least_mm3: float
    normal: Array
    level_mm: float | None


def front(
    site: Site,
    course: Course,
    field: Field,
    found: Need,
    where: Footprint,
    ground: Ground,
    burred: Cut,
) -> tuple[Option, ...]:
    """Every plane, and every depth of the burr, that no other one beats.

    Parameters
    ----------
    site : Site
    course : Course
    field : Field
    found : Need
        Gives the clearance as it is and the best that can be reached: ten steps between.
    where : Footprint
    ground : Ground
        Of the burr.
    burred : Cut
        By the burr: gives its axis.

    Returns
    -------
    tuple of Option
        For no two of them one has as much clearance, no more bone and no more attachment lost than the other.
    """
    if found.best_mm <= found.before_mm:
        return ()
    normals = directions(site)
    assert burred.direction is not None
    bench = bench_of(ground, burred.direction, burred.detail["diameter_mm"] / 2)
    span = found.best_mm - found.before_mm
    options = []
    for step in range(1, N_LEVELS + 1):
        clearance = found.before_mm + span * step / N_LEVELS
        if step == N_LEVELS:
            clearance -= 0.02 * span  # the room's very floor is met by no level
        solid = field.below(clearance) ^ site.room
        least = float((site.solid ^ solid).volume())
        if least <= 0:
            continue
        levels = levels_of(site, solid, normals)
        volumes = volume_above(site.bone_mm, normals, levels)
        losses = attachment_lost(site, where, normals, levels)
        options += [
            Option("plane", clearance, float(volume), float(loss), least, normal, float(level))
            for volume, loss, normal, level in zip(volumes, losses, normals, levels, strict=True)
        ]
        options.append(_burr_option(course, field, where, ground, bench, clearance))
    costs = [[-one.clearance_mm, one.removed_mm3, one.lost_fraction] for one in options]
    return tuple(options[row] for row in best(np.array(costs).reshape(-1, 3)))


def _burr_option(
    course: Course, field: Field, where: Footprint, ground: Ground, bench: Bench, level_mm: float
) -> Option:
    """The burr led over what has to go for a clearance: what it takes, and what that gains."""
    site = ground.site
    tool = bench.tool(bench.centres(asked_for(bench, ground, field, level_mm)))
    resection = resect(site, tool, room=ground.room)
    clearance = reached(course, resection)
    least = (field.below(clearance - MET_WITHIN_MM) ^ site.room ^ site.solid).volume()
    share = lost(where, site, resection).iliopsoas_fraction
    return Option("burr", clearance, resection.removed_mm3, share, float(least), bench.table.axes[2], None)


def sparing_plane(site: Site, solid: Manifold, where: Footprint) -> Cut:
    """Plane of the direction that takes the least attachment; of equal ones, the least bone.

    Parameters
    ----------
    site : Site
    solid : Manifold
        What has to go.
    where : Footprint

    Returns
    -------
    Cut
        Of the directions tried; losses are compared by whole faces.
    """
    normals = directions(site)
    levels = levels_of(site, solid, normals)
    losses = attachment_lost(site, where, normals, levels)
    volumes = volume_above(site.bone_mm, normals, levels)
    row = int(np.lexsort((volumes, np.round(losses, 6)))[0])
    words = "plane whose direction takes the least of the iliopsoas's attachment"
    return plane_at(site, float(levels[row]), normals[row], SPARING, words)


def best(costs: Array) -> list[int]:
    """Rows that no other row beats: none is at most as large in every column and smaller in one.

    Parameters
    ----------
    costs : array of shape (N, K)

    Returns
    -------
    list of int

    Examples
    --------
    >>> best(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 4.0], [3.0, 1.0]]))
    [0, 1, 3]
    """
    keep = []
    for row, cost in enumerate(costs):
        no_worse = (costs <= cost).all(axis=1)
        if not (no_worse & (costs < cost).any(axis=1)).any():
            keep.append(row)
    return keep


def attachment_lost(site: Site, where: Footprint, normals: Array, levels: Array) -> Array:
    """Share of the attachment that planes take, by whole faces.

    Parameters
    ----------
    site : Site
    where : Footprint
    normals : array of shape (N, 3)
    levels : array of shape (N,), mm

    Returns
    -------
    array of shape (N,)
    """
    own = set(site.hip.regions[TROCHANTER].face_indices.tolist())
    rows = np.concatenate([where.psoas.face_indices, where.iliacus.face_indices])
    triangles = site.femur.triangles_mm[rows]
    areas = face_normals(triangles)[1]
    in_room = np.array([row in own for row in rows.tolist()])
    above = (triangles.mean(axis=1) @ normals.T > levels) & in_room[:, None]
    out: Array = areas @ above / areas.sum()
    return out

"""Cuts that a surgeon can make: planes, each just large enough to hold all that has to go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ischio._check import Array
from ischio.geometry.sampling import face_normals
from ischio.geometry.solids import half_space, volume_above
from ischio.plan.need import Need
from ischio.plan.site import TROCHANTER, Site

if TYPE_CHECKING:
    from manifold3d import Manifold

PARALLEL, FREE, MINIMUM = "parallel_to_posterior_cortex", "free_plane", "theoretical_minimum"
SPARING, BURR = "attachment_sparing_plane", "burr"
CUT_NAMES = (PARALLEL, FREE, SPARING, BURR, MINIMUM)
_REACH_MM = 80.0
_SEAM_MM = 0.003  # a plane lies this much beneath what it has to take: no film is left of it
_FREE_CONE_DEG = 75.0  # how far a free plane's normal leans from the way the trochanter points
_FREE_NORMALS = 120


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A tool in place.

    Parameters
    ----------
    kind : str
        "plane", "burr" or "minimum".
    name : str
        Which one of its kind.
    words : str
    tool : Manifold
    direction : array of shape (3,) or None
        Unit vector of the patient frame, out of the bone: the plane's normal, or the axis of the burr.
    point_mm : array of shape (3,) or None
        On the plane.
    depth_mm : float or None
        Of a plane: from the trochanter's most prominent point along ``direction``.
    detail : dict
        Figures of its own.
    """

    kind: str
    name: str
    words: str
    tool: Manifold
    direction: Array | None = None
    point_mm: Array | None = None
    depth_mm: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def minimum(found: Need) -> Cut:
    """The theoretical minimum as a cut: no instrument makes it, none can take less."""
    words = (
        "what the ischium, thickened by the clearance, sweeps out of the trochanter; no instrument cuts it"
    )
    return Cut("minimum", MINIMUM, words, found.solid)


def plane(site: Site, solid: Manifold, normal: Array, name: str, words: str) -> Cut:
    """Plane of a direction that takes all of a solid, and no more than it must.

    Parameters
    ----------
    site : Site
    solid : Manifold
        What has to go; only the bone in it counts.
    normal : array of shape (3,)
        Unit vector out of the bone.
    name, words : str

    Returns
    -------
    Cut
    """
    return plane_at(site, float(levels_of(site, solid, normal[None])[0]), normal, name, words)


def plane_at(site: Site, level: float, normal: Array, name: str, words: str) -> Cut:
    """Plane of a direction through a level along it.

    Parameters
    ----------
    site : Site
    level : float
        From the origin of the patient frame along ``normal``, mm.
    normal : array of shape (3,)
        Unit vector out of the bone.
    name, words : str

    Returns
    -------
    Cut
    """
    point = site.tip_mm + (level - site.tip_mm @ normal) * normal
    depth = prominence(site, normal) - level
    return Cut("plane", name, words, half_space(normal, point, _REACH_MM), normal, point, float(depth))


def prominence(site: Site, normal: Array) -> float:
    """Level of the trochanter's most prominent point along a direction, mm."""
    return float((site.hip.region_triangles(TROCHANTER).reshape(-1, 3) @ normal).max())


def parallel_plane(site: Site, solid: Manifold) -> Cut:
    """Plane parallel to the posterior cortex, as burred in the cadaver study."""
    words = "plane parallel to the posterior cortex of the shaft"
    return plane(site, solid, site.back, PARALLEL, words)


def parallel_plane_at_depth(site: Site, depth_mm: float) -> Cut:
    """Plane parallel to the posterior cortex at a depth from the trochanter's hindmost point."""
    level = prominence(site, site.back) - depth_mm
    words = "plane parallel to the posterior cortex of the shaft"
    return plane_at(site, level, site.back, PARALLEL, words)


def free_plane(site: Site, solid: Manifold) -> Cut:
    """Plane of the direction that takes the least bone of all planes.

    Notes
    -----
    Straight back and 120 directions up to 75 degrees from the way the trochanter points are tried, then the
    best is improved by halving steps down to 0.3 degree: the least bone near the best direction, not proven
    over all.
    """
    best = _best(volumes(site, solid, directions(site)))
    step = np.radians(8.0)
    while step > np.radians(0.3):
        across = np.linalg.svd(best[1][None])[2][1:]
        turns = [best[1] + np.tan(step) * (np.cos(a) * across[0] + np.sin(a) * across[1]) for a in _AROUND]
        around = [one / np.linalg.norm(one) for one in turns]
        better = _best(volumes(site, solid, np.array(around)))
        if better[0] < best[0]:
            best = better
        else:
            step /= 2
    words = "plane whose direction takes the least bone"
    return plane(site, solid, best[1], FREE, words)


_AROUND = np.arange(6) * np.pi / 3


def directions(site: Site) -> Array:
    """Directions that a free plane may have, shape (N, 3): straight back, and others evenly spread."""
    triangles = site.hip.region_triangles(TROCHANTER)
    normals, areas = face_normals(triangles)
    outward = normals.T @ areas
    outward = outward / np.linalg.norm(outward)
    k = np.arange(_FREE_NORMALS) + 0.5
    rise = 1 - k / _FREE_NORMALS * (1 - np.cos(np.radians(_FREE_CONE_DEG)))
    turn = np.pi * (1 + np.sqrt(5.0)) * k
    across = np.linalg.svd(outward[None])[2][1:]
    flat = np.sqrt(1 - rise**2)
    spread = (
        rise[:, None] * outward
        + (flat * np.cos(turn))[:, None] * across[0]
        + (flat * np.sin(turn))[:, None] * across[1]
    )
    return np.vstack([site.back, spread])


def volumes(site: Site, solid: Manifold, normals: Array) -> list[tuple[float, Array]]:
    """Bone that the plane of each direction takes.

    Parameters
    ----------
    site : Site
    solid : Manifold
        What has to go.
    normals : array of shape (N, 3)

    Returns
    -------
    list of (float, array of shape (3,))
        Volume in mm3 and direction.
    """
    levels = levels_of(site, solid, normals)
    return list(zip(volume_above(site.bone_mm, normals, levels).tolist(), normals, strict=True))


def levels_of(site: Site, solid: Manifold, normals: Array) -> Array:
    """Levels of planes just beneath all bone in a solid.

    Parameters
    ----------
    site : Site
    solid : Manifold
    normals : array of shape (N, 3)

    Returns
    -------
    array of shape (N,), mm
        Along each normal, from the origin of the patient frame.
    """
    out: Array = (_corners(site, solid) @ normals.T).min(axis=0) - _SEAM_MM
    return out


def _corners(site: Site, solid: Manifold) -> Array:
    """Corners of the bone in a solid, shape (N, 3)."""
    return np.asarray((site.solid ^ solid).to_mesh64().vert_properties, dtype=np.float64)[:, :3]


def _best(found: list[tuple[float, Array]]) -> tuple[float, Array]:
    """The direction that takes the least."""
    return min(found, key=lambda one: one[0])

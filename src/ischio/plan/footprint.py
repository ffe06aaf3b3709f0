"""Where the iliopsoas is attached: two patches, from descriptions of the anatomy alone.

Frozen: the rule was written down from anatomy texts before any comparison with the loss of attachment that
was measured on cadavers, and is not to be changed to meet it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ischio._check import Array
from ischio.geometry.sampling import face_normals
from ischio.plan.site import TROCHANTER, Resection, Site
from ischio.types import Region

METHOD = "psoas_on_tip_iliacus_in_front_and_below@1"
_TENDON_SHARE = 0.5  # of the trochanter's height: the tendon takes its upper half, round the tip
# "into the body of the femur for about 2.5 cm below and in front of the lesser trochanter" (Gray's Anatomy)
_BELOW_MM = 25.0
_FRONT_DEG = 45.0  # from the tip's meridian to the front: the shaft's anteromedial face


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Attachment of the iliopsoas on a femur.

    Parameters
    ----------
    psoas : Region
        The tendon: the trochanter round its tip, where it stands at least half its height.
    iliacus : Region
        Muscle: the trochanter in front of its tip, and the shaft below it, in front.
    """

    psoas: Region
    iliacus: Region


@dataclass(frozen=True, slots=True)
class Lost:
    """Shares of the attachment that a cut takes, 0 to 1, by area."""

    psoas_fraction: float
    iliacus_fraction: float
    iliopsoas_fraction: float


def footprint(site: Site) -> Footprint:
    """Find both patches on a femur.

    Parameters
    ----------
    site : Site

    Returns
    -------
    Footprint
        Faces of the femur before any cut; whole faces, so the borders are off by half an edge.

    Notes
    -----
    A template: muscle is not seen on bone. The number of the tendon's bands and how far the iliacus reaches
    differ between people.

    References
    ----------
    .. [1] Gray's Anatomy: psoas into the lesser trochanter, iliacus into its front and the shaft below.
    .. [2] Hapa et al. 2018, Acta Orthop Traumatol Turc, 10.1016/j.aott.2017.11.006: what it is compared with.
    """
    femur = site.femur
    triangles = femur.triangles_mm
    middles, areas = triangles.mean(axis=1), face_normals(triangles)[1]
    rows = np.flatnonzero(np.linalg.norm(middles - site.tip_mm, axis=1) < 2 * _BELOW_MM)
    on_trochanter = np.zeros(len(middles), dtype=bool)
    on_trochanter[site.hip.regions[TROCHANTER].face_indices] = True
    flat, _, outward = site.cylinder(middles[rows])
    height = site.smooth.height(middles[rows])
    own = on_trochanter[rows]
    is_psoas = own & (height >= _TENDON_SHARE * height[own].max())
    in_front = (middles[rows] - site.tip_mm) @ site.back < 0
    tip_outward = site.cylinder(site.tip_mm[None])[2][0]
    forward = (
        -site.back + (site.back @ tip_outward) * tip_outward
    )  # round the shaft from the tip to the front
    turn = np.degrees(np.arctan2(outward @ (forward / np.linalg.norm(forward)), outward @ tip_outward))
    facing = np.einsum("ij,ij->i", face_normals(triangles[rows])[0], outward) > 0
    below = ~own & (flat[:, 1] < 0) & (flat[:, 1] > -_BELOW_MM) & (turn > 0) & (turn < _FRONT_DEG) & facing
    is_iliacus = (own & in_front & ~is_psoas) | below

    def region(name: str, chosen: Array) -> Region:
        faces = rows[chosen]
        return Region(name, site.hip.side, "femur", faces, float(areas[faces].sum()), METHOD)

    return Footprint(region("psoas_attachment", is_psoas), region("iliacus_attachment", is_iliacus))


def lost(where: Footprint, site: Site, resection: Resection) -> Lost:
    """Shares of the attachment that a resection takes.

    Parameters
    ----------
    where : Footprint
    site : Site
    resection : Resection

    Returns
    -------
    Lost
    """
    areas = face_normals(site.femur.triangles_mm)[1]
    gone = areas * (1 - resection.kept_fraction)
    parts = [(float(gone[one.face_indices].sum()), one.area_mm2) for one in (where.psoas, where.iliacus)]
    total = sum(cut for cut, _ in parts) / sum(all_ for _, all_ in parts)
    psoas, iliacus = (round(cut / whole, 6) for cut, whole in parts)
    return Lost(psoas, iliacus, round(total, 6))

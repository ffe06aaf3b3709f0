"""The base of the lesser trochanter: the plane that its region stands on."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from ischio.geometry.sampling import face_normals
from ischio.landmarks.rim import resampled
from ischio.types import Bone, Landmark, Region

METHOD = "middle_of_region_outline@1"
_SPACING_MM = 0.5
_METHOD_SIGMA_MM = 1.0  # beside that of the tip: both hang on where the smooth femur is


def trochanter_base(bone: Bone, region: Region, tip: Landmark) -> Landmark:
    """Middle of the region's border, with the plane through it.

    Parameters
    ----------
    bone : Bone
        The femur whose faces the region names.
    region : Region
        ``lesser_trochanter``: what stands 2 mm proud of the smooth femur.
    tip : Landmark
        Its tip.

    Returns
    -------
    Landmark
        ``lesser_trochanter_base``: the mean along the region's outline as seen from above its tip (the convex
        one: whatever the mesh does along the border). The outline lies on the surface; its middle lies in
        the bone beneath the trochanter. Detail holds ``normal``, the
        unit normal of the outline's plane of least squares, outwards; ``rms_mm`` from it; ``border_mm``, its
        length; and ``height_mm``, of the tip over the plane.
    """
    triangles = bone.triangles_mm[region.face_indices]
    areas = face_normals(triangles)[1]
    outwards = tip.point_mm - np.average(triangles.mean(axis=1), axis=0, weights=areas)
    across = np.linalg.svd(outwards[None])[2][1:]
    corners = triangles.reshape(-1, 3)
    border = resampled(corners[ConvexHull(corners @ across.T).vertices], _SPACING_MM)
    centre = border.mean(axis=0)
    normal = np.linalg.svd(border - centre)[2][2]
    height = float((tip.point_mm - centre) @ normal)
    detail = {
        "normal": (normal * np.sign(height)).tolist(),
        "rms_mm": float(np.sqrt((((border - centre) @ normal) ** 2).mean())),
        "border_mm": _SPACING_MM * len(border),
        "height_mm": abs(height),
    }
    sigma = float(np.hypot(tip.sigma_mm, _METHOD_SIGMA_MM))
    return Landmark("lesser_trochanter_base", tip.side, centre, bone.frame, sigma, METHOD, detail)

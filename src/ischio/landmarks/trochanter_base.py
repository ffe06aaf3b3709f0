"""The base of the lesser trochanter: the plane that its region stands on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import ConvexHull

from ischio.geometry.sampling import face_normals
from ischio.landmarks.rim import resampled
from ischio.types import Bone, Landmark, Region

METHOD = "middle_of_region_outline@1"
_SPACING_MM = 0.5
# Of ten femora of seven people the tips lie within 0.7 mm of the middle of the upper half (one stair-stepped
# at 2.2 mm), 6 to 10.7 mm high; bumps of 5 mm moved tips by 5 to 9 mm, and these two by 1 to 3 mm.
_USUALLY_OFF_MM, _OFF_GAIN = 0.5, 3.0
_USUALLY_AT_MOST_MM, _HEIGHT_GAIN = 10.0, 3.5
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


def doubted_tip(bone: Bone, region: Region, tip: Landmark, base: Landmark) -> Landmark:
    """The tip, less certain where the trochanter is higher than others or its top lies off its middle.

    Parameters
    ----------
    bone, region, tip
        As for ``trochanter_base``.
    base : Landmark
        From it.

    Returns
    -------
    Landmark
        The same point; detail also holds ``off_middle_mm``, its distance across from the middle of the
        trochanter's upper half. An osteophyte or a faulty segmentation that stands out more than the tip
        does takes its place: this is what then shows.
    """
    normal = np.asarray(base.detail["normal"])
    triangles = bone.triangles_mm[region.face_indices]
    middles, areas = triangles.mean(axis=1), face_normals(triangles)[1]
    height = (middles - base.point_mm) @ normal
    upper = height >= 0.5 * height.max()
    off = tip.point_mm - np.average(middles[upper], axis=0, weights=areas[upper])
    off_mm = float(np.linalg.norm(off - (off @ normal) * normal))
    strange = (
        _OFF_GAIN * max(0.0, off_mm - _USUALLY_OFF_MM),
        _HEIGHT_GAIN * max(0.0, float(tip.detail["height_mm"]) - _USUALLY_AT_MOST_MM),
    )
    sigma = float(np.linalg.norm([tip.sigma_mm, *strange]))
    return replace(tip, sigma_mm=sigma, detail={**tip.detail, "off_middle_mm": off_mm})

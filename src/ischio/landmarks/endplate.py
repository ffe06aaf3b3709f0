"""The upper endplate of the first sacral vertebra: the plane that pelvic incidence refers to."""

from __future__ import annotations

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.geometry.connect import connected_faces
from ischio.geometry.sampling import face_normals
from ischio.landmarks.grain import grain_mm
from ischio.types import Bone, Landmark

METHOD = "plane_through_endplate@1"
_RADIUS_MM = 28.0  # half the width of a large endplate
_FLAT_COSINE = 0.8
_THICKNESS_MM = 4.0  # endplates are hollow by 1-3 mm, their edge stands up
_ROUNDS = 6
_MIN_AREA_MM2, _MAX_RMS_MM = 400.0, 1.8
_SIGMA_MM = 3.0  # where the edge is rounded the patch ends a little sooner or later
_LEAST_SIGMA_DEG = 2.0  # what the same costs in direction; readers of radiographs differ by 2-4 degrees


def endplate(bone: Bone, start_mm: Array, normal: Array) -> Landmark:
    """Fit a plane to the upper endplate of the sacrum.

    Parameters
    ----------
    bone : Bone
        The sacrum, or a pelvis in one surface.
    start_mm : array of shape (3,), mm
        Roughly the middle of the endplate, on the surface.
    normal : array of shape (3,)
        Roughly its unit normal, upwards.

    Returns
    -------
    Landmark
        ``sacral_endplate_centre``: the middle of the patch's area. Its detail holds ``normal``, the unit
        normal upwards, ``sigma_deg`` of it, ``rms_mm`` of the patch about the plane and ``area_mm2``.

    Raises
    ------
    CannotMeasure
        If no flat surface of an endplate's size is there: it is cut away, covered or deformed.

    Notes
    -----
    The patch is the connected surface round the middle that faces along the normal within 37 degrees, lies
    within 4 mm of the plane and within 28 mm of the middle. Plane and patch are found in turn until both
    stand still.

    References
    ----------
    .. [1] Legaye et al. 1998, Eur Spine J 7:99 (pelvic incidence: middle and normal of this plate).
    """
    triangles = bone.triangles_mm
    middles = triangles.mean(axis=1)
    near = np.flatnonzero(np.linalg.norm(middles - start_mm, axis=1) < 1.5 * _RADIUS_MM)
    normals, areas = face_normals(triangles[near])
    places = middles[near]
    centre, area, rms = start_mm, 0.0, np.inf
    for _ in range(_ROUNDS):
        away = places - centre
        flat = (normals @ normal > _FLAT_COSINE) & (np.abs(away @ normal) < _THICKNESS_MM)
        flat &= np.linalg.norm(away, axis=1) < _RADIUS_MM
        rows = np.flatnonzero(flat)
        if len(rows) == 0:
            raise CannotMeasure("no flat surface lies where the upper endplate of the sacrum should be")
        seed = rows[np.argmin(np.linalg.norm(away[rows], axis=1))]
        patch = np.searchsorted(near, connected_faces(bone.faces, near[rows], int(near[seed])))
        weight = areas[patch]
        area = float(weight.sum())
        centre = np.average(places[patch], axis=0, weights=weight)
        local = places[patch] - centre
        spread, axes = np.linalg.eigh((local * weight[:, None]).T @ local / area)
        normal = axes[:, 0] * np.sign(axes[:, 0] @ normal)
        rms = float(np.sqrt(max(spread[0], 0.0)))
    if area < _MIN_AREA_MM2 or rms > _MAX_RMS_MM:
        raise CannotMeasure(
            f"the upper endplate of the sacrum is not seen: {area:.0f} mm2 are flat there (at least "
            f"{_MIN_AREA_MM2:.0f}), {rms:.1f} mm from a plane (at most {_MAX_RMS_MM:g})"
        )
    radius = float(np.sqrt(area / np.pi))
    sigma_deg = float(np.hypot(_LEAST_SIGMA_DEG, np.degrees(rms / radius)))
    sigma = float(np.hypot(_SIGMA_MM, grain_mm(bone)))
    detail = {"normal": normal.tolist(), "sigma_deg": sigma_deg, "rms_mm": rms, "area_mm2": area}
    return Landmark("sacral_endplate_centre", None, centre, bone.frame, sigma, METHOD, detail)

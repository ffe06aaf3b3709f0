"""Promontory and upper endplate of the sacrum, looked for where the pelvis's model says."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array, CannotMeasure
from ischio.atlas.model import bone_model, vertex_normals
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.endplate import endplate
from ischio.landmarks.findings import MAX_COEFFICIENT, on_surface
from ischio.landmarks.grain import grain_mm
from ischio.landmarks.registration import ModelFit, fit_shape
from ischio.types import Bone, Landmark

MIDLINE_POINTS = ("sacral_promontory", "sacral_centre", "sacral_endplate_centre")
# Placed by eye on pictures of the model's mean, in its own coordinates.
_PROMONTORY_MM = (-61.5, -6.0, 1293.0)
_ENDPLATE_MIDDLE_MM = (-61.5, 9.0, 1308.0)
_N_SAMPLES = 1500
_MODES = (0, 3, 6, 10, 15, 20, 20, 20)
_REACH_MM = 10.0
# Root mean square errors on the 26 people, each left out of the model, and 1.7 mm between readers.
_SIGMA_MM = {"sacral_promontory": 4.3, "sacral_centre": 2.9}
_ENDPLATE_RADIUS_MM = 14.0
_ENDPLATE_COSINE = 0.6


def sacrum_landmarks(bones: tuple[Bone, ...], start: ModelFit) -> tuple[dict[str, Landmark], dict[str, str]]:
    """Find the sacral promontory and the middle of the S1 endplate.

    Parameters
    ----------
    bones : tuple of Bone
        The sacrum with the hip bones, or the joined pelvis alone.
    start : ModelFit
        The pelvis's model as laid over a hip bone or the pelvis.

    Returns
    -------
    landmarks : dict of str to Landmark
        By ``MIDLINE_POINTS``.
    reasons : dict of str to str
    """
    samples = [sample_surface(bone.triangles_mm, _N_SAMPLES)[:2] for bone in bones]
    points, normals = (np.concatenate([sample[k] for sample in samples]) for k in range(2))
    fit = fit_shape(start, points, normals, np.zeros(0, dtype=np.int64), _MODES)
    if np.abs(fit.coefficients).max() > MAX_COEFFICIENT:
        return {}, dict.fromkeys(
            MIDLINE_POINTS, "the sacrum does not lie between the hip bones as in any pelvis known"
        )
    mean = bone_model("pelvis").mean_mm
    flip = [-1.0 if fit.model.is_mirrored else 1.0, 1.0, 1.0]
    bone = next((bone for bone in bones if bone.name == "sacrum"), bones[0])
    landmarks: dict[str, Landmark] = {}
    reasons: dict[str, str] = {}
    for name, place in (("sacral_promontory", _PROMONTORY_MM), ("sacral_centre", _ENDPLATE_MIDDLE_MM)):
        vertex = int(cKDTree(mean).query(np.array(place))[1])
        beside = fit.scale * fit.rotation @ ((np.array(place) - mean[vertex]) * flip)
        point = on_surface(bone, fit.vertices_mm[vertex] + beside, _REACH_MM)
        if point is None:
            reasons[name] = "the sacrum's surface does not reach it"
            continue
        sigma = float(np.hypot(_SIGMA_MM[name], grain_mm(bone)))
        landmarks[name] = Landmark(name, None, point, bone.frame, sigma, "model_transfer@1")
    vertex = int(cKDTree(mean).query(np.array(_ENDPLATE_MIDDLE_MM))[1])
    try:
        if "sacral_centre" in reasons:
            raise CannotMeasure(reasons["sacral_centre"])
        plate = endplate(bone, landmarks["sacral_centre"].point_mm, _endplate_normal(fit, vertex))
        landmarks[plate.name] = plate
    except CannotMeasure as missing:
        reasons["sacral_endplate_centre"] = str(missing)
    return landmarks, reasons


def _endplate_normal(fit: ModelFit, middle: int) -> Array:
    """Mean direction of the laid model's endplate round its middle, a unit vector upwards."""
    normals = vertex_normals(fit.vertices_mm, fit.model.faces)
    near = np.linalg.norm(fit.vertices_mm - fit.vertices_mm[middle], axis=1) < _ENDPLATE_RADIUS_MM * fit.scale
    near &= normals @ normals[middle] > _ENDPLATE_COSINE
    total = normals[near].sum(axis=0)
    return np.asarray(total / np.linalg.norm(total), dtype=np.float64)

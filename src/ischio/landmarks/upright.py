"""Lay the shape model over a piece of bone without its ball, from what the patient's axes say.

Head and socket anchor a bone's model in any position. Where the scan ends before them, the patient's axes
still say which way is up: the model is tried at every level in a few directions, and refined as usual.
Flat faces that close a bone where the scan ends are no bone: they are left out.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ischio._check import Array, CannotMeasure
from ischio.atlas.model import BoneModel, vertex_normals
from ischio.atlas.template import Template
from ischio.geometry.sampling import face_normals
from ischio.landmarks.cut_ends import without_cut_faces
from ischio.landmarks.findings import N_SAMPLES
from ischio.landmarks.grain import steady_sample
from ischio.landmarks.registration import ModelFit, Placement, fit_shape, follow
from ischio.types import Bone, Side

FEMUR_TURNS_DEG = tuple(product((-5.0, 15.0, 35.0), (-8.0, 8.0), (-35.0, -10.0, 15.0, 40.0)))
"""Flexion, adduction, external rotation of a femur on a table, against the model's posture."""
PELVIS_TURNS_DEG = tuple(product((-20.0, 0.0, 20.0), (0.0,), (-8.0, 8.0)))
_LEVEL_MM = 12.0  # between tried levels
_LEAST_MM = 60.0  # of the model above its lowest point: where the bone may end above
_N_COARSE, _N_FINE = 150, 600
_N_REFINED = 24
_N_FREE = 5  # placements that the shape is let free from
_FIRST, _THEN = (0, 3, 3, 6, 6), (10, 10, 15, 15, 20, 20, 20, 20)
_UPPER_MM = 140.0  # a hip bone without its socket is shorter
_SIZE_SIGMA = 0.1  # of adults


def lay_upright(
    bone: Bone, models: dict[Side, tuple[BoneModel, Template]], turns_deg: tuple[tuple[float, ...], ...]
) -> tuple[Side, ModelFit, float]:
    """The model of each side laid over a piece of bone that stands in patient axes.

    Parameters
    ----------
    bone : Bone
        In patient LPS.
    models : dict of Side to (BoneModel, Template)
    turns_deg : tuple of (flexion, adduction, external rotation)

    Returns
    -------
    side : Side
        Whose model fits better.
    fit : ModelFit
    other_side_ratio : float

    Raises
    ------
    CannotMeasure
        If nothing but flat ends is left of it.
    """
    kept = without_cut_faces(bone)
    if not kept.any():
        raise CannotMeasure("the bone is too small to be told")
    # What lies far below is a shaft, which tells little and bows as people's do.
    kept &= bone.middles_mm[:, 2] > bone.middles_mm[kept, 2].max() - _UPPER_MM
    points, normals = steady_sample(bone, bone.triangles_mm[kept], N_SAMPLES)
    fits: dict[Side, ModelFit] = {}
    for side, (model, template) in models.items():
        placed = _placed(model, _own_side(model, template), points, normals, side, turns_deg)
        if not placed:
            raise CannotMeasure("the bone is too small to be told")
        fits[side] = min(
            (
                fit_shape(
                    ModelFit(model, model.mean_mm, one.scale, one.rotation, one.offset, np.zeros(0), np.inf),
                    points,
                    normals,
                    template.cover,
                    _FIRST,
                    size_sigma=_SIZE_SIGMA,
                )
                for one in placed
            ),
            key=lambda fit: fit.rms_mm,
        )
    side = min(fits, key=lambda one: fits[one].rms_mm)
    ratio = fits[side.other].rms_mm / fits[side].rms_mm
    fit = fit_shape(fits[side], points, normals, models[side][1].cover, _THEN, size_sigma=_SIZE_SIGMA)
    return side, fit, ratio


def _own_side(model: BoneModel, template: Template) -> NDArray[np.int64]:
    """Vertices of the model on the side of its ball: all of a femur, half of a pelvis."""
    if len(template.cover):
        return template.cover
    across = model.mean_mm[:, 0] - (model.mean_mm[:, 0].max() + model.mean_mm[:, 0].min()) / 2
    return np.flatnonzero(across * across[template.ball].mean() > 0)


def _placed(
    model: BoneModel,
    rows: NDArray[np.int64],
    points: Array,
    normals: Array,
    side: Side,
    turns_deg: tuple[tuple[float, ...], ...],
) -> list[Placement]:
    """The best placements that differ, over directions and levels."""
    coarse = slice(None, None, max(1, len(points) // _N_COARSE))
    few, few_normals = points[coarse], normals[coarse]
    top, bottom = points[:, 2].max(), points[:, 2].min()
    tried: list[Placement] = []
    search = follow(model, rows)
    for flexion, adduction, rotation in turns_deg:
        angles = (-side.sign * rotation, side.sign * adduction, -flexion)
        turn = Rotation.from_euler("ZYX", angles, degrees=True).as_matrix()
        placed = model.mean_mm[rows] @ turn.T
        low, high = placed[:, 2].min(), placed[:, 2].max()
        for level in np.arange(low + _LEAST_MM, high + _LEVEL_MM, _LEVEL_MM):
            within = (placed[:, 2] < level) & (placed[:, 2] > level - (top - bottom))
            if not within.any():  # a slice thinner than the model's vertices stand apart
                continue
            shift = np.append(points[:, :2].mean(axis=0) - placed[within, :2].mean(axis=0), top - level)
            tried.append(search(few, few_normals, Placement(np.inf, 1.0, turn, shift), 2))
    fine = slice(None, None, max(1, len(points) // _N_FINE))
    tried.sort(key=lambda one: one.cost_mm)
    better = [search(points[fine], normals[fine], one, 12) for one in tried[:_N_REFINED]]
    better.sort(key=lambda one: one.cost_mm)
    kept: list[Placement] = []
    for one in better:
        if all(_is_other(one, other) for other in kept):
            kept.append(one)
    return kept[:_N_FREE]


def _is_other(one: Placement, best: Placement) -> bool:
    """Whether a placement is another one than the best."""
    apart = float(np.linalg.norm(one.offset - best.offset))
    return apart > 10.0 or float(np.trace(one.rotation.T @ best.rotation)) < 2.97


def lies_on_bone(bone: Bone, fit: ModelFit, place_mm: Array, reach_mm: float, near_mm: float) -> float:
    """Share of the laid model within reach of a place that the bone's surface follows.

    Parameters
    ----------
    bone : Bone
    fit : ModelFit
    place_mm : array of shape (3,), mm
    reach_mm : float
    near_mm : float
        As near as this, and facing alike.

    Returns
    -------
    float
    """
    kept = without_cut_faces(bone)
    normals, _ = face_normals(bone.triangles_mm[kept])
    away, at = cKDTree(bone.middles_mm[kept]).query(fit.vertices_mm)
    facing = np.einsum("ij,ij->i", vertex_normals(fit.vertices_mm, fit.model.faces), normals[at])
    within = np.linalg.norm(fit.vertices_mm - place_mm, axis=1) < reach_mm
    return float(((away < near_mm) & (facing > 0.0))[within].mean()) if within.any() else 0.0

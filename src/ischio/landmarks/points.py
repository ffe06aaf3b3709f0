"""Bony points: where the laid model says, moved to the summit of this bone that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.template import Template
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import SurfaceIndex, surface_index
from ischio.landmarks.grain import grain_mm
from ischio.landmarks.registration import ModelFit
from ischio.types import Bone, Landmark, Side

METHOD_TRANSFERRED = "model_transfer@1"
METHOD_SUMMIT = "model_transfer_to_summit@2"
METHOD_LEANING = "model_transfer_to_leaning_summit@1"
_REACH_MM = 12.0  # a model point farther than this from the bone lies where the bone is cut
_CUT_LENGTH_MM = 40.0  # an open border longer than this is a cut
_CUT_MARGIN_MM = 4.0  # a point this near to a cut stood beyond it
_N_LOCAL = 4000
_SOFT_MM = 0.4  # a summit is the middle of what comes within about this of the highest point
_READERS_SHARE = (
    0.7  # half of the readers' variance is each one's own, and no doubt about the point's meaning
)
_LOCAL_MM, _N_LOCAL_VERTICES = 25.0, 500  # how far round a point the model must fit
_LOCAL_GAIN = 2.0  # the model gives way: what is left of a misfit is about half of it
_PARTIAL_GAIN = 2.0  # the model is led by less where part of the bone is cut away
_USUALLY_AWAY_MM = 2.5  # a right point from the same rule's point on the laid model
_STRANGE_SHARE = 1.0  # of what it is farther away


@dataclass(frozen=True, slots=True)
class Rule:
    """How a point is placed.

    Parameters
    ----------
    left_out_mm : float
        Root mean square error on each of the 26 people with that person left out of the model.
    readers_mm : float
        3-D spread of readers of one bone about their mean: five readers, four trials each, of a woman's
        femur and pelvis (Fischer et al. 2023, Sci Data 10:763); an estimate where they read no such point.
    reach_mm : float
        How far the summit may lie from where the model says; 0 keeps the model's place.
    towards : tuple of float
        Direction of the summit as (lateral, back, up), in the model's own upright axes.
    lean_per_mm : float
        On a flat top the model is a guide: a place counts lower by this times the square of its distance from
        where the model says.
    """

    left_out_mm: float
    readers_mm: float
    reach_mm: float = 0.0
    towards: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))
    lean_per_mm: float = 0.0

    @property
    def sigma_mm(self) -> float:
        """3-D standard deviation of the method: of the model, and of what the point's name means."""
        return float(np.hypot(self.left_out_mm, _READERS_SHARE * self.readers_mm))


def place_points(
    bone: Bone, side: Side, fit: ModelFit, template: Template, rules: Mapping[str, Rule]
) -> tuple[dict[str, Landmark], dict[str, str]]:
    """Place the named points on a bone.

    Parameters
    ----------
    bone : Bone
    side : Side
    fit : ModelFit
        The model laid over the bone.
    template : Template
        Names the model's vertices.
    rules : mapping of str to Rule

    Returns
    -------
    landmarks : dict of str to Landmark
    reasons : dict of str to str
        For points where the bone is cut.
    """
    landmarks: dict[str, Landmark] = {}
    reasons: dict[str, str] = {}
    surface, model = surface_index(bone), model_surface(fit)
    cuts = cut_edges(bone)
    from_cut = cKDTree(cuts) if len(cuts) else None
    for name, rule in rules.items():
        guess = fit.vertices_mm[template.points[name]]
        start = surface.nearest(guess, _REACH_MM)
        if start is None or (from_cut is not None and from_cut.query(start)[0] < _CUT_MARGIN_MM):
            reasons[name] = "the bone's surface does not reach it"
            continue
        direction = rule_direction(rule, fit, side)
        point = summit(surface, start, direction, rule.reach_mm, rule.lean_per_mm)
        if from_cut is not None and from_cut.query(point)[0] < _CUT_MARGIN_MM:
            reasons[name] = "it would lie beyond where the bone is cut"
            continue
        expected = summit(model, guess, direction, rule.reach_mm, rule.lean_per_mm)
        landmarks[name] = landmark_of(bone, side, name, point, rule, fit, expected)
    return landmarks, reasons


def rule_direction(rule: Rule, fit: ModelFit, side: Side) -> Array:
    """Direction of a rule's summit in the bone's frame, shape (3,)."""
    lateral, back, up = rule.towards
    return np.asarray(fit.rotation @ np.array([-side.sign * lateral, back, up]), dtype=np.float64)


@lru_cache(maxsize=8)
def cut_edges(bone: Bone) -> Array:
    """Points along the long open borders of a surface: where the bone was cut, not where it has a hole.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    array of shape (N, 3), mm
        Middles of border edges; empty for a closed surface.
    """
    edges = np.sort(
        np.concatenate([bone.faces[:, [0, 1]], bone.faces[:, [1, 2]], bone.faces[:, [2, 0]]]), axis=1
    )
    n_vertices = len(bone.vertices_mm)
    unique, uses = np.unique(edges @ [n_vertices, 1], return_counts=True)
    border = np.stack(np.divmod(unique[uses == 1], n_vertices), axis=1)
    if len(border) == 0:
        return np.zeros((0, 3))
    used, local = np.unique(border, return_inverse=True)
    local = local.reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(local)), (local[:, 0], local[:, 1])), shape=(len(used), len(used)))
    count, loop = connected_components(graph, directed=False)
    ends = bone.vertices_mm[border]
    length = np.bincount(
        loop[local[:, 0]], weights=np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), minlength=count
    )
    out: Array = ends[length[loop[local[:, 0]]] > _CUT_LENGTH_MM].mean(axis=1)
    return out


def landmark_of(
    bone: Bone, side: Side, name: str, point: Array, rule: Rule, fit: ModelFit, expected_mm: Array
) -> Landmark:
    """A placed point with its sigma.

    Parameters
    ----------
    bone : Bone
    side : Side
    name : str
    point : array of shape (3,), mm
    rule : Rule
    fit : ModelFit
        What its misfit exceeds the usual by, on the whole or near the point, is added to sigma.
    expected_mm : array of shape (3,), mm
        Where the same rule puts the point on the laid model: farther from it than usual, the bone has
        something there that no bone known has, or lacks something, and sigma grows.

    Returns
    -------
    Landmark
    """
    here = _local_rms_mm(bone, fit, point)
    away = float(np.linalg.norm(point - expected_mm))
    strange = _STRANGE_SHARE * max(0.0, away - _USUALLY_AWAY_MM)
    misfit = max(0.0, fit.rms_mm - USUAL_RMS_MM, _LOCAL_GAIN * (here - USUAL_RMS_MM))
    less = _PARTIAL_GAIN * rule.left_out_mm if len(cut_edges(bone)) else 0.0
    sigma = float(np.linalg.norm([rule.sigma_mm, less, misfit, strange, grain_mm(bone)]))
    method = METHOD_SUMMIT if rule.reach_mm else METHOD_TRANSFERRED
    method = METHOD_LEANING if rule.lean_per_mm else method
    detail = {"model_rms_mm": fit.rms_mm, "local_rms_mm": here, "from_model_mm": away}
    return Landmark(name, side, point, bone.frame, sigma, method, detail)


def _local_rms_mm(bone: Bone, fit: ModelFit, point: Array) -> float:
    """Root mean square distance of the bone's vertices near a point from those of the laid model."""
    near = bone.vertices_mm[((bone.vertices_mm - point) ** 2).sum(axis=1) < _LOCAL_MM**2]
    near = near[:: max(1, len(near) // _N_LOCAL_VERTICES)]
    around = fit.vertices_mm[((fit.vertices_mm - point) ** 2).sum(axis=1) < (2 * _LOCAL_MM) ** 2]
    if len(near) == 0 or len(around) == 0:
        return 2 * _LOCAL_MM
    return float(np.sqrt((cKDTree(around).query(near)[0] ** 2).mean()))


def model_surface(fit: ModelFit) -> SurfaceIndex:
    """The laid model, prepared for finding its surface near a place."""
    return SurfaceIndex(fit.vertices_mm[fit.model.faces])


USUAL_RMS_MM = 2.5  # vertices of the model stand about 5 mm apart: a perfect fit reads 2 mm


def summit(
    surface: SurfaceIndex, start: Array, direction: Array, reach_mm: float, lean_per_mm: float = 0.0
) -> Array:
    """Farthest surface along a direction within reach of a place; the place itself where reach is 0.

    Parameters
    ----------
    surface : SurfaceIndex
    start : array of shape (3,), mm
        On the surface.
    direction : array of shape (3,)
    reach_mm : float
    lean_per_mm : float
        As of a ``Rule``; the place is ``start``.

    Returns
    -------
    array of shape (3,), mm
    """
    near = surface.faces_near(start, reach_mm) if reach_mm > 0 else ()
    if len(near) == 0:
        return start
    points, _, _ = sample_surface(surface.triangles_mm[near], _N_LOCAL)
    away = points - start
    inside = np.linalg.norm(away, axis=1) <= reach_mm
    if not inside.any():
        return start
    height = away[inside] @ (direction / np.linalg.norm(direction))
    height = height - lean_per_mm * (away[inside] ** 2).sum(axis=1)
    weight = np.exp((height - height.max()) / _SOFT_MM)
    middle: Array = (weight[:, None] * points[inside]).sum(axis=0) / weight.sum()
    foot = surface.nearest(middle, reach_mm)
    return middle if foot is None else foot

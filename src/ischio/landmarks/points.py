"""Bony points: where the laid model says, moved to the summit of this bone that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.template import Template
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import SurfaceIndex
from ischio.landmarks.registration import ModelFit
from ischio.types import Bone, Landmark, Side

METHOD_TRANSFERRED = "model_transfer@1"
METHOD_SUMMIT = "model_transfer_to_summit@1"
_REACH_MM = 12.0  # a model point farther than this from the bone lies where the bone is cut
_CUT_LENGTH_MM = 40.0  # an open border longer than this is a cut
_CUT_MARGIN_MM = 4.0  # a point this near to a cut stood beyond it
_N_LOCAL = 4000
_SOFT_MM = 0.4  # a summit is the middle of what comes within about this of the highest point
_EDGE_SHARE = 0.5  # of the edge length: how far a summit can lie between vertices


@dataclass(frozen=True, slots=True)
class Rule:
    """How a point is placed.

    Parameters
    ----------
    sigma_mm : float
        3-D standard deviation of the method: its error on each of the 26 people with that person
        left out of the model, and what readers of one bone differ among themselves.
    reach_mm : float
        How far the summit may lie from where the model says; 0 keeps the model's place.
    towards : tuple of float
        Direction of the summit as (lateral, back, up), in the model's own upright axes.
    """

    sigma_mm: float
    reach_mm: float = 0.0
    towards: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))


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
    surface = SurfaceIndex(bone)
    cuts = cut_edges(bone)
    from_cut = cKDTree(cuts) if len(cuts) else None
    for name, rule in rules.items():
        start = surface.nearest(fit.vertices_mm[template.points[name]], _REACH_MM)
        if start is None or (from_cut is not None and from_cut.query(start)[0] < _CUT_MARGIN_MM):
            reasons[name] = "the bone's surface does not reach it"
            continue
        lateral, back, up = rule.towards
        direction = fit.rotation @ np.array([-side.sign * lateral, back, up])
        point = summit(surface, start, direction, rule.reach_mm) if rule.reach_mm else start
        landmarks[name] = landmark_of(bone, side, name, point, rule, fit.rms_mm)
    return landmarks, reasons


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


def landmark_of(bone: Bone, side: Side, name: str, point: Array, rule: Rule, rms_mm: float) -> Landmark:
    """A placed point with its sigma.

    Parameters
    ----------
    bone : Bone
    side : Side
    name : str
    point : array of shape (3,), mm
    rule : Rule
    rms_mm : float
        Misfit of the laid model: what it exceeds the usual by is added to sigma.

    Returns
    -------
    Landmark
    """
    excess = max(0.0, rms_mm - USUAL_RMS_MM)
    sigma = float(
        np.sqrt(rule.sigma_mm**2 + excess**2 + (_EDGE_SHARE * bone.edge_mm) ** 2 + bone.moved_mm**2)
    )
    method = METHOD_SUMMIT if rule.reach_mm else METHOD_TRANSFERRED
    return Landmark(name, side, point, bone.frame, sigma, method, {"model_rms_mm": rms_mm})


USUAL_RMS_MM = 2.5  # vertices of the model stand about 5 mm apart: a perfect fit reads 2 mm


def summit(surface: SurfaceIndex, start: Array, direction: Array, reach_mm: float) -> Array:
    """Farthest surface along a direction within reach of a place.

    Parameters
    ----------
    surface : SurfaceIndex
    start : array of shape (3,), mm
        On the surface.
    direction : array of shape (3,)
    reach_mm : float

    Returns
    -------
    array of shape (3,), mm
    """
    near = surface.faces_near(start, reach_mm)
    if len(near) == 0:
        return start
    points, _, _ = sample_surface(surface.triangles_mm[near], _N_LOCAL)
    away = points - start
    inside = np.linalg.norm(away, axis=1) <= reach_mm
    if not inside.any():
        return start
    height = away[inside] @ (direction / np.linalg.norm(direction))
    weight = np.exp((height - height.max()) / _SOFT_MM)
    middle: Array = (weight[:, None] * points[inside]).sum(axis=0) / weight.sum()
    foot = surface.nearest(middle, reach_mm)
    return middle if foot is None else foot

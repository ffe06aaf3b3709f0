"""Bony points: where the laid model says, moved to the summit of this bone that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.template import Template
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import SurfaceIndex, surface_index
from ischio.landmarks.grain import grain_mm
from ischio.landmarks.registration import ModelFit
from ischio.landmarks.relief import Relief, relief
from ischio.types import Bone, Landmark, Side

METHOD_TRANSFERRED = "model_transfer@1"
METHOD_SUMMIT = "model_transfer_to_summit@3"
METHOD_LEANING = "model_transfer_to_leaning_summit@2"
_REACH_MM = 12.0  # a model point farther than this from the bone lies where the bone is cut
_CUT_LENGTH_MM = 40.0  # an open border longer than this is a cut
# A border edge whose middle is this much of its length from one of its neighbours is a seam of triangles
# that meet without common vertices, as some programs that make a mesh finer leave it: no border of bone.
_ALONG_SHARE, _N_BESIDE = 0.01, 8
_CUT_MARGIN_MM = 4.0  # a point this near to a cut stood beyond it
_N_LOCAL = 4000
# Of tops that are flat, where readers' own repeats differ by 3 to 5 mm: those of the condyles, of the greater
# trochanter and of the tuberosity below. A condyle's is round by about 20 mm: its surface falls by twice as
# much. A bump of 5 mm more than 10 mm from where the model says is not taken for the top. A tuberosity is a
# ridge: its lowest point went by up to 17 mm without this.
LEAN = 0.012
_SOFT_MM = 0.4  # a summit is the middle of what comes within about this of the highest point
_LOCAL_GAIN = 1.0  # of what the model is off by round a point, more than it usually is
_PARTIAL_GAIN = 2.0  # the model is led by less where part of the bone is cut away
USUAL_RMS_MM = 2.5  # of whole bones: vertices of the model stand about 5 mm apart, a perfect fit reads 2 mm
USUAL_LOCAL_MM = 1.5  # of the surface round a point
_UNKNOWN_MM = 10.0  # misfit where the model has nothing near a point
_USUALLY_AWAY = 1.0  # of the root mean square
_OUT_NEAR_MM = 10.0  # round a point, what stands out may have drawn it or pushed it aside
_OUT_SHARE = 0.95  # of that surface: corners and folds of a mesh are no bump
_OUT_USUALLY = 1.4  # times the usual: where nothing is wrong, little near a point stands out by more
# What more counts for: the model gives way to a bump, and on a flat top one draws the summit aside by more
# than its own height.
_OUT_GAIN, _FLAT_GAIN = 1.0, 2.5
_DOUBTED_OUT_MM = 4.0
# Times the usual depth; of what a dent may have moved the summit by, more than a coarse mesh does.
_DENT_USUALLY, _DENT_GAIN = 1.5, 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """How a point is placed.

    Parameters
    ----------
    left_out_mm : float
        Root mean square error on each of the 26 people with that person left out of the model.
    readers_mm : float
        What readers mean by it differs by so much: 3-D standard deviation between five readers, each one's
        own four trials averaged out (Fischer et al. 2023, Sci Data 10:763), halfway to that of all points
        together, as five readers tell little of one; an estimate where they read no such point.
    away_mm : float
        Root mean square distance from where the same rule puts the point on the laid model: the 26 people,
        each with a model that does not know them.
    reach_mm : float
        How far the summit may lie from where the model says; 0 keeps the model's place.
    towards : tuple of float
        Direction of the summit as (lateral, back, up), in the model's own upright axes.
    lean_per_mm : float
        On a flat top the model is a guide: a place counts lower by this times the square of its distance from
        where the model says.
    least_mm : float
        Two of it are as long as the farthest that a bump or dent of 5 mm moved the point by while it passed
        for the bone's own shape, and a tenth more: trials on scanned bones and on people of the model, 3 to
        15 mm wide, on the point and up to 20 mm beside it. Sigma is no smaller, the mesh's part left out.
    """

    left_out_mm: float
    readers_mm: float
    away_mm: float
    reach_mm: float = 0.0
    towards: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))
    lean_per_mm: float = 0.0
    least_mm: float = 0.0


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
        around = relief(surface, fit, start, grain_mm(bone))
        place = placed((surface, start), (model, guess), direction, rule, around)
        if from_cut is not None and from_cut.query(place.point_mm)[0] < _CUT_MARGIN_MM:
            reasons[name] = "it would lie beyond where the bone is cut"
            continue
        landmarks[name] = landmark_of(bone, side, name, place, rule, fit)
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
    border = border[~_meets_another(bone.vertices_mm[border])]
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


def _meets_another(edges_mm: Array) -> NDArray[np.bool_]:
    """Which border edges, shape (N, 2, 3), run along another: triangles meet there, but share no vertices."""
    if len(edges_mm) < 2:
        return np.zeros(len(edges_mm), dtype=bool)
    middles = edges_mm.mean(axis=1)
    _, near = cKDTree(middles).query(middles, k=range(2, 2 + min(_N_BESIDE, len(middles) - 1)))
    start, along = edges_mm[near, 0], edges_mm[near, 1] - edges_mm[near, 0]
    length = np.maximum((along**2).sum(axis=2), np.finfo(float).tiny)
    share = (((middles[:, None] - start) * along).sum(axis=2) / length).clip(0.0, 1.0)
    off = np.linalg.norm(start + share[..., None] * along - middles[:, None], axis=2)
    own = np.linalg.norm(edges_mm[:, 1] - edges_mm[:, 0], axis=1)
    out: NDArray[np.bool_] = (off < _ALONG_SHARE * own[:, None]).any(axis=1)
    return out


class PlacedPoint(NamedTuple):
    """A point, and what its sigma hangs on.

    Parameters
    ----------
    point_mm : array of shape (3,), mm
    expected_mm : array of shape (3,), mm
        Where the same rule puts the point on the laid model: farther from it than usual, the bone has
        something there that no bone known has, or lacks something.
    filled_mm : array of shape (3,), mm
        Where it would be if what lies deeper than bones do were filled up.
    around : Relief or None
        Of the bone where the point was looked for.
    """

    point_mm: Array
    expected_mm: Array
    filled_mm: Array
    around: Relief | None


def placed(
    bone: tuple[SurfaceIndex, Array],
    model: tuple[SurfaceIndex, Array],
    direction: Array,
    rule: Rule,
    around: Relief | None,
) -> PlacedPoint:
    """A rule's point on the bone, with those that it is judged by.

    Parameters
    ----------
    bone, model : (SurfaceIndex, array of shape (3,) in mm)
        Of the bone and of the laid model, with where to look on each.
    direction : array of shape (3,)
    rule : Rule
    around : Relief or None
        Of the bone round its place.

    Returns
    -------
    PlacedPoint
    """
    point = summit(*bone, direction, rule, around)
    filled = point if around is None else summit(*bone, direction, rule, around, filled=True)
    return PlacedPoint(point, summit(*model, direction, rule), filled, around)


def landmark_of(bone: Bone, side: Side, name: str, place: PlacedPoint, rule: Rule, fit: ModelFit) -> Landmark:
    """A placed point with its sigma.

    Parameters
    ----------
    bone : Bone
    side : Side
    name : str
    place : PlacedPoint
    rule : Rule
    fit : ModelFit
        What its misfit exceeds the usual by, on the whole or near the point, is added to sigma.

    Returns
    -------
    Landmark
        Detail holds the parts of sigma by name, and under ``doubt`` a sentence where something stands out
        from all bones known, if it does.
    """
    point, around = place.point_mm, place.around
    away = float(np.linalg.norm(point - place.expected_mm))
    local, out = _UNKNOWN_MM, 0.0
    if around is not None:
        local, out = around.misfit_mm, _stands_out_mm(around, point)
    parts = {
        "model_left_out": rule.left_out_mm,
        "readers": rule.readers_mm,
        "misfit": max(0.0, fit.rms_mm - USUAL_RMS_MM, _LOCAL_GAIN * (local - USUAL_LOCAL_MM)),
        "from_model": max(0.0, away - _USUALLY_AWAY * rule.away_mm),
        "stands_out": (_FLAT_GAIN if rule.lean_per_mm else _OUT_GAIN) * out,
        "dent": max(0.0, _DENT_GAIN * float(np.linalg.norm(place.filled_mm - point)) - grain_mm(bone)),
    }
    parts |= {
        # What the others don't say of: the more a bone is seen to stray, the less can be hidden beside it.
        "unseen": float(np.sqrt(max(0.0, rule.least_mm**2 - _norm(parts) ** 2))),
        "mesh": grain_mm(bone),
        "cut": _PARTIAL_GAIN * rule.left_out_mm if len(cut_edges(bone)) else 0.0,
    }
    method = METHOD_SUMMIT if rule.reach_mm else METHOD_TRANSFERRED
    method = METHOD_LEANING if rule.lean_per_mm else method
    detail: dict[str, object] = {
        "model_rms_mm": fit.rms_mm,
        "local_rms_mm": local,
        "from_model_mm": away,
        "sigma_parts_mm": parts,
    }
    if out > _DOUBTED_OUT_MM:
        detail["doubt"] = [
            f"bone near it stands {out:.1f} mm out of what any bone known does: a spur or a fault?"
        ]
    return Landmark(name, side, point, bone.frame, _norm(parts), method, detail)


def _norm(parts: Mapping[str, float]) -> float:
    """Root of the summed squares."""
    return float(np.linalg.norm(list(parts.values())))


def _stands_out_mm(around: Relief, point: Array) -> float:
    """How far the surface near a point stands out or back beyond what is usual."""
    near = np.linalg.norm(around.points_mm - point, axis=1) < _OUT_NEAR_MM
    if not near.any():
        return 0.0
    beyond = np.abs(around.out_mm[near]) - _OUT_USUALLY * around.usual_mm
    return max(0.0, float(np.quantile(beyond, _OUT_SHARE)))


def model_surface(fit: ModelFit) -> SurfaceIndex:
    """The laid model, prepared for finding its surface near a place."""
    return SurfaceIndex(fit.vertices_mm[fit.model.faces])


def summit(
    surface: SurfaceIndex,
    start: Array,
    direction: Array,
    rule: Rule,
    around: Relief | None = None,
    *,
    filled: bool = False,
) -> Array:
    """Farthest surface along a direction within reach of a place; the place itself where reach is 0.

    Parameters
    ----------
    surface : SurfaceIndex
    start : array of shape (3,), mm
        On the surface.
    direction : array of shape (3,)
    rule : Rule
        Says how far from the place, and how flat a top.
    around : Relief, optional
        Of the surface round the place: what stands out of all bones known is no higher for that.
    filled : bool
        What lies deeper than bones do is no lower for that, either.

    Returns
    -------
    array of shape (3,), mm
        On the surface.
    """
    if rule.reach_mm == 0:
        return start
    if around is None:
        near = surface.faces_near(start, rule.reach_mm)
        points = sample_surface(surface.triangles_mm[near], _N_LOCAL)[0] if len(near) else np.zeros((0, 3))
        beyond = np.zeros(len(points))
    else:
        points, beyond = around.points_mm, around.beyond_mm
        if filled:
            beyond = beyond - np.maximum(-around.out_mm - _DENT_USUALLY * around.usual_mm, 0.0)
    away = points - start
    inside = np.linalg.norm(away, axis=1) <= rule.reach_mm
    if not inside.any():
        return start
    height = away[inside] @ (direction / np.linalg.norm(direction)) - beyond[inside]
    height = height - rule.lean_per_mm * (away[inside] ** 2).sum(axis=1)
    weight = np.exp((height - height.max()) / _SOFT_MM)
    middle: Array = (weight[:, None] * points[inside]).sum(axis=0) / weight.sum()
    foot = surface.nearest(middle, rule.reach_mm)
    return middle if foot is None else foot

"""What of a bone stands out from the laid model more than its surroundings do: bumps, spurs, faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.geometry.sampling import sample_surface
from ischio.landmarks.findings import SurfaceIndex
from ischio.landmarks.registration import ModelFit

AROUND_MM = 25.0  # how far round a place its surroundings go
_BEYOND_MM = 15.0  # the model is looked at so much farther out
_N_SAMPLES = 4000
_NORMAL_WEIGHT_MM = 10.0  # keeps the two sides of thin bone apart
_N_STEPS, _LEAST_MM = 8, 0.3  # of the least absolute distances from a plane
_RIDGE = 1e-3  # samples along a line leave a plane free: it stays level
_LEAST_USUAL_MM = 0.7  # a person's bone strays from the model by as much, wherever the model fits best
_GRAIN_SHARE = 0.7
_OF_NORMAL = 1.4826  # standard deviation of a normal distribution over its median magnitude


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """The surface round a place against the laid model.

    Parameters
    ----------
    points_mm : array of shape (N, 3), mm
        Spread evenly over the surface.
    out_mm : array of shape (N,), mm
        How far each stands out from the model, more than the surroundings as a whole do.
    usual_mm : float
        Standard deviation of ``out_mm``, by its median: what bones do.
    misfit_mm : float
        Root mean square distance of the surroundings from the model.
    """

    points_mm: Array
    out_mm: Array
    usual_mm: float
    misfit_mm: float

    @property
    def beyond_mm(self) -> Array:
        """How much higher each point stands than is usual, shape (N,), mm; never negative."""
        return np.maximum(self.out_mm - self.usual_mm, 0.0)


@lru_cache(maxsize=8)
def _model_normals(fit: ModelFit) -> Array:
    """Outward normals of the laid model's vertices."""
    return vertex_normals(fit.vertices_mm, fit.model.faces)


def relief(surface: SurfaceIndex, fit: ModelFit, place_mm: Array, grain_mm: float) -> Relief | None:
    """Compare a bone with the laid model round a place.

    Parameters
    ----------
    surface : SurfaceIndex
        Of the bone.
    fit : ModelFit
    place_mm : array of shape (3,), mm
    grain_mm : float
        Of the surface: what a coarse or noisy mesh stands out by tells nothing of the bone.

    Returns
    -------
    Relief or None
        None where there is no surface or no model round the place.

    Notes
    -----
    Distances are taken from the tangent planes of the model's vertices. A plane laid through them by least
    absolute distances takes up what the whole neighbourhood is off by; a bump covers too little of it to
    lift the plane.
    """
    near = surface.faces_near(place_mm, AROUND_MM)
    model = np.linalg.norm(fit.vertices_mm - place_mm, axis=1) < AROUND_MM + _BEYOND_MM
    if len(near) == 0 or not model.any():
        return None
    points, normals, _ = sample_surface(surface.triangles_mm[near], _N_SAMPLES)
    inside = np.linalg.norm(points - place_mm, axis=1) < AROUND_MM
    points, normals = points[inside], normals[inside]
    if len(points) == 0:
        return None
    vertices, along = fit.vertices_mm[model], _model_normals(fit)[model]
    tree = cKDTree(np.hstack([vertices, _NORMAL_WEIGHT_MM * along]))
    index = tree.query(np.hstack([points, _NORMAL_WEIGHT_MM * normals]))[1]
    off = np.einsum("ij,ij->i", points - vertices[index], along[index])
    out = off - _level(off, (points - place_mm) / AROUND_MM)
    usual = max(_LEAST_USUAL_MM, _GRAIN_SHARE * grain_mm, _OF_NORMAL * float(np.median(np.abs(out))))
    return Relief(points, out, usual, float(np.sqrt((off**2).mean())))


def _level(off: Array, local: Array) -> Array:
    """Linear function of place nearest to the distances, by least absolute values, shape (N,)."""
    terms = np.column_stack([np.ones(len(local)), local])
    ridge = _RIDGE * len(local) * np.diag([0.0, 1.0, 1.0, 1.0])
    level: Array = np.full(len(off), np.median(off))
    for _ in range(_N_STEPS):
        weighted = terms / np.maximum(np.abs(off - level), _LEAST_MM)[:, None]
        level = terms @ np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ off)
    return level

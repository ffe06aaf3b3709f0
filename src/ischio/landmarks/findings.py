"""What the search on one bone hands to the assembly of hips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.geometry.spheres import Sphere, refine_sphere
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.landmarks.grain import centre_grain_mm, steady_sample
from ischio.landmarks.registration import ModelFit
from ischio.types import Bone, Curve, Landmark, Region, Side

N_SAMPLES = 5000
N_BALL_SAMPLES = 8000
_LEAST_FACES = 20
# A model laid rightly over a whole or partial bone stays within 5 standard deviations in every mode (an
# adolescent's femur is the farthest); laid wrongly it needs 8 or more.
MAX_COEFFICIENT = 6.5
MAX_RMS_FRACTION = 0.25  # of the head's or socket's radius: right fits stay within 0.16


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Landmarks and regions of one side of one bone.

    Parameters
    ----------
    bone : Bone
    side : Side
        Found from the anatomy.
    fit : ModelFit or None
        None where the shape does not tell directions.
    landmarks, regions : mapping of str to Landmark, Region
    reasons : mapping of str to str
        Why a landmark or region is missing.
    other_side_ratio : float
        Misfit of the other side's shape divided by that of the side found; 1 would be no evidence.
    centre_mm : array of shape (3,), mm
        Centre of head or socket; that of the laid model where the bone's own cannot be fitted.
    curves : mapping of str to Curve
    """

    bone: Bone
    side: Side
    fit: ModelFit | None
    landmarks: Mapping[str, Landmark]
    regions: Mapping[str, Region]
    reasons: Mapping[str, str]
    other_side_ratio: float
    centre_mm: Array
    curves: Mapping[str, Curve] = field(default_factory=dict)


def refined_ball(bone: Bone, centre_mm: Array, radius_mm: float, *, concave: bool) -> Sphere | None:
    """Refit a sphere to all of the surface near it, not only to the sparse samples.

    Parameters
    ----------
    bone : Bone
    centre_mm : array of shape (3,), mm
        Where the sphere is looked for.
    radius_mm : float
    concave : bool
        False for a ball seen from outside, True for a hollow.

    Returns
    -------
    Sphere or None
        None when too little of the surface is there.
    """
    triangles = bone.triangles_mm
    near = np.linalg.norm(bone.middles_mm - centre_mm, axis=1) < 1.6 * radius_mm
    if near.sum() < _LEAST_FACES:
        return None
    points, normals = steady_sample(bone, triangles[near], N_BALL_SAMPLES)
    return refine_sphere(points, normals, centre_mm, radius_mm, concave=concave)


def unlike_model(fit: ModelFit, radius_mm: float, what: str) -> str | None:
    """Say why a laid model is not to be believed, or None when it is.

    Parameters
    ----------
    fit : ModelFit
    radius_mm : float
        Of the bone's head or socket: the bone's size.
    what : str
        The bone's name, for the words.

    Returns
    -------
    str or None
    """
    strangest = float(np.abs(fit.coefficients).max())
    if strangest <= MAX_COEFFICIENT and fit.rms_mm <= MAX_RMS_FRACTION * radius_mm:
        return None
    return (
        f"too little of the {what} is there to tell its directions, or its shape is unlike any {what} known "
        f"({fit.rms_mm:.1f} mm root mean square from the model, at {strangest:.0f} standard deviations)"
    )


def ball_sigma_mm(sphere: Sphere, bone: Bone, method_mm: float) -> float:
    """3-D standard deviation of a fitted centre.

    Parameters
    ----------
    sphere : Sphere
    bone : Bone
        Gives the edge length, and how far smoothing moved the surface.
    method_mm : float
        What spheres through other parts of the same ball differ by.

    Returns
    -------
    float

    Notes
    -----
    Departures from the sphere are alike within patches of about 10 mm, so the number of
    independent points is the covered area over 100 mm2; faces add a tenth of their edge.
    """
    patches = max(sphere.coverage_fraction * 4 * np.pi * sphere.radius_mm**2 / 100.0, 1.0)
    noise = 3 * sphere.rms_mm**2 / patches + centre_grain_mm(bone) ** 2
    return float(np.sqrt(noise + method_mm**2))


def ball_detail(sphere: Sphere) -> dict[str, float]:
    """Figures of a fitted sphere, for a landmark's detail."""
    patches = max(sphere.coverage_fraction * 4 * np.pi * sphere.radius_mm**2 / 100.0, 1.0)
    return {
        "radius_mm": sphere.radius_mm,
        "radius_sigma_mm": float(sphere.rms_mm / np.sqrt(patches)),
        "rms_mm": sphere.rms_mm,
        "coverage_fraction": sphere.coverage_fraction,
    }


class SurfaceIndex:
    """A surface prepared for finding it near a place; make one, ask it often.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
    """

    def __init__(self, triangles_mm: Array) -> None:
        self.triangles_mm = triangles_mm
        corners = [triangles_mm[:, k] for k in range(3)]
        middles = (corners[0] + corners[1] + corners[2]) / 3
        # Asked a few hundred times: a tree that is made in half the time serves better than a balanced one.
        self._tree = cKDTree(middles, balanced_tree=False, compact_nodes=False)
        self._largest = max(float(np.linalg.norm(corner - middles, axis=1).max()) for corner in corners)

    def faces_near(self, place_mm: Array, reach_mm: float) -> NDArray[np.int64]:
        """Faces that may come within reach of a place, sorted."""
        return np.sort(
            np.asarray(self._tree.query_ball_point(place_mm, reach_mm + self._largest), dtype=np.int64)
        )

    def nearest(self, place_mm: Array, reach_mm: float) -> Array | None:
        """Point of the surface nearest to a place, or None when it is farther than ``reach_mm``."""
        bound = float(self._tree.query(place_mm)[0])
        near = self.faces_near(place_mm, min(bound, reach_mm))
        if len(near) == 0:
            return None
        feet = closest_on_triangles(np.broadcast_to(place_mm, (len(near), 3)), self.triangles_mm[near])
        away = np.linalg.norm(feet - place_mm, axis=1)
        best = int(np.argmin(away))
        return feet[best] if away[best] <= reach_mm else None


@lru_cache(maxsize=8)
def surface_index(bone: Bone) -> SurfaceIndex:
    """The index of a bone, made once for all who ask while a person's bones are looked at."""
    return SurfaceIndex(bone.triangles_mm)


def on_surface(bone: Bone, point_mm: Array, reach_mm: float) -> Array | None:
    """Point of the bone nearest to a point, or None when the bone is farther than ``reach_mm``.

    Parameters
    ----------
    bone : Bone
    point_mm : array of shape (3,), mm
    reach_mm : float

    Returns
    -------
    array of shape (3,), mm, or None
    """
    return surface_index(bone).nearest(point_mm, reach_mm)

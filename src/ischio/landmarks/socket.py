"""The sphere of the socket: through its roof and the upper horns, within the rim."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.geometry.spheres import Sphere, covered_fraction, fit_sphere
from ischio.landmarks.findings import N_BALL_SAMPLES
from ischio.landmarks.grain import steady_sample
from ischio.types import Bone

METHOD, METHOD_OF_REST = "roof_sphere@3", "hollow_sphere@3"
_FACING = 0.5  # the hollow faces the middle of the rim within 60 degrees
_DEPTH_MM = 1.0  # behind the rim's plane, so that the edge itself is left out
_SOFT_MM = 0.7  # what lies farther from the sphere counts less and less: osteophytes, the fossa's border
_FADE_MM = 20.0  # behind the rim's plane points count less by 1/e: the floor is fossa, or may be taken for it
# Radius of the rim over that of a sphere without it: 2.1 mm, SD 0.8, on both sides of 26 people and four
# scanned ones; 1.2 mm, SD 1.3, between the five sources of these. For surfaces that stray by 0.8 mm in
# patches of 100 mm2 that is a weight of 0.02 to 0.05; with 0.08 no bump or dent of 5 mm moved one by more.
_EDGE_MM, _TRUST = 1.7, 0.08
_ROUNDS = 40
_STILL_MM = 1e-3
_MIN_POINTS = 200
_MIN_ABOVE = 0.25  # of the hollow's surface above the rim's middle; a whole socket has about a half
_N_SECTORS, _N_DEPTHS = 4, 3  # parts of the hollow that are left out in turn
_EVERY = 3  # a third of the points tells the spread as well


class Socket(NamedTuple):
    """The sphere of a socket, and what speaks of its sigma.

    Parameters
    ----------
    sphere : Sphere
    apart_mm : float
        Distance of its centre from that of the sphere through all of the hollow, which tells how far the
        socket is from a sphere.
    unsteady_mm : float
        Farthest that its centre goes when a quarter round the opening's axis, or a third by depth, is left
        out: where there is a lump or a dent in one part, the others lie on another sphere.
    method : str
        By the part it was laid through.
    """

    sphere: Sphere
    apart_mm: float
    unsteady_mm: float
    method: str


def socket_sphere(bone: Bone, rim_mm: Array, opening: Array, up: Array) -> Socket | None:
    """Fit the sphere of a socket to the hollow surface inside its rim.

    Parameters
    ----------
    bone : Bone
    rim_mm : array of shape (M, 3), mm
        The rim as a closed curve.
    opening, up : arrays of shape (3,)
        Unit vectors out of the socket, and roughly upwards.

    Returns
    -------
    Socket or None
        None where too little of it is there.

    Notes
    -----
    The lower half of the hollow is mostly fossa and notch, which are deeper than the joint: a sphere through
    them lies too far in. So points count more the higher they lie, from nothing at half the rim's radius
    below its middle to full at half above: roof and upper parts of both horns, unless that part is cut
    away. Residuals count like those of ``soft_l1`` of 0.7 mm, over all points: a fit to only those that
    lie close to the sphere settles on a patch where the socket is not quite round.
    """
    centre = rim_mm.mean(axis=0)
    radius = float(np.linalg.norm(rim_mm - centre, axis=1).mean())
    triangles = bone.triangles_mm
    near = np.linalg.norm(bone.middles_mm - centre, axis=1) < 2 * radius
    if near.sum() < 20:
        return None
    points, normals = steady_sample(bone, triangles[near], N_BALL_SAMPLES)
    depth = (points - centre) @ opening
    inwards = centre - points
    hollow = (depth < -_DEPTH_MM) & (np.linalg.norm(inwards + depth[:, None] * opening, axis=1) < radius)
    hollow &= np.einsum("ij,ij->i", normals, inwards) > _FACING * np.linalg.norm(inwards, axis=1)
    if hollow.sum() < _MIN_POINTS:
        return None
    inside = points[hollow]
    expected = radius - _EDGE_MM
    fading = np.exp(depth[hollow] / _FADE_MM)
    whole = _softly(inside, fading, expected)
    height = (inside - centre) @ up / radius
    if (height > 0).mean() < _MIN_ABOVE:
        share, sphere, method = fading, whole, METHOD_OF_REST
    else:
        share = fading * np.clip(height + 0.5, 0.0, 1.0)
        sphere, method = _softly(inside, share, expected), METHOD
    away = inside - centre
    across = np.cross(opening, up)
    turn = np.arctan2(away @ across, away @ np.cross(across, opening))
    few = share[::_EVERY]
    parts = [_alike(turn[::_EVERY], few, _N_SECTORS), _alike(away[::_EVERY] @ opening, few, _N_DEPTHS)]
    rests = [np.where(part == k, 0.0, few) for part in parts for k in range(part.max() + 1)]
    centres = [_softly(inside[::_EVERY], rest, expected).centre_mm for rest in rests]
    unsteady = float(np.linalg.norm(np.array(centres) - sphere.centre_mm, axis=1).max())
    return Socket(sphere, float(np.linalg.norm(sphere.centre_mm - whole.centre_mm)), unsteady, method)


def _alike(values: Array, share: Array, count: int) -> NDArray[np.int64]:
    """Number of the part that each point lies in, parts of rising values that weigh alike."""
    order = np.argsort(values, kind="stable")
    part = np.empty(len(values), dtype=np.int64)
    part[order] = np.minimum(count * np.cumsum(share[order]) / share.sum(), count - 1)
    return part


def _softly(points: Array, share: Array, expected_mm: float) -> Sphere:
    """Sphere of least soft residuals, each point with its share, of about the expected radius."""
    weights = share
    middle, radius = fit_sphere(points, weights)
    for _ in range(_ROUNDS):
        residual = np.linalg.norm(points - middle, axis=1) - radius
        weights = share / np.sqrt(1 + (residual / _SOFT_MM) ** 2)
        before = middle
        trust = _TRUST * share.sum() / weights.sum()  # it does not grow where points count less
        middle, radius = fit_sphere(points, weights, (expected_mm, trust))
        if np.linalg.norm(middle - before) < _STILL_MM:
            break
    away = points - middle
    distance = np.linalg.norm(away, axis=1)
    rms = float(np.sqrt((weights * (distance - radius) ** 2).sum() / weights.sum()))
    return Sphere(middle, radius, rms, covered_fraction((away / distance[:, None])[share > 0]))

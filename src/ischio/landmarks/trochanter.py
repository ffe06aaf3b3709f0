"""Lesser trochanter: its tip and region against the femur as it would be without it.

What stands 2 mm proud of the smooth femur is the trochanter; its tip is the middle of its cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.landmarks.shaft_slices import shaft_below
from ischio.landmarks.smooth_femur import AROUND_MM, HEAD_MARGIN, N_SAMPLES, RING_MM, Cylinder, SmoothFemur
from ischio.landmarks.trochanter_region import PROUD_MM, REACH_MM, bounded_region
from ischio.types import Region, Side

_SOFT_TOP_MM = 0.6  # the summit is the middle of what comes within about this of the highest point
# The tip is the middle of the cap: what stands higher than this share of the greatest height. A bump beside
# it moves the summit by all of its distance, and the cap's middle by a part.
_CAP_SHARE = 0.45
# How far from where the model expects it a trochanter's top counts, by its height: one 10 mm high stands for
# itself (people's lie up to 10 mm from there, along the shaft), on a flat one the model is the better guide.
_TRUST = 2.5
_BESIDE_MM = 1.5  # the cap's middle is raised to the surface within about this across
_ROOM_MM = 5.0  # how far the tip goes before the smooth femur is fitted anew
_ROUGHLY_MM = 1.0  # of the tip, before the surface is sampled about it
_MAX_STEPS, _STILL_MM = 12, 0.05
_MAX_GUESS_OFFSET_MM = 12.0  # a guess farther than this from any surface lies where the femur is cut


@dataclass(frozen=True, slots=True, eq=False)
class Trochanter:
    """What was found.

    Parameters
    ----------
    tip_mm : array of shape (3,), mm
        On the surface, over the middle of the cap that stands higher than two fifths of the greatest height.
    vertices_mm, faces : arrays of shape (V, 3), mm, and (F, 3)
        The femur's surface as given, its triangles split along the region's border.
    face_indices : int array
        Rows of ``faces`` that are the region, sorted.
    area_mm2, height_mm : float
        Area of the region; greatest height over the smooth femur.
    fit_rms_mm : float
        Of the smooth femur, over the ring.
    steps : int
        Rounds until the tip stood still.
    shaft : (point on the axis in mm, unit vector up along it)
        Of the shaft 15 to 60 mm below the tip.
    summit_mm : array of shape (3,), mm
        The highest point over the smooth femur.
    """

    tip_mm: Array
    vertices_mm: Array
    faces: NDArray[np.int64]
    face_indices: NDArray[np.int64]
    area_mm2: float
    height_mm: float
    fit_rms_mm: float
    steps: int
    shaft: tuple[Array, Array]
    summit_mm: Array


def trochanter_as_region(found: Trochanter, side: Side, more: Mapping[str, Any]) -> Region:
    """The lesser trochanter's region with the rule that drew it.

    Parameters
    ----------
    found : Trochanter
    side : Side
    more : mapping of str to plain values
        Put into its detail besides.

    Returns
    -------
    Region
        Of the femur with ``found``'s vertices and faces.
    """
    return Region(
        "lesser_trochanter",
        side,
        "femur",
        found.face_indices,
        found.area_mm2,
        "proud_of_smooth_femur@3",
        detail={
            "height_mm": found.height_mm,
            "smooth_femur_rms_mm": found.fit_rms_mm,
            "steps": found.steps,
            "proud_mm": PROUD_MM,
            "reach_mm": REACH_MM,
            "ring_mm": list(RING_MM),
            **more,
        },
    )


class _Top(NamedTuple):
    """Where the trochanter's top is: the middle of its cap, and its highest point."""

    tip_mm: Array
    summit_mm: Array


def find_trochanter(
    vertices_mm: Array,
    faces: NDArray[np.int64],
    guess_mm: Array,
    model_mm: Array,
    up: Array,
    head: tuple[Array, float],
) -> Trochanter:
    """Find the lesser trochanter from a rough guess of its tip.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
        The femur, outward.
    guess_mm : array of shape (3,), mm
        Where the model expects the tip, within about 10 mm.
    model_mm : array of shape (V, 3), mm
        The model laid over the femur: gives the shaft's axis where the shaft is cut short.
    up : array of shape (3,)
        Rough direction of the shaft's axis, a unit vector.
    head : (centre of shape (3,), radius), mm
        The femoral head, which is no part of the smooth femur.

    Returns
    -------
    Trochanter

    Raises
    ------
    CannotMeasure
        If the femur is cut too close, or nothing stands 2 mm proud.

    Notes
    -----
    The search is run from the guess and again from what it found, so that the result hangs on
    the surface round the tip and not on the guess. Triangles across the region's border are split
    along it, so that the region does not hang on where their corners happen to lie.
    """
    triangles_mm = vertices_mm[faces]
    middles = triangles_mm.mean(axis=1)
    areas = face_normals(triangles_mm)[1]
    off_head = np.linalg.norm(middles - head[0], axis=1) > HEAD_MARGIN * head[1]
    tip, step = guess_mm, 0
    for still_mm in (_ROUGHLY_MM, _STILL_MM):
        near = np.flatnonzero((np.linalg.norm(middles - tip, axis=1) < AROUND_MM) & off_head)
        if len(near) == 0:
            raise CannotMeasure("the femur's surface does not reach the lesser trochanter")
        points, normals, _ = sample_surface(triangles_mm[near], N_SAMPLES)
        if np.linalg.norm(points - tip, axis=1).min() > _MAX_GUESS_OFFSET_MM:
            raise CannotMeasure("the femur's surface does not reach the lesser trochanter")
        shaft = shaft_below(middles, areas, model_mm, tip, up)
        top, step = _settled(points, normals, tip, shaft, guess_mm, still_mm)
        tip = top.tip_mm
    around = near[np.linalg.norm(middles[near] - tip, axis=1) < REACH_MM + 5]
    feet = closest_on_triangles(np.broadcast_to(tip, (len(around), 3)), triangles_mm[around])
    tip = feet[int(np.argmin(np.linalg.norm(feet - tip, axis=1)))]
    smooth = SmoothFemur(Cylinder(shaft[0], shaft[1], tip), points, normals, tip)
    vertices, faces, region, highest = bounded_region(vertices_mm, faces, tip, smooth)
    return Trochanter(
        tip,
        vertices,
        faces,
        region,
        float(face_normals(vertices[faces[region]])[1].sum()),
        highest,
        smooth.rms_mm,
        step,
        shaft,
        top.summit_mm,
    )


def _settled(
    points: Array, normals: Array, tip: Array, shaft: tuple[Array, Array], expected: Array, still_mm: float
) -> tuple[_Top, int]:
    """The top of what stands proud, the smooth femur fitted anew about it, until it stands still."""
    step, shift = 0, np.inf
    while shift >= still_mm and step < _MAX_STEPS:
        step += 1
        cylinder = Cylinder(shaft[0], shaft[1], tip)
        smooth = SmoothFemur(cylinder, points, normals, tip)
        near = points[np.linalg.norm(points - tip, axis=1) < REACH_MM + _ROOM_MM]
        height = smooth.height(near)
        start = tip
        for _ in range(_MAX_STEPS):
            top = _top(near, height, cylinder, tip, expected)
            moved = float(np.linalg.norm(top.tip_mm - tip))
            tip = top.tip_mm
            if moved < still_mm / 2 or np.linalg.norm(tip - start) > _ROOM_MM:
                break
        shift = float(np.linalg.norm(tip - start))
    return top, step


def _top(points: Array, height: Array, cylinder: Cylinder, tip: Array, expected: Array) -> _Top:
    """Middle of the cap within reach of a tip, on the surface; and the summit."""
    within = ((points - tip) ** 2).sum(axis=1) < REACH_MM**2
    points, height = points[within], height[within]
    highest = max(_upper_mean(height, np.ones(len(height))), PROUD_MM)
    weight = np.exp(-0.5 * ((points - expected) ** 2).sum(axis=1) / (_TRUST * highest) ** 2)
    level = _CAP_SHARE * _upper_mean(height, weight)
    share = np.where(height >= level, weight, 0.0)
    middle = share @ points / share.sum()
    outward = cylinder(middle[None])[2][0]
    away = points - middle
    rise = away @ outward
    across2 = (away**2).sum(axis=1) - rise**2
    beside = np.where(height >= level / 2, np.exp(-0.5 * across2 / _BESIDE_MM**2), 0.0)
    soft = np.exp((height - height.max()) / _SOFT_TOP_MM)
    return _Top(middle + (beside @ rise / beside.sum()) * outward, soft @ points / soft.sum())


def _upper_mean(height: Array, weight: Array) -> float:
    """About the greatest height that counts; unlike the greatest itself, it never jumps between two tops."""
    tall = weight * np.maximum(height, 0.0) ** 4
    return float(tall @ height / max(float(tall.sum()), 1e-9))

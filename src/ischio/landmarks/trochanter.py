"""Lesser trochanter: its tip and region against the femur as it would be without it.

The femur round the trochanter is read as a height over a cylinder about the shaft. A thin-plate
surface through the ring 20 to 40 mm from the tip, with the trochanter masked out, is the smooth
femur; what stands 2 mm proud of it is the trochanter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator, RectBivariateSpline

from ischio._check import Array, CannotMeasure
from ischio.geometry.connect import connected_faces
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.geometry.split import split_at_level
from ischio.geometry.surface_gap import closest_on_triangles

PROUD_MM = 2.0
REACH_MM = 20.0
RING_MM = (20.0, 40.0)
SHAFT_MM = (15.0, 60.0)
_CYLINDER_MM = 16.0  # arc length per radian of the unrolled cylinder: a shaft's radius
_SMOOTHING = 0.2  # per ring point; stiff enough to pass 0.3-0.5 mm over stair steps of 1 mm
_N_SAMPLES = 20000
_GRID_MM, _GRID_HALF_MM = 2.0, (40.0, 26.0)  # round the shaft and along it; the region lies within 20 mm
_CELL_MM, _LEAST_IN_CELL = 3.0, 4
_FACING = 0.25  # ring points whose normals turn away from the axis (head, neck's far side) are left out
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
_HEAD_MARGIN = 1.15  # of the head's radius
_SNAP_MM = 0.01  # corners this near to the border lie on it: no slivers


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


class _Top(NamedTuple):
    """Where the trochanter's top is: the middle of its cap, and its highest point."""

    tip_mm: Array
    summit_mm: Array


class Cylinder:
    """Coordinates round the shaft: arc, height along the axis, distance from the axis.

    Parameters
    ----------
    on_axis_mm, axis : arrays of shape (3,)
        A point of the axis, and the unit vector up along it.
    tip_mm : array of shape (3,), mm
        Where arc and height are 0.
    """

    def __init__(self, on_axis_mm: Array, axis: Array, tip_mm: Array) -> None:
        self._on_axis, self._axis = on_axis_mm, axis
        self._level = (tip_mm - on_axis_mm) @ axis
        towards = (tip_mm - on_axis_mm) - self._level * axis
        self._first = towards / np.linalg.norm(towards)
        self._second = np.cross(axis, self._first)

    def __call__(self, points_mm: Array) -> tuple[Array, Array, Array]:
        """Unrolled position (N, 2), distance from the axis (N,), radial directions (N, 3)."""
        away = points_mm - self._on_axis
        along = away @ self._axis
        radial = away - np.outer(along, self._axis)
        distance = np.linalg.norm(radial, axis=1)
        turn = np.arctan2(radial @ self._second, radial @ self._first)
        return (
            np.column_stack([_CYLINDER_MM * turn, along - self._level]),
            distance,
            radial / np.maximum(distance, 1e-9)[:, None],
        )

    def points(self, flat: Array, distance: Array) -> Array:
        """Points (N, 3) at unrolled positions (N, 2) and distances (N,) from the axis: the way back."""
        turn = flat[:, 0] / _CYLINDER_MM
        radial = np.outer(np.cos(turn), self._first) + np.outer(np.sin(turn), self._second)
        along = self._level + flat[:, 1]
        out: Array = self._on_axis + np.outer(along, self._axis) + distance[:, None] * radial
        return out


class SmoothFemur:
    """Thin-plate surface through the ring, the trochanter masked out.

    Parameters
    ----------
    cylinder : Cylinder
    points_mm, normals : arrays of shape (N, 3)
        Of the femur's surface round the tip.
    tip_mm : array of shape (3,), mm
    """

    def __init__(self, cylinder: Cylinder, points_mm: Array, normals: Array, tip_mm: Array) -> None:
        flat, distance, outward = cylinder(points_mm)
        from_tip = np.linalg.norm(points_mm - tip_mm, axis=1)
        facing = np.einsum("ij,ij->i", normals, outward) > _FACING
        ring = np.flatnonzero((from_tip > RING_MM[0]) & (from_tip < RING_MM[1]) & facing)
        if len(ring) < 100:
            raise CannotMeasure(
                f"only {len(ring)} surface points lie 20-40 mm from the lesser trochanter: "
                "the femur is cut too close"
            )
        places, distances = _cell_means(flat[ring], distance[ring])
        self._cylinder = cylinder
        plate = RBFInterpolator(
            places, distances, kernel="thin_plate_spline", smoothing=_SMOOTHING * len(places)
        )
        self.rms_mm = float(np.sqrt(((plate(places) - distances) ** 2).mean()))
        # The plate is smooth: a cubic spline through its values on a grid is the same to 0.01 mm,
        # and gives slopes and many points at little cost.
        arc, along = (np.arange(-half, half + _GRID_MM / 2, _GRID_MM) for half in _GRID_HALF_MM)
        grid = np.stack(np.meshgrid(arc, along, indexing="ij"), axis=-1)
        values = plate(grid.reshape(-1, 2)).reshape(len(arc), len(along))
        self._plate = RectBivariateSpline(arc, along, values)

    def distance(self, flat: Array) -> Array:
        """Its distance from the axis at unrolled positions (N, 2), shape (N,), mm."""
        out: Array = self._plate.ev(*flat.T)
        return out

    def height(self, points_mm: Array) -> Array:
        """Distance of points above the smooth femur, measured across it, shape (N,), mm."""
        flat, distance, _ = self._cylinder(points_mm)
        at = self._plate.ev(*flat.T)
        along = self._plate.ev(*flat.T, dy=1)
        round_ = self._plate.ev(*flat.T, dx=1) * _CYLINDER_MM / np.maximum(distance, 5.0)
        out: Array = (distance - at) / np.sqrt(1 + along**2 + round_**2)
        return out


def smooth_femur_beneath(
    triangles_mm: Array, tip_mm: Array, up: Array, head: tuple[Array, float]
) -> tuple[Cylinder, SmoothFemur, Array]:
    """The femur as it would be without the trochanter whose tip is known.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
        The femur.
    tip_mm : array of shape (3,), mm
    up : array of shape (3,)
        Rough direction of the shaft's axis, a unit vector.
    head : (centre of shape (3,), radius), mm

    Returns
    -------
    cylinder : Cylinder
    smooth : SmoothFemur
    axis : array of shape (3,)
        Of the shaft 15 to 60 mm below the tip, a unit vector upwards.

    Raises
    ------
    CannotMeasure
        If the femur is cut too close to the trochanter.
    """
    middles, areas = triangles_mm.mean(axis=1), face_normals(triangles_mm)[1]
    near = (np.linalg.norm(middles - tip_mm, axis=1) < RING_MM[1] + 10) & (
        np.linalg.norm(middles - head[0], axis=1) > _HEAD_MARGIN * head[1]
    )
    shaft = _axis_of_slices(middles, areas, tip_mm, up)
    if shaft is None or not near.any():
        raise CannotMeasure("the femur is cut too close to the lesser trochanter to tell its shaft")
    points, normals, _ = sample_surface(triangles_mm[near], _N_SAMPLES)
    cylinder = Cylinder(shaft[0], shaft[1], tip_mm)
    return cylinder, SmoothFemur(cylinder, points, normals, tip_mm), shaft[1]


def _cell_means(flat: Array, distance: Array) -> tuple[Array, Array]:
    """Mean place and distance of the points in each cell: where each point happens to lie counts little."""
    _, cell, count = np.unique(
        np.floor(flat / _CELL_MM).astype(int), axis=0, return_inverse=True, return_counts=True
    )
    sums = [np.bincount(cell.ravel(), values) for values in (*flat.T, distance)]
    means = np.stack(sums, axis=1) / count[:, None]
    filled = means[count >= _LEAST_IN_CELL]
    return filled[:, :2], filled[:, 2]


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
    off_head = np.linalg.norm(middles - head[0], axis=1) > _HEAD_MARGIN * head[1]
    tip, step = guess_mm, 0
    for still_mm in (_ROUGHLY_MM, _STILL_MM):
        near = np.flatnonzero((np.linalg.norm(middles - tip, axis=1) < RING_MM[1] + 10) & off_head)
        if len(near) == 0:
            raise CannotMeasure("the femur's surface does not reach the lesser trochanter")
        points, normals, _ = sample_surface(triangles_mm[near], _N_SAMPLES)
        if np.linalg.norm(points - tip, axis=1).min() > _MAX_GUESS_OFFSET_MM:
            raise CannotMeasure("the femur's surface does not reach the lesser trochanter")
        shaft = shaft_below(middles, areas, model_mm, tip, up)
        top, step = _settled(points, normals, tip, shaft, guess_mm, still_mm)
        tip = top.tip_mm
    around = near[np.linalg.norm(middles[near] - tip, axis=1) < RING_MM[0] + 5]
    feet = closest_on_triangles(np.broadcast_to(tip, (len(around), 3)), triangles_mm[around])
    tip = feet[int(np.argmin(np.linalg.norm(feet - tip, axis=1)))]
    smooth = SmoothFemur(Cylinder(shaft[0], shaft[1], tip), points, normals, tip)
    vertices, faces, region, highest = _bounded(vertices_mm, faces, tip, smooth)
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


def _bounded(
    vertices_mm: Array, faces: NDArray[np.int64], tip: Array, smooth: SmoothFemur
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], float]:
    """The mesh split along the region's border, the region's rows and its greatest height."""
    beyond = np.linalg.norm(vertices_mm - tip, axis=1) - REACH_MM
    vertices, faces, _ = split_at_level(vertices_mm, faces, beyond, snap=_SNAP_MM)
    beyond = np.linalg.norm(vertices - tip, axis=1) - REACH_MM
    within = beyond[faces].max(axis=1) <= _SNAP_MM
    # Faces that touch from outside are split with their neighbours: the surface stays closed.
    touched = np.unique(faces[(beyond[faces] <= _SNAP_MM).any(axis=1)])
    proud = np.zeros(len(vertices))
    proud[touched] = smooth.height(vertices[touched]) - PROUD_MM
    vertices, faces, parents = split_at_level(vertices, faces, proud, snap=_SNAP_MM)
    proud = np.concatenate([proud, np.zeros(len(vertices) - len(proud))])
    high = (proud[faces].min(axis=1) >= -_SNAP_MM) & (proud[faces].max(axis=1) > _SNAP_MM)
    chosen = np.flatnonzero(within[parents] & high)
    if smooth.height(tip[None])[0] < PROUD_MM or len(chosen) == 0:
        raise CannotMeasure(
            f"nothing stands {PROUD_MM:g} mm proud of the femur where the lesser trochanter should be"
        )
    feet = closest_on_triangles(np.broadcast_to(tip, (len(chosen), 3)), vertices[faces[chosen]])
    seed = int(chosen[np.argmin(np.linalg.norm(feet - tip, axis=1))])
    region = connected_faces(faces, chosen, seed)
    return vertices, faces, region, float(proud[faces[region]].max() + PROUD_MM)


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


def shaft_below(
    middles_mm: Array, areas_mm2: Array, model_mm: Array, tip_mm: Array, up: Array
) -> tuple[Array, Array]:
    """Axis of the shaft 15 to 60 mm below the trochanter, through the middles of slices.

    Parameters
    ----------
    middles_mm, areas_mm2 : arrays of shape (F, 3) and (F,)
        Middles and areas of the femur's faces.
    model_mm : array of shape (V, 3), mm
        The model laid over it: used where the femur is cut within 60 mm.
    tip_mm : array of shape (3,), mm
    up : array of shape (3,)
        Rough direction of the axis, a unit vector.

    Returns
    -------
    on_axis_mm, axis : arrays of shape (3,)
    """
    near = np.linalg.norm(middles_mm - tip_mm, axis=1) < SHAFT_MM[1] + 40
    axis = _axis_of_slices(middles_mm[near], areas_mm2[near], tip_mm, up)
    return axis or _axis_of_slices(model_mm, np.ones(len(model_mm)), tip_mm, up) or (tip_mm, up)


def _axis_of_slices(points: Array, weights: Array, tip_mm: Array, up: Array) -> tuple[Array, Array] | None:
    """Line through the middles of slices below the tip, or None where most slices are empty."""
    along, middle = up, tip_mm
    levels = np.arange(-SHAFT_MM[1], -SHAFT_MM[0] + 1, 5.0)
    for _ in range(6):
        height = (points - tip_mm) @ along
        away = points - tip_mm - np.outer(height, along)
        on_bone = np.linalg.norm(away, axis=1) < 60
        slices = [np.flatnonzero(on_bone & (np.abs(height - level) < 6)) for level in levels]
        slices = [rows for rows in slices if len(rows) >= 8]
        if len(slices) < 0.8 * len(levels):
            return None
        middles = np.array([np.average(points[rows], axis=0, weights=weights[rows]) for rows in slices])
        middle = middles.mean(axis=0)
        axis = np.linalg.svd(middles - middle)[2][0]
        along = axis * np.sign(axis @ along)
    return middle, along

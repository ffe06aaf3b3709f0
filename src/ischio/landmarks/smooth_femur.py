"""The femur as it would be without its lesser trochanter.

The femur round the trochanter is read as a height over a cylinder about the shaft. A thin-plate
surface through the ring 20 to 40 mm from the tip, with the trochanter masked out, is the smooth
femur.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator, RectBivariateSpline

from ischio._check import Array, CannotMeasure
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.landmarks.shaft_slices import axis_of_slices

RING_MM = (20.0, 40.0)
AROUND_MM = RING_MM[1] + 10.0  # what of the surface is looked at round a tip
HEAD_MARGIN = 1.15  # of the head's radius
N_SAMPLES = 20000
_CYLINDER_MM = 16.0  # arc length per radian of the unrolled cylinder: a shaft's radius
_SMOOTHING = 0.2  # per ring point; stiff enough to pass 0.3-0.5 mm over stair steps of 1 mm
_GRID_MM, _GRID_HALF_MM = 2.0, (40.0, 26.0)  # round the shaft and along it; the region lies within 20 mm
_CELL_MM, _LEAST_IN_CELL = 3.0, 4
_FACING = 0.25  # ring points whose normals turn away from the axis (head, neck's far side) are left out


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
    near = (np.linalg.norm(middles - tip_mm, axis=1) < AROUND_MM) & (
        np.linalg.norm(middles - head[0], axis=1) > HEAD_MARGIN * head[1]
    )
    shaft = axis_of_slices(middles, areas, tip_mm, up)
    if shaft is None or not near.any():
        raise CannotMeasure("the femur is cut too close to the lesser trochanter to tell its shaft")
    points, normals, _ = sample_surface(triangles_mm[near], N_SAMPLES)
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

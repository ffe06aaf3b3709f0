"""Axis of the shaft below the lesser trochanter, through the middles of slices."""

from __future__ import annotations

import numpy as np

from ischio._check import Array

SHAFT_MM = (15.0, 60.0)  # below the trochanter's tip
_STEP_MM, _HALF_SLICE_MM = 5.0, 6.0
_ON_BONE_MM = 60.0  # of the axis: farther away is no shaft
_LEAST_IN_SLICE, _LEAST_SLICES = 8, 0.8
_N_ROUNDS = 6


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
    axis = axis_of_slices(middles_mm[near], areas_mm2[near], tip_mm, up)
    return axis or axis_of_slices(model_mm, np.ones(len(model_mm)), tip_mm, up) or (tip_mm, up)


def axis_of_slices(points: Array, weights: Array, tip_mm: Array, up: Array) -> tuple[Array, Array] | None:
    """Line through the middles of slices below the tip.

    Parameters
    ----------
    points : array of shape (N, 3), mm
    weights : array of shape (N,)
        Area that each stands for, mm2.
    tip_mm : array of shape (3,), mm
    up : array of shape (3,)
        Rough direction of the axis, a unit vector.

    Returns
    -------
    (on_axis_mm, axis) : arrays of shape (3,), or None
        None where most slices are empty.
    """
    along, middle = up, tip_mm
    levels = np.arange(-SHAFT_MM[1], -SHAFT_MM[0] + 1, _STEP_MM)
    for _ in range(_N_ROUNDS):
        height = (points - tip_mm) @ along
        away = points - tip_mm - np.outer(height, along)
        on_bone = np.linalg.norm(away, axis=1) < _ON_BONE_MM
        slices = [np.flatnonzero(on_bone & (np.abs(height - level) < _HALF_SLICE_MM)) for level in levels]
        slices = [rows for rows in slices if len(rows) >= _LEAST_IN_SLICE]
        if len(slices) < _LEAST_SLICES * len(levels):
            return None
        middles = np.array([np.average(points[rows], axis=0, weights=weights[rows]) for rows in slices])
        middle = middles.mean(axis=0)
        axis = np.linalg.svd(middles - middle)[2][0]
        along = axis * np.sign(axis @ along)
    return middle, along

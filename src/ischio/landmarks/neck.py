"""Isthmus of the femoral neck: where sections across the neck are smallest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import outline_area_and_centroid, section
from ischio.types import Bone

_RANGE_RADII = (0.7, 1.9)  # of the head's radius, along the neck from the head's centre
_REACH_RADII = 4.0  # a section of the neck lies within this of the head's centre
_N_SECTIONS = 25
# Of the square of the head's radius: necks of 18 femora have 1.2 to 1.7; outlines with less are broken.
_LEAST_AREA = 0.8
# Of the same square: sections whose area is larger by about as much count as well. On a neck of even width a
# bump of 5 mm made another section the smallest, 6.7 mm away; so it moves the middle of all by half as much.
_SOFT_AREA = 0.03
_ROUNDS = 3


def neck_isthmus(bone: Bone, head: tuple[Array, float], base_mm: Array) -> tuple[Array, Array, float]:
    """Find the isthmus of the neck and the neck's axis.

    Parameters
    ----------
    bone : Bone
        A femur.
    head : (centre of shape (3,), radius), mm
    base_mm : array of shape (3,), mm
        Rough middle of the neck's base: gives the first direction.

    Returns
    -------
    centre_mm : array of shape (3,), mm
        Mean of the centroids of the smallest sections.
    axis : array of shape (3,)
        Unit vector from the isthmus to the head's centre.
    area_mm2 : float
        Of the smallest section.

    Raises
    ------
    CannotMeasure
        If no section of the neck closes.

    Notes
    -----
    Sections stand across the line from the head's centre to the isthmus of the round before.
    """
    centre, radius = head
    near = np.linalg.norm(bone.vertices_mm - centre, axis=1) < _REACH_RADII * radius
    used, faces = np.unique(bone.faces[near[bone.faces].any(axis=1)], return_inverse=True)
    vertices, faces = bone.vertices_mm[used], faces.reshape(-1, 3)
    direction = base_mm - centre
    for _ in range(_ROUNDS):
        direction = direction / np.linalg.norm(direction)
        areas, middles = _sections(vertices, faces, head, direction)
        if len(areas) == 0:
            raise CannotMeasure("no section across the femoral neck closes")
        weight = np.exp((areas.min() - areas) / (_SOFT_AREA * radius**2))
        isthmus = weight @ middles / weight.sum()
        direction = isthmus - centre
    return isthmus, -direction / np.linalg.norm(direction), float(areas.min())


def _sections(
    vertices: Array, faces: NDArray[np.int64], head: tuple[Array, float], direction: Array
) -> tuple[Array, Array]:
    """Areas and centroids of the neck's closed sections across a direction from the head's centre."""
    centre, radius = head
    areas, middles = [], []
    for distance in np.linspace(*_RANGE_RADII, _N_SECTIONS) * radius:
        origin = centre + distance * direction
        segments, group = section(vertices, faces, origin, direction)
        if len(segments) == 0:
            continue
        # The outline round the axis: the one whose centroid is nearest to it.
        outlines = [outline_area_and_centroid(segments[group == k], direction) for k in np.unique(group)]
        area, middle = min(outlines, key=lambda one: float(np.linalg.norm(one[1] - origin)))
        if np.linalg.norm(middle - origin) < 0.6 * radius and area > _LEAST_AREA * radius**2:
            areas.append(area)
            middles.append(middle)
    return np.array(areas), np.array(middles)

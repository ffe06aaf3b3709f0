"""Region of the lesser trochanter: what stands proud of the smooth femur, near the tip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure
from ischio.geometry.connect import connected_faces
from ischio.geometry.split import split_at_level
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.landmarks.smooth_femur import SmoothFemur

PROUD_MM = 2.0
REACH_MM = 20.0
_SNAP_MM = 0.01  # corners this near to the border lie on it: no slivers


def bounded_region(
    vertices_mm: Array, faces: NDArray[np.int64], tip: Array, smooth: SmoothFemur
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], float]:
    """Split a mesh along the region's border.

    Parameters
    ----------
    vertices_mm, faces : arrays of shape (V, 3), mm, and (F, 3)
        The femur.
    tip : array of shape (3,), mm
    smooth : SmoothFemur
        About that tip.

    Returns
    -------
    vertices_mm, faces : arrays of shape (V, 3), mm, and (F, 3)
        The same surface; triangles across the border are split.
    region : int array
        Rows of ``faces`` that are the region, sorted.
    highest_mm : float
        Greatest height over the smooth femur.

    Raises
    ------
    CannotMeasure
        If nothing stands 2 mm proud.
    """
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

"""Surfaces with no detail finer than a picture shows: dense meshes are drawn several times faster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ischio._check import Array
from ischio.report.raster import Indices
from ischio.types import Bone, Hip, Pelvis, Region

_CELL_MM, _WORTH_IT = 1.5, 0.5  # thinned where at least half of the vertices go


def thinned(vertices_mm: Array, faces: Indices) -> tuple[Array, Indices, Indices]:
    """Make one vertex of all in a cell of 1.5 mm, their mean; triangles within a cell go.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)

    Returns
    -------
    vertices_mm : array of shape (W, 3), mm
    faces : int array of shape (G, 3)
    kept : int array of shape (G,)
        Which of the faces these were. A surface that is coarser stays as it is.
    """
    cells = np.floor(vertices_mm / _CELL_MM).astype(np.int64)
    cells -= cells.min(axis=0)
    size = cells.max(axis=0) + 1
    key = (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]
    _, cell, count = np.unique(key, return_inverse=True, return_counts=True)
    if len(count) > _WORTH_IT * len(vertices_mm):
        return vertices_mm, faces, np.arange(len(faces))
    means = np.stack([np.bincount(cell, axis) for axis in vertices_mm.T], axis=1) / count[:, None]
    a, b, c = cell[faces].T
    kept = np.flatnonzero((a != b) & (b != c) & (c != a))
    return means, cell[faces[kept]], kept


def thinned_pelvis(pelvis: Pelvis) -> Pelvis:
    """The same person with bones as dense as a picture shows, for drawing alone.

    Parameters
    ----------
    pelvis : Pelvis

    Returns
    -------
    Pelvis
        Regions are of the faces that are left; one of which none is left goes.
    """
    done: dict[int, tuple[Bone, Indices]] = {}  # both hips may share one surface

    def drawn(bone: Bone | None) -> tuple[Bone | None, Indices]:
        if bone is None:
            return None, np.empty(0, dtype=np.int64)
        if id(bone) not in done:
            done[id(bone)] = _bone(bone)
        return done[id(bone)]

    def of_hip(hip: Hip | None) -> Hip | None:
        if hip is None:
            return None
        (femur, of_femur), (hip_bone, of_hip_bone) = drawn(hip.femur), drawn(hip.hip_bone)
        left = {
            name: _region(region, of_femur if region.bone == "femur" else of_hip_bone)
            for name, region in hip.regions.items()
        }
        regions = {name: region for name, region in left.items() if region is not None}
        return replace(hip, femur=femur, hip_bone=hip_bone, tibia=drawn(hip.tibia)[0], regions=regions)

    sacrum, _ = drawn(pelvis.sacrum)
    return replace(pelvis, left=of_hip(pelvis.left), right=of_hip(pelvis.right), sacrum=sacrum)


def _bone(bone: Bone) -> tuple[Bone, Indices]:
    """A bone thinned, and which of its faces are left."""
    vertices, faces, kept = thinned(bone.vertices_mm, bone.faces)
    if len(kept) == len(bone.faces):
        return bone, kept
    return replace(bone, vertices_mm=vertices, faces=faces, edge_mm=max(bone.edge_mm, _CELL_MM)), kept


def _region(region: Region, kept: Indices) -> Region | None:
    """A region on what is left of its bone's faces."""
    place = np.searchsorted(region.face_indices, kept)
    inside = place < len(region.face_indices)
    inside[inside] = region.face_indices[place[inside]] == kept[inside]
    rows = np.flatnonzero(inside)
    if len(rows) == 0:
        return None
    parts = tuple(region.sub_parts[k] for k in place[rows]) if region.sub_parts else ()
    return replace(region, face_indices=rows, sub_parts=parts)

"""The base of the lesser trochanter: the plane that its region stands on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ischio._check import Array
from ischio.types import Bone, Landmark, Region

METHOD = "middle_of_region_border@1"
_METHOD_SIGMA_MM = 1.5  # as of the tip: both hang on where the smooth femur is


def trochanter_base(bone: Bone, region: Region, tip: Landmark) -> Landmark:
    """Middle of the region's border, with the plane through it.

    Parameters
    ----------
    bone : Bone
        The femur whose faces the region names.
    region : Region
        ``lesser_trochanter``: what stands 2 mm proud of the smooth femur.
    tip : Landmark
        Its tip.

    Returns
    -------
    Landmark
        ``lesser_trochanter_base``: the mean along the longest closed border of the region. The border lies
        on the surface; its middle lies in the bone beneath the trochanter. Detail holds ``normal``, the
        unit normal of the border's plane of least squares, outwards; ``rms_mm`` from it; ``border_mm``, the
        border's length; and ``height_mm``, of the tip over the plane.
    """
    faces = bone.faces[region.face_indices]
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    ends = bone.vertices_mm[_longest_loop(unique[uses == 1], bone.vertices_mm)]
    length = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    middles = ends.mean(axis=1)
    centre = np.average(middles, axis=0, weights=length)
    local = middles - centre
    spread, axes = np.linalg.eigh((local * length[:, None]).T @ local / length.sum())
    height = float((tip.point_mm - centre) @ axes[:, 0])
    detail = {
        "normal": (axes[:, 0] * np.sign(height)).tolist(),
        "rms_mm": float(np.sqrt(max(spread[0], 0.0))),
        "border_mm": float(length.sum()),
        "height_mm": abs(height),
    }
    sigma = float(np.hypot(max(tip.sigma_mm, _METHOD_SIGMA_MM), bone.edge_mm / 2))
    return Landmark("lesser_trochanter_base", tip.side, centre, bone.frame, sigma, METHOD, detail)


def _longest_loop(edges: NDArray[np.int64], vertices_mm: Array) -> NDArray[np.int64]:
    """Of the border's edges those that hang together and are longest: holes in the region have their own."""
    used, local = np.unique(edges, return_inverse=True)
    local = local.reshape(-1, 2)
    graph = sparse.coo_matrix((np.ones(len(local)), (local[:, 0], local[:, 1])), shape=(len(used), len(used)))
    _, loop = connected_components(graph, directed=False)
    ends = vertices_mm[edges]
    length = np.bincount(loop[local[:, 0]], weights=np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))
    longest: NDArray[np.int64] = edges[loop[local[:, 0]] == int(np.argmax(length))]
    return longest

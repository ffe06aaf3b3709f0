"""How finely and how cleanly a surface tells where bone is: what every sigma grows with."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.model import vertex_normals
from ischio.geometry.sampling import sample_surface
from ischio.types import Bone

_EDGE_SHARE = 0.5  # of the edge length: how far a point of the bone can lie between vertices
_NOISE_SHARE = 2.0  # a point is sought where the surface stands out, and there noise stands out most
_NORMAL_MEDIAN = 0.6745  # of a normal distribution's magnitude, in standard deviations
_MUCH_NOISE_MM = 0.3  # surfaces from scans, cleaned, have 0.05 to 0.2
_N_NEIGHBOURS = 14
_WITH_NEIGHBOURS = np.sqrt(7 / 6)  # a vertex against the mean of six others, all with the same noise


@lru_cache(maxsize=8)
def noise_mm(bone: Bone) -> float:
    """Standard deviation of the vertices across the surface, by how they stand off their neighbours.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    float
        Also counts curvature within an edge's length, which is little on a fine mesh and does blur a
        coarse one.
    """
    count = len(bone.vertices_mm)
    ends = np.concatenate([bone.faces[:, [0, 1]], bone.faces[:, [1, 2]], bone.faces[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    uses = np.bincount(ends[:, 0], minlength=count)
    total = np.stack(
        [np.bincount(ends[:, 0], bone.vertices_mm[ends[:, 1], k], minlength=count) for k in range(3)], axis=1
    )
    used = uses > 0
    off = bone.vertices_mm[used] - total[used] / uses[used, None]
    along = np.einsum("ij,ij->i", off, vertex_normals(bone.vertices_mm, bone.faces)[used])
    return float(np.median(np.abs(along)) / _NORMAL_MEDIAN / _WITH_NEIGHBOURS)


def steady_sample(
    bone: Bone, triangles_mm: Array, n_points: int, *, always: bool = False
) -> tuple[Array, Array]:
    """Points spread over some of a bone's triangles with normals, noise averaged out where there is much.

    Parameters
    ----------
    bone : Bone
    triangles_mm : array of shape (F, 3, 3), mm
        Those of the bone that count.
    n_points : int
    always : bool
        Average even where there seems to be little noise: on a fine mesh of stair steps most vertices lie on
        flat treads, and the steps are not seen as noise.

    Returns
    -------
    points_mm, normals : arrays of shape (n_points, 3)
        On a noisy surface every face looks elsewhere: there each normal is the mean of those of its
        neighbours, and each point moves along it to their mean height.
    """
    points, normals, _ = sample_surface(triangles_mm, n_points)
    if n_points <= _N_NEIGHBOURS or not (always or noise_mm(bone) >= _MUCH_NOISE_MM):
        return points, normals
    near = cKDTree(points).query(points, k=_N_NEIGHBOURS)[1]
    total = normals[near].sum(axis=1)
    normals = total / np.maximum(np.linalg.norm(total, axis=1), 1e-9)[:, None]
    height = np.einsum("nkj,nj->n", points[near] - points[:, None], normals) / _N_NEIGHBOURS
    return points + height[:, None] * normals, normals


def grain_mm(bone: Bone) -> float:
    """3-D standard deviation that mesh, noise and smoothing give a point found on the surface.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    float
    """
    parts: Array = np.array(
        [_EDGE_SHARE * bone.edge_mm, _NOISE_SHARE * noise_mm(bone), bone.moved_mm], dtype=np.float64
    )
    return float(np.linalg.norm(parts))


def centre_grain_mm(bone: Bone) -> float:
    """The same for a centre of many points, in which mesh and noise average out.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    float
    """
    parts: Array = np.array([0.1 * bone.edge_mm, 0.5 * noise_mm(bone), bone.moved_mm], dtype=np.float64)
    return float(np.linalg.norm(parts))

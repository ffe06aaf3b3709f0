"""Plane sections of a surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ischio._check import Array

_TOUCH_MM = 1e-3  # ends of outlines closer than this are one: single precision 1 m from the origin has 6e-5


def section(
    vertices_mm: Array, faces: NDArray[np.int64], origin: Array, normal: Array
) -> tuple[Array, NDArray[np.int64]]:
    """Cut a surface by a plane into segments and group those that hang together.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
    origin, normal : arrays of shape (3,)
        A point of the plane, and its unit normal.

    Returns
    -------
    segments_mm : array of shape (N, 2, 3), mm
        Directed so that, seen against the normal, the inside lies on the same hand.
    group : int array of shape (N,)
        Which outline each segment belongs to.

    Notes
    -----
    A vertex in the plane counts as above it: no segment is lost or doubled. Segments hang together where
    their triangles share an edge, and also where loose ends touch: a triangle's corner may lie on the edge
    of its neighbour (meshes cut finer in part, or without shared corners).

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    >>> segments, group = section(corners, faces, np.array([0, 0, 0.5]), np.array([0.0, 0, 1]))
    >>> len(segments), group.tolist()
    (3, [0, 0, 0])
    """
    height = (vertices_mm - origin) @ normal
    above = height >= 0
    first, second, third = above[faces].T
    crossed = faces[(first != second) | (first != third)]
    if len(crossed) == 0:
        return np.zeros((0, 2, 3)), np.zeros(0, dtype=np.int64)
    ends = np.empty((len(crossed), 2, 3))
    keys = np.empty((len(crossed), 2), dtype=np.int64)
    for corner in range(3):
        first, second = crossed[:, corner], crossed[:, (corner + 1) % 3]
        for slot, falls in (
            (0, True),
            (1, False),
        ):  # the outline enters where an edge falls, leaves where it rises
            hit = (above[first] == falls) & (above[second] != falls)
            share = height[first[hit]] / (height[first[hit]] - height[second[hit]])
            ends[hit, slot] = vertices_mm[first[hit]] + share[:, None] * (
                vertices_mm[second[hit]] - vertices_mm[first[hit]]
            )
            low, high = np.minimum(first[hit], second[hit]), np.maximum(first[hit], second[hit])
            keys[hit, slot] = low * len(vertices_mm) + high
    _, node = np.unique(keys, return_inverse=True)
    node = node.reshape(-1, 2)
    count = int(node.max()) + 1
    links = np.concatenate([node, _touching(ends, node)])
    graph = sparse.coo_matrix((np.ones(len(links)), links.T), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    return ends, component[node[:, 0]].astype(np.int64)


def _touching(ends: Array, node: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of nodes with one segment each that lie in the same place, shape (N, 2)."""
    loose = np.flatnonzero((np.bincount(node.ravel()) == 1)[node.ravel()])
    if len(loose) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    pairs = cKDTree(ends.reshape(-1, 3)[loose]).query_pairs(_TOUCH_MM, output_type="ndarray")
    return np.asarray(node.ravel()[loose[pairs]], dtype=np.int64)


def outline_area_and_centroid(segments_mm: Array, normal: Array) -> tuple[float, Array]:
    """Area and centroid of a closed outline of segments in one plane.

    Parameters
    ----------
    segments_mm : array of shape (N, 2, 3), mm
    normal : array of shape (3,)
        Unit normal of the plane.

    Returns
    -------
    area_mm2 : float
        Without sign.
    centroid_mm : array of shape (3,), mm
        Of the enclosed area; the middle of the points where the outline encloses nothing.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
    >>> square = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    >>> area, centroid = outline_area_and_centroid(square, np.array([0.0, 0, 1]))
    >>> area, centroid.tolist()
    (4.0, [1.0, 1.0, 0.0])
    """
    middle = segments_mm.reshape(-1, 3).mean(axis=0)
    first, second = segments_mm[:, 0] - middle, segments_mm[:, 1] - middle
    doubled = np.cross(first, second) @ normal
    total = float(doubled.sum())
    if abs(total) < 1e-9:
        return 0.0, middle
    centroid: Array = middle + (doubled[:, None] * (first + second)).sum(axis=0) / (3 * total)
    return abs(total) / 2, centroid


def segments_at(triangles_mm: Array, height_mm: Array) -> Array:
    """Cut loose triangles by the plane of height 0 into segments.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
    height_mm : array of shape (F, 3), mm
        Of every corner over the plane; a corner in the plane counts as above it.

    Returns
    -------
    array of shape (N, 2, 3), mm
        Directed as those of ``section``.

    Examples
    --------
    >>> corners = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 0, 2]]])
    >>> segments_at(corners, corners[..., 2] - 1.0).tolist()
    [[[0.0, 0.0, 1.0], [1.0, 0.0, 1.0]]]
    """
    above = height_mm >= 0
    mixed = above.any(axis=1) & ~above.all(axis=1)
    corners, height, above = triangles_mm[mixed], height_mm[mixed], above[mixed]
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), (~above).argmax(axis=1))
    row = np.arange(len(corners))
    ends = []
    for step in (1, 2):
        other = (alone + step) % 3
        share = height[row, alone] / (height[row, alone] - height[row, other])
        ends.append(corners[row, alone] + share[:, None] * (corners[row, other] - corners[row, alone]))
    out = np.stack(ends, axis=1)
    falls = above[row, alone]  # directed as by ``section``
    return np.where(falls[:, None, None], out, out[:, ::-1])

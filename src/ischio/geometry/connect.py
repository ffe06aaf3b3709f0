"""Which faces of a mesh hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components


def face_components(faces: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """Group faces that share vertices.

    Parameters
    ----------
    faces : int array of shape (F, 3)

    Returns
    -------
    count : int
    group : int array of shape (F,)

    Examples
    --------
    >>> face_components(np.array([[0, 1, 2], [2, 3, 4], [7, 8, 9]]))[1].tolist()
    [0, 0, 1]
    """
    used, local = np.unique(faces, return_inverse=True)
    local = local.reshape(-1, 3)
    rows = np.repeat(np.arange(len(faces)), 3)
    shared = sparse.csr_matrix((np.ones(local.size), (rows, local.ravel())), shape=(len(faces), len(used)))
    # Faces and vertices together make a graph with F + V nodes: cheaper than face-to-face links.
    graph = sparse.bmat([[None, shared], [shared.T, None]]).tocsr()
    count, group = connected_components(graph, directed=False)
    return int(count), group[: len(faces)].astype(np.int64)


def connected_faces(faces: NDArray[np.int64], chosen: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Those of the chosen faces that hang together with the seed, sorted.

    Parameters
    ----------
    faces : int array of shape (F, 3)
    chosen : int array of shape (N,)
        Rows of ``faces``.
    seed : int
        One of ``chosen``; otherwise the result is empty.

    Returns
    -------
    int array

    Examples
    --------
    >>> connected_faces(np.array([[0, 1, 2], [2, 3, 4], [7, 8, 9]]), np.array([0, 1, 2]), 1).tolist()
    [0, 1]
    """
    place = np.flatnonzero(chosen == seed)
    if len(place) == 0:
        return np.zeros(0, dtype=np.int64)
    _, group = face_components(faces[chosen])
    return np.sort(chosen[group == group[place[0]]])


def largest_component(
    faces: NDArray[np.int64], chosen: NDArray[np.int64], areas_mm2: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The component of the chosen faces with the largest area, sorted.

    Parameters
    ----------
    faces : int array of shape (F, 3)
    chosen : int array of shape (N,)
        Rows of ``faces``.
    areas_mm2 : array of shape (F,), mm2

    Returns
    -------
    int array

    Examples
    --------
    >>> mesh = np.array([[0, 1, 2], [2, 3, 4], [7, 8, 9]])
    >>> largest_component(mesh, np.array([0, 1, 2]), np.array([1.0, 1.0, 5.0])).tolist()
    [2]
    """
    if len(chosen) == 0:
        return chosen
    count, group = face_components(faces[chosen])
    area = np.bincount(group, weights=areas_mm2[chosen], minlength=count)
    return np.sort(chosen[group == int(np.argmax(area))])


def without_holes(
    faces: NDArray[np.int64],
    chosen: NDArray[np.int64],
    near: NDArray[np.int64],
    areas_mm2: NDArray[np.float64],
    max_hole_mm2: float,
) -> NDArray[np.int64]:
    """The chosen faces with their small holes filled, sorted.

    Parameters
    ----------
    faces : int array of shape (F, 3)
    chosen : int array of shape (N,)
        Rows of ``faces``.
    near : int array of shape (M,)
        Rows among which holes are looked for; holds ``chosen`` and its surroundings.
    areas_mm2 : array of shape (F,), mm2
    max_hole_mm2 : float
        Groups of other faces up to this area that touch chosen ones are holes.

    Returns
    -------
    int array

    Examples
    --------
    >>> strip = np.array([[0, 1, 2], [1, 2, 3], [2, 3, 4], [9, 10, 11]])
    >>> without_holes(strip, np.array([0, 2]), np.arange(4), np.ones(4), 1.5).tolist()
    [0, 1, 2]
    """
    others = np.setdiff1d(near, chosen)
    if len(others) == 0 or len(chosen) == 0:
        return chosen
    # Faces that share an edge hang together here; a corner is no bridge out of a hole.
    count, group = _edge_components(faces[others])
    area = np.bincount(group, weights=areas_mm2[others], minlength=count)
    border = np.isin(faces[others], faces[chosen]).sum(axis=1) >= 2
    touches = np.bincount(group, weights=border, minlength=count) > 0
    filled = (area <= max_hole_mm2) & touches
    return np.union1d(chosen, others[filled[group]])


def _edge_components(faces: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """Group faces that share edges."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, edge = np.unique(edges, axis=0, return_inverse=True)
    edge = edge.ravel()
    owner = np.tile(np.arange(len(faces)), 3)
    order = np.argsort(edge, kind="stable")
    same = edge[order][1:] == edge[order][:-1]
    first, second = owner[order][:-1][same], owner[order][1:][same]
    graph = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(len(faces), len(faces)))
    count, group = connected_components(graph, directed=False)
    return int(count), group.astype(np.int64)

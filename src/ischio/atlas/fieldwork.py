"""Read the installed shape model's finite-element surfaces and turn them into triangles.

The surfaces are piecewise polynomial: Lagrange quadrilaterals and triangles of third and
fourth order on shared nodes. A point at fixed element coordinates is a fixed weighted sum of
nodes, so a whole surface is one sparse matrix, built once, and a person costs one product.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ischio._check import Array, InputError, complaint

# Kind of element -> (nodes along the first axis, nodes along the second axis or None for a triangle).
_WEIGHT_NOISE = 1e-12  # weights are of order 1, in float64
_ELEMENTS: dict[str, tuple[int, int | None]] = {
    "quad44": (4, 4),
    "quad54": (5, 4),
    "quad55": (5, 5),
    "tri10": (4, None),
    "tri15": (5, None),
}
# What a pickled numpy array needs, under the module names of old and new numpy.
_ARRAY_MAKERS = {("numpy", "ndarray"), ("numpy", "dtype")} | {
    (f"numpy.{core}.{module}", name)
    for core in ("core", "_core")
    for module, name in (("multiarray", "_reconstruct"), ("multiarray", "scalar"))
}


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A triangulated surface as a linear map of nodes.

    Parameters
    ----------
    points_from_nodes : sparse matrix of shape (V, N)
        Weights of each of N nodes in each of V vertices; rows sum to 1.
    faces : int array of shape (F, 3)
        Indices of vertices.
    """

    points_from_nodes: sparse.csr_matrix
    faces: NDArray[np.int64]


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that can make numpy arrays and plain containers, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ARRAY_MAKERS:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise InputError(
            complaint(
                "shape model", f"a pickled {module}.{name}", "numpy arrays alone", "Reinstall the package."
            )
        )


def model_file(*parts: str) -> Path:
    """Path of a file of the installed package ``musculoskeletal-models``.

    Raises
    ------
    InputError
        If the package or the file is not there.
    """
    try:
        path = Path(str(resources.files("musculoskeletal.models"))).joinpath(*parts)
    except ModuleNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise InputError(
            complaint(
                "shape model",
                f"no file {'/'.join(parts)}",
                "the package musculoskeletal-models 0.2",
                "Install it: pip install musculoskeletal-models.",
            )
        )
    return path


def read_arrays(path: Path) -> dict[str, Any]:
    """Read a pickled dictionary of arrays, refusing anything that is not an array.

    Parameters
    ----------
    path : Path
        A ``.pc`` file of the installed package; never a user's file.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    InputError
        If the pickle asks for any class but numpy's arrays.
    """
    with path.open("rb") as stream:
        content = _ArraysOnly(stream).load()
    if not isinstance(content, dict):
        raise InputError(
            complaint(path.name, type(content).__name__, "a dictionary", "Reinstall the package.")
        )
    return content


def _lagrange(order_plus_one: int, at: Array) -> Array:
    """Values of the Lagrange polynomials on equally spaced nodes of [0, 1]; shape (len(at), nodes)."""
    nodes = np.linspace(0.0, 1.0, order_plus_one)
    out = np.ones((len(at), order_plus_one))
    for i in range(order_plus_one):
        for j in range(order_plus_one):
            if i != j:
                out[:, i] *= (at - nodes[j]) / (nodes[i] - nodes[j])
    return out


def _quad(n_first: int, n_second: int, steps: int) -> tuple[Array, NDArray[np.int64]]:
    """Weights and faces of a quadrilateral cut into ``steps`` squared cells."""
    ticks = np.linspace(0.0, 1.0, steps + 1)
    second, first = (grid.ravel() for grid in np.meshgrid(ticks, ticks, indexing="ij"))
    weights = (_lagrange(n_second, second)[:, :, None] * _lagrange(n_first, first)[:, None, :]).reshape(
        len(first), -1
    )
    corner = (np.arange(steps)[:, None] * (steps + 1) + np.arange(steps)).ravel()
    lower = np.stack([corner, corner + 1, corner + steps + 2], axis=1)
    upper = np.stack([corner, corner + steps + 2, corner + steps + 1], axis=1)
    return weights, np.concatenate([lower, upper]).astype(np.int64)


def _triangle_node_polynomial(order: int, count: int, at: Array) -> Array:
    """Silvester's polynomial: 0 at the first ``count`` nodes of the axis, 1 at node ``count``."""
    out = np.ones_like(at)
    for k in range(count):
        out *= (order * at - k) / (count - k)
    return out


def _triangle(n_nodes: int, steps: int) -> tuple[Array, NDArray[np.int64]]:
    """Weights and faces of a triangle cut into ``steps`` squared cells."""
    order = n_nodes - 1
    first, second = (
        np.array([(i, j) for j in range(steps + 1) for i in range(steps + 1 - j)], dtype=float).T / steps
    )
    rest = 1.0 - first - second
    weights = np.stack(
        [
            _triangle_node_polynomial(order, order - i - j, rest)
            * _triangle_node_polynomial(order, i, first)
            * _triangle_node_polynomial(order, j, second)
            for j in range(n_nodes)
            for i in range(n_nodes - j)
        ],
        axis=1,
    )
    row = [j * (steps + 1) - j * (j - 1) // 2 for j in range(steps + 1)]
    faces = [
        face
        for j in range(steps)
        for i in range(steps - j)
        for face in (
            [(row[j] + i, row[j] + i + 1, row[j + 1] + i)]
            + ([(row[j] + i + 1, row[j + 1] + i + 1, row[j + 1] + i)] if i < steps - j - 1 else [])
        )
    ]
    return weights, np.array(faces, dtype=np.int64)


def _element_nodes(mesh: dict[str, Any], order: dict[int, int]) -> dict[int, list[int]]:
    """Node numbers of each element, from the table of which element points coincide."""
    connected = {
        tuple(int(n) for n in key.split("_")): [
            tuple(int(n) for n in other.split("_")) for other in value.split()
        ]
        for key, value in mesh["connectivity"].items()
    }
    node_of: dict[tuple[int, ...], int] = {}
    n_nodes = 0
    for point in sorted(connected):
        if point in node_of:
            continue
        for same in (point, *connected[point]):
            node_of.setdefault(same, n_nodes)
        n_nodes += 1
    if n_nodes != mesh["number_of_points"]:
        raise InputError(
            complaint(
                mesh["name"], f"{n_nodes} nodes", f"{mesh['number_of_points']}", "Reinstall the package."
            )
        )
    nodes: dict[int, list[int]] = {}
    for element, number in sorted(node_of):
        nodes.setdefault(element, []).append(order[node_of[element, number]])
    return nodes


@cache
def read_surface(name: str, steps: int) -> Surface:
    """Read a surface of the installed package and cut each element into triangles.

    Parameters
    ----------
    name : str
        File name without ending, for example "femur_left_quartic_flat".
    steps : int
        Cells along each edge of an element.

    Returns
    -------
    Surface
        Vertices shared by neighbouring elements are merged.

    Raises
    ------
    InputError
        If the package is missing or its files are not what they were.
    """
    mesh = json.loads(model_file("atlas_meshes", f"{name}.mesh").read_text())
    order = {
        int(k): int(v)
        for k, v in json.loads(model_file("atlas_meshes", f"{name}.ens").read_text())["custom_map"].items()
    }
    nodes_of = _element_nodes(mesh, order)
    blocks, faces, start = [], [], 0
    for element, kind in sorted((int(k), v.split()[1]) for k, v in mesh["elements"].items()):
        n_first, n_second = _ELEMENTS[kind]
        weights, cells = _triangle(n_first, steps) if n_second is None else _quad(n_first, n_second, steps)
        # A node may stand twice in one element where an edge is collapsed to a point: add, don't set.
        nodes = sparse.csr_matrix(
            (np.ones(len(nodes_of[element])), (np.arange(len(nodes_of[element])), nodes_of[element])),
            shape=(len(nodes_of[element]), mesh["number_of_points"]),
        )
        blocks.append(sparse.csr_matrix(np.where(np.abs(weights) < _WEIGHT_NOISE, 0.0, weights)) @ nodes)
        faces.append(cells + start)
        start += len(weights)
    points_from_nodes = sparse.vstack(blocks).tocsr()
    return _merge(points_from_nodes, np.concatenate(faces))


def _merge(points_from_nodes: sparse.csr_matrix, faces: NDArray[np.int64]) -> Surface:
    """Merge vertices that have the same weights; drop the faces that collapse."""
    key = np.random.default_rng(0).normal(
        size=(points_from_nodes.shape[1], 3)
    )  # random nodes: equal weights, equal points
    _, first, inverse = np.unique(
        np.round(points_from_nodes @ key, 7), axis=0, return_index=True, return_inverse=True
    )
    faces = inverse.ravel()[faces]
    keep = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return Surface(points_from_nodes[first], faces[keep])

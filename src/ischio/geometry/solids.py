"""Closed solids: from a surface and back, with every face knowing where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint

if TYPE_CHECKING:
    from manifold3d import Manifold

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Remains:
    """What is left of a solid.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
        Outward, closed.
    origin : int array of shape (F,)
        Row of the face it is a part of; -1 on a cut.
    """

    vertices_mm: Array
    faces: Ints
    origin: Ints


def solid_of(vertices_mm: Array, faces: Ints, where: str) -> Manifold:
    """Solid within a closed surface.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
        Outward.
    where : str
        The surface's name, for the error.

    Returns
    -------
    Manifold

    Raises
    ------
    InputError
        If the surface is open, crossed by its own edges or turned inside out: it bounds no solid.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]])
    >>> solid_of(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]), "corner").volume()
    4.5
    """
    from manifold3d import Error, Manifold, Mesh64

    rows = np.arange(len(faces), dtype=np.uint64)  # a name for each face, which is kept through every cut
    solid = Manifold(
        Mesh64(np.array(vertices_mm, dtype=np.float64), np.array(faces, dtype=np.uint64), face_id=rows)
    )
    status = solid.status()
    if status != Error.NoError or solid.volume() <= 0:
        got = "a surface turned inside out" if status == Error.NoError else f"an open surface ({status.name})"
        raise InputError(
            complaint(
                where,
                got,
                "a closed surface that bounds a solid",
                "Close its holes, then plan the cut again.",
            )
        )
    return solid


def remains(solid: Manifold, whole: Manifold) -> Remains:
    """Surface of what is left of a solid after cuts.

    Parameters
    ----------
    solid : Manifold
        What is left.
    whole : Manifold
        What it was cut from, as ``solid_of`` gave it.

    Returns
    -------
    Remains
    """
    mesh = solid.to_mesh64()
    faces = np.asarray(mesh.tri_verts, dtype=np.int64)
    origin = np.full(len(faces), -1, dtype=np.int64)
    starts = np.asarray(mesh.run_index, dtype=np.int64) // 3
    names = np.asarray(mesh.face_id, dtype=np.int64)
    (own,) = whole.to_mesh64().run_original_id
    for run, owner in enumerate(mesh.run_original_id):
        if owner == own:
            origin[starts[run] : starts[run + 1]] = names[starts[run] : starts[run + 1]]
    return Remains(np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3], faces, origin)


def half_space(normal: Array, point_mm: Array, reach_mm: float) -> Manifold:
    """A block whose one face is a plane, and which lies on the side its normal points to.

    Parameters
    ----------
    normal : array of shape (3,)
        Unit vector into the block.
    point_mm : array of shape (3,), mm
        On the plane; the middle of the block's face.
    reach_mm : float
        Half the width of the block, and its depth.

    Examples
    --------
    >>> float(round(half_space(np.array([0.0, 0, 1]), np.zeros(3), 5.0).volume(), 6))
    500.0
    """
    from manifold3d import Manifold

    across = np.linalg.svd(normal[None])[2][1:]
    if np.cross(across[0], across[1]) @ normal < 0:
        across = across[::-1]
    block = Manifold.cube((2 * reach_mm, 2 * reach_mm, reach_mm), False).translate(
        (-reach_mm, -reach_mm, 0.0)
    )
    return block.transform(np.column_stack([across[0], across[1], normal, point_mm]))


def volume_above(triangles_mm: Array, normals: Array, levels_mm: Array) -> Array:
    """Volume of a solid on the far side of planes, exactly.

    Parameters
    ----------
    triangles_mm : array of shape (F, 3, 3), mm
        Closed surface, outward.
    normals : array of shape (N, 3)
        Unit vectors.
    levels_mm : array of shape (N,), mm
        Of each plane along its normal.

    Returns
    -------
    array of shape (N,), mm3

    Notes
    -----
    The field ``max(h, 0) n``, with ``h`` the height over a plane, has the divergence 1 above it and 0 below:
    the volume is its flux through the surface, a sum over triangles.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]])
    >>> faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    >>> volume_above(corners[faces], np.array([[0.0, 0, 1]]), np.array([1.0])).round(9).tolist()
    [1.333333333]
    """
    across = np.cross(triangles_mm[:, 1] - triangles_mm[:, 0], triangles_mm[:, 2] - triangles_mm[:, 0]) / 2
    out = np.empty(len(normals))
    for row, (normal, level) in enumerate(zip(normals, levels_mm, strict=True)):
        height = np.sort(triangles_mm @ normal - level, axis=1)
        low, middle, high = height.T
        mean = height.mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            one_above = high**3 / (3 * (high - middle) * (high - low))
            one_below = mean - low**3 / (3 * (middle - low) * (high - low))
        positive = np.where(low >= 0, mean, np.where(middle >= 0, one_below, one_above))
        out[row] = np.where(high > 0, positive, 0.0) @ (across @ normal)
    return out


def level_solid(values: Array, low_mm: Array, step_mm: float, level: float) -> Manifold:
    """Solid of all places where a field on a grid is below a level.

    Parameters
    ----------
    values : array of shape (I, J, K)
        Taken as linear between nodes, and as above the level outside the grid.
    low_mm : array of shape (3,), mm
        First node.
    step_mm : float
    level : float

    Returns
    -------
    Manifold
        Empty where the field is nowhere below the level.
    """
    from manifold3d import Manifold
    from skimage import measure

    if values.min() >= level:
        return Manifold()
    # The outermost layer is put just above the level: the solid ends at the grid's end.
    padded = np.pad(values, 1, constant_values=level + 1.0)
    cubes: Any = measure.marching_cubes
    corners, faces, _, _ = cubes(padded, level, gradient_direction="descent")
    return solid_of(low_mm + (corners - 1.0) * step_mm, faces.astype(np.int64), "field below a level")

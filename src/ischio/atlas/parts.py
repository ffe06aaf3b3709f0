"""Shape models of single bones, cut out of the installed models: one hip bone, the sacrum, the femur."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ischio._check import Array
from ischio.atlas.model import (
    N_PEOPLE,
    BoneModel,
    bone_model,
    levelled,
    model_from_shapes,
    person_surface,
)
from ischio.atlas.template import femur_template, pelvis_template
from ischio.geometry.spheres import fit_sphere
from ischio.types import Side

N_PARTS = 3  # of the pelvis's model: right hip bone, sacrum, left hip bone


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One bone of the pelvis's model.

    Parameters
    ----------
    vertices : int array of shape (V,)
        Its vertices in the pelvis's model.
    faces : int array of shape (F, 3)
        Indices into ``vertices``.
    """

    vertices: NDArray[np.int64]
    faces: NDArray[np.int64]


@cache
def pelvis_parts() -> dict[tuple[str, Side | None], Part]:
    """The bones that the pelvis's model consists of, by name and side."""
    model = bone_model("pelvis")
    n = len(model.mean_mm)
    links = np.concatenate([model.faces[:, [0, 1]], model.faces[:, [1, 2]]])
    piece = connected_components(coo_matrix((np.ones(len(links)), links.T), shape=(n, n)))[1]
    middles = {int(k): float(model.mean_mm[piece == k, 0].mean()) for k in np.unique(piece)}
    assert len(middles) == N_PARTS  # the installed model is what it was
    names = (("hip_bone", Side.RIGHT), ("sacrum", None), ("hip_bone", Side.LEFT))
    return {
        name: Part(np.flatnonzero(piece == k), _renumbered(model.faces, piece == k))
        for name, k in zip(names, sorted(middles, key=middles.__getitem__), strict=True)
    }


def _renumbered(faces: NDArray[np.int64], of_part: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Faces of a part with the numbers of its own vertices."""
    number = np.cumsum(of_part) - 1
    out: NDArray[np.int64] = number[faces[of_part[faces[:, 0]]]]
    return out


@cache
def part_model(name: str, side: Side | None) -> BoneModel:
    """Shape model of one bone.

    Parameters
    ----------
    name : str
        "hip_bone", "sacrum" or "femur".
    side : Side or None

    Returns
    -------
    BoneModel
        Upright in axes close to patient LPS.
    """
    if name == "femur":
        model = bone_model("femur")
        return model if side is Side.LEFT else model.mirrored()
    part = pelvis_parts()[name, side]
    return model_from_shapes(name, _levelled_people()[:, part.vertices], part.faces)


@cache
def _levelled_people() -> Array:
    """The pelvis of every person, upright as the pelvis's model."""
    shapes = np.stack([person_surface("pelvis", person)[0] for person in range(N_PEOPLE)])
    return levelled(shapes, person_surface("pelvis", 0)[1])


@cache
def pelvis_mean() -> Array:
    """Mean pelvis with the vertices of ``pelvis_parts``, shape (V, 3), mm."""
    return bone_model("pelvis").mean_mm


@cache
def _ball(name: str, side: Side) -> tuple[NDArray[np.int64], Array]:
    """Vertices of a part's model on its sphere, and the area each stands for."""
    if name == "femur":
        template = femur_template()
        return template.ball, template.ball_weights
    template = pelvis_template(side)
    number = np.full(len(pelvis_mean()), -1)
    part = pelvis_parts()["hip_bone", side]
    number[part.vertices] = np.arange(len(part.vertices))
    ball = number[template.ball]
    return ball[ball >= 0], template.ball_weights[ball >= 0]


def socket_of(name: str, side: Side, vertices_mm: Array) -> Array:
    """Centre of the sphere of a laid femur or hip bone, shape (3,), mm.

    Parameters
    ----------
    name : str
        "femur" or "hip_bone".
    side : Side
    vertices_mm : array of shape (V, 3), mm
        With the vertices of ``part_model``.
    """
    return ball_of(name, side, vertices_mm)[0]


def ball_of(name: str, side: Side, vertices_mm: Array) -> tuple[Array, float]:
    """Centre, of shape (3,), and radius of the sphere of a laid femur or hip bone, mm.

    Parameters
    ----------
    name : str
        "femur" or "hip_bone".
    side : Side
    vertices_mm : array of shape (V, 3), mm
        With the vertices of ``part_model``.
    """
    ball, weights = _ball(name, side)
    return fit_sphere(vertices_mm[ball], weights)


def ball_vertices(name: str, side: Side) -> NDArray[np.int64]:
    """Vertices of a laid femur or hip bone on its sphere, as numbers of shape (N,).

    Parameters
    ----------
    name : str
        "femur" or "hip_bone".
    side : Side
    """
    return _ball(name, side)[0]


def socket(side: Side) -> tuple[Array, Array]:
    """Centres of socket and head in the models of hip bone and femur, each of shape (3,), mm.

    Parameters
    ----------
    side : Side
    """
    return (
        socket_of("hip_bone", side, part_model("hip_bone", side).mean_mm),
        socket_of("femur", side, part_model("femur", side).mean_mm),
    )

"""Shape model of one bone: mean, modes and the people it was made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.atlas.fieldwork import model_file, read_arrays, read_surface
from ischio.geometry.sampling import face_normals

N_PEOPLE = 26
SOURCE = "LLP26 shape model (musculoskeletal-models 0.2, MPL-2.0)"
_SHAPE_MODEL = ("shape_models", "LLP26_rigid.pc")
# Surface file, first node in the joint model, number of nodes, cells per element edge.
_SURFACES = {
    "pelvis": ("pelvis_combined_cubic_flat", 0, 1946, 5),
    "femur": ("femur_left_quartic_flat", 1946, 634, 10),
}


@dataclass(frozen=True, slots=True, eq=False)
class BoneModel:
    """Mean shape and modes of one bone, in millimetres, pose and size taken out.

    Parameters
    ----------
    name : str
        "femur" (left; see ``mirrored``) or "pelvis" (both hip bones and sacrum, one surface).
    mean_mm : array of shape (V, 3)
        In axes close to patient LPS.
    modes_mm : array of shape (K, V, 3)
        Each scaled to one standard deviation.
    faces : int array of shape (F, 3)
    is_mirrored : bool
        Whether it is the mirror image of the model as installed.
    """

    name: str
    mean_mm: Array
    modes_mm: Array
    faces: NDArray[np.int64]
    is_mirrored: bool = False

    def mirrored(self) -> BoneModel:
        """The model of the other side: x negated, winding reversed."""
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self,
            mean_mm=self.mean_mm * flip,
            modes_mm=self.modes_mm * flip,
            faces=self.faces[:, ::-1],
            is_mirrored=not self.is_mirrored,
        )

    def shape(self, coefficients: Array) -> Array:
        """Vertices of the shape with the given mode coefficients (standard deviations), shape (V, 3), mm."""
        used = self.modes_mm[: len(coefficients)]
        out: Array = self.mean_mm + np.tensordot(coefficients, used, axes=1)
        return out


@cache
def _nodes_of_people() -> Array:
    """Nodes of all people in the joint model's frame, shape (26, 3225, 3), mm."""
    content = read_arrays(model_file(*_SHAPE_MODEL))
    people: Array = np.asarray(content["mean"]) + (content["modes"] @ content["projectedWeights"]).T
    return people.reshape(N_PEOPLE, 3, -1).transpose(0, 2, 1)


def person_surface(bone: str, person: int, steps: int | None = None) -> tuple[Array, NDArray[np.int64]]:
    """Surface of one of the 26 people, as reconstructed by the shape model.

    Parameters
    ----------
    bone : str
        "pelvis" or "femur" (left).
    person : int
        0 to 25.
    steps : int, optional
        Cells along each edge of a finite element; without it, those of the shape model.

    Returns
    -------
    vertices_mm : array of shape (V, 3), mm
        In the model's posture; axes are patient LPS.
    faces : int array of shape (F, 3)

    Raises
    ------
    InputError
        If there is no such person or the package is not installed.
    """
    if not 0 <= person < N_PEOPLE:
        raise InputError(
            complaint("shape model", f"person {person}", f"0 to {N_PEOPLE - 1}", "Choose one of these.")
        )
    file, start, count, usual = _SURFACES[bone]
    surface = read_surface(file, steps or usual)
    return surface.points_from_nodes @ _nodes_of_people()[person, start : start + count], surface.faces


def vertex_areas(vertices_mm: Array, faces: NDArray[np.int64]) -> Array:
    """Area that each vertex stands for: a third of its faces, shape (V,), mm2."""
    areas = face_normals(vertices_mm[faces])[1]
    shares = np.bincount(faces.ravel(), weights=np.repeat(areas / 3, 3), minlength=len(vertices_mm))
    return shares.astype(np.float64)


def vertex_normals(vertices_mm: Array, faces: NDArray[np.int64]) -> Array:
    """Area-weighted unit normals of vertices, shape (V, 3)."""
    normals, areas = face_normals(vertices_mm[faces])
    across, corners = normals * areas[:, None], faces.ravel()
    out = np.stack(
        [np.bincount(corners, np.repeat(across[:, k], 3), minlength=len(vertices_mm)) for k in range(3)],
        axis=1,
    )
    length = np.linalg.norm(out, axis=1)
    return out / np.where(length > 0, length, 1.0)[:, None]


def similarity(source: Array, target: Array, weights: Array) -> tuple[float, Array, Array]:
    """Scale, rotation and offset that bring source points onto target points (weighted least squares).

    Parameters
    ----------
    source, target : arrays of shape (N, 3)
    weights : array of shape (N,)

    Returns
    -------
    scale : float
    rotation : array of shape (3, 3), proper
    offset : array of shape (3,)
        ``target ~ scale * source @ rotation.T + offset``.

    References
    ----------
    .. [1] Umeyama 1991, IEEE Trans Pattern Anal Mach Intell 13:376.
    """
    share = weights / weights.sum()
    from_mean, to_mean = share @ source, share @ target
    a, b = source - from_mean, target - to_mean
    u, s, vt = np.linalg.svd((b * share[:, None]).T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((s * sign).sum() / (share @ (a**2).sum(axis=1)))
    return scale, rotation, to_mean - scale * rotation @ from_mean


def model_from_shapes(name: str, shapes: Array, faces: NDArray[np.int64]) -> BoneModel:
    """Align shapes to their mean in position, direction and size, and take principal components.

    Parameters
    ----------
    name : str
    shapes : array of shape (N, V, 3), mm
        Corresponding vertices.
    faces : int array of shape (F, 3)

    Returns
    -------
    BoneModel
        With N - 1 modes; the mean keeps the mean size and direction of the shapes.
    """
    weights = vertex_areas(shapes.mean(axis=0), faces)
    mean = shapes.mean(axis=0)
    aligned = shapes
    for _ in range(4):
        aligned = np.stack(
            [
                scale * shape @ rotation.T + offset
                for shape in shapes
                for scale, rotation, offset in [similarity(shape, mean, weights)]
            ]
        )
        # Aligning to the old mean shrinks the new one a little: restore its pose and size.
        scale, rotation, offset = similarity(aligned.mean(axis=0), mean, weights)
        mean = scale * aligned.mean(axis=0) @ rotation.T + offset
    mean = aligned.mean(axis=0)  # modes are counted from the middle of the people themselves
    root = np.sqrt(weights / weights.mean())[None, :, None]
    _, spread, modes = np.linalg.svd(((aligned - mean) * root).reshape(len(shapes), -1), full_matrices=False)
    count = len(shapes) - 1
    scaled = modes[:count].reshape(count, -1, 3) / root * (spread[:count] / np.sqrt(count))[:, None, None]
    return BoneModel(name, mean, scaled, faces)


@cache
def bone_model(bone: str) -> BoneModel:
    """Shape model of the left femur or of the pelvis, made from the 26 people once per process.

    Parameters
    ----------
    bone : str
        "femur" or "pelvis".

    Returns
    -------
    BoneModel
    """
    return bone_model_without(bone, None)


def bone_model_without(bone: str, left_out: int | None) -> BoneModel:
    """Shape model made without one of the 26 people, for leave-one-out errors.

    Parameters
    ----------
    bone : str
        "femur" or "pelvis".
    left_out : int or None
        0 to 25, or None to keep all.

    Returns
    -------
    BoneModel
    """
    people = [person for person in range(N_PEOPLE) if person != left_out]
    shapes = np.stack([person_surface(bone, person)[0] for person in people])
    faces = person_surface(bone, people[0])[1]
    if bone == "pelvis":
        shapes = levelled(shapes, faces)
    return model_from_shapes(bone, shapes, faces)


def levelled(shapes: Array, faces: NDArray[np.int64]) -> Array:
    """Turn all shapes alike so that the mean's plane of symmetry faces left, by the least turn.

    Parameters
    ----------
    shapes : array of shape (N, V, 3), mm
        Pelves with corresponding vertices.
    faces : int array of shape (F, 3)

    Returns
    -------
    array of shape (N, V, 3), mm

    Notes
    -----
    The joint model's pelvis leans 4-5 degrees to one side. A symmetric body has a principal
    axis of inertia across its plane of symmetry.
    """
    mean = shapes.mean(axis=0)
    weights = vertex_areas(mean, faces)
    local = mean - np.average(mean, axis=0, weights=weights)
    axes = np.linalg.eigh((local * weights[:, None]).T @ local)[1]
    across = axes[:, np.argmax(np.abs(axes[0]))]
    left = across * np.sign(across[0])
    up = np.array([0.0, 0.0, 1.0]) - left[2] * left
    up /= np.linalg.norm(up)
    out: Array = shapes @ np.stack([left, np.cross(up, left), up], axis=1)
    return out

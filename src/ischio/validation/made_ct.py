"""CT made from bone surfaces, so that the truth of a segmentation is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import person_surface
from ischio.atlas.parts import pelvis_parts, socket_of
from ischio.geometry.solid import solid
from ischio.types import Bone, Frame, Side, Volume

AIR_HU, FAT_HU, MUSCLE_HU, MARROW_HU = -1000.0, -100.0, 55.0, -40.0
_FAT_MM = 12.0
_SLAB_MM, _BEYOND_MM = 40.0, 2.0  # made at once; with it what its cortex and its blur depend on
_FRAME = Frame("patient", "made")


@dataclass(frozen=True, slots=True)
class Tissue:
    """How bones attenuate.

    Parameters
    ----------
    cortex_hu, trabecular_hu : float
        The latter falls to 40 and less in osteoporosis.
    cortex_mm : float
        Of flat and short bones and of the ends of long ones.
    shaft_cortex_mm : float
        Of a femur below its trochanters.
    """

    cortex_hu: float = 1200.0
    trabecular_hu: float = 200.0
    cortex_mm: float = 1.2
    shaft_cortex_mm: float = 5.0


@dataclass(frozen=True, slots=True)
class Scanner:
    """How a scanner blurs, samples and errs.

    Parameters
    ----------
    in_plane_mm, slice_mm : float
        Spacing; slices are as thick as they are apart.
    blur_mm : float
        Standard deviation of the point spread in plane.
    noise_hu : float
        Standard deviation, correlated over a voxel or so.
    """

    in_plane_mm: float = 0.8
    slice_mm: float = 0.8
    blur_mm: float = 0.55
    noise_hu: float = 20.0


def made_ct(
    bones: Sequence[Bone],
    box_mm: tuple[Array, Array],
    *,
    tissue: Tissue | None = None,
    scanner: Scanner | None = None,
    rotation: Array | None = None,
    seed: int = 0,
) -> Volume:
    """A CT of bones in a body of muscle under fat.

    Parameters
    ----------
    bones : sequence of Bone
        Closed surfaces.
    box_mm : (array of shape (3,), array of shape (3,))
        Lowest and highest corner of the field of view.
    tissue : Tissue, optional
    scanner : Scanner, optional
    rotation : array of shape (3, 3), optional
        Directions of the voxel axes as columns, for oblique scans.
    seed : int
        Of the noise.

    Returns
    -------
    Volume
        int16, HU.

    Notes
    -----
    Tissue is laid on a grid of half the in-plane spacing, blurred, averaged over slices and sampled, and
    noise is added. Bones that overlap share the overlap; the gap between them keeps its tissue.
    """
    from scipy.ndimage import gaussian_filter

    tissue, scanner = tissue or Tissue(), scanner or Scanner()
    fine_mm = scanner.in_plane_mm / 2
    n_z = max(1, round(scanner.slice_mm / fine_mm))
    low, high = box_mm
    counts = np.ceil((high - low) / [scanner.in_plane_mm, scanner.in_plane_mm, scanner.slice_mm]).astype(int)
    turn = np.eye(3) if rotation is None else rotation
    fine = np.eye(4)
    fine[:3, :3] = turn * [fine_mm, fine_mm, scanner.slice_mm / n_z]
    fine[:3, 3] = low
    i, j, k = (int(n) for n in counts)
    sampled = np.empty((i, j, k), dtype=np.float32)
    sigma = scanner.blur_mm / fine_mm
    beyond_mm = max(tissue.cortex_mm, tissue.shaft_cortex_mm) + _BEYOND_MM
    n_slab, n_more = (int(np.ceil(mm / scanner.slice_mm)) for mm in (_SLAB_MM, beyond_mm))
    for start in range(0, k, n_slab):  # bounds the memory of the fine grid
        first, stop = max(start - n_more, 0), min(start + n_slab, k)
        last = min(stop + n_more, k)
        part = fine.copy()
        part[:3, 3] += fine[:3, 2] * n_z * first
        hu = _tissues(bones, part, (2 * i, 2 * j, n_z * (last - first)), tissue)
        hu = gaussian_filter(hu, (sigma, sigma, 0.3), output=np.float32, truncate=3)
        slices = hu.reshape(i, 2, j, 2, last - first, n_z).mean(axis=(1, 3, 5))
        sampled[:, :, start:stop] = slices[:, :, start - first : stop - first]
    noise = np.random.default_rng(seed).normal(size=sampled.shape).astype(np.float32)
    noise = gaussian_filter(noise, (0.6, 0.6, 0.0))
    sampled += noise * (scanner.noise_hu / noise.std())
    affine = fine.copy()
    affine[:3, :3] *= [2, 2, n_z]
    affine[:3, 3] += fine[:3, :3] @ ((np.array([2, 2, n_z]) - 1) / 2)
    values = np.clip(np.round(sampled), -1024, 3071).astype(np.int16)
    return Volume(values, affine, _FRAME, "CT", "HU", "made from surfaces")


def _tissues(
    bones: Sequence[Bone], affine: Array, shape: tuple[int, int, int], tissue: Tissue
) -> NDArray[np.float32]:
    """Attenuation of every cell."""
    hu = _body(bones, affine, shape)
    size = np.linalg.norm(affine[:3, :3], axis=0)
    for bone in bones:
        box, matrix = box_around(bone.vertices_mm, affine, shape)
        part = hu[box]
        if 0 in part.shape:
            continue
        inside = solid(bone.vertices_mm, bone.faces, matrix, part.shape)
        depth = depth_below(inside, size)
        cortex, filling = np.full(shape[2], tissue.cortex_mm), np.full(shape[2], tissue.trabecular_hu)
        if bone.name == "femur":
            cortex, filling = along_femur(bone, matrix, part.shape[2], tissue)
        else:
            cortex, filling = cortex[: part.shape[2]], filling[: part.shape[2]]
        hu[box] = np.where(inside, np.where(depth <= cortex, tissue.cortex_hu, filling), part)
    return hu


def depth_below(inside: NDArray[np.bool_], size: Array) -> NDArray[np.float32]:
    """Depth below the surface of each cell inside, mm."""
    from scipy.ndimage import distance_transform_edt

    wide = np.pad(inside, 1, mode="edge")
    out: NDArray[np.float32] = distance_transform_edt(wide, sampling=size)[1:-1, 1:-1, 1:-1]
    return out


def along_femur(bone: Bone, matrix: Array, n: int, tissue: Tissue) -> tuple[Array, Array]:
    """Thickness of the cortex and filling of a femur by slice: thin with trabeculae at the ends.

    Parameters
    ----------
    bone : Bone
    matrix : array of shape (4, 4), mm
        Of the grid.
    n : int
        Slices.
    tissue : Tissue
    """
    up = matrix[2, 2] * np.arange(n) + matrix[2, 3]
    top, bottom = bone.vertices_mm[:, 2].max(), bone.vertices_mm[:, 2].min()
    share = np.clip((top - 70.0 - up) / 50.0, 0.0, 1.0) * np.clip((up - bottom - 60.0) / 50.0, 0.0, 1.0)
    thickness = tissue.cortex_mm + share * (tissue.shaft_cortex_mm - tissue.cortex_mm)
    return thickness, tissue.trabecular_hu + share * (MARROW_HU - tissue.trabecular_hu)


def _body(bones: Sequence[Bone], affine: Array, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Air, and an elliptic body of muscle under fat around the bones."""
    points = np.concatenate([bone.vertices_mm for bone in bones])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    half = (points.max(axis=0) - points.min(axis=0)) / 2 + 45.0
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    place = [affine[n, 0] * i + affine[n, 1] * j + affine[n, 2] * k + affine[n, 3] for n in (0, 1)]
    radius = np.sqrt(sum(((place[n] - middle[n]) / half[n]) ** 2 for n in (0, 1)))
    skin = 1.0 - _FAT_MM / float(half[1])
    out = np.where(radius > 1.0, AIR_HU, np.where(radius > skin, FAT_HU, MUSCLE_HU))
    return np.ascontiguousarray(np.broadcast_to(out, shape), dtype=np.float32)


def box_around(
    points: Array, affine: Array, shape: tuple[int, int, int]
) -> tuple[tuple[slice, slice, slice], Array]:
    """The cells around points, and the affine of that part.

    Parameters
    ----------
    points : array of shape (N, 3), mm
    affine : array of shape (4, 4), mm
        Of the grid.
    shape : (int, int, int)
    """
    back = np.linalg.inv(affine)
    cells = points @ back[:3, :3].T + back[:3, 3]
    low = np.clip(np.floor(cells.min(axis=0)) - 1, 0, shape).astype(int)
    high = np.clip(np.ceil(cells.max(axis=0)) + 2, low, shape).astype(int)
    matrix = affine.copy()
    matrix[:3, 3] += affine[:3, :3] @ low
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return (i, j, k), matrix


def model_hip(person: int, *, femur_scale: float = 0.88) -> tuple[Bone, ...]:
    """Left hip bone and femur of a person of the shape model, the head set into its socket.

    Parameters
    ----------
    person : int
    femur_scale : float
        The model's sockets are too tight for its heads: smaller femora leave a joint space.

    Returns
    -------
    tuple of Bone
        Hip bone and femur.
    """
    side, edge_mm = Side.LEFT, 5.0
    pelvis, _ = person_surface("pelvis", person)
    femur, faces = person_surface("femur", person)
    part = pelvis_parts()["hip_bone", side]
    hip_bone = pelvis[part.vertices]
    femur = femur_scale * femur
    femur = femur + socket_of("hip_bone", side, hip_bone) - socket_of("femur", side, femur)
    return (
        Bone("hip_bone", side, hip_bone, part.faces, _FRAME, edge_mm, "shape model"),
        Bone("femur", side, femur, faces, _FRAME, edge_mm, "shape model"),
    )

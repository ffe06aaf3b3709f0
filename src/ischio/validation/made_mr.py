"""MR made from bone surfaces, so that the truth of bones that are laid in it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.geometry.solid import solid
from ischio.types import Bone, Frame, Side, Volume
from ischio.validation.made_ct import Tissue, along_femur, box_around, depth_below

FAT_MM = 12.0  # under the skin
FAT_SHARE = 0.25  # of what lies between muscles
_FAT_GRAIN_MM = 9.0
_TENDON_MM = 7.0  # how far the hamstrings' origin stands off from the tuberosity, dark as cortex is
_TENDON_WIDE_MM = 22.0
_CARTILAGE_MM = 2.0
_CORTEX_MM = 1.5
_FRAME = Frame("patient", "made")


@dataclass(frozen=True, slots=True)
class Contrast:
    """Signal of tissues, and what a scanner adds.

    Parameters
    ----------
    fat, marrow, muscle, cortex, tendon, cartilage : float
    bias : float
        Largest relative change of the signal by the coil.
    noise : float
        Standard deviation.
    shift_voxels : float
        By which fat and marrow are shifted along the second axis.
    """

    fat: float = 1000.0
    marrow: float = 900.0
    muscle: float = 330.0
    cortex: float = 40.0
    tendon: float = 70.0
    cartilage: float = 420.0
    bias: float = 0.3
    noise: float = 25.0
    shift_voxels: float = 1.0


T1 = Contrast()
WATER = Contrast(fat=30.0, marrow=30.0, muscle=250.0, cortex=15.0, tendon=40.0, cartilage=200.0, noise=15.0)


def made_mr(
    bones: Sequence[Bone],
    box_mm: tuple[Array, Array],
    *,
    contrast: Contrast = T1,
    voxel_mm: tuple[float, float, float] = (1.0, 1.0, 4.0),
    seed: int = 0,
) -> Volume:
    """An MR of bones among muscle, fat and tendon.

    Parameters
    ----------
    bones : sequence of Bone
        Closed surfaces.
    box_mm : (array of shape (3,), array of shape (3,))
        Lowest and highest corner of the field of view.
    contrast : Contrast
    voxel_mm : (float, float, float)
        Slices are as thick as they are apart.
    seed : int
        Of fat, coil and noise.

    Returns
    -------
    Volume
        int16.

    Notes
    -----
    Tissue is laid on a grid of half the in-plane spacing and about 1 mm along slices, and averaged over
    voxels. Bones are a cortex around marrow; heads and sockets carry cartilage. Fat lies under the skin and
    in random patches between muscles, some of them on bone; the hamstrings' origin on the tuberosity is as
    dark as cortex, and as thick as 7 mm.
    """
    rng = np.random.default_rng(seed)
    parts = np.array([2, 2, max(1, round(voxel_mm[2]))])
    low, high = box_mm
    i, j, k = (int(n) for n in np.ceil((high - low) / voxel_mm))
    fine = np.diag([*(np.array(voxel_mm) / parts), 1.0])
    fine[:3, 3] = low
    shape = (i * int(parts[0]), j * int(parts[1]), k * int(parts[2]))
    water, fat = _tissues(bones, fine, shape, contrast, rng)

    def thick(one: NDArray[np.float32]) -> NDArray[np.float32]:
        out: NDArray[np.float32] = one.reshape(i, parts[0], j, parts[1], k, parts[2]).mean(axis=(1, 3, 5))
        return out

    shifted = np.roll(fat, round(contrast.shift_voxels * parts[1]), axis=1)
    signal = thick(water + shifted) * _coil((i, j, k), contrast.bias, rng)
    noise = rng.normal(size=(2, i, j, k)) * contrast.noise
    values = np.hypot(signal + noise[0], noise[1])  # of a magnitude
    affine = np.diag([*voxel_mm, 1.0])
    affine[:3, 3] = low + (np.array(voxel_mm) - np.diag(fine)[:3]) / 2
    return Volume(np.round(values).astype(np.int16), affine, _FRAME, "MR", "1", "made from surfaces")


def _tissues(
    bones: Sequence[Bone],
    affine: Array,
    shape: tuple[int, int, int],
    contrast: Contrast,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Signal of water and of fat in every cell."""
    size = np.linalg.norm(affine[:3, :3], axis=0)
    is_fat = _patches(shape, size, rng) | _under_skin(bones, affine, shape)
    water = np.where(is_fat, 0.0, contrast.muscle).astype(np.float32)
    fat = np.where(is_fat, contrast.fat, 0.0).astype(np.float32)
    laid = []
    for bone in bones:
        box, matrix = box_around(bone.vertices_mm, affine, shape)
        if 0 not in water[box].shape:
            laid.append((bone, box, solid(bone.vertices_mm, bone.faces, matrix, water[box].shape), matrix))
    for bone, box, inside, matrix in laid:
        if bone.name == "hip_bone":
            tendon = _origin_of_hamstrings(bone, inside, matrix)
            water[box][tendon], fat[box][tendon] = contrast.tendon, 0.0
    for bone, box, inside, _ in laid:
        if bone.name != "femur":
            continue
        others = np.zeros(shape, dtype=bool)
        for other, its_box, its, _ in laid:
            if other is not bone:
                others[its_box] |= its
        near = [_near(one, size, _CARTILAGE_MM) for one in (inside, others[box])]
        joint = near[0] & near[1] & ~inside & ~others[box]
        water[box][joint], fat[box][joint] = contrast.cartilage, 0.0
    for bone, box, inside, matrix in laid:
        cortex = np.full(inside.shape[2], _CORTEX_MM)
        if bone.name == "femur":
            cortex = along_femur(bone, matrix, inside.shape[2], Tissue(cortex_mm=_CORTEX_MM))[0]
        hard = depth_below(inside, size) <= cortex
        water[box][inside], fat[box][inside] = 0.0, contrast.marrow
        water[box][inside & hard], fat[box][inside & hard] = contrast.cortex, 0.0
    return water, fat


def _near(mask: NDArray[np.bool_], size: Array, mm: float) -> NDArray[np.bool_]:
    """Cells within a distance of a mask."""
    from scipy.ndimage import distance_transform_edt

    out: NDArray[np.bool_] = distance_transform_edt(~mask, sampling=size) < mm
    return out


def _origin_of_hamstrings(bone: Bone, inside: NDArray[np.bool_], matrix: Array) -> NDArray[np.bool_]:
    """Cells of tendon lateral of and behind the tuberosity."""
    own = bone.vertices_mm
    behind = own[own[:, 1] > np.median(own[:, 1])]
    lowest = behind[np.argmin(behind[:, 2])]
    sign = -1.0 if bone.side is Side.RIGHT else 1.0
    middle = lowest + np.array([sign * 8.0, 6.0, 18.0])
    i, j, k = np.ogrid[: inside.shape[0], : inside.shape[1], : inside.shape[2]]
    x, y, z = (matrix[n, n] * one + matrix[n, 3] - middle[n] for n, one in enumerate((i, j, k)))
    within = (x**2 + y**2 + z**2 < _TENDON_WIDE_MM**2) & (sign * x > -6.0)
    out: NDArray[np.bool_] = within & ~inside & _near(inside, np.diag(matrix)[:3], _TENDON_MM)
    return out


def _patches(shape: tuple[int, int, int], size: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Fat between muscles."""
    from scipy.ndimage import gaussian_filter, zoom

    coarse = [
        max(2, int(np.ceil(n * mm / (_FAT_GRAIN_MM / 2))) + 1) for n, mm in zip(shape, size, strict=True)
    ]
    field = gaussian_filter(rng.normal(size=coarse), 1.0)
    field = zoom(field, [n / m for n, m in zip(shape, coarse, strict=True)], order=1)
    out: NDArray[np.bool_] = field > np.quantile(field, 1 - FAT_SHARE)
    return out


def _under_skin(bones: Sequence[Bone], affine: Array, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Fat around an elliptic body."""
    points = np.concatenate([bone.vertices_mm for bone in bones])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    half = (points.max(axis=0) - points.min(axis=0)) / 2 + 45.0
    i, j = np.ogrid[: shape[0], : shape[1]]
    place = [affine[n, n] * one + affine[n, 3] for n, one in enumerate((i, j))]
    radius = np.sqrt(sum(((place[n] - middle[n]) / half[n]) ** 2 for n in (0, 1)))
    out: NDArray[np.bool_] = np.broadcast_to((radius > 1.0 - FAT_MM / float(half[1]))[..., None], shape)
    return out


def _coil(shape: tuple[int, int, int], most: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth change of the signal over the field of view."""
    axes = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in shape), indexing="ij", sparse=True)
    a, b, c = axes
    w = rng.normal(size=6)
    field = w[0] * a + w[1] * b + w[2] * c + w[3] * a * b + w[4] * b * c + w[5] * a * a
    field = field / np.abs(field).max()
    out: NDArray[np.float32] = (1.0 + most * field).astype(np.float32)
    return out

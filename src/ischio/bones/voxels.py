"""The surface of one label of a label map."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.topology import Indices
from ischio.bones.words import counted
from ischio.geometry.holes import enclosed
from ischio.geometry.interpolate import divided
from ischio.types import Volume

SMOOTHING_VOXELS = 0.6  # takes the steps off; a plate one voxel thick keeps two thirds of it
_LEVEL = 0.5  # half way: a plane boundary stays where it is
_PAD = 3  # the smoothing has faded after so many voxels
_SPECK_SHARE = 0.003  # of the largest piece's voxels, as 2 % are of its surface


Box = tuple[slice, slice, slice]


def label_boxes(volume: Volume) -> dict[int, Box]:
    """Smallest box around each named label.

    Parameters
    ----------
    volume : Volume
        A label map.

    Returns
    -------
    dict of int to three slices
        Labels without a voxel are left out.
    """
    from scipy.ndimage import find_objects

    boxes = find_objects(volume.values, max_label=max(volume.names, default=0))
    return {label: boxes[label - 1] for label in volume.names if boxes[label - 1] is not None}


class LabelSurface(NamedTuple):
    """The surface of a label, what was done to it, and where the volume cuts it.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm, patient LPS
    faces : int array of shape (F, 3)
        Outward; none where the label is too small.
    repairs : tuple of str
        What was dropped, and whether the bone leaves the volume.
    scan_ends : array of shape (K, 4)
        Of the sides of the volume that the bone reaches, as in ``Bone``.
    """

    vertices_mm: Array
    faces: Indices
    repairs: tuple[str, ...]
    scan_ends: Array


def label_surface(
    volume: Volume, label: int, box: Box, *, finer: tuple[int, int, int] = (1, 1, 1)
) -> LabelSurface:
    """Surface around the voxels of a label.

    Parameters
    ----------
    volume : Volume
        A label map.
    label : int
    box : three slices
        Around all voxels of the label.
    finer : tuple of 3 int
        Cells of the surface along each side of a voxel.

    Returns
    -------
    LabelSurface

    Notes
    -----
    The mask is smoothed lightly and cut at one half, by marching cubes. A bone cut by the field of view is
    closed there with a flat face.
    """
    from scipy.ndimage import gaussian_filter
    from skimage import measure

    mask, box, n_specks = _without_specks(volume.values[box] == label, box)
    repairs = ["made from a label map"]
    if n_specks:
        repairs.append(f"{counted(n_specks, 'speck')} of the label dropped")
    filled = enclosed(mask)
    if (n_filled := int(filled.sum() - mask.sum())) > 0:
        repairs.append(
            f"holes inside the label filled ({100 * n_filled / max(int(mask.sum()), 1):.1f} % of its voxels)"
        )
        mask = filled
    ends = _scan_ends(volume, box)
    if len(ends):
        repairs.append(
            f"cut by the field of view on {counted(len(ends), 'side')} and closed there with a flat face"
        )
    blurred = gaussian_filter(np.pad(mask, _PAD).astype(np.float32), SMOOTHING_VOXELS)
    if blurred.max() <= _LEVEL:  # a few voxels, no bone
        return LabelSurface(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64), tuple(repairs), ends)
    if finer != (1, 1, 1):
        blurred = divided(blurred, finer)
    marching_cubes: Any = measure.marching_cubes  # it ships types, but not of this function
    vertices, faces, _, _ = marching_cubes(blurred, _LEVEL)
    voxels = vertices.astype(np.float64) / finer + [b.start - _PAD for b in box]
    affine = volume.patient_from_voxel
    # No BLAS: its last digits may depend on the number of threads.
    points = np.einsum("ij,kj->ik", voxels, affine[:3, :3]) + affine[:3, 3]
    outward = faces[:, ::-1] if np.linalg.det(affine[:3, :3]) > 0 else faces
    return LabelSurface(points, outward.astype(np.int64), tuple(repairs), ends)


def _scan_ends(volume: Volume, box: Box) -> Array:
    """Planes of the volume's sides that a box reaches, shape (K, 4): outward unit normal, offset in mm."""
    inverse = np.linalg.inv(volume.patient_from_voxel)
    planes = []
    for axis, (part, size) in enumerate(zip(box, volume.values.shape, strict=True)):
        along, offset = inverse[axis, :3], inverse[axis, 3]
        length = np.linalg.norm(along)
        for reaches, sign, end in ((part.start == 0, -1.0, -0.5), (part.stop == size, 1.0, size - 0.5)):
            if reaches:
                planes.append([*(sign * along / length), sign * (end - offset) / length])
    return np.array(planes).reshape(-1, 4)


def _without_specks(mask: NDArray[np.bool_], box: Box) -> tuple[NDArray[np.bool_], Box, int]:
    """The mask without its smallest pieces, the box around the rest, and how many were dropped."""
    from scipy.ndimage import find_objects, label

    pieces, n_pieces = label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    large = np.concatenate([[False], sizes >= _SPECK_SHARE * sizes.max()])
    if large[1:].all():
        return mask, box, 0
    mask = large[pieces]
    inner = find_objects(mask.astype(np.uint8))[0]
    i, j, k = (slice(b.start + n.start, b.start + n.stop) for b, n in zip(box, inner, strict=True))
    return mask[inner], (i, j, k), int(n_pieces - large.sum())

"""What the readers of scans and label maps share: limits, geometry, values."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.io._mesh import refused
from ischio.types import Frame

MAX_VOXELS = 1_000_000_000  # 512 x 512 slices, 3,800 of them; 1 GB in memory as uint8
_MAX_LABEL = 65_535
_UID_DIGITS = 12
_FLATTEST_VOXEL = 1e-6  # ratio of the sides of a voxel below which an axis is missing


@dataclass(frozen=True, slots=True)
class Segment:
    """A named label: its name, its value, and in which layer of the file."""

    name: str
    value: int
    layer: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LabelFile:
    """A label map as a file holds it.

    Parameters
    ----------
    layers : tuple of arrays of shape (I, J, K)
        Labels of one layer exclude each other; those of two layers may overlap.
    patient_from_voxel : array of shape (4, 4), mm, to patient LPS
    segments : tuple of Segment
        Names found in the file; empty if it has none.
    notes : tuple of str
    frame_uid : str
        Of the scanner's frame of reference, where the file names it.
    """

    layers: tuple[NDArray[Any], ...]
    patient_from_voxel: Array
    segments: tuple[Segment, ...] = ()
    notes: tuple[str, ...] = ()
    frame_uid: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ScanFile:
    """A scan as a file holds it.

    Parameters
    ----------
    values : array of shape (I, J, K)
        int16 where that holds every value, else float32.
    patient_from_voxel : array of shape (4, 4), mm, to patient LPS
    notes : tuple of str
    """

    values: NDArray[Any]
    patient_from_voxel: Array
    notes: tuple[str, ...] = ()


def scaled(path: Path, values: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Stored values to those meant, slab by slab, in a small type."""
    if values.dtype.kind not in "biuf" or not values.size:
        raise refused(path, f"values of type {values.dtype}", "one number a voxel")
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope == 0:
        slope, intercept = 1.0, 0.0
    bounds = [float(end) * slope + intercept for end in (values.min(), values.max())]
    if not np.isfinite(bounds).all():
        raise refused(path, "values that are not finite", "numbers", "Repair or convert the file.")
    is_whole = values.dtype.kind in "biu" and slope == int(slope) and intercept == int(intercept)
    fits = min(bounds) >= -32768 and max(bounds) <= 32767
    out = np.empty(values.shape, dtype=np.int16 if is_whole and fits else np.float32, order="F")
    for k in range(values.shape[2]):
        plane = values[:, :, k]
        if out.dtype == np.int16:
            out[:, :, k] = plane.astype(np.int32) * int(slope) + int(intercept) if fits else plane
        else:
            out[:, :, k] = plane.astype(np.float64) * slope + intercept
    return out


def inflated(packed: bytes, n_bytes: int) -> bytes:
    """Unpack gzip or zlib data, at most so many bytes: more in the file than the header says is left."""
    unpack = zlib.decompressobj(wbits=47)  # either kind, told from the data
    out = unpack.decompress(packed, n_bytes)
    while len(out) < n_bytes and unpack.unused_data[:2] == b"\x1f\x8b":  # gzip in several members
        packed, unpack = unpack.unused_data, zlib.decompressobj(wbits=47)
        out += unpack.decompress(packed, n_bytes - len(out))
    return out


def scanner_frame(uid: str) -> Frame:
    """Patient frame of a scanner's frame of reference, named by a digest; unnamed where it is unknown."""
    digest = hashlib.sha256(uid.encode()).hexdigest()[:_UID_DIGITS] if uid else "as_supplied"
    return Frame("patient", digest)


def check_voxels(path: Path, sizes: tuple[int, ...]) -> None:
    """Refuse more voxels than fit, before memory is taken for them."""
    n_voxels = int(np.prod([int(size) for size in sizes], dtype=object))
    if n_voxels > MAX_VOXELS:
        raise refused(
            path, f"{n_voxels:,} voxels", f"at most {MAX_VOXELS:,}", "Crop it to pelvis and femora."
        )
    if n_voxels < 1:
        raise refused(path, f"an image of {sizes} voxels", "voxels")


def check_geometry(path: Path, patient_from_voxel: Array) -> Array:
    """Refuse an affine matrix that does not span space."""
    if not np.isfinite(patient_from_voxel).all():
        raise refused(path, "an orientation that is not finite", "numbers", "Repair the file's header.")
    sides = np.linalg.svd(patient_from_voxel[:3, :3], compute_uv=False)
    if not sides[-1] > _FLATTEST_VOXEL * sides[0]:
        raise refused(
            path,
            f"the singular orientation {patient_from_voxel[:3, :3].tolist()}",
            "three independent directions",
            "Repair the file's header.",
        )
    return patient_from_voxel


def whole_labels(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    """The labels in a small unsigned type; refuse an image that holds anything else."""
    if values.dtype.kind not in "biuf":
        raise refused(path, f"values of type {values.dtype}", "whole labels")
    low, high = values.min(), values.max()
    if not 0 <= low <= high <= _MAX_LABEL:  # false for NaN, too
        raise refused(
            path,
            f"values from {low} to {high}",
            f"labels from 0 to {_MAX_LABEL:,}, or a CT with air and bone in view",
            "Pass the label map, not the scan; with a CT alone pass --modality CT.",
        )
    small = np.dtype(np.uint8 if high < 256 else np.uint16)
    labels = values if values.dtype == small else values.astype(small)
    if values.dtype.kind == "f" and not all(map(np.array_equal, labels.T, values.T)):  # slab by slab
        raise refused(path, "values that are not whole", "labels", "Pass the label map, not a probability.")
    return labels


def voxel_counts(labels: NDArray[Any]) -> dict[int, int]:
    """How many voxels each label has; without 0, the background."""
    total = np.zeros(_MAX_LABEL + 1, dtype=np.int64)
    for slab in labels.T:  # slab by slab, as the counting takes eight bytes a voxel
        found = np.bincount(slab.ravel(order="K"))
        total[: len(found)] += found
    return {int(label): int(total[label]) for label in np.flatnonzero(total) if label}

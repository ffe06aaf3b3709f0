"""Voxels that are not to be used, such as a tumour's: no surface is laid by what they show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.bones.refine import sampled
from ischio.bones.topology import Indices, find_edges
from ischio.types import Volume

_SAME_MM = 1e-3  # float32 headers
_N_FILLED = 200  # rounds in which moves go on from vertices that are used: a tumour 100 mm wide
_N_SMOOTH = 6


@dataclass(frozen=True, slots=True, eq=False)
class Excluded:
    """Voxels of a scan that are not used.

    Parameters
    ----------
    mask : Volume
        On the scan's grid; not 0 where voxels are excluded.
    file, sha256 : str
        Where the mask came from, without identity, and the digest of that file.
    n_voxels : int
        Of the scan.
    n_outside : int
        Voxels of the mask's file that lie outside the scan.
    is_resampled : bool
        Whether the file has another grid.
    """

    mask: Volume
    file: str
    sha256: str
    n_voxels: int
    n_outside: int
    is_resampled: bool

    @property
    def provenance(self) -> dict[str, str | int | bool]:
        """As ``settings`` of a study hold it."""
        return {
            "file": self.file,
            "sha256": self.sha256,
            "n_voxels": self.n_voxels,
            "n_outside_scan": self.n_outside,
            "is_resampled": self.is_resampled,
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it."""
        if not self.n_voxels:
            return ("excluded: the mask is empty, nothing is left out",)
        volume = abs(float(np.linalg.det(self.mask.patient_from_voxel[:3, :3]))) / 1000.0
        said = [f"excluded: {self.n_voxels} voxels of the scan ({volume * self.n_voxels:.1f} cm3)"]
        if self.is_resampled:
            said.append("excluded: the mask has another grid; the nearest of its voxels counts")
        if self.n_outside:
            said.append(f"excluded: {self.n_outside} voxels of the mask lie outside the scan")
        return tuple(said)


def excluded(mask: Volume, scan: Volume, *, file: str, sha256: str) -> Excluded:
    """Bring a mask to a scan's grid.

    Parameters
    ----------
    mask : Volume
        Any grid in the scan's patient frame; not 0 where voxels are excluded.
    scan : Volume
    file, sha256 : str
        Provenance, as in ``Excluded``.

    Returns
    -------
    Excluded

    Raises
    ------
    InputError
        If the mask marks something, and nothing of the scan.
    """
    marked = mask.values != 0
    total = int(marked.sum())
    same = mask.values.shape == scan.values.shape and np.allclose(
        mask.patient_from_voxel, scan.patient_from_voxel, atol=_SAME_MM
    )
    if same:
        on_scan, outside = marked, 0
    else:
        on_scan = _resampled(replace(mask, values=marked.astype(np.uint8)), scan)
        index = np.argwhere(marked)
        places = index @ mask.patient_from_voxel[:3, :3].T + mask.patient_from_voxel[:3, 3]
        outside = int(np.isnan(sampled(scan, places, order=0)).sum()) if total else 0
    n_voxels = int(on_scan.sum())
    if total and not n_voxels:
        raise InputError(
            complaint(
                f"--exclude ({file})",
                f"{total} voxels, none of them in the scan",
                "a mask that lies in the scan",
                "Check that both are of one person in one frame of reference.",
            )
        )
    out = replace(scan, values=on_scan.astype(np.uint8), modality="labels", unit="1", source=file)
    return Excluded(out, file, sha256, n_voxels, outside, not same)


def _resampled(mask: Volume, scan: Volume) -> NDArray[np.bool_]:
    """The nearest voxel of a mask at each voxel of a scan, near what it marks."""
    out = np.zeros(scan.values.shape, dtype=bool)
    index = np.argwhere(mask.values)
    if not len(index):
        return out
    low, high = index.min(axis=0) - 1.0, index.max(axis=0) + 1.0
    corners = np.array(
        [[i, j, k] for i in (low[0], high[0]) for j in (low[1], high[1]) for k in (low[2], high[2])]
    )
    places = corners @ mask.patient_from_voxel[:3, :3].T + mask.patient_from_voxel[:3, 3]
    back = np.linalg.inv(scan.patient_from_voxel)
    voxels = places @ back[:3, :3].T + back[:3, 3]
    size = np.array(scan.values.shape)
    start = np.clip(np.floor(voxels.min(axis=0)), 0, size).astype(int)
    stop = np.clip(np.ceil(voxels.max(axis=0)) + 1, start, size).astype(int)
    for k in range(int(start[2]), int(stop[2])):
        i, j = np.meshgrid(np.arange(start[0], stop[0]), np.arange(start[1], stop[1]), indexing="ij")
        at = np.stack([i, j, np.full_like(i, k)], axis=-1)
        points = at @ scan.patient_from_voxel[:3, :3].T + scan.patient_from_voxel[:3, 3]
        out[start[0] : stop[0], start[1] : stop[1], k] = np.nan_to_num(sampled(mask, points, order=0)) > 0
    return out


def marked_at(mask: Volume, points_mm: Array) -> NDArray[np.bool_]:
    """Whether points lie in excluded voxels.

    Parameters
    ----------
    mask : Volume
    points_mm : array of shape (..., 3), mm
    """
    out: NDArray[np.bool_] = np.nan_to_num(sampled(mask, points_mm, order=0)) > 0
    return out


def marked_on(mask: Volume, grid: Volume) -> NDArray[np.bool_]:
    """Which voxels of another grid are excluded.

    Parameters
    ----------
    mask : Volume
    grid : Volume

    Returns
    -------
    bool array of the grid's shape
    """
    return _resampled(mask, grid)


def unseen(grid: Volume, mask: Volume) -> Volume:
    """A grid on which excluded voxels show nothing.

    Parameters
    ----------
    grid : Volume
        Of floating-point values.
    mask : Volume

    Returns
    -------
    Volume
        NaN there.
    """
    return replace(grid, values=np.where(marked_on(mask, grid), np.float32(np.nan), grid.values))


def held(start_mm: Array, moved_mm: Array, faces: Indices, mask: Volume) -> Array:
    """A surface after it was moved, vertices in excluded voxels with their neighbours and not by the scan.

    Parameters
    ----------
    start_mm, moved_mm : arrays of shape (V, 3), mm
        Before and after.
    faces : int array of shape (F, 3)
    mask : Volume

    Returns
    -------
    array of shape (V, 3), mm
    """
    hidden = marked_at(mask, start_mm) | marked_at(mask, moved_mm)
    if not hidden.any():
        return moved_mm
    ends = find_edges(faces).ends
    ends = np.concatenate([ends, ends[:, ::-1]])
    n = len(start_mm)
    move = np.where(hidden[:, None], 0.0, moved_mm - start_mm)
    known = ~hidden
    for turn in range(_N_FILLED + _N_SMOOTH):
        weight = known.astype(np.float64)
        size = np.bincount(ends[:, 0], weights=weight[ends[:, 1]], minlength=n)
        total = np.stack(
            [np.bincount(ends[:, 0], (move[:, k] * weight)[ends[:, 1]], minlength=n) for k in range(3)],
            axis=1,
        )
        reached = hidden & (size > 0)
        move[reached] = total[reached] / size[reached, None]
        if known.all() and turn >= _N_FILLED:
            break
        known = known | reached
    out: Array = start_mm + move
    return out

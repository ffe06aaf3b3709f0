"""Where the voxels of a stack of slices lie, from what every slice says; refused unless it is exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ischio._check import Array
from ischio.io.dicom.heads import Slice

MIN_SLICES = 3
_NOT_SQUARE = 1e-3  # of unit directions: headers are rounded to 1e-4 at worst
_SAME_PLACE_MM = 0.01
_OFF_GRID_MM = 0.1  # positions written with one decimal are off by 0.05
_OFF_GRID_SHARE = 0.03  # of the spacing
_SKEW_DEG = 0.1
_TILT_DEG = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A stack in order.

    Parameters
    ----------
    slices : tuple of Slice
        In the order of the third axis.
    doubled : tuple of (Slice, Slice)
        Slices in the place of another one, which must hold the same pixels.
    patient_from_voxel : array of shape (4, 4), mm, patient LPS
    notes : tuple of str
    """

    slices: tuple[Slice, ...]
    doubled: tuple[tuple[Slice, Slice], ...]
    patient_from_voxel: Array
    notes: tuple[str, ...]


class BadStack(Exception):
    """Slices that are no volume; the message says why."""


def grid(slices: Sequence[Slice], *, is_original: bool) -> Grid:
    """Order slices and lay a grid through them.

    Parameters
    ----------
    slices : sequence of Slice
        Of one orientation, size and spacing in the plane.
    is_original : bool
        As scanned: then a tilt that the header names must show in the positions.

    Returns
    -------
    Grid
        A tilted gantry makes an oblique third axis, which is exact.

    Raises
    ------
    BadStack
        If slices are missing, doubled with other content, unevenly spaced, shifted against each other,
        or contradict the header's tilt.
    """
    first = slices[0]
    row, column = np.array(first.directions[:3]), np.array(first.directions[3:])
    skew = max(abs(row @ row - 1), abs(column @ column - 1), abs(row @ column))
    if skew > _NOT_SQUARE:
        raise BadStack("directions that are not perpendicular unit vectors")
    if not (min(first.spacing_mm) > 0):
        raise BadStack(f"pixels of {first.spacing_mm[0]:g} x {first.spacing_mm[1]:g} mm")
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    along = np.array([np.dot(one.position_mm, normal) for one in slices])
    order = sorted(range(len(slices)), key=lambda n: (along[n], slices[n].instance, slices[n].frame))
    kept: list[int] = []
    doubled = []
    for n in order:
        if kept and along[n] - along[kept[-1]] < _SAME_PLACE_MM:
            doubled.append((slices[kept[-1]], slices[n]))
        else:
            kept.append(n)
    if len(kept) < MIN_SLICES:
        raise BadStack(f"{len(kept)} slice{'' if len(kept) == 1 else 's'}, where a volume has more")
    positions = np.array([slices[n].position_mm for n in kept])
    step, notes = _step(positions, along[kept], normal)
    notes += _tilt(first, step, normal, is_original)
    if doubled:
        notes.append(f"{len(doubled)} doubled slice(s) with the same pixels left out")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * first.spacing_mm[0], column * first.spacing_mm[1]
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    return Grid(tuple(slices[n] for n in kept), tuple(doubled), affine, tuple(notes))


def _step(positions: Array, along: Array, normal: Array) -> tuple[Array, list[str]]:
    """The vector from slice to slice, if one vector leads through all of them."""
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    counts = gaps / usual
    wide = np.flatnonzero(counts > 1.5)
    if len(wide):
        n = int(wide[0])
        between = f"between {along[n]:.1f} and {along[n + 1]:.1f} mm along the stack"
        if np.abs(counts[wide] - np.round(counts[wide])).max() < 0.1 and len(wide) <= 0.2 * len(gaps):
            n_missing = int((np.round(counts[wide]) - 1).sum())
            raise BadStack(f"{n_missing} missing slice{'s' * (n_missing > 1)}, the first {between}")
        raise BadStack(f"unevenly spaced slices, {usual:.2f} mm and {gaps[n]:.2f} mm {between}")
    index = np.arange(len(positions))
    step: Array = (positions[-1] - positions[0]) / (len(positions) - 1)
    off = positions - (positions[0] + index[:, None] * step)
    across = np.linalg.norm(off - np.outer(off @ normal, normal), axis=1).max()
    worst = float(np.abs(off @ normal).max())
    limit = max(_OFF_GRID_MM, _OFF_GRID_SHARE * usual)
    if worst > limit:
        raise BadStack(
            f"unevenly spaced slices, {gaps.min():.2f} to {gaps.max():.2f} mm apart "
            f"and {worst:.2f} mm off an even grid"
        )
    if across > limit:
        raise BadStack(f"slices shifted against each other by {across:.1f} mm")
    notes = [f"slices up to {worst:.2f} mm off an even grid, taken as even"] if worst > 0.01 else []
    return step, notes


def _tilt(first: Slice, step: Array, normal: Array, is_original: bool) -> list[str]:
    """Compare the slant of the stack with the header's tilt of the gantry."""
    slant = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
    tilt = abs(first.tilt_deg)
    if slant > _SKEW_DEG:
        return [f"slices slanted by {slant:.1f} degrees (tilted gantry), placed exactly"]
    if tilt > _TILT_DEG and is_original:
        raise BadStack(f"a gantry tilted by {tilt:g} degrees, and slices stacked as if it were not")
    return [f"the header's gantry tilt of {tilt:g} degrees does not show"] if tilt > _TILT_DEG else []

"""What a ball takes as it is led over a floor: heights along its tool's axis, and the solid of its places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import grey_dilation, grey_erosion
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.geometry.solids import level_solid

if TYPE_CHECKING:
    from manifold3d import Manifold

_DENSE = 0.7  # of a cell: how far apart a triangle is sampled, so that no cell under it stays empty
# Of a cell squared over the radius: so far the flat faces between cells lie within the ball, on average.
_CHORD = 0.19
_BAND = 2.5  # cells from the surface sought in which distances are exact


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A raster across a tool's axis.

    Parameters
    ----------
    axes : array of shape (3, 3)
        Rows: two directions across, and the tool's axis, out of the bone; right-handed unit vectors.
    low_mm : array of shape (3,), mm
        Its first cell's middle, in these axes; the third is the lowest height of interest.
    step_mm : float
    shape : (int, int)
    """

    axes: Array
    low_mm: Array
    step_mm: float
    shape: tuple[int, int]

    def heights(self, triangles_mm: Array, *, highest: bool) -> Array:
        """Highest or lowest place of a surface in each cell, shape ``shape``; -inf or inf where it is not."""
        own = triangles_mm @ self.axes.T - self.low_mm
        cells = own[..., :2] / self.step_mm
        inside = (cells.max(axis=1) > -1).all(axis=1) & (
            cells.min(axis=1) < np.array(self.shape, dtype=float)
        ).all(axis=1)
        own = own[inside]
        out = np.full(self.shape, -np.inf)
        sign = 1.0 if highest else -1.0
        edges = np.linalg.norm((own - np.roll(own, 1, axis=1))[..., :2], axis=2).max(axis=1, initial=0.0)
        parts = np.ceil(edges / (_DENSE * self.step_mm)).astype(int) + 1
        for n in np.unique(parts):
            one, two = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
            share = np.stack([one, two, n - one - two], axis=-1)[one + two <= n] / n
            points = (share @ own[parts == n]).reshape(-1, 3)
            at = np.rint(points[:, :2] / self.step_mm).astype(int)
            fits = ((at >= 0) & (at < self.shape)).all(axis=1)
            np.maximum.at(out, tuple(at[fits].T), sign * points[fits, 2])
        return sign * out

    def points(self, cells: NDArray[np.bool_], heights: Array) -> Array:
        """Points over cells at heights, shape (N, 3), mm, in the table's own axes."""
        return np.column_stack([self.step_mm * np.argwhere(cells), heights[cells]])


def table_over(triangles_mm: Array, axis: Array, step_mm: float, room_mm: float) -> Table:
    """A raster under a surface.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm
    axis : array of shape (3,)
        Of the tool, a unit vector.
    step_mm, room_mm : float
        Size of a cell, and how far the raster reaches beyond the surface.

    Returns
    -------
    Table
    """
    across = np.linalg.svd(axis[None])[2][1:]
    axes = np.stack([across[0], np.cross(axis, across[0]), axis])
    own = triangles_mm.reshape(-1, 3) @ axes.T
    low = own.min(axis=0) - room_mm
    n = np.ceil((own.max(axis=0) + room_mm - low) / step_mm).astype(int) + 1
    return Table(axes, low, step_mm, (int(n[0]), int(n[1])))


def _ball(table: Table, radius_mm: float) -> tuple[Array, NDArray[np.bool_]]:
    """Height of a ball's upper half over each cell within its radius, and which those are."""
    reach = int(radius_mm / table.step_mm)
    squares = (table.step_mm * np.arange(-reach, reach + 1)) ** 2
    square = radius_mm**2 - squares[:, None] - squares[None]
    return np.sqrt(np.maximum(square, 0.0)), square > 0


def resting(table: Table, floor_mm: Array, radius_mm: float) -> Array:
    """Lowest centre of a ball over each cell that stays above a floor everywhere.

    Parameters
    ----------
    table : Table
    floor_mm : array of shape ``table.shape``
        -inf where there is none.
    radius_mm : float

    Returns
    -------
    array of shape ``table.shape``
        -inf where no floor is within the radius.
    """
    ball, near = _ball(table, radius_mm)
    # Outside ``near`` the structure plays no part; a finite value keeps inf - inf away.
    out: Array = grey_dilation(floor_mm, footprint=near, structure=ball, mode="constant", cval=-np.inf)
    return out


def burred_floor(table: Table, centres_mm: Array, radius_mm: float) -> Array:
    """Lowest place that a ball has taken in each cell.

    Parameters
    ----------
    table : Table
    centres_mm : array of shape ``table.shape``
        Height of its centre, where it was led; inf elsewhere.
    radius_mm : float

    Returns
    -------
    array of shape ``table.shape``
        inf where the ball never came.
    """
    ball, near = _ball(table, radius_mm)
    out: Array = grey_erosion(centres_mm, footprint=near, structure=ball, mode="constant", cval=np.inf)
    return out


def swept_ball(table: Table, centres_mm: Array, radius_mm: float, top_mm: float) -> Manifold:
    """Solid that a ball takes: led over its lowest places, and everything it came down through.

    Parameters
    ----------
    table : Table
    centres_mm : array of shape ``table.shape``
        Height of its centre, where it was led; inf elsewhere.
    radius_mm : float
    top_mm : float
        Height over the table up to which it is followed outwards.

    Returns
    -------
    Manifold
        In the frame of the surface the table lies under; empty where the ball was led nowhere.

    Notes
    -----
    The level of the distance from the ball's centres, a cell apart, on a grid as fine, moved out by what its
    flat faces cut off: with cells of a sixteenth of the diameter volumes are met to 1 %.
    """
    from manifold3d import Manifold

    led = np.isfinite(centres_mm)
    if not led.any():
        return Manifold()
    lowest = table.points(led, centres_mm)
    n_up = np.maximum(np.ceil((top_mm + radius_mm - lowest[:, 2]) / table.step_mm).astype(int), 0) + 1
    up = np.arange(n_up.sum()) - np.repeat(np.cumsum(n_up) - n_up, n_up)
    places = np.repeat(lowest, n_up, axis=0)
    places[:, 2] += up * table.step_mm
    floor = burred_floor(table, centres_mm, radius_mm)
    bottom = float(lowest[:, 2].min()) - radius_mm - 3 * table.step_mm
    levels = bottom + table.step_mm * np.arange(int((top_mm - bottom) / table.step_mm) + 1)
    band = _BAND * table.step_mm
    lowest_near = grey_erosion(floor, size=(3, 3), mode="nearest")[..., None]
    highest_near = grey_dilation(floor, size=(3, 3), mode="nearest")[..., None]
    asked = (levels > lowest_near - band) & (levels < highest_near + band)
    values = np.where(levels > floor[..., None], -1.0, 1.0)
    cells = np.argwhere(asked)
    nodes = np.column_stack([table.step_mm * cells[:, :2], levels[cells[:, 2]]])
    away = cKDTree(places).query(nodes, distance_upper_bound=radius_mm + 4 * table.step_mm)[0]
    values[asked] = np.clip(away - radius_mm, -1.0, 1.0)
    chord = _CHORD * table.step_mm**2 / radius_mm
    found = level_solid(values, np.array([0.0, 0.0, bottom]), table.step_mm, chord)
    origin = table.low_mm @ table.axes
    return found.transform(np.column_stack([table.axes.T, origin]))

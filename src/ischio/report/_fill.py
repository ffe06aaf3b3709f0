"""Compiled loops that fill triangles: at each pixel centre the nearest depth, or the sum of depths."""

from __future__ import annotations

from typing import Any

import numpy as np

from ischio.geometry._kernels.compile import compiled


@compiled
def rows_of(corners: Any, height: int) -> Any:
    """First and last row whose pixel centres a triangle can cover; first > last where there is none."""
    low = min(corners[0, 1], corners[1, 1], corners[2, 1])
    high = max(corners[0, 1], corners[1, 1], corners[2, 1])
    return max(int(np.ceil(max(low - 0.5, -1.0))), 0), min(
        int(np.floor(min(high - 0.5, height + 0.0))), height - 1
    )


@compiled
def edges_of(corners: Any, edge: Any) -> float:
    """Fill ``edge`` (3, 3): inside, a x + b y + c has the sign of twice the area, which is returned.

    Row k belongs to the edge from corner k + 1 to k + 2. Neighbours compute the same numbers for their common
    edge, but for the sign, so no crack can open between them.
    """
    for k in range(3):
        x1, y1 = corners[(k + 1) % 3, 0], corners[(k + 1) % 3, 1]
        x2, y2 = corners[(k + 2) % 3, 0], corners[(k + 2) % 3, 1]
        edge[k, 0], edge[k, 1], edge[k, 2] = y1 - y2, x2 - x1, x1 * y2 - x2 * y1
    return float(edge[0, 2] + edge[1, 2] + edge[2, 2])


@compiled
def run_of(edge: Any, sign: float, y: float, width: int) -> Any:
    """First and last column of pixel centres inside, in the row whose middle is at ``y``."""
    left, right = -1.0, width + 1.0
    for k in range(3):
        rest = edge[k, 1] * y + edge[k, 2]
        lean = edge[k, 0] * sign
        if lean == 0.0:
            if rest * sign < 0.0:
                right = -1.0
            continue
        crossing = min(max(-rest / edge[k, 0], -1.0), width + 1.0)
        if lean > 0.0:
            left = max(left, crossing)
        else:
            right = min(right, crossing)
    return max(int(np.ceil(left - 0.5)), 0), min(int(np.floor(right - 0.5)), width - 1)


@compiled
def plane_of(corners: Any, edge: Any, area: float, plane: Any) -> None:
    """Fill ``plane`` (5,): depth at the origin, its growth to the right and down, its least and greatest.

    Slivers have wild slopes; depth stays within the corners.
    """
    for i in range(3):
        total = 0.0
        for k in range(3):
            total += edge[k, (i + 2) % 3] * corners[k, 2]
        plane[i] = total / area
    plane[3] = min(corners[0, 2], corners[1, 2], corners[2, 2])
    plane[4] = max(corners[0, 2], corners[1, 2], corners[2, 2])


@compiled
def fill_nearest(corners: Any, face: Any, depth: Any) -> None:
    """Write the nearest triangle and its depth into ``face`` and ``depth`` (height, width).

    Of equal depths the first triangle stays.
    """
    height, width = face.shape
    edge, plane = np.empty((3, 3)), np.empty(5)
    for f in range(len(corners)):
        first, last = rows_of(corners[f], height)
        if first > last:
            continue
        area = edges_of(corners[f], edge)
        if area == 0.0:
            continue
        plane_of(corners[f], edge, area, plane)
        for row in range(first, last + 1):
            begin, end = run_of(edge, np.sign(area), row + 0.5, width)
            for column in range(begin, end + 1):
                here = plane[0] + plane[2] * (row + 0.5) + plane[1] * (column + 0.5)
                here = min(max(here, plane[3]), plane[4])
                if here > depth[row, column]:
                    depth[row, column] = here
                    face[row, column] = f


@compiled
def fill_through(corners: Any, total: Any) -> None:
    """Add depths of triangles that face the viewer to ``total`` (height, width), take others' off."""
    height, width = total.shape
    edge, plane = np.empty((3, 3)), np.empty(5)
    for f in range(len(corners)):
        first, last = rows_of(corners[f], height)
        if first > last:
            continue
        area = edges_of(corners[f], edge)
        if area == 0.0:
            continue
        plane_of(corners[f], edge, area, plane)
        for row in range(first, last + 1):
            begin, end = run_of(edge, np.sign(area), row + 0.5, width)
            for column in range(begin, end + 1):
                here = plane[0] + plane[2] * (row + 0.5) + plane[1] * (column + 0.5)
                # Rows run downwards, so a triangle that faces the viewer has a negative area.
                total[row, column] -= np.sign(area) * min(max(here, plane[3]), plane[4])

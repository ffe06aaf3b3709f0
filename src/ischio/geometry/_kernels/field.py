"""What the grid of distances says of points, one by one or many at once.

``box`` is (nodes along each axis, first node, nodes to a millimetre). Points beyond the grid are read at
its edge.
"""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import inlined, lean
from ischio.geometry._kernels.lanes import of_grid, of_own, to_own

BEHIND_STEPS = 2.0  # a cell with a node this far before the surface leaves the bone elsewhere


@inlined
def _lower2(x, y, z, square, box):  # type: ignore[no-untyped-def]
    """A value that the squared distance of a point is never below (see ``gap_field`` for the proof)."""
    n_i, n_j, n_k, low_x, low_y, low_z, per_mm = box
    fx, fy, fz = (x - low_x) * per_mm, (y - low_y) * per_mm, (z - low_z) * per_mm
    cx = min(max(fx, 0.0), n_i - 1.000001)
    cy = min(max(fy, 0.0), n_j - 1.000001)
    cz = min(max(fz, 0.0), n_k - 1.000001)
    i, j, k = np.int32(cx), np.int32(cy), np.int32(cz)
    tx, ty, tz = cx - i, cy - j, cz - k
    across = np.int64(n_k)
    b = (np.int64(i) * n_j + np.int64(j)) * across + np.int64(k)
    d000, d001 = np.float64(of_grid(square, b)), np.float64(of_grid(square, b + 1))
    d010, d011 = np.float64(of_grid(square, b + across)), np.float64(of_grid(square, b + across + 1))
    b += n_j * across
    d100, d101 = np.float64(of_grid(square, b)), np.float64(of_grid(square, b + 1))
    d110, d111 = np.float64(of_grid(square, b + across)), np.float64(of_grid(square, b + across + 1))
    c00, c01 = d000 + tz * (d001 - d000), d010 + tz * (d011 - d010)
    c10, c11 = d100 + tz * (d101 - d100), d110 + tz * (d111 - d110)
    c0, c1 = c00 + ty * (c01 - c00), c10 + ty * (c11 - c10)
    ex, ey, ez = fx - cx, fy - cy, fz - cz
    spread = ex * ex + ey * ey + ez * ez - tx * (1.0 - tx) - ty * (1.0 - ty) - tz * (1.0 - tz)
    return c0 + tx * (c1 - c0) + spread / (per_mm * per_mm)


@lean
def lower2(x, y, z, square, box):  # type: ignore[no-untyped-def]
    """A value that the squared distance of a point is never below."""
    return _lower2(x, y, z, square, box)


@lean
def lower2_all(n, x, y, z, square, box, out):  # type: ignore[no-untyped-def]
    """``lower2`` of n points."""
    for q in range(n):
        to_own(out, q, _lower2(of_own(x, q), of_own(y, q), of_own(z, q), square, box))


@inlined
def _depth(x, y, z, depth, box):  # type: ignore[no-untyped-def]
    """Depth of a point in the fixed bone behind the region, between the nodes of the grid; -1 outside."""
    n_i, n_j, n_k, low_x, low_y, low_z, per_mm = box
    fx, fy, fz = (x - low_x) * per_mm, (y - low_y) * per_mm, (z - low_z) * per_mm
    cx = min(max(fx, 0.0), n_i - 1.000001)
    cy = min(max(fy, 0.0), n_j - 1.000001)
    cz = min(max(fz, 0.0), n_k - 1.000001)
    i, j, k = np.int32(cx), np.int32(cy), np.int32(cz)
    tx, ty, tz = cx - i, cy - j, cz - k
    across = np.int64(n_k)
    b = (np.int64(i) * n_j + np.int64(j)) * across + np.int64(k)
    d000, d001 = np.float64(of_grid(depth, b)), np.float64(of_grid(depth, b + 1))
    d010, d011 = np.float64(of_grid(depth, b + across)), np.float64(of_grid(depth, b + across + 1))
    b += n_j * across
    d100, d101 = np.float64(of_grid(depth, b)), np.float64(of_grid(depth, b + 1))
    d110, d111 = np.float64(of_grid(depth, b + across)), np.float64(of_grid(depth, b + across + 1))
    most = max(max(max(d000, d001), max(d010, d011)), max(max(d100, d101), max(d110, d111)))
    least = min(min(min(d000, d001), min(d010, d011)), min(min(d100, d101), min(d110, d111)))
    c00, c01 = d000 + tz * (d001 - d000), d010 + tz * (d011 - d010)
    c10, c11 = d100 + tz * (d101 - d100), d110 + tz * (d111 - d110)
    c0, c1 = c00 + ty * (c01 - c00), c10 + ty * (c11 - c10)
    d = c0 + tx * (c1 - c0)
    apart = abs(fx - cx) + abs(fy - cy) + abs(fz - cz)
    is_behind = (most > 0.0) & (least >= -BEHIND_STEPS / per_mm) & (apart <= 2e-6)
    return d if is_behind else -1.0


@lean
def depth_all(n, x, y, z, depth, box, out):  # type: ignore[no-untyped-def]
    """Depth in the fixed bone behind the region of n points; -1 where there is none."""
    for q in range(n):
        to_own(out, q, _depth(of_own(x, q), of_own(y, q), of_own(z, q), depth, box))


@lean
def clear_all(n, x, y, z, solid, box, out):  # type: ignore[no-untyped-def]
    """Distance within which the grid certainly reads no depth, of n points; -1 beyond the grid."""
    n_i, n_j, n_k, low_x, low_y, low_z, per_mm = box
    for q in range(n):
        fx = (of_own(x, q) - low_x) * per_mm
        fy = (of_own(y, q) - low_y) * per_mm
        fz = (of_own(z, q) - low_z) * per_mm
        cx = min(max(fx, 0.0), n_i - 1.000001)
        cy = min(max(fy, 0.0), n_j - 1.000001)
        cz = min(max(fz, 0.0), n_k - 1.000001)
        b = (np.int64(np.int32(cx)) * n_j + np.int64(np.int32(cy))) * n_k + np.int64(np.int32(cz))
        apart = abs(fx - cx) + abs(fy - cy) + abs(fz - cz)
        clear = np.float64(of_grid(solid, b))
        to_own(out, q, clear if apart <= 2e-6 else -1.0)


@lean
def node_triangle(x, y, z, nearest, box):  # type: ignore[no-untyped-def]
    """Row of the triangle that is nearest at the node next to a point; -1 where it was not computed."""
    n_i, n_j, n_k, low_x, low_y, low_z, per_mm = box
    i = min(max(int((x - low_x) * per_mm + 0.5), 0), n_i - 1)
    j = min(max(int((y - low_y) * per_mm + 0.5), 0), n_j - 1)
    k = min(max(int((z - low_z) * per_mm + 0.5), 0), n_k - 1)
    return nearest[(i * n_j + j) * n_k + k]

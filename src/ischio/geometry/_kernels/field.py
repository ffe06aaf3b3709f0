"""The grid of distances: how it is filled and what it says of a point."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import compiled, lean
from ischio.geometry._kernels.tree import STACK, nearest_triangle
from ischio.geometry._kernels.triangles import point_triangle


@compiled
def fill_field(  # type: ignore[no-untyped-def]
    tri, boxes, links, border_edge, border_corner, low, h, shell, rows, inside, square, nearest
):
    """Signed squared distance and nearest triangle at the nodes of some rows; 0 and -1 outside the shell.

    ``inside`` is 1 for nodes inside the fixed bone; of these, the ones whose nearest point of the
    region is not on its border get the negative sign.
    """
    nj, nk = square.shape[1], square.shape[2]
    stack = np.empty(STACK, np.int64)
    bary = np.empty(4)
    for i in rows:
        x = low[0] + i * h
        seed = 0
        for j in range(nj):
            y = low[1] + j * h
            for turn in range(nk):
                k = turn if j % 2 == 0 else nk - 1 - turn  # back and forth: neighbours share their seed
                z = low[2] + k * h
                rx, ry, rz = x - shell[0], y - shell[1], z - shell[2]
                r2 = rx * rx + ry * ry + rz * rz
                if r2 < shell[3] or r2 > shell[4]:
                    square[i, j, k] = 0.0
                    nearest[i, j, k] = -1
                    continue
                d2, seed = nearest_triangle(x, y, z, tri, boxes, links, seed, stack, bary)
                nearest[i, j, k] = seed
                sign = 1.0
                if inside[i, j, k]:
                    point_triangle(x, y, z, tri, seed, bary)
                    sign = -1.0
                    for c in range(3):
                        c1, c2 = (c + 1) % 3, (c + 2) % 3
                        on_edge = bary[c2] < 1e-9 and border_edge[seed, c]
                        on_corner = bary[c1] < 1e-9 and bary[c2] < 1e-9 and border_corner[seed, c]
                        if on_edge or on_corner:
                            sign = 1.0
                # Rounding to float32 may go up; two parts in ten million down keep the bound certain.
                square[i, j, k] = sign * d2 * (1.0 - 2e-7)


@lean
def fill_parity(tri, low, h, inside):  # type: ignore[no-untyped-def]
    """Set ``inside`` to 1 at grid nodes inside a closed surface, by crossings along the last axis."""
    ni, nj, nk = inside.shape
    # Rays a hair beside the nodes do not run through corners and edges of surfaces made on round numbers.
    x0, y0 = low[0] + 1.2345e-5, low[1] + 0.7219e-5
    for s in range(tri.shape[0]):
        ax, ay, az = tri[s, 0, 0], tri[s, 0, 1], tri[s, 0, 2]
        ux, uy, uz = tri[s, 1, 0] - ax, tri[s, 1, 1] - ay, tri[s, 1, 2] - az
        vx, vy, vz = tri[s, 2, 0] - ax, tri[s, 2, 1] - ay, tri[s, 2, 2] - az
        det = ux * vy - uy * vx
        if det == 0.0:
            continue
        i0 = max(0, int(np.ceil((ax + min(0.0, ux, vx) - x0) / h)))
        i1 = min(ni - 1, int(np.floor((ax + max(0.0, ux, vx) - x0) / h)))
        j0 = max(0, int(np.ceil((ay + min(0.0, uy, vy) - y0) / h)))
        j1 = min(nj - 1, int(np.floor((ay + max(0.0, uy, vy) - y0) / h)))
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                px, py = x0 + i * h - ax, y0 + j * h - ay
                v = (px * vy - py * vx) / det
                w = (ux * py - uy * px) / det
                if v >= 0.0 and w >= 0.0 and v + w < 1.0:
                    k = int(np.ceil((az + v * uz + w * vz - low[2]) / h))
                    if k < nk:
                        inside[i, j, max(k, 0)] ^= 1
    for i in range(ni):
        for j in range(nj):
            for k in range(1, nk):
                inside[i, j, k] ^= inside[i, j, k - 1]


@lean
def lower2(x, y, z, square, low, per_mm):  # type: ignore[no-untyped-def]
    """A value that the squared distance of a point is never below (see ``gap_field`` for the proof)."""
    fx, fy, fz = (x - low[0]) * per_mm, (y - low[1]) * per_mm, (z - low[2]) * per_mm
    ni, nj, nk = square.shape
    beyond = 0.0
    if not (0.0 <= fx < ni - 1 and 0.0 <= fy < nj - 1 and 0.0 <= fz < nk - 1):
        cx = min(max(fx, 0.0), ni - 1.000001)
        cy = min(max(fy, 0.0), nj - 1.000001)
        cz = min(max(fz, 0.0), nk - 1.000001)
        beyond = (fx - cx) ** 2 + (fy - cy) ** 2 + (fz - cz) ** 2
        fx, fy, fz = cx, cy, cz
    i, j, k = np.uint64(fx), np.uint64(fy), np.uint64(fz)  # unsigned: no look for an index from the end
    one = np.uint64(1)
    tx, ty, tz = fx - i, fy - j, fz - k
    d000, d001 = abs(np.float64(square[i, j, k])), abs(np.float64(square[i, j, k + one]))
    d010, d011 = abs(np.float64(square[i, j + one, k])), abs(np.float64(square[i, j + one, k + one]))
    d100, d101 = abs(np.float64(square[i + one, j, k])), abs(np.float64(square[i + one, j, k + one]))
    d110 = abs(np.float64(square[i + one, j + one, k]))
    d111 = abs(np.float64(square[i + one, j + one, k + one]))
    c00, c01 = d000 + tz * (d001 - d000), d010 + tz * (d011 - d010)
    c10, c11 = d100 + tz * (d101 - d100), d110 + tz * (d111 - d110)
    c0, c1 = c00 + ty * (c01 - c00), c10 + ty * (c11 - c10)
    spread = beyond - tx * (1.0 - tx) - ty * (1.0 - ty) - tz * (1.0 - tz)
    return c0 + tx * (c1 - c0) + spread / (per_mm * per_mm)


@lean
def depth_behind(x, y, z, square, low, per_mm):  # type: ignore[no-untyped-def]
    """Depth of a point in the fixed bone behind the region, read from the grid; -1 where it is outside.

    Far from the surface it is a value that the depth is not below; near it, depths are interpolated.
    """
    fx, fy, fz = (x - low[0]) * per_mm, (y - low[1]) * per_mm, (z - low[2]) * per_mm
    ni, nj, nk = square.shape
    if not (0.0 <= fx < ni - 1 and 0.0 <= fy < nj - 1 and 0.0 <= fz < nk - 1):
        return -1.0
    i, j, k = np.uint64(fx), np.uint64(fy), np.uint64(fz)
    one = np.uint64(1)
    tx, ty, tz = fx - i, fy - j, fz - k
    d000, d001 = np.float64(square[i, j, k]), np.float64(square[i, j, k + one])
    d010, d011 = np.float64(square[i, j + one, k]), np.float64(square[i, j + one, k + one])
    d100, d101 = np.float64(square[i + one, j, k]), np.float64(square[i + one, j, k + one])
    d110, d111 = np.float64(square[i + one, j + one, k]), np.float64(square[i + one, j + one, k + one])
    least = min(min(min(d000, d001), min(d010, d011)), min(min(d100, d101), min(d110, d111)))
    if least >= 0.0:
        return -1.0
    most = max(max(max(d000, d001), max(d010, d011)), max(max(d100, d101), max(d110, d111)))
    if most * per_mm * per_mm > 4.0:  # the cell leaves the bone elsewhere than through the region
        return -1.0
    shallow = most * per_mm * per_mm > -9.0
    if shallow:
        d000, d001, d010, d011 = _signed(d000), _signed(d001), _signed(d010), _signed(d011)
        d100, d101, d110, d111 = _signed(d100), _signed(d101), _signed(d110), _signed(d111)
    c00, c01 = d000 + tz * (d001 - d000), d010 + tz * (d011 - d010)
    c10, c11 = d100 + tz * (d101 - d100), d110 + tz * (d111 - d110)
    c0, c1 = c00 + ty * (c01 - c00), c10 + ty * (c11 - c10)
    c = -(c0 + tx * (c1 - c0))
    if shallow:
        return c
    spread = tx * (1.0 - tx) + ty * (1.0 - ty) + tz * (1.0 - tz)
    return np.sqrt(max(c - spread / (per_mm * per_mm), 0.0))


@lean
def _signed(square):  # type: ignore[no-untyped-def]
    """Root of a squared number that kept its sign."""
    return np.sqrt(square) if square > 0.0 else -np.sqrt(-square)


@lean
def node_triangle(x, y, z, nearest, low, per_mm):  # type: ignore[no-untyped-def]
    """Row of the triangle that is nearest at the node next to a point; -1 where it was not computed."""
    i = min(max(int((x - low[0]) * per_mm + 0.5), 0), nearest.shape[0] - 1)
    j = min(max(int((y - low[1]) * per_mm + 0.5), 0), nearest.shape[1] - 1)
    k = min(max(int((z - low[2]) * per_mm + 0.5), 0), nearest.shape[2] - 1)
    return nearest[i, j, k]


@lean
def far_from_solid(x, y, z, r, solid, low, per_mm):  # type: ignore[no-untyped-def]
    """Whether a sphere certainly has no point at which the grid reads a depth."""
    fx, fy, fz = (x - low[0]) * per_mm, (y - low[1]) * per_mm, (z - low[2]) * per_mm
    if fx < 0.0 or fy < 0.0 or fz < 0.0:
        return False
    i, j, k = int(fx), int(fy), int(fz)
    if i >= solid.shape[0] or j >= solid.shape[1] or k >= solid.shape[2]:
        return False
    return solid[i, j, k] > r

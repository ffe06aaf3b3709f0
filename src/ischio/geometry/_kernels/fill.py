"""How the grid of distances is filled."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import compiled, lean
from ischio.geometry._kernels.tree import STACK, nearest_triangle
from ischio.geometry._kernels.triangles import point_triangle

ROUNDING = 2e-7  # of a number of single precision, and a little more


@compiled
def fill_field(  # type: ignore[no-untyped-def]
    tri,
    boxes,
    links,
    border_edge,
    border_corner,
    low,
    h,
    shell,
    beyond2,
    every,
    rows,
    inside,
    square,
    nearest,
    depth,
):
    """Squared distance, nearest triangle and depth at the nodes of some rows; 0 and -1 outside the shell.

    With ``every`` 2 only nodes with three even numbers are filled, exactly. With ``every`` 1 the others are:
    between these where that value, which the squared distance is never below, is above ``beyond2``, and
    exactly elsewhere. ``inside`` is 1 for nodes inside the fixed bone; of these, the ones whose nearest
    point of the region is not on its border are behind it and have a depth. All others have minus their
    distance there.
    """
    nj, nk = square.shape[1], square.shape[2]
    stack = np.empty(STACK, np.int64)
    away, bary = np.empty(STACK), np.empty(4)
    for i in rows:
        x = low[0] + i * h
        for j in range(0, nj, every):
            y = low[1] + j * h
            for k in range(0, nk, every):
                z = low[2] + k * h
                odd_i, odd_j, odd_k = i & 1, j & 1, k & 1
                seed = 0
                if every == 1:
                    n_odd = odd_i + odd_j + odd_k
                    if n_odd == 0:
                        continue
                    seed = max(nearest[i - odd_i, j - odd_j, k - odd_k], 0)
                elif k > 0:
                    seed = max(nearest[i, j, k - every], 0)
                elif j > 0:
                    seed = max(nearest[i, j - every, 0], 0)
                rx, ry, rz = x - shell[0], y - shell[1], z - shell[2]
                r2 = rx * rx + ry * ry + rz * rz
                if r2 < shell[3] or r2 > shell[4]:
                    continue
                if every == 1 and not inside[i, j, k]:
                    total, known = 0.0, True
                    for corner in range(8):
                        near = (
                            i + odd_i * ((corner & 1) * 2 - 1),
                            j + odd_j * ((corner & 2) - 1),
                            k + odd_k * ((corner & 4) // 2 - 1),
                        )
                        known = known and nearest[near] >= 0
                        total += square[near]
                    # Each odd number lies half way between two even ones, 2 h apart.
                    d2 = 0.125 * total - n_odd * h * h
                    if known and d2 > beyond2:
                        square[i, j, k] = d2 * (1.0 - ROUNDING)
                        nearest[i, j, k] = seed
                        depth[i, j, k] = -np.sqrt(d2)
                        continue
                d2, seed = nearest_triangle(x, y, z, tri, boxes, links, seed, stack, away, bary)
                nearest[i, j, k] = seed
                behind = inside[i, j, k] == 1
                if behind:
                    point_triangle(x, y, z, tri, seed, bary)
                    for c in range(3):
                        c1, c2 = (c + 1) % 3, (c + 2) % 3
                        on_edge = bary[c2] < 1e-9 and border_edge[seed, c]
                        on_corner = bary[c1] < 1e-9 and bary[c2] < 1e-9 and border_corner[seed, c]
                        if on_edge or on_corner:
                            behind = False
                # Rounding to float32 may go up; a hair down keeps the bound certain.
                square[i, j, k] = d2 * (1.0 - ROUNDING)
                depth[i, j, k] = np.sqrt(d2) if behind else -np.sqrt(d2)


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

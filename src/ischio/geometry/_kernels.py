"""Compiled loops of the gap engine; all in one file, because the compile cache watches one file each.

Everything here works on plain float64 arrays in one frame and allocates nothing per pose. ``gap_field``
prepares the arrays and holds the explanation of what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

_DEEP_MM = 3.0  # a mark this deep inside stays inside for a few degrees
_STACK = 96  # a balanced tree over 2^31 triangles is 31 deep and pushes at most two per level


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first call, kept on disk where that is possible; the interpreter lock is released."""
    try:
        kernel: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache can be written to: compile in every process
        kernel = njit(nogil=True, error_model="numpy")(function)
    return kernel


@_compiled
def point_triangle(px, py, pz, tri, s, out):  # type: ignore[no-untyped-def]
    """Squared distance of a point from triangle s; barycentric weights of the closest point into out."""
    ax, ay, az = tri[s, 0, 0], tri[s, 0, 1], tri[s, 0, 2]
    e1x, e1y, e1z = tri[s, 1, 0] - ax, tri[s, 1, 1] - ay, tri[s, 1, 2] - az
    e2x, e2y, e2z = tri[s, 2, 0] - ax, tri[s, 2, 1] - ay, tri[s, 2, 2] - az
    qx, qy, qz = px - ax, py - ay, pz - az
    d1 = e1x * qx + e1y * qy + e1z * qz
    d2 = e2x * qx + e2y * qy + e2z * qz
    g11 = e1x * e1x + e1y * e1y + e1z * e1z
    g12 = e1x * e2x + e1y * e2y + e1z * e2z
    g22 = e2x * e2x + e2y * e2y + e2z * e2z
    v, w = 0.0, 0.0
    d3, d4 = d1 - g11, d2 - g12
    d5, d6 = d1 - g12, d2 - g22
    vc = d1 * d4 - d3 * d2
    vb = d5 * d2 - d1 * d6
    va = d3 * d6 - d5 * d4
    if d1 <= 0.0 and d2 <= 0.0:
        pass
    elif d3 >= 0.0 and d4 <= d3:
        v = 1.0
    elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        v = d1 / (d1 - d3)
    elif d6 >= 0.0 and d5 <= d6:
        w = 1.0
    elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        w = d2 / (d2 - d6)
    elif va <= 0.0 and d4 >= d3 and d5 >= d6:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = 1.0 - w
    else:
        total = 1.0 / (va + vb + vc)
        v, w = vb * total, vc * total
    out[0], out[1], out[2] = 1.0 - v - w, v, w
    rx = qx - v * e1x - w * e2x
    ry = qy - v * e1y - w * e2y
    rz = qz - v * e1z - w * e2z
    return rx * rx + ry * ry + rz * rz


@_compiled
def _segments(a, i, b, s, j, out):  # type: ignore[no-untyped-def]
    """Squared distance of edge i of triangle a from edge j of triangle b[s]; places along both into out."""
    i2, j2 = (i + 1) % 3, (j + 1) % 3
    ux, uy, uz = a[i2, 0] - a[i, 0], a[i2, 1] - a[i, 1], a[i2, 2] - a[i, 2]
    vx, vy, vz = b[s, j2, 0] - b[s, j, 0], b[s, j2, 1] - b[s, j, 1], b[s, j2, 2] - b[s, j, 2]
    rx, ry, rz = a[i, 0] - b[s, j, 0], a[i, 1] - b[s, j, 1], a[i, 2] - b[s, j, 2]
    uu = ux * ux + uy * uy + uz * uz
    vv = vx * vx + vy * vy + vz * vz
    uv = ux * vx + uy * vy + uz * vz
    ur = ux * rx + uy * ry + uz * rz
    vr = vx * rx + vy * ry + vz * rz
    area = uu * vv - uv * uv
    p = 0.0
    if area > 1e-12 * uu * vv:
        p = min(1.0, max(0.0, (uv * vr - ur * vv) / area))
    q = 0.0
    if vv > 0.0:
        q = (uv * p + vr) / vv
    if q < 0.0 or q > 1.0:
        q = min(1.0, max(0.0, q))
        if uu > 0.0:
            p = min(1.0, max(0.0, (q * uv - ur) / uu))
    out[0], out[1] = p, q
    dx, dy, dz = rx + p * ux - q * vx, ry + p * uy - q * vy, rz + p * uz - q * vz
    return dx * dx + dy * dy + dz * dz


@_compiled
def _edge_crosses(a, i, tri, s, out):  # type: ignore[no-untyped-def]
    """Whether edge i of triangle a crosses triangle s; where, into out[:3]."""
    ox, oy, oz = a[i, 0], a[i, 1], a[i, 2]
    k = (i + 1) % 3
    dx, dy, dz = a[k, 0] - ox, a[k, 1] - oy, a[k, 2] - oz
    e1x, e1y, e1z = tri[s, 1, 0] - tri[s, 0, 0], tri[s, 1, 1] - tri[s, 0, 1], tri[s, 1, 2] - tri[s, 0, 2]
    e2x, e2y, e2z = tri[s, 2, 0] - tri[s, 0, 0], tri[s, 2, 1] - tri[s, 0, 1], tri[s, 2, 2] - tri[s, 0, 2]
    cx, cy, cz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
    det = e1x * cx + e1y * cy + e1z * cz
    if abs(det) < 1e-14:
        return False
    tx, ty, tz = ox - tri[s, 0, 0], oy - tri[s, 0, 1], oz - tri[s, 0, 2]
    u = (tx * cx + ty * cy + tz * cz) / det
    if u < 0.0 or u > 1.0:
        return False
    hx, hy, hz = ty * e1z - tz * e1y, tz * e1x - tx * e1z, tx * e1y - ty * e1x
    v = (dx * hx + dy * hy + dz * hz) / det
    if v < 0.0 or u + v > 1.0:
        return False
    t = (e2x * hx + e2y * hy + e2z * hz) / det
    if t < 0.0 or t > 1.0:
        return False
    out[0], out[1], out[2] = ox + t * dx, oy + t * dy, oz + t * dz
    return True


@_compiled
def _straddles(a, b):  # type: ignore[no-untyped-def]
    """Whether the corners of b lie on both sides of (or in) the plane of a."""
    e1x, e1y, e1z = a[1, 0] - a[0, 0], a[1, 1] - a[0, 1], a[1, 2] - a[0, 2]
    e2x, e2y, e2z = a[2, 0] - a[0, 0], a[2, 1] - a[0, 1], a[2, 2] - a[0, 2]
    nx, ny, nz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
    low, high = np.inf, -np.inf
    for k in range(3):
        side = nx * (b[k, 0] - a[0, 0]) + ny * (b[k, 1] - a[0, 1]) + nz * (b[k, 2] - a[0, 2])
        low, high = min(low, side), max(high, side)
    return low <= 0.0 and high >= 0.0


@_compiled
def triangle_triangle(a, a3, tri, s, bound2, out, tmp):  # type: ignore[no-untyped-def]
    """Squared distance of triangle a from triangle s where it is below bound2, else bound2.

    Closest points go into out (first on a, then on s) only where the distance is below the bound.
    ``a3`` is ``a`` as an array of one triangle; ``tmp`` holds four numbers.
    """
    b = tri[s]
    if _straddles(a, b) and _straddles(b, a):
        for i in range(3):
            if _edge_crosses(a, i, tri, s, tmp) or _edge_crosses(b, i, a3, 0, tmp):
                for k in range(3):
                    out[k] = tmp[k]
                    out[3 + k] = tmp[k]
                return 0.0
    best = bound2
    for i in range(3):
        d2 = point_triangle(a[i, 0], a[i, 1], a[i, 2], tri, s, tmp)
        if d2 < best:
            best = d2
            for k in range(3):
                out[k] = a[i, k]
                out[3 + k] = tmp[0] * b[0, k] + tmp[1] * b[1, k] + tmp[2] * b[2, k]
        d2 = point_triangle(b[i, 0], b[i, 1], b[i, 2], a3, 0, tmp)
        if d2 < best:
            best = d2
            for k in range(3):
                out[k] = tmp[0] * a[0, k] + tmp[1] * a[1, k] + tmp[2] * a[2, k]
                out[3 + k] = b[i, k]
        for j in range(3):
            d2 = _segments(a, i, tri, s, j, tmp)
            if d2 < best:
                best = d2
                i2, j2 = (i + 1) % 3, (j + 1) % 3
                for k in range(3):
                    out[k] = a[i, k] + tmp[0] * (a[i2, k] - a[i, k])
                    out[3 + k] = b[j, k] + tmp[1] * (b[j2, k] - b[j, k])
    return best


@_compiled
def nearest_triangle(px, py, pz, tri, boxes, links, seed, stack, bary):  # type: ignore[no-untyped-def]
    """Squared distance of a point from the nearest triangle, and its row; ``seed`` is a first guess."""
    best_s = seed
    best = point_triangle(px, py, pz, tri, seed, bary)
    top = 1
    stack[0] = 0
    while top > 0:
        top -= 1
        node = stack[top]
        dx = max(boxes[node, 0] - px, 0.0, px - boxes[node, 3])
        dy = max(boxes[node, 1] - py, 0.0, py - boxes[node, 4])
        dz = max(boxes[node, 2] - pz, 0.0, pz - boxes[node, 5])
        if dx * dx + dy * dy + dz * dz >= best:
            continue
        first, count = links[node, 0], links[node, 1]
        if count > 0:
            for s in range(first, first + count):
                d2 = point_triangle(px, py, pz, tri, s, bary)
                if d2 < best:
                    best, best_s = d2, s
        else:
            # The child whose middle is nearer is looked at first.
            near, far = first, first + 1
            axis = links[node, 2]
            p = px if axis == 0 else (py if axis == 1 else pz)
            if abs(boxes[near, axis] + boxes[near, 3 + axis] - 2 * p) > abs(
                boxes[far, axis] + boxes[far, 3 + axis] - 2 * p
            ):
                near, far = far, near
            stack[top] = far
            stack[top + 1] = near
            top += 2
    return best, best_s


@_compiled
def nearest_pair(a, a3, tri, boxes, links, bound2, out, tmp, stack, towards):  # type: ignore[no-untyped-def]
    """Nearest triangle to triangle a below bound2: squared distance and row, or (bound2, -1).

    ``towards`` is any unit vector; the nearer it is to the direction of the gap, the fewer triangles
    are looked at: what lies wholly behind a plane across it is further than the plane.
    """
    nx, ny, nz = towards[0], towards[1], towards[2]
    front = np.inf
    for c in range(3):
        front = min(front, nx * a[c, 0] + ny * a[c, 1] + nz * a[c, 2])
    lx, hx = min(a[0, 0], a[1, 0], a[2, 0]), max(a[0, 0], a[1, 0], a[2, 0])
    ly, hy = min(a[0, 1], a[1, 1], a[2, 1]), max(a[0, 1], a[1, 1], a[2, 1])
    lz, hz = min(a[0, 2], a[1, 2], a[2, 2]), max(a[0, 2], a[1, 2], a[2, 2])
    best, best_s = bound2, -1
    top = 1
    stack[0] = 0
    while top > 0:
        top -= 1
        node = stack[top]
        dx = max(boxes[node, 0] - hx, 0.0, lx - boxes[node, 3])
        dy = max(boxes[node, 1] - hy, 0.0, ly - boxes[node, 4])
        dz = max(boxes[node, 2] - hz, 0.0, lz - boxes[node, 5])
        if dx * dx + dy * dy + dz * dz >= best:
            continue
        x = boxes[node, 3] if nx > 0.0 else boxes[node, 0]
        y = boxes[node, 4] if ny > 0.0 else boxes[node, 1]
        z = boxes[node, 5] if nz > 0.0 else boxes[node, 2]
        clear = front - nx * x - ny * y - nz * z
        if clear > 0.0 and clear * clear >= best:
            continue
        first, count = links[node, 0], links[node, 1]
        if count > 0:
            for s in range(first, first + count):
                clear = front - max(
                    nx * tri[s, 0, 0] + ny * tri[s, 0, 1] + nz * tri[s, 0, 2],
                    nx * tri[s, 1, 0] + ny * tri[s, 1, 1] + nz * tri[s, 1, 2],
                    nx * tri[s, 2, 0] + ny * tri[s, 2, 1] + nz * tri[s, 2, 2],
                )
                if clear > 0.0 and clear * clear >= best:
                    continue
                dx = max(min(tri[s, 0, 0], tri[s, 1, 0], tri[s, 2, 0]) - hx, 0.0)
                dx = max(dx, lx - max(tri[s, 0, 0], tri[s, 1, 0], tri[s, 2, 0]))
                dy = max(min(tri[s, 0, 1], tri[s, 1, 1], tri[s, 2, 1]) - hy, 0.0)
                dy = max(dy, ly - max(tri[s, 0, 1], tri[s, 1, 1], tri[s, 2, 1]))
                dz = max(min(tri[s, 0, 2], tri[s, 1, 2], tri[s, 2, 2]) - hz, 0.0)
                dz = max(dz, lz - max(tri[s, 0, 2], tri[s, 1, 2], tri[s, 2, 2]))
                if dx * dx + dy * dy + dz * dz < best:
                    d2 = triangle_triangle(a, a3, tri, s, best, out, tmp)
                    if d2 < best:
                        best, best_s = d2, s
                        if best == 0.0:
                            return best, best_s
        else:
            near, far = first, first + 1
            axis = links[node, 2]
            p = lx + hx if axis == 0 else (ly + hy if axis == 1 else lz + hz)
            if abs(boxes[near, axis] + boxes[near, 3 + axis] - p) > abs(
                boxes[far, axis] + boxes[far, 3 + axis] - p
            ):
                near, far = far, near
            stack[top] = far
            stack[top + 1] = near
            top += 2
    return best, best_s


@_compiled
def fill_field(  # type: ignore[no-untyped-def]
    tri, boxes, links, border_edge, border_corner, low, h, shell, rows, inside, field, nearest
):
    """Signed distance and nearest triangle at the nodes of some rows of a grid; 0 and -1 outside the shell.

    ``inside`` is 1 for nodes inside the fixed bone; of these, the ones whose nearest point of the
    region is not on its border get the negative sign.
    """
    nj, nk = field.shape[1], field.shape[2]
    stack = np.empty(_STACK, np.int64)
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
                    field[i, j, k] = 0.0
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
                field[i, j, k] = sign * np.sqrt(d2) * (1.0 - 2e-7)


@_compiled
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


@_compiled
def _lower2(x, y, z, field, low, per_mm):  # type: ignore[no-untyped-def]
    """A value that the squared distance of a point is never below (see ``gap_field`` for the proof)."""
    fx, fy, fz = (x - low[0]) * per_mm, (y - low[1]) * per_mm, (z - low[2]) * per_mm
    ni, nj, nk = field.shape
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
    d000, d001 = np.float64(field[i, j, k]), np.float64(field[i, j, k + one])
    d010, d011 = np.float64(field[i, j + one, k]), np.float64(field[i, j + one, k + one])
    d100, d101 = np.float64(field[i + one, j, k]), np.float64(field[i + one, j, k + one])
    d110, d111 = np.float64(field[i + one, j + one, k]), np.float64(field[i + one, j + one, k + one])
    c00 = d000 * d000 + tz * (d001 * d001 - d000 * d000)
    c01 = d010 * d010 + tz * (d011 * d011 - d010 * d010)
    c10 = d100 * d100 + tz * (d101 * d101 - d100 * d100)
    c11 = d110 * d110 + tz * (d111 * d111 - d110 * d110)
    c0 = c00 + ty * (c01 - c00)
    c1 = c10 + ty * (c11 - c10)
    spread = beyond - tx * (1.0 - tx) - ty * (1.0 - ty) - tz * (1.0 - tz)
    return c0 + tx * (c1 - c0) + spread / (per_mm * per_mm)


@_compiled
def _least2(d0, d1, d2, e01, e02, e12, inverse, finer):  # type: ignore[no-untyped-def]
    """Least squared distance inside a triangle that those at its corners allow."""
    a1, a2 = d1 - d0 - e01, d2 - d0 - e02
    v = -0.5 * finer * (inverse[0] * a1 + inverse[1] * a2)
    w = -0.5 * finer * (inverse[1] * a1 + inverse[2] * a2)
    if v > 0.0 and w > 0.0 and v + w < 1.0:
        return d0 + 0.5 * (v * a1 + w * a2)
    least = min(d0, d1, d2)
    for p, q, e in ((d0, d1, e01), (d0, d2, e02), (d1, d2, e12)):
        if abs(q - p) < e:
            s = 0.5 - 0.5 * (q - p) / e
            least = min(least, p + s * (q - p) - s * (1.0 - s) * e)
    return least


@_compiled
def _depth(x, y, z, field, low, per_mm):  # type: ignore[no-untyped-def]
    """Depth of a point in the fixed bone behind the region, interpolated; -1 where it is outside."""
    fx, fy, fz = (x - low[0]) * per_mm, (y - low[1]) * per_mm, (z - low[2]) * per_mm
    ni, nj, nk = field.shape
    if not (0.0 <= fx < ni - 1 and 0.0 <= fy < nj - 1 and 0.0 <= fz < nk - 1):
        return -1.0
    i, j, k = np.uint64(fx), np.uint64(fy), np.uint64(fz)
    one = np.uint64(1)
    tx, ty, tz = fx - i, fy - j, fz - k
    d000, d001 = np.float64(field[i, j, k]), np.float64(field[i, j, k + one])
    d010, d011 = np.float64(field[i, j + one, k]), np.float64(field[i, j + one, k + one])
    d100, d101 = np.float64(field[i + one, j, k]), np.float64(field[i + one, j, k + one])
    d110, d111 = np.float64(field[i + one, j + one, k]), np.float64(field[i + one, j + one, k + one])
    least = min(min(min(d000, d001), min(d010, d011)), min(min(d100, d101), min(d110, d111)))
    if least >= 0.0:
        return -1.0
    most = max(max(max(d000, d001), max(d010, d011)), max(max(d100, d101), max(d110, d111)))
    if most * per_mm > 2.0:  # the cell leaves the bone elsewhere than through the region
        return -1.0
    c00, c01 = d000 + tz * (d001 - d000), d010 + tz * (d011 - d010)
    c10, c11 = d100 + tz * (d101 - d100), d110 + tz * (d111 - d110)
    c0, c1 = c00 + ty * (c01 - c00), c10 + ty * (c11 - c10)
    return -(c0 + tx * (c1 - c0))


@_compiled
def _deepest(  # type: ignore[no-untyped-def]
    m,
    t,
    corners,
    reach,
    points,
    local,
    clusters,
    spheres,
    step,
    tri,
    boxes,
    links,
    field,
    low,
    per_mm,
    solid,
    brick_mm,
    out,
    stack,
    bary,
    values,
    depths,
    nearest,
    hint,
    crosses,
    outside,
):
    """Deepest point of the moving triangles behind the region: depth, triangle, row, spacing; or depth -1.

    Where the surfaces do not cross (``crosses`` is false), a triangle with all corners outside is outside.
    """
    best, bx, by, bz, best_f = -1.0, 0.0, 0.0, 0.0, -1
    n_open = 0
    opened = values[1]
    if hint[3] >= 0.0:  # where the last pose was deepest: a first mark that rules out most others
        x = m[0, 0] * hint[0] + m[0, 1] * hint[1] + m[0, 2] * hint[2] + t[0]
        y = m[1, 0] * hint[0] + m[1, 1] * hint[1] + m[1, 2] * hint[2] + t[1]
        z = m[2, 0] * hint[0] + m[2, 1] * hint[1] + m[2, 2] * hint[2] + t[2]
        d = _depth(x, y, z, field, low, per_mm)
        if d > best:
            best, bx, by, bz, best_f = d, x, y, z, int(hint[3])
    for c in range(clusters.shape[0]):
        x0, y0, z0, r = spheres[c, 0], spheres[c, 1], spheres[c, 2], spheres[c, 3]
        x = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + t[0]
        y = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + t[1]
        z = m[2, 0] * x0 + m[2, 1] * y0 + m[2, 2] * z0 + t[2]
        if outside[c] or _far_from_solid(x, y, z, r, solid, low, brick_mm):
            continue
        # No point of the cluster is deeper than its middle is far from the surface, plus the radius.
        if np.sqrt(_upper2(x, y, z, field, low, per_mm)) + r <= best:
            continue
        v0 = clusters[c, 0]
        for v in range(v0, clusters[c, 1]):
            x0, y0, z0 = points[v, 0], points[v, 1], points[v, 2]
            x = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + t[0]
            y = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + t[1]
            z = m[2, 0] * x0 + m[2, 1] * y0 + m[2, 2] * z0 + t[2]
            d = _depth(x, y, z, field, low, per_mm)
            depths[v - v0] = d
            if d > best:
                best, bx, by, bz = d, x, y, z
                best_f = clusters[c, 2]
                while (
                    v - v0 != local[best_f, 0] and v - v0 != local[best_f, 1] and v - v0 != local[best_f, 2]
                ):
                    best_f += 1
        for f in range(clusters[c, 2], clusters[c, 3]):
            most = max(depths[local[f, 0]], depths[local[f, 1]], depths[local[f, 2]])
            if max(most, 0.0) + reach[f] > max(best, 0.0) and (crosses or most > 0.0):
                values[0, n_open], opened[n_open] = most, f
                n_open += 1
    spacing = 0.0
    for n in range(n_open):
        f = int(opened[n])
        if max(values[0, n], 0.0) + reach[f] <= best:
            continue
        parts = max(int(np.ceil(reach[f] / step)), 1)
        spacing = max(spacing, reach[f] / parts)
        ax, ay, az = _moved(m, t, corners, f, 0)
        ux, uy, uz = _moved(m, t, corners, f, 1)
        wx, wy, wz = _moved(m, t, corners, f, 2)
        for p in range(parts + 1):
            for q in range(parts + 1 - p):
                if max(p, q, parts - p - q) == parts:
                    continue  # a corner
                share1, share2 = p / parts, q / parts
                share0 = 1.0 - share1 - share2
                x = share0 * ax + share1 * ux + share2 * wx
                y = share0 * ay + share1 * uy + share2 * wy
                z = share0 * az + share1 * uz + share2 * wz
                d = _depth(x, y, z, field, low, per_mm)
                if d > best:
                    best, bx, by, bz, best_f = d, x, y, z, f
    if best < 0.0:
        return -1.0, -1, -1, 0.0
    x, y, z = bx - t[0], by - t[1], bz - t[2]
    hint[0] = m[0, 0] * x + m[1, 0] * y + m[2, 0] * z
    hint[1] = m[0, 1] * x + m[1, 1] * y + m[2, 1] * z
    hint[2] = m[0, 2] * x + m[1, 2] * y + m[2, 2] * z
    hint[3] = best_f
    i, j, k = int((bx - low[0]) * per_mm), int((by - low[1]) * per_mm), int((bz - low[2]) * per_mm)
    d2, s = nearest_triangle(bx, by, bz, tri, boxes, links, max(nearest[i, j, k], 0), stack, bary)
    point_triangle(bx, by, bz, tri, s, bary)
    out[0], out[1], out[2] = bx, by, bz
    for k in range(3):
        out[3 + k] = bary[0] * tri[s, 0, k] + bary[1] * tri[s, 1, k] + bary[2] * tri[s, 2, k]
    return np.sqrt(d2), best_f, s, spacing


@_compiled
def _upper2(x, y, z, field, low, per_mm):  # type: ignore[no-untyped-def]
    """A value that the squared distance of a point is never above: by way of the nearest node."""
    ni, nj, nk = field.shape
    i = min(max(int((x - low[0]) * per_mm + 0.5), 0), ni - 1)
    j = min(max(int((y - low[1]) * per_mm + 0.5), 0), nj - 1)
    k = min(max(int((z - low[2]) * per_mm + 0.5), 0), nk - 1)
    d = abs(np.float64(field[i, j, k]))
    if d == 0.0:  # not computed
        return np.inf
    dx, dy, dz = low[0] + i / per_mm - x, low[1] + j / per_mm - y, low[2] + k / per_mm - z
    d = 1.000001 * d + np.sqrt(dx * dx + dy * dy + dz * dz)
    return d * d


@_compiled
def _far_from_solid(x, y, z, r, solid, low, brick_mm):  # type: ignore[no-untyped-def]
    """Whether a sphere is certainly without any node inside the solid."""
    i, j, k = int((x - low[0]) // brick_mm), int((y - low[1]) // brick_mm), int((z - low[2]) // brick_mm)
    if i < 0 or j < 0 or k < 0 or i >= solid.shape[0] or j >= solid.shape[1] or k >= solid.shape[2]:
        return False
    return solid[i, j, k] > r


@_compiled
def _turned(m, t, x):  # type: ignore[no-untyped-def]
    """A moving point after the motion."""
    return (
        m[0, 0] * x[0] + m[0, 1] * x[1] + m[0, 2] * x[2] + t[0],
        m[1, 0] * x[0] + m[1, 1] * x[1] + m[1, 2] * x[2] + t[1],
        m[2, 0] * x[0] + m[2, 1] * x[1] + m[2, 2] * x[2] + t[2],
    )


@_compiled
def _limit(gap, near_tol, far_tol):  # type: ignore[no-untyped-def]
    """Distance above which a triangle need not be looked at; never 0, so that a crossing is never missed."""
    return max(gap - (near_tol if gap <= 10.1 else far_tol), 0.5 * gap)


@_compiled
def _moved(m, t, corners, f, c):  # type: ignore[no-untyped-def]
    """Corner c of moving triangle f after the motion."""
    x, y, z = corners[f, c, 0], corners[f, c, 1], corners[f, c, 2]
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + t[0],
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + t[1],
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + t[2],
    )


@_compiled
def _add_cluster(c, only, local, clusters, stamp, stamps, act_v, act_f, act_i, n_v, n_f):  # type: ignore[no-untyped-def]
    """Put the triangles of a cluster (all, or those marked in ``only``) and their corners on the list."""
    v0 = clusters[c, 0]
    for f in range(clusters[c, 2], clusters[c, 3]):
        if only[0] >= 0 and only[f] == 0:
            continue
        for corner in range(3):
            v = v0 + local[f, corner]
            if stamps[v, 0] != stamp:
                stamps[v, 0], stamps[v, 1] = stamp, n_v
                act_v[n_v] = v
                n_v += 1
            act_i[n_f, corner] = stamps[v, 1]
        act_f[n_f] = f
        n_f += 1
    return n_v, n_f


@_compiled
def _search(  # type: ignore[no-untyped-def]
    m,
    t,
    limit,
    gap,
    pair_f,
    pair_s,
    n_v,
    n_f,
    act_v,
    act_f,
    act_i,
    edges2,
    inverses,
    radius2,
    points,
    tri,
    boxes,
    links,
    field,
    nearest,
    low,
    per_mm,
    near_tol,
    far_tol,
    place,
    lower,
    a3,
    out,
    tmp,
    towards,
    stack,
):
    """Smallest distance of the listed triangles that is below the gap known so far, and its pair."""
    a = a3[0]
    best2 = gap * gap
    for n in range(n_v):
        v = act_v[n]
        x0, y0, z0 = points[v, 0], points[v, 1], points[v, 2]
        x = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + t[0]
        y = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + t[1]
        z = m[2, 0] * x0 + m[2, 1] * y0 + m[2, 2] * z0 + t[2]
        place[n, 0], place[n, 1], place[n, 2] = x, y, z
        lower[n] = _lower2(x, y, z, field, low, per_mm)
    for n in range(n_f):
        f = act_f[n]
        i0, i1, i2 = act_i[n, 0], act_i[n, 1], act_i[n, 2]
        d0, d1, d2 = lower[i0], lower[i1], lower[i2]
        limit2 = limit * limit
        if min(d0, d1, d2) - radius2[f] >= limit2:
            continue
        e01, e02, e12 = edges2[f, 0], edges2[f, 1], edges2[f, 2]
        if _least2(d0, d1, d2, e01, e02, e12, inverses[f], 1.0) >= limit2 > 0.0:
            continue
        x0, y0, z0 = place[i0, 0], place[i0, 1], place[i0, 2]
        x1, y1, z1 = place[i1, 0], place[i1, 1], place[i1, 2]
        x2, y2, z2 = place[i2, 0], place[i2, 1], place[i2, 2]
        # The four triangles between the corners and the middles of the edges: a bound four times closer.
        d01 = _lower2(0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.5 * (z0 + z1), field, low, per_mm)
        d02 = _lower2(0.5 * (x0 + x2), 0.5 * (y0 + y2), 0.5 * (z0 + z2), field, low, per_mm)
        d12 = _lower2(0.5 * (x1 + x2), 0.5 * (y1 + y2), 0.5 * (z1 + z2), field, low, per_mm)
        q01, q02, q12 = 0.25 * e01, 0.25 * e02, 0.25 * e12
        least = _least2(d0, d01, d02, q01, q02, q12, inverses[f], 4.0)
        least = min(least, _least2(d01, d1, d12, q01, q02, q12, inverses[f], 4.0))
        least = min(least, _least2(d02, d12, d2, q01, q02, q12, inverses[f], 4.0))
        least = min(least, _least2(d12, d02, d01, q01, q02, q12, inverses[f], 4.0))
        if least >= limit2 > 0.0:
            continue
        a[0, 0], a[0, 1], a[0, 2] = x0, y0, z0
        a[1, 0], a[1, 1], a[1, 2] = x1, y1, z1
        a[2, 0], a[2, 1], a[2, 2] = x2, y2, z2
        # A good pair first: the triangle that is nearest to the nearest corner.
        x, y, z = x0, y0, z0
        if d1 <= d0 and d1 <= d2:
            x, y, z = x1, y1, z1
        elif d2 <= d0:
            x, y, z = x2, y2, z2
        i = min(max(int((x - low[0]) * per_mm + 0.5), 0), field.shape[0] - 1)
        j = min(max(int((y - low[1]) * per_mm + 0.5), 0), field.shape[1] - 1)
        k = min(max(int((z - low[2]) * per_mm + 0.5), 0), field.shape[2] - 1)
        s = nearest[i, j, k]
        if s >= 0 and not (f == pair_f and s == pair_s):
            two = triangle_triangle(a, a3, tri, s, best2, out, tmp)
            if two < best2:
                best2, pair_f, pair_s = two, f, s
                gap = np.sqrt(best2)
                limit = _limit(gap, near_tol, far_tol)
                if best2 == 0.0:
                    break
                if least >= limit * limit:
                    continue
        if gap > 0.0:
            for k in range(3):
                towards[k] = (out[k] - out[3 + k]) / gap
        two, s = nearest_pair(a, a3, tri, boxes, links, limit * limit, out, tmp, stack, towards)
        if s >= 0:
            best2, pair_f, pair_s = two, f, s
            gap = np.sqrt(best2)
            limit = _limit(gap, near_tol, far_tol)
            if best2 == 0.0:
                break
    return gap, pair_f, pair_s


@_compiled
def sweep(  # type: ignore[no-untyped-def]
    rotations,
    offsets,
    groups,
    corner_rotations,
    corner_offsets,
    bulges,
    turns,
    corners,
    edges2,
    inverses,
    radius2,
    reach,
    points,
    local,
    clusters,
    spheres,
    tri,
    boxes,
    links,
    field,
    nearest,
    low,
    per_mm,
    solid,
    brick_mm,
    near_tol,
    far_tol,
    step,
    gaps,
    on_moving,
    on_fixed,
    moving_face,
    fixed_face,
    errors,
):
    """Signed gap of every pose; the poses of a group lie between its eight corner poses.

    Groups of few poses are done pose by pose. For the others, a list is made once of the triangles
    that can be nearest in any pose between the corners (see ``gap_field``).
    """
    stack = np.empty(_STACK, np.int64)
    tmp, out, bary, towards = np.empty(4), np.empty(6), np.empty(4), np.array([1.0, 0.0, 0.0])
    a3 = np.empty((1, 3, 3))
    a = a3[0]
    outside = np.zeros(spheres.shape[0], np.bool_)
    n_points, n_faces, n_clusters = points.shape[0], corners.shape[0], clusters.shape[0]
    stamps = np.full((n_points, 2), -1, np.int64)
    act_v, act_f, act_i = (
        np.empty(n_points, np.int64),
        np.empty(n_faces, np.int64),
        np.empty((n_faces, 3), np.int64),
    )
    lower, place = np.empty(n_points), np.empty((n_points, 3))
    values, away = np.empty((2, n_faces)), np.empty(n_clusters)
    everything = np.full(1, -1, np.int8)
    marked = np.zeros(n_faces, np.int8)
    below = np.empty(n_points)
    where, hint = np.empty((8, 3)), np.array([0.0, 0.0, 0.0, -1.0])
    kept = np.empty(6)
    # An interpolated depth beyond this is no rounding at the surface.
    certain = max(0.5 * step, 0.5 / per_mm)
    thickness = 1.0 / per_mm - min(0.0, field.min())
    pair_f, pair_s, stamp = 0, 0, 0
    for g in range(groups.shape[0] - 1):
        together = groups[g + 1] - groups[g] >= 8
        n_v, n_f = 0, 0
        any_inside = True
        outside[:] = False
        # Pose by pose, or first the middle of the group alone, for a pair to measure the others by.
        for p in range(groups[g] - (1 if together else 0), groups[g + 1]):
            middle = p < groups[g]
            whole = middle or not together
            q = (groups[g] + groups[g + 1]) // 2 if middle else p
            m, t = rotations[q], offsets[q]
            if middle and hint[3] >= 0.0:
                x, y, z = _turned(m, t, hint)
                if _depth(x, y, z, field, low, per_mm) > _DEEP_MM:
                    together = False  # most of these poses lie inside, and none needs a list for that
                    continue
            for c in range(3):
                a[c, 0], a[c, 1], a[c, 2] = _moved(m, t, corners, pair_f, c)
            gap = np.sqrt(triangle_triangle(a, a3, tri, pair_s, np.inf, out, tmp))
            if not middle and hint[3] >= 0.0:
                x, y, z = _turned(m, t, hint)
                if _depth(x, y, z, field, low, per_mm) > certain:
                    gap = 0.0  # no need to look for the place where the surfaces cross
            limit = _limit(gap, near_tol, far_tol)
            if whole and gap > 0.0:
                # The cluster that could be nearest first: then most others need no look.
                first_c = 0
                for c in range(n_clusters):
                    x0, y0, z0 = spheres[c, 0], spheres[c, 1], spheres[c, 2]
                    x = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + t[0]
                    y = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + t[1]
                    z = m[2, 0] * x0 + m[2, 1] * y0 + m[2, 2] * z0 + t[2]
                    away[c] = np.sqrt(max(_lower2(x, y, z, field, low, per_mm), 0.0)) - spheres[c, 3]
                    if away[c] < away[first_c]:
                        first_c = c
                for turn in range(2):
                    stamp += 1
                    n_v, n_f = 0, 0
                    for c in range(n_clusters):
                        if away[c] < limit and (c == first_c) == (turn == 0):
                            n_v, n_f = _add_cluster(
                                c, everything, local, clusters, stamp, stamps, act_v, act_f, act_i, n_v, n_f
                            )
                    if gap > 0.0:
                        gap, pair_f, pair_s = _search(
                            m,
                            t,
                            limit,
                            gap,
                            pair_f,
                            pair_s,
                            n_v,
                            n_f,
                            act_v,
                            act_f,
                            act_i,
                            edges2,
                            inverses,
                            radius2,
                            points,
                            tri,
                            boxes,
                            links,
                            field,
                            nearest,
                            low,
                            per_mm,
                            near_tol,
                            far_tol,
                            place,
                            lower,
                            a3,
                            out,
                            tmp,
                            towards,
                            stack,
                        )
                        limit = _limit(gap, near_tol, far_tol)
            elif gap > 0.0:
                gap, pair_f, pair_s = _search(
                    m,
                    t,
                    limit,
                    gap,
                    pair_f,
                    pair_s,
                    n_v,
                    n_f,
                    act_v,
                    act_f,
                    act_i,
                    edges2,
                    inverses,
                    radius2,
                    points,
                    tri,
                    boxes,
                    links,
                    field,
                    nearest,
                    low,
                    per_mm,
                    near_tol,
                    far_tol,
                    place,
                    lower,
                    a3,
                    out,
                    tmp,
                    towards,
                    stack,
                )
            if middle:
                # The point of the pair in the moving frame; q stays where it is on the fixed surface.
                for k in range(3):
                    tmp[k] = out[k] - t[k]
                x0 = m[0, 0] * tmp[0] + m[1, 0] * tmp[1] + m[2, 0] * tmp[2]
                y0 = m[0, 1] * tmp[0] + m[1, 1] * tmp[1] + m[2, 1] * tmp[2]
                z0 = m[0, 2] * tmp[0] + m[1, 2] * tmp[1] + m[2, 2] * tmp[2]
                n_v, n_f, stamp = _shared_list(
                    corner_rotations[g],
                    corner_offsets[g],
                    bulges[g],
                    turns[g],
                    x0,
                    y0,
                    z0,
                    out,
                    radius2,
                    points,
                    local,
                    clusters,
                    spheres,
                    field,
                    low,
                    per_mm,
                    stamp,
                    stamps,
                    act_v,
                    act_f,
                    act_i,
                    marked,
                    below,
                    where,
                    solid,
                    brick_mm,
                    outside,
                )
                any_inside = not outside.all()
                continue
            errors[p] = near_tol if gap <= 10.1 else far_tol
            face_f, face_s = pair_f, pair_s
            # Inside: the surfaces cross, or some point lies behind the region without their crossing.
            if gap <= thickness and any_inside:
                crosses = gap == 0.0
                kept[:] = out
                depth, f, s, spacing = _deepest(
                    m, t, corners, reach, points, local, clusters, spheres, step,
                    tri, boxes, links, field, low, per_mm, solid, brick_mm, out, stack, bary, values, lower,
                    nearest, hint, crosses,
                    outside,
                )  # fmt: skip
                if depth >= (0.0 if crosses else certain):
                    gap, face_f, face_s = -depth, f, s
                    errors[p] = max(spacing, near_tol)
                else:
                    out[:] = kept
                    hint[3] = -1.0
                    if crosses:
                        errors[p] = step
            gaps[p] = gap
            moving_face[p], fixed_face[p] = face_f, face_s
            for k in range(3):
                on_moving[p, k] = out[k]
                on_fixed[p, k] = out[3 + k]


@_compiled
def _shared_list(  # type: ignore[no-untyped-def]
    rotations,
    offsets,
    bulge,
    turns,
    x0,
    y0,
    z0,
    out,
    radius2,
    points,
    local,
    clusters,
    spheres,
    field,
    low,
    per_mm,
    stamp,
    stamps,
    act_v,
    act_f,
    act_i,
    marked,
    below,
    where,
    solid,
    brick_mm,
    outside,
):
    """List the triangles that can be nearest in any pose between eight corner poses."""
    # Squared distance, at each corner pose, of the known point from its mate on the fixed surface.
    known2 = np.empty(8)
    largest = 0.0
    for k in range(8):
        m, t = rotations[k], offsets[k]
        dx = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + t[0] - out[3]
        dy = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + t[1] - out[4]
        dz = m[2, 0] * x0 + m[2, 1] * y0 + m[2, 2] * z0 + t[2] - out[5]
        known2[k] = dx * dx + dy * dy + dz * dz
        largest = max(largest, known2[k])
    slack = 4.0 * bulge * (np.sqrt(largest) + bulge)
    stamp += 1
    n_v, n_f = 0, 0
    for c in range(clusters.shape[0]):
        _corner_places(spheres[c, 0], spheres[c, 1], spheres[c, 2], rotations, offsets, where)
        radius = spheres[c, 3]
        need = _between2(where, turns, radius) + slack
        # In any pose between the corners, the middle is as near to one of them as this.
        near = radius + np.sqrt(_between2(where, turns, 0.0)) + bulge
        outside[c] = True
        for k in range(8):
            if not _far_from_solid(where[k, 0], where[k, 1], where[k, 2], near, solid, low, brick_mm):
                outside[c] = False
                break
        out_of_reach = True
        for k in range(8):
            d = np.sqrt(max(_lower2(where[k, 0], where[k, 1], where[k, 2], field, low, per_mm), 0.0)) - radius
            if d <= 0.0 or d * d - known2[k] < need:
                out_of_reach = False
                break
        if out_of_reach:
            continue
        v0, v1 = clusters[c, 0], clusters[c, 1]
        for k in range(8):
            m, t = rotations[k], offsets[k]
            for v in range(v0, v1):
                px, py, pz = points[v, 0], points[v, 1], points[v, 2]
                x = m[0, 0] * px + m[0, 1] * py + m[0, 2] * pz + t[0]
                y = m[1, 0] * px + m[1, 1] * py + m[1, 2] * pz + t[1]
                z = m[2, 0] * px + m[2, 1] * py + m[2, 2] * pz + t[2]
                d = _lower2(x, y, z, field, low, per_mm) - known2[k]
                below[v] = d if k == 0 else min(below[v], d)
        found = False
        for f in range(clusters[c, 2], clusters[c, 3]):
            least = min(below[v0 + local[f, 0]], below[v0 + local[f, 1]], below[v0 + local[f, 2]])
            marked[f] = 1 if least < need + radius2[f] else 0
            found = found or marked[f] == 1
        if found:
            n_v, n_f = _add_cluster(c, marked, local, clusters, stamp, stamps, act_v, act_f, act_i, n_v, n_f)
    return n_v, n_f, stamp


@_compiled
def _corner_places(x0, y0, z0, rotations, offsets, where):  # type: ignore[no-untyped-def]
    """Where a moving point is in each of eight poses."""
    for k in range(8):
        m, t = rotations[k], offsets[k]
        where[k, 0] = m[0, 0] * x0 + m[0, 1] * y0 + m[0, 2] * z0 + t[0]
        where[k, 1] = m[1, 0] * x0 + m[1, 1] * y0 + m[1, 2] * z0 + t[1]
        where[k, 2] = m[2, 0] * x0 + m[2, 1] * y0 + m[2, 2] * z0 + t[2]


@_compiled
def _between2(where, turns, radius):  # type: ignore[no-untyped-def]
    """Bound of the variance of eight places: a quarter of the squared edges (Efron and Stein 1981).

    Holds for all points within ``radius`` of the one whose places are given.
    """
    total = 0.0
    for axis in range(3):
        longest = 0.0
        for k in range(8):
            other = k | (1 << axis)
            if other != k:
                dx = where[k, 0] - where[other, 0]
                dy = where[k, 1] - where[other, 1]
                dz = where[k, 2] - where[other, 2]
                longest = max(longest, dx * dx + dy * dy + dz * dz)
        edge = np.sqrt(longest) + turns[axis] * radius
        total += edge * edge
    return 0.25 * total

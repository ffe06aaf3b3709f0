"""Distances of points and triangles."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import lean


@lean
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


@lean
def _segments(a, i, i2, b, j, j2, out):  # type: ignore[no-untyped-def]
    """Squared distance of the edge i-i2 of triangle a from j-j2 of b; places along both into out."""
    ux, uy, uz = a[i2, 0] - a[i, 0], a[i2, 1] - a[i, 1], a[i2, 2] - a[i, 2]
    vx, vy, vz = b[j2, 0] - b[j, 0], b[j2, 1] - b[j, 1], b[j2, 2] - b[j, 2]
    rx, ry, rz = a[i, 0] - b[j, 0], a[i, 1] - b[j, 1], a[i, 2] - b[j, 2]
    uu = ux * ux + uy * uy + uz * uz
    vv = vx * vx + vy * vy + vz * vz
    uv = ux * vx + uy * vy + uz * vz
    ur = ux * rx + uy * ry + uz * rz
    vr = vx * rx + vy * ry + vz * rz
    area = uu * vv - uv * uv
    p = 0.0
    if area > 1e-12 * uu * vv:
        p = min(1.0, max(0.0, (uv * vr - ur * vv) / area))
    q = -1.0  # an edge without length: any place along it
    if vv > 0.0:
        q = (uv * p + vr) / vv
    if q < 0.0 or q > 1.0:
        q = min(1.0, max(0.0, q))
        if uu > 0.0:
            p = min(1.0, max(0.0, (q * uv - ur) / uu))
    out[0], out[1] = p, q
    dx, dy, dz = rx + p * ux - q * vx, ry + p * uy - q * vy, rz + p * uz - q * vz
    return dx * dx + dy * dy + dz * dz


@lean
def _edge_crosses(a, i, b, out):  # type: ignore[no-untyped-def]
    """Whether edge i of triangle a crosses triangle b; where, into out[:3]."""
    ox, oy, oz = a[i, 0], a[i, 1], a[i, 2]
    k = (i + 1) % 3
    dx, dy, dz = a[k, 0] - ox, a[k, 1] - oy, a[k, 2] - oz
    e1x, e1y, e1z = b[1, 0] - b[0, 0], b[1, 1] - b[0, 1], b[1, 2] - b[0, 2]
    e2x, e2y, e2z = b[2, 0] - b[0, 0], b[2, 1] - b[0, 1], b[2, 2] - b[0, 2]
    cx, cy, cz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
    det = e1x * cx + e1y * cy + e1z * cz
    if abs(det) < 1e-14:
        return False
    tx, ty, tz = ox - b[0, 0], oy - b[0, 1], oz - b[0, 2]
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


@lean
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


@lean
def _face_distance(a, b, bound2, out, flip):  # type: ignore[no-untyped-def]
    """Squared distance of b from the inside of a, where the corner of b next to a's plane stands over a.

    That is the distance of the two triangles, then. Otherwise, or beyond bound2: infinite. The foot goes
    into out[:3] and the corner into out[3:], or the other way round if ``flip``.
    """
    e1x, e1y, e1z = a[1, 0] - a[0, 0], a[1, 1] - a[0, 1], a[1, 2] - a[0, 2]
    e2x, e2y, e2z = a[2, 0] - a[0, 0], a[2, 1] - a[0, 1], a[2, 2] - a[0, 2]
    nx, ny, nz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
    nn = nx * nx + ny * ny + nz * nz
    s0 = nx * (b[0, 0] - a[0, 0]) + ny * (b[0, 1] - a[0, 1]) + nz * (b[0, 2] - a[0, 2])
    s1 = nx * (b[1, 0] - a[0, 0]) + ny * (b[1, 1] - a[0, 1]) + nz * (b[1, 2] - a[0, 2])
    s2 = nx * (b[2, 0] - a[0, 0]) + ny * (b[2, 1] - a[0, 1]) + nz * (b[2, 2] - a[0, 2])
    if not ((s0 >= 0.0 and s1 >= 0.0 and s2 >= 0.0) or (s0 <= 0.0 and s1 <= 0.0 and s2 <= 0.0)):
        return np.inf
    k, s = 0, s0
    if abs(s1) < abs(s):
        k, s = 1, s1
    if abs(s2) < abs(s):
        k, s = 2, s2
    if s * s >= bound2 * nn:
        return np.inf
    qx, qy, qz = b[k, 0] - a[0, 0], b[k, 1] - a[0, 1], b[k, 2] - a[0, 2]
    v = (qy * e2z - qz * e2y) * nx + (qz * e2x - qx * e2z) * ny + (qx * e2y - qy * e2x) * nz
    w = (e1y * qz - e1z * qy) * nx + (e1z * qx - e1x * qz) * ny + (e1x * qy - e1y * qx) * nz
    if v < 0.0 or w < 0.0 or v + w > nn:
        return np.inf
    share = s / nn
    foot, corner = (3, 0) if flip else (0, 3)
    out[foot], out[corner] = b[k, 0] - share * nx, b[k, 0]
    out[foot + 1], out[corner + 1] = b[k, 1] - share * ny, b[k, 1]
    out[foot + 2], out[corner + 2] = b[k, 2] - share * nz, b[k, 2]
    return s * share


@lean
def triangle_triangle(a, tri, s, bound2, out, tmp):  # type: ignore[no-untyped-def]
    """Squared distance of triangle a from triangle s where it is below bound2, else bound2.

    Closest points go into out (first on a, then on s) only where the distance is below the bound;
    ``tmp`` holds three numbers.
    """
    b = tri[s]
    if _straddles(a, b) and _straddles(b, a):
        for i in range(3):
            if _edge_crosses(a, i, b, tmp) or _edge_crosses(b, i, a, tmp):
                for k in range(3):
                    out[k] = tmp[k]
                    out[3 + k] = tmp[k]
                return 0.0
    best = bound2
    for i in range(3):
        i2, i3 = (i + 1) % 3, (i + 2) % 3
        for j in range(3):
            j2, j3 = (j + 1) % 3, (j + 2) % 3
            d2 = _segments(a, i, i2, b, j, j2, tmp)
            p, q = tmp[0], tmp[1]
            px, py, pz = (
                a[i, 0] + p * (a[i2, 0] - a[i, 0]),
                a[i, 1] + p * (a[i2, 1] - a[i, 1]),
                a[i, 2] + p * (a[i2, 2] - a[i, 2]),
            )
            qx, qy, qz = (
                b[j, 0] + q * (b[j2, 0] - b[j, 0]),
                b[j, 1] + q * (b[j2, 1] - b[j, 1]),
                b[j, 2] + q * (b[j2, 2] - b[j, 2]),
            )
            if d2 < best:
                best = d2
                out[0], out[1], out[2] = px, py, pz
                out[3], out[4], out[5] = qx, qy, qz
            # Planes across the line between the two points part the triangles, if the third corners allow.
            dx, dy, dz = qx - px, qy - py, qz - pz
            if (a[i3, 0] - px) * dx + (a[i3, 1] - py) * dy + (a[i3, 2] - pz) * dz <= 0.0 and (
                (b[j3, 0] - qx) * dx + (b[j3, 1] - qy) * dy + (b[j3, 2] - qz) * dz >= 0.0
            ):
                return best
    best = min(best, _face_distance(b, a, best, out, True))
    return min(best, _face_distance(a, b, best, out, False))

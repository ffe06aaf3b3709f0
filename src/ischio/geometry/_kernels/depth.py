"""How deep the moving surface lies inside the fixed bone, at fixed points of it."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import lean
from ischio.geometry._kernels.field import clear_all, depth_all, lower2, lower2_all, node_triangle
from ischio.geometry._kernels.parts import turn_all, turned
from ischio.geometry._kernels.tree import nearest_triangle
from ischio.geometry._kernels.triangles import point_triangle

DEPTH_SHARE = 0.01  # by which a depth may be read too deep; it says how far a pose is out of reach
_SHARE2 = (1.0 - DEPTH_SHARE) ** 2


@lean
def deepest(m, t, thigh, seat, listed, work):  # type: ignore[no-untyped-def]
    """Depth and row of the sample that lies deepest behind the region; -1 and -1 where none does.

    What is found depends on the motion alone: the order in which bunches are looked at does, and so does
    what is left out, which is all whose depth, read at the middle, plus the radius is not above the depth
    found. Bunches that are not ``listed`` have no sample behind the region.
    """
    samples, spans = thigh.samples, thigh.bunch_spans
    x, y, z, read, clear, lower, away = work.x, work.y, work.z, work.read, work.clear, work.lower, work.away
    n = listed.counts[0]
    turn_all(m, t, 0, n, listed.x, listed.y, listed.z, x, y, z)
    clear_all(n, x, y, z, seat.solid, seat.box, clear)
    depth_all(n, x, y, z, seat.depth, seat.box, read)
    lower2_all(n, x, y, z, seat.square, seat.box, lower)
    first, most = 0, 0.0
    for c in range(n):
        # Nothing in a sphere is deeper than its middle is from the surface, on either side, plus its radius.
        r = listed.r[c]
        away[c] = -1.0
        if read[c] > 0.0:
            away[c] = read[c] + r
            if away[c] > most:
                first, most = c, away[c]
        elif clear[c] <= r:
            away[c] = np.sqrt(max(lower[c], 0.0)) + r
    best, row = -1.0, -1
    for turn in range(n):
        # The most promising bunch first.
        c = first if turn == 0 else (turn - 1 if turn <= first else turn)
        if away[c] <= best or away[c] < 0.0:
            continue
        start, end = spans[listed.rows[c]], spans[listed.rows[c] + 1]
        turn_all(m, t, start, end - start, samples[0], samples[1], samples[2], x, y, z)
        depth_all(end - start, x, y, z, seat.depth, seat.box, read)
        for s in range(end - start):
            if read[s] > best:
                best, row = read[s], start + s
    return best, row


@lean
def measured_depth(m, t, thigh, seat, row, work):  # type: ignore[no-untyped-def]
    """Distance of a sample from the fixed surface, and the triangle; both points into work.out.

    The distance is not above the true one by more than ``DEPTH_SHARE`` of it: where a triangle that is
    nearest at a node around the sample is that near, no other is looked at.
    """
    tri, out, bary, nearest, box = seat.tri, work.out, work.tmp, seat.nearest, seat.box
    samples, per_mm = thigh.samples, seat.box[6]
    x, y, z = turned(m, t, samples[0, row], samples[1, row], samples[2, row])
    least2 = lower2(x, y, z, seat.square, box)
    half = 0.5 / per_mm
    d2, s = np.inf, max(node_triangle(x, y, z, nearest, box), 0)
    for k in range(8):
        dx, dy, dz = (k & 1) * 2 - 1, (k & 2) - 1, (k & 4) // 2 - 1
        near = node_triangle(x + half * dx, y + half * dy, z + half * dz, nearest, box)
        if near >= 0 and (near != s or d2 == np.inf):
            two = point_triangle(x, y, z, tri, near, bary)
            if two < d2:
                d2, s = two, near
                if d2 * _SHARE2 <= least2:
                    break
    if d2 * _SHARE2 > least2:
        d2, s = nearest_triangle(x, y, z, tri, seat.boxes, seat.links, s, work.stack, work.heights, bary)
    point_triangle(x, y, z, tri, s, bary)
    out[0], out[1], out[2] = x, y, z
    for k in range(3):
        out[3 + k] = bary[0] * tri[s, 0, k] + bary[1] * tri[s, 1, k] + bary[2] * tri[s, 2, k]
    return np.sqrt(d2), s

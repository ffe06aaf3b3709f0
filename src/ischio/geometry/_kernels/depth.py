"""How deep the moving surface lies inside the fixed bone, at fixed points of it."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import lean
from ischio.geometry._kernels.field import depth_behind, far_from_solid, lower2, node_triangle
from ischio.geometry._kernels.parts import turned
from ischio.geometry._kernels.tree import nearest_triangle
from ischio.geometry._kernels.triangles import point_triangle

DEPTH_SHARE = 0.01  # by which a depth may be read too deep; it says how far a pose is out of reach
_SHARE2 = (1.0 - DEPTH_SHARE) ** 2


@lean
def deepest(m, t, thigh, seat, outside, work):  # type: ignore[no-untyped-def]
    """Depth and row of the sample that lies deepest behind the region; -1 and -1 where none does.

    What is found depends on the motion alone: the order in which bunches and sprigs are looked at does,
    and so does what is left out, which is all whose depth, read at the middle, plus the radius is not
    above the depth found. Bunches that are ``outside`` have no sample behind the region.
    """
    square, low, per_mm = seat.square, seat.low, seat.per_mm
    bunches, sprigs, samples = thigh.bunches, thigh.sprigs, thigh.samples
    bunch_spans, sprig_spans, away = thigh.bunch_spans, thigh.sprig_spans, work.away
    best, row = -1.0, -1
    first, most, n_bunches = 0, 0.0, bunches.shape[0]
    for c in range(n_bunches):
        away[c] = -1.0
        if outside[c]:
            continue
        x, y, z = turned(m, t, bunches[c, 0], bunches[c, 1], bunches[c, 2])
        d, away[c] = _deepest_in(x, y, z, bunches[c, 3], seat)
        if d > 0.0 and away[c] > most:
            first, most = c, away[c]
    for turn in range(n_bunches):
        # The most promising bunch first.
        c = first if turn == 0 else (turn - 1 if turn <= first else turn)
        if away[c] <= best or away[c] < 0.0:
            continue
        for b in range(bunch_spans[c], bunch_spans[c + 1]):
            x, y, z = turned(m, t, sprigs[b, 0], sprigs[b, 1], sprigs[b, 2])
            d, within = _deepest_in(x, y, z, sprigs[b, 3], seat)
            if within <= best or within < 0.0:
                continue
            for s in range(sprig_spans[b], sprig_spans[b + 1]):
                x, y, z = turned(m, t, samples[s, 0], samples[s, 1], samples[s, 2])
                d = depth_behind(x, y, z, square, low, per_mm)
                if d > best:
                    best, row = d, s
    return best, row


@lean
def _deepest_in(x, y, z, r, seat):  # type: ignore[no-untyped-def]
    """Depth read at the middle of a sphere, and a depth that nothing in the sphere is read beyond.

    That is the distance of the middle from the surface, on whichever side of it, plus the radius; -1
    where nothing in the sphere lies behind the surface.
    """
    square, low, per_mm = seat.square, seat.low, seat.per_mm
    d = depth_behind(x, y, z, square, low, per_mm)
    if d > 0.0:
        return d, d + r
    if far_from_solid(x, y, z, r, seat.solid, low, per_mm):
        return d, -1.0
    return d, np.sqrt(max(lower2(x, y, z, square, low, per_mm), 0.0)) + r


@lean
def measured_depth(m, t, thigh, seat, row, read, work):  # type: ignore[no-untyped-def]
    """Distance of a sample from the fixed surface, and the triangle; both points into work.out.

    ``read`` is its depth as the grid has it. The distance is not above the true one by more than
    ``DEPTH_SHARE`` of it: where a triangle that is nearest at a node around the sample is that near, no
    other is looked at.
    """
    tri, out, bary, low, per_mm = seat.tri, work.out, work.tmp, seat.low, seat.per_mm
    samples = thigh.samples
    x, y, z = turned(m, t, samples[row, 0], samples[row, 1], samples[row, 2])
    half = 0.5 / per_mm
    d2, s = np.inf, max(node_triangle(x, y, z, seat.nearest, low, per_mm), 0)
    for k in range(8 if read * per_mm > 4.0 else 0):
        dx, dy, dz = (k & 1) * 2 - 1, (k & 2) - 1, (k & 4) // 2 - 1
        near = node_triangle(x + half * dx, y + half * dy, z + half * dz, seat.nearest, low, per_mm)
        if near >= 0 and (near != s or d2 == np.inf):
            two = point_triangle(x, y, z, tri, near, bary)
            if two < d2:
                d2, s = two, near
                if d2 * _SHARE2 <= read * read:
                    break
    if d2 * _SHARE2 > read * read:
        d2, s = nearest_triangle(x, y, z, tri, seat.boxes, seat.links, s, work.stack, bary)
    point_triangle(x, y, z, tri, s, bary)
    out[0], out[1], out[2] = x, y, z
    for k in range(3):
        out[3 + k] = bary[0] * tri[s, 0, k] + bary[1] * tri[s, 1, k] + bary[2] * tri[s, 2, k]
    return np.sqrt(d2), s

"""The nearest pair of triangles in one pose."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import lean
from ischio.geometry._kernels.field import lower2, lower2_all, node_triangle
from ischio.geometry._kernels.parts import place_triangle, put, turn_all, turned
from ischio.geometry._kernels.tree import nearest_pair
from ischio.geometry._kernels.triangles import point_triangle, triangle_triangle


@lean
def tolerance_of(gap, tolerances):  # type: ignore[no-untyped-def]
    """Tolerance of a gap of this size: near, far, and from where on it is far."""
    return tolerances[0] if gap <= tolerances[2] else tolerances[1]


@lean
def _limit(gap, tolerances):  # type: ignore[no-untyped-def]
    """Distance above which a triangle need not be looked at; never 0, so that a crossing is never missed."""
    return max(gap - tolerance_of(gap, tolerances), 0.5 * gap)


@lean
def least2(d0, d1, d2, e01, e02, e12, inverse, finer):  # type: ignore[no-untyped-def]
    """Least squared distance inside a triangle that those at its corners allow."""
    a1, a2 = d1 - d0 - e01, d2 - d0 - e02
    v = -0.5 * finer * (inverse[0] * a1 + inverse[1] * a2)
    w = -0.5 * finer * (inverse[1] * a1 + inverse[2] * a2)
    if v > 0.0 and w > 0.0 and v + w < 1.0:
        return d0 + 0.5 * (v * a1 + w * a2)
    least = min(d0, d1, d2)
    if abs(d1 - d0) < e01:
        s = 0.5 - 0.5 * (d1 - d0) / e01
        least = min(least, d0 + s * (d1 - d0) - s * (1.0 - s) * e01)
    if abs(d2 - d0) < e02:
        s = 0.5 - 0.5 * (d2 - d0) / e02
        least = min(least, d0 + s * (d2 - d0) - s * (1.0 - s) * e02)
    if abs(d2 - d1) < e12:
        s = 0.5 - 0.5 * (d2 - d1) / e12
        least = min(least, d1 + s * (d2 - d1) - s * (1.0 - s) * e12)
    return least


@lean
def _halved(p0, p1, p2, d0, d1, d2, e01, e02, e12, inverse, finer, limit2, seat):  # type: ignore[no-untyped-def]
    """Whether the four triangles between the corners and the middles of the edges are all beyond a limit.

    A bound four times as close as that from the corners; triangles that fail are halved once more.
    """
    square, box = seat.square, seat.box
    x01, y01, z01 = 0.5 * (p0[0] + p1[0]), 0.5 * (p0[1] + p1[1]), 0.5 * (p0[2] + p1[2])
    x02, y02, z02 = 0.5 * (p0[0] + p2[0]), 0.5 * (p0[1] + p2[1]), 0.5 * (p0[2] + p2[2])
    x12, y12, z12 = 0.5 * (p1[0] + p2[0]), 0.5 * (p1[1] + p2[1]), 0.5 * (p1[2] + p2[2])
    d01 = lower2(x01, y01, z01, square, box)
    d02 = lower2(x02, y02, z02, square, box)
    d12 = lower2(x12, y12, z12, square, box)
    q01, q02, q12, finer = 0.25 * e01, 0.25 * e02, 0.25 * e12, 4.0 * finer
    m01, m02, m12 = (x01, y01, z01), (x02, y02, z02), (x12, y12, z12)
    if least2(d0, d01, d02, q01, q02, q12, inverse, finer) < limit2 and not _quartered(
        p0, m01, m02, d0, d01, d02, q01, q02, q12, inverse, finer, limit2, seat
    ):
        return False
    if least2(d01, d1, d12, q01, q02, q12, inverse, finer) < limit2 and not _quartered(
        m01, p1, m12, d01, d1, d12, q01, q02, q12, inverse, finer, limit2, seat
    ):
        return False
    if least2(d02, d12, d2, q01, q02, q12, inverse, finer) < limit2 and not _quartered(
        m02, m12, p2, d02, d12, d2, q01, q02, q12, inverse, finer, limit2, seat
    ):
        return False
    return least2(d12, d02, d01, q01, q02, q12, inverse, finer) >= limit2 or _quartered(
        m12, m02, m01, d12, d02, d01, q01, q02, q12, inverse, finer, limit2, seat
    )


@lean
def _quartered(p0, p1, p2, d0, d1, d2, e01, e02, e12, inverse, finer, limit2, seat):  # type: ignore[no-untyped-def]
    """As ``_halved``, once."""
    square, box = seat.square, seat.box
    d01 = lower2(0.5 * (p0[0] + p1[0]), 0.5 * (p0[1] + p1[1]), 0.5 * (p0[2] + p1[2]), square, box)
    d02 = lower2(0.5 * (p0[0] + p2[0]), 0.5 * (p0[1] + p2[1]), 0.5 * (p0[2] + p2[2]), square, box)
    d12 = lower2(0.5 * (p1[0] + p2[0]), 0.5 * (p1[1] + p2[1]), 0.5 * (p1[2] + p2[2]), square, box)
    q01, q02, q12, finer = 0.25 * e01, 0.25 * e02, 0.25 * e12, 4.0 * finer
    return (
        least2(d0, d01, d02, q01, q02, q12, inverse, finer) >= limit2
        and least2(d01, d1, d12, q01, q02, q12, inverse, finer) >= limit2
        and least2(d02, d12, d2, q01, q02, q12, inverse, finer) >= limit2
        and least2(d12, d02, d01, q01, q02, q12, inverse, finer) >= limit2
    )


@lean
def warm_gap(m, t, thigh, seat, work):  # type: ignore[no-untyped-def]
    """Distance of two points of the pair known from the pose before, found by going to and fro."""
    out, tmp, a, tri = work.out, work.tmp, work.a, seat.tri
    s, one = work.pair[1], work.a[0]
    place_triangle(m, t, thigh.points, thigh.faces, work.pair[0], one)
    d2 = 0.0
    for turn in range(2):
        d2 = point_triangle(out[3], out[4], out[5], a, 0, tmp)
        for k in range(3):
            out[k] = tmp[0] * one[0, k] + tmp[1] * one[1, k] + tmp[2] * one[2, k]
        if turn == 0:
            point_triangle(out[0], out[1], out[2], tri, s, tmp)
            for k in range(3):
                out[3 + k] = tmp[0] * tri[s, 0, k] + tmp[1] * tri[s, 1, k] + tmp[2] * tri[s, 2, k]
    return np.sqrt(d2)


@lean
def search(m, t, gap, exact, listed, tolerances, thigh, seat, work):  # type: ignore[no-untyped-def]
    """Smallest distance of the listed triangles, to within the tolerance, starting from a gap that is known.

    ``exact`` says that the gap is that of the pair in ``work``, and not just one of two of its points.
    """
    tri, edges2, inverses, radius2 = seat.tri, thigh.edges2, thigh.inverses, thigh.radius2
    px, py, pz, lower, pair, out, towards = (
        work.x,
        work.y,
        work.z,
        work.lower,
        work.pair,
        work.out,
        work.towards,
    )
    a = work.a[0]
    best2 = gap * gap
    limit = _limit(gap, tolerances)
    n_v, n_f = listed.counts[0], listed.counts[1]
    turn_all(m, t, 0, n_v, listed.x, listed.y, listed.z, px, py, pz)
    lower2_all(n_v, px, py, pz, seat.square, seat.box, lower)
    for n in range(n_f):
        f = listed.faces[n]
        i0, i1, i2 = listed.corners[n, 0], listed.corners[n, 1], listed.corners[n, 2]
        d0, d1, d2 = lower[i0], lower[i1], lower[i2]
        limit2 = limit * limit
        if min(d0, d1, d2) - radius2[f] >= limit2:
            continue
        e01, e02, e12 = edges2[f, 0], edges2[f, 1], edges2[f, 2]
        if least2(d0, d1, d2, e01, e02, e12, inverses[f], 1.0) >= limit2 > 0.0:
            continue
        p0 = (px[i0], py[i0], pz[i0])
        p1 = (px[i1], py[i1], pz[i1])
        p2 = (px[i2], py[i2], pz[i2])
        inverse = inverses[f]
        if limit2 > 0.0 and _halved(p0, p1, p2, d0, d1, d2, e01, e02, e12, inverse, 1.0, limit2, seat):
            continue
        a[0, 0], a[0, 1], a[0, 2] = p0
        a[1, 0], a[1, 1], a[1, 2] = p1
        a[2, 0], a[2, 1], a[2, 2] = p2
        # A good pair first: the triangle that is nearest to the nearest corner.
        x, y, z = p0
        if d1 <= d0 and d1 <= d2:
            x, y, z = p1
        elif d2 <= d0:
            x, y, z = p2
        s = node_triangle(x, y, z, seat.nearest, seat.box)
        if s >= 0 and not (exact and f == pair[0] and s == pair[1]):
            two = triangle_triangle(a, tri, s, best2, out, work.tmp)
            if two < best2:
                best2, pair[0], pair[1], exact = two, f, s, True
                gap = np.sqrt(best2)
                limit = _limit(gap, tolerances)
                if best2 == 0.0:
                    break
        if gap > 0.0:
            for k in range(3):
                towards[k] = (out[k] - out[3 + k]) / gap
        limit2 = limit * limit
        two, s = nearest_pair(
            a, tri, seat.boxes, seat.links, limit2, out, work.tmp, work.stack, work.heights, towards
        )
        if s >= 0:
            best2, pair[0], pair[1], exact = two, f, s, True
            gap = np.sqrt(best2)
            limit = _limit(gap, tolerances)
            if best2 == 0.0:
                break
    return gap


@lean
def search_all(m, t, tolerances, thigh, seat, listed, stamp, work):  # type: ignore[no-untyped-def]
    """Smallest distance of all triangles, and the last stamp used; ``listed`` is used as room."""
    spheres, spans, away = thigh.spheres, thigh.spans, work.away
    place_triangle(m, t, thigh.points, thigh.faces, work.pair[0], work.a[0])
    gap = np.sqrt(triangle_triangle(work.a[0], seat.tri, work.pair[1], np.inf, work.out, work.tmp))
    # The cluster that could be nearest first: then most others need no look.
    first = 0
    for c in range(spheres.shape[0]):
        x, y, z = turned(m, t, spheres[c, 0], spheres[c, 1], spheres[c, 2])
        away[c] = np.sqrt(max(lower2(x, y, z, seat.square, seat.box), 0.0)) - spheres[c, 3]
        if away[c] < away[first]:
            first = c
    for turn in range(2):
        if gap == 0.0:
            break
        limit = _limit(gap, tolerances)
        stamp += 1
        listed.counts[:] = 0
        for c in range(spheres.shape[0]):
            if away[c] < limit and (c == first) == (turn == 0):
                for f in range(spans[c, 0], spans[c, 1]):
                    put(listed, f, thigh, stamp, work.stamps)
        gap = search(m, t, gap, True, listed, tolerances, thigh, seat, work)
    return gap, stamp

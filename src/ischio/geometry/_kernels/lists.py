"""What can matter in any pose between eight corner poses: triangles that can be nearest, and samples."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import lean
from ischio.geometry._kernels.field import clear_all, lower2, lower2_all
from ischio.geometry._kernels.parts import put, turn_all, turned


@lean
def shared_list(  # type: ignore[no-untyped-def]
    corners, row, mate, tolerances, thigh, seat, parent, listed, stamp, work
):
    """List the triangles that can be nearest in any pose between eight; returns the last stamp used.

    Only triangles of the list ``parent`` are asked, or all where that has none; they are then put there.
    For any pose between the corners a triangle left out is not nearer than the two points in ``mate`` (the
    first in its own frame), but for the tolerance.
    """
    rotations, offsets, bulge, turns = corners[0][row], corners[1][row], corners[2][row], corners[3][row]
    where, below, lower, known2 = work.where, work.below, work.lower, work.known2
    xs, ys, zs = work.xs, work.ys, work.zs
    corner_places(mate[0], mate[1], mate[2], rotations, offsets, where)
    least, largest = np.inf, 0.0
    for k in range(8):
        dx, dy, dz = where[k, 0] - mate[3], where[k, 1] - mate[4], where[k, 2] - mate[5]
        known2[k] = dx * dx + dy * dy + dz * dz
        least, largest = min(least, known2[k]), max(largest, known2[k])
    # The known distance in any pose: no pose is further from some corner than this.
    away = np.sqrt(between2(where, turns, 0.0)) + bulge
    least = max(np.sqrt(least) - away, 0.0)
    tolerance = tolerances[1] if least > tolerances[2] else tolerances[0]
    slack = 4.0 * bulge * (np.sqrt(largest) + bulge)
    if least > tolerance:
        slack -= tolerance * (2.0 * least - tolerance)
    if parent.counts[1] == 0:
        stamp += 1
        _put_clusters(rotations, offsets, turns, slack, thigh, seat, parent, stamp, work)
    n = parent.counts[0]
    below[:n] = np.inf
    for k in range(8):
        turn_all(rotations[k], offsets[k], 0, n, parent.x, parent.y, parent.z, xs[k], ys[k], zs[k])
        lower2_all(n, xs[k], ys[k], zs[k], seat.square, seat.box, lower)
        for v in range(n):
            below[v] = min(below[v], lower[v] - known2[k])
    between2_all(n, xs, ys, zs, lower)
    for v in range(n):
        # How little a point's squared distance is above the known one, at least, between the corner poses.
        below[v] -= lower[v]
    listed.counts[:] = 0
    stamp += 1
    for f in range(parent.counts[1]):
        i0, i1, i2 = parent.corners[f, 0], parent.corners[f, 1], parent.corners[f, 2]
        if min(below[i0], below[i1], below[i2]) < slack + thigh.radius2[parent.faces[f]]:
            put(listed, parent.faces[f], thigh, stamp, work.stamps)
    return stamp


@lean
def _put_clusters(  # type: ignore[no-untyped-def]
    rotations, offsets, turns, slack, thigh, seat, listed, stamp, work
):
    """Put all triangles of clusters that can be nearer than the known distance on a list."""
    spheres, spans, where, known2 = thigh.spheres, thigh.spans, work.where, work.known2
    for c in range(spheres.shape[0]):
        radius = spheres[c, 3]
        corner_places(spheres[c, 0], spheres[c, 1], spheres[c, 2], rotations, offsets, where)
        need = between2(where, turns, radius) + slack
        for k in range(8):
            d2 = lower2(where[k, 0], where[k, 1], where[k, 2], seat.square, seat.box)
            d = np.sqrt(max(d2, 0.0)) - radius
            if d <= 0.0 or d * d - known2[k] < need:
                for f in range(spans[c, 0], spans[c, 1]):
                    put(listed, f, thigh, stamp, work.stamps)
                break


@lean
def list_bunches(corners, row, seat, parent, listed, work):  # type: ignore[no-untyped-def]
    """List the bunches of samples of which one can lie inside the solid in any pose between eight."""
    rotations, offsets, bulge = corners[0][row], corners[1][row], corners[2][row]
    xs, ys, zs, clear, below, near = work.xs, work.ys, work.zs, work.clear, work.below, work.lower
    n = parent.counts[0]
    below[:n] = np.inf
    for k in range(8):
        turn_all(rotations[k], offsets[k], 0, n, parent.x, parent.y, parent.z, xs[k], ys[k], zs[k])
        clear_all(n, xs[k], ys[k], zs[k], seat.solid, seat.box, clear)
        for c in range(n):
            below[c] = min(below[c], clear[c])
    between2_all(n, xs, ys, zs, near)
    kept = 0
    for c in range(n):
        # In any pose between the corners, the middle is as near to one of them as this.
        if below[c] <= parent.r[c] + np.sqrt(near[c]) + bulge:
            listed.rows[kept], listed.r[kept] = parent.rows[c], parent.r[c]
            listed.x[kept], listed.y[kept], listed.z[kept] = parent.x[c], parent.y[c], parent.z[c]
            kept += 1
    listed.counts[0] = kept


@lean
def corner_places(x, y, z, rotations, offsets, where):  # type: ignore[no-untyped-def]
    """Where a moving point is in each of eight poses."""
    for k in range(8):
        where[k, 0], where[k, 1], where[k, 2] = turned(rotations[k], offsets[k], x, y, z)


@lean
def between2(where, turns, radius):  # type: ignore[no-untyped-def]
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


@lean
def between2_all(n, xs, ys, zs, out):  # type: ignore[no-untyped-def]
    """``between2`` of n points."""
    out[:n] = 0.0
    for axis in range(3):
        step = 1 << axis
        for v in range(n):
            longest = 0.0
            for pair in range(4):
                # Two poses that differ in this axis alone.
                k = pair + (pair & -step)
                dx, dy, dz = (
                    xs[k, v] - xs[k + step, v],
                    ys[k, v] - ys[k + step, v],
                    zs[k, v] - zs[k + step, v],
                )
                longest = max(longest, dx * dx + dy * dy + dz * dz)
            out[v] += 0.25 * longest

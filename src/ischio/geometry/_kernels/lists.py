"""Which triangles can be nearest in any pose between eight corner poses."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import lean
from ischio.geometry._kernels.field import far_from_solid, lower2
from ischio.geometry._kernels.parts import put, turned


@lean
def shared_list(  # type: ignore[no-untyped-def]
    corners, row, mate, tolerances, thigh, seat, parent, listed, stamp, work
):
    """List the triangles that can be nearest in any pose between eight; returns the last stamp used.

    Only triangles of the list ``parent`` are asked, or all where that has none. For any pose between
    the corners a triangle left out is not nearer than the two points in ``mate`` (the first in its own
    frame), but for the tolerance.
    """
    rotations, offsets, bulge, turns = corners[0][row], corners[1][row], corners[2][row], corners[3][row]
    square, low, per_mm = seat.square, seat.low, seat.per_mm
    points, faces, radius2, spheres = thigh.points, thigh.faces, thigh.radius2, thigh.spheres
    where, below, stamps = work.where, work.below, work.stamps
    known2 = work.known2
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
    listed.counts[:] = 0
    stamp += 2  # the first marks points that were read, the second those on the list
    read = stamp - 1
    n_parent = parent.counts[1]
    n_clusters = spheres.shape[0] if n_parent == 0 else 1
    for c in range(n_clusters):
        first, last = 0, n_parent
        if n_parent == 0:
            first, last = thigh.spans[c, 0], thigh.spans[c, 1]
            radius = spheres[c, 3]
            corner_places(spheres[c, 0], spheres[c, 1], spheres[c, 2], rotations, offsets, where)
            need = between2(where, turns, radius) + slack
            out_of_reach = True
            for k in range(8):
                d = np.sqrt(max(lower2(where[k, 0], where[k, 1], where[k, 2], square, low, per_mm), 0.0))
                d -= radius
                if d <= 0.0 or d * d - known2[k] < need:
                    out_of_reach = False
                    break
            if out_of_reach:
                continue
        for n in range(first, last):
            f = parent.faces[n] if n_parent > 0 else n
            lowest = np.inf
            for corner in range(3):
                v = faces[f, corner]
                if stamps[v, 0] != read and stamps[v, 0] != stamp:
                    stamps[v, 0] = read
                    below[v] = _lowest(points[v], rotations, offsets, turns, known2, seat, where)
                lowest = min(lowest, below[v])
            if lowest < slack + radius2[f]:
                put(listed, f, faces, stamp, stamps)
    return stamp


@lean
def _lowest(point, rotations, offsets, turns, known2, seat, where):  # type: ignore[no-untyped-def]
    """How little a point's squared distance is above the known one, at least, between the corner poses."""
    square, low, per_mm = seat.square, seat.low, seat.per_mm
    corner_places(point[0], point[1], point[2], rotations, offsets, where)
    least = np.inf
    for k in range(8):
        d = lower2(where[k, 0], where[k, 1], where[k, 2], square, low, per_mm) - known2[k]
        least = min(least, d)
    return least - between2(where, turns, 0.0)


@lean
def mark_outside(corners, row, thigh, seat, before, outside, where):  # type: ignore[no-untyped-def]
    """Mark the bunches of samples that lie outside the solid in every pose between eight; whether all do."""
    rotations, offsets, bulge, turns = corners[0][row], corners[1][row], corners[2][row], corners[3][row]
    bunches = thigh.bunches
    everything = True
    for c in range(bunches.shape[0]):
        outside[c] = True
        if before[c]:
            continue
        corner_places(bunches[c, 0], bunches[c, 1], bunches[c, 2], rotations, offsets, where)
        # In any pose between the corners, the middle is as near to one of them as this.
        near = bunches[c, 3] + np.sqrt(between2(where, turns, 0.0)) + bulge
        for k in range(8):
            if not far_from_solid(
                where[k, 0], where[k, 1], where[k, 2], near, seat.solid, seat.low, seat.per_mm
            ):
                outside[c] = everything = False
                break
    return everything


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

"""Nearest triangle in a tree of boxes: to a point, and to a triangle."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import inlined, lean
from ischio.geometry._kernels.triangles import point_triangle, triangle_triangle

STACK = 96  # a balanced tree over 2^31 triangles is 31 deep and pushes at most two per level


@inlined
def _box2(px, py, pz, boxes, node):  # type: ignore[no-untyped-def]
    """Squared distance of a point from a box."""
    dx = max(boxes[node, 0] - px, 0.0, px - boxes[node, 3])
    dy = max(boxes[node, 1] - py, 0.0, py - boxes[node, 4])
    dz = max(boxes[node, 2] - pz, 0.0, pz - boxes[node, 5])
    return dx * dx + dy * dy + dz * dz


@lean
def nearest_triangle(px, py, pz, tri, boxes, links, seed, stack, away, bary):  # type: ignore[no-untyped-def]
    """Squared distance of a point from the nearest triangle, and its row; ``seed`` is a first guess.

    ``stack`` and ``away`` are room for ``STACK`` numbers each, ``bary`` for the weights of a point.
    """
    best_s = seed
    best = point_triangle(px, py, pz, tri, seed, bary)
    top = 1
    stack[0], away[0] = 0, 0.0
    while top > 0:
        top -= 1
        if away[top] >= best:
            continue
        node = stack[top]
        first, count = links[node, 0], links[node, 1]
        if count > 0:
            for s in range(first, first + count):
                d2 = point_triangle(px, py, pz, tri, s, bary)
                if d2 < best:
                    best, best_s = d2, s
        else:
            # The nearer child is looked at first.
            near, far = first, first + 1
            near2, far2 = _box2(px, py, pz, boxes, near), _box2(px, py, pz, boxes, far)
            if far2 < near2:
                near, far, near2, far2 = far, near, far2, near2
            if far2 < best:
                stack[top], away[top] = far, far2
                top += 1
            if near2 < best:
                stack[top], away[top] = near, near2
                top += 1
    return best, best_s


@inlined
def _apart2(node, boxes, lx, ly, lz, hx, hy, hz, nx, ny, nz, front):  # type: ignore[no-untyped-def]
    """Squared distance that a box of the tree has at least from another one, and from a plane before it."""
    dx = max(boxes[node, 0] - hx, 0.0, lx - boxes[node, 3])
    dy = max(boxes[node, 1] - hy, 0.0, ly - boxes[node, 4])
    dz = max(boxes[node, 2] - hz, 0.0, lz - boxes[node, 5])
    x = boxes[node, 3] if nx > 0.0 else boxes[node, 0]
    y = boxes[node, 4] if ny > 0.0 else boxes[node, 1]
    z = boxes[node, 5] if nz > 0.0 else boxes[node, 2]
    clear = max(front - nx * x - ny * y - nz * z, 0.0)
    return max(dx * dx + dy * dy + dz * dz, clear * clear)


@lean
def nearest_pair(a, tri, boxes, links, bound2, out, tmp, stack, away, towards):  # type: ignore[no-untyped-def]
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
    stack[0], away[0] = 0, 0.0
    while top > 0:
        top -= 1
        if away[top] >= best:
            continue
        node = stack[top]
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
                    d2 = triangle_triangle(a, tri, s, best, out, tmp)
                    if d2 < best:
                        best, best_s = d2, s
                        if best == 0.0:
                            return best, best_s
        else:
            near, far = first, first + 1
            near2 = _apart2(near, boxes, lx, ly, lz, hx, hy, hz, nx, ny, nz, front)
            far2 = _apart2(far, boxes, lx, ly, lz, hx, hy, hz, nx, ny, nz, front)
            if far2 < near2:
                near, far, near2, far2 = far, near, far2, near2
            if far2 < best:
                stack[top], away[top] = far, far2
                top += 1
            if near2 < best:
                stack[top], away[top] = near, near2
                top += 1
    return best, best_s

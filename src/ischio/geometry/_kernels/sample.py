"""Values of a grid between its voxels."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import compiled, inlined


@inlined
def _voxel(back, point):  # type: ignore[no-untyped-def]
    """Where a point lies, in voxels."""
    x, y, z = point[0], point[1], point[2]
    i = back[0, 0] * x + back[0, 1] * y + back[0, 2] * z + back[0, 3]
    j = back[1, 0] * x + back[1, 1] * y + back[1, 2] * z + back[1, 3]
    k = back[2, 0] * x + back[2, 1] * y + back[2, 2] * z + back[2, 3]
    return i, j, k


@inlined
def _is_in(i, j, k, shape):  # type: ignore[no-untyped-def]
    """Whether a place lies in the grid, whose voxels reach half a voxel beyond their middles."""
    return (
        -0.5 <= i <= shape[0] - 0.5 and -0.5 <= j <= shape[1] - 0.5 and -0.5 <= k <= shape[2] - 0.5
    )  # false of NaN


@inlined
def _cell(at, size):  # type: ignore[no-untyped-def]
    """The voxels on both sides of a place and the share of the second one; the outermost ones go on."""
    at = min(max(at, 0.0), size - 1.0)
    low = int(at)
    return low, min(low + 1, size - 1), at - low


@compiled
def nearest(values, back, points, out):  # type: ignore[no-untyped-def]
    """The value of the voxel that each point lies in; NaN outside."""
    for n in range(points.shape[0]):
        i, j, k = _voxel(back, points[n])
        if _is_in(i, j, k, values.shape):
            a = min(max(int(np.floor(i + 0.5)), 0), values.shape[0] - 1)
            b = min(max(int(np.floor(j + 0.5)), 0), values.shape[1] - 1)
            c = min(max(int(np.floor(k + 0.5)), 0), values.shape[2] - 1)
            out[n] = values[a, b, c]
        else:
            out[n] = np.nan


@compiled
def linear(values, back, points, out):  # type: ignore[no-untyped-def]
    """Values between the eight voxels around each point; NaN outside."""
    for n in range(points.shape[0]):
        i, j, k = _voxel(back, points[n])
        if not _is_in(i, j, k, values.shape):
            out[n] = np.nan
            continue
        a, d, u = _cell(i, values.shape[0])
        b, e, v = _cell(j, values.shape[1])
        c, f, w = _cell(k, values.shape[2])
        front = (1.0 - v) * ((1.0 - w) * values[a, b, c] + w * values[a, b, f]) + v * (
            (1.0 - w) * values[a, e, c] + w * values[a, e, f]
        )
        behind = (1.0 - v) * ((1.0 - w) * values[d, b, c] + w * values[d, b, f]) + v * (
            (1.0 - w) * values[d, e, c] + w * values[d, e, f]
        )
        out[n] = (1.0 - u) * front + u * behind


@compiled
def cubic(coefficients, back, points, out, is_beside):  # type: ignore[no-untyped-def]
    """A cubic spline's values by its coefficients; NaN outside. Points beside the grid's end are marked."""
    shape = coefficients.shape
    along = np.empty((3, 4))
    start = np.empty(3, dtype=np.int64)
    for n in range(points.shape[0]):
        place = _voxel(back, points[n])
        is_beside[n] = False
        if not _is_in(place[0], place[1], place[2], shape):
            out[n] = np.nan
            continue
        for axis in range(3):
            low = np.floor(place[axis])
            start[axis] = int(low) - 1
            if start[axis] < 0 or start[axis] + 3 >= shape[axis]:
                is_beside[n] = True
            t = place[axis] - low
            s = 1.0 - t
            along[axis, 0] = s * s * s / 6.0
            along[axis, 1] = (t * t * (t - 2.0) * 3.0 + 4.0) / 6.0
            along[axis, 2] = (s * s * (s - 2.0) * 3.0 + 4.0) / 6.0
            along[axis, 3] = 1.0 - along[axis, 0] - along[axis, 1] - along[axis, 2]
        if is_beside[n]:
            continue
        total = 0.0
        for a in range(4):
            plane = 0.0
            for b in range(4):
                line = 0.0
                for c in range(4):
                    line += along[2, c] * coefficients[start[0] + a, start[1] + b, start[2] + c]
                plane += along[1, b] * line
            total += along[0, a] * plane
        out[n] = total


@compiled
def divided(values, parts, out):  # type: ignore[no-untyped-def]
    """Every voxel's sides cut into so many parts, with values between those of the voxels."""
    n_k, n = values.shape[2], parts[2]
    share = np.arange(n) / n
    for i in range(out.shape[0]):
        a, d, u = _cell(i / parts[0], values.shape[0])
        for j in range(out.shape[1]):
            b, e, v = _cell(j / parts[1], values.shape[1])
            ab, ae, db, de = (1.0 - u) * (1.0 - v), (1.0 - u) * v, u * (1.0 - v), u * v
            here = 0.0
            for c in range(n_k):
                ahead = (
                    ab * values[a, b, c] + ae * values[a, e, c] + db * values[d, b, c] + de * values[d, e, c]
                )
                if c:
                    for k in range(n):
                        out[i, j, (c - 1) * n + k] = (1.0 - share[k]) * here + share[k] * ahead
                here = ahead
            out[i, j, out.shape[2] - 1] = here

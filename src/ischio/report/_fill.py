"""Compiled loops that fill triangles: at each pixel centre the nearest depth, or the sum of depths."""

from __future__ import annotations

from typing import Any

import numpy as np

from ischio.geometry._kernels.compile import compiled


@compiled
def rows_of(corners: Any, height: int) -> Any:
    """First and last row whose pixel centres a triangle can cover; first > last where there is none."""
    low = min(corners[0, 1], corners[1, 1], corners[2, 1])
    high = max(corners[0, 1], corners[1, 1], corners[2, 1])
    return max(int(np.ceil(max(low - 0.5, -1.0))), 0), min(
        int(np.floor(min(high - 0.5, height + 0.0))), height - 1
    )


@compiled
def edges_of(corners: Any, edge: Any) -> float:
    """Fill ``edge`` (3, 3): inside, a x + b y + c has the sign of twice the area, which is returned.

    Row k belongs to the edge from corner k + 1 to k + 2. Neighbours compute the same numbers for their common
    edge, but for the sign, so no crack can open between them.
    """
    for k in range(3):
        x1, y1 = corners[(k + 1) % 3, 0], corners[(k + 1) % 3, 1]
        x2, y2 = corners[(k + 2) % 3, 0], corners[(k + 2) % 3, 1]
        edge[k, 0], edge[k, 1], edge[k, 2] = y1 - y2, x2 - x1, x1 * y2 - x2 * y1
    return float(edge[0, 2] + edge[1, 2] + edge[2, 2])


@compiled
def run_of(edge: Any, sign: float, y: float, width: int) -> Any:
    """First and last column of pixel centres inside, in the row whose middle is at ``y``."""
    left, right = -1.0, width + 1.0
    for k in range(3):
        rest = edge[k, 1] * y + edge[k, 2]
        lean = edge[k, 0] * sign
        if lean == 0.0:
            if rest * sign < 0.0:
                right = -1.0
            continue
        crossing = min(max(-rest / edge[k, 0], -1.0), width + 1.0)
        if lean > 0.0:
            left = max(left, crossing)
        else:
            right = min(right, crossing)
    return max(int(np.ceil(left - 0.5)), 0), min(int(np.floor(right - 0.5)), width - 1)


@compiled
def plane_of(corners: Any, edge: Any, area: float, plane: Any) -> None:
    """Fill ``plane`` (5,): depth at the origin, its growth to the right and down, its least and greatest.

    Slivers have wild slopes; depth stays within the corners.
    """
    for i in range(3):
        total = 0.0
        for k in range(3):
            total += edge[k, (i + 2) % 3] * corners[k, 2]
        plane[i] = total / area
    plane[3] = min(corners[0, 2], corners[1, 2], corners[2, 2])
    plane[4] = max(corners[0, 2], corners[1, 2], corners[2, 2])


@compiled
def fill_nearest(corners: Any, face: Any, depth: Any) -> None:
    """Write the nearest triangle and its depth into ``face`` and ``depth`` (height, width).

    Of equal depths the first triangle stays.
    """
    height, width = face.shape
    edge, plane = np.empty((3, 3)), np.empty(5)
    for f in range(len(corners)):
        first, last = rows_of(corners[f], height)
        if first > last:
            continue
        area = edges_of(corners[f], edge)
        if area == 0.0:
            continue
        plane_of(corners[f], edge, area, plane)
        for row in range(first, last + 1):
            begin, end = run_of(edge, np.sign(area), row + 0.5, width)
            for column in range(begin, end + 1):
                here = plane[0] + plane[2] * (row + 0.5) + plane[1] * (column + 0.5)
                here = min(max(here, plane[3]), plane[4])
                if here > depth[row, column]:
                    depth[row, column] = here
                    face[row, column] = f


@compiled
def fill_through(corners: Any, total: Any) -> None:
    """Add depths of triangles that face the viewer to ``total`` (height, width), take others' off."""
    height, width = total.shape
    edge, plane = np.empty((3, 3)), np.empty(5)
    for f in range(len(corners)):
        first, last = rows_of(corners[f], height)
        if first > last:
            continue
        area = edges_of(corners[f], edge)
        if area == 0.0:
            continue
        plane_of(corners[f], edge, area, plane)
        for row in range(first, last + 1):
            begin, end = run_of(edge, np.sign(area), row + 0.5, width)
            for column in range(begin, end + 1):
                here = plane[0] + plane[2] * (row + 0.5) + plane[1] * (column + 0.5)
                # Rows run downwards, so a triangle that faces the viewer has a negative area.
                total[row, column] -= np.sign(area) * min(max(here, plane[3]), plane[4])


@compiled
def fill_colours(
    face: Any,
    depth: Any,
    dark: Any,
    scene: Any,
    palette: Any,
    fog: Any,
    paper: Any,
    ink: Any,
    rgb: Any,
    near: Any,
) -> None:
    """Write every pixel's mean colour over the places inside it to ``rgb``, its nearest depth to ``near``.

    ``face``, ``depth`` and ``dark`` are finer than the picture by a whole number. A pixel that shows one
    flat-tinted part at all its places, with no outline, is looked up once, in its middle.
    """
    height, width = rgb.shape[:2]
    n = face.shape[0] // height
    one, mean = np.empty(3), np.empty(3)
    for row in range(height):
        for column in range(width):
            near[row, column] = depth[row * n : row * n + n, column * n : column * n + n].max()
            if is_plain(face, dark, scene, row * n, column * n, n):
                f = face[row * n, column * n]
                colour_of(scene, palette, f, column + 0.5, row + 0.5, one)
                fade(one, depth[row * n, column * n], fog, paper)
                for k in range(3):
                    rgb[row, column, k] = one[k]
                continue
            mean[:] = 0.0
            for i in range(row * n, row * n + n):
                for j in range(column * n, column * n + n):
                    f = face[i, j]
                    if f >= 0:
                        colour_of(scene, palette, f, (j + 0.5) / n, (i + 0.5) / n, one)
                        fade(one, depth[i, j], fog, paper)
                    else:
                        one[:] = paper
                    for k in range(3):
                        mean[k] += one[k] + (ink[k] - one[k]) * dark[i, j]
            for k in range(3):
                rgb[row, column, k] = mean[k] / (n * n)


@compiled
def is_plain(face: Any, dark: Any, scene: Any, row: int, column: int, n: int) -> bool:
    """Whether all places of a pixel show one tint of one part, and no outline."""
    part, tint, mixed = scene[0], scene[1], scene[2]
    first = face[row, column]
    for i in range(row, row + n):
        for j in range(column, column + n):
            f = face[i, j]
            if f < 0 or dark[i, j] > 0 or mixed[f]:
                return False
            if tint[f] != tint[first] or part[f] != part[first]:
                return False
    return True


@compiled
def colour_of(scene: Any, palette: Any, f: int, x_px: float, y_px: float, out: Any) -> None:
    """Colour of a triangle at a place inside it: the tint most present there times its brightness."""
    tint, mixed, light, shares, spread = scene[1], scene[2], scene[3], scene[4], scene[5]
    x, y = x_px - spread[f, 0], y_px - spread[f, 1]
    two = min(max(spread[f, 2] * x + spread[f, 3] * y, 0.0), 1.0)
    three = min(max(spread[f, 4] * x + spread[f, 5] * y, 0.0), 1.0)
    one = 1 - two - three
    lit = one * light[f, 0] + two * light[f, 1] + three * light[f, 2]
    which = tint[f]
    if mixed[f]:
        most = -np.inf
        for k in range(len(palette)):
            share = one * shares[f, 0, k] + two * shares[f, 1, k] + three * shares[f, 2, k]
            if share > most:
                most, which = share, k
    for k in range(3):
        out[k] = palette[which, k] * lit


@compiled
def fade(colour: Any, depth: float, fog: Any, paper: Any) -> None:
    """Move a colour toward the paper, by how far behind it lies."""
    t = min(max((-depth - fog[0]) / (fog[1] - fog[0]), 0.0), 1.0)
    share = fog[2] * t * t * (3 - 2 * t)
    for k in range(3):
        colour[k] += (paper[k] - colour[k]) * share


@compiled
def fill_edges(depth: Any, part: Any, behind: float, low: float, high: float, most: float, dark: Any) -> None:
    """Write how dark an outline is at each place into ``dark``: where depth bends or another part begins.

    ``behind`` stands for the depth of empty paper. Along rows, then along columns; the darker one stays.
    """
    rows, columns = depth.shape
    for i in range(rows):
        for j in range(columns):
            strength = 0.0
            if 0 < i < rows - 1:
                strength = bend_of(
                    depth[i - 1, j],
                    depth[i, j],
                    depth[i + 1, j],
                    part[i, j],
                    part[i - 1, j],
                    behind,
                    low,
                    high,
                )
            if 0 < j < columns - 1:
                other = bend_of(
                    depth[i, j - 1],
                    depth[i, j],
                    depth[i, j + 1],
                    part[i, j],
                    part[i, j - 1],
                    behind,
                    low,
                    high,
                )
                strength = max(strength, other)
            dark[i, j] = most * strength


@compiled
def bend_of(
    before: float, here: float, after: float, own: int, other: int, behind: float, low: float, high: float
) -> float:
    """0 to 1: how much depth bends between three neighbours; 1 where one part follows another."""
    if own != other and own >= 0 and other >= 0:
        return 1.0
    before = behind if before == -np.inf else before
    here = behind if here == -np.inf else here
    after = behind if after == -np.inf else after
    t = min(max((abs(before - 2 * here + after) - low) / (high - low), 0.0), 1.0)
    return float(t * t * (3 - 2 * t))

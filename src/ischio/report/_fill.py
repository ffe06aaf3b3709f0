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
def gather_seen(points: Any, faces: Any, closed: Any, fine: float, corners: Any, which: Any) -> int:
    """Write the corners of triangles that may be seen, and which they are; returns how many.

    Columns and rows are written ``fine`` times as far. The back of a closed surface can't be seen.
    """
    n = 0
    for f in range(len(faces)):
        area = area_of(points, faces, f)
        # Rows run downwards, so a triangle that faces the viewer has a negative area.
        if area < 0.0 or (area > 0.0 and not closed[f]):
            for k in range(3):
                corners[n, k, 0] = points[faces[f, k], 0] * fine
                corners[n, k, 1] = points[faces[f, k], 1] * fine
                corners[n, k, 2] = points[faces[f, k], 2]
            which[n] = f
            n += 1
    return n


@compiled
def area_of(points: Any, faces: Any, f: int) -> float:
    """Twice the area of a projected triangle, px squared; negative where it faces the viewer."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    across = (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1])
    down = (points[b, 1] - points[a, 1]) * (points[c, 0] - points[a, 0])
    return float(across - down)


@compiled
def fill_nearest(corners: Any, face: Any, depth: Any) -> None:
    """Write the nearest triangle and its depth into ``face`` and ``depth`` (height, width).

    Of equal depths the first triangle stays; where there is none, -1 and minus infinity.
    """
    height, width = face.shape
    face[:] = -1
    depth[:] = -np.inf
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
            near[row, column] = nearest_of(depth, row * n, column * n, n)
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
def nearest_of(depth: Any, row: int, column: int, n: int) -> float:
    """The nearest depth of the places inside a pixel."""
    nearest = -np.inf
    for i in range(row, row + n):
        for j in range(column, column + n):
            nearest = max(nearest, depth[i, j])
    return nearest


@compiled
def is_plain(face: Any, dark: Any, scene: Any, row: int, column: int, n: int) -> bool:
    """Whether all places of a pixel show one tint of one part, and no outline."""
    faces, part, tint, mixed = scene[1], scene[2], scene[3], scene[4]
    first = face[row, column]
    for i in range(row, row + n):
        for j in range(column, column + n):
            f = face[i, j]
            if f < 0 or dark[i, j] > 0:
                return False
            if f == first and (i > row or j > column):
                continue
            if mixed[faces[f, 0]] or mixed[faces[f, 1]] or mixed[faces[f, 2]]:
                return False
            if tint[f] != tint[first] or part[f] != part[first]:
                return False
    return True


@compiled
def colour_of(scene: Any, palette: Any, f: int, x_px: float, y_px: float, out: Any) -> None:
    """Colour of a triangle at a place inside it: the tint most present there times its brightness."""
    points, faces, tint, mixed, front, back, shares = (
        scene[0],
        scene[1],
        scene[3],
        scene[4],
        scene[5],
        scene[6],
        scene[7],
    )
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    area = area_of(points, faces, f)
    x, y = x_px - points[a, 0], y_px - points[a, 1]
    two = ((points[c, 1] - points[a, 1]) * x - (points[c, 0] - points[a, 0]) * y) / area
    three = ((points[b, 0] - points[a, 0]) * y - (points[b, 1] - points[a, 1]) * x) / area
    two, three = min(max(two, 0.0), 1.0), min(max(three, 0.0), 1.0)
    one = 1 - two - three
    light = front if area < 0.0 else back
    lit = one * light[a] + two * light[b] + three * light[c]
    which = tint[f]
    if mixed[a] or mixed[b] or mixed[c]:
        most = -np.inf
        for k in range(shares.shape[1]):
            share = one * shares[a, k] + two * shares[b, k] + three * shares[c, k]
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
def fill_edges(
    depth: Any, face: Any, part: Any, paper: float, low: float, high: float, most: float, dark: Any
) -> None:
    """Write how dark an outline is at each place into ``dark``: where depth bends or another part begins.

    Empty paper counts as ``paper`` behind everything. Along rows, then along columns; the darker one stays.
    """
    rows, columns = depth.shape
    behind = 0.0
    for i in range(rows):
        for j in range(columns):
            if depth[i, j] != -np.inf:
                behind = min(behind, depth[i, j])
    behind -= paper
    for i in range(rows):
        for j in range(columns):
            strength = 0.0
            if 0 < i < rows - 1:
                begins = is_other(face[i, j], face[i - 1, j], part)
                strength = bend_of(depth[i - 1, j], depth[i, j], depth[i + 1, j], begins, behind, low, high)
            if 0 < j < columns - 1:
                begins = is_other(face[i, j], face[i, j - 1], part)
                bend = bend_of(depth[i, j - 1], depth[i, j], depth[i, j + 1], begins, behind, low, high)
                strength = max(strength, bend)
            dark[i, j] = most * strength


@compiled
def is_other(one: int, two: int, part: Any) -> bool:
    """Whether two neighbours show faces of two parts."""
    return bool(one != two and one >= 0 and two >= 0 and part[one] != part[two])


@compiled
def bend_of(
    before: float, here: float, after: float, begins: bool, behind: float, low: float, high: float
) -> float:
    """0 to 1: how much depth bends between three neighbours; 1 where another part begins."""
    if begins:
        return 1.0
    if before == here and after == here:  # empty paper
        return 0.0
    before = behind if before == -np.inf else before
    here = behind if here == -np.inf else here
    after = behind if after == -np.inf else after
    t = min(max((abs(before - 2 * here + after) - low) / (high - low), 0.0), 1.0)
    return float(t * t * (3 - 2 * t))


@compiled
def fill_hollows(depth: Any, radii: Any, full: Any, most: float, factor: Any) -> None:
    """Take off ``factor`` what darkens each pixel that lies behind the mean of its surroundings.

    ``depth`` is minus infinity on empty paper. ``radii`` are half the sides of the surroundings in pixels,
    ``full`` how far behind them counts in full.
    """
    rows, columns = depth.shape
    seen, filled = np.zeros((rows, columns)), np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            if depth[i, j] != -np.inf:
                seen[i, j], filled[i, j] = 1.0, depth[i, j]
    half, share, mean = np.empty_like(seen), np.empty_like(seen), np.empty_like(seen)
    for k in range(len(radii)):
        fill_mean_down(seen, radii[k], half)
        fill_mean_along(half, radii[k], share)
        fill_mean_down(filled, radii[k], half)
        fill_mean_along(half, radii[k], mean)
        for i in range(rows):
            for j in range(columns):
                if seen[i, j] > 0.0:
                    behind = mean[i, j] / share[i, j] - depth[i, j]
                    factor[i, j] -= most * min(max(behind / full[k], 0.0), 1.0)


@compiled
def fill_mean_down(values: Any, radius: int, out: Any) -> None:
    """Mean of 2 * radius + 1 pixels above and below each one, the picture's edge repeated."""
    rows, columns = values.shape
    total = (radius + 1) * values[0]
    for i in range(1, radius + 1):
        total += values[min(i, rows - 1)]
    for i in range(rows):
        above, below = max(i - radius, 0), min(i + radius + 1, rows - 1)
        for j in range(columns):
            out[i, j] = total[j] / (2 * radius + 1)
            total[j] += values[below, j] - values[above, j]


@compiled
def fill_mean_along(values: Any, radius: int, out: Any) -> None:
    """Mean of 2 * radius + 1 pixels to the left and right of each one, the picture's edge repeated."""
    rows, columns = values.shape
    for i in range(rows):
        total = (radius + 1) * values[i, 0]
        for j in range(1, radius + 1):
            total += values[i, min(j, columns - 1)]
        for j in range(columns):
            out[i, j] = total / (2 * radius + 1)
            total += values[i, min(j + radius + 1, columns - 1)] - values[i, max(j - radius, 0)]


@compiled
def fill_steps(rgb: Any, factor: Any, step: int, out: Any) -> None:
    """Write colours times ``factor`` as bytes, in steps of brightness."""
    for i in range(rgb.shape[0]):
        for j in range(rgb.shape[1]):
            for k in range(3):
                value = step * np.rint(rgb[i, j, k] * factor[i, j] / step)
                out[i, j, k] = np.uint8(min(max(value, 0.0), 255.0))

"""The gap of many poses, which share what they can."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import compiled, lean
from ischio.geometry._kernels.depth import DEPTH_SHARE, deepest, measured_depth
from ischio.geometry._kernels.lists import list_bunches, shared_list
from ischio.geometry._kernels.parts import bunches_of, list_for, room_for, turned
from ischio.geometry._kernels.search import search, search_all, tolerance_of, warm_gap

FEW = 8  # poses that share no list: it would cost more than it saves


@lean
def _keep_mate(m, t, work, mate):  # type: ignore[no-untyped-def]
    """Keep the nearest pair just found as two points, the moving one in its own frame."""
    out = work.out
    x, y, z = out[0] - t[0], out[1] - t[1], out[2] - t[2]
    for k in range(3):
        mate[k] = m[0, k] * x + m[1, k] * y + m[2, k] * z
        mate[3 + k] = out[3 + k]
    mate[6], mate[7] = work.pair[0], work.pair[1]


@lean
def _offer(m, t, gap, mate, work):  # type: ignore[no-untyped-def]
    """The gap, or the distance of two points that were kept, where that is smaller."""
    x, y, z = turned(m, t, mate[0], mate[1], mate[2])
    dx, dy, dz = x - mate[3], y - mate[4], z - mate[5]
    d2 = dx * dx + dy * dy + dz * dz
    if d2 >= gap * gap:
        return gap
    out = work.out
    out[0], out[1], out[2], out[3], out[4], out[5] = x, y, z, mate[3], mate[4], mate[5]
    work.pair[0], work.pair[1] = int(mate[6]), int(mate[7])
    return np.sqrt(d2)


@compiled
def sweep(  # type: ignore[no-untyped-def]
    rows, rotations, offsets, cells, wide_cells, corners, wide_corners, tolerances, slack, thigh, seat, found
):
    """Signed gap of every pose, written to the given ``rows`` of what is found.

    ``cells`` are rows of the poses where cells start, ``wide_cells`` rows of cells where wide cells start,
    and both end with the number of all. ``corners`` and ``wide_corners`` hold, for each of them,
    (rotations, offsets, bulges, turns) of the eight poses that it lies between. Cells of few poses are
    done pose by pose. For the others, a list is made of the triangles that can be nearest in any pose
    between the corners, from a list for the wide cell.
    """
    gaps, on_moving, on_fixed, moving_face, fixed_face, errors = found
    n_points, n_faces, n_bunches = thigh.points.shape[0], thigh.faces.shape[0], thigh.bunches.shape[1]
    n_most = max(n_points, thigh.spheres.shape[0], n_bunches, np.diff(thigh.bunch_spans).max())
    work = room_for(n_points, n_most)
    every, wide, near = (
        list_for(n_points, n_faces),
        list_for(n_points, n_faces),
        list_for(n_points, n_faces),
    )
    all_bunches = bunches_of(thigh.bunches, n_bunches)
    wide_bunches, bunches = bunches_of(thigh.bunches, 0), bunches_of(thigh.bunches, 0)
    wide_mate, mate, out, pair = np.zeros(8), np.zeros(8), work.out, work.pair
    certain, doubt = slack
    stamp = 0
    for w in range(wide_cells.shape[0] - 1):
        wide_listed = False
        list_bunches(wide_corners, w, seat, all_bunches, wide_bunches, work)
        for g in range(wide_cells[w], wide_cells[w + 1]):
            alone = cells[g + 1] - cells[g] < FEW
            listed = False
            inside = wide_bunches
            if wide_bunches.counts[0] > 0 and not alone:
                list_bunches(corners, g, seat, wide_bunches, bunches, work)
                inside = bunches
            for q in range(cells[g], cells[g + 1]):
                m, t, p = rotations[q], offsets[q], rows[q]
                depth, row = -1.0, -1
                if inside.counts[0] > 0:
                    depth, row = deepest(m, t, thigh, seat, inside, work)
                gap = 0.0
                if depth > certain:
                    pass  # no need to look for the place where the surfaces cross
                elif alone:
                    gap, stamp = search_all(m, t, tolerances, thigh, seat, near, stamp, work)
                else:
                    if not wide_listed:
                        n = (cells[wide_cells[w]] + cells[wide_cells[w + 1]]) // 2
                        mq, tq = rotations[n], offsets[n]
                        _, stamp = search_all(mq, tq, tolerances, thigh, seat, near, stamp, work)
                        _keep_mate(mq, tq, work, wide_mate)
                        every.counts[:] = 0
                        stamp = shared_list(
                            wide_corners, w, wide_mate, tolerances, thigh, seat, every, wide, stamp, work
                        )
                        wide_listed = True
                    if not listed:
                        n = (cells[g] + cells[g + 1]) // 2
                        mq, tq = rotations[n], offsets[n]
                        gap = _offer(mq, tq, warm_gap(mq, tq, thigh, seat, work), wide_mate, work)
                        if gap > 0.0:
                            search(mq, tq, gap, False, wide, tolerances, thigh, seat, work)
                        _keep_mate(mq, tq, work, mate)
                        stamp = shared_list(
                            corners, g, mate, tolerances, thigh, seat, wide, near, stamp, work
                        )
                        listed = True
                    gap = warm_gap(m, t, thigh, seat, work)
                    gap = _offer(m, t, _offer(m, t, gap, mate, work), wide_mate, work)
                    if gap > 0.0:
                        gap = search(m, t, gap, False, near, tolerances, thigh, seat, work)
                error = doubt if gap == 0.0 else tolerance_of(gap, tolerances)
                face = pair[0]
                if gap == 0.0 and depth >= 0.0:
                    x, y, z = out[3], out[4], out[5]
                    exact, s = measured_depth(m, t, thigh, seat, row, work)
                    gap, error = -exact, doubt + DEPTH_SHARE * exact
                    on_fixed[p, 0], on_fixed[p, 1], on_fixed[p, 2] = out[3], out[4], out[5]
                    face, fixed_face[p] = thigh.sample_faces[row], s
                    if depth > certain:
                        pair[0], pair[1] = face, s
                    else:  # the pair where the surfaces cross is the better one to start from
                        out[3], out[4], out[5] = x, y, z
                else:
                    on_fixed[p, 0], on_fixed[p, 1], on_fixed[p, 2] = out[3], out[4], out[5]
                    fixed_face[p] = pair[1]
                on_moving[p, 0], on_moving[p, 1], on_moving[p, 2] = out[0], out[1], out[2]
                gaps[p], errors[p], moving_face[p] = gap, error, face

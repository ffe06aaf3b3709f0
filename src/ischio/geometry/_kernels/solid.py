"""Which cells of a grid lie inside a closed surface: crossings of the surface along the lines of the grid."""

from __future__ import annotations

import numpy as np

from ischio.geometry._kernels.compile import compiled

_OFF = 1.37e-6  # of a cell: no line runs exactly through an edge that two triangles share


@compiled
def toggle(corners, faces, cells):  # type: ignore[no-untyped-def]
    """Flip the cell above each crossing of a line along the last axis; corners are in cells."""
    n_i, n_j, n_k = cells.shape
    for f in range(faces.shape[0]):
        a0, a1, a2 = corners[faces[f, 0], 0], corners[faces[f, 0], 1], corners[faces[f, 0], 2]
        b0, b1, b2 = corners[faces[f, 1], 0], corners[faces[f, 1], 1], corners[faces[f, 1], 2]
        c0, c1, c2 = corners[faces[f, 2], 0], corners[faces[f, 2], 1], corners[faces[f, 2], 2]
        area = (b0 - a0) * (c1 - a1) - (b1 - a1) * (c0 - a0)
        if area == 0.0:
            continue
        i_low = max(int(np.ceil(min(a0, b0, c0) - _OFF)), 0)
        i_high = min(int(np.floor(max(a0, b0, c0) - _OFF)), n_i - 1)
        j_low = max(int(np.ceil(min(a1, b1, c1) - 2 * _OFF)), 0)
        j_high = min(int(np.floor(max(a1, b1, c1) - 2 * _OFF)), n_j - 1)
        for i in range(i_low, i_high + 1):
            x = i + _OFF
            for j in range(j_low, j_high + 1):
                y = j + 2 * _OFF
                u = ((x - a0) * (c1 - a1) - (y - a1) * (c0 - a0)) / area
                v = ((b0 - a0) * (y - a1) - (b1 - a1) * (x - a0)) / area
                if u < 0.0 or v < 0.0 or u + v > 1.0:
                    continue
                k = int(np.ceil(a2 + u * (b2 - a2) + v * (c2 - a2)))
                if k < n_k:
                    cells[i, j, max(k, 0)] ^= True

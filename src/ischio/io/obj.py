"""OBJ surfaces: vertices and polygons; groups are joined, all else is left out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ischio.io._mesh import Mesh, blocks, check_count, finished, numbers, refused, triangles, whole

_AFTER_SLASH = re.compile(rb"/\S*")  # numbers of texture and normal


def read_obj(path: Path) -> Mesh:
    """Read an OBJ surface.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Mesh
        Polygons are cut into triangles.

    Raises
    ------
    InputError
        If there are no faces, too many, or a line is not what it should be.

    Notes
    -----
    The format does not say how long a file is: one that was cut between two lines is seen only when a
    face lacks its vertices.
    """
    n_faces = 0
    for block in blocks(path):
        n_faces += sum((b"\n" + block).count(word) for word in (b"\nf ", b"\nf\t"))
        check_count(path, n_faces)
    vertices, counts, corners = [np.empty((0, 3))], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    n_before = 0
    for block in blocks(path):
        points: list[bytes] = []
        polygons: list[bytes] = []
        seen: list[int] = []  # vertices before each face: a negative number counts back from there
        for line in block.replace(b"\\\n", b" ").splitlines():
            word, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
            if word == b"v":
                points.append(b" ".join(rest.split()[:3]))  # a weight or a colour may follow
            elif word == b"f":
                polygons.append(_AFTER_SLASH.sub(b"", rest))
                seen.append(n_before + len(points))
        values = numbers(b" ".join(points), path)
        if len(values) != 3 * len(points):
            raise refused(path, "vertices with fewer than three numbers", "'v x y z'")
        vertices.append(values.reshape(-1, 3))
        n_before += len(points)
        each = np.array([len(polygon.split()) for polygon in polygons], dtype=np.int64)
        used = whole(numbers(b" ".join(polygons), path), path)
        corners.append(np.where(used < 0, used + np.repeat(np.array(seen, dtype=np.int64), each), used - 1))
        counts.append(each)
    faces, repairs = triangles(path, np.concatenate(counts), np.concatenate(corners))
    return finished(path, np.concatenate(vertices), faces, repairs)

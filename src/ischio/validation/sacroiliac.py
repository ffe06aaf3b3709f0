"""Whether the cut between sacrum and hip bones in a CT lies in the dark sheet of their joint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ischio.bones.refine import normals_of, sampled
from ischio.types import Bone, Volume
from ischio.validation.rows import Row, compared

FACING = -0.5  # cosine between normals: what faces less is the joint's rim
WIDEST_MM = 5.0  # between surfaces that face each other
WALL_MM = 3.0  # as deep in each bone its cortex is looked for
CLEAR_HU = 50.0  # so much darker than both cortices; noise is 20 to 30
_STEP_MM = 0.25
_N_POINTS = 20_000  # of a surface
_FEWEST = 100  # points that make a joint
# In a CT with voxels of 1 mm two joints that look right have 0.95 and 0.96; of two cut wrongly one all along
# its lower half has 0.57 and one in a patch 0.87.
LEAST_SHARE = 0.9
WIDEST_VOXEL_MM = 1.5  # wider ones show little of a joint of 2 to 3 mm: with 3 mm the share is 0.3 to 0.4

NOTE = (
    f"what lies between both bones is {CLEAR_HU:g} HU darker than both their cortices; "
    "edges beside another bone are judged in no other row"
)
_COARSE = f"voxels wider than {WIDEST_VOXEL_MM:g} mm: not judged"


def dark_share(first: Bone, other: Bone, scan: Volume) -> float | None:
    """Share of a joint's surface over which what lies between two bones is darker than both their cortices.

    Parameters
    ----------
    first, other : Bone
        Not cut out of each other: the surfaces may touch.
    scan : Volume
        In HU.

    Returns
    -------
    float or None
        None where fewer than 100 points of the first bone face the other within 5 mm.

    Notes
    -----
    Where one bone holds the other's cortex, their surfaces meet behind it, in marrow: there is a cortex on
    one side only. A joint grown together has no dark sheet.
    """
    from scipy.spatial import cKDTree

    some = np.random.default_rng(0).permutation(len(first.vertices_mm))[:_N_POINTS]
    points, normals = first.vertices_mm[some], normals_of(first.vertices_mm, first.faces)[some]
    away, nearest = cKDTree(other.vertices_mm).query(points, distance_upper_bound=WIDEST_MM)
    found = np.flatnonzero(np.isfinite(away))
    points, normals, nearest, away = points[found], normals[found], nearest[found], away[found]
    theirs = normals_of(other.vertices_mm, other.faces)[nearest]
    faces = np.einsum("ij,ij->i", normals, theirs) < FACING
    middle = 0.5 * (points + other.vertices_mm[nearest])
    across = normals - theirs
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    reach = WIDEST_MM / 2 + WALL_MM
    at = np.arange(-reach, reach + _STEP_MM / 2, _STEP_MM)
    hu = sampled(scan, middle[:, None] + at[None, :, None] * across[:, None], order=1)
    use = faces & np.isfinite(hu).all(axis=1)
    if use.sum() < _FEWEST:
        return None
    hu, half = hu[use], 0.5 * away[use, None]
    between = np.where(np.abs(at) <= half + _STEP_MM, hu, np.inf).min(axis=1)
    walls = [
        np.where((side * at > half) & (side * at <= half + WALL_MM), hu, -np.inf).max(axis=1)
        for side in (-1.0, 1.0)
    ]
    return float((np.minimum(*walls) - between > CLEAR_HU).mean())


def sacroiliac_rows(name: str, scan: Volume, bones: Sequence[Bone]) -> list[Row]:
    """Rows for how much of each sacroiliac joint is cut in its dark sheet; coarse scans are not judged.

    Parameters
    ----------
    name : str
        Of the scan.
    scan : Volume
        In HU.
    bones : sequence of Bone

    Returns
    -------
    list of Row
        A joint that is not in view has none.
    """
    is_fine = np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0).max() <= WIDEST_VOXEL_MM
    rows = []
    for sacrum in (bone for bone in bones if bone.name == "sacrum"):
        for hip_bone in (bone for bone in bones if bone.name == "hip_bone" and bone.side is not None):
            share = dark_share(sacrum, hip_bone, scan)
            if share is not None:
                words = f"{hip_bone.label.split()[0]} sacroiliac joint: share cut where it is dark"
                row = compared(words, 1.0, share, 1.0 - LEAST_SHARE, "1", f"CT of {name}", NOTE)
                rows.append(row if is_fine else replace(row, verdict="shown", note=f"{NOTE}; {_COARSE}"))
    return rows

"""What stands on bone in excluded voxels, or beside them: voided, or in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.bones.exclude import Excluded, marked_at
from ischio.bones.quality import STREAK_SIGMA_MM, QualityFinding
from ischio.types import Bone, Measurement, Pelvis

KIND = "excluded"
NEAR_MM = 3.0  # of excluded voxels: a surface's normals and smoothing reach as far
_BONE_MM = 8.0  # of bone: farther voxels touch nothing
_MOST_POINTS = 40_000


def excluded_findings(bones: Sequence[Bone], pelvis: Pelvis, given: Excluded) -> tuple[QualityFinding, ...]:
    """Findings on bones and landmarks in excluded voxels.

    Parameters
    ----------
    bones : sequence of Bone
    pelvis : Pelvis
    given : Excluded

    Returns
    -------
    tuple of QualityFinding
        For each bone with some of its surface there: landmarks within 3 mm are voided, what else stands on
        regions within 3 mm is in doubt.
    """
    voxels = excluded_points(given)
    if not len(voxels):
        return ()
    found = []
    for bone in bones:
        away = cKDTree(bone.vertices_mm).query(voxels, distance_upper_bound=_BONE_MM)[0]
        if float(away.min()) > NEAR_MM:
            continue
        near = voxels[np.isfinite(away)]
        share = float(marked_at(given.mask, bone.vertices_mm).mean())
        much = f"{100 * share:.1f} %" if share >= 0.001 else "less than 0.1 %"
        words = f"{much} of the surface lies in excluded voxels; it does not follow the scan there"
        if share == 0:
            words = f"excluded voxels lie within {NEAR_MM:g} mm of the surface"
        found.append(
            QualityFinding(
                KIND,
                bone.label,
                bone.side,
                "doubt",
                f"{bone.label.replace('_', ' ')}: {words}",
                share,
                "1",
                "bone away from excluded voxels",
                (),
                STREAK_SIGMA_MM,
                near[:: max(1, len(near) // _MOST_POINTS)],
                NEAR_MM,
            )
        )
    tree = cKDTree(voxels)
    for hip in pelvis.hips:
        names = tuple(name for name, mark in hip.landmarks.items() if tree.query(mark.point_mm)[0] <= NEAR_MM)
        if names:
            listed = ", ".join(name.replace("_", " ") for name in names)
            words = f"{hip.side.value} hip: {listed} within {NEAR_MM:g} mm of excluded voxels"
            limit = f"more than {NEAR_MM:g} mm away"
            where = f"{hip.side.value} hip"
            found.append(QualityFinding(KIND, where, hip.side, "void", words, None, "mm", limit, names))
    return tuple(found)


def excluded_points(given: Excluded) -> Array:
    """Centres of the excluded voxels that have a neighbour that is not, mm."""
    from scipy.ndimage import binary_erosion

    mask = given.mask.values != 0
    index = np.argwhere(mask & ~binary_erosion(mask))
    affine = given.mask.patient_from_voxel
    out: Array = index @ affine[:3, :3].T + affine[:3, 3]
    return out


def without_excluded(rows: Sequence[Measurement], given: Excluded) -> tuple[Measurement, ...]:
    """Void every measurement one of whose points lies in or beside excluded voxels.

    Parameters
    ----------
    rows : sequence of Measurement
    given : Excluded

    Returns
    -------
    tuple of Measurement
    """
    voxels = excluded_points(given)
    if not len(voxels):
        return tuple(rows)
    tree = cKDTree(voxels)
    out = []
    for row in rows:
        if row.value is None or row.points_mm is None:
            out.append(row)
            continue
        away = np.where(marked_at(given.mask, row.points_mm), 0.0, tree.query(row.points_mm)[0])
        if away.min() > NEAR_MM:
            out.append(row)
            continue
        where = "in" if away.min() == 0.0 else f"{away.min():.1f} mm from"
        reason = f"quality control: measured to a point {where} excluded voxels"
        out.append(replace(row, value=None, sigma=None, posture=None, points_mm=None, reason=reason))
    return tuple(out)

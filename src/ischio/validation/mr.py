"""Bones laid by a few points in MR that was made from surfaces, against these surfaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ischio._check import Array
from ischio.bones.fit_points import fit_bones
from ischio.geometry.sampling import face_normals
from ischio.io.markups import MarkedPoint, SurfacePoint
from ischio.landmarks import find_pelvis
from ischio.study import Settings, analyse
from ischio.types import Bone, Hip, Side, Volume
from ischio.validation.made_mr import T1, WATER, Contrast, made_mr
from ischio.validation.rows import Row, compared
from ischio.validation.segmentation import field_of_view

Progress = Callable[[str, float], None]

NAMED: Mapping[str, tuple[str, ...]] = {
    "femur": (
        *("femoral_head_centre", "lesser_trochanter_tip", "greater_trochanter_superior"),
        "intertrochanteric_crest_posterior",
    ),
    "hip_bone": (*("acetabular_centre", "ischial_spine", "ischial_tuberosity_inferior", "pubic_tubercle"),),
}
READING_MM = 3.0  # 3-D standard deviation of named points
TOUCHING_MM = 1.0  # of points on a surface, along each axis
N_SURFACE = {"femur": 3, "hip_bone": 6}
NEAR_MM = 30.0  # of the lesser trochanter's tip, or of the tuberosity's outer side
GAP_MM = 4.0  # what the gap may be off: about one sigma as it is stated, of two surfaces
SURFACE_SLICES = 0.5  # median distance near the gap, of the slices' thickness
_SCANS: Mapping[str, tuple[Contrast, tuple[float, float, float]]] = {
    "T1": (T1, (1.0, 1.0, 4.0)),
    "water image": (WATER, (1.5, 1.5, 5.0)),
}
_GAP = "ischiofemoral_space_3d"
_N_SAMPLES = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A hip, its landmarks and its gap.

    Parameters
    ----------
    bones : tuple of Bone
    hip : Hip
    gap_mm : float
    """

    bones: tuple[Bone, ...]
    hip: Hip
    gap_mm: float


def truth_of(bones: Sequence[Bone], side: Side) -> Truth:
    """Landmarks and gap of a person's own bones.

    Parameters
    ----------
    bones : sequence of Bone
    side : Side

    Returns
    -------
    Truth
    """
    own = tuple(one for one in bones if one.side is side and one.name in NAMED)
    pelvis, _ = find_pelvis(
        own, axes="LPS", sides=(side,), posture="as_supplied", progress=lambda _words, _fraction: None
    )
    gap = _gap(own, side)
    assert gap is not None  # whole bones have one
    return Truth(own, next(one for one in pelvis.hips if one.side is side), gap[0])


def made_points(
    truth: Truth, scan: Volume, n_surface: Mapping[str, int], rng: np.random.Generator
) -> tuple[list[MarkedPoint], list[SurfacePoint]]:
    """What a reader would mark who errs.

    Parameters
    ----------
    truth : Truth
    scan : Volume
        Points outside of it are not marked.
    n_surface : mapping of str to int
        Points on each bone's surface, near the gap.
    rng : numpy.random.Generator

    Returns
    -------
    marked : list of MarkedPoint
    surface : list of SurfacePoint
    """
    side, named, touched = truth.hip.side, [], []
    for bone in truth.bones:
        for name in NAMED[bone.name]:
            if name in truth.hip.landmarks:
                at = truth.hip.point(name) + rng.normal(scale=READING_MM / np.sqrt(3), size=3)
                if _is_in(scan, at[None])[0]:
                    named.append(MarkedPoint(name, side, at, "made"))
        there = _samples(bone, rng)
        near = there[(np.linalg.norm(there - _middle(truth, bone), axis=1) < NEAR_MM) & _is_in(scan, there)]
        for n in range(n_surface.get(bone.name, 0)):
            at = near[rng.integers(len(near))] + rng.normal(scale=TOUCHING_MM, size=3)
            touched.append(SurfacePoint(bone.name, side, at, f"{bone.name} surface {n + 1}"))
    return named, touched


def made_rows(who: str, bones: Sequence[Bone], side: Side, progress: Progress) -> list[Row]:
    """Rows for a T1 and a water image made of a person's hip: surfaces near the gap, and the gap.

    Parameters
    ----------
    who : str
    bones : sequence of Bone
    side : Side
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    list of Row
    """
    truth, rows = truth_of(bones, side), []
    for k, (kind, (contrast, voxel_mm)) in enumerate(_SCANS.items()):
        progress(f"MR made of {who}, {kind}", k / len(_SCANS))
        scan = made_mr(truth.bones, field_of_view(truth.bones, (side,)), contrast=contrast, voxel_mm=voxel_mm)
        named, touched = made_points(truth, scan, N_SURFACE, np.random.default_rng(k))
        found, _ = fit_bones(named, scan, surface=touched)
        size = " x ".join(f"{mm:g}" for mm in voxel_mm)
        source = f"{kind} made of {who}, {size} mm; {len(named)} named points 3 mm off, {len(touched)} more"
        for bone in truth.bones:
            own = next((one for one in found if one.name == bone.name), None)
            off = np.inf if own is None else float(np.median(distances_mm(own, bone, _middle(truth, bone))))
            words = f"{bone.label.replace('_', ' ')}: median distance near the gap"
            rows.append(compared(words, 0.0, off, SURFACE_SLICES * max(voxel_mm), "mm", source))
        gap = _gap(found, side)
        value, sigma = (np.inf, np.inf) if gap is None else gap
        note = f"stated sigma {sigma:.1f} mm"
        rows.append(compared(f"{_GAP}, {side.value}", truth.gap_mm, value, GAP_MM, "mm", source, note))
    return rows


def distances_mm(own: Bone, truth: Bone, near_mm: Array, *, radius_mm: float = NEAR_MM) -> Array:
    """Distances of a laid surface from the true one, near a place.

    Parameters
    ----------
    own, truth : Bone
    near_mm : array of shape (3,), mm
    radius_mm : float

    Returns
    -------
    array of shape (N,), mm
        Of places spread evenly over the laid surface; within 0.3 mm for the samples of the true one.
    """
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    there = _samples(own, rng)
    there = there[np.linalg.norm(there - near_mm, axis=1) < radius_mm]
    out: Array = cKDTree(_samples(truth, rng)).query(there)[0]
    return out


def _middle(truth: Truth, bone: Bone) -> Array:
    """Where a bone faces the gap."""
    name = "lesser_trochanter_tip" if bone.name == "femur" else "ischial_tuberosity_lateral"
    return truth.hip.point(name)


def _gap(bones: Sequence[Bone], side: Side) -> tuple[float, float] | None:
    """The gap and its sigma."""
    study = analyse(tuple(bones), Settings(case_id="made", sides=(side,)))
    for row in study.measurements:
        if row.name == _GAP and row.side is side and row.value is not None and row.sigma is not None:
            return row.value, row.sigma
    return None


def _samples(bone: Bone, rng: np.random.Generator) -> Array:
    """Places spread evenly over a surface."""
    triangles = bone.triangles_mm
    areas = face_normals(triangles)[1]
    which = rng.choice(len(triangles), _N_SAMPLES, p=areas / areas.sum())
    a, b = rng.random((2, _N_SAMPLES, 1))
    a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
    one, two, three = triangles[which].transpose(1, 0, 2)
    out: Array = one + a * (two - one) + b * (three - one)
    return out


def _is_in(scan: Volume, points_mm: Array) -> Array:
    """Whether places lie in a scan."""
    back = np.linalg.inv(scan.patient_from_voxel)
    voxels = points_mm @ back[:3, :3].T + back[:3, 3]
    out: Array = ((voxels >= 0) & (voxels <= np.array(scan.values.shape) - 1.0)).all(axis=1)
    return out

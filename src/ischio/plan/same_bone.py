"""Lay a femur of a later scan on the earlier one, by the bone that a resection leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array, InputError, complaint
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.types import Bone

AWAY_MM, REACH_MM = 30.0, 110.0  # from the trochanter's tip: no cut gets there; head and upper shaft do
# Noise of 0.5 mm leaves 0.2 mm; the shape model's other people fit rigidly to 0.8 mm or worse.
RESIDUAL_MM = 0.6
# Of patches of 10 mm, noise gone and the shift that all share (another threshold) taken off: four fifths lie
# nearer. The same femur with noise and another threshold leaves 0.16 mm; the other femur of a person,
# mirrored, leaves twice the limit on its shape though little in all.
UNLIKE_MM = 0.35
_PATCH_MM, _PATCH_POINTS, _PATCHES = 10.0, 4000, 200
_SHARE = 0.8  # nearest share of the points that the residual is of: ends of scans differ
_CAP_MM = 5.0  # no point counts as farther: what is missing on one side does not steer
_WRONG_SIDE = 0.7  # the mirrored bone fits by so much better
_WRONG_SIDE_MM = 0.02  # and by this much at least
_COARSE, _FINE, _OUTSIDE = 250, 800, 1500  # points
_TURNS = 12  # starts round the long axis; each step finds its way from 15 degrees off
_TRIED = 3  # best starts that are followed to the end
_NEIGHBOURS = 16  # faces asked for the nearest point
_ROUNDS = 25
_STEP = 1e-6  # rad and mm


@dataclass(frozen=True, slots=True, eq=False)
class SameBone:
    """A later femur on an earlier one.

    Parameters
    ----------
    bone : Bone
        The later one, in the frame of the earlier one.
    residual_mm : float
        Root mean square distance of the nearest 80 % of points 30 to 110 mm from the trochanter's tip.
    near_fraction : float
        Of those points, how many lie within 1 mm.
    unlike_mm : float
        How far patches of 10 mm stand off what all have in common: the 80th percentile.
    """

    bone: Bone
    residual_mm: float
    near_fraction: float
    unlike_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """A motion from the earlier to the later scan, and how well it does."""

    rotation: Array
    offset: Array
    away_mm: Array
    score_mm: float


def lay(before: Bone, after: Bone, tip_mm: Array) -> SameBone:
    """Lay a later femur on an earlier one.

    Parameters
    ----------
    before, after : Bone
        Of the same femur; each in any frame.
    tip_mm : array of shape (3,), mm
        Of the lesser trochanter, in the frame of ``before``.

    Returns
    -------
    SameBone

    Raises
    ------
    InputError
        If the later bone fits better mirrored (the other side), or not at all (another bone, or the other
        one in a file whose axes mirror it).

    Notes
    -----
    Points of the earlier femur 30 to 110 mm from the tip are brought to the later surface: rough starts round
    the long axis, then exact nearest points with weights that let what does not fit go. Without noise the
    motion is found to 1e-5 mm.
    """
    fit = _fitted(before, after, tip_mm)
    flip = np.diag([-1.0, 1.0, 1.0])
    mirrored = replace(after, vertices_mm=after.vertices_mm @ flip, faces=after.faces[:, ::-1])
    where = "femur after surgery"
    may_be_other = _WRONG_SIDE * fit.score_mm > _WRONG_SIDE_MM
    other = _fitted(before, mirrored, tip_mm) if may_be_other else fit
    if other.score_mm < _WRONG_SIDE * fit.score_mm - _WRONG_SIDE_MM:
        raise InputError(
            complaint(
                where,
                f"a bone that is {fit.score_mm:.1f} mm from the {before.label}, and {other.score_mm:.1f} mm "
                "when it is mirrored",
                f"the {before.label}",
                "Give the femur of the same side, or the other --side; check the file for a mirrored axis.",
            )
        )
    residual = _residual(fit.away_mm)
    if residual > RESIDUAL_MM:
        raise InputError(
            complaint(
                where,
                f"{residual:.1f} mm from the {before.label} away from the trochanter",
                f"at most {RESIDUAL_MM:g} mm: the same bone, its upper 20 cm or more",
                "Check whose bone it is, its side, its unit and where the scan ends.",
            )
        )
    bone = replace(
        after,
        name=before.name,
        side=before.side,
        vertices_mm=(after.vertices_mm - fit.offset) @ fit.rotation,
        frame=before.frame,
    )
    unlike = _unlike(_steady(before, tip_mm), bone)
    if unlike > UNLIKE_MM:
        raise InputError(
            complaint(
                where,
                f"a shape that is {unlike:.1f} mm off the {before.label} in patches all over its upper end",
                f"at most {UNLIKE_MM:g} mm: the same bone, segmented alike",
                "Check whose bone it is, its side, and the file for a mirrored axis.",
            )
        )
    return SameBone(bone, residual, float((fit.away_mm < 1.0).mean()), unlike)


def _steady(before: Bone, tip_mm: Array) -> Array:
    """The bone that no cut gets to."""
    apart = np.linalg.norm(before.triangles_mm.mean(axis=1) - tip_mm, axis=1)
    out: Array = before.triangles_mm[(apart > AWAY_MM) & (apart < REACH_MM)]
    return out


def _unlike(steady_mm: Array, after: Bone) -> float:
    """How far patches of a bone stand off a laid one, noise and their common shift taken off, mm."""
    points, _, _ = sample_surface(steady_mm, _PATCH_POINTS)
    feet, normals = NearFaces(after.triangles_mm).nearest(points)
    near = np.linalg.norm(feet - points, axis=1) < _CAP_MM  # ends of scans differ
    points, off = points[near], np.einsum("ij,ij->i", feet - points, normals)[near]
    middles = points[:: max(len(points) // _PATCHES, 1)]
    patches = cKDTree(points).query_ball_point(middles, _PATCH_MM)
    shifts = np.array([np.median(off[rows]) for rows in patches])
    return float(np.percentile(np.abs(shifts - np.median(shifts)), 100 * _SHARE))


def _residual(away_mm: Array) -> float:
    """Root mean square of the nearest share."""
    near = np.sort(away_mm)[: max(int(_SHARE * len(away_mm)), 1)]
    return float(np.sqrt((near**2).mean()))


def _fitted(before: Bone, after: Bone, tip_mm: Array) -> _Fit:
    """The best motion of the earlier femur onto the later one."""
    steady = _steady(before, tip_mm)
    if len(steady) == 0:
        raise InputError(
            complaint(before.label, "no bone away from the trochanter", "its upper part", "Extend the scan.")
        )
    rough, _, _ = sample_surface(steady, _COARSE)
    points, _, _ = sample_surface(steady, _FINE)
    seen, normals, _ = sample_surface(after.triangles_mm, 20 * _COARSE)
    tree = cKDTree(seen)
    tried = []
    for rotation, offset in _starts(before, after):
        for _ in range(15):
            moved = rough @ rotation.T + offset
            row = tree.query(moved)[1]
            rotation, offset, _ = _step(moved, seen[row], normals[row], rotation, offset, _CAP_MM)
        away = tree.query(rough @ rotation.T + offset)[0]
        tried.append((float(np.minimum(away, _CAP_MM).mean()), rotation, offset))
    tried.sort(key=lambda one: one[0])
    surface = NearFaces(after.triangles_mm)
    earlier = NearFaces(before.triangles_mm)
    return min(
        (_followed(points, surface, earlier, tip_mm, *one[1:]) for one in tried[:_TRIED]),
        key=lambda one: one.score_mm,
    )


class NearFaces:
    """Triangles prepared for nearest points, many at a time.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm

    Notes
    -----
    Sixteen faces whose middles are nearest are asked: on meshes with faces of very unequal size a distance
    can read high.
    """

    def __init__(self, triangles_mm: Array) -> None:
        self.triangles_mm = triangles_mm
        self.normals = face_normals(triangles_mm)[0]
        self._tree = cKDTree(triangles_mm.mean(axis=1))

    def nearest(self, points_mm: Array) -> tuple[Array, Array]:
        """Nearest points, and the normals there."""
        k = min(_NEIGHBOURS, len(self.triangles_mm))
        rows = self._tree.query(points_mm, k)[1].reshape(len(points_mm), k)
        feet = closest_on_triangles(np.repeat(points_mm, k, axis=0), self.triangles_mm[rows.ravel()])
        feet = feet.reshape(len(points_mm), k, 3)
        best = ((feet - points_mm[:, None]) ** 2).sum(axis=2).argmin(axis=1)
        each = np.arange(len(points_mm))
        return feet[each, best], self.normals[rows[each, best]]


def _starts(before: Bone, after: Bone) -> list[tuple[Array, Array]]:
    """Motions to begin from: as the files lie, and all turns that lay the long axes on each other."""
    one, other = (sample_surface(bone.triangles_mm, 1000)[0] for bone in (before, after))
    axes = [np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2] for points in (one, other)]
    axes = [np.vstack([three[:2], np.cross(three[0], three[1])]) for three in axes]
    out = [(np.eye(3), np.zeros(3))]
    for turn, sign in product(np.linspace(0, 2 * np.pi, _TURNS, endpoint=False), (1.0, -1.0)):
        cosine, sine = np.cos(turn), np.sin(turn)
        about = np.array([[sign, 0, 0], [0, cosine, -sine], [0, sign * sine, sign * cosine]])
        rotation = axes[1].T @ about @ axes[0]
        middle = other.mean(axis=0) - rotation @ one.mean(axis=0)
        out.append((rotation, middle))
        for end in (0, 100):  # scans of different length share one end
            along, there = (one @ rotation.T + middle) @ axes[1][0], other @ axes[1][0]
            gap = np.percentile(there, end) - np.percentile(along, end)
            out.append((rotation, middle + gap * axes[1][0]))
    return out


def _step(
    moved: Array, feet: Array, normals: Array, rotation: Array, offset: Array, width_mm: float
) -> tuple[Array, Array, float]:
    """One step of point to plane; what lies farther than the width counts little."""
    away = np.einsum("ij,ij->i", feet - moved, normals)
    weight = 1.0 / (1.0 + (np.linalg.norm(feet - moved, axis=1) / width_mm) ** 2) ** 2
    middle = moved.mean(axis=0)
    columns = np.hstack([np.cross(moved - middle, normals), normals])
    weighted = columns * weight[:, None]
    found = np.linalg.lstsq(columns.T @ weighted, weighted.T @ away, rcond=1e-12)[0]
    angle = float(np.linalg.norm(found[:3]))
    axis = found[:3] / max(angle, 1e-300)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    offset = middle + found[3:] + turn @ (offset - middle)
    return turn @ rotation, offset, float(np.abs(found).max())


def _followed(
    points: Array, after: NearFaces, before: NearFaces, tip_mm: Array, rotation: Array, offset: Array
) -> _Fit:
    """A start followed to its end, and how well it does; bone that stands outside counts at the tip, too."""
    width = _CAP_MM
    for _ in range(_ROUNDS):
        moved = points @ rotation.T + offset
        feet, normals = after.nearest(moved)
        width = max(3 * float(np.median(np.linalg.norm(feet - moved, axis=1))), 0.05)
        rotation, offset, size = _step(moved, feet, normals, rotation, offset, width)
        if size < _STEP:
            break
    moved = points @ rotation.T + offset
    away = np.linalg.norm(after.nearest(moved)[0] - moved, axis=1)
    middles = (after.triangles_mm.mean(axis=1) - offset) @ rotation
    near = np.linalg.norm(middles - tip_mm, axis=1) < AWAY_MM + REACH_MM / 4
    outside = np.zeros(1)
    if near.any():
        back, _, _ = sample_surface(after.triangles_mm[near], _OUTSIDE)
        back = (back - offset) @ rotation
        feet, normals = before.nearest(back)
        proud = np.einsum("ij,ij->i", back - feet, normals) > 0
        outside = np.where(proud, np.linalg.norm(back - feet, axis=1), 0.0)
    score = float(np.minimum(away, _CAP_MM).mean() + np.minimum(outside, _CAP_MM).mean())
    return _Fit(rotation, offset, away, score)

"""Find where hips may lie: the mean bones' surfaces against the edges of bone in the scan, at every place."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import BoneModel, vertex_areas, vertex_normals
from ischio.atlas.parts import part_model, socket
from ischio.bones.segment.grid import coarse
from ischio.types import Side, Volume

CUBE_MM = 5.0
_LOW_HU, _HIGH_HU = 100.0, 500.0  # below: soft tissue; above: all bone alike, and metal no more than bone
THIN_LOW_HU, THIN_HIGH_HU = 60.0, 200.0  # of thin, porous bone: blurred to 5 mm it is little above muscle
_CAP_HU = 75.0  # a step: thick cortex counts no more than an iliac wing
_MISS = 0.12  # of the cap: a surface with no edge counts against a place
_SCALES = (0.9, 1.0, 1.1)
_TILTS_DEG = (-16.0, 0.0, 16.0)  # of a pelvis on a table
_FEMUR_DEG = tuple(product((-5.0, 15.0, 35.0), (-12.0, 6.0), (-30.0, 0.0, 30.0)))
"""Flexion, adduction and external rotation of a femur on a table, against the model's posture."""
_PROXIMAL_MM = 170.0  # of the femur: below, small turns move it too far for a mean
_DISTAL_MM = 160.0  # of a femur whose hip is not in view
_APART_MM = 25.0  # two places nearer than this are one


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A placement of a model: ``patient = scale * model @ rotation.T + offset``."""

    scale: float
    rotation: Array
    offset: Array


@dataclass(frozen=True, slots=True, eq=False)
class HipGuess:
    """A place where a hip may lie; ``score`` orders guesses of one scan."""

    side: Side
    score: float
    hip_bone: Placed
    femur: Placed


class EdgeField:
    """Edges of bone on a coarse grid, ready for many searches."""

    def __init__(self, scan: Volume, *, low_hu: float = _LOW_HU, high_hu: float = _HIGH_HU) -> None:
        from scipy.fft import next_fast_len, rfftn
        from scipy.ndimage import gaussian_filter

        grid = coarse(scan, CUBE_MM, low_hu, high_hu)
        smooth = gaussian_filter(grid.values, 0.6)
        self.origin = grid.patient_from_voxel[:3, 3]
        self.shape = smooth.shape
        self.room = tuple(int(next_fast_len(n + _REACH, real=True)) for n in smooth.shape)
        edges = np.stack(np.gradient(smooth))
        cap_hu = _CAP_HU * (high_hu - low_hu) / (_HIGH_HU - _LOW_HU)
        size = np.linalg.norm(edges, axis=0)
        edges *= -1.0 / np.maximum(size, cap_hu)  # outwards, as a bone's normals
        self._edges = [rfftn(edge, self.room) for edge in edges]
        self._seen = rfftn(np.ones(smooth.shape, dtype=np.float32), self.room)

    def scores(self, points_mm: Array, normals: Array, areas: Array) -> NDArray[np.float32]:
        """Score of a surface for every place of its origin on the grid (and ``_REACH`` around it).

        Parameters
        ----------
        points_mm, normals : arrays of shape (V, 3)
        areas : array of shape (V,)

        Returns
        -------
        array of the shape of ``room``; places before the grid's start stand at its end
        """
        from scipy.fft import irfftn, rfftn

        cells = tuple((np.round(points_mm / CUBE_MM).astype(int) % self.room).T)
        total = np.zeros((), dtype=np.complex64)
        for known, weights in zip(
            (*self._edges, self._seen), (*(normals.T * areas), -_MISS * areas), strict=True
        ):
            template = np.zeros(self.room, dtype=np.float32)
            np.add.at(template, cells, weights.astype(np.float32))
            total = total + known * np.conj(rfftn(template))
        out: NDArray[np.float32] = irfftn(total, self.room)
        return out


_REACH = 50  # cubes: the largest bone's extent


def hip_guesses(
    field: EdgeField, side: Side, n_wanted: int, *, scales: tuple[float, ...] = _SCALES
) -> list[HipGuess]:
    """Places where a hip may lie, best first.

    Parameters
    ----------
    field : EdgeField
    side : Side
    n_wanted : int
    scales : tuple of float
        Sizes that are tried, against the mean adult's.

    Returns
    -------
    list of HipGuess
    """
    hip_bone, femur = part_model("hip_bone", side), part_model("femur", side)
    cup, head = socket(side)
    out: list[HipGuess] = []
    thighs = femur_turns(side)
    for scale in scales:
        of_femur = [field.scores(*_surface(femur, head, turn, scale, _PROXIMAL_MM)) for turn in thighs]
        best_femur = np.max(of_femur, axis=0)
        for tilt in _TILTS_DEG:
            turn = turned_about(0, tilt)
            total = field.scores(*_surface(hip_bone, cup, turn, scale, None)) + best_femur
            for _ in range(n_wanted):
                at = np.unravel_index(int(np.argmax(total)), total.shape)
                thigh = thighs[int(np.argmax([score[at] for score in of_femur]))]
                place = field.origin + CUBE_MM * _signed(np.array(at), field)
                out.append(
                    HipGuess(
                        side,
                        float(total[at]),
                        Placed(scale, turn, place - scale * turn @ cup),
                        Placed(scale, thigh, place - scale * thigh @ head),
                    )
                )
                _forget(total, np.array(at))
    out.sort(key=lambda guess: -guess.score)
    return _distinct(out, cup)[:n_wanted]


def knee_guess(field: EdgeField, side: Side) -> Placed:
    """The best place of a femur of which the knee's end is in view.

    Parameters
    ----------
    field : EdgeField
    side : Side

    Returns
    -------
    Placed
    """
    femur = part_model("femur", side)
    low = femur.mean_mm[:, 2].min()
    near = femur.mean_mm[:, 2] < low + _DISTAL_MM
    centre = femur.mean_mm[near].mean(axis=0)
    best: tuple[float, Placed] | None = None
    for scale, flexion, rotation in product(_SCALES, (-5.0, 15.0), (-25.0, 0.0, 25.0)):
        turn = turned_about(2, -side.sign * rotation) @ turned_about(0, -flexion)
        points, normals, areas = _surface(femur, centre, turn, scale, None)
        score = field.scores(points[near], normals[near], areas[near])
        at = np.array(np.unravel_index(int(np.argmax(score)), score.shape))
        place = field.origin + CUBE_MM * _signed(at, field)
        if best is None or float(score.max()) > best[0]:
            best = float(score.max()), Placed(scale, turn, place - scale * turn @ centre)
    assert best is not None  # the ranges above are not empty
    return best[1]


def femur_turns(side: Side) -> list[Array]:
    """Directions that a femur may have in a scan, as rotations of the model.

    Parameters
    ----------
    side : Side
    """
    return [
        turned_about(2, -side.sign * rotation)
        @ turned_about(1, side.sign * adduction)
        @ turned_about(0, -flexion)
        for flexion, adduction, rotation in _FEMUR_DEG
    ]


def _signed(at: NDArray[np.int64], field: EdgeField) -> NDArray[np.int64]:
    """Cells counted from the grid's start; those at the far end lie before it."""
    size = np.array(field.shape)
    beyond = (at - size) > (np.array(field.room) - size) / 2
    return np.where(beyond, at - np.array(field.room), at)


def _surface(
    model: BoneModel, centre: Array, turn: Array, scale: float, reach_mm: float | None
) -> tuple[Array, Array, Array]:
    """Points about a centre, normals and areas of a model, cut below."""
    points = scale * (model.mean_mm - centre) @ turn.T
    normals, areas = vertex_normals(points, model.faces), vertex_areas(model.mean_mm, model.faces)
    if reach_mm is not None:
        near = model.mean_mm[:, 2] > centre[2] - reach_mm
        points, normals, areas = points[near], normals[near], areas[near]
    return points, normals, areas


def _forget(total: NDArray[np.float32], at: NDArray[np.int64]) -> None:
    """Take a found place and its surroundings out."""
    reach = int(_APART_MM / CUBE_MM)
    steps = np.arange(-reach, reach + 1)
    rows = [(at[k] + steps) % total.shape[k] for k in range(3)]
    total[np.ix_(*rows)] = -np.inf


def _distinct(found: list[HipGuess], cup: Array) -> list[HipGuess]:
    """Only the best of guesses that lie near each other."""
    kept: list[HipGuess] = []
    for guess in found:
        place = _at(guess.hip_bone, cup)
        if all(np.linalg.norm(place - _at(one.hip_bone, cup)) > _APART_MM for one in kept):
            kept.append(guess)
    return kept


def _at(placed: Placed, point: Array) -> Array:
    """A point of the model, placed."""
    out: Array = placed.scale * placed.rotation @ point + placed.offset
    return out


def turned_about(axis: int, angle_deg: float) -> NDArray[np.float64]:
    """Right-handed rotation about one of the patient's axes, shape (3, 3)."""
    angle = np.deg2rad(angle_deg)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out = np.eye(3)
    out[a, a] = out[b, b] = np.cos(angle)
    out[a, b], out[b, a] = -np.sin(angle), np.sin(angle)
    return out

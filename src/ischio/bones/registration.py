"""Where a bone lies in a second scan of one person, found by what is seen at its surface, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ischio._check import Array, InputError, complaint
from ischio.bones.match import MatchLevel, climbed, explained, levels, moved_by, rms
from ischio.bones.profiles import profile_offsets
from ischio.types import Bone, Transform, Volume

REACH_MM = 30.0  # of the search, from the coordinates as they are
_TURNS_DEG = (-20.0, 0.0, 20.0)  # about the long axis
CAPTURE_MM = 5.0  # root of the mean square over the surface, of the starts that must come back
MOST_RESIDUAL_MM = 1.5  # of the profiles' offsets; where bones are misplaced they scatter by 2.5 mm and more
LEAST_SEEN = 0.2  # of the surface in view: chance shows 0.1
MOST_PRECISION_MM = 1.5
LEAST_BACK = 6  # of the starts
# Slices of 3 mm leave several tops within 2 mm of each other along a shaft: those are one place.
_BACK_MM, _SAME_MM = 2.0, 3.0
_GRID_MM, _APART_MM = 8.0, 7.0
_N_COARSE, _N_FINE, _N_STARTS, _N_ROUNDS = 16, 5, 12, 2
_NEARLY = 0.8  # of the score
_LEAST_OVERLAP = 0.4  # of the samples


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How one bone lies in another scan, and whether that may be used.

    Parameters
    ----------
    bone : str
        In words.
    first_from_second : Transform
        Rigid. Not to be used where ``reason`` says why.
    reason : str or None
        Why the result must not be used; None where every check holds.
    moved_mm : float
        How far it moves the bone's surface, root of the mean square.
    residual_mm : float or None
        Scatter of the distances, along the normal, between the moved surface and where the second scan shows
        what the first lets expect, as 1.48 times the median about the middle; None where too little is seen.
    bias_mm : float or None
        Their middle: positive where the second scan shows the bone larger. Chemical shift and blur do this.
    seen : float
        Of the surface in the second scan: where the expected profile is found.
    precision_mm : float
        How far apart two halves of the surface, registered by themselves, put it, halved: as one sigma.
    n_back, n_starts : int
        Starts 5 mm from the result, shifted and turned, and how many of them come back within 2 mm.
    ambiguity_mm : float
        How far the surface moves to other places that fit nearly as well; 0 where there are none.
    explained : float
        Of the second scan's variance near the bone, by depth and the first scan's values.
    shares_frame : bool
        Whether the scanner says that both scans have one frame of reference.
    """

    bone: str
    first_from_second: Transform
    reason: str | None
    moved_mm: float
    residual_mm: float | None
    bias_mm: float | None
    seen: float
    precision_mm: float
    n_back: int
    n_starts: int
    ambiguity_mm: float
    explained: float
    shares_frame: bool


def register_bone(bone: Bone, first: Volume, second: Volume) -> Registration:
    """Find where a bone lies in a second scan of the same person.

    Parameters
    ----------
    bone : Bone
        Its surface in the first scan.
    first, second : Volume
        Any grids and modalities, for example CT and MR; overlaid by physical coordinates, never by index.

    Returns
    -------
    Registration
        With a ``reason`` where starts do not come back, halves of the surface disagree, other places fit as
        well, or the second scan does not show the bone's profile at the surface.

    Raises
    ------
    InputError
        If less than 40 % of the bone's surroundings lies in both scans.

    Notes
    -----
    Samples lie along the surface's normals. Each belongs to a class by its depth and its value in the first
    scan; the move is sought that lets the classes' means explain most of the second scan's variance
    (correlation ratio), from blurred to sharp. No contrast is assumed: cortex may be dark or bright. Searched
    are shifts of up to 30 mm and turns of up to 20 degrees about the bone's long axis, then all six ways.
    Bones move in their joints between scans: register each by itself. About 5 s.
    """
    steps = levels(bone, first, second)
    fine = steps[-1]
    start = np.eye(4)
    if _overlap(fine, start) < _LEAST_OVERLAP:
        raise InputError(
            complaint(
                bone.label.replace("_", " "),
                f"{100 * _overlap(fine, start):.0f} % of its surroundings in both scans",
                f"at least {100 * _LEAST_OVERLAP:.0f} %",
                "Check that the scans share a frame of reference, or register them roughly first.",
            )
        )
    ends, n_back = _searched(steps)
    score, best = ends[0]
    other = [rms(fine, best, end) for value, end in ends[1:] if value > _NEARLY * score]
    halves = [climbed(half, best) for half in fine.halves()]
    precision = rms(fine, *halves) / 2
    residual, bias, seen = profile_offsets(fine, best)
    ambiguity = max(other, default=0.0)
    reason = _reason(n_back, precision, ambiguity, residual, seen)
    known = {first.frame.uid, second.frame.uid}
    matrix: Array = np.linalg.inv(best).astype(np.float64)
    return Registration(
        bone.label,
        Transform(first.frame, second.frame, matrix),
        reason,
        rms(fine, best, start),
        residual,
        bias,
        seen,
        precision,
        n_back,
        _N_STARTS,
        ambiguity,
        explained(fine, best),
        len(known) == 1 and "as_supplied" not in known,
    )


def _reason(
    n_back: int, precision: float, ambiguity: float, residual: float | None, seen: float
) -> str | None:
    """The first check that fails, in words."""
    if n_back < LEAST_BACK:
        return f"only {n_back} of {_N_STARTS} starts near the result come back to it"
    if ambiguity > _SAME_MM:
        return f"another place, {ambiguity:.0f} mm away, fits nearly as well"
    if residual is None or seen < LEAST_SEEN:
        return f"the second scan shows the bone's profile at {100 * seen:.0f} % of its surface only"
    if residual > MOST_RESIDUAL_MM:
        return f"what the second scan shows lies {residual:.1f} mm about the surface"
    if precision > MOST_PRECISION_MM:
        return f"two halves of the surface disagree by {2 * precision:.1f} mm"
    return None


def _overlap(level: MatchLevel, second_from_first: Array) -> float:
    """Share of the samples inside the second scan."""
    return float(level.scan.inside(moved_by(level.at_mm, second_from_first)).mean())


def _score(level: MatchLevel, second_from_first: Array) -> float:
    """What the classes explain, as a logarithm of likelihood per sample: samples outside tell nothing."""
    kept = _overlap(level, second_from_first)
    if kept < _LEAST_OVERLAP:
        return 0.0
    return -kept * float(np.log1p(-np.clip(explained(level, second_from_first), 0.0, 1 - 1e-9)))


def _run(steps: Sequence[MatchLevel], move: Array) -> Array:
    """From blurred to sharp."""
    for level in steps:
        move = climbed(level, move)
    return move


def _searched(steps: Sequence[MatchLevel]) -> tuple[list[tuple[float, Array]], int]:
    """Places that fit, best first, no two of them the same; and how many starts come back to the best.

    Where a start near the best finds a better one, the search goes on from there.
    """
    coarse, fine = steps[0], steps[-1]
    grid = np.arange(-REACH_MM, REACH_MM + 1, _GRID_MM)
    shifts = np.array([(x, y, z) for x in grid for y in grid for z in grid])
    shifts = np.concatenate([np.zeros((1, 3)), shifts[np.linalg.norm(shifts, axis=1) <= REACH_MM]])
    turns = [degrees * coarse.long_axis for degrees in _TURNS_DEG]
    tried = [coarse.move(turn, shift) for turn in turns for shift in shifts]
    ranked = sorted(tried, key=lambda move: -_score(coarse, move))
    starts = [np.eye(4), *_distinct(coarse, ranked, _APART_MM, _N_COARSE)]
    rough = sorted((climbed(coarse, move) for move in starts), key=lambda move: -_score(coarse, move))
    ends = [_run(steps[1:], move) for move in _distinct(coarse, rough, 1.0, _N_FINE)]
    n_back = 0
    for _ in range(_N_ROUNDS):
        best = max(ends, key=lambda move: _score(fine, move))
        near = [_run(steps, move) for move in _starts_near(fine, best)]
        n_back = sum(rms(fine, move, best) <= _BACK_MM for move in near)
        ends += near
        if max(_score(fine, move) for move in near) <= 1.02 * _score(fine, best):
            break
    ends.sort(key=lambda move: -_score(fine, move))
    return [(_score(fine, move), move) for move in _distinct(fine, ends, 0.2, len(ends))], n_back


def _distinct(level: MatchLevel, moves: Sequence[Array], apart_mm: float, n: int) -> list[Array]:
    """The first so many moves that lie apart."""
    kept: list[Array] = []
    for move in moves:
        if len(kept) == n:
            break
        if all(rms(level, move, one) > apart_mm for one in kept):
            kept.append(move)
    return kept


def _starts_near(level: MatchLevel, best: Array, apart_mm: float = CAPTURE_MM) -> list[Array]:
    """Places so far from the best, shifted and turned, the same in every run."""
    rng = np.random.default_rng(7)
    out = []
    for _ in range(_N_STARTS):
        turn, shift = rng.normal(size=(2, 3))
        near = best @ level.move(2.0 * turn, shift)
        for _ in range(3):  # turns are not quite linear
            size = apart_mm / max(rms(level, near, best), 1e-9)
            turn, shift = size * turn, size * shift
            near = best @ level.move(2.0 * turn, shift)
        out.append(near)
    return out

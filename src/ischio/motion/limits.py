"""Limits: where a movement first comes down to a clearance, certified by a bound on the distance.

From one pose to the next no point of the femur moves further than its distance from the head centre
times the angle turned. So between two poses whose gaps are ``g`` and ``h``, a turn of ``t`` apart, the gap is
nowhere below ``(g + h - v t) / 2`` with ``v`` the largest speed of a point. Spans for which this stays
above the clearance are free, certainly; the others are halved again and again, down to 0.01 degree. What is
left is contact, or a graze that comes nearer than the solver can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.motion.joint import joint_of
from ischio.motion.pairs import PAIR_WORDS, PAIRS, Pair, pair_gaps, with_rim_halves
from ischio.types import Hip, PoseSet

Ints = NDArray[np.int64]
ZEROS = ("app", "pca")
LEVELS_MM = (0.0, 5.0, 10.0)
FIRST_STEP_DEG, LAST_STEP_DEG = 1.0, 0.01
GRAZING_MM_PER_DEG = 0.1
_SPEED_SPAN_DEG = 0.5  # over which the closing speed at a limit is taken
_PIECES = 10  # a span that is not settled is cut into as many
_END_EXTENSION_DEG, _END_ROTATION_DEG, _END_ADDUCTION_DEG = 60.0, 90.0, 45.0


@dataclass(frozen=True, slots=True)
class LimitPath:
    """A movement from neutral, along straight lines between corners, of which the last one is measured.

    Parameters
    ----------
    name, words : str
    corners_deg : tuple of (flexion, adduction, internal rotation)
        From neutral; a contact before the last corner but one makes the rest unreachable.
    moving : str
        The angle that runs on the last line.
    """

    name: str
    words: str
    corners_deg: tuple[tuple[float, float, float], ...]
    moving: str


@dataclass(frozen=True, slots=True)
class Limit:
    """First time along a path that a clearance is reached.

    Parameters
    ----------
    path : LimitPath
    clearance_mm : float
    status : str
        "reached"; "grazing": reached, or not told from it, where the gap closes slower than 0.1 mm a
        degree; "free": nowhere on the path; "unreachable": the movement ends before its last line begins.
    angle_deg : float or None
        Of the moving angle, in its own direction; ``None`` where free or unreachable.
    error_deg : float or None
        The true limit lies no more than this below: solver error over closing speed, and the last step.
    speed_mm_per_deg : float or None
        How fast the gap closes there.
    pair : (str, str) or None
        Which regions meet.
    sub_part : str or None
        Of the fixed bone.
    end_deg : float
        How far the path was followed.
    """

    path: LimitPath
    clearance_mm: float
    status: str
    angle_deg: float | None
    error_deg: float | None
    speed_mm_per_deg: float | None
    pair: Pair | None
    sub_part: str | None
    end_deg: float


def limit_paths() -> tuple[LimitPath, ...]:
    """The paths whose limits are reported.

    Extension against adduction and rotation, external rotation and adduction against extension.
    """
    out = []
    for adduction in (-20.0, -10.0, 0.0, 10.0):
        out.append(_path("extension", (0, adduction, 0), (-_END_EXTENSION_DEG, adduction, 0)))
    for rotation in (20.0, -10.0, -20.0, -30.0):
        out.append(_path("extension", (0, 0, rotation), (-_END_EXTENSION_DEG, 0, rotation)))
    for extension in (0.0, 10.0, 20.0):
        out.append(_path("external rotation", (-extension, 0, 0), (-extension, 0, -_END_ROTATION_DEG)))
    out.append(_path("external rotation", (-10, 10, 0), (-10, 10, -_END_ROTATION_DEG)))
    for extension in (0.0, 10.0, 20.0):
        out.append(_path("adduction", (-extension, 0, 0), (-extension, _END_ADDUCTION_DEG, 0)))
    return tuple(out)


_SAID = (("flexion", "extension"), ("adduction", "abduction"), ("internal rotation", "external rotation"))
_COLUMN = {"extension": (0, -1.0), "external rotation": (2, -1.0), "adduction": (1, 1.0), "flexion": (0, 1.0)}


def _path(moving: str, start: tuple[float, float, float], end: tuple[float, float, float]) -> LimitPath:
    """A path from neutral to its start and along to its end, named after what stays."""
    held = [
        f"{abs(angle):g} degrees of {_SAID[column][angle < 0]}" for column, angle in enumerate(start) if angle
    ]
    words = f"{moving} at {' and '.join(held) or 'adduction and rotation 0'}"
    if not held and moving != "extension":
        words = f"{moving} with all else at 0"
    name = "_".join([moving.replace(" ", "_"), *(f"{angle:g}" for angle in start)])
    corners = (start, end) if not any(start) else ((0.0, 0.0, 0.0), start, end)
    return LimitPath(name, words, corners, moving)


Gap = Callable[[Array], tuple[Array, Array]]
"""Angles (n, 3) to gaps and errors, both of shape (n, number of pairs)."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What was computed along one path.

    Parameters
    ----------
    corners_deg : array of shape (C, 3)
    turns_deg : array of shape (C - 1,)
        Of each line: never less than the angle turned.
    places : array of shape (n,)
        2.25 is a quarter of the way from corner 2 to corner 3.
    gap_mm, error_mm : arrays of shape (n, pairs), mm
    """

    corners_deg: Array
    turns_deg: Array
    places: Array
    gap_mm: Array
    error_mm: Array

    def poses(self, places: Array) -> Array:
        """Angles at places, shape (n, 3)."""
        leg = np.minimum(places.astype(int), len(self.turns_deg) - 1)
        share = (places - leg)[:, None]
        out: Array = self.corners_deg[leg] * (1 - share) + self.corners_deg[leg + 1] * share
        return out

    def widths(self) -> Array:
        """Degrees from each place to the next."""
        leg = np.minimum(((self.places[:-1] + self.places[1:]) / 2).astype(int), len(self.turns_deg) - 1)
        out: Array = np.diff(self.places) * self.turns_deg[leg]
        return out

    def with_more(self, places: Array, gap_mm: Array, error_mm: Array) -> Walk:
        """The walk with more poses on it."""
        order = np.argsort(np.concatenate([self.places, places]), kind="stable")
        return Walk(
            self.corners_deg,
            self.turns_deg,
            np.concatenate([self.places, places])[order],
            np.concatenate([self.gap_mm, gap_mm])[order],
            np.concatenate([self.error_mm, error_mm])[order],
        )

    def doubts(self, columns: Sequence[int], speeds: Array, clearance_mm: float) -> tuple[int | None, Ints]:
        """First place where a gap is down to the clearance, and the spans before it that are not settled.

        Parameters
        ----------
        columns : sequence of int
            Pairs that count.
        speeds : array of shape (pairs,)
            Largest way of a point per degree, mm.
        clearance_mm : float
        """
        low = (self.gap_mm - self.error_mm)[:, columns]
        bound = (low[:-1] + low[1:] - self.widths()[:, None] * speeds[None, columns]) / 2
        is_down = self.gap_mm[:, columns].min(axis=1) <= clearance_mm
        last = int(np.argmax(is_down)) if is_down.any() else len(self.places) - 1
        spans = np.flatnonzero(bound.min(axis=1) <= clearance_mm)
        return (last if is_down.any() else None), spans[spans < last]


def walks(
    gap: Gap,
    paths: Sequence[Sequence[Sequence[float]]],
    speeds: Array,
    tasks: Sequence[tuple[list[int], float]],
) -> list[Walk]:
    """Walk paths so finely that each task is settled on each of them.

    Parameters
    ----------
    gap : callable
        Angles of shape (n, 3) to gaps and errors of shape (n, pairs).
    paths : sequence of corners, each (flexion, adduction, internal rotation)
    speeds : array of shape (pairs,)
        Largest way of a point of each pair's moving region per degree turned, mm.
    tasks : sequence of (columns, clearance in mm)
        Which pairs have to stay above what.

    Returns
    -------
    list of Walk
        In each, a span before the first contact that is not certified free is 0.01 degree wide or less.

    Examples
    --------
    >>> def gap(angles):
    ...     return 5 + angles[:, :1] * 0.5, np.zeros((len(angles), 1))
    >>> (walk,) = walks(gap, [[[0, 0, 0], [-20, 0, 0]]], np.array([0.5]), [([0], 0.0)])
    >>> first, _ = walk.doubts([0], np.array([0.5]), 0.0)
    >>> round(float(20 * walk.places[first]), 2)
    10.0
    """
    out = []
    for corners_deg in paths:
        corners = np.asarray(corners_deg, dtype=np.float64)
        turns = np.abs(np.diff(corners, axis=0)).sum(axis=1)
        steps = [max(1, int(np.ceil(turn / FIRST_STEP_DEG - 1e-9))) for turn in turns]
        places = np.concatenate([[0.0], *(leg + np.arange(1, n + 1) / n for leg, n in enumerate(steps))])
        out.append(Walk(corners, turns, places, np.empty((0, 0)), np.empty((0, 0))))
    wanted = [walk.places for walk in out]
    while any(len(places) for places in wanted):
        angles = np.concatenate([walk.poses(places) for walk, places in zip(out, wanted, strict=True)])
        gaps, errors = gap(angles)
        ends = np.cumsum([len(places) for places in wanted])[:-1]
        parts = zip(out, wanted, np.split(gaps, ends), np.split(errors, ends), strict=True)
        out = [
            walk.with_more(places, *found)
            if len(walk.gap_mm)
            else Walk(walk.corners_deg, walk.turns_deg, places, *found)
            for walk, places, *found in parts
        ]
        wanted = [_unsettled(walk, speeds, tasks) for walk in out]
    return out


def _unsettled(walk: Walk, speeds: Array, tasks: Sequence[tuple[list[int], float]]) -> Array:
    """Places at which a walk has to be computed next."""
    wide = walk.widths() > LAST_STEP_DEG * (1 + 1e-6)
    spans: set[int] = set()
    for columns, clearance in tasks:
        spans.update(walk.doubts(columns, speeds, clearance)[1].tolist())
    cuts = np.arange(1, _PIECES) / _PIECES
    new = [
        walk.places[span] + (walk.places[span + 1] - walk.places[span]) * cuts
        for span in sorted(spans)
        if wide[span]
    ]
    return np.concatenate(new) if new else np.empty(0)


def limits(
    hip: Hip,
    paths: Sequence[LimitPath] | None = None,
    *,
    jobs: int = 1,
) -> tuple[tuple[Limit, ...], tuple[Limit, ...], dict[Pair, str]]:
    """Find the limits of a hip along paths from neutral.

    Parameters
    ----------
    hip : Hip
    paths : sequence of LimitPath, optional
        By default those of ``limit_paths``.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    contacts : tuple of Limit
        First bone contact of any pair, one for each path.
    space : tuple of Limit
        For lesser trochanter and ischium alone: clearance 0, 5 and 10 mm on each path.
    reasons : dict of pair to str
        Pairs that are not known, and why: a contact of theirs would not be seen.

    Raises
    ------
    CannotMeasure
        If no pair is known.

    Examples
    --------
    >>> from ischio import phantoms
    >>> from ischio.types import Side
    >>> turn = LimitPath("adduction", "adduction", ((0, 0, 0), (0, 40, 0)), "adduction")
    >>> contacts, _, _ = limits(phantoms.hip(Side.LEFT), [turn])
    >>> contacts[0].status, round(contacts[0].angle_deg, 1)
    ('reached', 11.4)
    """
    paths = limit_paths() if paths is None else tuple(paths)
    joint = joint_of(hip, *ZEROS)
    whole = with_rim_halves(hip)
    _, reasons = pair_gaps(hip, PoseSet("neutral", np.zeros((1, 3)), *ZEROS), jobs=jobs)
    pairs = [pair for pair in PAIRS if pair not in reasons]
    parts: dict[bytes, list[str]] = {}

    def gap(angles: Array) -> tuple[Array, Array]:
        found, _ = pair_gaps(hip, PoseSet("limits", angles, *ZEROS), pairs, jobs=jobs)
        for row, pose in enumerate(angles):
            parts[pose.tobytes()] = [found[pair].sub_parts[int(found[pair].sub_part[row])] for pair in pairs]
        return (
            np.stack([found[pair].gap_mm for pair in pairs], axis=1),
            np.stack([found[pair].error_mm for pair in pairs], axis=1),
        )

    arms = [
        float(np.linalg.norm(joint.femoral(whole.region_triangles(pair[0])), axis=2).max()) for pair in pairs
    ]
    speeds = np.radians(np.array(arms))
    every = list(range(len(pairs)))
    tasks = [(every, 0.0)]
    if pairs[0] == PAIRS[0]:
        tasks += [([0], level) for level in LEVELS_MM]
    done = walks(gap, [path.corners_deg for path in paths], speeds, tasks)
    found = [
        [_limit(path, walk, task, speeds, pairs, parts) for task in tasks]
        for path, walk in zip(paths, done, strict=True)
    ]
    return tuple(row[0] for row in found), tuple(one for row in found for one in row[1:]), reasons


def _limit(
    path: LimitPath,
    walk: Walk,
    task: tuple[list[int], float],
    speeds: Array,
    pairs: Sequence[Pair],
    parts: dict[bytes, list[str]],
) -> Limit:
    """The limit of one task on one walk."""
    columns, clearance = task
    column, sign = _COLUMN[path.moving]
    start, end = (sign * path.corners_deg[k][column] + 0.0 for k in (-2, -1))
    first, spans = walk.doubts(columns, speeds, clearance)
    gaps = walk.gap_mm[:, columns].min(axis=1)
    if first is None and len(spans) == 0:
        return Limit(path, clearance, "free", None, None, None, None, None, end)
    # Where the bound cannot tell, the lowest of the doubtful poses stands for the graze.
    row = first if first is not None else int(spans[np.argmin(gaps[spans])])
    nearest = columns[int(np.argmin(walk.gap_mm[row, columns]))]
    part = parts[walk.poses(walk.places[row : row + 1])[0].tobytes()][nearest]
    last_line = len(path.corners_deg) - 2
    if walk.places[row] < last_line:
        return Limit(path, clearance, "unreachable", None, None, None, pairs[nearest], part, end)
    turn = abs(end - start)
    angle = float(start + (end - start) * max(walk.places[row] - last_line, 0.0))
    earliest = min([row, *spans.tolist()])
    error = max(walk.places[row] - max(walk.places[earliest], last_line), 0.0) * turn
    span = min(_SPEED_SPAN_DEG / turn, walk.places[row] - last_line)
    if walk.places[row] <= last_line:  # down to the clearance in neutral, where nothing has moved yet
        return Limit(path, clearance, "reached", start, 0.0, None, pairs[nearest], part, end)
    before = float(np.interp(walk.places[row] - span, walk.places, gaps))
    speed = (before - float(gaps[row])) / (span * turn)
    grazing = first is None or speed < GRAZING_MM_PER_DEG
    status = "grazing" if grazing else "reached"
    return Limit(path, clearance, status, angle, error, speed, pairs[nearest], part, end)


def limit_words(limit: Limit) -> str:
    """A limit in one sentence."""
    if limit.status == "free" or limit.pair is None:
        return (
            f"{limit.path.words}: nothing within {limit.clearance_mm:g} mm up to {limit.end_deg:g} degrees."
        )
    what = PAIR_WORDS[limit.pair]
    place = f" ({limit.sub_part})" if limit.pair[1] == "ischium" and limit.sub_part else ""
    down = "bone contact" if limit.clearance_mm == 0 else f"clearance {limit.clearance_mm:g} mm"
    if limit.angle_deg is None:
        end = "; not reachable" if limit.clearance_mm == 0 else ""
        return f"{limit.path.words}: {down} of {what}{place} before the movement begins{end}."
    graze = ", grazing" if limit.status == "grazing" else ""
    return f"{limit.path.words}: {down} at {limit.angle_deg:.1f} degrees{graze}, {what}{place}."

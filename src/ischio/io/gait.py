"""Gait: recorded hip angles of both sides, checked, and cut into cycles."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint, one_of
from ischio.io.c3d import read_c3d
from ischio.io.gait_csv import read_events, read_gait_csv
from ischio.io.gait_trial import PERCENT, GaitCycle, GaitTrial
from ischio.io.opensim import read_opensim
from ischio.types import PELVIC_ZEROS, POSE_LIMITS_DEG, ROTATION_ZEROS, Side

LEAST_EXCURSION_DEG = 10.0  # of flexion; standing sways by 2, the slowest walking moves 25
LONGEST_GAP_S = 0.1  # a tenth of a cycle, over which an angle can be told from its neighbours
_SHORTEST_CYCLE_S, _LONGEST_CYCLE_S = 0.4, 2.5  # sprint, and very slow walking
_RADIANS = 2.7  # the largest angle of a hip, 150 degrees, in radians
MOST_BYTES = 1 << 30
SUFFIXES = (".mot", ".sto", ".c3d", ".csv")


def read_gait(
    path: Path,
    *,
    pelvic_zero: str | None = None,
    rotation_zero: str = "tea",
    columns: Mapping[str, str] | None = None,
    events: Path | None = None,
) -> GaitTrial:
    """Read a gait file.

    Parameters
    ----------
    path : Path
        OpenSim ``.mot`` or ``.sto``, ``.c3d`` with the angles of a Plug-in Gait model, or ``.csv``.
    pelvic_zero : str, optional
        The zero that the file's pelvis has. C3D of Plug-in Gait has "isb" (ASIS and PSIS); OpenSim models
        differ and CSV files do not say, so it has to be given for these.
    rotation_zero : str
    columns : mapping of str to str, optional
        For CSV: our name to the file's column, such as ``{"right_flexion_deg": "RHip_X"}``.
    events : Path, optional
        CSV file with columns ``time_s``, ``side``, ``event``, for files that hold no foot strikes.

    Returns
    -------
    GaitTrial

    Raises
    ------
    InputError
        If a unit, an angle or the zero is missing, or what was read cannot be walking.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            complaint(path.name, f"a file of type {suffix!r}", f"one of {list(SUFFIXES)}", "Export it again.")
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(complaint(path.name, "more than 1 GB", "one gait trial", "Cut the recording."))
    except OSError as error:
        raise InputError(
            complaint(path.name, error.strerror or error, "a file that can be read", "Check the path.")
        ) from error
    if suffix == ".c3d":
        if pelvic_zero not in (None, "isb"):
            raise InputError(
                complaint(
                    f"{path.name}, pelvic zero",
                    repr(pelvic_zero),
                    "'isb': the pelvis of Plug-in Gait is that of ASIS and PSIS",
                    "Leave it out.",
                )
            )
        trial = read_c3d(path, rotation_zero)
    else:
        if pelvic_zero is None:
            raise InputError(
                complaint(
                    f"{path.name}, pelvic zero",
                    "none",
                    f"one of {list(PELVIC_ZEROS)}, as the model behind the angles defines its pelvis",
                    "Say --pelvic-zero; 'isb' where the model's pelvis is that of ASIS and PSIS.",
                )
            )
        zeros = one_of(pelvic_zero, PELVIC_ZEROS, "pelvic_zero"), rotation_zero
        is_table = suffix == ".csv"
        trial = read_gait_csv(path, zeros, columns or {}) if is_table else read_opensim(path, zeros)
    one_of(rotation_zero, ROTATION_ZEROS, "rotation_zero")
    if events is not None:
        strikes = read_events(events)
        trial = GaitTrial(
            *(trial.time_s, trial.angles_deg, trial.pelvis_deg, strikes, trial.pelvic_zero),
            *(trial.rotation_zero, trial.source, trial.notes),
        )
    return checked(trial, path.name)


def checked(trial: GaitTrial, where: str) -> GaitTrial:
    """A trial that can be walking or running; short gaps are bridged.

    Parameters
    ----------
    trial : GaitTrial
    where : str
        Name used in errors.

    Returns
    -------
    GaitTrial

    Raises
    ------
    InputError
        If times or angles are impossible, standing still, in radians, or of swapped sides.
    """
    time = trial.time_s
    if len(time) < 3 or not np.isfinite(time).all() or (np.diff(time) <= 0).any():
        raise InputError(
            complaint(where, f"{len(time)} times, not rising", "rising times in seconds", "Sort the rows.")
        )
    angles, notes = {}, list(trial.notes)
    for side, raw in trial.angles_deg.items():
        known = np.asarray(np.isfinite(raw).all(axis=1), dtype=np.bool_)
        if not known.any():
            raise InputError(
                complaint(f"{where}, {side.value} hip", "no angles", "three angles", "Run the model again.")
            )
        _check_range(raw[known], f"{where}, {side.value} hip")
        bridged, n = _bridged(time, raw)
        if n:
            notes.append(f"{side.value} hip: {n} missing samples bridged from their neighbours")
        angles[side] = bridged
    if trial.strikes_s:
        _check_sides(time, angles, trial.strikes_s, where)
    else:
        notes.append(
            "no foot strikes in the file: cycles are told by peaks of flexion or extension, and whether left "
            "and right are exchanged cannot be seen"
        )
    return GaitTrial(
        *(time, angles, trial.pelvis_deg, trial.strikes_s, trial.pelvic_zero, trial.rotation_zero),
        *(trial.source, tuple(notes)),
    )


def _check_range(angles: Array, where: str) -> None:
    """Refuse angles that no hip has, that stand still, or that look like another unit or sign."""
    excursion = float(np.ptp(angles[:, 0]))
    largest = float(np.abs(angles).max())
    if largest < _RADIANS and excursion > 0.1:
        raise InputError(
            complaint(
                where, f"angles of at most {largest:.2f}", "degrees", "They look like radians: convert them."
            )
        )
    if excursion < LEAST_EXCURSION_DEG:
        raise InputError(
            complaint(
                where,
                f"{excursion:.1f} degrees of flexion from least to most",
                f"walking, which moves at least {LEAST_EXCURSION_DEG:g}",
                "This is a standing trial; give one of walking.",
            )
        )
    for column, (name, (low, high)) in enumerate(POSE_LIMITS_DEG.items()):
        worst = angles[:, column][np.argmax(np.abs(angles[:, column]))]
        if not low <= worst <= high:
            raise InputError(
                complaint(
                    f"{where}, {name}",
                    f"{worst:.0f}",
                    f"{low:g} to {high:g} degrees",
                    "Check sign, unit, column and jumps of 360 degrees.",
                )
            )
    low, high = float(angles[:, 0].min()), float(angles[:, 0].max())
    # Every way of walking flexes further in front of the body than it extends behind it.
    if high < -low:
        raise InputError(
            complaint(
                where,
                f"flexion from {low:.0f} to {high:.0f} degrees",
                "more flexion than extension in a cycle",
                "Check the sign, and the zero of the pelvis that was stated.",
            )
        )


def _bridged(time: Array, raw: Array) -> tuple[Array, int]:
    """Short gaps filled along straight lines; longer ones and both ends stay NaN."""
    known = np.asarray(np.isfinite(raw).all(axis=1), dtype=np.bool_)
    if known.all():
        return raw, 0
    out, n = np.where(known[:, None], raw, np.nan), 0
    edges = np.flatnonzero(np.diff(np.concatenate([[True], known, [True]]).astype(int)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):  # rows start to end - 1 are missing
        if start == 0 or end == len(time) or time[end] - time[start - 1] > LONGEST_GAP_S:
            continue
        share = (time[start:end] - time[start - 1]) / (time[end] - time[start - 1])
        out[start:end] = raw[start - 1] + share[:, None] * (raw[end] - raw[start - 1])
        n += int(end - start)
    return out, n


def _check_sides(
    time: Array, angles: Mapping[Side, Array], strikes: Mapping[Side, Array], where: str
) -> None:
    """At a foot strike the leg in front is that side's: its hip is flexed more than the other."""
    if len(angles) < 2:
        return
    right, left = angles[Side.RIGHT][:, 0], angles[Side.LEFT][:, 0]
    ahead = []
    for side, own, other in ((Side.RIGHT, right, left), (Side.LEFT, left, right)):
        at = strikes.get(side, np.empty(0))
        at = at[(at >= time[0]) & (at <= time[-1])]
        ahead += (np.interp(at, time, own - other) > 0).tolist()
    if len(ahead) >= 2 and np.mean(ahead) < 0.2:
        raise InputError(
            complaint(
                where,
                f"at {len(ahead) - sum(ahead)} of {len(ahead)} foot strikes the other hip flexed more",
                "the striking leg in front",
                "Left and right are exchanged, in the angles or in the events.",
            )
        )


def cycles(trial: GaitTrial, side: Side) -> GaitCycle:
    """The mean of all whole cycles of one side.

    Parameters
    ----------
    trial : GaitTrial
    side : Side

    Returns
    -------
    GaitCycle

    Raises
    ------
    InputError
        If the side has no whole cycle without a gap.
    """
    where = f"{trial.source}, {side.value} hip"
    if side not in trial.angles_deg:
        raise InputError(complaint(where, "no angles", "three angles", "Export this side, too."))
    angles, time = trial.angles_deg[side], trial.time_s
    pelvis = trial.pelvis_deg.get(side)
    starts, word = _starts(trial, side)
    found, pelvic, lengths = [], [], []
    n_left_out = 0
    for start, end in pairwise(starts):
        at = start + (end - start) * PERCENT / 100
        if not _SHORTEST_CYCLE_S <= end - start <= _LONGEST_CYCLE_S:
            n_left_out += 1
            continue
        if start < time[0] - 1e-6 or end > time[-1] + 1e-6:
            n_left_out += 1
            continue
        one = np.stack([np.interp(at, time, column) for column in angles.T], axis=1)
        if not np.isfinite(one).all():
            n_left_out += 1
            continue
        found.append(one)
        lengths.append(end - start)
        if pelvis is not None:
            pelvic.append(np.stack([np.interp(at, time, column) for column in pelvis.T], axis=1))
    if not found:
        raise InputError(
            complaint(
                where,
                f"no whole cycle from {word} to {word} without a gap",
                "at least one",
                "Give a longer trial, name the foot strikes with --gait-events, or fill the gaps.",
            )
        )
    notes = list(trial.notes)
    if n_left_out:
        notes.append(f"{side.value} hip: {n_left_out} cycles left out (incomplete, with gaps, or too long)")
    every = np.array(found)
    mean_pelvis = np.mean(pelvic, axis=0) if pelvic and np.isfinite(pelvic).all() else None
    return GaitCycle(
        *("recorded", side, every.mean(axis=0), every, mean_pelvis, trial.pelvic_zero, trial.rotation_zero),
        *(word, f"{trial.source}; {len(every)} cycles", float(np.mean(lengths)), tuple(notes)),
    )


def _starts(trial: GaitTrial, side: Side) -> tuple[Array, str]:
    """Times at which cycles of one side begin, the last end included, and what happens there."""
    strikes = trial.strikes_s.get(side, np.empty(0))
    if len(strikes) >= 2:
        return strikes, "foot strike"
    time = trial.time_s
    for one in (side, side.other):
        for word, sign in (("peak flexion", 1.0), ("peak extension", -1.0)):
            found = _peaks(time, sign * trial.angles_deg[one][:, 0]) if one in trial.angles_deg else ()
            if len(found) >= 2 and one is side:
                return np.asarray(found), word
            if len(found) >= 2:  # the other side tells how long a cycle is
                length = float(np.mean(np.diff(found)))
                return time[0] + length * np.arange(
                    int((time[-1] - time[0]) / length) + 1
                ), "start of the trial"
    return np.empty(0), "peak flexion"


def _peaks(time: Array, flexion: Array) -> Array:
    """Times of peak flexion, one a cycle: highest within half a second on either side."""
    known = np.isfinite(flexion)
    values = np.where(known, flexion, -np.inf)
    high = np.nanmin(flexion) + 0.6 * np.ptp(flexion[known])
    out: list[float] = []
    for row in np.flatnonzero(values > high):
        near: NDArray[np.bool_] = np.abs(time - time[row]) <= _SHORTEST_CYCLE_S / 2
        inside = time[row] - time[0] > 0 and time[-1] - time[row] > 0
        is_first = inside and row == np.flatnonzero(near)[int(np.argmax(values[near]))]
        if is_first and (not out or time[row] - out[-1] >= _SHORTEST_CYCLE_S):
            out.append(float(time[row]))
    return np.array(out)

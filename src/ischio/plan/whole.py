"""Plans of one person, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ischio._check import Array, CannotMeasure, InputError, complaint
from ischio.io.gait_trial import GaitCycle
from ischio.measures.ischiofemoral_space_3d import shortest
from ischio.plan.as_dict import PREDICTION, hip_row, plan_rows
from ischio.plan.burr import USUAL, Burr
from ischio.plan.goals import MEDIAN, STANDING, goal_of
from ischio.plan.provenance import approaches, protocols
from ischio.plan.resection import HipPlans, Progress, plan_hip
from ischio.plan.site import CORTEX_MARGIN_MM
from ischio.types import Pelvis, Side

_NONE: Mapping[Any, Any] = MappingProxyType({})


def plan_sections(
    pelvis: Pelvis,
    target_mm: float,
    motion: str = STANDING,
    *,
    burr: Burr = USUAL,
    margin_mm: float = CORTEX_MARGIN_MM,
    cycles: Mapping[Side, GaitCycle] = _NONE,
    marked_mm: Mapping[tuple[str, Side | None], Array] = _NONE,
    stops: Iterable[str] = (),
    sides: Iterable[Side] = tuple(Side),
    jobs: int = 1,
    progress: Progress = lambda _words, _fraction: None,
) -> tuple[dict[str, Any], tuple[HipPlans, ...]]:
    """Plan both hips of a person.

    Parameters
    ----------
    pelvis : Pelvis
    target_mm : float
        Clearance wanted.
    motion : str
        One of ``MOTION_SETS``.
    burr : Burr
        Tool and approach of the cut with a burr.
    margin_mm : float
        Bone to be left standing over the smooth femur.
    cycles : mapping of Side to GaitCycle
        Recorded walking, for the set "gait".
    marked_mm : mapping of tuple to array of shape (N, 3), mm, patient frame
        Lines that a person drew along structures, by its name and a side or ``None``.
    stops : iterable of str
        Red flags of the record, in words: each ends every plan.
    sides : iterable of Side
        Sides asked for.
    jobs : int
    progress : callable

    Returns
    -------
    sections : dict
        ``plans`` and ``planning``, for ``study.json``.
    found : tuple of HipPlans
        What they were made of.

    Raises
    ------
    InputError
        If the target is no possible distance, the set of poses is not known, or a femur bounds no solid.

    Examples
    --------
    >>> from ischio import phantoms
    >>> pelvis = phantoms.pelvis()
    >>> sections, _ = plan_sections(pelvis, 17.0, stops=["tumour"])
    >>> sections["plans"], sections["planning"]["reasons"]["left"]
    ([], 'red flag: tumour')
    """
    stopped = [f"red flag: {words}" for words in stops]
    plans: list[dict[str, Any]] = []
    planning: dict[str, Any] = {
        "prediction": PREDICTION,
        "hips": [],
        "reasons": {},
        "approaches": approaches(),
        "rehabilitation": protocols(),
    }
    found = []
    hips = {hip.side: hip for hip in pelvis.hips}
    for number, side in enumerate(sides):
        if stopped:
            planning["reasons"][side.value] = "; ".join(stopped)
            continue
        if side not in hips:
            planning["reasons"][side.value] = pelvis.reasons.get(side.value, "this hip is absent")
            continue
        try:
            shortest(hips[side])  # refused where what a scan cut away is nearest: a plan would fall short
            goal = goal_of(hips[side], target_mm, motion, cycle=_cycle(cycles, motion, side))
            one = plan_hip(
                hips[side],
                goal,
                burr=burr,
                margin_mm=margin_mm,
                jobs=jobs,
                progress=_half(progress, side, number),
            )
        except CannotMeasure as refusal:
            planning["reasons"][side.value] = str(refusal)
            continue
        found.append(one)
        own = {name: points for (name, of), points in marked_mm.items() if of in (side, None)}
        plans += plan_rows(one, marked_mm=own, jobs=jobs)
        planning["hips"].append(hip_row(one, jobs=jobs))
    # Each hip moves against its own side of the pelvis: a cut on one changes no gap of the other.
    planning["order"] = [
        one.hip.side.value for one in sorted(found, key=lambda one: one.need.before_mm - one.need.wanted_mm)
    ]
    return {"plans": plans, "planning": planning}, tuple(found)


def _cycle(cycles: Mapping[Side, GaitCycle], motion: str, side: Side) -> GaitCycle | None:
    """Recorded walking of a side, where the set of poses asks for it.

    Raises
    ------
    InputError
        If walking was recorded, and the set of poses is another.
    CannotMeasure
        If it was recorded of the other side alone.
    """
    if not cycles:
        return None
    if motion not in ("gait", MEDIAN):
        raise InputError(complaint("--gait", f"--motion {motion}", "--motion gait", "Choose one of the two."))
    if side not in cycles:
        raise CannotMeasure("no walking of this side was recorded")
    return cycles[side]


def _half(progress: Progress, side: Side, number: int) -> Progress:
    """Progress of one of two hips."""
    return lambda words, fraction: progress(f"{side.value} hip: {words}", (number + fraction) / 2)

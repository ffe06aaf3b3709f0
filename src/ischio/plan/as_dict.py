"""Plans as plain values: what ``plans`` in ``study.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ischio._check import Array
from ischio.motion.pairs import SPACE
from ischio.plan.alternatives import alternatives
from ischio.plan.cuts import MINIMUM, Cut
from ischio.plan.doubt import draws_of, probability_met
from ischio.plan.fluoroscopy import edge_on_view
from ischio.plan.goals import STANDING, warnings_of
from ischio.plan.moves import moved, moves_of
from ischio.plan.need import MET_WITHIN_MM
from ischio.plan.one_to_one import one_to_one
from ischio.plan.osteotomy import osteotomies
from ischio.plan.provenance import structures
from ischio.plan.resection import HipPlans, Plan, standing_bone
from ischio.plan.site import TROCHANTER, Site
from ischio.plan.telling import distances
from ischio.types import Clearance

PREDICTION = (
    "Prediction from bone surfaces: no outcome data support any depth, and no load study any strength left."
)
ROUNDED = "Depths are rounded to 1 mm in words; the bone under the knife is not known better."
_DECIMALS = 3


def plan_rows(
    found: HipPlans, *, marked_mm: Mapping[str, Array] | None = None, jobs: int = 1
) -> list[dict[str, Any]]:
    """Every plan of a hip as plain values.

    Parameters
    ----------
    found : HipPlans
    marked_mm : mapping of str to array of shape (N, 3), mm, patient frame, optional
        Lines that a person drew along structures of this side.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    list of dict
        With ``side``, ``goal``, ``cut``, ``removed_mm3``, ``depth_mm``, ``reached_mm``,
        ``attachment_lost_fraction``, ``before`` and ``after`` in each.
    """
    moves = moves_of(found.hip, jobs=jobs)
    start = moved(moves, found.hip.region_triangles(TROCHANTER), jobs=jobs)
    goal = found.plans[0].goal
    draws = draws_of(found.hip, goal, jobs=jobs)
    out = []
    for one in found.plans:
        end, left = start, found.hip.region_triangles(TROCHANTER)
        if one.resection is not None and TROCHANTER in one.resection.hip.regions:
            left = one.resection.hip.region_triangles(TROCHANTER)
            end = moved(moves, left, jobs=jobs)
        likely = probability_met(draws, left, goal.clearance_mm, jobs=jobs)
        out.append(_row(found, one, start, end, marked_mm or {}) | {"robustness": likely})
    return out


def hip_row(found: HipPlans, *, jobs: int = 1) -> dict[str, Any]:
    """What holds for all plans of a hip, as plain values.

    Parameters
    ----------
    found : HipPlans
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    dict
    """
    site, goal = found.site, found.plans[0].goal
    return {
        "side": found.hip.side.value,
        "status": found.need.status,
        "before_mm": _number(found.need.before_mm),
        "best_mm": _number(found.need.best_mm),
        "trochanter_mm3": _number((site.solid ^ site.room).volume()),
        "margin_over_cortex_mm": site.margin_mm,
        "footprint": {
            "psoas_mm2": _number(found.footprint.psoas.area_mm2),
            "iliacus_mm2": _number(found.footprint.iliacus.area_mm2),
            "method": found.footprint.psoas.method,
        },
        "front": [
            {
                "clearance_mm": _number(one.clearance_mm),
                "removed_mm3": _number(one.removed_mm3),
                "attachment_lost_fraction": _number(one.lost_fraction),
                "theoretical_minimum_mm3": _number(one.least_mm3),
                "kind": one.kind,
                "normal_patient": _vector(one.normal),
                "level_mm": None if one.level_mm is None else _number(one.level_mm),
            }
            for one in found.front
        ],
        "options": _options(found.plans),
        "directions": {
            "up": _vector(site.up),
            "back": _vector(site.back),
            "medial": _vector(site.medial),
        },
        "one_to_one": one_to_one(found.need.before_mm, found.need.wanted_mm)
        if goal.motion == STANDING
        else None,
        "alternatives": alternatives(found.hip, goal.poses, jobs=jobs),
        "osteotomies": osteotomies(site, goal.poses, jobs=jobs),
        "warnings": list(warnings_of(goal)),
        "sentence": _status_words(found),
    }


def _options(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """The cuts that can be made, by name, and which of them beats another."""
    made = [one for one in plans if one.cut is not None and one.cut.name != MINIMUM]
    costs = np.array([[-one.reached_mm, one.removed_mm3, one.lost.iliopsoas_fraction] for one in made])
    same = np.array([MET_WITHIN_MM, 0.0, 0.0])  # clearances are computed no finer
    rows = []
    for one, cost in zip(made, costs, strict=True):
        beaten = (costs <= cost + same).all(axis=1) & (costs < cost - same).any(axis=1)
        rows.append(
            {
                "name": _name(one),
                "words": _cut_words(one),
                "clearance_mm": _number(one.reached_mm),
                "removed_mm3": _number(one.removed_mm3),
                "attachment_lost_fraction": _number(one.lost.iliopsoas_fraction),
                "beaten_by": [_name(other) for other, beats in zip(made, beaten, strict=True) if beats],
            }
        )
    return rows


def _name(one: Plan) -> str:
    """Name of a plan."""
    return "no_cut" if one.cut is None else one.cut.name


def _cut_words(one: Plan) -> str:
    """A plan's cut in words."""
    return "no cut" if one.cut is None else one.cut.words


def _row(
    found: HipPlans, one: Plan, start: dict[str, Any], end: dict[str, Any], marked_mm: Mapping[str, Array]
) -> dict[str, Any]:
    """One plan as plain values."""
    return {
        "side": found.hip.side.value,
        "name": _name(one),
        "status": one.status,
        "goal": {
            "clearance_mm": one.goal.clearance_mm,
            "motion": one.goal.motion,
            "words": one.goal.words,
            "n_poses": len(one.goal.poses),
            "floor_mm": [_number(value) for value in one.goal.floor_mm] if one.goal.floor_mm.any() else None,
            "pelvic_zero": one.goal.poses.pelvic_zero,
            "rotation_zero": one.goal.poses.rotation_zero,
        },
        "cut": None if one.cut is None else _cut(found.site, one.cut),
        "removed_mm3": _number(one.removed_mm3),
        "depth_mm": _number(one.depth_mm),
        "depth_from": _depth_words(one),
        "reached_mm": _number(one.reached_mm),
        "attachment_lost_fraction": _number(one.lost.iliopsoas_fraction),
        "attachment_lost": {
            "psoas_fraction": _number(one.lost.psoas_fraction),
            "iliacus_fraction": _number(one.lost.iliacus_fraction),
        },
        **standing_bone(found.site, one),
        "distances": [] if one.resection is None else distances(found.site, one.resection, one.reached_mm),
        "structures": structures(marked_mm, None if one.resection is None else one.resection.cut_mm),
        "before": _gaps(one.before) | start,
        "after": _gaps(one.after) | end,
        "sentence": _sentence(found, one),
    }


def _cut(site: Site, cut: Cut) -> dict[str, Any]:
    """A cut in the femur's own frame, and in the coordinates of the results."""
    frame = site.hip.frames["femur_pca_from_patient"]
    out: dict[str, Any] = {"kind": cut.kind, "name": cut.name, "words": cut.words, "frame": "femur_pca"}
    if cut.direction is not None and cut.point_mm is not None:
        out |= {
            "normal": _vector(frame.matrix[:3, :3] @ cut.direction),
            "point_mm": _point(frame.apply(cut.point_mm)),
            "normal_patient": _vector(cut.direction),
            "point_patient_mm": _point(cut.point_mm),
            "beneath_tip_mm": _number(float((site.tip_mm - cut.point_mm) @ cut.direction)),
            "fluoroscopy": edge_on_view(site.hip, cut.direction),
        }
    elif cut.direction is not None:
        out |= {
            "axis": _vector(frame.matrix[:3, :3] @ cut.direction),
            "axis_patient": _vector(cut.direction),
        }
    return out | cut.detail


def _gaps(found: Mapping[tuple[str, str], Clearance]) -> dict[str, Any]:
    """The least gap of each pair, and the pose it is met in."""
    out: dict[str, Any] = {}
    for pair, one in found.items():
        row = int(np.argmin(one.gap_mm))
        out[":".join(pair)] = {
            "gap_mm": _number(float(one.gap_mm[row])),
            "solver_error_mm": _number(float(one.error_mm[row])),
            "flexion_deg": _number(float(one.poses.angles_deg[row, 0])),
            "adduction_deg": _number(float(one.poses.angles_deg[row, 1])),
            "internal_rotation_deg": _number(float(one.poses.angles_deg[row, 2])),
            "sub_part": one.sub_parts[int(one.sub_part[row])],
            "on_femur_mm": _point(one.on_femur_mm[row]),
            "on_hip_bone_mm": _point(one.on_hip_bone_mm[row]),
        }
    return {"gap_mm": out[":".join(SPACE)]["gap_mm"], "pairs": out}


def _depth_words(one: Plan) -> str:
    """Origin and direction of a depth."""
    if one.cut is None:
        return "no cut"
    if one.cut.depth_mm is not None:
        return "from the trochanter's most prominent point along the plane's normal"
    return "greatest depth of the cut surface beneath the former surface"


def _status_words(found: HipPlans) -> str:
    """How the goal stands, in one sentence."""
    goal, side = found.plans[0].goal, found.hip.side.value.capitalize()
    wanted, known = found.need.wanted_mm, found.need
    if known.status == "met":
        return (
            f"{side} hip: the target of {wanted:g} mm is already met ({known.before_mm:.1f} mm; "
            f"{goal.words}): no cut."
        )
    if known.status == "beyond":
        return (
            f"{side} hip: {wanted:g} mm is out of reach; with all of the lesser trochanter removed flush "
            f"with the shaft the clearance is {known.best_mm:.1f} mm ({goal.words}). The cuts are for the "
            "best that can be reached."
        )
    return f"{side} hip: from {known.before_mm:.1f} to {wanted:g} mm ({goal.words})."


def _sentence(found: HipPlans, one: Plan) -> str:
    """A plan in one sentence."""
    if one.cut is None:
        return _status_words(found)
    over = " over the median gap" if one.goal.floor_mm.any() else ""
    words = (
        f"{one.cut.words.capitalize()}: {one.depth_mm:.0f} mm deep, {one.removed_mm3 / 1000:.1f} ml of bone, "
        f"{100 * one.lost.iliopsoas_fraction:.0f} % of the iliopsoas's attachment (template); clearance "
        f"{one.reached_mm:.1f} mm{over}"
    )
    others = {
        pair: float(gap.gap_mm.min())
        for pair, gap in one.after.items()
        if pair != SPACE and float(gap.gap_mm.min()) < one.reached_mm
    }
    if others:
        pair, gap = min(others.items(), key=lambda item: item[1])
        words += f", but {pair[0].replace('_', ' ')} and ischium are {gap:.1f} mm apart"
    if one.status == "beyond":
        words += f"; the goal of {one.goal.clearance_mm:g} mm is out of its reach"
    return words + "."


def _number(value: float) -> float:
    """Rounded to a micrometre, without a negative zero."""
    return round(float(value), _DECIMALS) + 0.0


def _vector(vector: Array) -> list[float]:
    """A direction."""
    return [round(float(value), 6) + 0.0 for value in vector]


def _point(point: Array) -> list[float]:
    """A point, to a micrometre."""
    return [_number(value) for value in point]

"""All of motion for one person, as plain values: examinations, limits, gait and spine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ischio._check import Array, CannotMeasure, complaint
from ischio.atlas.reference_gaps import PEOPLE, reference_gaps
from ischio.io.gait_trial import PERCENT, GaitCycle
from ischio.motion import spine
from ischio.motion.average_cycle import SOURCE as AVERAGE_SOURCE
from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import (
    EXAMINATIONS,
    PATHS,
    Finding,
    Reference,
    examine,
    percentile_of,
)
from ischio.motion.gait import BAND_WORDS, HipGait, gait_gaps, gait_path, in_zeros, peak_extension
from ischio.motion.limits import Limit, LimitPath, limit_paths, limit_words, limits
from ischio.motion.maps import MotionMap, motion_map
from ischio.motion.pairs import PAIR_WORDS, SPACE, Pair
from ischio.types import Hip, Pelvis, Side

EXTENSION_SENTENCE = (
    "Bone only: real hips stop near 10-20 degrees from soft tissue; the grey area is not reachable."
)
_WALKING, _WALKING_APART = "walking", "walking_abducted"
_APART_DEG = 10.0
_NEUTRAL = "extension_0_0_0"
_MAIN = ("stride_0.8", "stride_1.0", "stride_1.2")
_SHANK_PER_THIGH = 1.0  # both about a quarter of body height


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSettings:
    """What is known of a person beyond the bones, and how much to compute.

    Parameters
    ----------
    soft_tissue_deg : float
        Where the capsule stops extension, unless it was measured.
    passive_extension_deg : mapping of Side to float
        Measured: Thomas test or passive extension; it replaces the default.
    fused : tuple of str
        As ``spine.fused_parts`` gives them.
    cycles : mapping of Side to GaitCycle
        Recorded walking; the built-in average cycle where there is none.
    with_map : bool
        Compute the map of every degree, which takes a quarter of a minute a hip.

    Examples
    --------
    >>> MotionSettings(passive_extension_deg={Side.LEFT: 5.0}).soft_tissue(Side.LEFT)
    5.0
    """

    soft_tissue_deg: float = field(default_factory=spine.soft_tissue_deg)
    passive_extension_deg: Mapping[Side, float] = field(default_factory=dict)
    fused: tuple[str, ...] = ()
    cycles: Mapping[Side, GaitCycle] = field(default_factory=dict)
    with_map: bool = True

    def __post_init__(self) -> None:
        for name, angle in (
            ("soft-tissue limit", self.soft_tissue_deg),
            *((f"passive extension, {side.value}", one) for side, one in self.passive_extension_deg.items()),
        ):
            if not -30 <= angle <= 60:
                raise ValueError(
                    complaint(name, f"{angle:g}", "-30 to 60 degrees of extension", "Check sign and unit.")
                )

    def soft_tissue(self, side: Side) -> float:
        """Limit of extension by soft tissue on one side: measured, or the default."""
        return float(self.passive_extension_deg.get(side, self.soft_tissue_deg))


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Everything motion says of one person.

    Parameters
    ----------
    sections : mapping
        Plain values under ``examinations``, ``limits``, ``gait`` and ``spine``, for ``study.json``.
    maps : mapping of Side to MotionMap
        Arrays of every degree.
    """

    sections: Mapping[str, Any]
    maps: Mapping[Side, MotionMap]


def move(
    pelvis: Pelvis,
    settings: MotionSettings | None = None,
    *,
    jobs: int = 1,
    progress: Callable[[str, float], None] = lambda _words, _fraction: None,
) -> Motion:
    """Examine both hips, find their limits, walk them, and ask what the spine has to do.

    Parameters
    ----------
    pelvis : Pelvis
    settings : MotionSettings, optional
    jobs : int
        Threads; the result does not depend on it.
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    Motion
    """
    settings = settings or MotionSettings()
    known = {key: Reference(PEOPLE, gaps) for key, gaps in reference_gaps().items()}
    examinations: dict[str, Any] = {
        "zeros": {"pelvic_zero": "app", "rotation_zero": "pca"},
        "reference": {"people": PEOPLE, "n": 26, "posture": "model", "side": "left"},
        "findings": [],
        "reasons": {},
    }
    found_limits: dict[str, Any] = {
        "zeros": {"pelvic_zero": "app", "rotation_zero": "pca"},
        "sentence": EXTENSION_SENTENCE,
        "soft_tissue": {},
        "limits": [],
        "maps": [],
        "reasons": {},
    }
    gait: dict[str, Any] = {"rotation_band": BAND_WORDS, "hips": [], "reasons": {}}
    spines: dict[str, Any] = {
        "fused": list(settings.fused),
        "range_sources": list(spine.RANGE_SOURCES),
        "demand_source": spine.DEMAND_SOURCE,
        "evidence": _evidence(settings.fused),
        "hips": [],
        "reasons": {},
    }
    maps: dict[Side, MotionMap] = {}
    heads = [hip.landmarks.get("femoral_head_centre") for hip in pelvis.hips]
    half_width = None
    if len(heads) == 2 and heads[0] is not None and heads[1] is not None:
        half_width = float(np.linalg.norm(heads[0].point_mm - heads[1].point_mm)) / 2
    for number, hip in enumerate(pelvis.hips):
        side, start = hip.side.value, number / len(pelvis.hips)
        progress(f"examining the {side} hip", start)
        findings, reasons = examine(hip, known, jobs=jobs)
        examinations["findings"] += [_finding(side, one, known) for one in findings]
        examinations["reasons"][side] = reasons
        found_limits["soft_tissue"][side] = _soft_tissue(hip.side, settings)
        cycle = settings.cycles.get(hip.side) or average_cycle(hip.side)
        walk = None
        try:
            progress(f"walking the {side} hip", start)
            walk = gait_gaps(hip, cycle, jobs=jobs)
            gait["hips"].append(_gait(side, walk, known))
        except CannotMeasure as refusal:
            gait["reasons"][side] = str(refusal)
        try:
            progress(f"limits of the {side} hip", start)
            contacts, space, lacking = limits(hip, _with_walking(hip, cycle), jobs=jobs)
        except CannotMeasure as refusal:
            found_limits["reasons"][side] = {"all": str(refusal)}
            spines["reasons"][side] = str(refusal)
            continue
        found_limits["limits"] += [_limit(side, one, "any") for one in contacts]
        found_limits["limits"] += [_limit(side, one, "space") for one in space]
        found_limits["reasons"][side] = {_pair(pair): why for pair, why in lacking.items()}
        spines["hips"].append(_spine(hip, cycle, walk, contacts, space, settings, half_width))
        if settings.with_map and SPACE not in lacking:
            progress(f"mapping the {side} hip", start)
            maps[hip.side] = motion_map(hip, jobs=jobs)
            found_limits["maps"].append(_map(side, maps[hip.side]))
    return Motion({"examinations": examinations, "limits": found_limits, "gait": gait, "spine": spines}, maps)


def _pair(pair: Pair) -> str:
    """A pair as one name."""
    return ":".join(pair)


def _rounded(values: Array, decimals: int = 2) -> list[float]:
    """Numbers to two decimals, half the solver's error."""
    return [round(float(value), decimals) + 0.0 for value in values]


def _finding(side: str, one: Finding, known: Mapping[tuple[str, Pair], Reference]) -> dict[str, Any]:
    """A finding as plain values, with the reference people's band."""
    reference = known.get((one.path.name, one.pair))
    band = None
    if reference is not None:
        low, middle, high = np.percentile(reference.gap_mm, [10, 50, 90], axis=0)
        band = {"p10_mm": _rounded(low), "p50_mm": _rounded(middle), "p90_mm": _rounded(high)}
    return {
        "side": side,
        "examination": one.path.examination,
        "path": one.path.name,
        "movement": one.path.words,
        "moving": one.path.moving,
        "pair": _pair(one.pair),
        "is_headline": one.pair == one.path.pairs[0],
        "start_deg": list(one.path.start_deg),
        "end_deg": list(one.path.end_deg),
        "angle_deg": _rounded(one.angle_deg),
        "gap_mm": _rounded(one.gap_mm),
        "solver_error_mm": round(float(one.error_mm.max()), 3),
        "narrowest_deg": round(float(one.angle_deg[one.narrowest]), 2),
        "narrowest_mm": round(float(one.gap_mm[one.narrowest]), 2),
        "change_mm": round(one.change_mm, 2),
        "bone_contact": bool((one.gap_mm <= 0).any()),
        "levels": [
            {"clearance_mm": level.clearance_mm, "angle_deg": level.angle_deg} for level in one.levels
        ],
        "sub_part": one.sub_part,
        "percentile": None if one.percentile is None else round(one.percentile, 1),
        "n_reference": one.n_reference,
        "n_touching": one.n_touching,
        "reference": band,
        "sentence": one.words,
    }


def _limit(side: str, one: Limit, of: str) -> dict[str, Any]:
    """A limit as plain values."""
    return {
        "side": side,
        "path": one.path.name,
        "movement": one.path.words,
        "corners_deg": [list(corner) for corner in one.path.corners_deg],
        "moving": one.path.moving,
        "of": of,
        "clearance_mm": one.clearance_mm,
        "status": one.status,
        "angle_deg": None if one.angle_deg is None else round(one.angle_deg, 2),
        "solver_error_deg": None if one.error_deg is None else round(one.error_deg, 2),
        "closing_mm_per_deg": None if one.speed_mm_per_deg is None else round(one.speed_mm_per_deg, 3),
        "pair": None if one.pair is None else _pair(one.pair),
        "sub_part": one.sub_part,
        "end_deg": one.end_deg,
        "sentence": limit_words(one),
    }


def _map(side: str, one: MotionMap) -> dict[str, Any]:
    """The map of extension limits as plain values."""
    return {
        "side": side,
        "adduction_deg": one.adduction_deg.tolist(),
        "internal_rotation_deg": one.rotation_deg.tolist(),
        "extension_deg": one.extension_deg.tolist(),
        "ended_by": one.ended_by.astype(int).tolist(),
        "pairs": [_pair(pair) for pair in one.pairs],
        "most_extension_deg": float(-one.flexion_deg.min()),
        "reachable_poses": int(one.reachable.sum()),
        "poses": int(one.reachable.size),
        "reasons": {_pair(pair): why for pair, why in one.reasons.items()},
    }


def _soft_tissue(side: Side, settings: MotionSettings) -> dict[str, Any]:
    """The limit of soft tissue on one side and where it comes from."""
    measured = side in settings.passive_extension_deg
    return {
        "extension_deg": settings.soft_tissue(side),
        "measured": measured,
        "source": "measured passive extension of this person" if measured else spine.soft_tissue_source(),
    }


def _gait(side: str, walk: HipGait, known: Mapping[tuple[str, Pair], Reference]) -> dict[str, Any]:
    """A hip's walking as plain values."""
    cycle, own = walk.cycle, walk.gaps["stride_1.0"]
    is_average = cycle.source == AVERAGE_SOURCE
    reference = known.get((gait_path("stride_1.0"), SPACE)) if is_average else None
    least = float(own.gap_mm[own.closest])
    band = None
    if reference is not None:
        low, middle, high = np.percentile(reference.gap_mm, [10, 50, 90], axis=0)
        band = {"p10_mm": _rounded(low), "p50_mm": _rounded(middle), "p90_mm": _rounded(high)}
    variants = [
        {
            "variant": one.variant,
            "words": one.words,
            "least_mm": round(float(one.gap_mm.min()), 2),
            "greatest_mm": round(float(one.gap_mm.max()), 2),
            "at_percent": float(PERCENT[one.closest]),
            "sub_part": one.sub_part,
            "bone_contact": bool((one.gap_mm <= 0).any()),
            "gap_mm": _rounded(one.gap_mm) if one.variant in _MAIN else None,
        }
        for one in walk.gaps.values()
    ]
    return {
        "side": side,
        "source": cycle.source,
        "is_average": is_average,
        "starts_at": cycle.starts_at,
        "n_cycles": len(cycle.all_deg),
        "duration_s": cycle.duration_s,
        "pelvic_zero": cycle.pelvic_zero,
        "rotation_zero": cycle.rotation_zero,
        "standing_flexion_deg": round(float(walk.standing_deg[0]), 2),
        "percent": PERCENT.tolist(),
        "flexion_deg": _rounded(cycle.angles_deg[:, 0]),
        "adduction_deg": _rounded(cycle.angles_deg[:, 1]),
        "internal_rotation_deg": _rounded(cycle.angles_deg[:, 2]),
        "solver_error_mm": round(float(own.error_mm.max()), 3),
        "closest_percent": float(PERCENT[own.closest]),
        "closest_mm": round(least, 2),
        "sub_part": own.sub_part,
        "least_of_each_cycle_mm": _rounded(walk.every_mm),
        "band_low_mm": _rounded(walk.band_mm[0]),
        "band_high_mm": _rounded(walk.band_mm[1]),
        "variants": variants,
        "percentile": None
        if reference is None
        else round(percentile_of(least, reference.gap_mm[:, own.closest]), 1),
        "n_touching": None if reference is None else int((reference.gap_mm.min(axis=1) <= 0).sum()),
        "reference": band,
        "notes": list(cycle.notes),
    }


def _with_walking(hip: Hip, cycle: GaitCycle) -> tuple[LimitPath, ...]:
    """The usual paths, and extension as it happens in the cycle, with its adduction and rotation."""
    try:
        row = int(np.argmin(cycle.angles_deg[:, 0]))
        zeros = cycle.pelvic_zero, cycle.rotation_zero
        _, adduction, rotation = in_zeros(hip, cycle.angles_deg[row : row + 1], zeros, ("app", "pca"))[0]
    except CannotMeasure:
        return limit_paths()
    start = (0.0, round(float(adduction), 1), round(float(rotation), 1))
    words = "extension with adduction and rotation as at peak extension in walking"
    corners = ((0.0, 0.0, 0.0), start, (-60.0, *start[1:]))
    apart = (0.0, start[1] - _APART_DEG, start[2])
    wider = LimitPath(
        _WALKING_APART,
        f"{words}, and {_APART_DEG:g} degrees more abduction",
        ((0.0, 0.0, 0.0), apart, (-60.0, *apart[1:])),
        "extension",
    )
    return (*limit_paths(), LimitPath(_WALKING, words, corners, "extension"), wider)


def _spine(
    hip: Hip,
    cycle: GaitCycle,
    walk: HipGait | None,
    contacts: tuple[Limit, ...],
    space: tuple[Limit, ...],
    settings: MotionSettings,
    half_width: float | None,
) -> dict[str, Any]:
    """Demands, limits, deficits and scenarios of one hip as plain values."""
    soft = settings.soft_tissue(hip.side)
    neutral = next(one for one in contacts if one.path.name == _NEUTRAL)
    walking = next((one for one in contacts if one.path.name == _WALKING), neutral)
    try:
        own_demand: float | None = peak_extension(hip, cycle)
    except CannotMeasure:
        own_demand = None
    demands = list(spine.published_demands())
    if own_demand is not None:
        whose = "the average cycle" if cycle.source == AVERAGE_SOURCE else "this person's walking"
        demands.insert(0, (whose, own_demand))
        demands += [(f"{whose}, stride scaled by {k:g}", k * own_demand) for k in (0.8, 1.2)]
    rows = [spine.deficit(name, demand, _bony(walking), soft) for name, demand in demands]
    first = rows[0]
    joint = f"sacroiliac_{hip.side.value}"
    leg = None
    if "knee_centre" in hip.landmarks:
        thigh = float(np.linalg.norm(hip.point("knee_centre") - hip.point("femoral_head_centre")))
        leg = thigh * (1 + _SHANK_PER_THIGH)
    ways = spine.scenarios(
        first.deficit_deg, first.demand_deg, settings.fused, joint, half_width_mm=half_width, leg_mm=leg
    )
    return {
        "side": hip.side.value,
        "soft_tissue": _soft_tissue(hip.side, settings),
        "bony_limit_deg": _bony(neutral),
        "bony_limit_status": neutral.status,
        "bony_limit_walking_deg": _bony(walking),
        "bony_limit_walking_status": walking.status,
        "deficits": [
            {
                "demand": one.name,
                "demand_deg": round(one.demand_deg, 2),
                "limit_deg": round(one.limit_deg, 2),
                "limited_by": one.limited_by,
                "deficit_deg": round(one.deficit_deg, 2),
            }
            for one in rows
        ],
        "scenarios": [
            {
                "name": way.name,
                "words": way.words,
                "covers_deg": _rounded(np.array(way.covers_deg)),
                "left_deg": _rounded(np.array(way.left_deg)),
                "parts": [
                    {
                        "what": part.what,
                        "low": round(part.low, 2),
                        "high": round(part.high, 2),
                        "unit": part.unit,
                    }
                    for part in way.parts
                ],
            }
            for way in ways
        ],
        "what_ifs": _what_ifs(walk, contacts, space, first.demand_deg, soft),
    }


def _bony(limit: Limit) -> float | None:
    """Extension at bone contact; 0 where it is not reachable at all, ``None`` where there is none."""
    if limit.status == "unreachable":
        return 0.0
    return None if limit.angle_deg is None else round(limit.angle_deg, 2)


def _what_ifs(
    walk: HipGait | None,
    contacts: tuple[Limit, ...],
    space: tuple[Limit, ...],
    demand: float,
    soft: float,
) -> list[dict[str, Any]]:
    """Advice on walking, tried: shorter strides, hips apart; and what wider clearance would ask for."""
    out = []
    known = _WALKING if any(one.path.name == _WALKING for one in contacts) else _NEUTRAL
    for words, name, path, share in (
        ("as it is", "stride_1.0", _WALKING, 1.0),
        ("shorter strides (0.8)", "stride_0.8", _WALKING, 0.8),
        ("longer strides (1.2)", "stride_1.2", _WALKING, 1.2),
        ("10 degrees more abduction", "abduction_10", _WALKING_APART, 1.0),
    ):
        by_name = {one.path.name: one for one in contacts}
        limit = by_name.get(path) or by_name["extension_0_-10_0" if path == _WALKING_APART else _NEUTRAL]
        row = spine.deficit(words, share * demand, _bony(limit), soft)
        gap = None if walk is None else round(float(walk.gaps[name].gap_mm.min()), 2)
        out.append(
            {
                "what_if": words,
                "least_gap_mm": gap,
                "demand_deg": round(row.demand_deg, 2),
                "bony_limit_deg": row.bony_limit_deg,
                "deficit_deg": round(row.deficit_deg, 2),
            }
        )
    for one in space:
        if one.path.name == known and one.clearance_mm > 0:
            row = spine.deficit("clearance", demand, _bony(one), soft)
            out.append(
                {
                    "what_if": f"lesser trochanter and ischium kept {one.clearance_mm:g} mm apart",
                    "least_gap_mm": one.clearance_mm,
                    "demand_deg": round(row.demand_deg, 2),
                    "bony_limit_deg": row.bony_limit_deg,
                    "deficit_deg": round(row.deficit_deg, 2),
                }
            )
    return out


def _evidence(fused: tuple[str, ...]) -> list[str]:
    """Evidence for and against, and what fusion changes of it."""
    out = list(spine.evidence_words())
    dead = [level for level in ("L3-L4", "L4-L5") if level in fused]
    if dead:
        alive = [level for level in ("L3-L4", "L4-L5") if level not in fused]
        out.append(
            f"In this person {' and '.join(dead)} is fused: the cadaver result cannot hold there; it can "
            f"hold for {' and '.join(alive) or 'no level'} at most, as a hypothesis."
        )
    return out


__all__ = ["EXAMINATIONS", "EXTENSION_SENTENCE", "PAIR_WORDS", "PATHS", "Motion", "MotionSettings", "move"]

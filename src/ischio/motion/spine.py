"""What a blocked hip asks of the spine: demand, limit, deficit, and three ways to make up for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ischio._check import InputError, complaint
from ischio.evidence import evidence

LEVELS = ("L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1")
JOINTS = ("sacroiliac_right", "sacroiliac_left")
RANGE_SOURCES = (
    "flexion and extension together: White and Panjabi 1990, representative values (unverified)",
    "extension alone: Pearcy et al. 1984, Spine 9:294, 11 young men standing (unverified)",
)
MOST_PELVIC_ROTATION_DEG = 10.0  # beyond what the cycle has: an assumption, stated with the result
_DEMANDS = (
    ("young adults, comfortable speed", "gait_extension_young"),
    ("young adults, fast", "gait_extension_young_fast"),
    ("older adults, comfortable speed", "gait_extension_old"),
    ("older adults, fast", "gait_extension_old_fast"),
)
DEMAND_SOURCE = "10.1016/j.apmr.2005.03.008, 25 young (26 years) and 25 older people (71 years)"
_ROTATION = (
    "Against: in 59 people with chronic back pain and limited hip extension, the limitation went with "
    "compensatory rotation of the lumbar spine, not with extension (10.12659/MSM.925080)."
)
_PAINLESS = "Against: the patient of the index case had no pain in lumbar hyperextension."


def published_demands() -> tuple[tuple[str, float], ...]:
    """Mean peak extension of the hip in walking, by group and speed, in degrees."""
    return tuple((words, _figure(name)) for words, name in _DEMANDS)


def soft_tissue_deg() -> float:
    """Extension at which soft tissue stops a hip, where this person's was not measured."""
    return _figure("passive_extension_soft_tissue")


def soft_tissue_source() -> str:
    """Where that figure comes from."""
    band = evidence().figure("passive_extension_soft_tissue")
    women, men = _figure("passive_extension_women"), _figure("passive_extension_men")
    return (
        f"passive extension of adults, {band.low:g} to {band.high:g} degrees; CDC, Soucie et al. 2011, gives "
        f"{women:g} in women and {men:g} in men of 45 to 69 years (unverified); a measured passive extension "
        "replaces it"
    )


def evidence_words() -> tuple[str, ...]:
    """What speaks for and against an effect of the hip on the spine, one sentence each."""
    cadavers = (
        "For: in cadavers with simulated ischiofemoral impingement, hip extension raised facet load by "
        f"{_figure('facet_load_rise'):g} % at L3-L4 and L4-L5 (Gomez-Hoyos 2017, Arthroscopy 33:101, as the "
        "same group quotes it). The angle of extension, loads by side and number of specimens were not "
        "verified; no load of a living person follows."
    )
    before, after = evidence().figure("odi_before_resection"), evidence().figure("odi_after_resection")
    resection = (
        f"For: low back pain improved after resection of the lesser trochanter in {before.n} patients (ODI "
        f"{before.value:g} to {after.value:g}); six of 30 were lost or excluded from the means, and there "
        "were no controls."
    )
    return cadavers, resection, _ROTATION, _PAINLESS


def _figure(name: str) -> float:
    """The value of a figure of the evidence base."""
    value = evidence().figure(name).value
    assert value is not None  # these figures have one
    return value


def _ranges(kind: str) -> dict[str, float]:
    """Range of each level; unverified, it only shares out and measures nothing."""
    return {level: _figure(f"{kind}_{level.lower().replace('-', '_')}") for level in LEVELS}


@dataclass(frozen=True, slots=True)
class Part:
    """One contribution to a scenario.

    Parameters
    ----------
    what : str
    low, high : float
        Bounds, in ``unit``.
    unit : str
    """

    what: str
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which a deficit may be made up for.

    Parameters
    ----------
    name : str
        "lumbar", "pelvis_and_step" or "knee".
    words : str
    covers_deg : (float, float)
        Bounds of what it can cover of the deficit.
    left_deg : (float, float)
        Bounds of what stays uncovered.
    parts : tuple of Part
    """

    name: str
    words: str
    covers_deg: tuple[float, float]
    left_deg: tuple[float, float]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Deficit:
    """What walking asks of the hip, what the hip gives, and what is missing.

    Parameters
    ----------
    name : str
        Of the demand.
    demand_deg : float
        Peak extension beyond the standing-like pose.
    bony_limit_deg : float or None
        ``None``: no contact within the path.
    soft_tissue_deg : float
    limit_deg : float
        The smaller of the two.
    limited_by : str
        "bone" or "soft tissue".
    deficit_deg : float
    """

    name: str
    demand_deg: float
    bony_limit_deg: float | None
    soft_tissue_deg: float
    limit_deg: float
    limited_by: str
    deficit_deg: float


def deficit(name: str, demand_deg: float, bony_limit_deg: float | None, soft_tissue_deg: float) -> Deficit:
    """Demand less limit, not below 0.

    Parameters
    ----------
    name : str
    demand_deg : float
    bony_limit_deg : float or None
    soft_tissue_deg : float

    Returns
    -------
    Deficit

    Examples
    --------
    >>> deficit("walking", 11.0, 4.0, 15.0).deficit_deg
    7.0
    >>> deficit("walking", 11.0, None, 15.0).limited_by
    'soft tissue'
    """
    bone_first = bony_limit_deg is not None and bony_limit_deg <= soft_tissue_deg
    limit = float(bony_limit_deg) if bone_first and bony_limit_deg is not None else soft_tissue_deg
    return Deficit(
        *(name, demand_deg, bony_limit_deg, soft_tissue_deg, limit),
        "bone" if bone_first else "soft tissue",
        max(0.0, demand_deg - limit),
    )


def fused_parts(words: Iterable[str]) -> tuple[str, ...]:
    """Levels and joints that do not move, from names such as "L4-S1", "L4-L5" or "sacroiliac_left".

    Parameters
    ----------
    words : iterable of str

    Returns
    -------
    tuple of str
        In the order of ``LEVELS`` and ``JOINTS``.

    Raises
    ------
    InputError
        If a word is no level, span of levels or joint.

    Examples
    --------
    >>> fused_parts(["L4-S1", "sacroiliac_right"])
    ('L4-L5', 'L5-S1', 'sacroiliac_right')
    """
    order = ("L1", "L2", "L3", "L4", "L5", "S1")
    found: set[str] = set()
    for word in words:
        high, _, low = word.upper().partition("-")
        if word in JOINTS:
            found.add(word)
        elif high in order and low in order and order.index(high) < order.index(low):
            found.update(LEVELS[order.index(high) : order.index(low)])
        else:
            raise InputError(
                complaint("fused levels", repr(word), f"L1-L2, L4-S1 or one of {list(JOINTS)}", "Correct it.")
            )
    return tuple(one for one in (*LEVELS, *JOINTS) if one in found)


def scenarios(
    deficit_deg: float,
    demand_deg: float,
    fused: Sequence[str],
    side_joint: str,
    *,
    half_width_mm: float | None = None,
    leg_mm: float | None = None,
) -> tuple[Scenario, ...]:
    """Three ways to make up for a deficit, each with bounds.

    Parameters
    ----------
    deficit_deg, demand_deg : float
    fused : sequence of str
        As ``fused_parts`` gives them.
    side_joint : str
        The sacroiliac joint of this side, one of ``JOINTS``.
    half_width_mm, leg_mm : float, optional
        From the midline to the head centre, and from there to the ankle: what rotation of the pelvis is
        worth. Without them rotation covers nothing here.

    Returns
    -------
    tuple of Scenario
        Lumbar; pelvis and step; knee.

    Notes
    -----
    Mobile levels share by segmental range of motion. Two sources give two shares, which are the bounds of
    each level; no single figure for a level follows. The lumbar spine covers at least the sum of extension
    of its mobile levels (Pearcy) and at most half of their range of flexion and extension, a sacroiliac
    joint 0 to 2 degrees.
    """
    mobile = [level for level in LEVELS if level not in fused]
    joint = 0.0 if side_joint in fused else _figure("sacroiliac_motion")
    whole_range, extension = _ranges("flexion_extension"), _ranges("extension")
    least = sum(extension[level] for level in mobile)
    most = sum(whole_range[level] for level in mobile) / 2 + joint
    covered = (min(deficit_deg, least), min(deficit_deg, most))
    parts = []
    for level in mobile:
        shares = [table[level] / sum(table[one] for one in mobile) for table in (whole_range, extension)]
        parts.append(Part(level, min(shares) * covered[0], max(shares) * covered[1], "deg"))
    parts += [Part(level, 0.0, 0.0, "deg") for level in LEVELS if level in fused]
    parts.append(Part(side_joint, 0.0, min(joint, covered[1]), "deg"))
    moving = ", ".join(mobile) or "no level"
    lumbar = Scenario(
        "lumbar",
        f"the pelvis tilts forward and the lumbar spine extends; mobile: {moving}"
        + ("" if joint else "; the sacroiliac joint of this side is fused"),
        covered,
        (deficit_deg - covered[1], deficit_deg - covered[0]),
        tuple(parts),
    )
    worth = 0.0
    if half_width_mm is not None and leg_mm is not None:
        reach = half_width_mm * np.sin(np.radians(MOST_PELVIC_ROTATION_DEG))
        worth = float(np.degrees(np.arctan2(reach, leg_mm)))
    rotated = min(deficit_deg, worth)
    share = 0.0 if demand_deg <= 0 else deficit_deg / demand_deg
    least_share = 0.0 if demand_deg <= 0 else (deficit_deg - rotated) / demand_deg
    pelvis = Scenario(
        "pelvis_and_step",
        "the pelvis turns further back on this side and the step behind the body gets shorter",
        (deficit_deg, deficit_deg),
        (0.0, 0.0),
        (
            Part("further pelvic rotation", 0.0, MOST_PELVIC_ROTATION_DEG if deficit_deg > 0 else 0.0, "deg"),
            Part("extension that it saves", 0.0, rotated, "deg"),
            Part("backward step shorter by", 100 * least_share, 100 * share, "%"),
        ),
    )
    knee = Scenario(
        "knee",
        "the knee bends late in stance: by the deficit if the foot comes forward, by twice as much if the "
        "foot stays where it was (thigh and shank of one length)",
        (deficit_deg, deficit_deg),
        (0.0, 0.0),
        (Part("further knee flexion", deficit_deg, 2 * deficit_deg, "deg"),),
    )
    return lumbar, pelvis, knee

"""Approaches to the lesser trochanter: from which side a burr comes, and how far it can be turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ischio._check import Array, InputError, complaint
from ischio.plan.site import Site

TEMPLATE = (
    "Directions, turns of the leg and widths of the cones are template settings of this software: no study "
    "gives them."
)


@dataclass(frozen=True, slots=True)
class Approach:
    """Where a burr comes from.

    Parameters
    ----------
    name : str
    lateral_deg : float
        In the patient, from straight behind towards lateral, about the body's long axis; 180 is straight from
        the front.
    turned_in_deg : float
        How far the leg is turned inwards meanwhile; negative: outwards.
    half_angle_deg : float
        Of the cone round that direction.
    words : str
        Provenance: who went this way. No advice.
    source : str
    """

    name: str
    lateral_deg: float
    turned_in_deg: float
    half_angle_deg: float
    words: str
    source: str


APPROACHES = {
    one.name: one
    for one in (
        Approach(
            "posterolateral",
            40.0,
            40.0,
            30.0,
            "endoscopic, through a window in the quadratus femoris between the medial femoral circumflex "
            "artery and the first perforating artery: the published case, both hips",
            "Farrell 2022; series of 5 by the same method: Hatem 2015, 10.1016/j.arthro.2014.07.031",
        ),
        Approach(
            "posterior",
            0.0,
            30.0,
            30.0,
            "prone, straight from behind: tendon mostly spared, sciatic nerve exposed; one technique takes "
            "everything flush with the cortex, another goes endoscopically from behind",
            "Anderson 2022 (5.5 mm burr, flush); Aguilera-Bohorquez 2020 (16 hips)",
        ),
        Approach(
            "anterior",
            180.0,
            -60.0,
            30.0,
            "from the front, leg turned out, through or around the iliopsoas: its tendon is likely released",
            "class of approaches as reviews name it; no series with its figures was read",
        ),
    )
}
"""By name. The directions are templates; see ``TEMPLATE``."""


def approach_of(name: str) -> Approach:
    """The approach of a name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> approach_of("posterior").lateral_deg
    0.0
    """
    if name not in APPROACHES:
        raise InputError(complaint("approach", repr(name), f"one of {list(APPROACHES)}", "Choose one."))
    return APPROACHES[name]


def axis_of(site: Site, approach: Approach) -> Array:
    """Axis of an approach's cone in the femur as supplied, out of the bone, shape (3,), patient frame."""
    # A leg turned inwards takes its back to lateral: seen from the femur, the burr comes from further medial.
    turn = np.radians(approach.lateral_deg - approach.turned_in_deg)
    out: Array = np.cos(turn) * site.back - np.sin(turn) * site.medial
    return out


def axes_within(site: Site, approach: Approach) -> Array:
    """Directions within an approach's cone, its axis first.

    Parameters
    ----------
    site : Site
    approach : Approach

    Returns
    -------
    array of shape (19, 3), patient frame
        Unit vectors out of the bone: the axis, 6 half way to the cone's edge, 12 on it.
    """
    middle = axis_of(site, approach)
    across = np.stack([site.up, np.cross(site.up, middle)])
    leaning = [middle]
    for share, n in ((0.5, 6), (1.0, 12)):
        lean = np.radians(share * approach.half_angle_deg)
        for turn in 2 * np.pi * np.arange(n) / n:
            flat = np.cos(turn) * across[0] + np.sin(turn) * across[1]
            leaning.append(np.cos(lean) * middle + np.sin(lean) * flat)
    return np.array(leaning)

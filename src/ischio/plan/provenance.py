"""What others did, and where structures lie: approaches, rehabilitation, nerve and vessels, with sources."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ischio._check import Array
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.plan.approach import APPROACHES, TEMPLATE

_HAPA = "Hapa 2018, 15 hips of 8 men: 20 mm or more from the trochanter's tip"
_ARTERY = (
    "trochanteric branch at the upper border of the quadratus femoris, 6 mm (men) and 9.5 mm (women) from "
    "the upper outer corner of its insertion; deep branch behind the obturator externus"
)
STRUCTURES: dict[str, tuple[str, str, float | None]] = {
    "quadratus_femoris_insertion": (
        "on the quadrate tubercle of the crest and the line below it, lateral to the lesser trochanter",
        f"{_HAPA} (its tendon)",
        None,
    ),
    "medial_femoral_circumflex_artery": (
        _ARTERY,
        f"{_HAPA}; Freitas 2012, 12 hips; Gautier 2000, 24 hips",
        10.0,
    ),
    "first_perforator": (
        "lower limit of the window in the quadratus femoris; its distance is not known",
        "Farrell 2022",
        None,
    ),
    "sciatic_nerve": (
        "on the quadratus femoris, lateral to the ischial tuberosity; assume the nerve is in the field",
        f"{_HAPA}; 10 to 20 mm from the tuberosity is unverified",
        15.0,
    ),
}
"""By name: template position, source, and a no-go distance in mm, an engineering margin."""

REHABILITATION = (
    ("weight bearing", "as tolerated", "Farrell 2022, the published case, both operations"),
    ("weight bearing", "crutches for 4 to 6 weeks", "Wilson 2016, 7 people"),
    (
        "weight bearing",
        "touch-down for 6 weeks, against stress fractures",
        "Anderson 2022, technique",
    ),
    ("active hip flexion", "avoided for 6 weeks", "Farrell 2022, description of the case"),
    ("active hip flexion", "avoided for 6 months", "Farrell 2022, discussion: the same case"),
)
"""What protocols ask for: subject, words, source. They disagree, and no study compares them."""

_NOT_MARKED = "not marked by anyone: bones do not show it"


def protocols() -> list[dict[str, Any]]:
    """Rehabilitation as published, one row for each statement, and whether others disagree."""
    subjects = [subject for subject, _, _ in REHABILITATION]
    return [
        {
            "subject": subject,
            "words": words,
            "source": source,
            "status": "conflicting" if subjects.count(subject) > 1 else "stated",
        }
        for subject, words, source in REHABILITATION
    ]


def approaches() -> list[dict[str, Any]]:
    """Approaches as published, with the cone that a burr is kept in."""
    return [
        {
            "name": one.name,
            "words": one.words,
            "source": one.source,
            "from_behind_towards_lateral_deg": one.lateral_deg,
            "leg_turned_in_deg": one.turned_in_deg,
            "cone_half_angle_deg": one.half_angle_deg,
            "cone_source": TEMPLATE,
        }
        for one in APPROACHES.values()
    ]


def structures(marked_mm: Mapping[str, Array], cut_mm: Array | None) -> list[dict[str, Any]]:
    """Structures round the trochanter, with their distance from a cut where somebody marked them.

    Parameters
    ----------
    marked_mm : mapping of str to array of shape (N, 3), mm, patient frame
        Points along a structure, in order, by its name.
    cut_mm : array of shape (F, 3, 3), mm, or None
        Surface of a cut.

    Returns
    -------
    list of dict
        ``distance_mm`` is ``None`` with a reason where nobody marked the structure, or nothing was cut.

    Notes
    -----
    Between two marked points the structure is taken as straight; points a millimetre apart are asked.
    """
    rows = []
    for name, (words, source, margin) in STRUCTURES.items():
        row: dict[str, Any] = {"name": name, "words": words, "source": source, "no_go_mm": margin}
        reason = _NOT_MARKED if name not in marked_mm else None
        if reason is None and (cut_mm is None or len(cut_mm) == 0):
            reason = "nothing is cut"
        distance = None
        if reason is None and cut_mm is not None:
            distance = round(nearest(_filled(marked_mm[name]), cut_mm), 2)
        inside = None if distance is None or margin is None else distance < margin
        rows.append(row | {"distance_mm": distance, "reason": reason, "within_no_go": inside})
    return rows


def _filled(points_mm: Array) -> Array:
    """Points at most a millimetre apart along a line of points."""
    pieces = [points_mm[-1:]]
    for one, two in pairwise(points_mm):
        share = np.linspace(0.0, 1.0, int(np.ceil(np.linalg.norm(two - one))) + 1)[:, None]
        pieces.append(one + share * (two - one))
    return np.concatenate(pieces)


def nearest(points_mm: Array, triangles_mm: Array) -> float:
    """Least distance of points (N, 3) from triangles (F, 3, 3), mm."""
    best = np.inf
    for point in points_mm:
        feet = closest_on_triangles(np.broadcast_to(point, (len(triangles_mm), 3)), triangles_mm)
        best = min(best, float(np.linalg.norm(feet - point, axis=1).min()))
    return best

"""Pairs of regions that can meet, and their gaps in the same poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ischio._check import CannotMeasure
from ischio.motion.sweep import clearance
from ischio.types import Clearance, Hip, PoseSet, Region

Pair = tuple[str, str]
SPACE: Pair = ("lesser_trochanter", "ischium")
CREST: Pair = ("intertrochanteric_crest", "ischium")
GREATER: Pair = ("greater_trochanter", "ischium")
FRONT: Pair = ("neck", "acetabular_rim_front")
BEHIND: Pair = ("neck", "acetabular_rim_behind")
PAIRS: tuple[Pair, ...] = (SPACE, CREST, GREATER, FRONT, BEHIND)
"""Every pair that can end a movement; the first is the ischiofemoral space."""

PAIR_WORDS = {
    SPACE: "lesser trochanter and ischium",
    CREST: "intertrochanteric crest and ischium",
    GREATER: "greater trochanter and ischium",
    FRONT: "neck and rim in front",
    BEHIND: "neck and rim behind",
}
_HALVES = "acetabular_rim_front", "acetabular_rim_behind"


def with_rim_halves(hip: Hip) -> Hip:
    """A hip whose acetabular rim is also there in two halves, in front and behind.

    Parameters
    ----------
    hip : Hip

    Returns
    -------
    Hip
        With the regions ``acetabular_rim_front`` and ``acetabular_rim_behind``, or as it was where it
        has no rim or no pelvic frame.

    Notes
    -----
    The halves meet in the plane through the centre of the femoral head that holds the socket's opening
    direction (from the head to the middle of the rim) and the up direction of the anterior pelvic plane.
    """
    frame = hip.frames.get("pelvis_app_from_patient")
    known = "acetabular_rim" in hip.regions and "femoral_head_centre" in hip.landmarks
    if frame is None or not known or _HALVES[0] in hip.regions:
        return hip
    rim = hip.regions["acetabular_rim"]
    triangles = hip.region_triangles("acetabular_rim")
    middles = triangles.mean(axis=1)
    areas = np.linalg.norm(
        np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1
    )
    up, forward = frame.matrix[1, :3], frame.matrix[0, :3]
    head = hip.point("femoral_head_centre")
    opening = np.average(middles, axis=0, weights=areas) - head
    across = np.cross(up, opening)
    across *= np.sign(across @ forward)
    front = (middles - head) @ across > 0
    regions = dict(hip.regions)
    for name, own in zip(_HALVES, (front, ~front), strict=True):
        if own.any():
            regions[name] = Region(
                name,
                hip.side,
                rim.bone,
                rim.face_indices[own],
                float(areas[own].sum() / 2),
                "rim_halves@1",
            )
    return replace(hip, regions=regions)


def pair_gaps(
    hip: Hip, poses: PoseSet, pairs: Sequence[Pair] = PAIRS, *, jobs: int = 1
) -> tuple[dict[Pair, Clearance], dict[Pair, str]]:
    """Compute the gaps of several pairs in the same poses.

    Parameters
    ----------
    hip : Hip
    poses : PoseSet
    pairs : sequence of (str, str)
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    gaps : dict of pair to Clearance
    reasons : dict of pair to str
        Why a pair has none.

    Raises
    ------
    CannotMeasure
        If there is no gap for any pair.
    """
    whole = with_rim_halves(hip)
    gaps: dict[Pair, Clearance] = {}
    reasons: dict[Pair, str] = {}
    for pair in pairs:
        lacking = [name for name in pair if name not in whole.regions]
        if lacking:
            name = lacking[0]
            why = hip.reasons.get(name, hip.reasons.get("acetabular_rim", "it was not found"))
            reasons[pair] = f"{name.replace('_', ' ')} is missing: {why}"
            continue
        try:
            gaps[pair] = clearance(whole, poses, pair=pair, jobs=jobs)
        except CannotMeasure as refusal:
            reasons[pair] = str(refusal)
    if not gaps:
        raise CannotMeasure(next(iter(reasons.values()), "no pair was asked for"))
    return gaps, reasons

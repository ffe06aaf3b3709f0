"""Where a cut lies, in millimetres from what fluoroscopy or the endoscope shows."""

from __future__ import annotations

from typing import Any

from ischio.plan.provenance import nearest
from ischio.plan.site import TROCHANTER, Resection, Site

GREATER_TIP = "greater_trochanter_superior"


def distances(site: Site, resection: Resection, reached_mm: float) -> list[dict[str, Any]]:
    """Distances of a cut from landmarks that can be seen.

    Parameters
    ----------
    site : Site
    resection : Resection
    reached_mm : float
        Clearance after it, over the poses of its goal.

    Returns
    -------
    list of dict
        ``name``, ``words``, ``mm`` and ``seen_by``: "fluoroscopy", "endoscope" or both; ``mm`` is ``None``
        with a ``reason`` where the landmark is not known. Empty where nothing is cut.

    Notes
    -----
    Up and down are along the shaft, which an image across it shows in true length; heights over the shaft are
    across the smooth femur, the surface that shaft and neck base would have without a trochanter.
    """
    if len(resection.cut_mm) == 0:
        return []
    cut = resection.cut_mm.reshape(-1, 3)
    whole = site.hip.region_triangles(TROCHANTER).reshape(-1, 3)
    upper, lower = (cut @ site.up).max(), (cut @ site.up).min()
    base, tip = whole @ site.up, site.tip_mm @ site.up
    height = site.smooth.height(cut)
    straight = nearest(site.tip_mm[None], resection.cut_mm)
    both, scope = "fluoroscopy and endoscope", "endoscope"
    rows = [
        ("tip_to_cut", "from the former tip straight to the cut", straight, both),
        ("above_tip", "cut's upper edge above the former tip", upper - tip, both),
        ("below_tip", "cut's lower edge below the former tip", tip - lower, both),
        (
            "below_base_top",
            "cut's upper edge below the top of the trochanter's base",
            base.max() - upper,
            both,
        ),
        (
            "above_base_end",
            "cut's lower edge above the end of the trochanter's base",
            lower - base.min(),
            both,
        ),
        ("least_over_shaft", "cut's lowest place over the shaft's surface", max(height.min(), 0.0), both),
        ("greatest_over_shaft", "cut's highest place over the shaft's surface", height.max(), both),
        ("to_ischium", "nearest bone left to the ischium, in the poses of the goal", reached_mm, scope),
    ]
    out = [
        {"name": name, "words": words, "mm": round(float(mm), 1) + 0.0, "reason": None, "seen_by": seen}
        for name, words, mm, seen in rows
    ]
    greater: dict[str, Any] = {
        "name": "below_greater_trochanter",
        "words": "cut's upper edge below the tip of the greater trochanter",
        "mm": None,
        "reason": site.hip.reasons.get(GREATER_TIP, "its tip is not known for this hip"),
        "seen_by": "fluoroscopy",
    }
    if GREATER_TIP in site.hip.landmarks:
        apart = float(site.hip.point(GREATER_TIP) @ site.up - upper)
        greater |= {"mm": round(apart, 1) + 0.0, "reason": None}
    return [*out, greater]

"""The report's part on planned resections: pictures of each cut, and its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ischio._check import Array
from ischio.plan import HipPlans, Plan
from ischio.report.drawing import Surface, draw
from ischio.report.overlay import Marks, svg
from ischio.report.pictures import TINTS
from ischio.report.views import anatomical_directions, camera_at, letters
from ischio.types import Hip

Row = Mapping[str, Any]
_WIDTH_MM = 110.0
_CUT = "#cc79a7"  # reddish purple of Okabe and Ito, used nowhere else on the femur


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan: its row of ``study.json``, and its pictures."""

    row: Row
    svgs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PlanHip:
    """One hip: what holds for all its plans, and the plans."""

    row: Row
    plans: tuple[PlanRow, ...]


def plan_pages(data: Row, found: Sequence[HipPlans]) -> tuple[PlanHip, ...]:
    """What the template shows of plans.

    Parameters
    ----------
    data : mapping
        The study as plain values.
    found : sequence of HipPlans
        For the pictures; without them there are rows only.

    Returns
    -------
    tuple of PlanHip
    """
    by_side = {one.hip.side.value: one for one in found}
    out = []
    for row in data.get("planning", {}).get("hips", ()):
        rows = [one for one in data["plans"] if one["side"] == row["side"]]
        known = by_side.get(row["side"])
        plans: tuple[Plan | None, ...] = (None,) * len(rows) if known is None else known.plans
        out.append(
            PlanHip(
                row,
                tuple(PlanRow(one, _pictures(known, plan)) for one, plan in zip(rows, plans, strict=True)),
            )
        )
    return tuple(out)


def _pictures(known: HipPlans | None, plan: Plan | None) -> tuple[tuple[str, str], ...]:
    """The femur after a cut from behind, and from where the ischium is."""
    if known is None or plan is None or plan.resection is None or plan.cut is None:
        return ()
    site = known.site
    shots = (
        ("from behind", site.back, True),
        ("from the medial side, hip bone left out", site.medial, False),
    )
    return tuple(
        (words, _picture(known.hip, plan, site.tip_mm, site.up, toward, words, with_pelvis))
        for words, toward, with_pelvis in shots
    )


def _picture(
    hip: Hip,
    plan: Plan,
    middle: Array,
    up: Array,
    toward: Array,
    words: str,
    with_pelvis: bool,
) -> str:
    """One drawing: what is left of the trochanter in its colour, the cut surface in another."""
    assert plan.resection is not None
    assert plan.cut is not None
    after = plan.resection.hip
    assert after.femur is not None
    assert hip.hip_bone is not None
    palette = np.array(
        [
            [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
            for colour in (
                TINTS["femur"],
                TINTS["hip_bone"],
                TINTS["lesser_trochanter"],
                TINTS["ischium"],
                _CUT,
            )
        ],
        dtype=float,
    )
    tints = np.zeros(len(after.femur.faces), dtype=np.int64)
    if "lesser_trochanter" in after.regions:
        tints[after.regions["lesser_trochanter"].face_indices] = 2
    tints[plan.resection.is_cut] = 4
    surfaces = [Surface(after.femur.vertices_mm, after.femur.faces, tints)]
    if with_pelvis:
        seat = np.ones(len(hip.hip_bone.faces), dtype=np.int64)
        seat[hip.regions["ischium"].face_indices] = 3
        surfaces.append(Surface.thinned(hip.hip_bone.vertices_mm, hip.hip_bone.faces, seat))
    camera = camera_at(middle, up, toward, _WIDTH_MM)
    seen = anatomical_directions(hip, "LPS")
    return svg(
        draw(surfaces, palette, camera),
        camera,
        Marks(
            line_mm=None,
            line_label="",
            circle_mm=None,
            points_mm=np.empty((0, 3)),
            letters=letters(camera, seen) if seen.known else {},
        ),
        key=f"{hip.side.value}-plan-{plan.cut.name}-{'behind' if with_pelvis else 'medial'}",
        title=f"{hip.side.value.capitalize()} femur after the cut, {words}",
        description=f"The femur after the cut ({plan.cut.words}), seen {words}. Bones as in the file.",
    )

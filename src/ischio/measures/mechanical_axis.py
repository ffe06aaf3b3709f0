"""Mechanical axis of the leg."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._femur import AXES, directions, given
from ischio.measures._given import propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Hip, Side, Sketch, Stroke


def _example(side: Side) -> tuple[Hip, float]:
    """A tibia that leans 3 degrees inwards."""
    return phantoms.anatomy(side, tibial_varus_deg=3.0), 3.0


@measure(
    unit="deg",
    needs=(*AXES, "tibial_plateau_centre", "ankle_centre"),
    reference="Paley and Tetsworth 1992, Clin Orthop 280:48-64",
    evidence="Definition from established knowledge, unverified against the paper; films of standing people "
    "bear load, these bones do not. Exact on phantoms.",
    example=_example,
)
def mechanical_axis(hip: Hip) -> Reading:
    """Mechanical axis of the leg.

    Angle between the mechanical axes of femur (head to knee) and tibia (plateau to ankle), seen from the
    front of the femur, the posterior condyles' line level. 0 is straight; positive is varus, the ankle
    leaning to the midline.

    Notes
    -----
    Of the bones as they lie, unloaded.
    """
    sign = hip.side.sign
    known = given(hip, *AXES, "tibial_plateau_centre", "ankle_centre")

    def varus(at: Mapping[str, Array]) -> float:
        up, _, medial = directions(at, sign)
        shank = at["ankle_centre"] - at["tibial_plateau_centre"]
        return float(np.degrees(np.arctan2(shank @ medial, -shank @ up)))

    out = propagated(varus, known)
    head, knee, plateau, ankle = (
        hip.point(name)
        for name in ("femoral_head_centre", "knee_centre", "tibial_plateau_centre", "ankle_centre")
    )
    up, _, medial = directions({name: one.value for name, one in known.items()}, sign)
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([head, knee, plateau, ankle]),
        posture=hip.posture,
        detail=out.detail,
        sketch=Sketch(
            "From the front, posterior condyles level",
            sign * medial,
            up,
            (
                Stroke(np.stack([head, knee]), "femur"),
                Stroke(np.stack([plateau, ankle]), f"{out.value:.1f}°"),
            ),
            shadows=("femur", "tibia"),
        ),
    )

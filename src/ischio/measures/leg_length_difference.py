"""Difference of leg lengths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._femur import unit
from ischio.measures._given import landmark, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Pelvis, Side, Sketch, Stroke

_SEGMENTS = (("femoral_head_centre", "knee_centre"), ("tibial_plateau_centre", "ankle_centre"))
_POINTS = tuple(name for segment in _SEGMENTS for name in segment)


def _example(side: Side) -> tuple[Pelvis, float]:
    """Femur and tibia 31.5 head radii long together; the radius is 24 mm on one side, 23 mm on the other."""
    sign = -1.0 if side is Side.LEFT else 1.0
    shorter = {"head_radius_mm": 23.0}
    if side is Side.LEFT:
        return phantoms.whole_pelvis(right=shorter), sign * 31.5
    return phantoms.whole_pelvis(left=shorter), sign * 31.5


@measure(
    unit="mm",
    needs=tuple(f"{side.value} {name}" for side in Side for name in _POINTS),
    reference="Sabharwal and Kumar 2008, Clin Orthop 466:2910-2922 (methods for leg length)",
    evidence="Definition from established knowledge, unverified against the paper. Exact on phantoms.",
    example=_example,
    flips=True,
)
def leg_length_difference(pelvis: Pelvis) -> Reading:
    """Difference of leg lengths.

    Length of the right leg minus that of the left: from the centre of the head to that of the knee, and
    from the middle of the tibial plateau to that of the ankle. Positive when the right leg is longer.

    Notes
    -----
    Lengths of bones alone: how the legs lie does not matter. Foot, cartilage and pelvic height are not in it.
    """
    known = {
        f"{hip.side.value} {name}": landmark(hip.landmarks[name]) for hip in pelvis.hips for name in _POINTS
    }

    def length(at: Mapping[str, Array], side: str) -> float:
        return sum(
            float(np.linalg.norm(at[f"{side} {top}"] - at[f"{side} {bottom}"])) for top, bottom in _SEGMENTS
        )

    out = propagated(lambda at: length(at, "right") - length(at, "left"), known)
    still = {name: one.value for name, one in known.items()}
    lengths = {f"{side}_mm": length(still, side) for side in ("right", "left")}
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack(list(still.values())),
        detail={**lengths, **out.detail},
        sketch=_sketch(still, lengths),
    )


def _sketch(at: Mapping[str, Array], lengths: Mapping[str, float]) -> Sketch:
    """Both legs from the front, as they lie, the line between the heads level."""
    left = unit(at["left femoral_head_centre"] - at["right femoral_head_centre"])
    thighs = [at[f"{side} femoral_head_centre"] - at[f"{side} knee_centre"] for side in ("right", "left")]
    up = thighs[0] + thighs[1]
    up = unit(up - (up @ left) * left)
    strokes = []
    for side, named in (("right", 0), ("left", 1)):  # at two heights, so that their words keep apart
        for number, (top, bottom) in enumerate(_SEGMENTS):
            words = f"{side} {lengths[f'{side}_mm']:.0f} mm" if number == named else ""
            strokes.append(Stroke(np.stack([at[f"{side} {top}"], at[f"{side} {bottom}"]]), words))
    return Sketch("Both legs from the front", left, up, tuple(strokes), shadows=("femur", "tibia"))

"""Difference of leg lengths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._given import landmark, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Pelvis, Side

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
    return Reading(out.value, sigma=out.sigma, detail={**lengths, **out.detail})

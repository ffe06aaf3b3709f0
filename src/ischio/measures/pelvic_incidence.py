"""Pelvic incidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._femur import unit, vector_of
from ischio.measures._given import direction, landmark, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Pelvis, Side, Sketch, Stroke

_HEADS = tuple(f"{side.value} femoral_head_centre" for side in Side)
_LEAN_DEG = 3.0  # of the normal of an endplate that is not flat, where no residual is stated
_RADIUS_MM = 14.0


def _example(_side: Side) -> tuple[Pelvis, float]:
    """An endplate whose normal lies 57 degrees from the hips' axis."""
    return phantoms.whole_pelvis(incidence_deg=57.0), 57.0


@measure(
    unit="deg",
    needs=(*_HEADS, "sacral_endplate_centre"),
    reference="Legaye et al. 1998, Eur Spine J 7:99-103",
    evidence="Definition read in later papers that cite it. Exact on phantoms.",
    example=_example,
)
def pelvic_incidence(pelvis: Pelvis) -> Reading:
    """Pelvic incidence.

    Angle between the perpendicular to the upper endplate of the sacrum at its middle and the line from
    there to the middle between both femoral heads, seen square to the axis through both heads.

    Notes
    -----
    It belongs to the pelvis and does not change with posture.
    """
    mark = pelvis.landmarks["sacral_endplate_centre"]
    normal = vector_of(mark, "normal")
    known = {f"{hip.side.value} head": landmark(hip.landmarks["femoral_head_centre"]) for hip in pelvis.hips}
    known["endplate"] = landmark(mark)
    residual = float(mark.detail.get("rms_mm", 0.0))
    lean = float(np.hypot(_LEAN_DEG, np.degrees(residual / _RADIUS_MM))) if mark.sigma_mm else 0.0
    known["normal"] = direction(normal, float(mark.detail.get("sigma_deg", lean)))

    def incidence(at: Mapping[str, Array]) -> float:
        across = unit(at["right head"] - at["left head"])
        line = (at["right head"] + at["left head"]) / 2 - at["endplate"]
        flat = [unit(vector - (vector @ across) * across) for vector in (line, -at["normal"])]
        turn = np.cross(flat[0], flat[1]) @ across
        return float(np.degrees(np.arctan2(-turn, flat[0] @ flat[1])))

    out = propagated(incidence, known)
    heads = (known["right head"].value + known["left head"].value) / 2
    across = unit(known["right head"].value - known["left head"].value)
    up = heads - mark.point_mm
    up = unit(-(up - (up @ across) * across))
    reach = float(np.linalg.norm(heads - mark.point_mm))
    strokes = (
        Stroke(np.stack([mark.point_mm, heads]), f"{out.value:.1f}°"),
        Stroke(mark.point_mm + np.outer([0.35 * reach, -0.7 * reach], normal), "endplate", dashed=True),
        Stroke(heads[None]),
    )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([mark.point_mm, heads]),
        detail=out.detail,
        sketch=Sketch(
            "Along the axis of both heads, from the right",
            np.cross(up, across),
            up,
            strokes,
            shadows=("pelvis",),
        ),
    )

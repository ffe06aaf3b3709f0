"""Inclination of the acetabulum."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._femur import vector_of
from ischio.measures._given import axes, propagated
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import APP, FRAME_WORDS, as_supplied, rim_given, rim_of
from ischio.types import Hip, Side, Sketch, Stroke


def _example(side: Side) -> tuple[Hip, float]:
    """A socket's axis 40 degrees below the horizontal, without version."""
    return phantoms.anatomy(side, acetabular_version_deg=0.0, rim_drop_deg=40.0), 50.0


def _angle(rows: Array, sign: int, normal: Array) -> float:
    """Angle of the socket's axis from straight down, seen from the front."""
    return float(np.degrees(np.arctan2(sign * (rows[2] @ normal), -rows[1] @ normal)))


def _normal(rim: Array, outwards: Array) -> Array:
    """Normal of the best plane through the rim, out of the socket."""
    normal = np.linalg.svd(rim - rim.mean(axis=0), full_matrices=False)[2][2]
    return np.asarray(normal * np.sign(normal @ outwards), dtype=np.float64)


@measure(
    unit="deg",
    needs=("acetabular_rim", "acetabular_rim_centre", APP),
    reference="Murray 1993, J Bone Joint Surg Br 75:228-232 (radiographic inclination)",
    evidence="Definition of the reference, which is of cups; the rim's plane stands for the cup's. Exact on "
    "phantoms.",
    example=_example,
)
def acetabular_inclination(hip: Hip) -> Reading:
    """Inclination of the acetabulum.

    Angle between the long axis of the body and the axis of the socket, square to the best plane through
    the whole rim, both projected on the coronal plane, the anterior pelvic plane upright (radiographic
    inclination). Larger is steeper.

    Notes
    -----
    Sigma holds the rim's position and the pelvic frame; how far the rim is from flat is in the detail.
    ``as_supplied_deg`` in the detail is the same in the scanner's coronal plane.
    """
    mark = hip.landmarks["acetabular_rim_centre"]
    rim, sign, frame = rim_of(hip), hip.side.sign, hip.frames[APP]
    outwards = vector_of(mark, "normal")
    radius = float(np.linalg.norm(rim - mark.point_mm, axis=1).mean())
    known = {"rim": rim_given(hip), "pelvic_frame": axes(frame)}
    out = propagated(lambda at: _angle(at["pelvic_frame"], sign, _normal(at["rim"], outwards)), known)
    normal = _normal(rim, outwards)
    rows = frame.matrix[:3, :3]
    across = np.cross(normal, rows[0])
    across = across / np.linalg.norm(across) * radius
    strokes = (
        Stroke(np.concatenate([rim, rim[:1]]), "rim"),
        Stroke(mark.point_mm + np.outer([-1.3, 1.3], across), f"{out.value:.1f}°"),
        Stroke(mark.point_mm + np.outer([-1.5 * radius, 1.5 * radius], rows[2]), "horizontal", dashed=True),
    )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([mark.point_mm, mark.point_mm + radius * normal]),
        detail={
            "plane": FRAME_WORDS,
            "rim_rms_mm": mark.detail.get("rms_mm"),
            **as_supplied(hip, lambda turned: _angle(turned, sign, normal)),
            **out.detail,
        },
        sketch=Sketch(
            f"Virtual anteroposterior radiograph, {FRAME_WORDS}",
            -rows[2],
            rows[1],
            strokes,
            shadows=("hip_bone", "femur"),
        ),
    )

"""Lateral centre-edge angle."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import (
    APP,
    FRAME_WORDS,
    RIM,
    as_supplied,
    centre_edge,
    centre_edge_in,
    centre_edge_sketch,
    joint_centre,
)
from ischio.types import Hip, Side


def _example(side: Side) -> tuple[Hip, float]:
    """A rim without version whose plane leans 34 degrees from upright, through the head's centre."""
    return phantoms.anatomy(side, acetabular_version_deg=0.0, rim_drop_deg=34.0), 34.0


@measure(
    unit="deg",
    needs=RIM,
    reference="Wiberg 1939, Acta Chir Scand 83 Suppl 58 (centre-edge angle on the anteroposterior film)",
    evidence="Definition read in later papers that cite it; that a film shows the roof's edge where its beam "
    "grazes the socket is this software's reading. Exact on phantoms.",
    example=_example,
    version=2,
)
def lateral_centre_edge_angle(hip: Hip) -> Reading:
    """Lateral centre-edge angle.

    Angle at the centre of the head between upright and the line to the lateral edge of the acetabular
    roof, on a virtual anteroposterior projection with the anterior pelvic plane upright. Negative when the
    edge lies medial of the centre.

    Notes
    -----
    Where the head is missing or more than a quarter of its radius out of the socket, the socket's centre
    stands for it. A film shows the roof where its beam grazes it: the edge is where the rim passes the
    plane through that centre parallel to the film. It is neither the widest angle in 3-D nor the rim's
    outermost point, which can lie on the back wall. ``as_supplied_deg`` in the detail is the same with
    the scanner's directions.
    """
    sign = hip.side.sign

    def lateral_and_up(rows: Array) -> tuple[Array, Array]:
        return sign * rows[2], rows[1]

    out, point, (_, up) = centre_edge(hip, lateral_and_up)
    right = -hip.frames[APP].matrix[2, :3]
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([joint_centre(hip)[0].point_mm, point]),
        detail={
            "plane": FRAME_WORDS,
            **joint_centre(hip)[1],
            **as_supplied(hip, lambda rows: centre_edge_in(hip, rows, lateral_and_up)),
            **out.detail,
        },
        sketch=centre_edge_sketch(
            hip,
            f"Virtual anteroposterior radiograph, {FRAME_WORDS}",
            right,
            up,
            point,
            f"{out.value:.1f}°",
            ("hip_bone", "femur"),
        ),
    )

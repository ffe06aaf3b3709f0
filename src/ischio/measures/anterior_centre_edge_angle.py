"""Anterior centre-edge angle."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import (
    FRAME_WORDS,
    RIM,
    as_supplied,
    centre_edge,
    centre_edge_in,
    centre_edge_sketch,
    joint_centre,
)
from ischio.types import Hip, Side

_TURN_DEG = 65.0  # of the pelvis against the film


def _example(side: Side) -> tuple[Hip, float]:
    """A rim through the head's centre, without version, whose plane leans 36 degrees from upright."""
    hip = phantoms.anatomy(side, acetabular_version_deg=0.0, rim_drop_deg=36.0)
    return hip, float(np.degrees(np.arctan(np.tan(np.radians(36.0)) / np.cos(np.radians(_TURN_DEG)))))


@measure(
    unit="deg",
    needs=RIM,
    reference="Lequesne and de Seze 1961, Rev Rhum Mal Osteoartic 28:643-652 (false profile, 65 degrees)",
    evidence="Construction from established knowledge, unverified against the paper; that a film shows the "
    "roof's edge where its beam grazes the socket is this software's reading. Exact on phantoms.",
    example=_example,
    version=2,
)
def anterior_centre_edge_angle(hip: Hip) -> Reading:
    """Anterior centre-edge angle.

    Angle at the centre of the head between upright and the line to the anterior edge of the acetabular
    roof, on a virtual false-profile projection (pelvis turned 65 degrees from the film), the anterior
    pelvic plane upright. Negative when the edge lies behind the centre.

    Notes
    -----
    Where the head is missing or more than a quarter of its radius out of the socket, the socket's centre
    stands for it. A film shows the roof where its beam grazes it: the edge is where the rim passes the
    plane through that centre parallel to the film, not the rim's foremost point, which belongs to the
    front wall. ``as_supplied_deg`` in the detail is the same with the scanner's directions.
    """
    sign, turn = hip.side.sign, np.radians(_TURN_DEG)

    def forward_and_up(rows: Array) -> tuple[Array, Array]:
        return np.sin(turn) * rows[0] + np.cos(turn) * sign * rows[2], rows[1]

    out, point, (outwards, up) = centre_edge(hip, forward_and_up)
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([joint_centre(hip)[0].point_mm, point]),
        detail={
            "plane": FRAME_WORDS,
            **joint_centre(hip)[1],
            "turn_deg": _TURN_DEG,
            **as_supplied(hip, lambda rows: centre_edge_in(hip, rows, forward_and_up)),
            **out.detail,
        },
        sketch=centre_edge_sketch(
            hip,
            f"Virtual false profile, {FRAME_WORDS}",
            -sign * outwards,
            up,
            point,
            f"{out.value:.1f}°",
            ("hip_bone", "femur"),
        ),
    )

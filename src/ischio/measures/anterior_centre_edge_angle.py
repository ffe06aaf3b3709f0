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
    """A rim without version, leaning 36 degrees from upright, with a corner where it is farthest."""
    turn, lean = np.radians(_TURN_DEG), np.radians(36.0)
    top = float(np.degrees(np.arctan2(np.sin(turn), np.sin(lean) * np.cos(turn))))
    hip = phantoms.anatomy(side, acetabular_version_deg=0.0, rim_drop_deg=36.0, rim_start_deg=top)
    place = np.radians(top)
    outwards = np.cos(place) * np.sin(lean) * np.cos(turn) + np.sin(place) * np.sin(turn)
    return hip, float(np.degrees(np.arctan2(outwards, np.cos(place) * np.cos(lean))))


@measure(
    unit="deg",
    needs=RIM,
    reference="Lequesne and de Seze 1961, Rev Rhum Mal Osteoartic 28:643-652 (false profile, 65 degrees)",
    evidence="Construction from established knowledge, unverified against the paper; the edge is the "
    "bony rim, "
    "not the sclerotic roof. Exact on phantoms.",
    example=_example,
)
def anterior_centre_edge_angle(hip: Hip) -> Reading:
    """Anterior centre-edge angle.

    Angle at the centre of the head between upright and the line to the anterior edge of the acetabular
    roof, on a virtual false-profile projection (pelvis turned 65 degrees from the film), the anterior
    pelvic plane upright. Negative when the edge lies behind the centre.

    Notes
    -----
    Where the head is missing or more than a quarter of its radius out of the socket, the socket's centre
    stands for it. The edge is the point of the rim above the head's centre that projects farthest forwards.
    ``as_supplied_deg`` in the detail is the same with the scanner's directions.
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

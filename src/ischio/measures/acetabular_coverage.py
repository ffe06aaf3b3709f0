"""Coverage of the femoral head by the socket."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._given import landmark, propagated
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import (
    APP,
    FRAME_WORDS,
    RIM,
    at_hour,
    clock_axes,
    joint_centre,
    rim_given,
)
from ischio.types import Hip, Side, Sketch


def _example(side: Side) -> tuple[Hip, float]:
    """A square rim that holds one sixth of the sphere, as a face of a cube does: 5/6 on the other side."""
    half = 1.1 * 24.0 / np.sqrt(2.0)
    return phantoms.anatomy(side, rim_corners=4, rim_offset_mm=half), 5 / 6


def _fraction(rim: Array, centre: Array, normal: Array) -> float:
    """Share of the whole sphere that the rim bounds on the side of the socket."""
    a = rim - centre
    a = a / np.linalg.norm(a, axis=1)[:, None]
    b, pole = np.roll(a, -1, axis=0), -normal
    triple = np.einsum("ij,j->i", np.cross(a, b), pole)
    below = 1 + np.einsum("ij,ij->i", a, b) + a @ pole + b @ pole
    return float(abs(2 * np.arctan2(triple, below).sum()) / (4 * np.pi))


@measure(
    unit="1",
    needs=(*RIM, "acetabular_rim_centre"),
    reference="Larson et al. 2015, Clin Orthop 473:1247-1254 (coverage in 3-D by hours of the clock)",
    evidence="Title and abstract known, unverified; here the share of the whole sphere inside the bony "
    "rim. Exact "
    "on phantoms.",
    example=_example,
)
def acetabular_coverage(hip: Hip) -> Reading:
    """Coverage of the femoral head by the socket.

    Share of the whole sphere about the centre of the head that lies inside the acetabular rim, from 0 to
    1: one half is a hemisphere. By hour, the angle at the centre of the head from the axis of the socket,
    in its depth, to the rim: 90 degrees where the rim reaches as far as the centre.

    Notes
    -----
    Where the head is missing or more than a quarter of its radius out of the socket, the socket's centre
    stands for it. On the rim's clock 12 is upwards with the anterior pelvic plane upright and 3 forwards,
    on both sides.
    """
    head, which = joint_centre(hip)
    rows = hip.frames[APP].matrix[:3, :3]
    normal = clock_axes(hip, rows)[1]
    known = {"joint_centre": landmark(head), "rim": rim_given(hip)}
    out = propagated(lambda at: _fraction(at["rim"], at["joint_centre"], normal), known)
    by_hour = {}
    for hour in range(1, 13):
        towards = at_hour(hip, rows, float(hour)) - head.point_mm
        by_hour[str(hour)] = float(np.degrees(np.arccos(-towards @ normal / np.linalg.norm(towards))))
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=head.point_mm[None],
        detail={**which, "by_hour_deg": by_hour, "clock": f"12 up, 3 forwards, {FRAME_WORDS}", **out.detail},
        sketch=Sketch(
            "Coverage by hour, degrees from the depth of the socket", rows[2], rows[1], clock=by_hour
        ),
    )

"""Distance of the ischial tuberosities."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio.measures._given import landmark, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Pelvis, Side, Sketch, Stroke

_NAMES = ("inferior", "lateral", "hamstring")


def _example(_side: Side) -> tuple[Pelvis, float]:
    """Tuberosities whose lowest points lie 81.5 mm from the midline."""
    arguments = {"trochanter_version_deg": 0.0, "gap_mm": 20.0, "version_deg": 0.0}
    # 90 mm to the head, 2.1 - 1.1 head radii of 24 mm to the tip, the gap and half of the block.
    return phantoms.whole_pelvis(left=arguments, right=arguments), 2 * (90.0 + 24.0 - 20.0 - 12.5)


@measure(
    unit="mm",
    needs=tuple(f"{side.value} ischial_tuberosity_inferior" for side in Side),
    reference="Ferreira et al. 2023, systematic review of 24 studies of ischiofemoral impingement",
    evidence="Papers measure inner to inner, centre to centre or outer to outer and are not comparable: "
    "no band. "
    "Exact on phantoms.",
    example=_example,
)
def intertuberous_distance(pelvis: Pelvis) -> Reading:
    """Distance in 3-D between the lowest points of both ischial tuberosities.

    Notes
    -----
    The distances of the most lateral points and of the middles of both hamstring facets are in the detail:
    they are other quantities.
    """
    known = {hip.side.value: landmark(hip.landmarks["ischial_tuberosity_inferior"]) for hip in pelvis.hips}
    out = propagated(lambda at: float(np.linalg.norm(at["right"] - at["left"])), known)
    points = np.stack([known["right"].value, known["left"].value])
    others = {}
    for name in _NAMES[1:]:
        marks = [hip.landmarks.get(f"ischial_tuberosity_{name}") for hip in pelvis.hips]
        if all(marks):
            ends = [mark.point_mm for mark in marks if mark is not None]
            others[f"{name}_mm"] = float(np.linalg.norm(ends[0] - ends[1]))
    sketch = None
    frame = next(iter(pelvis.hips)).frames.get("pelvis_app_from_patient")
    if frame is not None:
        rows = frame.matrix[:3, :3]
        sketch = Sketch(
            "From the front, anterior pelvic plane upright",
            -rows[2],
            rows[1],
            (Stroke(points, f"{out.value:.0f} mm"), Stroke(points[:1]), Stroke(points[1:])),
            shadows=("pelvis",),
        )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=points,
        detail={"points": "lowest", **others, **out.detail},
        sketch=sketch,
    )

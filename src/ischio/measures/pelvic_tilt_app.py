"""Tilt of the anterior pelvic plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array
from ischio.measures._given import landmark, propagated
from ischio.measures._registry import Reading, measure
from ischio.types import Pelvis, Side, Sketch, Stroke

_POINTS = tuple(f"{side.value} {name}" for side in Side for name in ("asis", "pubic_tubercle"))


def _example(_side: Side) -> tuple[Pelvis, float]:
    """A plane that leans 6 degrees forwards."""
    return phantoms.whole_pelvis(app_tilt_deg=6.0), 6.0


@measure(
    unit="deg",
    needs=(*_POINTS, "scanner_from_patient"),
    reference="McKibbin 1970, J Bone Joint Surg Br 52:148-159 (anterior pelvic plane)",
    evidence="Definition from established knowledge, unverified against the paper. Exact on phantoms.",
    example=_example,
)
def pelvic_tilt_app(pelvis: Pelvis) -> Reading:
    """Tilt of the anterior pelvic plane.

    Angle of the plane of both anterior superior iliac spines and the middle of the pubic tubercles against
    the scanner's vertical, seen from the side. Positive when the spines lie in front of the tubercles
    (forward tilt). Not the pelvic tilt of spine surgeons.

    Notes
    -----
    The scanner's vertical runs along its bed: it is gravity's only for a person who stood.
    """
    forward, up, _ = pelvis.frames["scanner_from_patient"].matrix[:3, :3]
    known = {
        f"{hip.side.value} {name}": landmark(hip.landmarks[name])
        for hip in pelvis.hips
        for name in ("asis", "pubic_tubercle")
    }

    def tilt(at: Mapping[str, Array]) -> float:
        spines, tubercles = (
            (at[f"left {name}"] + at[f"right {name}"]) / 2 for name in ("asis", "pubic_tubercle")
        )
        line = spines - tubercles
        return float(np.degrees(np.arctan2(line @ forward, line @ up)))

    out = propagated(tilt, known)
    ends = [
        (known[f"left {name}"].value + known[f"right {name}"].value) / 2
        for name in ("pubic_tubercle", "asis")
    ]
    points = np.stack(ends)
    reach = float(np.linalg.norm(points[1] - points[0]))
    strokes = (
        Stroke(points[0] + np.outer([-0.2, 1.2], points[1] - points[0]), f"{out.value:.1f}°"),
        Stroke(points[0] + np.outer([0.0, 1.2 * reach], up), "vertical", dashed=True),
        Stroke(points[:1]),
        Stroke(points[1:]),
    )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=points,
        posture=pelvis.hips[0].posture,
        detail={"vertical": "the scanner's", **out.detail},
        sketch=Sketch("From the right side, scanner upright", forward, up, strokes, shadows=("pelvis",)),
    )

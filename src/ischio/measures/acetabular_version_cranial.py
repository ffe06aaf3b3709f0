"""Acetabular version near the roof."""

from __future__ import annotations

from ischio import phantoms
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import APP, RIM, at_hour, slice_sketch, version_in_slice
from ischio.types import Hip, Side

HOUR = 1.0


def _example(side: Side) -> tuple[Hip, float]:
    """A rim that opens forwards by 9 degrees on every axial slice."""
    return phantoms.anatomy(side, acetabular_version_deg=9.0), 9.0


@measure(
    unit="deg",
    needs=(*RIM, "acetabular_rim_centre"),
    reference="Dandachli et al. 2011, Skeletal Radiol 40:877-883 (axial slices after correction of tilt)",
    evidence="Abstract of the reference read; the level at one o'clock is established usage, unverified. "
    "Exact "
    "on phantoms.",
    example=_example,
)
def acetabular_version_cranial(hip: Hip) -> Reading:
    """Acetabular version near the roof.

    Angle of the line from the posterior to the anterior edge of the acetabular rim against the sagittal
    plane, in the axial slice through the rim at one o'clock, the anterior pelvic plane upright. Positive
    when the socket opens forwards; negative is cranial retroversion.

    Notes
    -----
    On the rim's clock 12 is upwards and 3 forwards, on both sides. ``as_supplied_deg`` in the detail is the
    same in the scanner's slice through the same point.
    """
    out, points, detail = version_in_slice(
        hip, lambda at: at_hour(hip, at["pelvic_frame"], HOUR, at["rim"]), {}
    )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=points,
        detail={"hour": HOUR, **detail},
        sketch=slice_sketch(hip, hip.frames[APP], points, f"{out.value:.1f}°"),
    )

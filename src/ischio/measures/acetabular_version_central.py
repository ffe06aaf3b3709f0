"""Acetabular version at the level of the head's centre."""

from __future__ import annotations

from ischio import phantoms
from ischio.measures._given import landmark
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import APP, RIM, joint_centre, slice_sketch, version_in_slice
from ischio.types import Hip, Side


def _example(side: Side) -> tuple[Hip, float]:
    """A rim that opens forwards by 21 degrees on every axial slice."""
    return phantoms.anatomy(side, acetabular_version_deg=21.0), 21.0


@measure(
    unit="deg",
    needs=RIM,
    reference="Reynolds et al. 1999, J Bone Joint Surg Br 81:281-288 (axial CT through the head's centre)",
    evidence="Definition from papers that cite it, unverified against the paper; the line across both "
    "posterior "
    "margins of the paper is taken from the anterior pelvic plane. Exact on phantoms.",
    example=_example,
)
def acetabular_version_central(hip: Hip) -> Reading:
    """Acetabular version at the level of the head's centre.

    Angle of the line from the posterior to the anterior edge of the acetabular rim against the sagittal
    plane, in the axial slice through the centre of the head, the anterior pelvic plane upright. Positive
    when the socket opens forwards (anteversion).

    Notes
    -----
    Where the head is missing or more than a quarter of its radius out of the socket, the socket's centre
    stands for it. ``as_supplied_deg`` in the detail is the same in the scanner's axial slice and sagittal
    plane.
    """
    centre, which = joint_centre(hip)
    out, points, detail = version_in_slice(
        hip, lambda at: at["joint_centre"], {"joint_centre": landmark(centre)}
    )
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=points,
        detail={**which, **detail},
        sketch=slice_sketch(hip, hip.frames[APP], points, f"{out.value:.1f}°"),
    )

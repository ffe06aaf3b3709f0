"""Femoral version after Murphy: the base of the neck just above the lesser trochanter."""

from __future__ import annotations

from ischio import phantoms
from ischio.measures._registry import Reading, measure
from ischio.measures._version import SLICED, from_head, upper_femur
from ischio.types import Hip, Side

_ABOVE_RADII = 0.05  # of the head's radius: just clear of the trochanter


def _example(side: Side) -> tuple[Hip, float]:
    """A shaft whose centre lies 26 degrees behind the head, on a neck of 17 degrees."""
    return phantoms.anatomy(side, version_deg=17.0, base_version_deg=26.0), 26.0


@measure(
    unit="deg",
    needs=(*SLICED, "lesser_trochanter"),
    reference="Murphy et al. 1987, J Bone Joint Surg Am 69:1169-1176 (base of the neck, on superimposed CT)",
    evidence="Construction read in later papers that compare methods. Exact on phantoms.",
    example=_example,
)
def femoral_version_murphy(hip: Hip) -> Reading:
    """Femoral version after Murphy: the base of the neck just above the lesser trochanter.

    Angle of the line from the centre of the base of the neck, just above the lesser trochanter, to the
    centre of the head against the line behind both condyles, seen along the mechanical axis. Positive when
    the neck points forwards.

    Notes
    -----
    The centre is that of the bone's area in the slice that just clears the region of the lesser trochanter.
    """
    upper = upper_femur(hip)
    region = hip.region_triangles("lesser_trochanter").reshape(-1, 3)
    top = float(((region - upper.head) @ upper.up).max())
    return from_head(hip, upper.centroid, top + _ABOVE_RADII * upper.radius, {"method": "Murphy"})

"""Femoral version after Tomczak: the base of the neck in a slice through the greater trochanter."""

from __future__ import annotations

from ischio import phantoms
from ischio.measures._registry import Reading, measure
from ischio.measures._version import SLICED, from_head, upper_femur
from ischio.types import Hip, Side


def _example(side: Side) -> tuple[Hip, float]:
    """A femur whose neck and base lie on one line turned forwards by 21 degrees."""
    return phantoms.anatomy(side, version_deg=21.0), 21.0


@measure(
    unit="deg",
    needs=SLICED,
    reference="Tomczak et al. 1997, AJR 168:791-794 (centre of the base of the neck, on MRI)",
    evidence="Construction from later papers that compare methods; unverified against the paper itself, the "
    "level above all. Exact on phantoms.",
    example=_example,
)
def femoral_version_tomczak(hip: Hip) -> Reading:
    """Femoral version after Tomczak: the base of the neck in a slice through the greater trochanter.

    Angle of the line from the centre of greater trochanter and base of the neck to the centre of the head
    against the line behind both condyles, seen along the mechanical axis. Positive when the neck points
    forwards.

    Notes
    -----
    The centre is that of the bone's area in the slice midway between the tops of the greater and the
    lesser trochanter.
    """
    upper = upper_femur(hip)
    tips = (hip.point(name) for name in ("greater_trochanter_superior", "lesser_trochanter_tip"))
    level = sum(upper.level(tip) for tip in tips) / 2
    return from_head(hip, upper.centroid, level, {"method": "Tomczak"})

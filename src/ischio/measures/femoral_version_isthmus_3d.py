"""Femoral version from the head's centre and the isthmus of the neck, both in 3-D."""

from __future__ import annotations

from ischio.measures._femur import AXES, given
from ischio.measures._registry import Reading, measure
from ischio.measures._version import example, from_line
from ischio.types import Hip


@measure(
    unit="deg",
    needs=("femur", *AXES, "neck_isthmus_centre"),
    reference="Hartel et al. 2016, PLoS One 11:e0152284 (neck axis in 3-D against the posterior condyles)",
    evidence="Abstract of the reference read; the isthmus as the neck's point is the construction that "
    "raters' landmarks allow. Exact on phantoms; exact to 0.1 degree on one woman's raters' points.",
    example=example,
)
def femoral_version_isthmus_3d(hip: Hip) -> Reading:
    """Femoral version from the head's centre and the isthmus of the neck, both in 3-D.

    Angle of the line from the centre of the neck's isthmus to the centre of the head against the line
    behind both condyles, seen along the mechanical axis. Positive when the neck points forwards
    (anteversion).

    Notes
    -----
    Both points lie in 3-D, not in one slice. Unreliable when the condyles are outside the scan or the
    neck is deformed.
    """
    neck = given(hip, "neck_isthmus_centre")["neck_isthmus_centre"]
    return from_line(hip, neck, None, {"method": "isthmus, 3-D"})

"""Femoral version after Lee: the neck at its highest junction with the greater trochanter."""

from __future__ import annotations

from ischio._check import CannotMeasure
from ischio.measures._femur import Middle, Neck, UpperFemur
from ischio.measures._registry import Reading, measure
from ischio.measures._version import SLICED, example, from_head, upper_femur
from ischio.types import Hip

_BELOW_RADII = 0.1  # of the head's radius: the first slice in which the junction has a width
_NARROW = 1.05  # of the narrowest chord: chords that count as it


@measure(
    unit="deg",
    needs=SLICED,
    reference="Lee et al. 2006, J Orthop Res (most cephalic junction of neck and greater trochanter, on CT)",
    evidence="Construction from later papers that compare methods; unverified against the paper itself. "
    "Exact on phantoms.",
    example=example,
)
def femoral_version_lee(hip: Hip) -> Reading:
    """Femoral version after Lee: the neck at its highest junction with the greater trochanter.

    Angle of the line from the middle of the neck to the centre of the head against the line behind both
    condyles, seen along the mechanical axis; the middle lies in the highest slice in which the greater
    trochanter is joined to the neck. Positive when the neck points forwards.

    Notes
    -----
    The junction is the lowest place of the upper border between head and greater trochanter, in the
    upright plane through the head's centre and the neck's isthmus. The slice lies a tenth of the head's
    radius below it, and the middle is that of its narrowest chord.
    """
    upper = upper_femur(hip)
    level = upper.junction() - _BELOW_RADII * upper.radius

    def narrowest(seen: UpperFemur, at_level: float) -> Neck:
        neck = seen.neck(at_level)
        if neck is None:
            raise CannotMeasure(
                "the slice at the junction with the greater trochanter does not show the neck"
            )
        width = neck.front_mm - neck.back_mm
        narrow = width <= _NARROW * width.min()
        return Neck(neck.along_mm[narrow], neck.back_mm[narrow], neck.front_mm[narrow])

    def middle(at_level: float) -> Middle:
        return upper.middle(narrowest(upper, at_level), at_level)

    off = upper.by_isthmus(lambda seen: seen.middle_mm(narrowest(seen, level), level))
    return from_head(hip, middle, level, {"method": "Lee"}, off)

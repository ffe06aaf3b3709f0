"""Femoral version after Hernandez: the bisector of the neck in a single slice."""

from __future__ import annotations

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.measures._femur import Middle, Neck, UpperFemur
from ischio.measures._given import Given
from ischio.measures._registry import Reading, measure
from ischio.measures._version import SLICED, example, from_line, upper_femur
from ischio.types import Hip

_LOWEST_RADII = 0.9  # of the head's radius: lower down a slice shows hardly any head


@measure(
    unit="deg",
    needs=SLICED,
    reference="Hernandez et al. 1981, AJR 137:97-101 (one CT slice through head, neck and trochanter)",
    evidence="Construction from later papers that compare methods; unverified against the paper itself. "
    "Exact on phantoms.",
    example=example,
)
def femoral_version_hernandez(hip: Hip) -> Reading:
    """Femoral version after Hernandez: the bisector of the neck in a single slice.

    Angle of the line that bisects the outline of the neck, in the one slice that shows head, neck and
    greater trochanter together, against the line behind both condyles, seen along the mechanical axis.
    Positive when the neck points forwards. The centre of the head is not used.

    Notes
    -----
    The slice lies midway between the highest junction of neck and greater trochanter and the lowest level
    at which a slice still shows head (0.9 radii below its centre). The bisector is the straight line of
    least squares through the middles of the chords between both cortices.
    """
    upper = upper_femur(hip)
    level = (upper.junction() - _LOWEST_RADII * upper.radius) / 2

    def bisector(seen: UpperFemur, at_level: float) -> tuple[Neck, Array, Array]:
        neck = seen.neck(at_level)
        if neck is None:
            raise CannotMeasure(
                "the slice through head and trochanter does not show both cortices of the neck"
            )
        slope, offset = np.polyfit(neck.along_mm, neck.middle_mm, 1)
        places = [seen.place(s, float(slope * s + offset), at_level) for s in neck.along_mm[[-1, 0]]]
        return neck, places[0], places[1]

    neck, lateral, medial = bisector(upper, level)
    beside = []
    for step in (upper.slice_step_mm, -upper.slice_step_mm):
        try:
            _, *ends = bisector(upper, level + step)
            beside.append(lateral + ends[1] - ends[0])
        except CannotMeasure:  # the slice beside may lie off the neck: the slice itself does not
            beside.append(medial)
    # Only the direction counts: all of its error is given to the medial end.
    off = neck.along_mm - neck.along_mm.mean()
    reach = neck.along_mm[0] - neck.along_mm[-1]
    variance = upper.across_variance(neck, level, reach * off / (off @ off))
    off_line = Middle(medial, variance * np.outer(upper.across, upper.across))

    def turned(seen: UpperFemur) -> Array:
        _, *ends = bisector(seen, level)
        return np.asarray(lateral + ends[1] - ends[0], dtype=np.float64)

    end = upper.given(off_line, (beside[0], beside[1]), *upper.by_isthmus(turned))
    return from_line(hip, Given(lateral, ()), end, {"method": "Hernandez", "level_mm": level})

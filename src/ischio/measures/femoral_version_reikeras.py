"""Femoral version after Reikeras: the neck where its cortices run parallel."""

from __future__ import annotations

import numpy as np

from ischio._check import CannotMeasure
from ischio.measures._femur import Middle
from ischio.measures._registry import Reading, measure
from ischio.measures._version import SLICED, example, from_head, upper_femur
from ischio.types import Hip

_REACH_RADII = 0.5  # of the head's radius: levels that are tried above and below the isthmus
_N_LEVELS = 21
_ALIKE_DEG = 1.0  # slices as parallel as that: the one nearest to the isthmus is taken


@measure(
    unit="deg",
    needs=SLICED,
    reference="Reikeras et al. 1983, Acta Orthop Scand 54:18-23 (parallel cortices of the neck, on CT)",
    evidence="Construction from later papers that compare methods; unverified against the paper itself. "
    "Exact on phantoms.",
    example=example,
)
def femoral_version_reikeras(hip: Hip) -> Reading:
    """Femoral version after Reikeras: the neck where its cortices run parallel.

    Angle of the line from the middle of the neck to the centre of the head against the line behind both
    condyles, seen along the mechanical axis; the middle lies in the slice in which the front and back
    cortices of the neck run most nearly parallel. Positive when the neck points forwards.

    Notes
    -----
    Slices across the mechanical axis within half a head radius of the isthmus. Straight lines are laid
    through both cortices from 0.35 head radii on the near side of the isthmus to as much on the far
    side; the middle is that of all chords between them. Of slices within a degree of the most parallel
    one, that nearest to the isthmus is taken.
    """
    upper = upper_femur(hip)
    levels = upper.isthmus_level + np.linspace(-1, 1, _N_LEVELS) * _REACH_RADII * upper.radius
    seen = [(level, neck) for level in levels if (neck := upper.neck(level)) is not None]
    if not seen:
        raise CannotMeasure("no slice shows both cortices of the neck")
    least = min(neck.opening_deg for _, neck in seen)
    alike = [one for one in seen if one[1].opening_deg <= least + _ALIKE_DEG]
    level, slice_ = min(alike, key=lambda one: abs(one[0] - upper.isthmus_level))

    def middle(at_level: float) -> Middle:
        neck = upper.neck(at_level)
        if neck is None:
            raise CannotMeasure("the slice does not show both cortices of the neck")
        return upper.middle(neck, at_level)

    return from_head(hip, middle, float(level), {"method": "Reikeras", "opening_deg": slice_.opening_deg})

"""Femoral antetorsion as drawn in the published case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.measures._femur import Middle, Neck, UpperFemur, neck_in, unit
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import SCANNER
from ischio.measures._version import SLICED, from_head, upper_femur
from ischio.types import Hip, Side

_SLICE_MM = 3.0  # usual thickness of an axial slice
_NEAREST_RADII, _FARTHEST_RADII, _STEP_RADII = 0.35, 1.6, 0.05  # of the head's: where the neck is looked for
_WIDEST = 1.25  # times the width at the isthmus: what is wider is the trochanter
_ALIKE_DEG = 1.0  # places as parallel as that: the one nearest to the head is taken
_CONDYLES = ("posterior_condyle_lateral", "posterior_condyle_medial")


def _example(side: Side) -> tuple[Hip, float]:
    """A neck of 16 degrees, as in the published case."""
    return phantoms.anatomy(side, version_deg=16.0, base_version_deg=22.0), 16.0


def in_slices(
    head: Array, neck: Array, condyles: tuple[Array, Array], right: Array, forward: Array, sign: int
) -> float:
    """Angle of head and neck against the horizontal of the image, less that of the condyles, degrees.

    Parameters
    ----------
    head, neck : arrays of shape (3,), mm
        Centre of the head, laid onto the slice, and the middle of the neck in it.
    condyles : (lateral, medial), each of shape (3,), mm
        Hindmost points at the knee.
    right, forward : arrays of shape (3,)
        Directions of the image, towards the patient's right and front.
    sign : int
        +1 on the right, -1 on the left.

    Returns
    -------
    float
        Positive when the neck points forwards.

    Examples
    --------
    >>> x, y, z = np.eye(3)
    >>> angle = in_slices(-10 * x, 0 * x, (30 * x, -30 * x), x, y, 1)
    >>> round(angle, 6)
    0.0
    """

    def from_horizontal(line: Array) -> float:
        return float(np.degrees(np.arctan2(line @ forward, -sign * (line @ right))))

    return from_horizontal(head - neck) - from_horizontal(condyles[1] - condyles[0])


def straight_neck(seen: Callable[[float], Neck | None], isthmus: Neck | None, radius_mm: float) -> Neck:
    """The neck in one slice: where it is no trochanter yet and its cortices run most nearly parallel.

    Parameters
    ----------
    seen : callable
        Gives both cortices about a place along the slice, mm from the head's centre; None where they are
        not both there.
    isthmus : Neck or None
        The neck in the slice through its isthmus: how wide a neck is.
    radius_mm : float
        Of the head.

    Returns
    -------
    Neck

    Raises
    ------
    CannotMeasure
        If no place shows both cortices of the neck.
    """
    if isthmus is None:
        raise CannotMeasure("the slice through the isthmus does not show both cortices of the neck")
    widest = _WIDEST * isthmus.width_mm
    places = np.arange(_NEAREST_RADII, _FARTHEST_RADII, _STEP_RADII) * radius_mm
    found = [neck for place in places if (neck := seen(float(place))) and neck.width_mm <= widest]
    if not found:
        raise CannotMeasure("the first slice below the head does not show both cortices of the neck")
    least = min(neck.opening_deg for neck in found)
    return next(neck for neck in found if neck.opening_deg <= least + _ALIKE_DEG)


@measure(
    unit="deg",
    needs=SLICED,
    reference="Farrell, Hatem and Martin 2022, Trauma International 8(1):11-14 (figure 3 of the case)",
    evidence="The figure's construction as described: head laid onto the first axial slice below it, "
    "condyles at the knee. Where along that slice the neck's middle lies is this software's reading: so "
    "taken it reads 2 degrees more than Reikeras's method on 33 femora and 7 less than Murphy's. "
    "Exact on phantoms.",
    example=_example,
    version=3,
)
def femoral_version_index_case(hip: Hip) -> Reading:
    """Femoral antetorsion as drawn in the published case.

    Angle of the line from the middle of the neck, in the first slice just below the femoral head, to the
    centre of the head laid onto that slice, against the line behind both condyles, seen along the mechanical
    axis. Positive when the neck points forwards.

    Notes
    -----
    Slices of 3 mm across the mechanical axis, as for the other methods. The middle is that of the chords
    between both cortices over 0.7 head radii, where these run most nearly parallel and lie no more than 1.25
    times as far apart as at the isthmus: farther out the slice shows the trochanter.
    ``as_supplied_deg`` in the detail is the same on axial slices of the scanner against the horizontal of
    the image, as in the paper, where ``--axes`` tells the scanner's directions: a thigh that lies flexed by
    9 degrees reads about 8 degrees more there, and the horizontal cancels only because bones do not move
    between slices.
    """
    upper = upper_femur(hip)
    level = -upper.radius - _SLICE_MM / 2

    def middle(at_level: float) -> Middle:
        return upper.middle(_neck_at(upper, at_level), at_level)

    detail = {"method": "published case", "slice_mm": _SLICE_MM, **_as_supplied(hip, level)}
    return from_head(hip, middle, level, detail)


def _neck_at(upper: UpperFemur, level_mm: float) -> Neck:
    """The neck in the slice at a level over the head's centre."""
    segments = upper.outlines(level_mm)
    return straight_neck(
        lambda place: neck_in(segments, upper.along, upper.across, place, upper.radius, partial=False),
        upper.neck(upper.isthmus_level, partial=True),
        upper.radius,
    )


def _as_supplied(hip: Hip, level_mm: float) -> dict[str, float | str | None]:
    """The same on the scanner's slices against the horizontal of the image; None without them."""
    if SCANNER not in hip.frames:
        return {"as_supplied_deg": None, "as_supplied_reason": hip.reasons.get(SCANNER, "unknown vertical")}
    right, forward, up = _image(hip)
    try:
        upper = UpperFemur(hip, up)
        neck = upper.middle(_neck_at(upper, level_mm), level_mm).point_mm
    except CannotMeasure as why:
        return {"as_supplied_deg": None, "as_supplied_reason": str(why)}
    lateral, medial = (hip.point(name) for name in _CONDYLES)
    value = in_slices(upper.head, neck, (lateral, medial), right, forward, hip.side.sign)
    return {"as_supplied_deg": value}


def _image(hip: Hip) -> tuple[Array, Array, Array]:
    """Directions of the scanner's axial image: the patient's right, front and head."""
    forward, up, right = hip.frames[SCANNER].matrix[:3, :3]
    return unit(right), unit(forward), unit(up)

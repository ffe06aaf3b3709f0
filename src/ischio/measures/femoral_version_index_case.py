"""Femoral antetorsion as drawn in the published case."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import section
from ischio.measures._femur import AXES, Middle, UpperFemur, given, unit
from ischio.measures._given import propagated
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import SCANNER
from ischio.types import Hip, Side, Sketch, Stroke

_SLICE_MM = 3.0  # usual thickness of an axial slice
_FARTHEST_RADII = 1.6  # of the head's radius: farther out a slice shows the trochanter, not the neck
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


def neck_in_slice(
    isthmus_along_mm: float, isthmus_level_mm: float, level_mm: float, radius_mm: float
) -> float:
    """How far along from the head's centre the neck's axis passes a slice, mm.

    Parameters
    ----------
    isthmus_along_mm, isthmus_level_mm : float
        The isthmus of the neck, from the head's centre: along in the slice, and its height.
    level_mm : float
        Of the slice over the head's centre.
    radius_mm : float
        Of the head.

    Raises
    ------
    CannotMeasure
        If the neck does not run downwards.

    Examples
    --------
    >>> neck_in_slice(20.0, -15.0, -24.0, 22.0)
    32.0
    """
    if isthmus_level_mm >= 0:
        raise CannotMeasure(
            "the neck does not run downwards from the head, so no slice below passes its axis"
        )
    return min(isthmus_along_mm * level_mm / isthmus_level_mm, _FARTHEST_RADII * radius_mm)


@measure(
    unit="deg",
    needs=("femur", *AXES, "neck_isthmus_centre", "lesser_trochanter_tip", SCANNER),
    reference="Farrell, Hatem and Martin 2022, Trauma International 8(1):11-14 (figure 3 of the case)",
    evidence="The figure's construction as described: head laid onto the first axial slice below it, "
    "condyles at "
    "the knee, both against the horizontal of the image. The neck's point in that slice is this software's "
    "reading of the figure: so taken it reads 10 degrees more than Reikeras's method on 33 femora and 1 more "
    "than Murphy's. Exact on phantoms.",
    example=_example,
    version=2,
)
def femoral_version_index_case(hip: Hip) -> Reading:
    """Femoral antetorsion as drawn in the published case.

    Angle of the line from the middle of the neck, in the first axial slice of the scanner just below the
    femoral head, to the centre of the head laid onto that slice, against the horizontal of the image, less
    the angle of the line behind both condyles. Positive when the neck points forwards.

    Notes
    -----
    The middle of the neck is that of the chords between both cortices from 0.35 head radii on the near side
    of where the neck's axis passes the slice to as much on the far side. Slices are the scanner's, 3 mm
    thick: the value changes with how the leg lay, and the horizontal cancels only because bones do not move
    between slices. One slice and the head's centre, as in Reikeras's method;
    but below all of the head a slice passes the base of the neck, which lies farther back.
    """
    right, forward, up = _image(hip)
    upper = UpperFemur(hip, up)
    level = -upper.radius - _SLICE_MM / 2

    def middle(at_level: float) -> Middle:
        place = neck_in_slice(upper.isthmus_along, upper.isthmus_level, at_level, upper.radius)
        neck = upper.neck(at_level, partial=True, along_mm=place)
        if neck is None:
            raise CannotMeasure("the first slice below the head does not show both cortices of the neck")
        return upper.middle(neck, at_level)

    found = middle(level)
    neck = found.point_mm
    beside = []
    for step in (_SLICE_MM / 2, -_SLICE_MM / 2):
        try:
            beside.append(middle(level + step).point_mm)
        except CannotMeasure:  # the slice beside may lie off the neck: the slice itself does not
            beside.append(neck)
    known = given(hip, "femoral_head_centre", *_CONDYLES) | {
        "neck": upper.given(found, (beside[0], beside[1]))
    }
    sign = hip.side.sign
    out = propagated(
        lambda at: in_slices(
            at["femoral_head_centre"],
            at["neck"],
            (at["posterior_condyle_lateral"], at["posterior_condyle_medial"]),
            right,
            forward,
            sign,
        ),
        known,
    )
    head = upper.head + level * up
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([upper.head, neck]),
        posture=hip.posture,
        detail={
            "distal_reference": "posterior condyles",
            "plane": "axial slices of the scanner",
            "slice_mm": _SLICE_MM,
            "level_mm": level,
            **out.detail,
        },
        sketch=_sketch(hip, head, neck, (right, forward, up), out.value),
    )


def _image(hip: Hip) -> tuple[Array, Array, Array]:
    """Directions of the scanner's axial image: the patient's right, front and head."""
    forward, up, right = hip.frames[SCANNER].matrix[:3, :3]
    return unit(right), unit(forward), unit(up)


def _sketch(hip: Hip, head: Array, neck: Array, image: tuple[Array, Array, Array], value: float) -> Sketch:
    """The slices below the head and through the condyles, as seen from below."""
    assert hip.femur is not None  # it is needed
    right, forward, up = image
    condyles = np.stack([hip.point(name) for name in _CONDYLES])
    outlines = {
        words: section(hip.femur.vertices_mm, hip.femur.faces, through, up)[0]
        for words, through in (("below the head", neck), ("condyles", condyles.mean(axis=0)))
    }
    strokes = (
        Stroke(neck + np.outer([-0.6, 1.6], head - neck), f"{value:.1f}°"),
        Stroke(condyles + np.outer([0.4, -0.4], condyles[0] - condyles[1]), "condyles", dashed=True),
        Stroke(head[None]),
        Stroke(neck[None]),
    )
    return Sketch("Axial slices of the scanner, from below", -right, forward, strokes, outlines)

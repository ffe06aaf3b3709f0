"""Femoral antetorsion as drawn in the published case."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import section
from ischio.measures._femur import AXES, UpperFemur, given, unit
from ischio.measures._given import Given, propagated
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import SCANNER
from ischio.types import Hip, Side, Sketch, Stroke

_SLICE_MM = 3.0  # usual thickness of an axial slice
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


@measure(
    unit="deg",
    needs=("femur", *AXES, "neck_isthmus_centre", "lesser_trochanter_tip", SCANNER),
    reference="Farrell, Hatem and Martin 2022, Trauma International 8(1):11-14 (figure 3 of the case)",
    evidence="The figure's construction as described: head laid onto the first axial slice below it, "
    "condyles at "
    "the knee, both against the horizontal of the image. The neck's point in that slice is this software's "
    "reading of the figure. Exact on phantoms.",
    example=_example,
)
def femoral_version_index_case(hip: Hip) -> Reading:
    """Femoral antetorsion as drawn in the published case.

    Angle of the line from the middle of the neck, in the first axial slice of the scanner just below the
    femoral head, to the centre of the head laid onto that slice, against the horizontal of the image, less
    the angle of the line behind both condyles. Positive when the neck points forwards.

    Notes
    -----
    Slices are the scanner's, 3 mm thick: the value changes with how the leg lay, and the horizontal cancels
    only because bones do not move between slices. Nearest to Reikeras's method, not to Murphy's.
    """
    right, forward, up = _image(hip)
    upper = UpperFemur(hip, up)
    level = -upper.radius - _SLICE_MM / 2

    def middle(at_level: float) -> Array:
        neck = upper.neck(at_level, partial=True)
        if neck is None:
            raise CannotMeasure("the first slice below the head does not show both cortices of the neck")
        return upper.place(float(neck.along_mm.mean()), float(neck.middle_mm.mean()), at_level)

    neck = middle(level)
    beside = []
    for step in (_SLICE_MM / 2, -_SLICE_MM / 2):
        try:
            beside.append(middle(level + step))
        except CannotMeasure:  # the slice beside may lie off the neck: the slice itself does not
            beside.append(neck)
    known = given(hip, "femoral_head_centre", *_CONDYLES) | {
        "neck": Given(neck, upper.given(neck, (beside[0], beside[1])).steps)
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

"""Ischial angle."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import outline_area_and_centroid, section
from ischio.measures._given import REACH, axes
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import APP, FRAME_WORDS, near
from ischio.measures._surface import alike, steepness, surface_sigma_mm
from ischio.types import Hip, Side, Sketch, Stroke

_ENDS = ("ischial_tuberosity_hamstring", "ischial_tuberosity_inferior")


def _example(side: Side) -> tuple[Hip, float]:
    """A block whose long side runs back and outwards, 35 degrees from straight back."""
    return phantoms.anatomy(side, ischium_turn_deg=35.0), 125.0


def _long_axis(segments: Array, normal: Array) -> tuple[Array, Array]:
    """Middle and long axis of the area in a closed outline."""
    _, middle = outline_area_and_centroid(segments, normal)
    first, second = segments[:, 0] - middle, segments[:, 1] - middle
    doubled = np.cross(first, second) @ normal
    # Second moments of the triangles between the middle and each segment.
    total = np.einsum("n,ni,nj->ij", doubled, first, first) + np.einsum(
        "n,ni,nj->ij", doubled, second, second
    )
    mixed = np.einsum("n,ni,nj->ij", doubled, first, second)
    moments = np.sign(doubled.sum()) * (2 * total + mixed + mixed.T) / 24
    _, vectors = np.linalg.eigh(moments)
    return middle, np.asarray(vectors[:, -1], dtype=np.float64)


def _by_surface(hip: Hip, up: Array, outline: Array, middle: Array, axis: Array) -> float:
    """Standard deviation of the long axis's direction by the surface's error, degrees."""
    assert hip.hip_bone is not None  # it is needed
    bone, ends = hip.hip_bone, outline.mean(axis=1) - middle
    triangles = bone.triangles_mm
    lean = steepness(triangles, (triangles - middle) @ up, up, ends + middle)
    length = np.linalg.norm(outline[:, 1] - outline[:, 0], axis=1)
    along, beside = ends @ axis, ends @ np.cross(up, axis)
    # Second moments of the area about both axes, by Green's formula over the outline.
    step = outline[:, 1] - outline[:, 0]
    square = np.cross(step, up)  # outwards or inwards all round
    apart = abs(float((square @ axis * along**3 / 3).sum())) - abs(
        float((square @ np.cross(up, axis) * beside**3 / 3).sum())
    )
    effect = lean * length * along * beside / apart
    return float(np.degrees(surface_sigma_mm(bone) * np.sqrt(effect @ alike(ends) @ effect)))


def _angle(hip: Hip, rows: Array, place: Array) -> tuple[float, Array, Array, Array]:
    """Angle in the slice through a place, with the outline, its middle and its axis."""
    assert hip.hip_bone is not None  # it is needed
    segments, group = section(hip.hip_bone.vertices_mm, hip.hip_bone.faces, place, rows[1])
    if len(segments) == 0:
        raise CannotMeasure("the slice does not pass the ischium")
    nearest = group[np.linalg.norm(segments[:, 0] - place, axis=1).argmin()]
    outline = segments[group == nearest]
    middle, axis = _long_axis(outline, rows[1])
    axis = axis * np.sign(-axis @ rows[0])  # backwards
    medial = -hip.side.sign * rows[2]
    return float(np.degrees(np.arccos(np.clip(axis @ medial, -1, 1)))), outline, middle, axis


def _tried(hip: Hip, rows: Array, place: Array, otherwise: float) -> float:
    """Angle in another slice, or what stands for it where that slice shows no ischium."""
    try:
        return _angle(hip, rows, place)[0]
    except CannotMeasure:
        return otherwise


@measure(
    unit="deg",
    needs=("hip_bone", *_ENDS, APP),
    reference="Bredella et al. 2015, Eur J Radiol 84:268-273 (axial slice through the tuberosity)",
    evidence="Unverified construction: no band stands beside it. Exact on phantoms.",
    example=_example,
)
def ischial_angle(hip: Hip) -> Reading:
    """Ischial angle.

    Angle between the long axis of the ischium, backwards, and the line across the pelvis to the midline, in
    the axial slice midway between the middle of the hamstring facet and the lowest point of the tuberosity,
    the anterior pelvic plane upright. Above 90 degrees when the ischium runs back and outwards.

    Notes
    -----
    The long axis is that of the bone's area in the slice, with the ramus where the slice holds it; the
    line across the pelvis is that of both anterior superior iliac spines, so one hip bone alone has none.
    """
    facet, lowest = (hip.landmarks[name] for name in _ENDS)
    frame = hip.frames[APP]
    rows = frame.matrix[:3, :3]
    half = ((lowest.point_mm - facet.point_mm) @ rows[1]) / 2
    through = facet.point_mm + half * rows[1]
    value, outline, middle, axis = _angle(hip, rows, through)
    parts = {}
    along = float(np.hypot(facet.sigma_mm, lowest.sigma_mm)) / 2 / np.sqrt(3.0)  # of the slice's level
    shift = REACH * along * rows[1]
    turned = [_tried(hip, one, through, value) for one in axes(frame).steps[1]]
    parts["surface"] = _by_surface(hip, rows[1], outline, middle, axis)
    parts["pelvic_frame"] = float(np.linalg.norm(np.array(turned) - value) / (np.sqrt(2.0) * REACH))
    # By the slope between two slices. They differ by their surfaces' errors, too: that is counted already.
    above, below = (_tried(hip, rows, through + step, value) for step in (shift, -shift))
    apart = 1 - alike(np.stack([through + shift, through - shift]))[0, 1]
    alone = 2 * apart * parts["surface"] ** 2
    parts["slice"] = float(np.sqrt(max((above - below) ** 2 - alone, 0.0)) / (2 * REACH))
    reach = float(np.linalg.norm(outline[:, 0] - middle, axis=1).max())
    medial = -hip.side.sign * rows[2]
    strokes = (
        Stroke(middle + np.outer([-1.2 * reach, 1.2 * reach], axis), f"{value:.0f}°"),
        Stroke(middle + np.outer([0.0, 1.4 * reach], medial), "to the midline", dashed=True),
    )
    outlines = {"hip bone": near(outline, middle[None])}
    return Reading(
        value,
        sigma=float(np.linalg.norm(list(parts.values()))),
        points_mm=np.stack([middle, middle + reach * axis]),
        detail={"plane": f"axial, {FRAME_WORDS}", "sigma_parts": parts},
        sketch=Sketch(f"Axial slice, {FRAME_WORDS}, from below", -rows[2], rows[0], strokes, outlines),
    )

"""Alpha angle around the neck."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import section
from ischio.measures._femur import AXES, directions, given, head_radius, unit
from ischio.measures._given import REACH, Given, propagated
from ischio.measures._registry import Reading, measure
from ischio.measures._surface import surface_sigma_mm
from ischio.types import Hip, Side, Sketch, Stroke

_LEAVES = 1.05  # of the head's radius: outside the sphere beyond its own unevenness
_FROM_DEG = 120.0  # from the neck's axis: where the walk towards the neck begins
_ANTEROSUPERIOR = (12.0, 12.5, 1.0, 1.5, 2.0, 2.5, 3.0)
_HOURS = tuple(dict.fromkeys((*_ANTEROSUPERIOR, *(float(hour) for hour in range(1, 13)))))
_CLEAR = 3.0  # standard deviations of the surface: two dozen places are looked at, each may err
_BESIDE = 1.5  # of the limit: farther out a ray meets the greater trochanter
_ALIKE_DEG = 15.0  # hours that come so near to the largest may be the largest in truth
_MOST_DEG = 20.0  # for a contour that runs along the sphere
_JUST_DEG = 0.3
_STEP_DEG = 3.0  # between places where that is asked


def _example(side: Side) -> tuple[Hip, float]:
    """A straight neck, widest from its axis at half past one: the contour leaves the sphere on it."""
    return phantoms.anatomy(side), float(np.degrees(np.arcsin(0.45 * np.sqrt(2.0) / _LEAVES)))


def _leaves_at(contour: Array, centre: Array, axis: Array, limit: float, clear_mm: float) -> float | None:
    """Largest angle from the neck's axis at which a contour passes the sphere outwards, degrees.

    ``contour`` holds segments (N, 2, 3) on one side of the axis. It has to get ``clear_mm`` beyond the limit
    before it comes back.
    """
    start, along = contour[:, 0] - centre, contour[:, 1] - contour[:, 0]
    a, b, c = (
        np.einsum("ij,ij->i", along, along),
        np.einsum("ij,ij->i", start, along),
        np.einsum("ij,ij->i", start, start) - limit**2,
    )
    root = b * b - a * c
    possible = (root > 0) & (a > 0)
    found = []
    for sign in (-1.0, 1.0):
        share = (-b[possible] + sign * np.sqrt(root[possible])) / a[possible]
        hit = (share >= 0) & (share <= 1)
        found.append(start[possible][hit] + share[hit, None] * along[possible][hit])
    points = np.concatenate(found)
    if len(points) == 0:
        return None
    angle = np.sort(np.degrees(np.arccos(np.clip(points @ axis / limit, -1, 1))))[::-1]
    for here in angle[angle < _FROM_DEG]:
        # Just behind it the contour is out, or it came back here; a bump that comes back is no end.
        for one in np.concatenate([[here - _JUST_DEG], np.arange(here - _STEP_DEG, 0.0, -_STEP_DEG)]):
            reach = _reach(contour - centre, axis, one, _BESIDE * limit)
            if reach <= limit:
                break
            if reach > limit + clear_mm:
                return float(here)
    return None


def _reach(contour: Array, axis: Array, angle_deg: float, most: float) -> float:
    """Distance of a contour about the origin from it, at an angle from the axis; 0 where there is none.

    Farther out than ``most`` it is infinite, or that of another bone's part beside it.
    """
    along = contour @ axis
    flat = np.stack([along, np.linalg.norm(contour - along[..., None] * axis, axis=-1)], axis=-1)
    turn = np.radians(angle_deg)
    ray, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    side = flat @ across
    hit = (side[:, 0] < 0) != (side[:, 1] < 0)
    share = side[hit, 0] / (side[hit, 0] - side[hit, 1])
    found = (flat[hit, 0] + share[:, None] * (flat[hit, 1] - flat[hit, 0])) @ ray
    if (found > 0).any() and found[found > 0].min() > most:
        return float("inf")
    return float(found[found <= most].max(initial=0.0))


@measure(
    unit="deg",
    needs=("femur", *AXES, "neck_isthmus_centre"),
    reference="Notzli et al. 2002, J Bone Joint Surg Br 84:556-560 (on the oblique axial plane; here all "
    "round)",
    evidence="Definition from established knowledge, unverified against the paper; that the contour "
    "leaves the "
    "sphere at 1.05 radii is this software's choice. Exact on phantoms.",
    example=_example,
    version=2,
)
def alpha_angle(hip: Hip) -> Reading:
    """Alpha angle around the neck.

    Largest angle, from 12 to 3 o'clock, between the axis of the neck and the line from the centre of the
    head to where the contour of the head first leaves its sphere, in planes through the axis of the neck.
    Larger is less waist (cam).

    Notes
    -----
    Clock round the neck: 12 upwards along the mechanical axis, 3 forwards, on both sides. The contour
    leaves the sphere where its distance from the centre exceeds 1.05 radii, coming from the head; where it
    comes back before it got three standard deviations of the surface (1.5 mm or more) farther out, the head
    is uneven there, and the walk goes on. All hours are in the detail; posterior ones too.
    """
    assert hip.femur is not None  # it is needed
    radius = head_radius(hip)
    head, isthmus = hip.point("femoral_head_centre"), hip.point("neck_isthmus_centre")
    up, forward, _ = directions({name: hip.point(name) for name in AXES}, hip.side.sign)
    axis = unit(isthmus - head)
    twelve = unit(up - (up @ axis) * axis)
    three = unit(forward - (forward @ axis) * axis - (forward @ twelve) * twelve)
    near = (np.linalg.norm(hip.femur.vertices_mm - head, axis=1) < 2.5 * radius)[hip.femur.faces].any(axis=1)
    used, faces = np.unique(hip.femur.faces[near], return_inverse=True)
    vertices, faces = hip.femur.vertices_mm[used], faces.reshape(-1, 3)
    surface = surface_sigma_mm(hip.femur)
    clear = _CLEAR * surface
    contours: dict[float, Array] = {}
    angles: dict[float, float] = {}
    for hour in _HOURS:
        towards = _towards(hour, twelve, three)
        segments, _ = section(vertices, faces, head, np.cross(axis, towards))
        contours[hour] = segments[((segments - head) @ towards > 0).all(axis=1)]
        angle = _leaves_at(contours[hour], head, axis, _LEAVES * radius, clear)
        if angle is not None:
            angles[hour] = angle
    ahead = {hour: angles[hour] for hour in _ANTEROSUPERIOR if hour in angles}
    if not ahead:
        raise CannotMeasure("the contour of head and neck does not leave the sphere from 12 to 3 o'clock")
    hour = max(ahead, key=lambda one: ahead[one])
    known = given(hip, "femoral_head_centre", "neck_isthmus_centre")
    limit = _LEAVES * radius
    # Where the surface errs there, the contour leaves sooner or later by what it takes to make up for it.
    rise = _reach(contours[hour] - head, axis, ahead[hour] - _STEP_DEG, _BESIDE * limit) - limit
    slack = np.array([REACH * min(surface * _STEP_DEG / max(rise, 1e-9), _MOST_DEG)])
    known["contour"] = Given(0 * slack, ((slack, -slack),))
    rivals = [one for one in ahead if ahead[one] > ahead[hour] - _ALIKE_DEG]

    def value(at: Mapping[str, Array]) -> float:
        centre = at["femoral_head_centre"]
        neck = unit(at["neck_isthmus_centre"] - centre)
        found = [_leaves_at(contours[one], centre, neck, limit, clear) for one in rivals]
        return max((one for one in found if one is not None), default=ahead[hour]) + float(at["contour"][0])

    out = propagated(value, known)
    by_hour = {f"{one:g}": angles[one] for one in sorted(angles) if one == int(one)}
    ray = np.cos(np.radians(out.value)) * axis + np.sin(np.radians(out.value)) * _towards(hour, twelve, three)
    beside = _towards(hour, twelve, three)
    return Reading(
        out.value,
        sigma=out.sigma,
        points_mm=np.stack([head, head + _LEAVES * radius * ray]),
        detail={
            "hour": hour,
            "by_hour_deg": by_hour,
            "clock": "12 up, 3 forwards",
            **out.detail,
        },
        sketch=Sketch(
            f"Plane through the neck's axis at {_hour(hour)}",
            -axis,
            beside,
            (
                Stroke(head + np.outer([0.0, 2.0 * radius], axis), "neck", dashed=True),
                Stroke(head + np.outer([0.0, 1.4 * radius], ray), f"{out.value:.1f}°"),
                Stroke(_circle(head, radius, axis, beside), "sphere", dashed=True),
                Stroke(head[None]),
            ),
            {"femur": section(vertices, faces, head, np.cross(axis, beside))[0]},
            clock=by_hour,
        ),
    )


def _towards(hour: float, twelve: Array, three: Array) -> Array:
    """Direction of an hour across the neck."""
    turn = np.radians(30.0 * hour)
    return np.asarray(np.cos(turn) * twelve + np.sin(turn) * three, dtype=np.float64)


def _hour(hour: float) -> str:
    """An hour in words: 1.5 is 1:30."""
    return f"{int(hour)}:{30 if hour % 1 else 0:02d}"


def _circle(centre: Array, radius: float, first: Array, second: Array) -> Array:
    """Points round a circle."""
    turn = np.radians(np.arange(0, 361, 6))
    return np.asarray(centre + radius * (np.outer(np.cos(turn), first) + np.outer(np.sin(turn), second)))

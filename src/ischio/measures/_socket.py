"""The rim of the socket in the pelvis's directions: slices through it, hours on its clock, projections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import section
from ischio.measures._femur import unit, vector_of
from ischio.measures._given import Given, Outcome, axes, closed_line, landmark, propagated
from ischio.types import Hip, Landmark, Sketch, Stroke, Transform

APP = "pelvis_app_from_patient"
SCANNER = "scanner_from_patient"
RIM = ("acetabular_rim", "acetabular_centre", APP)
"""What a measure of the rim in the anterior pelvic plane needs; a femur's head is used where it is in
place."""
IN_PLACE_RADII = 0.25
"""A head farther than this part of its radius from the socket's centre is not in its socket."""

FRAME_WORDS = "anterior pelvic plane upright"
_MARGIN_MM = 40.0


def rim_of(hip: Hip) -> Array:
    """Points of the rim, shape (N, 3), mm, patient frame."""
    return hip.curves["acetabular_rim"].points_mm


def joint_centre(hip: Hip) -> tuple[Landmark, dict[str, object]]:
    """Centre of the head where it lies in the socket, else that of the socket; and which, for a detail."""
    socket, head = hip.landmarks["acetabular_centre"], hip.landmarks.get("femoral_head_centre")
    if head is None:
        return socket, {"centre": "of the socket, since no head is there"}
    away = float(np.linalg.norm(head.point_mm - socket.point_mm))
    detail: dict[str, object] = {"centre": "of the head", "head_from_socket_mm": away}
    if away > IN_PLACE_RADII * float(head.detail.get("radius_mm", socket.detail.get("radius_mm", 24.0))):
        return socket, {**detail, "centre": "of the socket, since the head is not in it"}
    return head, detail


def crossings(rim_mm: Array, normal: Array, through_mm: Array) -> Array:
    """Points where the closed rim passes a plane, shape (N, 3), mm."""
    height = (rim_mm - through_mm) @ normal
    after = np.roll(height, -1)
    hit = np.flatnonzero((height < 0) != (after < 0))
    share = height[hit] / (height[hit] - after[hit])
    following = np.roll(rim_mm, -1, axis=0)
    return np.asarray(rim_mm[hit] + share[:, None] * (following[hit] - rim_mm[hit]), dtype=np.float64)


def edges_at(rim_mm: Array, rows: Array, through_mm: Array) -> tuple[Array, Array]:
    """Foremost and hindmost point of the rim in the axial slice through a point."""
    found = crossings(rim_mm, rows[1], through_mm)
    if len(found) < 2:
        raise CannotMeasure("the slice does not pass both the front and the back of the acetabular rim")
    front = found @ rows[0]
    return found[int(front.argmax())], found[int(front.argmin())]


def version(rows: Array, sign: int, front_mm: Array, back_mm: Array) -> float:
    """Angle of the line from the back to the front edge against the sagittal plane, degrees.

    Positive when the socket opens forwards: the front edge lies nearer the midline.
    """
    line = front_mm - back_mm
    return float(np.degrees(np.arctan2(-sign * (line @ rows[2]), line @ rows[0])))


@lru_cache(maxsize=4)
def rim_given(hip: Hip) -> Given:
    """The rim with its errors, prepared once for all measures."""
    return closed_line(rim_of(hip), hip.curves["acetabular_rim"].sigma_mm)


def clock_axes(hip: Hip, rows: Array) -> tuple[Array, Array, Array, Array]:
    """Middle of the rim, its normal, and the directions of 12 and of 3 o'clock in its plane.

    12 o'clock is upwards, 3 o'clock forwards, on both sides.
    """
    mark = hip.landmarks["acetabular_rim_centre"]
    normal = vector_of(mark, "normal")
    twelve = unit(rows[1] - (rows[1] @ normal) * normal)
    three = np.cross(normal, twelve)
    return mark.point_mm, normal, twelve, three * np.sign(three @ rows[0])


def at_hour(hip: Hip, rows: Array, hour: float, rim_mm: Array | None = None) -> Array:
    """Point of the rim, or of another in its place, at an hour of its clock."""
    centre, _, twelve, three = clock_axes(hip, rows)
    angle = np.radians(30.0 * hour)
    towards = np.cos(angle) * twelve + np.sin(angle) * three
    rim = rim_of(hip) if rim_mm is None else rim_mm
    found = crossings(rim, np.cos(angle) * three - np.sin(angle) * twelve, centre)
    ahead = [point for point in found if (point - centre) @ towards > 0]
    if not ahead:
        raise CannotMeasure(f"the acetabular rim has no point at {hour:g} o'clock")
    return max(ahead, key=lambda point: float((point - centre) @ towards))


def as_supplied(hip: Hip, value: Callable[[Array], float]) -> dict[str, float | str | None]:
    """A value in the scanner's directions instead of the pelvis's, for the detail; None without them."""
    if SCANNER not in hip.frames:
        return {"as_supplied_deg": None, "as_supplied_reason": hip.reasons.get(SCANNER, "unknown vertical")}
    try:
        return {"as_supplied_deg": value(hip.frames[SCANNER].matrix[:3, :3])}
    except CannotMeasure as why:
        return {"as_supplied_deg": None, "as_supplied_reason": str(why)}


def version_in_slice(
    hip: Hip, through: Callable[[Mapping[str, Array]], Array], known: Mapping[str, Given]
) -> tuple[Outcome, Array, dict[str, object]]:
    """Version of the rim in an axial slice.

    Parameters
    ----------
    hip : Hip
    through : callable
        Gives the point that the slice passes, from the things by name: ``rim``, ``pelvic_frame`` and
        those of ``known``.
    known : mapping of str to Given

    Returns
    -------
    Outcome
    edges_mm : array of shape (2, 3)
        Front and back.
    detail : dict
    """
    frame, sign = hip.frames[APP], hip.side.sign
    given = {"rim": rim_given(hip), "pelvic_frame": axes(frame), **known}

    def angle(at: Mapping[str, Array]) -> float:
        rows = at["pelvic_frame"]
        return version(rows, sign, *edges_at(at["rim"], rows, through(at)))

    out = propagated(angle, given)
    still = {name: one.value for name, one in given.items()}
    detail = {
        "plane": FRAME_WORDS,
        **as_supplied(hip, lambda turned: angle({**still, "pelvic_frame": turned})),
        **out.detail,
    }
    edges = edges_at(still["rim"], still["pelvic_frame"], through(still))
    return out, np.stack(edges), detail


def slice_sketch(hip: Hip, frame: Transform, points: Array, words: str) -> Sketch:
    """Axial slice through two edges of the rim, as seen from below."""
    rows = frame.matrix[:3, :3]
    outlines = {
        name.replace("_", " "): near(section(bone.vertices_mm, bone.faces, points[0], rows[1])[0], points)
        for name, bone in (("hip_bone", hip.hip_bone), ("femur", hip.femur))
        if bone is not None
    }
    sagittal = points[1] + np.outer([0.0, 1.15 * float((points[0] - points[1]) @ rows[0])], rows[0])
    strokes = (
        Stroke(points[1] + np.outer([-0.15, 1.25], points[0] - points[1]), words),
        Stroke(sagittal, "sagittal", dashed=True),
        Stroke(points[:1]),
        Stroke(points[1:]),
    )
    return Sketch(f"Axial slice, {FRAME_WORDS}, from below", -rows[2], rows[0], strokes, outlines)


def near(segments: Array, points: Array) -> Array:
    """Segments within reach of what a slice shows."""
    if len(segments) == 0:
        return segments
    reach = _MARGIN_MM + np.linalg.norm(points - points.mean(axis=0), axis=1).max()
    return np.asarray(segments[np.linalg.norm(segments[:, 0] - points.mean(axis=0), axis=1) < reach])


def centre_edge(hip: Hip, rows_of: Callable[[Array], tuple[Array, Array]]) -> tuple[Outcome, Array, Array]:
    """Angle at the head's centre from upright to the edge of the roof, in a projection.

    Parameters
    ----------
    hip : Hip
    rows_of : callable
        From the pelvis's axes to the picture's: outwards, where the edge is looked for, and up.

    Returns
    -------
    Outcome
    edge_mm : array of shape (3,)
    directions : array of shape (2, 3)
        The picture's outwards and up.
    """
    frame = hip.frames[APP]
    centre, _ = joint_centre(hip)
    outwards, up = rows_of(frame.matrix[:3, :3])
    point = _roof_edge(rim_of(hip), centre.point_mm, outwards, up)
    known = {"joint_centre": landmark(centre), "rim": rim_given(hip), "pelvic_frame": axes(frame)}
    out = propagated(lambda at: _to_edge(at["rim"], at["joint_centre"], *rows_of(at["pelvic_frame"])), known)
    return out, point, np.stack([outwards, up])


def centre_edge_in(hip: Hip, rows: Array, rows_of: Callable[[Array], tuple[Array, Array]]) -> float:
    """The same angle in other axes, its edge looked for again."""
    return _to_edge(rim_of(hip), joint_centre(hip)[0].point_mm, *rows_of(rows))


def _to_edge(rim: Array, head: Array, outwards: Array, up: Array) -> float:
    """Angle at the head's centre from upright to the edge of the roof, degrees."""
    away = _roof_edge(rim, head, outwards, up) - head
    return float(np.degrees(np.arctan2(away @ outwards, away @ up)))


def _roof_edge(rim: Array, head: Array, outwards: Array, up: Array) -> Array:
    """Where the roof ends on the film: the rim above the head's centre, in the plane through it.

    A film shows the roof where the beam grazes it, which for a round socket is the circle about its centre
    parallel to the film; there the roof ends at the rim.
    """
    found = crossings(rim, np.cross(outwards, up), head)
    above = found[(found - head) @ up > 0]
    if len(above) == 0:
        raise CannotMeasure("the acetabular rim does not pass above the head's centre in this projection")
    return np.asarray(above[int((above @ outwards).argmax())])


def centre_edge_sketch(
    hip: Hip, title: str, right: Array, up: Array, point: Array, words: str, shadows: tuple[str, ...]
) -> Sketch:
    """A projection with the rim, upright and the line to the edge."""
    head, rim = joint_centre(hip)[0].point_mm, rim_of(hip)
    reach = float(np.linalg.norm(point - head))
    strokes = (
        Stroke(np.concatenate([rim, rim[:1]]), "rim"),
        Stroke(head + np.outer([0.0, 1.5 * reach], up), "vertical", dashed=True),
        Stroke(head + np.outer([0.0, 1.3], point - head), words),
        Stroke(head[None]),
        Stroke(point[None]),
    )
    return Sketch(title, right, up, strokes, shadows=shadows)

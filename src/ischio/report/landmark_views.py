"""Where to look at each landmark from: its bone, its part of the bone, and the views that show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.report import views
from ischio.report.raster import Camera, Indices
from ischio.report.views import Directions, anatomical_directions
from ischio.types import Bone, Hip, Landmark

Mask = NDArray[np.bool_]

MARKS_PX = 720  # of the drawing's own units: all marks are laid out in these
_SHARE_OF_PIXELS = 0.5  # three of these stand side by side
_FACING = 0.6  # cosine: a view that sees a surface less than about 53 degrees askew shows it well
_NEAR_BEST = 0.15  # and so does one nearly as good as the best there is
_PATCH_MM = 6.0  # surface around a landmark whose mean direction counts as the landmark's
_N_PATCH = 12  # at least so many triangles of it
_DEEP_MM = 8.0  # a landmark farther than this from the surface lies in the bone or in a hollow
_LIFT_MM = 1.5  # a landmark is seen when nothing hides what lies this far above it
_MARGIN = 1.24  # room around a bone for numbers
_END_RADII = 5.0  # of the head's radius: from its centre to below the lesser trochanter
_KNEE_RADII = 4.0  # from the far end of the bone to above the condyles
_SHOWN_RADII = 2.0  # of shaft drawn beyond that, so that no cut is seen
_TYPICAL_HEAD_MM = 24.0
_MIDLINE_MM = 15.0  # of a joined pelvis shown beyond the midline

# In the order of preference: the first of two equally good views is taken.
_VIEWS: Mapping[str, tuple[str, ...]] = {
    "proximal": ("behind", "front", "medial", "lateral", "above"),
    "distal": ("below", "behind", "front", "lateral", "medial"),
    "whole": ("front", "behind", "lateral", "medial"),
    "hip": ("lateral", "front", "behind", "medial", "below"),
    "midline": ("front", "behind", "above", "lateral"),
}
# Words that tell the bone where distance cannot: head and socket share a centre, other bones may touch.
_WORDS = {
    "femur": ("femoral", "trochanter", "condyle", "shaft"),
    "hip_bone": ("acetabular", "ischial", "lunate", "pubic"),
}


@dataclass(frozen=True, slots=True, eq=False)
class MarkPlace:
    """A landmark as a picture needs it.

    Parameters
    ----------
    number : int
        Stands beside it in every picture.
    landmark : Landmark
    normal : array of shape (3,) or None
        Outward direction of the surface around it; None for a centre, which lies in the bone's
        depth or in a hollow and is drawn through the bone.
    lift_mm : float
        Height above the landmark that must be free for it to count as seen.
    """

    number: int
    landmark: Landmark
    normal: Array | None
    lift_mm: float = _LIFT_MM


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a bone with its landmarks.

    Parameters
    ----------
    key : str
        One of ``_VIEWS``.
    bone : str
        "femur", "hip_bone" or "midline".
    title : str
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
        Drawn, and what can hide a landmark.
    framed_mm : array of shape (N, 3), mm
        Must be inside the picture.
    places : tuple of MarkPlace
    seen : Directions
    lateral : array of shape (3,)
        Away from the midline; to the patient's right for the midline itself.
    longest_edge_mm : float
    """

    key: str
    bone: str
    title: str
    vertices_mm: Array
    faces: Indices
    framed_mm: Array
    places: tuple[MarkPlace, ...]
    seen: Directions
    lateral: Array
    longest_edge_mm: float

    def camera(self, view: str) -> Camera:
        """Camera of a view, in units of which ``MARKS_PX`` span the picture."""
        toward, up = {
            "front": (self.seen.forward, self.seen.up),
            "behind": (-self.seen.forward, self.seen.up),
            "lateral": (self.lateral, self.seen.up),
            "medial": (-self.lateral, self.seen.up),
            "above": (self.seen.up, self.seen.forward),
            "below": (-self.seen.up, self.seen.forward),
        }[view]
        right = np.cross(up, toward)
        local = self.framed_mm @ np.stack([right, up, toward]).T
        low, high = local.min(axis=0), local.max(axis=0)
        centre = (low + high) / 2 @ np.stack([right, up, toward])
        width = _MARGIN * float((high - low)[:2].max())
        return Camera(centre, right, up, toward, MARKS_PX, MARKS_PX, width / MARKS_PX)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A view of a part.

    Parameters
    ----------
    name : str
        "front", "behind", "lateral", "medial", "above" or "below".
    camera : Camera
        In units of which ``MARKS_PX`` span the picture.
    shows : tuple of (MarkPlace, bool)
        Landmarks to mark in it, and whether bone hides each.
    """

    name: str
    camera: Camera
    shows: tuple[tuple[MarkPlace, bool], ...]


def raster_camera(camera: Camera) -> Camera:
    """The same view with as many pixels as the picture is worth.

    Parameters
    ----------
    camera : Camera

    Returns
    -------
    Camera
    """
    px = round(views.PICTURE_PX * _SHARE_OF_PIXELS)
    scale = camera.width_px * camera.mm_per_px / px
    return Camera(camera.centre_mm, camera.right, camera.up, camera.toward, px, px, scale)


def hip_parts(hip: Hip, numbers: Mapping[str, int], axes: str) -> tuple[Part, ...]:
    """Divide a hip's bones into parts with their landmarks.

    Parameters
    ----------
    hip : Hip
    numbers : mapping of str to int
        Number of each landmark's name.
    axes : str
        Declared axes of the input.

    Returns
    -------
    tuple of Part
        Femur from its head to its knee, then hip bone; parts without landmarks are left out.
    """
    by_bone: dict[str, list[Landmark]] = {"femur": [], "hip_bone": []}
    for landmark in hip.landmarks.values():
        name = _bone_of(hip, landmark)
        if name is not None:
            by_bone[name].append(landmark)
    parts: list[Part] = []
    if hip.femur is not None and by_bone["femur"]:
        parts += _femur_parts(hip, hip.femur, _places(hip.femur, by_bone["femur"], numbers), axes)
    if hip.hip_bone is not None and by_bone["hip_bone"]:
        parts.append(_hip_part(hip, hip.hip_bone, _places(hip.hip_bone, by_bone["hip_bone"], numbers), axes))
    return tuple(parts)


def midline_part(
    bone: Bone, landmarks: Iterable[Landmark], numbers: Mapping[str, int], seen: Directions
) -> Part:
    """Sacrum, or a whole pelvis in one surface, with the landmarks of the midline.

    Parameters
    ----------
    bone : Bone
    landmarks : iterable of Landmark
    numbers : mapping of str to int
    seen : Directions

    Returns
    -------
    Part
    """
    places = _places(bone, landmarks, numbers)
    drawn = np.ones(len(bone.vertices_mm), dtype=bool)
    return _part("midline", "midline", "Midline", bone, drawn, drawn, places, seen, seen.right)


def choose_views(part: Part) -> tuple[View, ...]:
    """Fewest views that show every landmark of a part well, in the order of preference.

    Parameters
    ----------
    part : Part

    Returns
    -------
    tuple of View
        At least two, across each other, since one direction says nothing of depth; one of a whole femur
        where that shows all.

    Notes
    -----
    Each landmark on the surface needs a view from which no bone hides it and its surface faces
    the viewer. One that bone hides everywhere is put into the view that it faces most, as hidden.
    """
    names = _VIEWS[part.key]
    cameras = [part.camera(name) for name in names]
    toward = np.stack([camera.toward for camera in cameras])
    seen = np.array([is_seen(part, camera, part.places) for camera in cameras])
    facing = np.array([np.ones(len(names)) if p.normal is None else toward @ p.normal for p in part.places]).T
    score = np.where(seen, facing, facing - 2)
    good: Mask = np.asarray(score >= np.minimum(_FACING, score.max(axis=0) - _NEAR_BEST))
    chosen: set[int] = set()
    left = np.ones(len(part.places), dtype=bool)
    while left.any():
        best = int(good[:, left].sum(axis=1).argmax())
        chosen.add(best)
        left &= ~good[best]
    if len(chosen) == 1 and part.key != "whole":
        first = next(iter(chosen))
        chosen.add(next(k for k in range(len(names)) if abs(toward[k] @ toward[first]) < 0.5))
    order = sorted(chosen)
    home = np.array(order)[facing[order].argmax(axis=0)]
    lost: Mask = np.asarray(~seen[order].any(axis=0))
    return tuple(
        View(
            names[k],
            cameras[k],
            tuple(
                (place, bool(lost[j]))
                for j, place in enumerate(part.places)
                if seen[k, j] or (lost[j] and home[j] == k)
            ),
        )
        for k in order
    )


def is_seen(part: Part, camera: Camera, places: Sequence[MarkPlace]) -> list[bool]:
    """Whether nothing of the bone hides each landmark from a camera; centres never count as hidden.

    Parameters
    ----------
    part : Part
    camera : Camera
    places : sequence of MarkPlace

    Returns
    -------
    list of bool
    """
    corners = camera.project(part.vertices_mm)
    near_px = part.longest_edge_mm / camera.mm_per_px
    seen = []
    for place in places:
        if place.normal is None:
            seen.append(True)
            continue
        at = camera.project(place.landmark.point_mm + place.lift_mm * place.normal)
        # A triangle over the point has all its corners within one edge of it.
        close = (np.abs(corners[:, 0] - at[0]) <= near_px) & (np.abs(corners[:, 1] - at[1]) <= near_px)
        seen.append(not _is_under(corners[part.faces[close[part.faces[:, 0]]]], at))
    return seen


def _is_under(corners: Array, at: Array) -> bool:
    """Whether one of some projected triangles (N, 3, 3) lies in front of a projected point."""
    a, b, c = (corners[:, k, :2] - at[:2] for k in range(3))
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=1)
    total = weights.sum(axis=1)
    inside = ((weights >= 0).all(axis=1) | (weights <= 0).all(axis=1)) & (total != 0)
    depth = np.einsum("nk,nk->n", weights[inside], corners[inside, :, 2]) / total[inside]
    return bool((depth > at[2]).any())


def _cross(a: Array, b: Array) -> Array:
    """Cross products of rows of two columns."""
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _bone_of(hip: Hip, landmark: Landmark) -> str | None:
    """Which of a hip's bones a landmark belongs to: by its name, else by its distance."""
    bones = {name: bone for name, bone in (("femur", hip.femur), ("hip_bone", hip.hip_bone)) if bone}
    named = [name for name, words in _WORDS.items() if any(word in landmark.name for word in words)]
    if len(named) == 1 and named[0] in bones:
        return named[0]
    return min(bones, key=lambda name: _distance(bones[name], landmark.point_mm), default=None)


def _distance(bone: Bone, point_mm: Array) -> float:
    """Distance to the nearest vertex, mm."""
    return float(np.sqrt(((bone.vertices_mm - point_mm) ** 2).sum(axis=1).min()))


def _places(bone: Bone, landmarks: Iterable[Landmark], numbers: Mapping[str, int]) -> tuple[MarkPlace, ...]:
    """Landmarks with numbers and the directions of the surface around them."""
    triangles = bone.triangles_mm
    middle = triangles.mean(axis=1)
    twice_area = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lift = max(_LIFT_MM, bone.edge_mm)
    out = []
    for landmark in landmarks:
        number = numbers[landmark.name]
        away = ((middle - landmark.point_mm) ** 2).sum(axis=1)
        deep = max(_DEEP_MM, 2 * bone.edge_mm) ** 2
        if landmark.name.endswith("_centre") or float(away.min()) > deep:
            out.append(MarkPlace(number, landmark, None))
            continue
        nearest = np.argpartition(away, min(_N_PATCH, len(away) - 1))[:_N_PATCH]
        patch = np.union1d(nearest, np.flatnonzero(away < _PATCH_MM**2))
        total = twice_area[patch].sum(axis=0)
        size = float(np.linalg.norm(total))
        out.append(MarkPlace(number, landmark, total / size if size > 0 else None, lift))
    return tuple(sorted(out, key=lambda place: place.number))


def _part(
    key: str,
    bone: str,
    title: str,
    surface: Bone,
    drawn: Mask,
    framed: Mask,
    places: Iterable[MarkPlace],
    seen: Directions,
    lateral: Array,
) -> Part:
    """A part made of the ``drawn`` vertices of a surface, with those that must be in the picture."""
    faces = surface.faces[drawn[surface.faces].all(axis=1)]
    new = np.cumsum(drawn) - 1
    vertices, faces = surface.vertices_mm[drawn], new[faces]
    edges = vertices[faces] - vertices[np.roll(faces, 1, axis=1)]
    longest = float(np.sqrt((edges**2).sum(axis=2).max(initial=0.0)))
    framed_mm = surface.vertices_mm[framed]
    return Part(key, bone, title, vertices, faces, framed_mm, tuple(places), seen, lateral, longest)


def _femur_parts(hip: Hip, bone: Bone, places: tuple[MarkPlace, ...], axes: str) -> list[Part]:
    """Proximal end, distal end and whole femur, as far as they are there."""
    seen = _femur_directions(hip, axes)
    lateral = hip.side.sign * seen.right

    def part(key: str, title: str, chosen: Iterable[MarkPlace], framed: Mask, drawn: Mask) -> Part:
        return _part(key, "femur", title, bone, drawn, framed, chosen, seen, lateral)

    everything = np.ones(len(bone.vertices_mm), dtype=bool)
    head = hip.landmarks.get("femoral_head_centre")
    if head is None:
        return [part("proximal", "Femur", places, everything, everything)]
    radius = float(head.detail.get("radius_mm", _TYPICAL_HEAD_MM))
    away = np.linalg.norm(bone.vertices_mm - head.point_mm, axis=1)
    length = float(away.max())
    shown, end, knee = _SHOWN_RADII * radius, _END_RADII * radius, length - _KNEE_RADII * radius
    if knee < end + shown:  # no knee: all that is there is the proximal end
        return [part("proximal", "Proximal femur", places, away <= end, away <= end + shown)]
    at = [float(np.linalg.norm(place.landmark.point_mm - head.point_mm)) for place in places]
    parts = []
    near = [place for place, d in zip(places, at, strict=True) if d <= end]
    far = [place for place, d in zip(places, at, strict=True) if d >= knee]
    if near:
        parts.append(part("proximal", "Proximal femur", near, away <= end, away <= end + shown))
    if far:
        parts.append(part("distal", "Distal femur", far, away >= knee, away >= knee - shown))
    between = [place for place, d in zip(places, at, strict=True) if end < d < knee]
    centres = [place for place in places if place.normal is None]
    parts.append(
        part(
            "whole", "Whole femur", {p.number: p for p in centres + between}.values(), everything, everything
        )
    )
    return parts


def _hip_part(hip: Hip, bone: Bone, places: tuple[MarkPlace, ...], axes: str) -> Part:
    """The hip bone; of both in one surface only the half with the landmarks."""
    seen = anatomical_directions(hip, axes)
    lateral = hip.side.sign * seen.right
    drawn = np.ones(len(bone.vertices_mm), dtype=bool)
    if bone.name == "pelvis":
        out = bone.vertices_mm @ lateral
        middle = (float(out.min()) + float(out.max())) / 2
        inmost = min(float(place.landmark.point_mm @ lateral) for place in places)
        drawn = out >= min(middle, inmost) - _MIDLINE_MM
    return _part("hip", "hip_bone", "Hip bone", bone, drawn, drawn, places, seen, lateral)


def _femur_directions(hip: Hip, axes: str) -> Directions:
    """The femur's own directions where its frame is known, else those of the hip."""
    for zero, words in (("pca", "posterior condyles"), ("tea", "epicondyles")):
        frame = hip.frames.get(f"femur_{zero}_from_patient")
        if frame is not None:
            forward, up, right = frame.matrix[:3, :3]
            return Directions(forward, up, right, f"the femur's own axes ({words})", True)
    return anatomical_directions(hip, axes)

"""Every landmark drawn on its bone, with a numbered list: so that a person can judge each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from ischio._check import Array
from ischio.geometry.sections import section
from ischio.report.drawing import Picture, Surface, draw
from ischio.report.landmark_marks import FOUND, READ, READER, Mark, add_marks
from ischio.report.landmark_views import (
    Part,
    View,
    choose_views,
    hip_parts,
    midline_part,
    raster_camera,
)
from ischio.report.overlay import HALO, INK, canvas, finished, px
from ischio.report.pictures import TINTS, HipPicture, Legend
from ischio.report.raster import Camera
from ischio.report.views import anatomical_directions, letters
from ischio.report.words import plain
from ischio.types import Hip, Landmark, Pelvis

_RIM = "acetabular_rim"
_RIM_TINT = "#56b4e9"  # sky blue of Okabe and Ito 2008
_SKIN_MM = 1.5  # a line this far below the drawn surface still counts as on it
_VIEWER = {
    "front": "from in front",
    "behind": "from behind",
    "above": "from above",
    "below": "from below",
    "lateral": "from the side",
    "medial": "from the midline",
}


@dataclass(frozen=True, slots=True)
class LandmarkRow:
    """One entry of the numbered list."""

    number: int
    name: str
    sigma_mm: float
    method: str
    kind: str
    pictures: str


@dataclass(frozen=True, slots=True)
class LandmarkSheet:
    """Landmarks of one hip, or of the midline, on the page.

    Parameters
    ----------
    pictures : tuple of HipPicture
    rows : tuple of LandmarkRow
        By number.
    missing : tuple of (names, reason)
        What was not found; names that share a reason stand together.
    legend : tuple of Legend
        Marks and colours of these pictures.
    has_letters : bool
    """

    pictures: tuple[HipPicture, ...]
    rows: tuple[LandmarkRow, ...]
    missing: tuple[tuple[tuple[str, ...], str], ...]
    legend: tuple[Legend, ...]
    has_letters: bool


def landmark_numbers(pelvis: Pelvis) -> dict[str, int]:
    """Number every landmark's name; a landmark has the same number on both sides.

    Parameters
    ----------
    pelvis : Pelvis

    Returns
    -------
    dict of str to int
        From 1, in the order in which the landmarks were found, right hip first.
    """
    names: dict[str, None] = {}
    for group in (*(hip.landmarks for hip in pelvis.hips), pelvis.landmarks):
        names |= dict.fromkeys(group)
    return {name: k for k, name in enumerate(names, start=1)}


def hip_landmarks(hip: Hip, numbers: Mapping[str, int], axes: str) -> LandmarkSheet:
    """Draw the landmarks of a hip.

    Parameters
    ----------
    hip : Hip
    numbers : mapping of str to int
    axes : str
        Declared axes of the input.

    Returns
    -------
    LandmarkSheet
    """
    parts = hip_parts(hip, numbers, axes)
    return _sheet(hip.side.value, parts, hip.landmarks.values(), numbers, _missing(hip), hip)


def midline_landmarks(pelvis: Pelvis, numbers: Mapping[str, int], axes: str) -> LandmarkSheet | None:
    """Draw the landmarks of the midline on the sacrum, or on a pelvis in one surface; None without any."""
    if not pelvis.landmarks:
        return None
    joined = (hip.hip_bone for hip in pelvis.hips if hip.hip_bone and hip.hip_bone.name == "pelvis")
    bone = pelvis.sacrum or next(joined, None)
    parts: tuple[Part, ...] = ()
    if bone is not None and pelvis.hips:
        seen = anatomical_directions(pelvis.hips[0], axes)
        parts = (midline_part(bone, pelvis.landmarks.values(), numbers, seen),)
    return _sheet("midline", parts, pelvis.landmarks.values(), numbers, (), None)


def _sheet(
    key: str,
    parts: tuple[Part, ...],
    landmarks: Iterable[Landmark],
    numbers: Mapping[str, int],
    missing: tuple[tuple[tuple[str, ...], str], ...],
    hip: Hip | None,
) -> LandmarkSheet:
    """Pictures of all parts and the list beside them."""
    pictures: list[HipPicture] = []
    shown: dict[int, list[str]] = {}
    kinds: set[str] = set()
    for part in parts:
        surface = _surface(part, hip)
        for view in choose_views(part):
            picture, marks = _picture(part, surface, view, key, f"{chr(ord('A') + len(pictures))}", hip)
            pictures.append(picture)
            kinds |= {mark.kind for mark in marks} | {"sphere" for mark in marks if mark.ball_px is not None}
            for mark in marks:
                shown.setdefault(mark.place.number, []).append(picture.key)
    rows = sorted(
        (
            LandmarkRow(
                numbers[mark.name],
                mark.name,
                mark.sigma_mm,
                mark.method,
                "read" if mark.method.startswith(READER) else "found",
                " ".join(shown.get(numbers[mark.name], ())),
            )
            for mark in landmarks
        ),
        key=lambda row: row.number,
    )
    if hip is not None and "neck_isthmus_centre" in hip.landmarks and pictures:
        kinds.add("ring")
    if hip is not None and _RIM in hip.regions and pictures:
        kinds.add("rim")
    known = bool(parts) and parts[0].seen.known
    return LandmarkSheet(tuple(pictures), tuple(rows), missing, _legend(kinds), known)


def _legend(kinds: set[str]) -> tuple[Legend, ...]:
    """Entries for the marks that were drawn."""
    words = {
        "found": Legend("dot", FOUND, "found on the surface"),
        "hidden": Legend("hollow", FOUND, "hidden by bone in this view, or inside it"),
        "read": Legend("diamond", READ, "read by a person"),
        "centre": Legend("cross", INK, "centre, seen through the bone"),
        "sphere": Legend("sphere", INK, "sphere fitted to head or socket"),
        "ring": Legend("outline", INK, "smallest section of the neck"),
        "rim": Legend("colour", _RIM_TINT, "acetabular rim"),
    }
    return tuple(entry for kind, entry in words.items() if kind in kinds)


def _picture(
    part: Part, surface: Surface, view: View, sheet: str, letter: str, hip: Hip | None
) -> tuple[HipPicture, list[Mark]]:
    """One view of one part, and the landmarks marked in it."""
    camera = view.camera
    picture = draw([surface], _palette(part), raster_camera(camera))
    marks = [Mark.of(place, camera, hidden=hidden) for place, hidden in view.shows]
    side = "" if hip is None else f"{hip.side.value} hip, "
    where = f"{part.title}, {_VIEWER[view.name]}" if part.seen.known else f"{part.title}, view {letter}"
    names = "; ".join(f"{m.place.number} {plain(m.place.landmark.name)}" for m in marks)
    root = canvas(
        picture,
        camera,
        key=f"{sheet}-landmarks-{letter.lower()}",
        title=f"{side}{where[:1].lower()}{where[1:]}: landmarks".capitalize(),
        description=f"Surface drawing with numbered landmarks: {names or 'none seen from here'}.",
    )
    if part.bone == "femur" and part.key == "proximal" and hip is not None:
        _isthmus(root, picture, part, camera, hip)
    add_marks(root, camera, marks)
    text = finished(root, camera, letters(camera, part.seen) if part.seen.known else {})
    width = camera.width_px * camera.mm_per_px
    words = f"{width:.0f} mm across. Directions from {part.seen.source}."
    return HipPicture(letter, where, text, words), marks


def _surface(part: Part, hip: Hip | None) -> Surface:
    """What is drawn: the part in one tone, the acetabular rim in colour where it is known."""
    tints = np.zeros(len(part.faces), dtype=np.int64)
    if part.key == "hip" and hip is not None and _RIM in hip.regions:
        ring = {tuple(corner) for corner in hip.region_triangles(_RIM)[:, 0].tolist()}
        first = part.vertices_mm[part.faces[:, 0]].tolist()
        tints = np.array([tuple(corner) in ring for corner in first], dtype=np.int64)
    return Surface(part.vertices_mm, part.faces, tints)


def _palette(part: Part) -> Array:
    """Tones of bone and rim."""
    colours = (TINTS["femur" if part.bone == "femur" else "hip_bone"], _RIM_TINT)
    return np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in colours], dtype=np.float64)


def _isthmus(root: Element, picture: Picture, part: Part, camera: Camera, hip: Hip) -> None:
    """The neck's outline at its isthmus, where it is seen."""
    if not {"neck_isthmus_centre", "femoral_head_centre"} <= set(hip.landmarks):
        return
    centre, head = hip.point("neck_isthmus_centre"), hip.point("femoral_head_centre")
    length = float(np.linalg.norm(head - centre))
    if length == 0:
        return
    segments, group = section(part.vertices_mm, part.faces, centre, (head - centre) / length)
    if len(segments) == 0:
        return
    middles = {int(k): segments[group == k].mean(axis=(0, 1)) for k in np.unique(group)}
    own = min(middles, key=lambda k: float(np.linalg.norm(middles[k] - centre)))
    ends = camera.project(segments[group == own])
    scale = picture.depth_mm.shape[0] / camera.height_px
    middle = ends.mean(axis=1)
    cell = np.floor(middle[:, 1::-1] * scale).astype(int).clip(0, picture.depth_mm.shape[0] - 1)
    seen = picture.depth_mm[cell[:, 0], cell[:, 1]] <= middle[:, 2] + _SKIN_MM
    path = "".join(f"M{px(a[0])} {px(a[1])}L{px(b[0])} {px(b[1])}" for a, b in ends[seen])
    for colour, width in ((HALO, "5"), (INK, "2")):
        SubElement(
            root,
            "path",
            {"d": path, "fill": "none", "stroke": colour, "stroke-width": width, "stroke-linecap": "round"},
        )


def _missing(hip: Hip) -> tuple[tuple[tuple[str, ...], str], ...]:
    """What was not found on the bones, names with one reason together; frames are told elsewhere."""
    groups: dict[str, list[str]] = {}
    for name, reason in hip.reasons.items():
        if not name.endswith("_from_patient"):
            groups.setdefault(reason, []).append(name)
    return tuple((tuple(names), reason) for reason, names in groups.items())

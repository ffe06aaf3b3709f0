"""The three pictures of a hip: from behind, from the side, and along the gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.report.drawing import Surface, draw
from ischio.report.overlay import Marks, svg
from ischio.report.raster import Camera
from ischio.report.views import (
    Directions,
    anatomical_directions,
    camera_along_gap,
    camera_behind,
    camera_beside,
    letters,
)
from ischio.report.words import number, plain, posture_words
from ischio.types import Bone, Hip, Measurement

# Bone in two quiet tones; regions in colours of Okabe and Ito 2008, told apart by all kinds of colour vision.
TINTS = {
    "femur": "#f3e7cd",
    "hip_bone": "#dfe3e6",
    "lesser_trochanter": "#d55e00",
    "body": "#56b4e9",
    "tuberosity": "#0072b2",
    "ramus": "#009e73",
    "ischium": "#56b4e9",
    "other": "#cc79a7",
}


@dataclass(frozen=True, slots=True)
class HipPicture:
    """One picture for the page: SVG element, heading, and caption with view and posture."""

    key: str
    title: str
    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Legend:
    """One entry of the legend: a colour, or a mark named by ``kind``."""

    kind: str
    colour: str
    words: str


def hip_pictures(hip: Hip, space: Measurement | None, axes: str) -> tuple[HipPicture, ...]:
    """Draw a hip from behind, from the side and along its gap.

    Parameters
    ----------
    hip : Hip
        Whatever it has is drawn; without any bone there are no pictures.
    space : Measurement or None
        The measured gap; without its two points the third picture is left out.
    axes : str
        Declared axes of the input, for the captions.

    Returns
    -------
    tuple of HipPicture
    """
    bones = _bones(hip)
    if not bones:
        return ()
    seen = anatomical_directions(hip, axes)
    ends = None if space is None else space.points_mm
    matters = _matters(hip, ends)
    shots = [
        ("behind", "From behind", camera_behind(hip, matters, seen)),
        ("side", "From the side", camera_beside(hip, matters, seen)),
    ]
    if ends is not None:
        triangles = np.concatenate([bone.triangles_mm for _, bone in bones])
        shots.append(("gap", "Along the gap", camera_along_gap(triangles, ends, seen)))
    palette = np.array(
        [[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in TINTS.values()], dtype=float
    )
    surfaces = [Surface(bone.vertices_mm, bone.faces, _tints(hip, name, bone)) for name, bone in bones]
    label = "" if space is None or space.value is None else number(space.value, space.unit)
    return tuple(
        HipPicture(
            key,
            title,
            svg(
                draw(surfaces, palette, camera),
                camera,
                _marks(hip, ends, label, camera, seen, key),
                key=f"{hip.side.value}-{key}",
                title=f"{hip.side.value.capitalize()} hip, {title.lower()}",
                description=_description(hip, label, key),
            ),
            _caption(hip, key, seen, camera, axes),
        )
        for key, title, camera in shots
    )


def legend(hip: Hip, space: Measurement | None) -> tuple[Legend, ...]:
    """What the colours and marks in a hip's pictures stand for, for what it has."""
    entries = [Legend("colour", TINTS[name], plain(bone.name)) for name, bone in _bones(hip)]
    others: list[str] = []
    for region in hip.regions.values():
        for part in sorted(set(region.sub_parts), key=_order) or [region.name]:
            words = f"{plain(region.name)}: {plain(part)}" if region.sub_parts else plain(part)
            if part in TINTS:
                entries.append(Legend("colour", TINTS[part], words))
            else:
                others.append(words if not others else words[:1].lower() + words[1:])
    if others:
        entries.append(Legend("colour", TINTS["other"], ", ".join(others)))
    if space is not None and space.points_mm is not None:
        entries.append(Legend("line", "", "measured line (dotted where bone hides it)"))
    if "radius_mm" in _head_detail(hip):
        entries.append(Legend("sphere", "", "sphere fitted to the femoral head, and its centre"))
    if "lesser_trochanter_tip" in hip.landmarks:
        entries.append(Legend("ring", "", "tip of the lesser trochanter"))
    return tuple(entries)


def _order(part: str) -> tuple[int, str]:
    """MarkPlace of a sub-part in the legend: as in ``TINTS``, from above down; others behind, by name."""
    return (list(TINTS).index(part) if part in TINTS else len(TINTS)), part


def _bones(hip: Hip) -> list[tuple[str, Bone]]:
    """The bones a hip has, by the name its regions use."""
    return [
        (name, bone) for name, bone in (("femur", hip.femur), ("hip_bone", hip.hip_bone)) if bone is not None
    ]


def _head_detail(hip: Hip) -> Mapping[str, Any]:
    """Figures of the femoral head, or nothing."""
    head = hip.landmarks.get("femoral_head_centre")
    return {} if head is None else head.detail


def _matters(hip: Hip, ends: Array | None) -> Array:
    """Points that a picture of the hip must show, shape (N, 3)."""
    groups = [np.empty((0, 3)) if ends is None else ends]
    groups += [
        hip.landmarks[name].point_mm[None]
        for name in ("femoral_head_centre", "acetabular_centre", "lesser_trochanter_tip")
        if name in hip.landmarks
    ]
    groups += [hip.region_triangles(name).reshape(-1, 3) for name in hip.regions]
    return np.concatenate(groups)


def _tints(hip: Hip, name: str, bone: Bone) -> NDArray[np.int64]:
    """Palette row of each face of a bone: its own tone, or its region's colour."""
    rows = list(TINTS)
    tints = np.full(len(bone.faces), rows.index(name))
    for region in hip.regions.values():
        if (region.bone == "femur") == (name == "femur"):
            parts = region.sub_parts or (region.name,) * len(region.face_indices)
            tints[region.face_indices] = [rows.index(part if part in TINTS else "other") for part in parts]
    return tints


def _marks(hip: Hip, ends: Array | None, label: str, camera: Camera, seen: Directions, key: str) -> Marks:
    """What is drawn over one picture: the head's sphere on the whole hip, the tip where there is room."""
    detail = _head_detail(hip)
    circle = None
    if key != "gap" and "radius_mm" in detail:
        circle = (hip.point("femoral_head_centre"), float(detail["radius_mm"]))
    tip = hip.landmarks.get("lesser_trochanter_tip") if key == "gap" or ends is None else None
    return Marks(
        line_mm=ends,
        line_label=label,
        circle_mm=circle,
        points_mm=np.empty((0, 3)) if tip is None else tip.point_mm[None],
        letters=letters(camera, seen) if seen.known else {},
    )


def _description(hip: Hip, label: str, key: str) -> str:
    """Alternative text: what a person who cannot see the picture should know."""
    words = " and ".join(plain(bone.label) for _, bone in _bones(hip))
    colours = ", ".join(entry.words for entry in legend(hip, None) if entry.kind == "colour")
    measured = f" A line of {label} marks the measured ischiofemoral space." if label else ""
    where = {
        "behind": "from behind",
        "side": f"from the {hip.side.value} side",
        "gap": "square to the measured line, enlarged",
    }[key]
    return f"Surface drawing of the {words} seen {where}. Coloured: {colours}.{measured}"


def _caption(hip: Hip, key: str, seen: Directions, camera: Camera, axes: str) -> str:
    """View, scale, directions and posture."""
    if not seen.known:
        return f"Patient axes are unknown: drawn along {seen.source}. Posture: {posture_words(hip.posture)}."
    view = {
        "behind": "Viewer behind the patient: the patient's right is on the right.",
        "side": f"Viewer at the patient's {hip.side.value}, looking toward the midline.",
        "gap": "Viewer square to the measured line, which has its true length only here; "
        f"{camera.width_px * camera.mm_per_px:.0f} mm across.",
    }[key]
    unknown = " Patient axes are unknown." if axes == "unknown" else ""
    return f"{view}{unknown} Directions from {seen.source}. Posture: {posture_words(hip.posture)}."

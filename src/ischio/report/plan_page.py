"""The report's part on planned resections: pictures of each cut, and its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from ischio._check import Array
from ischio.io.gait_trial import PERCENT
from ischio.motion.pairs import SPACE
from ischio.plan import HipPlans, Plan
from ischio.report.drawing import Surface, draw
from ischio.report.motion_svg import curves_svg
from ischio.report.overlay import HALO, canvas, finished
from ischio.report.pictures import TINTS
from ischio.report.raster import Camera
from ischio.report.views import anatomical_directions, camera_at, letters

Row = Mapping[str, Any]
_WIDTH_MM = 110.0
_CUT = "#cc79a7"  # reddish purple of Okabe and Ito, used nowhere else on the femur


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan: its row of ``study.json``, and its pictures."""

    row: Row
    svgs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PlanHip:
    """One hip: what holds for all its plans, the plans, pictures before any cut, and curves of walking."""

    row: Row
    plans: tuple[PlanRow, ...]
    svgs: tuple[tuple[str, str], ...]
    curves: tuple[tuple[str, str], ...]
    treated: tuple[Row, ...]


def plan_pages(data: Row, found: Sequence[HipPlans]) -> tuple[PlanHip, ...]:
    """What the template shows of plans.

    Parameters
    ----------
    data : mapping
        The study as plain values.
    found : sequence of HipPlans
        For the pictures; without them there are rows only.

    Returns
    -------
    tuple of PlanHip
    """
    by_side = {one.hip.side.value: one for one in found}
    out = []
    for row in data.get("planning", {}).get("hips", ()):
        rows = [one for one in data["plans"] if one["side"] == row["side"]]
        known = by_side.get(row["side"])
        plans: tuple[Plan | None, ...] = (None,) * len(rows) if known is None else known.plans
        out.append(
            PlanHip(
                row,
                tuple(PlanRow(one, _pictures(known, plan)) for one, plan in zip(rows, plans, strict=True)),
                () if rows[0]["cut"] is None else _pictures(known, None),
                _curves(row, rows),
                tuple(_treated(row)),
            )
        )
    return tuple(out)


def _curves(hip: Row, rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Walking before and after each cut, after other treatments, and as people are advised to walk."""
    before = rows[0]["before"]["gait"]
    if rows[0]["cut"] is None or not before:
        return ()
    cuts = [(one["cut"]["name"].replace("_", " "), one["after"]["gait"]) for one in rows]
    others = [(one["words"], one["moves"]["gait"]) for one in _treated(hip)]
    advised = [
        (f"strides of {stride:g}, hips {apart:g} degrees apart", _walked(before, stride, apart))
        for stride, apart in ((0.8, 0.0), (1.0, 10.0), (0.8, 10.0))
    ]
    pictures = (
        ("Walking before and after each cut", [(words, _walked(gait)) for words, gait in cuts]),
        ("Walking after other treatments, without a cut", [(words, _walked(gait)) for words, gait in others]),
        ("Walking as people are advised to, without a cut", advised),
    )
    return tuple(
        (
            title,
            curves_svg(
                f"{hip['side']} hip: {title[0].lower()}{title[1:]}",
                "percent of the cycle, from foot strike",
                PERCENT.tolist(),
                [("as it is", _walked(before)), *curves],
            ),
        )
        for title, curves in pictures
    )


def _walked(gait: Sequence[Row], stride: float = 1.0, apart_deg: float = 0.0) -> Sequence[float]:
    """Gaps of one way to walk."""
    gaps: Sequence[float] = next(
        one["gap_mm"] for one in gait if (one["stride"], one["abducted_deg"]) == (stride, apart_deg)
    )
    return gaps


def _treated(hip: Row) -> Iterator[Row]:
    """Other treatments that were examined as cuts are: in words, and what the trochanter does."""
    for row in (*hip["alternatives"], *hip["osteotomies"]):
        if "moves" in row:
            amount = f"{row['degrees']:g}°" if "degrees" in row else f"{row['amount']:g} {row['unit']}"
            yield {"words": f"{row['kind']} {amount}".replace(" deg", "°"), "moves": row["moves"]}


def _pictures(known: HipPlans | None, plan: Plan | None) -> tuple[tuple[str, str], ...]:
    """The femur, after a cut or before any, from behind and from where the ischium is."""
    if known is None or (plan is not None and plan.resection is None):
        return ()
    site = known.site
    shots = (
        ("from behind", site.back, True),
        ("from the medial side, hip bone left out", site.medial, False),
    )
    return tuple(
        (words, _picture(known, plan, toward, words, with_pelvis)) for words, toward, with_pelvis in shots
    )


def _picture(known: HipPlans, plan: Plan | None, toward: Array, words: str, with_pelvis: bool) -> str:
    """One drawing: what is left of the trochanter in its colour, the cut surface in another."""
    hip, site = known.hip, known.site
    resection = None if plan is None else plan.resection
    after = hip if resection is None else resection.hip
    assert after.femur is not None
    assert hip.hip_bone is not None
    palette = np.array(
        [
            [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
            for colour in (
                TINTS["femur"],
                TINTS["hip_bone"],
                TINTS["lesser_trochanter"],
                TINTS["ischium"],
                _CUT,
            )
        ],
        dtype=float,
    )
    tints = np.zeros(len(after.femur.faces), dtype=np.int64)
    if "lesser_trochanter" in after.regions:
        tints[after.regions["lesser_trochanter"].face_indices] = 2
    if resection is not None:
        tints[resection.is_cut] = 4
    surfaces = [Surface(after.femur.vertices_mm, after.femur.faces, tints)]
    if with_pelvis:
        seat = np.ones(len(hip.hip_bone.faces), dtype=np.int64)
        seat[hip.regions["ischium"].face_indices] = 3
        surfaces.append(Surface.thinned(hip.hip_bone.vertices_mm, hip.hip_bone.faces, seat))
    camera = camera_at(site.tip_mm, site.up, toward, _WIDTH_MM)
    seen = anatomical_directions(hip, "LPS")
    cut = "before any cut" if plan is None or plan.cut is None else f"after the cut ({plan.cut.words})"
    root = canvas(
        draw(surfaces, palette, camera),
        camera,
        key=f"{hip.side.value}-plan-{'before' if plan is None or plan.cut is None else plan.cut.name}"
        f"-{'behind' if with_pelvis else 'medial'}",
        title=f"{hip.side.value.capitalize()} femur {cut.split(' (')[0]}, {words}",
        description=f"The femur {cut}, seen {words}. Bones as in the file.",
    )
    if with_pelvis and plan is None:
        _templates(root, camera, known)
    return finished(root, camera, letters(camera, seen) if seen.known else {})


# Where structures are drawn, in mm from the trochanter's tip, lateral and up: templates, no measurement.
_QUADRATUS_MM, _PERFORATOR_MM, _ARTERY_MM, _NERVE_MM = 22.0, -42.0, 22.0, 15.0
_MUSCLE_MM = (-35.0, 15.0)


def _templates(root: Element, camera: Camera, known: HipPlans) -> None:
    """Draw where quadratus femoris, artery, perforator and nerve are expected."""
    site = known.site
    lateral, seat = -site.medial, known.plans[0].before[SPACE].on_hip_bone_mm[0]
    insertion = site.tip_mm + _QUADRATUS_MM * lateral
    nerve = (seat - site.tip_mm) @ lateral + _NERVE_MM
    low, high = (insertion + level * site.up for level in _MUSCLE_MM)
    across = (-_QUADRATUS_MM, 0.0)
    lines = (
        ("quadratus femoris insertion", "#7a3b00", (low, high)),
        (
            "medial circumflex artery",
            "#b30000",
            [insertion + _ARTERY_MM * site.up + k * lateral for k in across],
        ),
        ("first perforator", "#b30000", [insertion + _PERFORATOR_MM * site.up + k * lateral for k in across]),
        (
            "sciatic nerve",
            "#6b5a00",
            [site.tip_mm + nerve * lateral + level * site.up for level in (-50.0, 45.0)],
        ),
    )
    for words, colour, ends in lines:
        (x1, y1), (x2, y2) = camera.project(np.array(ends))[:, :2].tolist()
        place = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
        for stroke, width in ((HALO, "9"), (colour, "5")):
            SubElement(
                root, "line", place | {"stroke": stroke, "stroke-width": width, "stroke-dasharray": "14 8"}
            )
        x, y = (x1 + x2) / 2, max(min(y1, y2), 40.0)
        style = {
            "x": f"{x:.1f}",
            "y": f"{y - 8:.1f}",
            "text-anchor": "middle",
            "font-size": "22",
            "fill": colour,
        }
        halo = {"stroke": HALO, "stroke-width": "5", "paint-order": "stroke"}
        SubElement(root, "text", style | halo).text = words

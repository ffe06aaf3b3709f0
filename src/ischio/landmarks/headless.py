"""Lesser trochanter and ischium of bones whose head or socket is not in view.

The shape model stands in for what is missing: its head bounds the trochanter's smooth femur, its rim the
ischium. Nothing else is told of such bones, and where the model is not led well enough, nothing at all.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.atlas.model import BoneModel, bone_model
from ischio.atlas.template import Template, femur_template, pelvis_template
from ischio.landmarks.cut_ends import without_cut_faces
from ischio.landmarks.femur import missing_trochanter
from ischio.landmarks.femur_regions import OTHER_REGIONS
from ischio.landmarks.findings import Findings, unlike_model
from ischio.landmarks.hip_bone import hip_bone_findings
from ischio.landmarks.hip_regions import TUBEROSITY_POINTS
from ischio.landmarks.registration import ModelFit
from ischio.landmarks.shaft import SHAFT_AXES
from ischio.landmarks.trochanter import find_trochanter, trochanter_as_region
from ischio.landmarks.trochanter_tip import tip_landmark
from ischio.landmarks.upright import (
    FEMUR_TURNS_DEG,
    PELVIS_TURNS_DEG,
    lay_upright,
    lies_on_bone,
)
from ischio.types import Bone, Landmark, Side

WITHOUT = "without_ball_sigma_mm"
"""In a region's detail: how far a gap may be off because the model stood in for head or socket."""
# Seven hips of four people, cut up to a head's radius below its centre: within 0.1 mm, less cleanly led up to
# 0.7; cut through beside the trochanter as well: up to 1.3 mm.
_FEMUR_SIGMA_MM, _ISCHIUM_SIGMA_MM = 0.7, 0.7
_CUT_THROUGH_SIGMA_MM = 1.5
_WHOLE = 0.9  # of the model round the place that bone follows
_TIP_SIGMA_MM = 1.5
_AROUND_MM, _NEAR_MM = 45.0, 5.0
_LEAST_ON_BONE = 0.5  # of the laid model round the place: a bone that is cut through there has 0.6
_SURE_SIDE = 1.15
_HEAD = "the head of the laid shape model, in place of the femur's own, which is not in view"
_SOCKET = "the rim of the laid shape model, in place of the socket's own, which is not in view"


def femur_without_head(bone: Bone, why: str) -> Findings:
    """Find the lesser trochanter of a femur whose head is not in view.

    Parameters
    ----------
    bone : Bone
        In patient LPS.
    why : str
        Why it has no head.

    Returns
    -------
    Findings
        Of the bone without the flat ends that close it where it is cut. It has the lesser trochanter's
        tip and region; ``centre_mm`` is where the model expects the head.

    Raises
    ------
    CannotMeasure
        If the model is not led well enough to be trusted without the head.
    """
    template = femur_template()
    side, fit, ratio = _laid(bone, bone_model("femur"), template, FEMUR_TURNS_DEG, why)
    place = fit.vertices_mm[template.points["lesser_trochanter_tip"]]
    share = _check_led(bone, fit, place, "lesser trochanter", why)
    centre, radius = template.ball_of(fit.vertices_mm)
    opened = replace(bone, faces=bone.faces[without_cut_faces(bone)])
    up = fit.rotation[:, 2]
    try:
        found = find_trochanter(
            opened.vertices_mm, opened.faces, place, fit.vertices_mm, up, (centre, radius)
        )
    except CannotMeasure as missing:
        raise CannotMeasure(f"{why}; without it, {missing}") from missing
    opened = replace(opened, vertices_mm=found.vertices_mm, faces=found.faces)
    tip = tip_landmark(opened, side, found, place)
    tip_sigma = float(np.hypot(tip.sigma_mm, _TIP_SIGMA_MM))
    tip = replace(tip, sigma_mm=tip_sigma, detail={**tip.detail, "stands_in": _HEAD})
    sigma = _FEMUR_SIGMA_MM if share > _WHOLE else _CUT_THROUGH_SIGMA_MM
    more = {"model_rms_mm": fit.rms_mm, "stands_in": _HEAD, WITHOUT: sigma}
    region = replace(trochanter_as_region(found, side, more), missing_mm=missing_trochanter(opened, fit))
    names = {"femoral_head_centre", *template.points, *OTHER_REGIONS, *SHAFT_AXES}
    names |= {"lesser_trochanter_base", "neck_isthmus_centre", "knee_centre"}
    reasons = dict.fromkeys(sorted(names - {tip.name}), why)
    marks: dict[str, Landmark] = {tip.name: tip}
    return Findings(opened, side, fit, marks, {region.name: region}, reasons, ratio, centre)


def hip_bone_without_socket(bone: Bone, why: str) -> Findings:
    """Find the outer ischium of a hip bone whose socket is not in view.

    Parameters
    ----------
    bone : Bone
        In patient LPS.
    why : str
        Why it has no socket.

    Returns
    -------
    Findings
        Of the bone without the flat ends that close it where it is cut. It has the ischium and the points
        of its tuberosity.

    Raises
    ------
    CannotMeasure
        If the model is not led well enough to be trusted without the socket.
    """
    template = pelvis_template(Side.LEFT)
    side, fit, ratio = _laid(bone, bone_model("pelvis"), template, PELVIS_TURNS_DEG, why)
    _check_led(bone, fit, fit.vertices_mm[template.points["ischial_tuberosity_inferior"]], "ischium", why)
    opened = replace(bone, faces=bone.faces[without_cut_faces(bone)])
    found = hip_bone_findings(opened, side, fit, ratio)
    if "ischium" not in found.regions:
        raise CannotMeasure(f"{why}; without it, {found.reasons['ischium']}")
    kept = ("ischial_tuberosity_inferior", *TUBEROSITY_POINTS)
    marks = {name: mark for name, mark in found.landmarks.items() if name in kept}
    region = found.regions["ischium"]
    detail = {**region.detail, "stands_in": _SOCKET, WITHOUT: _ISCHIUM_SIGMA_MM}
    lost = {name for name in (*found.landmarks, *found.regions, *found.curves) if name not in kept}
    reasons = {**found.reasons, **dict.fromkeys(sorted(lost - {"ischium"}), why)}
    return replace(
        found,
        landmarks=MappingProxyType(marks),
        regions={"ischium": replace(region, detail=detail)},
        reasons=reasons,
        curves={},
    )


def _laid(
    bone: Bone, left: BoneModel, template: Template, turns_deg: tuple[tuple[float, ...], ...], why: str
) -> tuple[Side, ModelFit, float]:
    """The model laid, if the piece looks like it and tells its side as its name does."""
    models = {Side.LEFT: (left, template), Side.RIGHT: (left.mirrored(), template)}
    try:
        side, fit, ratio = lay_upright(bone, models, turns_deg)
    except CannotMeasure as nothing:
        raise CannotMeasure(f"{why}; without it, {nothing}") from nothing
    what = bone.name.replace("_", " ")
    strange = unlike_model(fit, template.ball_of(fit.vertices_mm)[1], what)
    if strange is not None:
        raise CannotMeasure(f"{why}; without it, {strange}")
    if ratio < _SURE_SIDE or bone.side not in (None, side):
        raise CannotMeasure(f"{why}; without it, its shape does not tell that it is a {bone.label}")
    return side, fit, ratio


def _check_led(bone: Bone, fit: ModelFit, place: Array, what: str, why: str) -> float:
    """How much of the model round a place that is wanted is led by bone; too little is refused."""
    share = lies_on_bone(bone, fit, place, _AROUND_MM, _NEAR_MM)
    if share < _LEAST_ON_BONE:
        raise CannotMeasure(
            f"{why}; without it, too little of the bone round the {what} is there to trust where that is "
            f"({100 * share:.0f} % of what the shape model has there)"
        )
    return share

"""Landmarks of a femur, whole or partial, in any position."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.atlas.model import BoneModel, bone_model
from ischio.atlas.template import femur_template
from ischio.geometry.spheres import Sphere, find_spheres
from ischio.landmarks.cut_ends import beyond_cut
from ischio.landmarks.femur_regions import OTHER_REGIONS, femur_regions
from ischio.landmarks.findings import (
    N_SAMPLES,
    Findings,
    ball_detail,
    ball_sigma_mm,
    refined_ball,
    surface_index,
    unlike_model,
)
from ischio.landmarks.grain import centre_grain_mm, grain_mm, steady_sample
from ischio.landmarks.joint_frames import knee_centre
from ischio.landmarks.neck import neck_isthmus
from ischio.landmarks.part_fit import laid_over_part
from ischio.landmarks.points import (
    LEAN,
    USUAL_LOCAL_MM,
    PlacedPoint,
    Rule,
    landmark_of,
    model_surface,
    place_points,
    placed,
    summit,
)
from ischio.landmarks.registration import ModelFit, finish, lay_model
from ischio.landmarks.relief import relief
from ischio.landmarks.shaft import SHAFT_AXES, shaft_axes
from ischio.landmarks.trochanter import find_trochanter, trochanter_as_region
from ischio.landmarks.trochanter_base import trochanter_base
from ischio.landmarks.trochanter_tip import tip_landmark
from ischio.types import Bone, Landmark, Region, Side

HEAD_RADIUS_MM = (12.0, 36.0)  # from a small child to a large man
MIN_HEAD_COVERAGE = 0.33  # a head covers 41-75 % of its sphere, a condyle up to 29 %
_MAX_BALL_OFFSET_RADII = 0.5  # the laid model's head must lie where the head was found
_GOOD_RMS_FRACTION = 0.15  # of the head's radius: real femora fit within 0.13, mirrored ones 0.18
# The greater trochanter reaches 2.8 head radii from the head's centre: a piece that ends there looks
# alike from several sides, and holds no lesser trochanter.
MIN_REACH_RADII = 3.2
_SURE_HEAD_COVERAGE = 0.4  # of the sphere: enough for a head by itself
_TOO_SHORT = "little more than the head of the femur is there: it does not tell side or directions"
# Readers' spread of the medial condyle's flat points is raised to the lateral's: both are as flat.
POINT_RULES = {
    "greater_trochanter_superior": Rule(0.6, 2.1, 2.2, 8.0, (0.0, 0.0, 1.0), lean_per_mm=LEAN, least_mm=3.2),
    "intertrochanteric_crest_posterior": Rule(1.9, 3.0, 1.1, 6.0, (0.0, 1.0, 0.0)),
    "epicondyle_lateral": Rule(1.3, 2.6, 0.9, 4.0, (1.0, 0.0, 0.0)),
    "epicondyle_medial": Rule(1.6, 3.0, 0.8, 4.0, (-1.0, 0.0, 0.0)),
    "posterior_condyle_lateral": Rule(0.6, 2.3, 1.3, 12.0, (0.0, 1.0, 0.0), lean_per_mm=LEAN, least_mm=2.8),
    "posterior_condyle_medial": Rule(0.8, 2.3, 1.9, 12.0, (0.0, 1.0, 0.0), lean_per_mm=LEAN, least_mm=3.1),
    "proximoposterior_condyle_lateral": Rule(1.5, 2.4, 1.1),
    "proximoposterior_condyle_medial": Rule(2.0, 2.4, 0.7, least_mm=4.4),
    "distal_condyle_lateral": Rule(1.8, 2.3, 1.8, 12.0, (0.0, 0.0, -1.0), lean_per_mm=LEAN, least_mm=3.8),
    "distal_condyle_medial": Rule(0.8, 2.3, 2.3, 12.0, (0.0, 0.0, -1.0), lean_per_mm=LEAN, least_mm=3.3),
    "intercondylar_notch": Rule(1.1, 2.2, 0.6, least_mm=2.7),
}
_ISTHMUS_SIGMA_MM = 2.5
_TROCHANTER_MM = 12.0  # round its tip: its cap, and some of its slopes
_UPPER_RADII = 5.0  # from the head's centre: the upper end reaches two radii below the lesser trochanter
_UPPER_COVER = 0.9  # of that: what of the model must lie on it
_UPPER_POINTS = ("greater_trochanter_superior", "intertrochanteric_crest_posterior")
_HEAD_METHOD_SIGMA_MM = 0.6  # against a sphere through raters' points on the head 0.8 mm
_TABLE_ROUNDS = 4
# Whole knees, coarse and stair-stepped ones too, lie within 3.0 mm of the laid model near every point; of
# knees with a condyle shaved flat some part lies 4 mm away or more, and all their points move.
_STRANGE_KNEE_MM, _KNEE_GAIN = 2.6, 3.0


def find_femur(bone: Bone, model: BoneModel | None = None) -> Findings:
    """Find side, directions, head and lesser trochanter of a femur.

    Parameters
    ----------
    bone : Bone
        Femur with its head; the shaft may be cut anywhere.
    model : BoneModel, optional
        Of a left femur, in the place of the one made from all people.

    Returns
    -------
    Findings

    Raises
    ------
    CannotMeasure
        If there is no spherical head, or the shape is unlike any femur.

    Notes
    -----
    Where little more than the head is there, the head alone is reported, with the reason for the
    rest.
    """
    points, normals = steady_sample(bone, bone.triangles_mm, N_SAMPLES)
    balls = _balls(points, normals)
    if not balls:  # the faces of stair steps look along the steps, not out of the head
        points, normals = steady_sample(bone, bone.triangles_mm, N_SAMPLES, always=True)
        balls = _balls(points, normals)
    if not balls:
        raise CannotMeasure("no spherical head was found: it is outside the scan, replaced or deformed")
    head, fits = _laid_over(points, normals, balls, model or bone_model("femur"))
    side = min(fits, key=lambda s: fits[s].rms_mm)
    ratio = fits[side.other].rms_mm / fits[side].rms_mm
    fit = finish(fits[side], points, normals, femur_template().cover)
    head = refined_ball(bone, head.centre_mm, head.radius_mm, concave=False) or head
    reach = float(np.linalg.norm(points - head.centre_mm, axis=1).max()) / head.radius_mm
    strange = unlike_model(fit, head.radius_mm, "femur")
    if reach < MIN_REACH_RADII and head.coverage_fraction >= _SURE_HEAD_COVERAGE:
        strange = _TOO_SHORT
    elif strange is not None:
        # A condyle passes for a head on a femur without one: where the rest does not fit, nothing is certain.
        raise CannotMeasure(strange)
    if strange is not None:
        side, ratio = bone.side or side, float("nan")
    if strange is not None:
        reasons = dict.fromkeys(
            (
                *femur_template().points,
                "lesser_trochanter",
                *OTHER_REGIONS,
                "lesser_trochanter_base",
                *SHAFT_AXES,
                "neck_isthmus_centre",
                "knee_centre",
            ),
            strange,
        )
        marks = {"femoral_head_centre": _head_landmark(bone, side, head)}
        return Findings(bone, side, None, marks, {}, reasons, ratio, head.centre_mm)
    return femur_findings(bone, side, (fit, _laid_over_upper_end(bone, fit, head)), head, ratio)


def femur_findings(
    bone: Bone, side: Side, fits: tuple[ModelFit, ModelFit], head: Sphere, other_side_ratio: float
) -> Findings:
    """Landmarks and regions of a femur with the model laid over it.

    Parameters
    ----------
    bone : Bone
    side : Side
    fits : (ModelFit, ModelFit)
        The model laid over all of the bone, and over its upper end alone: what the trochanters are found by
        must not hang on where the shaft ends.
    head : Sphere
        The femoral head.
    other_side_ratio : float
        Misfit of the other side's model divided by that of this side's.

    Returns
    -------
    Findings
    """
    fit, upper = fits
    landmarks = {"femoral_head_centre": _head_landmark(bone, side, head)}
    regions: dict[str, Region] = {}
    reasons: dict[str, str] = {}
    bone, shaft = _add_trochanter(bone, side, upper, landmarks, regions, reasons)
    _add_points(bone, side, fits, landmarks, reasons)
    others = dict.fromkeys(
        (*OTHER_REGIONS, "lesser_trochanter_base", *SHAFT_AXES), "the lesser trochanter is missing"
    )
    if shaft is not None:
        tip, lesser = landmarks["lesser_trochanter_tip"], regions["lesser_trochanter"]
        base = trochanter_base(bone, lesser, tip)
        landmarks[base.name] = base
        axes, no_axes = shaft_axes(bone, side, landmarks, shaft)
        landmarks |= axes
        reasons |= no_axes
        found, others = femur_regions(bone, side, landmarks, lesser, shaft, fit.rotation[:, 1])
        regions |= found
    reasons |= others
    return Findings(bone, side, fit, landmarks, regions, reasons, other_side_ratio, head.centre_mm)


def _balls(points: Array, normals: Array) -> list[Sphere]:
    """Spheres that may be the head, best first."""
    return find_spheres(
        points,
        normals,
        radius_range_mm=HEAD_RADIUS_MM,
        concave=False,
        min_coverage=MIN_HEAD_COVERAGE,
        n_wanted=3,
    )


def _head_landmark(bone: Bone, side: Side, head: Sphere) -> Landmark:
    """The centre of the head's sphere."""
    sigma = ball_sigma_mm(head, bone, _HEAD_METHOD_SIGMA_MM)
    detail = ball_detail(head)
    return Landmark("femoral_head_centre", side, head.centre_mm, bone.frame, sigma, "sphere_fit@1", detail)


def _laid_over(
    points: Array, normals: Array, balls: list[Sphere], left: BoneModel
) -> tuple[Sphere, dict[Side, ModelFit]]:
    """Fit both sides' models by the first ball that turns out to be the head."""
    best: tuple[float, Sphere, dict[Side, ModelFit]] | None = None
    template = femur_template()
    models = {Side.LEFT: left, Side.RIGHT: left.mirrored()}
    for ball in balls:
        anchor = [(ball.centre_mm, ball.radius_mm)]
        fits = {side: lay_model(model, template, points, normals, anchor) for side, model in models.items()}
        fit = min(fits.values(), key=lambda f: f.rms_mm)
        offset = float(np.linalg.norm(template.ball_of(fit.vertices_mm)[0] - ball.centre_mm))
        right_place = offset < _MAX_BALL_OFFSET_RADII * ball.radius_mm
        if best is None or (right_place and fit.rms_mm < best[0]):
            best = (fit.rms_mm if right_place else np.inf, ball, fits)
        if right_place and fit.rms_mm < _GOOD_RMS_FRACTION * ball.radius_mm:
            break
    assert best is not None  # balls is not empty
    return best[1], best[2]


def _laid_over_upper_end(bone: Bone, fit: ModelFit, head: Sphere) -> ModelFit:
    """The model laid anew over the upper end alone; as it was where that leads away from all femora known."""
    reach = _UPPER_RADII * head.radius_mm
    away = np.linalg.norm(fit.vertices_mm - head.centre_mm, axis=1)
    cover = np.flatnonzero(away < _UPPER_COVER * reach)
    return laid_over_part(bone, fit, head.centre_mm, reach, cover)


def _add_trochanter(
    bone: Bone,
    side: Side,
    fit: ModelFit,
    landmarks: dict[str, Landmark],
    regions: dict[str, Region],
    reasons: dict[str, str],
) -> tuple[Bone, tuple[Array, Array] | None]:
    """Tip and region of the lesser trochanter, or the reason why not.

    Gives back the bone with its triangles split along the region's border, and the shaft's axis below.
    """
    guess = fit.vertices_mm[femur_template().points["lesser_trochanter_tip"]]
    head = landmarks["femoral_head_centre"]
    ball = (head.point_mm, float(head.detail["radius_mm"]))
    try:
        found = find_trochanter(
            bone.vertices_mm, bone.faces, guess, fit.vertices_mm, fit.rotation[:, 2], ball
        )
    except CannotMeasure as missing:
        reasons["lesser_trochanter_tip"] = reasons["lesser_trochanter"] = str(missing)
        return bone, None
    bone = replace(bone, vertices_mm=found.vertices_mm, faces=found.faces)
    landmarks["lesser_trochanter_tip"] = tip_landmark(bone, side, found, guess)
    lost = missing_trochanter(bone, fit)
    regions["lesser_trochanter"] = replace(trochanter_as_region(found, side, {}), missing_mm=lost)
    return bone, found.shaft


def missing_trochanter(bone: Bone, fit: ModelFit) -> Array:
    """Where a laid model has the lesser trochanter and the femur is cut away.

    Parameters
    ----------
    bone : Bone
    fit : ModelFit

    Returns
    -------
    array of shape (M, 3), mm
    """
    away = fit.vertices_mm - fit.vertices_mm[femur_template().points["lesser_trochanter_tip"]]
    places: Array = fit.vertices_mm[np.linalg.norm(away, axis=1) < _TROCHANTER_MM]
    return places[beyond_cut(bone, places)]


def _add_points(
    bone: Bone,
    side: Side,
    fits: tuple[ModelFit, ModelFit],
    landmarks: dict[str, Landmark],
    reasons: dict[str, str],
) -> None:
    """Bony points, the neck's isthmus and the knee's centre, or the reasons why not."""
    template = femur_template()
    found: dict[str, Landmark] = {}
    for laid, is_upper in zip(fits, (False, True), strict=True):
        rules = {name: rule for name, rule in POINT_RULES.items() if (name in _UPPER_POINTS) is is_upper}
        placed, missing = place_points(bone, side, laid, template, rules)
        found |= placed
        reasons |= missing
    fit, upper = fits
    table = _on_table(bone, fit, landmarks["femoral_head_centre"].point_mm, found)
    for name, place in table.items():
        found[name] = landmark_of(bone, side, name, place, POINT_RULES[name], fit)
    landmarks |= doubted_knee(found)
    head = landmarks["femoral_head_centre"]
    tip, lateral = (
        upper.vertices_mm[template.points[n]]
        for n in ("lesser_trochanter_tip", "greater_trochanter_superior")
    )
    try:
        centre, direction, area = neck_isthmus(
            bone, (head.point_mm, float(head.detail["radius_mm"])), (tip + lateral) / 2
        )
    except CannotMeasure as why:
        reasons["neck_isthmus_centre"] = str(why)
    else:
        landmarks["neck_isthmus_centre"] = Landmark(
            "neck_isthmus_centre",
            side,
            centre,
            bone.frame,
            float(np.hypot(_ISTHMUS_SIGMA_MM, centre_grain_mm(bone))),
            "smallest_sections@2",
            {"area_mm2": area, "direction": direction.tolist()},
        )
    knee = knee_centre(landmarks)
    if knee is None:
        reasons["knee_centre"] = "the femur's surface does not reach both epicondyles"
    else:
        landmarks["knee_centre"] = knee


def doubted_knee(found: dict[str, Landmark]) -> dict[str, Landmark]:
    """Points of the femur, those of a knee that is unlike all known less certain.

    Parameters
    ----------
    found : dict of str to Landmark

    Returns
    -------
    dict of str to Landmark
        The same points. Where the surface near one point of the knee lies far from the model (a condyle worn,
        cut or replaced) the model gives way for all of them: the sigma of all grows, and ``doubt`` says why.
    """
    knee = {name: mark for name, mark in found.items() if name not in _UPPER_POINTS}
    worst = max((float(mark.detail["local_rms_mm"]) for mark in knee.values()), default=0.0)
    if worst <= _STRANGE_KNEE_MM:
        return found
    more = _KNEE_GAIN * (worst - USUAL_LOCAL_MM)
    doubt = [f"part of the knee lies {worst:.1f} mm (root mean square) from any knee known"]
    return found | {
        name: replace(
            mark,
            sigma_mm=float(np.hypot(mark.sigma_mm, more)),
            detail={
                **mark.detail,
                "sigma_parts_mm": {**mark.detail["sigma_parts_mm"], "strange_knee": more},
                "doubt": [*mark.detail.get("doubt", ()), *doubt],
            },
        )
        for name, mark in knee.items()
    }


def _on_table(bone: Bone, fit: ModelFit, head: Array, found: dict[str, Landmark]) -> dict[str, PlacedPoint]:
    """Posterior and distal condyles as if the femur lay on a table and then stood on one.

    The table's plane holds the posterior condyles' line and the direction of the mechanical axis;
    it turns with the points until they stand still. For a condyle that is not there the model's counts.
    """
    pairs = {kind: (f"{kind}_condyle_lateral", f"{kind}_condyle_medial") for kind in ("posterior", "distal")}
    names = [name for pair in pairs.values() for name in pair]
    guesses = {name: fit.vertices_mm[femur_template().points[name]] for name in names}
    surface, model = surface_index(bone), model_surface(fit)
    starts = {
        name: surface.nearest(guesses[name], POINT_RULES[name].reach_mm) for name in names if name in found
    }
    grain = grain_mm(bone)
    around = {name: relief(surface, fit, start, grain) for name, start in starts.items() if start is not None}
    points = {**guesses, **{name: found[name].point_mm for name in starts}}
    towards: dict[str, Array] = {}
    back = fit.rotation[:, 1]
    for _ in range(_TABLE_ROUNDS):
        knee = np.mean(list(points.values()), axis=0)
        down = (knee - head) / np.linalg.norm(knee - head)
        across = points[pairs["posterior"][0]] - points[pairs["posterior"][1]]
        turned = np.cross(down, across)
        back = turned / np.linalg.norm(turned) * np.sign(turned @ back)
        towards = {name: back if name in pairs["posterior"] else down for name in names}
        for name, start in starts.items():
            assert start is not None  # the same place was found before
            points[name] = summit(surface, start, towards[name], POINT_RULES[name], around[name])
    return {
        name: placed((surface, start), (model, guesses[name]), towards[name], POINT_RULES[name], around[name])
        for name, start in starts.items()
        if start is not None
    }

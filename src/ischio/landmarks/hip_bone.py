"""Landmarks and the ischium of a hip bone, or of both in one pelvis, whole or partial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array, CannotMeasure
from ischio.atlas.model import BoneModel, bone_model, vertex_normals
from ischio.atlas.template import ISCHIUM_PARTS, Template, pelvis_template
from ischio.geometry.connect import largest_component, without_holes
from ischio.geometry.sampling import face_normals, sample_surface
from ischio.geometry.spheres import find_spheres
from ischio.landmarks.cut_ends import beyond_cut
from ischio.landmarks.findings import (
    N_SAMPLES,
    Findings,
    ball_detail,
    ball_sigma_mm,
    refined_ball,
    surface_index,
    unlike_model,
)
from ischio.landmarks.grain import grain_mm, steady_sample
from ischio.landmarks.hip_regions import TUBEROSITY_POINTS, acetabular_regions, tuberosity_points
from ischio.landmarks.part_fit import laid_over_part
from ischio.landmarks.points import LEAN, Rule, landmark_of, model_surface, place_points, placed
from ischio.landmarks.registration import ModelFit, finish, lay_model
from ischio.landmarks.relief import relief
from ischio.landmarks.rim import find_rim, rim_findings, within_reach
from ischio.landmarks.socket import socket_sphere
from ischio.types import Bone, Curve, Landmark, Region, Side

SOCKET_RADIUS_MM = (14.0, 42.0)
RIM_MARGIN_MM = 5.0
SPINE_RADIUS_MM = 12.0
_SOCKET_METHOD_SIGMA_MM = 1.5  # bone without its cartilage is a sphere only in part
_USUALLY_UNSTEADY_MM = 2.3  # of eight hips in ten the centre goes less when a part of the socket is left out
_MIN_SOCKET_COVERAGE = 0.12
_MAX_SOCKET_SHIFT_RADII = 0.8  # the model's sockets are smoother and smaller than real ones
_NORMAL_WEIGHT_MM = 12.0
_RIM_REACH_MM = 7.0
_TRUST_IN_HEAD = 0.16  # of the radius: with a fit this good the femoral head was the right anchor
_ISCHIUM_RADII = 3.0  # from the tuberosity's lowest point: as far as the socket's centre
_NOWHERE = np.zeros(0, dtype=np.int64)  # the pelvis's model is one surface: none of it must lie on a hip bone
_MODEL_DOWN = "model_transfer_to_summit_model_down@4"
_MAX_HOLE_MM2 = 100.0  # rough bone leaves holes in the labels; the spine and the rim are borders, not holes
POINT_RULES = {
    "asis": Rule(2.4, 1.7, 4.5, 8.0, (0.0, -1.0, -0.25), least_mm=3.4),
    "aiis": Rule(2.1, 1.8, 2.7, 5.0, (0.3, -1.0, 0.0), least_mm=3.0),
    "psis": Rule(2.5, 2.7, 3.9, 8.0, (0.0, 1.0, 0.0), least_mm=4.8),
    "piis": Rule(3.5, 2.9, 5.0, 12.0, (0.0, 1.0, -0.8)),
    "pubic_tubercle": Rule(1.1, 1.8, 3.7, 10.0, (0.5, -1.0, -0.5), least_mm=5.2),
    "ischial_spine": Rule(1.2, 1.8, 2.9, 6.0, (-0.5, 1.0, 0.0), least_mm=2.9),
    "ischial_tuberosity_inferior": Rule(
        1.5, 3.9, 3.7, 20.0, (0.0, 0.0, -1.0), lean_per_mm=LEAN, least_mm=5.4
    ),
}
_JOINED_RULES = POINT_RULES | {
    "piis": Rule(3.5, 8.4, 5.0)
}  # no border: the sacrum goes on where the ilium ends


def find_hip_bone(
    bone: Bone, heads: Mapping[Side, tuple[Array, float]], model: BoneModel | None = None
) -> dict[Side, Findings]:
    """Find side, socket and ischium of a hip bone, or both sides of a pelvis.

    Parameters
    ----------
    bone : Bone
        "hip_bone" or "pelvis".
    heads : mapping of Side to (centre of shape (3,) in mm, radius in mm)
        Femoral heads of the same person, where there are femora: the socket is looked for there
        first.
    model : BoneModel, optional
        Of a pelvis, in the place of the one made from all people.

    Returns
    -------
    dict of Side to Findings
        One entry for a hip bone, two for a pelvis.

    Raises
    ------
    CannotMeasure
        If no socket was found.
        Or the shape is unlike any hip bone.
    """
    points, normals = steady_sample(bone, bone.triangles_mm, N_SAMPLES)
    model = model or bone_model("pelvis")
    if bone.name == "pelvis":
        fit = _lay_whole(model, points, normals, heads)
        return {side: hip_bone_findings(bone, side, fit, float("nan")) for side in (Side.RIGHT, Side.LEFT)}
    fits = _lay_half(model, points, normals, heads)
    side = min(fits, key=lambda s: fits[s].rms_mm)
    ratio = fits[side.other].rms_mm / fits[side].rms_mm
    fit = finish(fits[side], points, normals, pelvis_template(Side.LEFT).cover)
    _check_fit(fit, side, "hip bone")
    return {side: hip_bone_findings(bone, side, fit, ratio)}


def _sockets(points: Array, normals: Array, n_wanted: int) -> list[tuple[Array, float]]:
    """Hollow spheres of the surface, best first."""
    found = find_spheres(
        points,
        normals,
        radius_range_mm=SOCKET_RADIUS_MM,
        concave=True,
        min_coverage=_MIN_SOCKET_COVERAGE,
        n_wanted=n_wanted,
    )
    return [(sphere.centre_mm, sphere.radius_mm) for sphere in found]


def _lay_half(
    model: BoneModel, points: Array, normals: Array, heads: Mapping[Side, tuple[Array, float]]
) -> dict[Side, ModelFit]:
    """Fit a single hip bone to the model's left half and to its mirror image: mirrored bones fit alike."""
    half = pelvis_template(Side.LEFT)
    halves = {Side.LEFT: model, Side.RIGHT: model.mirrored()}
    near = [head for head in heads.values() if _is_near(head, points)]
    fits = {side: lay_model(halves[side], half, points, normals, near) for side in Side} if near else {}
    if not fits or min(fit.rms_mm for fit in fits.values()) > _TRUST_IN_HEAD * near[0][1]:
        sockets = _sockets(points, normals, 2)
        for side in Side if sockets else ():
            fit = lay_model(halves[side], half, points, normals, sockets)
            if side not in fits or fit.rms_mm < fits[side].rms_mm:
                fits[side] = fit
    if not fits:
        raise CannotMeasure("no hollow socket was found: it is outside the scan, filled or deformed")
    return fits


def _is_near(head: tuple[Array, float], points: Array) -> bool:
    """Whether a femoral head lies at this bone: its surface passes within two radii on many sides."""
    close = np.linalg.norm(points - head[0], axis=1) < 1.6 * head[1]
    return int(close.sum()) > 0.02 * len(points)


def _lay_whole(
    model: BoneModel, points: Array, normals: Array, heads: Mapping[Side, tuple[Array, float]]
) -> ModelFit:
    """Fit a joined pelvis by a femoral head, or by whichever socket and side lie best."""
    tried = [(side, head) for side, head in heads.items() if _is_near(head, points)][:1]
    fits = [lay_model(model, pelvis_template(side), points, normals, [ball]) for side, ball in tried]
    if not fits or fits[0].rms_mm > _TRUST_IN_HEAD * tried[0][1][1]:
        tried = [(side, socket) for socket in _sockets(points, normals, 2) for side in Side]
        fits += [lay_model(model, pelvis_template(side), points, normals, [ball]) for side, ball in tried]
    if not fits:
        raise CannotMeasure("no hollow socket was found: it is outside the scan, filled or deformed")
    cover = pelvis_template(Side.LEFT).cover
    fit = finish(min(fits, key=lambda f: f.rms_mm), points, normals, cover)
    _check_fit(fit, Side.LEFT, "pelvis")
    return fit


def _check_fit(fit: ModelFit, side: Side, what: str) -> None:
    """Refuse a shape that is no pelvis."""
    strange = unlike_model(fit, template_of(fit, side).ball_of(fit.vertices_mm)[1], what)
    if strange is not None:
        raise CannotMeasure(strange)


def template_of(fit: ModelFit, side: Side) -> Template:
    """Places of one side of a bone on the model laid over it, which may be the mirrored one."""
    return pelvis_template(side.other if fit.model.is_mirrored else side)


def hip_bone_findings(bone: Bone, side: Side, fit: ModelFit, other_side_ratio: float) -> Findings:
    """Landmarks, regions and rim of one side of a bone with the model laid over it.

    Parameters
    ----------
    bone : Bone
        "hip_bone" or "pelvis".
    side : Side
    fit : ModelFit
    other_side_ratio : float
        Misfit of the other side's model divided by that of this side's.

    Returns
    -------
    Findings
    """
    template = template_of(fit, side)
    landmarks: dict[str, Landmark] = {}
    regions: dict[str, Region] = {}
    curves: dict[str, Curve] = {}
    reasons: dict[str, str] = {}
    rough, size = template.ball_of(fit.vertices_mm)
    hollow = refined_ball(bone, rough, size, concave=True)
    lost = hollow is None or np.linalg.norm(hollow.centre_mm - rough) > _MAX_SOCKET_SHIFT_RADII * size
    centre, radius = (rough, size) if hollow is None or lost else (hollow.centre_mm, hollow.radius_mm)
    edge = find_rim(bone, rim_of(bone, fit, template))
    rim, opening = edge[0], opening_of(edge[0], fit)
    socket = None if lost else socket_sphere(bone, rim, opening, fit.rotation[:, 2])
    if socket is None:
        reasons["acetabular_centre"] = "too little of the socket's hollow surface is there to fit a sphere"
    else:
        sphere, method = socket.sphere, socket.method
        centre, radius = sphere.centre_mm, sphere.radius_mm
        unround = max(socket.apart_mm - _SOCKET_METHOD_SIGMA_MM, 0.0)  # as much is in the method's part
        unsteady = max(socket.unsteady_mm - _USUALLY_UNSTEADY_MM, 0.0)
        sigma = ball_sigma_mm(sphere, bone, _SOCKET_METHOD_SIGMA_MM)
        landmarks["acetabular_centre"] = Landmark(
            "acetabular_centre",
            side,
            centre,
            bone.frame,
            float(np.linalg.norm([sigma, unround, unsteady])),
            method,
            {
                **ball_detail(sphere),
                "whole_hollow_apart_mm": socket.apart_mm,
                "without_a_part_mm": socket.unsteady_mm,
            },
        )
    try:
        curve, middle = rim_findings(bone, side, edge, opening)
        curves[curve.name] = curve
        landmarks[middle.name] = middle
    except CannotMeasure as missing:
        reasons |= dict.fromkeys(("acetabular_rim_centre", "acetabular_rim_curve"), str(missing))
    try:
        regions["ischium"] = _ischium(bone, side, fit, template, rim)
    except CannotMeasure as missing:
        reasons["ischium"] = str(missing)
    found_regions, not_found = acetabular_regions(bone, side, rim, opening, (centre, radius))
    regions |= found_regions
    reasons |= not_found
    rules = _JOINED_RULES if bone.name == "pelvis" else POINT_RULES
    found, not_found = place_points(bone, side, fit, template, rules)
    landmarks |= found
    reasons |= not_found
    if "ischial_tuberosity_inferior" in found:
        lowest = _lowest(bone, side, fit, found)
        landmarks[lowest.name] = lowest
    if "ischium" in regions:
        sitting = fit.vertices_mm[template.points["ischial_tuberosity_inferior"]]
        part = laid_over_part(bone, fit, sitting, _ISCHIUM_RADII * radius, _NOWHERE)
        labelled = template.labels == 1 + ISCHIUM_PARTS.index("tuberosity")
        of_model = np.flatnonzero(labelled[fit.model.faces].all(axis=1))
        landmarks |= tuberosity_points(bone, side, regions["ischium"], part, of_model)
    else:
        reasons |= dict.fromkeys(TUBEROSITY_POINTS, reasons["ischium"])
    return Findings(bone, side, fit, landmarks, regions, reasons, other_side_ratio, centre, curves)


def _own_up(fit: ModelFit, found: Mapping[str, Landmark]) -> Array | None:
    """Upwards in the bone's own anterior pelvic plane, a unit vector; None without one of its points."""
    if not {"asis", "pubic_tubercle"} <= found.keys():
        return None
    across = fit.rotation[:, 0]
    up = found["asis"].point_mm - found["pubic_tubercle"].point_mm
    up = up - (up @ across) * across
    return np.asarray(up / np.linalg.norm(up), dtype=np.float64)


def _lowest(bone: Bone, side: Side, fit: ModelFit, found: Mapping[str, Landmark]) -> Landmark:
    """Lowest point of the tuberosity when the bone's own anterior pelvic plane stands upright.

    Without one of the plane's points "down" is the model's, and the point may lie as much further along the
    tuberosity as half its search.
    """
    name = "ischial_tuberosity_inferior"
    rule, mark = POINT_RULES[name], found[name]
    up = _own_up(fit, found)
    if up is None:
        more = rule.reach_mm / 2
        sigma = float(np.hypot(mark.sigma_mm, more))
        parts = {**mark.detail["sigma_parts_mm"], "model_down": more}
        return replace(
            mark, sigma_mm=sigma, method=_MODEL_DOWN, detail={**mark.detail, "sigma_parts_mm": parts}
        )
    guess = fit.vertices_mm[template_of(fit, side).points[name]]
    surface = surface_index(bone)
    start = surface.nearest(guess, rule.reach_mm)
    assert start is not None  # the same place was found before
    around = relief(surface, fit, start, grain_mm(bone))
    place = placed((surface, start), (model_surface(fit), guess), -up, rule, around)
    return landmark_of(bone, side, name, place, rule, fit)


def _ischium(bone: Bone, side: Side, fit: ModelFit, template: Template, rim: Array) -> Region:
    """Faces of the outer ischium, by the laid model's labels and this bone's own rim."""
    triangles = bone.triangles_mm
    middles = bone.middles_mm
    normals, areas = face_normals(triangles)
    labelled = fit.vertices_mm[template.labels > 0]
    near = np.flatnonzero(
        (middles >= labelled.min(axis=0) - 10).all(axis=1)
        & (middles <= labelled.max(axis=0) + 10).all(axis=1)
    )
    if len(near) == 0:
        raise CannotMeasure("the bone's surface does not reach the ischium")
    votes = _votes(fit, template, middles[near], normals[near])
    spine = fit.vertices_mm[template.points["ischial_spine"]]
    inside = votes[:, 1:].sum(axis=1) > 0.5
    inside &= cKDTree(rim).query(middles[near])[0] > RIM_MARGIN_MM
    inside &= np.linalg.norm(middles[near] - spine, axis=1) > SPINE_RADIUS_MM
    chosen = without_holes(
        bone.faces, largest_component(bone.faces, near[inside], areas), near, areas, _MAX_HOLE_MM2
    )
    expected = float(
        face_normals(fit.vertices_mm[fit.model.faces])[1][
            (template.labels[fit.model.faces] > 0).all(axis=1)
        ].sum()
    )
    area = float(areas[chosen].sum())
    if area < 0.15 * expected:
        raise CannotMeasure(
            f"only {area:.0f} mm2 of the ischium's outer surface is there, of about {expected:.0f}"
        )
    parts = np.argmax(votes[np.searchsorted(near, chosen), 1:], axis=1)
    return Region(
        "ischium",
        side,
        bone.name,
        chosen,
        area,
        "atlas_labels_own_rim@1",
        sub_parts=tuple(ISCHIUM_PARTS[part] for part in parts),
        detail={
            "model_area_mm2": expected,
            "rim_margin_mm": RIM_MARGIN_MM,
            "spine_radius_mm": SPINE_RADIUS_MM,
            "model_rms_mm": fit.rms_mm,
        },
        missing_mm=labelled[beyond_cut(bone, labelled)],
    )


def _votes(fit: ModelFit, template: Template, points: Array, normals: Array) -> Array:
    """Share of each label among the laid model's nearest vertices, shape (N, 4)."""
    model_normals = vertex_normals(fit.vertices_mm, fit.model.faces)
    tree = cKDTree(np.hstack([fit.vertices_mm, _NORMAL_WEIGHT_MM * model_normals]))
    distance, index = tree.query(np.hstack([points, _NORMAL_WEIGHT_MM * normals]), k=4)
    weight = 1.0 / (distance + 1.0)
    one_hot = np.eye(1 + len(ISCHIUM_PARTS))[template.labels[index]]
    out: Array = (weight[:, :, None] * one_hot).sum(axis=1) / weight.sum(axis=1)[:, None]
    return out


def rim_of(bone: Bone, fit: ModelFit, template: Template) -> Array:
    """Rough acetabular rim of this bone as a closed polygon, shape (N, 3), mm.

    Each point of the laid model's rim moves to the outermost surface near it along the
    opening's axis; the moves are smoothed round the rim.

    Parameters
    ----------
    bone : Bone
    fit : ModelFit
    template : Template
        Names the rim's vertices.

    Returns
    -------
    array of shape (N, 3), mm
    """
    start = fit.vertices_mm[template.rim]
    triangles = bone.triangles_mm
    near = within_reach(bone, start, _RIM_REACH_MM)
    moved = start
    if near.sum() > 20:
        surface, _, _ = sample_surface(triangles[near], 12000)
        opening = opening_of(start, fit)
        shifts = np.zeros_like(start)
        for k, (point, others) in enumerate(
            zip(start, cKDTree(surface).query_ball_point(start, _RIM_REACH_MM), strict=True)
        ):
            if others:
                candidates = surface[np.sort(np.asarray(others))] - point
                score = candidates @ opening - 0.5 * np.linalg.norm(candidates, axis=1)
                shifts[k] = candidates[np.argmax(score)]
        kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
        smooth = sum(w * np.roll(shifts, k - 2, axis=0) for k, w in enumerate(kernel))
        moved = start + smooth
    return moved


def opening_of(rim: Array, fit: ModelFit) -> Array:
    """Axis of the rim's plane, a unit vector away from the middle of the pelvis.

    A shallow socket's centre lies outside its rim, so the centre does not tell which way it opens.
    """
    axis: Array = np.linalg.svd(rim - rim.mean(axis=0))[2][2]
    outwards = float(axis @ (rim.mean(axis=0) - fit.vertices_mm.mean(axis=0)))
    return axis if outwards > 0 else -axis

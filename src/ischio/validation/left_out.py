"""What each landmark errs by on people that the shape model does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.atlas import reconstruction
from ischio.atlas.model import N_PEOPLE, bone_model, bone_model_without, person_surface, similarity
from ischio.landmarks.femur import femur_findings, find_femur
from ischio.landmarks.findings import Findings, refined_ball
from ischio.landmarks.hip_bone import find_hip_bone, hip_bone_findings
from ischio.landmarks.registration import ModelFit
from ischio.landmarks.sacrum import sacrum_landmarks
from ischio.landmarks.shaft import SHAFT_AXES
from ischio.types import Bone, Landmark, Side
from ischio.validation.rows import Row, compared, skipped

_TOLERANCE_MM = 5.0  # what no landmark may err by on the root mean square
_SOURCE = "the same rules led by the person's own surface of the shape model"


class LeftOut(NamedTuple):
    """What a landmark came to with a model that does not know the person.

    Parameters
    ----------
    error_mm : float
        Distance from where the same rules put it when the model's own surface of that person tells where to
        look; infinite where it was not found.
    sigma_mm : float
        As stated.
    of_model_mm : float or None
        The part of it that is neither what readers differ by nor what bumps may hide, as these people have
        neither; None where sigma is not told in parts.
    """

    error_mm: float
    sigma_mm: float
    of_model_mm: float | None = None


def left_out_rows(count: int, tell: Callable[[str, float], None]) -> list[Row]:
    """Errors of every landmark on people whom the model does not know.

    Parameters
    ----------
    count : int
        How many of the 26 people are left out, one after the other; 0 skips the rows.
    tell : callable

    Returns
    -------
    list of Row
        The root mean square of each landmark, both sides together, and that of error over stated sigma: over
        all of it, and over what of it is not readers' (of points that the model places).
    """
    what = "one person left out of the model"
    if count == 0:
        return [skipped(what, "mm", _SOURCE, "--left-out 0")]
    errors: dict[str, list[LeftOut]] = {}
    for person in np.linspace(0, N_PEOPLE - 1, count).round().astype(int).tolist():
        for name, pair in left_out_errors(person).items():
            errors.setdefault(name.removeprefix("left ").removeprefix("right "), []).append(pair)
        tell("people left out of the model", (person + 1) / N_PEOPLE)
    rows = []
    for name, pairs in errors.items():
        found = np.array([pair.error_mm for pair in pairs if np.isfinite(pair.error_mm)])
        note = f"{len(found)} of {len(pairs)} found in {count} people"
        rms = float(np.sqrt((found**2).mean())) if len(found) else np.inf
        rows.append(compared(f"{what}: {name}", 0.0, rms, _TOLERANCE_MM, "mm", _SOURCE, note))
    told = [pair for pairs in errors.values() for pair in pairs if np.isfinite(pair.error_mm)]
    # Readers' spread is part of sigma and not of these errors: they must stay below it.
    ratio = _rms([one.error_mm / one.sigma_mm for one in told])
    rows.append(compared(f"{what}: rms of error over sigma", 0.5, ratio, 0.5, "1", _SOURCE, "below 1"))
    led = [one.error_mm / one.of_model_mm for one in told if one.of_model_mm]
    if led:
        name = f"{what}: rms of error over sigma without the readers' and the unseen part"
        rows.append(compared(name, 1.0, _rms(led), 0.5, "1", _SOURCE, "points that the model places"))
    return rows


def _rms(values: list[float]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def left_out_errors(person: int) -> dict[str, LeftOut]:
    """Search one of the 26 people with a model made from the other 25.

    Parameters
    ----------
    person : int
        0 to 25.

    Returns
    -------
    dict of str to LeftOut
        By landmark, with the side before it where it has one.

    Notes
    -----
    The bones are the person's surface cut into other triangles than the model's. Points that depend on the
    model only through where they are looked for (centres of spheres, sections, the rim) err by next to
    nothing here; what they err by against other readers this does not tell.
    """
    femur, pelvis = reconstruction(person)
    truth = _known(femur, pelvis, person)
    found = _searched(femur, pelvis, person)
    return {
        name: _left_out(_distance_mm(found[name], mark), found[name])
        if name in found
        else LeftOut(np.inf, 0.0)
        for name, mark in truth.items()
    }


def _left_out(error_mm: float, mark: Landmark) -> LeftOut:
    """What one landmark came to."""
    parts = mark.detail.get("sigma_parts_mm")
    if parts is None:
        return LeftOut(error_mm, mark.sigma_mm)
    other = parts["readers"] ** 2 + parts["unseen"] ** 2
    return LeftOut(error_mm, mark.sigma_mm, float(np.sqrt(mark.sigma_mm**2 - other)))


def _distance_mm(found: Landmark, truth: Landmark) -> float:
    """Distance of two places of a landmark; across it where it is an axis, which has no place along it."""
    way = found.point_mm - truth.point_mm
    if truth.name in SHAFT_AXES:
        along = np.asarray(truth.detail["direction"])
        way = way - (way @ along) * along
    return float(np.linalg.norm(way))


def _searched(femur: Bone, pelvis: Bone, person: int) -> dict[str, Landmark]:
    """Landmarks with a model that does not know the person."""
    thigh = find_femur(femur, bone_model_without("femur", person))
    head = thigh.landmarks["femoral_head_centre"]
    heads = {Side.LEFT: (head.point_mm, float(head.detail["radius_mm"]))}
    return _named(thigh, find_hip_bone(pelvis, heads, bone_model_without("pelvis", person)))


def _known(femur: Bone, pelvis: Bone, person: int) -> dict[str, Landmark]:
    """Landmarks by the same rules where the person's own surface of the model tells where to look."""
    laid = {name: _own_fit(name, person) for name in ("femur", "pelvis")}
    thigh = find_femur(femur)
    head = thigh.landmarks["femoral_head_centre"]
    ball = refined_ball(femur, head.point_mm, float(head.detail["radius_mm"]), concave=False)
    if ball is None:
        raise CannotMeasure(f"person {person} has no femoral head")
    thigh = femur_findings(femur, Side.LEFT, (laid["femur"], laid["femur"]), ball, np.nan)
    return _named(thigh, {side: hip_bone_findings(pelvis, side, laid["pelvis"], np.nan) for side in Side})


def _own_fit(bone: str, person: int) -> ModelFit:
    """The model with the person's own vertices."""
    model = bone_model(bone)
    own: Array = person_surface(bone, person)[0]
    scale, rotation, offset = similarity(model.mean_mm, own, np.ones(len(own)))
    # A part of the bone is laid anew from here: it must start from the person's shape, not from the mean.
    away = ((own - offset) @ rotation / scale - model.mean_mm).ravel()
    modes = model.modes_mm.reshape(len(model.modes_mm), -1)
    coefficients: Array = np.linalg.lstsq(modes.T, away, rcond=None)[0].astype(np.float64)
    return ModelFit(model, own, scale, rotation, offset, coefficients, 0.0)


def _named(femur: Findings, hip_bones: Mapping[Side, Findings]) -> dict[str, Landmark]:
    """All landmarks by side and name."""
    found = {f"left {name}": mark for name, mark in femur.landmarks.items()}
    for side, one in hip_bones.items():
        found |= {f"{side.value} {name}": mark for name, mark in one.landmarks.items()}
    pelvis = hip_bones[Side.LEFT]
    assert pelvis.fit is not None  # a pelvis whose shape does not tell is not found at all
    return found | sacrum_landmarks((pelvis.bone,), pelvis.fit)[0]

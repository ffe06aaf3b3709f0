"""Points that a person read take the place of those that were found, which are kept beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ischio._check import AnatomyError, Array, complaint
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.io.markups import READER_PREFIX, MarkedPoint
from ischio.landmarks import joint_frames
from ischio.landmarks.findings import on_surface
from ischio.landmarks.plausible import offset_warnings
from ischio.types import Bone, Frame, Hip, Landmark, Pelvis, Side, Transform

READER_SIGMA_MM = 2.0
"""3-D standard deviation of one reading where none is stated.

Readers of bony landmarks in 3-D images differ by 1.3 mm (sharp summits) to 7.6 mm (flat places); a point
that somebody took the trouble to correct is more like the former. A default, and called so in the result."""

MAX_OFF_BONE_MM = 15.0  # readers differ by up to half of this: a point farther off is of another place
_INSIDE = frozenset({"femoral_head_centre", "acetabular_centre", "neck_isthmus_centre", "knee_centre"})
_UNMOVED_MM = 1e-3  # files hold 0.0001 mm: nobody puts a point back so exactly
_DOUBT_SIGMAS = 3.0
_SPHERE = ("radius_mm", "radius_sigma_mm", "rms_mm", "coverage_fraction")


@dataclass(frozen=True, slots=True, eq=False)
class ReadResult:
    """A pelvis with read points, all warnings that hold for it, and what there is to note."""

    pelvis: Pelvis
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def with_read_points(
    pelvis: Pelvis,
    points: Iterable[MarkedPoint],
    *,
    warnings: Iterable[str] = (),
) -> ReadResult:
    """Put read points in the place of found ones, or beside them, and build frames and poses again.

    Parameters
    ----------
    pelvis : Pelvis
    points : iterable of MarkedPoint
        In the patient frame of the pelvis. One that lies exactly where the landmark was found was written
        by this software and never moved: it is no reading, and the landmark stays as it was found.
    warnings : iterable of str
        Those of the search, of which some may not hold any more.

    Returns
    -------
    ReadResult

    Raises
    ------
    AnatomyError
        If the bone of a point is not there, the point is more than ``MAX_OFF_BONE_MM`` from its surface
        (centres excepted), or it lies nearer to the other side's landmark than to its own.

    Notes
    -----
    Regions stay where they were found, also that of a trochanter whose tip was read, and so does what
    follows from sections and regions: rim, shaft axes, the trochanter's base. The radius of a head or socket
    stays that of the sphere that was fitted. Where a frame needs a landmark of a side that was not asked
    for, it is missing, with its reason.
    """
    read: dict[Side | None, dict[str, Landmark]] = {}
    doubts: list[str] = []
    unmoved = 0
    for point in points:
        bone, marks = _place(pelvis, point)
        found = marks.get(point.name)
        away = None if found is None else float(np.linalg.norm(found.point_mm - point.point_mm))
        if away is not None and away <= _UNMOVED_MM:
            unmoved += 1
            continue
        _check_place(pelvis, point, bone)
        landmark = _landmark(point, found, bone.frame, away)
        read.setdefault(point.side, {})[point.name] = landmark
        if found is not None and away is not None:
            limit = _DOUBT_SIGMAS * float(np.hypot(found.sigma_mm, landmark.sigma_mm))
            if away > limit:
                doubts.append(
                    f"{_words(point)}: read {away:.1f} mm from where it was found, more than {limit:.1f} mm "
                    "(3 sigma): look at both. The read point is used."
                )
    right, left = _with_landmarks(pelvis.right, read), _with_landmarks(pelvis.left, read)
    if any(joint_frames.PELVIC_LANDMARKS & read.get(side, {}).keys() for side in Side):
        right, left, reasons = _with_pelvic_frames(pelvis, right, left)
    else:
        reasons = dict(pelvis.reasons)
    for name in read.get(None, {}):
        reasons.pop(name, None)
    changed = Pelvis(
        left, right, pelvis.sacrum, {**pelvis.landmarks, **read.get(None, {})}, pelvis.frames, reasons
    )
    notes = [_note(marks) for marks in read.values()]
    if unmoved:
        notes.append(f"markups: {unmoved} points left to the software, since nobody moved them")
    kept = [text for text in warnings if text not in _offsets(pelvis)]
    return ReadResult(changed, (*kept, *_offsets(changed), *doubts), tuple(notes))


def _place(pelvis: Pelvis, point: MarkedPoint) -> tuple[Bone, Mapping[str, Landmark]]:
    """Bone that a point lies on, and the landmarks it goes among."""
    name = LANDMARK_BONES[point.name]
    if point.side is None:
        joined = (hip.hip_bone for hip in pelvis.hips if hip.hip_bone and hip.hip_bone.name == "pelvis")
        bone, marks = pelvis.sacrum or next(joined, None), pelvis.landmarks
    else:
        hip: Hip | None = getattr(pelvis, point.side.value)
        bone = getattr(hip, name, None)
        marks = {} if hip is None else hip.landmarks
    if bone is None:
        raise AnatomyError(
            complaint(
                _words(point),
                f"no {name.replace('_', ' ')} of that side" if point.side else "no sacrum",
                "the bone that it lies on",
                "Add the bone, correct the label's side, or leave the point out with --ignore-label.",
            )
        )
    return bone, marks


def _check_place(pelvis: Pelvis, point: MarkedPoint, bone: Bone) -> None:
    """Refuse a point that is not on its bone, or on the wrong side."""
    foot = on_surface(bone, point.point_mm, np.inf)
    away = 0.0 if foot is None else float(np.linalg.norm(foot - point.point_mm))
    if point.name not in _INSIDE and away > MAX_OFF_BONE_MM:
        raise AnatomyError(
            complaint(
                _words(point),
                f"a point {away:.0f} mm from the surface of the {bone.label.replace('_', ' ')}",
                f"at most {MAX_OFF_BONE_MM:g} mm",
                "Check label, side and coordinate system of the markups, and that the bones are of one scan.",
            )
        )
    if point.side is None:
        return
    own, other = (
        None if hip is None else hip.landmarks.get(point.name)
        for hip in (getattr(pelvis, side.value) for side in (point.side, point.side.other))
    )
    if own is not None and other is not None:
        to_own, to_other = (float(np.linalg.norm(m.point_mm - point.point_mm)) for m in (own, other))
        if to_other < to_own:
            raise AnatomyError(
                complaint(
                    _words(point),
                    f"a point {to_own:.0f} mm from it and {to_other:.0f} mm from the "
                    f"{point.side.other.value} one",
                    "a point on its own side",
                    "Check the label's side.",
                )
            )


def _landmark(point: MarkedPoint, found: Landmark | None, frame: Frame, away: float | None) -> Landmark:
    """The read landmark, with what it replaces beside it."""
    detail: dict[str, Any] = {}
    if found is not None and "radius_mm" in found.detail:
        detail = {key: found.detail[key] for key in _SPHERE if key in found.detail}
        detail["radius_method"] = found.detail.get("radius_method", found.method)
    detail["when"] = point.when
    detail["sigma"] = "default for a reader, not measured" if point.sigma_mm is None else "as stated"
    detail["replaces"] = found and {
        "point_mm": found.point_mm.tolist(),
        "sigma_mm": found.sigma_mm,
        "method": found.method,
        "distance_mm": away,
    }
    sigma = READER_SIGMA_MM if point.sigma_mm is None else point.sigma_mm
    return Landmark(
        point.name, point.side, point.point_mm, frame, sigma, f"{READER_PREFIX}{point.reader}", detail
    )


def _with_landmarks(hip: Hip | None, read: Mapping[Side | None, Mapping[str, Landmark]]) -> Hip | None:
    """A hip with its read landmarks and what follows from them on its own side."""
    new = {} if hip is None else read.get(hip.side, {})
    if hip is None or not new:
        return hip
    landmarks = {**hip.landmarks, **new}
    reasons = {name: why for name, why in hip.reasons.items() if name not in new}
    placed, poses = dict(hip.frames), hip.poses
    if {"femoral_head_centre", "neck_isthmus_centre"} & new.keys():
        landmarks = _with_neck_axis(landmarks)
    if "knee_centre" not in new and {"epicondyle_lateral", "epicondyle_medial"} & new.keys():
        knee, before = joint_frames.knee_centre(landmarks), landmarks.get("knee_centre")
        if knee is not None and (before is None or before.method == knee.method):
            landmarks["knee_centre"] = knee
            reasons.pop("knee_centre", None)
    if "acetabular_centre" in new:
        centre = landmarks["acetabular_centre"].point_mm
        placed |= {
            key: joint_frames.at(placed[key], centre) for key in joint_frames.PELVIC_FRAMES if key in placed
        }
    if joint_frames.FEMUR_LANDMARKS & new.keys():
        made, why_not = joint_frames.femur_frames(hip.side, landmarks, reasons)
        placed, reasons = _exchanged(joint_frames.FEMUR_FRAMES, placed, reasons, made, why_not)
        poses = joint_frames.poses(hip.side, placed)
    return replace(hip, landmarks=landmarks, frames=placed, reasons=reasons, poses=poses)


def _with_neck_axis(landmarks: dict[str, Landmark]) -> dict[str, Landmark]:
    """Landmarks in which the neck's axis runs from the isthmus to the head's centre, as they now are."""
    names = ("neck_isthmus_centre", "femoral_head_centre")
    if not all(name in landmarks for name in names):
        return landmarks
    isthmus, head = (landmarks[name] for name in names)
    along = head.point_mm - isthmus.point_mm
    detail = {**isthmus.detail, "direction": (along / np.linalg.norm(along)).tolist()}
    return {**landmarks, isthmus.name: replace(isthmus, detail=detail)}


def _with_pelvic_frames(
    before: Pelvis, right: Hip | None, left: Hip | None
) -> tuple[Hip | None, Hip | None, dict[str, str]]:
    """Both hips with pelvic frames from their landmarks, and the reasons of the pelvis."""
    hips = {hip.side: hip for hip in (right, left) if hip is not None}
    made, why_not = joint_frames.pelvic_frames(
        {side: (hip.landmarks, hip.reasons) for side, hip in hips.items() if hip.hip_bone is not None}
    )
    if len(hips) == 1 and any(key in hip.frames for hip in hips.values() for key in why_not):
        why_not = dict.fromkeys(why_not, "a point of it was read, but the other side was not asked for")

    def again(hip: Hip) -> Hip:
        """The hip with the new frames, at its own socket."""
        origin = _socket(hip)
        own = {} if origin is None else {key: joint_frames.at(frame, origin) for key, frame in made.items()}
        without = dict.fromkeys(made.keys() - own.keys(), "the acetabular centre is missing; read it, too")
        placed, reasons = _exchanged(
            joint_frames.PELVIC_FRAMES, hip.frames, hip.reasons, own, {**why_not, **without}
        )
        return replace(hip, frames=placed, reasons=reasons, poses=joint_frames.poses(hip.side, placed))

    _, reasons = _exchanged(joint_frames.PELVIC_FRAMES, {}, before.reasons, {}, why_not)
    done = {side: again(hip) for side, hip in hips.items()}
    return done.get(Side.RIGHT), done.get(Side.LEFT), reasons


def _exchanged(
    keys: tuple[str, ...],
    placed: Mapping[str, Transform],
    reasons: Mapping[str, str],
    made: Mapping[str, Transform],
    why_not: Mapping[str, str],
) -> tuple[dict[str, Transform], dict[str, str]]:
    """Frames and reasons in which those named are the new ones."""
    return (
        {**{key: frame for key, frame in placed.items() if key not in keys}, **made},
        {**{key: why for key, why in reasons.items() if key not in keys}, **why_not},
    )


def _socket(hip: Hip) -> Array | None:
    """Centre of the socket; where it was not fitted, the origin that pelvic frames had before."""
    if "acetabular_centre" in hip.landmarks:
        return hip.landmarks["acetabular_centre"].point_mm
    frame = next((hip.frames[key] for key in joint_frames.PELVIC_FRAMES if key in hip.frames), None)
    return None if frame is None else frame.inverse().matrix[:3, 3]


def _offsets(pelvis: Pelvis) -> list[str]:
    """Warnings of heads outside their sockets."""
    out: list[str] = []
    for hip in pelvis.hips:
        centres = [hip.landmarks.get(name) for name in ("femoral_head_centre", "acetabular_centre")]
        if centres[0] is not None and centres[1] is not None:
            out += offset_warnings(hip.side, centres[0].point_mm, centres[1].point_mm)
    return out


def _note(marks: Mapping[str, Landmark]) -> str:
    """What was read, and by whom."""
    readers = sorted({mark.method.removeprefix(READER_PREFIX) for mark in marks.values()})
    side = next(iter(marks.values())).side
    where = "midline" if side is None else side.value
    return f"markups: {where} {', '.join(marks)} read by {', '.join(readers)}"


def _words(point: MarkedPoint) -> str:
    """Side and name in words."""
    return point.label.replace("_", " ")

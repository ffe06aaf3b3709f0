"""From the findings on each bone to hips and a pelvis."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ischio._check import Array, CannotMeasure, spoken
from ischio.landmarks import frames, joint_frames, plausible, substitutes
from ischio.landmarks.cut_ends import closed_again, opened
from ischio.landmarks.femur import find_femur
from ischio.landmarks.findings import Findings
from ischio.landmarks.headless import femur_without_head, hip_bone_without_socket
from ischio.landmarks.hip_bone import find_hip_bone
from ischio.landmarks.sacrum import MIDLINE_POINTS, sacrum_landmarks
from ischio.landmarks.tibia import with_tibia
from ischio.types import Bone, Curve, Hip, Landmark, Pelvis, Region, Side, Transform

T = TypeVar("T")
Named = TypeVar("Named", Landmark, Curve)
Progress = Callable[[str, float], None]


def find_pelvis(
    bones: tuple[Bone, ...],
    *,
    axes: str,
    sides: tuple[Side, ...],
    posture: str,
    progress: Progress,
    jobs: int = 2,
) -> tuple[Pelvis, tuple[str, ...]]:
    """Find the landmarks, regions, frames and pose of every hip.

    Parameters
    ----------
    bones : tuple of Bone
        Cleaned surfaces of one person.
    axes : str
        "LPS", "RAS" (turned to LPS by the reader) or "unknown".
    sides : tuple of Side
        Hips that are wanted.
    posture : str
        "as_supplied" or "model".
    progress : callable
        ``progress(words, fraction)``.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    pelvis : Pelvis
    warnings : tuple of str

    Raises
    ------
    AnatomyError
        If the bones contradict their names, the axes, the millimetre or each other.
    """
    wanted = [
        bone for bone in bones if bone.name in ("femur", "hip_bone", "pelvis") and _is_wanted(bone, sides)
    ]
    for bone in wanted:
        plausible.check_size(bone)
    warnings: list[str] = []
    reasons: dict[tuple[str, Side], str] = {}
    femora: dict[Side, Findings] = {}
    hip_bones: dict[Side, Findings] = {}
    thighs = [bone for bone in wanted if bone.name == "femur"]
    seats = [bone for bone in wanted if bone.name != "femur"]
    total, done = len(wanted) + 1, 0
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        progress("finding the femora", 0.0)
        for bone, outcome in zip(thighs, pool.map(_tried(lambda b: _femur(b, axes)), thighs), strict=True):
            done += 1
            progress(f"found the {bone.label}", done / total)
            assert bone.side is not None  # the reader refuses a femur without a side
            if isinstance(outcome, CannotMeasure):
                reasons["femur", bone.side] = str(outcome)
                continue
            plausible.check_side(outcome, warnings)
            plausible.check_axes(outcome, axes)
            femora[bone.side] = outcome
        name = "femoral_head_centre"
        heads = {side: _ball(found, name) for side, found in femora.items() if name in found.landmarks}
        progress("finding the hip bones", done / total)
        for bone, outcomes in zip(
            seats, pool.map(_tried(lambda b: _hip_bone(b, heads, axes)), seats), strict=True
        ):
            done += 1
            progress(f"found the {bone.label.replace('_', ' ')}", done / total)
            if isinstance(outcomes, CannotMeasure):
                for side in (bone.side,) if bone.side else tuple(Side):
                    reasons["hip_bone", side] = str(outcomes)
                continue
            for side, found in outcomes.items():
                plausible.check_side(found, warnings)
                plausible.check_axes(found, axes)
                hip_bones[bone.side or side] = found
    warnings += plausible.check_places(femora, hip_bones, axes)
    pelvic_frames, pelvic_reasons = joint_frames.pelvic_frames(
        {side: (found.landmarks, found.reasons) for side, found in hip_bones.items()},
    )
    hips: dict[Side, Hip | None] = {}
    for side in Side:
        here = side in sides and any(b.side is side or b.name == "pelvis" for b in wanted)
        hips[side] = (
            _hip(
                side,
                bones,
                femora.get(side),
                hip_bones.get(side),
                pelvic_frames,
                pelvic_reasons,
                reasons,
                posture,
            )
            if here
            else None
        )
    hips = {side: hip and with_tibia(hip, bones) for side, hip in hips.items()}
    scanner: dict[str, Transform] = {}
    if axes != "unknown":
        scanner[joint_frames.SCANNER] = joint_frames.scanner_frame(bones[0].frame)
    hips = {side: hip and _seen_from(hip, scanner) for side, hip in hips.items()}
    no_vertical = {} if scanner else {joint_frames.SCANNER: joint_frames.NO_VERTICAL}
    warnings += [words for hip in hips.values() if hip is not None for words in _doubts(hip)]
    sacrum = next((bone for bone in bones if bone.name == "sacrum"), None)
    midline, midline_reasons = _midline(sacrum, hip_bones)
    absent = {
        side.value: f"no {side.value} femur or hip bone in the input" for side in Side if hips[side] is None
    }
    return (
        Pelvis(
            hips[Side.LEFT],
            hips[Side.RIGHT],
            sacrum,
            midline,
            scanner,
            {**absent, **pelvic_reasons, **midline_reasons, **no_vertical},
        ),
        tuple(warnings),
    )


def _seen_from(hip: Hip, scanner: dict[str, Transform]) -> Hip:
    """The hip with the scanner's directions, or the reason why they are not known."""
    if scanner:
        return replace(hip, frames={**hip.frames, **scanner})
    return replace(hip, reasons={**hip.reasons, joint_frames.SCANNER: joint_frames.NO_VERTICAL})


def _doubts(hip: Hip) -> list[str]:
    """What speaks against landmarks and regions of a hip, each reason once with what it holds for."""
    of: dict[str, list[str]] = {}
    for name, mark in hip.landmarks.items():
        for words in mark.detail.get("doubt", ()):
            of.setdefault(words, []).append(name)
    for name, region in hip.regions.items():
        if "stands_in" in region.detail:
            of.setdefault(f"found by {region.detail['stands_in']}", []).append(name)
        if len(region.missing_mm):
            of.setdefault("cut away in part; distances in any position leave the rest out", []).append(name)
    return [f"{hip.side.value} {', '.join(map(spoken, names))}: {words}" for words, names in of.items()]


def _midline(
    sacrum: Bone | None, hip_bones: dict[Side, Findings]
) -> tuple[dict[str, Landmark], dict[str, str]]:
    """Landmarks of the sacrum, from a bone of its own or from the joined pelvis."""
    laid = [(found.bone, found.fit) for found in hip_bones.values() if found.fit is not None]
    if not laid:
        return {}, dict.fromkeys(MIDLINE_POINTS, "no hip bone tells where to look")
    joined = [(bone, fit) for bone, fit in laid if bone.name == "pelvis"]
    if joined:
        return sacrum_landmarks((joined[0][0],), joined[0][1])
    if sacrum is None:
        return {}, dict.fromkeys(MIDLINE_POINTS, "no sacrum in the input")
    return sacrum_landmarks((*(bone for bone, _ in laid), sacrum), laid[0][1])


def _is_wanted(bone: Bone, sides: tuple[Side, ...]) -> bool:
    """Whether a bone belongs to a side that is wanted."""
    return bone.side is None or bone.side in sides


def _tried(find: Callable[[Bone], T]) -> Callable[[Bone], T | CannotMeasure]:
    """The search with ``CannotMeasure`` as a value, so that one bone does not stop the others."""

    def attempt(bone: Bone) -> T | CannotMeasure:
        try:
            return find(bone)
        except CannotMeasure as missing:
            return missing

    return attempt


def _femur(bone: Bone, axes: str) -> Findings:
    """Findings on a femur; without its head as far as the patient's axes lead."""
    searched = opened(bone)
    try:
        found = find_femur(searched)
        is_short = searched is not bone and "lesser_trochanter" not in found.regions
        if is_short and bone.side not in (None, found.side):
            raise CannotMeasure("the scan ends above the lesser trochanter: the rest does not tell its side")
        return closed_again(found, bone, searched)
    except CannotMeasure as why:
        if axes == "unknown":
            raise
        return femur_without_head(bone, str(why))


def _hip_bone(bone: Bone, heads: dict[Side, tuple[Array, float]], axes: str) -> dict[Side, Findings]:
    """Findings on a hip bone or a pelvis; on a hip bone without its socket as far as the axes lead."""
    searched = opened(bone)
    try:
        found = find_hip_bone(searched, heads)
        return {side: closed_again(one, bone, searched) for side, one in found.items()}
    except CannotMeasure as why:
        if axes == "unknown" or bone.name == "pelvis":
            raise
        alone = hip_bone_without_socket(bone, str(why))
        return {alone.side: alone}


def _ball(found: Findings, name: str) -> tuple[Array, float]:
    """Centre and radius of a landmark that is a sphere's centre."""
    landmark = found.landmarks[name]
    return landmark.point_mm, float(landmark.detail["radius_mm"])


def _hip(
    side: Side,
    bones: tuple[Bone, ...],
    femur: Findings | None,
    hip_bone: Findings | None,
    pelvic_frames: dict[str, Transform],
    pelvic_reasons: dict[str, str],
    bone_reasons: dict[tuple[str, Side], str],
    posture: str,
) -> Hip:
    """Put one hip together."""
    landmarks: dict[str, Landmark] = {}
    regions: dict[str, Region] = {}
    reasons: dict[str, str] = dict(pelvic_reasons)
    placed: dict[str, Transform] = {}
    for found in (femur, hip_bone):
        if found is not None:
            landmarks |= {name: _sided(mark, side) for name, mark in found.landmarks.items()}
            regions |= found.regions
            reasons |= found.reasons
    supplied = {
        "femur": next((b for b in bones if b.name == "femur" and b.side is side), None),
        "hip_bone": next(
            (b for b in bones if b.name == "pelvis" or (b.name == "hip_bone" and b.side is side)), None
        ),
    }
    needs = {
        "femur": ("femoral_head_centre", "lesser_trochanter_tip", "lesser_trochanter"),
        "hip_bone": ("acetabular_centre", "acetabular_rim_centre", "acetabular_rim_curve", "ischium"),
    }
    for name, bone in supplied.items():
        if bone is None:
            why = f"no {side.value} {name.replace('_', ' ')} in the input"
        else:
            why = bone_reasons.get((name, side), "")
        if why:
            reasons |= dict.fromkeys((name, *needs[name]), why)
    if hip_bone is not None:
        placed |= {key: joint_frames.at(frame, hip_bone.centre_mm) for key, frame in pelvic_frames.items()}
    guides = [found for found in (hip_bone, femur) if found is not None and found.fit is not None]
    if guides and guides[0].fit is not None:
        left, _, up = guides[0].fit.rotation.T
        placed["anatomy_from_patient"] = frames.anatomy_frame(
            guides[0].bone.frame, (femur or guides[0]).centre_mm, left, up
        )
    if femur is not None:
        found_frames, why_not = joint_frames.femur_frames(side, femur.landmarks, femur.reasons)
        placed |= found_frames
        reasons |= why_not
    else:
        reasons |= dict.fromkeys(joint_frames.FEMUR_FRAMES, reasons.get("femur", "the femur is missing"))
    return Hip(
        side,
        hip_bone.bone if hip_bone is not None else supplied["hip_bone"],
        femur.bone if femur is not None else supplied["femur"],
        landmarks,
        regions,
        placed,
        joint_frames.poses(side, placed),
        posture,
        reasons,
        {} if hip_bone is None else {name: _sided(line, side) for name, line in hip_bone.curves.items()},
        {
            **({} if hip_bone is None else substitutes.half_pelvis(hip_bone, reasons)),
            **substitutes.proximal_femur(side, landmarks, reasons),
        },
    )


def _sided(found: Named, side: Side) -> Named:
    """The landmark or curve under the side that the file names (alike unless the shape does not tell)."""
    return found if found.side is side else replace(found, side=side)

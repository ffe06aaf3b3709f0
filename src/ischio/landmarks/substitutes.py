"""Frames of bones of which a part is missing, made from what is there and named for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio.atlas.template import pelvis_template
from ischio.landmarks import frames
from ischio.landmarks.findings import Findings
from ischio.types import Frame, Landmark, Side, Substitute, Transform

# Root mean square on people who have both: both halves of seven hip bones of four people and of six of the
# shape model, each alone; eleven femora. Single people were 10 and 30 degrees off.
HALF_PELVIS_SIGMA_DEG = 5.0
PROXIMAL_FEMUR_SIGMA_DEG = 21.0
_MIDLINE_POINTS = ("asis", "psis", "pubic_tubercle", "symphysis_inferior", "ischial_spine")


def half_pelvis(found: Findings, reasons: Mapping[str, str]) -> dict[str, Substitute]:
    """Pelvic frames from one hip bone and its mirror image.

    Parameters
    ----------
    found : Findings
        Of a hip bone.
    reasons : mapping of str to str
        Why pelvic frames are missing; only those are made.

    Returns
    -------
    dict of str to Substitute
        ``pelvis_isb_symmetric`` and ``pelvis_app_symmetric``, where their landmarks are there. Their origin
        is the socket's centre.

    Notes
    -----
    The plane of symmetry is that of the whole pelvis's model, laid over the half that is there.
    """
    if found.fit is None:
        return {}
    template = {side: pelvis_template(side).points for side in Side}
    middles = [
        found.fit.vertices_mm[[template[side][name] for side in Side]].mean(axis=0)
        for name in _MIDLINE_POINTS
    ]
    middle, left = np.mean(middles, axis=0), found.fit.rotation[:, 0]
    out = {}
    for zero, names in (("isb", ("asis", "psis")), ("app", ("asis", "pubic_tubercle"))):
        key = f"pelvis_{zero}_from_patient"
        if key not in reasons or not all(name in found.landmarks for name in names):
            continue
        pairs = []
        for name in names:
            own = found.landmarks[name].point_mm
            mirrored = own - 2 * ((own - middle) @ left) * left
            pairs.append((own, mirrored) if found.side is Side.RIGHT else (mirrored, own))
        build = frames.pelvis_isb if zero == "isb" else frames.pelvis_app
        made = build(found.bone.frame, found.centre_mm, *pairs)
        out[f"pelvis_{zero}_symmetric"] = Substitute(
            _renamed(made, "symmetric"), key, HALF_PELVIS_SIGMA_DEG, "mirrored_half@1", reasons[key]
        )
    return out


def proximal_femur(
    side: Side, landmarks: Mapping[str, Landmark], reasons: Mapping[str, str]
) -> dict[str, Substitute]:
    """Frame of a femur without its knee, along the shaft's proximal axis.

    Parameters
    ----------
    side : Side
    landmarks : mapping of str to Landmark
        Of the femur.
    reasons : mapping of str to str
        Why femoral frames are missing.

    Returns
    -------
    dict of str to Substitute
        ``femur_shaft_neck``, where both femoral frames are missing and head, neck and shaft are there:
        origin at the head, up along the shaft, to the side along the neck. It leans against the mechanical
        axis by about 11 degrees, and turns by the version of the neck against the knee's axes.
    """
    key = "femur_tea_from_patient"
    names = ("femoral_head_centre", "neck_isthmus_centre", "shaft_axis_proximal")
    if not {key, "femur_pca_from_patient"} <= reasons.keys() or not all(n in landmarks for n in names):
        return {}
    head, isthmus, shaft = (landmarks[name] for name in names)
    up = np.array(shaft.detail["direction"], dtype=np.float64)
    made = frames.femur_frame(
        head.frame, side, "shaft_neck", head.point_mm, head.point_mm - up, isthmus.point_mm, head.point_mm
    )
    return {
        "femur_shaft_neck": Substitute(
            made, key, PROXIMAL_FEMUR_SIGMA_DEG, "proximal_shaft_and_neck@1", reasons[key]
        )
    }


def _renamed(frame: Transform, how: str) -> Transform:
    """The same motion into a frame of another name, so that it cannot be taken for the real one."""
    target = Frame(frame.target.kind, f"{frame.target.uid}:{how}", frame.target.side)
    return Transform(target, frame.source, frame.matrix)

"""A walking hip as an animation: seen from behind, the facing regions coloured by their gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.motion.joint import Joint, joint_of, rotation_of
from ischio.report.drawing import Surface, draw
from ischio.report.raster import Camera
from ischio.report.views import anatomical_directions, camera_behind
from ischio.types import Bone, Hip

SIZE_PX = 260
FRAME_MS = 60
_EVERY = 2  # of the percents of a cycle: 26 pictures
_BAR_PX, _MARK_PX = 14, 3
WIDE_MM = 30.0  # gaps from here on have one colour
_BONE, _OTHER = (226, 218, 202), (206, 201, 193)
_NEAR, _MIDDLE, _FAR = (213, 60, 0), (240, 200, 90), (0, 114, 178)


def gait_gif(hip: Hip, row: Mapping[str, Any]) -> bytes:
    """Draw one cycle of a hip.

    Parameters
    ----------
    hip : Hip
    row : mapping
        The hip's row of ``gait`` as ``study.json`` has it.

    Returns
    -------
    bytes
        A GIF that runs in a loop: lesser trochanter and ischium are orange-red where they are in contact,
        yellow at half, blue from 30 mm on; the bar below runs through the cycle in the same colours.
    """
    from PIL import Image

    assert hip.femur is not None  # a gap was measured
    assert hip.hip_bone is not None
    joint = joint_of(hip, row["pelvic_zero"], row["rotation_zero"])
    angles = np.stack([row["flexion_deg"], row["adduction_deg"], row["internal_rotation_deg"]], axis=1)
    gaps = np.array(next(one["gap_mm"] for one in row["variants"] if one["variant"] == "stride_1.0"))
    near = np.concatenate(
        [hip.region_triangles(name).reshape(-1, 3) for name in ("lesser_trochanter", "ischium")]
    )
    seen = anatomical_directions(hip, "LPS")
    camera = _square(camera_behind(hip, near, seen))
    pelvis = _surface(hip, hip.hip_bone, "ischium", 1, 2)
    femur = _surface(hip, hip.femur, "lesser_trochanter", 0, 2)
    frames = []
    for place in range(0, len(angles) - 1, _EVERY):
        palette = np.array([_BONE, _OTHER, colour_of(float(gaps[place]))], dtype=float)
        rotation = rotation_of(angles[place : place + 1])[0]
        moved = Surface(_posed(joint, femur.vertices_mm, rotation), femur.faces, femur.tints)
        rgb = draw([pelvis, moved], palette, camera).rgb
        frames.append(Image.fromarray(np.concatenate([rgb, _bar(gaps, place)])))
    few = [
        frame.quantize(colors=128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        for frame in frames
    ]
    out = BytesIO()
    few[0].save(out, "GIF", save_all=True, append_images=few[1:], duration=FRAME_MS, loop=0, optimize=False)
    return out.getvalue()


def colour_of(gap_mm: float) -> tuple[int, int, int]:
    """Colour of a gap.

    Examples
    --------
    >>> colour_of(-1.0), colour_of(15.0), colour_of(99.0)
    ((213, 60, 0), (240, 200, 90), (0, 114, 178))
    """
    share = min(max(gap_mm / WIDE_MM, 0.0), 1.0)
    stops = np.array([_NEAR, _MIDDLE, _FAR], dtype=float)
    mixed = [np.interp(share, [0, 0.5, 1], stops[:, one]) for one in range(3)]
    return round(float(mixed[0])), round(float(mixed[1])), round(float(mixed[2]))


def _bar(gaps: Array, place: int) -> NDArray[np.uint8]:
    """The cycle as a strip of colours, with a mark at the instant shown."""
    strip = np.zeros((_BAR_PX, SIZE_PX, 3), dtype=np.uint8)
    at = np.linspace(0, len(gaps) - 1, SIZE_PX)
    strip[:] = [colour_of(float(np.interp(one, np.arange(len(gaps)), gaps))) for one in at]
    middle = round(place / (len(gaps) - 1) * (SIZE_PX - 1))
    strip[:, max(middle - _MARK_PX, 0) : middle + _MARK_PX] = (27, 36, 44)
    return strip


def _square(camera: Camera) -> Camera:
    """The same view in a small square."""
    scale = camera.width_px * camera.mm_per_px / SIZE_PX
    return replace(camera, width_px=SIZE_PX, height_px=SIZE_PX, mm_per_px=scale)


def _surface(hip: Hip, bone: Bone, region: str, plain: int, coloured: int) -> Surface:
    """A bone ready to draw, one region in another colour."""
    tints = np.full(len(bone.faces), plain, dtype=np.int64)
    tints[hip.regions[region].face_indices] = coloured
    return Surface.thinned(bone.vertices_mm, bone.faces, tints)


def _posed(joint: Joint, points_mm: Array, rotation: Array) -> Array:
    """Points of the femur in a pose, patient frame."""
    return joint.patient(joint.femoral(points_mm) @ rotation.T + joint.centre_mm)

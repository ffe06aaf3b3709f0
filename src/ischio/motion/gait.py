"""The gap through a cycle of walking, and what changes it: stride, rotation, abduction, pelvic drop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.io.gait_trial import PERCENT, GaitCycle
from ischio.motion.joint import joint_of, rotation_of
from ischio.motion.sweep import PAIR, clearance
from ischio.types import Clearance, Hip, PoseSet

STRIDES = (0.8, 1.0, 1.2)
BAND_DEG = (-10.0, -5.0, 0.0, 5.0, 10.0)
SWEEP_DEG = (5.0, 10.0)
BAND_WORDS = "marker-based hip rotation is uncertain by 5 to 10 degrees: band of 10 degrees to either side"
STANDING_LIKE = ("app", "pca")


@dataclass(frozen=True, slots=True, eq=False)
class GaitGap:
    """The gap through one variant of a cycle.

    Parameters
    ----------
    variant : str
        Name, such as "stride_1.2".
    words : str
    angles_deg : array of shape (51, 3)
    gap_mm, error_mm : arrays of shape (51,), mm
    closest : int
        Row of the smallest gap, or of the first contact of the cycle.
    sub_part : str
        Of the hip bone, nearest there.
    """

    variant: str
    words: str
    angles_deg: Array
    gap_mm: Array
    error_mm: Array
    closest: int
    sub_part: str


@dataclass(frozen=True, slots=True, eq=False)
class HipGait:
    """One hip through a cycle, in all variants.

    Parameters
    ----------
    cycle : GaitCycle
    standing_deg : array of shape (3,)
        The standing-like pose in the zeros of the cycle: what strides are scaled about.
    gaps : mapping of str to GaitGap
        By variant; "stride_1.0" is the cycle as it is.
    band_mm : array of shape (2, 51), mm
        Least and largest gap within the rotation band.
    every_mm : array of shape (N,), mm
        Smallest gap of each recorded cycle.
    points_mm : array of shape (51, 2, 3), mm, patient frame
        Closest points of the cycle as it is: on femur and on hip bone.
    """

    cycle: GaitCycle
    standing_deg: Array
    gaps: Mapping[str, GaitGap]
    band_mm: Array
    every_mm: Array
    points_mm: Array


def angles_of(rotations: Array) -> Array:
    """Clinical angles of rotations from the femoral to the pelvic frame: the inverse of ``rotation_of``.

    Parameters
    ----------
    rotations : array of shape (n, 3, 3)

    Returns
    -------
    array of shape (n, 3)
        Flexion, adduction, internal rotation; adduction within 90 degrees.

    Examples
    --------
    >>> angles_of(rotation_of(np.array([[30.0, -10.0, 20.0]]))).round(9).tolist()
    [[30.0, -10.0, 20.0]]
    """
    adduction = np.arcsin(np.clip(rotations[:, 2, 1], -1, 1))
    flexion = np.arctan2(-rotations[:, 0, 1], rotations[:, 1, 1])
    rotation = np.arctan2(-rotations[:, 2, 0], rotations[:, 2, 2])
    out: Array = np.degrees(np.stack([flexion, adduction, rotation], axis=1))
    return out


def in_zeros(hip: Hip, angles_deg: Array, given: tuple[str, str], wanted: tuple[str, str]) -> Array:
    """The same positions of the femur as angles of other zeros.

    Parameters
    ----------
    hip : Hip
    angles_deg : array of shape (n, 3)
    given, wanted : (pelvic_zero, rotation_zero)

    Returns
    -------
    array of shape (n, 3)

    Raises
    ------
    CannotMeasure
        If the hip has no frame for a zero.
    """
    here, there = joint_of(hip, *given), joint_of(hip, *wanted)
    pelvis = there.pelvis_from_patient[:3, :3] @ here.pelvis_from_patient[:3, :3].T
    femur = here.femur_from_patient[:3, :3] @ there.femur_from_patient[:3, :3].T
    return angles_of(pelvis @ rotation_of(angles_deg) @ femur)


def standing_pose(hip: Hip, zeros: tuple[str, str]) -> Array:
    """The standing-like pose (app, pca, all angles 0) in other zeros, shape (3,), degrees."""
    out: Array = in_zeros(hip, np.zeros((1, 3)), STANDING_LIKE, zeros)[0]
    return out


def scaled(angles_deg: Array, standing_flexion_deg: float, stride: float) -> Array:
    """A cycle whose flexion and extension about standing are scaled.

    Parameters
    ----------
    angles_deg : array of shape (n, 3)
    standing_flexion_deg : float
    stride : float

    Returns
    -------
    array of shape (n, 3)

    Examples
    --------
    >>> scaled(np.array([[30.0, 5.0, 0.0], [-10.0, 5.0, 0.0]]), 5.0, 1.2).tolist()
    [[35.0, 5.0, 0.0], [-13.0, 5.0, 0.0]]
    """
    out = np.array(angles_deg)
    out[:, 0] = standing_flexion_deg + stride * (out[:, 0] - standing_flexion_deg)
    return out


def with_pelvis_turned(
    angles_deg: Array, *, drop_deg: float | Array = 0.0, forward_deg: float | Array = 0.0
) -> Array:
    """Hip angles when the pelvis turns further over a thigh that stays where it is in space.

    Parameters
    ----------
    angles_deg : array of shape (n, 3)
    drop_deg : float or array of shape (n,)
        The other side of the pelvis sinks, about the pelvis's forward axis: this hip adducts.
    forward_deg : float or array of shape (n,)
        This side of the pelvis goes forward, about the pelvis's up axis: this hip turns out.

    Returns
    -------
    array of shape (n, 3)

    Examples
    --------
    >>> with_pelvis_turned(np.zeros((1, 3)), drop_deg=5.0).round(9).tolist()
    [[0.0, 5.0, 0.0]]
    >>> with_pelvis_turned(np.zeros((1, 3)), forward_deg=8.0).round(9).tolist()
    [[0.0, 0.0, -8.0]]
    """
    zeros = np.zeros(len(angles_deg))
    drop = rotation_of(np.stack([zeros, zeros + drop_deg, zeros], axis=1))
    turn = rotation_of(np.stack([zeros, zeros, zeros - forward_deg], axis=1))
    return angles_of(turn @ drop @ rotation_of(angles_deg))


def variants(cycle: GaitCycle, standing_flexion_deg: float) -> dict[str, tuple[str, Array]]:
    """Every variant of a cycle: what it is, in words, and its angles.

    Parameters
    ----------
    cycle : GaitCycle
    standing_flexion_deg : float

    Returns
    -------
    dict of str to (words, array of shape (51, 3))
    """
    own = cycle.angles_deg
    out: dict[str, tuple[str, Array]] = {}
    for stride in STRIDES:
        angles = scaled(own, standing_flexion_deg, stride)
        out[f"stride_{stride}"] = (f"stride scaled by {stride:g}" if stride != 1 else "as it is", angles)
        if stride != 1 and cycle.pelvis_deg is not None:
            turned = with_pelvis_turned(angles, forward_deg=(stride - 1) * cycle.pelvis_deg[:, 2])
            words = f"stride and rotation of the pelvis scaled by {stride:g}"
            out[f"stride_{stride}_pelvis"] = (words, turned)
    for degrees in BAND_DEG:
        if degrees:
            word = "internal" if degrees > 0 else "external"
            out[f"rotation_{degrees:+.0f}"] = (
                f"{abs(degrees):g} degrees more {word} rotation",
                own + np.array([0, 0, degrees]),
            )
    for degrees in SWEEP_DEG:
        out[f"abduction_{degrees:.0f}"] = (
            f"{degrees:g} degrees more abduction",
            own - np.array([0, degrees, 0]),
        )
        out[f"adduction_{degrees:.0f}"] = (
            f"{degrees:g} degrees more adduction",
            own + np.array([0, degrees, 0]),
        )
        words = f"pelvis dropped by {degrees:g} degrees on the other side, thigh as it was"
        out[f"pelvic_drop_{degrees:.0f}"] = (words, with_pelvis_turned(own, drop_deg=degrees))
    return out


def gait_gaps(hip: Hip, cycle: GaitCycle, *, jobs: int = 1) -> HipGait:
    """Compute the gap between lesser trochanter and ischium through a cycle, in all variants.

    Parameters
    ----------
    hip : Hip
    cycle : GaitCycle
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    HipGait

    Raises
    ------
    CannotMeasure
        If the cycle is of the other side, or the hip lacks a region or a frame of the cycle's zeros.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from ischio import phantoms
    >>> from ischio.motion.average_cycle import average_cycle
    >>> from ischio.types import Side
    >>> cycle = replace(average_cycle(Side.LEFT), rotation_zero="pca")  # a phantom has no epicondyles
    >>> gait_gaps(phantoms.hip(Side.LEFT), cycle).gaps["stride_1.0"].sub_part
    'tuberosity'
    """
    if cycle.side is not hip.side:
        raise CannotMeasure(f"the cycle is of the {cycle.side.value} hip, not of the {hip.side.value} one")
    zeros = cycle.pelvic_zero, cycle.rotation_zero
    standing = standing_pose(hip, zeros)
    wanted = variants(cycle, float(standing[0]))
    n = len(PERCENT)
    pieces = [angles for _, angles in wanted.values()] + list(cycle.all_deg)
    found = clearance(hip, PoseSet("gait", np.concatenate(pieces), *zeros), pair=PAIR, jobs=jobs)
    gaps = {}
    for place, (name, (words, angles)) in enumerate(wanted.items()):
        gaps[name] = _gap(name, words, angles, found, slice(place * n, (place + 1) * n))
    band = [gaps[f"rotation_{degrees:+.0f}" if degrees else "stride_1.0"].gap_mm for degrees in BAND_DEG]
    every = found.gap_mm[len(wanted) * n :].reshape(-1, n).min(axis=1)
    own = slice(list(wanted).index("stride_1.0") * n, (list(wanted).index("stride_1.0") + 1) * n)
    points = np.stack([found.on_femur_mm[own], found.on_hip_bone_mm[own]], axis=1)
    return HipGait(
        cycle, standing, gaps, np.stack([np.min(band, axis=0), np.max(band, axis=0)]), every, points
    )


def _gap(name: str, words: str, angles: Array, found: Clearance, rows: slice) -> GaitGap:
    """One variant's part of what was found."""
    gap = found.gap_mm[rows]
    closest = int(np.argmax(gap <= 0)) if (gap <= 0).any() else int(np.argmin(gap))
    part = found.sub_parts[int(found.sub_part[rows][closest])]
    return GaitGap(name, words, angles, gap, found.error_mm[rows], closest, part)


def peak_extension(hip: Hip, cycle: GaitCycle) -> float:
    """Largest extension of a cycle beyond the standing-like pose, in degrees: what walking asks for."""
    standing = standing_pose(hip, (cycle.pelvic_zero, cycle.rotation_zero))
    return float(standing[0] - cycle.angles_deg[:, 0].min())


def gait_path(variant: str) -> str:
    """Name under which reference people's gaps of a variant of the built-in cycle are kept."""
    return f"gait_{variant}"

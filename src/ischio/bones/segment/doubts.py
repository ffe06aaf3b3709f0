"""What speaks against a laid model: metal in place of the joint, a size that no adult has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from ischio._check import Array
from ischio.atlas.parts import socket_of
from ischio.bones.refine import METAL_HU
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.grid import crop_box, spacing_mm
from ischio.geometry.holes import enclosed
from ischio.geometry.reach import within
from ischio.types import Side, Volume

_JOINT_MM = 32.0  # around a socket's centre: a head and its cup
_PROSTHESIS_CM3 = 8.0  # of metal in there; a screw through the head has 3
# Of the mean adult's size, one standard deviation of the shape model's people; 1 is the mean.
SIZE_SD: Mapping[str, float] = MappingProxyType({"femur": 0.04, "hip_bone": 0.055, "sacrum": 0.06})
_TOUCHED_CM2 = 5.0  # of a bone's surface: a patella, a tibia and calcified tendons lie on up to 4
_AIR_HU = -900.0  # gas in bowel, and what fills scans up
_BESIDE_MM = 2.0  # a bone's edge is soft there; bowel's wall is thicker
_CUT_CM2 = 1.0
SMALLEST_SD = 2.5  # below the mean, over all bones: one adult in 160
Key = tuple[str, Side | None]


def without_prostheses(laid: dict[Key, Laid], scan: Volume) -> tuple[dict[Key, Laid], tuple[str, ...]]:
    """Leave out the sides whose joint is metal: there is neither a head nor a socket to be measured.

    Parameters
    ----------
    laid : dict of Key to Laid
    scan : Volume

    Returns
    -------
    laid : dict of Key to Laid
    notes : tuple of str
    """
    notes = []
    for side in Side:
        if ("hip_bone", side) not in laid:
            continue
        volume = _metal_cm3(scan, socket_of("hip_bone", side, laid["hip_bone", side].vertices_mm))
        if volume > _PROSTHESIS_CM3:
            laid = {key: one for key, one in laid.items() if key[1] is not side}
            notes.append(
                f"{side.value} hip: left out, {volume:.0f} cm3 of metal in the joint, such as a prosthesis"
            )
    return laid, tuple(notes)


def _metal_cm3(scan: Volume, centre: Array) -> float:
    """Volume of metal around a point."""
    box, matrix = crop_box(scan, centre - _JOINT_MM, centre + _JOINT_MM)
    metal = np.argwhere(scan.values[box] > METAL_HU) @ matrix[:3, :3].T + matrix[:3, 3]
    near = (np.abs(metal - centre) <= _JOINT_MM).all(axis=1)  # a turned scan's box is larger
    return float(near.sum()) * abs(float(np.linalg.det(matrix[:3, :3]))) / 1000.0


def small_bones(laid: dict[Key, Laid]) -> tuple[str, ...]:
    """What is to be said of bones smaller than an adult's.

    Parameters
    ----------
    laid : dict of Key to Laid

    Returns
    -------
    tuple of str
    """
    if not laid:
        return ()
    below = float(np.mean([(1.0 - one.scale) / SIZE_SD[name] for (name, _), one in laid.items()]))
    if below < SMALLEST_SD:
        return ()
    sizes = ", ".join(f"{words_of(*key)} {one.scale:.2f}" for key, one in laid.items())
    said = f"smaller than adults ({sizes} of the mean adult's size, {below:.1f} standard deviations below it)"
    said += ": a child, or a very small adult; a child's open growth plates are not bone"
    return (f"{said}, and no rule here was tried on children",)


def missing_hip_note(side: Side) -> str:
    """What is to be said of a hip bone that is not found although the other one shows that it is in view.

    Parameters
    ----------
    side : Side
    """
    said = f"{side.value} hip bone: not found, though by the {side.other.value} one it is in view"
    return (
        f"{said}: that hip is not measured; see the scan for why, such as metal, a tumour or a loss of bone"
    )


def missing_femora(laid: Mapping[Key, Laid], scan: Volume) -> tuple[str, ...]:
    """What is to be said of femora that are not found although their sockets are in view.

    Parameters
    ----------
    laid : mapping of Key to Laid
    scan : Volume

    Returns
    -------
    tuple of str
    """
    back, size = np.linalg.inv(scan.patient_from_voxel), np.array(scan.values.shape)
    notes = []
    for side in Side:
        if ("hip_bone", side) not in laid or ("femur", side) in laid:
            continue
        centre = socket_of("hip_bone", side, laid["hip_bone", side].vertices_mm)
        voxel = back[:3, :3] @ centre + back[:3, 3]
        if ((voxel >= 0) & (voxel <= size - 1)).all():
            said = f"{side.value} femur: not found, though the socket of its hip bone is in view"
            notes.append(f"{said}: it is not measured; see whether the outline of the hip bone is right")
    return tuple(notes)


def touched_note(name: str, side: Side | None, touched_cm2: float) -> tuple[str, ...]:
    """What is to be said of a bone on which something lies that attenuates like it, such as contrast.

    Parameters
    ----------
    name : str
    side : Side or None
    touched_cm2 : float
        Of the bone's surface.

    Returns
    -------
    tuple of str
    """
    if touched_cm2 < _TOUCHED_CM2:
        return ()
    said = (
        f"{words_of(name, side)}: on {touched_cm2:.0f} cm2 of it lies something as dense as bone that goes on"
    )
    said += " from there, such as a bladder full of contrast, or a bone not found: left out; the bone's"
    return (f"{said} surface there is the shape model's more than the scan's, and up to 6 mm off",)


def cut_notes(labels: Volume, scan: Volume) -> tuple[str, ...]:
    """What is to be said of bones that end at air, as where a scan's corners are filled up.

    Parameters
    ----------
    labels : Volume
        Of the bones.
    scan : Volume
        In HU, on the grid of the labels, which may go on at the upper ends.

    Returns
    -------
    tuple of str
    """
    is_air = scan.values < _AIR_HU
    spacing = spacing_mm(scan)
    i, j, k = scan.values.shape

    def beside_cm2() -> Array:
        beside = labels.values[:i, :j, :k][within(is_air, _BESIDE_MM, spacing)]
        area: Array = np.bincount(beside, minlength=256).astype(np.float64)
        return area * float(spacing.prod()) / _BESIDE_MM / 100.0

    if beside_cm2()[1:].max() < _CUT_CM2:
        return ()
    is_air = ~enclosed(~is_air)  # what does not reach the scan's end is a dark streak beside metal
    cm2 = beside_cm2()
    said = "of it end at air, as where a scan that was turned into another grid is filled up"
    why = "there the bone is cut, and what is measured to the cut is wrong"
    return tuple(
        f"{_label_words(name)}: {cm2[number]:.0f} cm2 {said}: {why}"
        for number, name in labels.names.items()
        if cm2[number] > _CUT_CM2
    )


def _label_words(label: str) -> str:
    """A bone's label as text: its side first."""
    name, _, side = label.rpartition("_")
    return words_of(name, Side(side)) if side in (one.value for one in Side) else label.replace("_", " ")


def words_of(name: str, side: Side | None) -> str:
    """A bone as text.

    Parameters
    ----------
    name : str
    side : Side or None

    Examples
    --------
    >>> words_of("hip_bone", Side.LEFT)
    'left hip bone'
    """
    return " ".join(([] if side is None else [side.value]) + [name.replace("_", " ")])


def child_notes(found: Sequence[Laid]) -> tuple[str, ...]:
    """Why bones that look like hip bones and are too small for an adult's are left out.

    Parameters
    ----------
    found : sequence of Laid

    Returns
    -------
    tuple of str
    """
    if not found:
        return ()
    sizes = " and ".join(sorted({f"{one.scale:.2f}" for one in found}))
    said = f"what resembles hip bones has {sizes} of the mean adult's size: a child's, whose"
    return (f"{said} growth plates are open, are not measured",)

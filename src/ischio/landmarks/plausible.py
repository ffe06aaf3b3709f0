"""Check that the bones agree with their names, their axes, their units and each other.

Every disagreement is an error that says what was seen. Nothing is flipped, moved or scaled.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ischio._check import AnatomyError, Array, complaint
from ischio.landmarks.findings import Findings
from ischio.types import Bone, Side

SIZE_MM = (60.0, 1000.0)  # diagonal of any pelvis, hip bone or femur worth reading, part or whole
MIN_COSINE = 0.5  # bones may lie up to 60 degrees from upright (flexed hips, tilted pelves)
MIN_SIDE_RATIO = 1.15  # a mirrored shape fits worse by 1.4 or more on every person tried
MAX_HEAD_TO_SOCKET_RADII = 2.0  # one head diameter: farther, the bones are not of one hip
MAX_HEADS_APART_MM = 350.0
OFFSET_FLAG_MM = 3.0
_HEAD_RADIUS_MM = 24.0  # where the head is not in view


def check_size(bone: Bone) -> None:
    """Refuse a bone whose size says that its unit is not the millimetre.

    Raises
    ------
    AnatomyError
        Naming the size and what it looks like; the unit is never guessed.
    """
    size = float(np.linalg.norm(np.ptp(bone.vertices_mm, axis=0)))
    if SIZE_MM[0] <= size <= SIZE_MM[1]:
        return
    looks = ""
    for unit, factor in (("metres", 1000.0), ("centimetres", 10.0), ("micrometres", 0.001)):
        if 150.0 <= size * factor <= 700.0:
            looks = f" (it would fit if the file were in {unit})"
            break
    raise AnatomyError(
        complaint(
            f"{bone.label} ({bone.source})",
            f"a size of {size:.4g} corner to corner{looks}",
            f"{SIZE_MM[0]:g} to {SIZE_MM[1]:g} mm",
            "Export the surface in millimetres.",
        )
    )


def check_side(found: Findings, warnings: list[str]) -> None:
    """Refuse a bone whose shape is that of the other side.

    Parameters
    ----------
    found : Findings
    warnings : list of str
        Gets a sentence where the shape does not tell.

    Raises
    ------
    AnatomyError
        If the shape contradicts the name.
    """
    bone = found.bone
    if bone.side is None:
        return
    if found.fit is None:
        warnings.append(
            f"{bone.label}: its shape tells neither side nor directions; both are the file's word."
        )
        return
    if found.other_side_ratio < MIN_SIDE_RATIO:
        warnings.append(
            f"{bone.label}: its shape fits a left and a right bone almost alike "
            f"(ratio {found.other_side_ratio:.2f}); the side is the file's word."
        )
        return
    if found.side is not bone.side:
        raise AnatomyError(
            complaint(
                f"{bone.label} ({bone.source})",
                f"the shape of a {found.side.value} {bone.name.replace('_', ' ')}",
                f"a {bone.side.value} one",
                "Either the sides are swapped by name, or the file is mirrored: find out which, "
                "and export it again.",
            )
        )


def check_axes(found: Findings, axes: str) -> None:
    """Refuse a bone that does not lie as the declared axes say.

    Raises
    ------
    AnatomyError
        Saying which way the bone's left, back and up point in the file.
    """
    if axes == "unknown" or found.fit is None:
        return
    directions = found.fit.rotation
    if all(directions[k, k] > MIN_COSINE for k in range(3)):
        return
    names = ("left", "back", "up")
    words = ", ".join(f"{name} along {_axis_word(directions[:, k], axes)}" for k, name in enumerate(names))
    wanted = "+x, +y, +z" if axes == "LPS" else "-x, -y, +z"
    turned = (
        directions[0, 0] < -MIN_COSINE and directions[1, 1] < -MIN_COSINE and directions[2, 2] > MIN_COSINE
    )
    other = "RAS" if axes == "LPS" else "LPS"
    advice = (
        f"The file looks like {other}: use --axes {other}."
        if turned
        else "Use --axes unknown, or export the bones in patient axes."
    )
    raise AnatomyError(
        complaint(
            f"{found.bone.label} ({found.bone.source})",
            f"anatomy with {words} in the file",
            f"left, back, up along {wanted}, within 60 degrees, as axes {axes} say",
            advice,
        )
    )


def _axis_word(direction: Array, axes: str) -> str:
    """The file's axis nearest to a direction given in LPS."""
    in_file = direction * ([-1, -1, 1] if axes == "RAS" else [1, 1, 1])
    k = int(np.argmax(np.abs(in_file)))
    return f"{'+' if in_file[k] > 0 else '-'}{'xyz'[k]}"


def check_places(femora: Mapping[Side, Findings], hips: Mapping[Side, Findings], axes: str) -> list[str]:
    """Refuse bones that cannot be of one person; tell of heads outside their sockets.

    Parameters
    ----------
    femora, hips : mapping of Side to Findings
    axes : str

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    AnatomyError
        If a head is more than its diameter from its socket, the heads are too far apart, or
        the right one lies on the left.
    """
    warnings = []
    for side, femur in femora.items():
        if side not in hips:
            continue
        apart = float(np.linalg.norm(femur.centre_mm - hips[side].centre_mm))
        head = femur.landmarks.get("femoral_head_centre")
        limit = MAX_HEAD_TO_SOCKET_RADII * (head.detail["radius_mm"] if head else _HEAD_RADIUS_MM)
        if apart > limit:
            raise AnatomyError(
                complaint(
                    f"{side.value} hip",
                    f"a femoral head {apart:.0f} mm from its socket",
                    f"at most {limit:.0f} mm",
                    "Check that the bones are of one person and in one coordinate system.",
                )
            )
        if head and "acetabular_centre" in hips[side].landmarks:
            warnings += offset_warnings(side, femur.centre_mm, hips[side].centre_mm)
    for pair in (femora, hips):
        if len(pair) < 2:
            continue
        right, left = pair[Side.RIGHT].centre_mm, pair[Side.LEFT].centre_mm
        apart = float(np.linalg.norm(right - left))
        if apart > MAX_HEADS_APART_MM:
            raise AnatomyError(
                complaint(
                    "both hips",
                    f"hip centres {apart:.0f} mm apart",
                    f"at most {MAX_HEADS_APART_MM:g} mm",
                    "Check that the bones are of one person and in one coordinate system.",
                )
            )
        if axes != "unknown" and right[0] > left[0]:
            raise AnatomyError(
                complaint(
                    "both hips",
                    "the right bone on the patient's left",
                    "right bones on the right",
                    "The bones lie in each other's place: check names and coordinates.",
                )
            )
    return warnings


def offset_warnings(side: Side, head_mm: Array, socket_mm: Array) -> list[str]:
    """Tell of a head that lies outside its socket.

    Parameters
    ----------
    side : Side
    head_mm, socket_mm : arrays of shape (3,), mm
        Their centres.

    Returns
    -------
    list of str
        One warning, or none within ``OFFSET_FLAG_MM``.
    """
    apart = float(np.linalg.norm(head_mm - socket_mm))
    if apart <= OFFSET_FLAG_MM:
        return []
    words = f"{side.value} hip: head centre and acetabular centre are {apart:.1f} mm apart"
    why = f"(more than {OFFSET_FLAG_MM:g}): distracted, misregistered or placed apart."
    return [f"{words} {why} The gap holds for the bones as they lie."]

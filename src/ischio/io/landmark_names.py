"""Which landmark and which side a label of a marked point means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ischio.io.names import SIDE_WORDS
from ischio.types import Side

_NAMES = MappingProxyType(
    {
        "femur": "femoral_head_centre neck_isthmus_centre greater_trochanter_superior lesser_trochanter_tip "
        "intertrochanteric_crest_posterior posterior_condyle_lateral posterior_condyle_medial "
        "proximoposterior_condyle_lateral proximoposterior_condyle_medial distal_condyle_lateral "
        "distal_condyle_medial epicondyle_lateral epicondyle_medial intercondylar_notch knee_centre",
        "hip_bone": "acetabular_centre asis aiis psis piis pubic_tubercle symphysis_inferior ischial_spine "
        "ischial_tuberosity_inferior ischial_tuberosity_lateral ischial_tuberosity_hamstring",
        "sacrum": "sacral_promontory sacral_centre",
    }
)
LANDMARK_BONES: Mapping[str, str] = MappingProxyType(
    {name: bone for bone, names in _NAMES.items() for name in names.split()}
)
"""Every landmark that can be read, with the bone it lies on; those of the sacrum have no side."""

_SPELLINGS = MappingProxyType({"center": "centre"})
_WORDS = re.compile(r"[a-z]+|[0-9]+")


def read_label(text: str) -> tuple[str | None, Side | None]:
    """Understand the label of a point.

    Parameters
    ----------
    text : str
        One of ``LANDMARK_BONES`` with the side before or behind it. Case and what stands between words do
        not matter.

    Returns
    -------
    name : str or None
        None when it is none of ours, or says two sides.
    side : Side or None
        None when the label does not say it.

    Examples
    --------
    >>> [name for name, _ in map(read_label, ("left_asis", "L lesser trochanter tip", "F-1"))]
    ['asis', 'lesser_trochanter_tip', None]
    >>> read_label("Femoral Head Center (right)")[1]
    <Side.RIGHT: 'right'>
    """
    words = [_SPELLINGS.get(word, word) for word in _WORDS.findall(text.lower())]
    said = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
    name = "_".join(word for word in words if word not in SIDE_WORDS)
    if name not in LANDMARK_BONES or len(said) > 1:
        return None, None
    return name, next(iter(said), None)


def surface_bone(text: str) -> tuple[str, Side | None] | None:
    """Understand the label of a point that lies anywhere on a bone's surface.

    Returns
    -------
    (str, Side or None) or None
        "femur" or "hip_bone", and the side if the label says one; None for another label.

    Examples
    --------
    >>> surface_bone("left hip bone surface 3"), surface_bone("Femur surface"), surface_bone("left_asis")
    (('hip_bone', <Side.LEFT: 'left'>), ('femur', None), None)
    """
    words = _WORDS.findall(text.lower())
    said = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
    rest = [word for word in words if word not in SIDE_WORDS and not word.isdigit()]
    if len(said) > 1 or len(rest) < 2 or rest[-1] != "surface":
        return None
    bone = {"femur": "femur", "hip_bone": "hip_bone", "hip": "hip_bone"}.get("_".join(rest[:-1]))
    return None if bone is None else (bone, next(iter(said), None))


def label_of(name: str, side: Side | None) -> str:
    """Our own spelling of a label, for example "left_asis".

    Examples
    --------
    >>> label_of("asis", Side.LEFT), label_of("sacral_promontory", None)
    ('left_asis', 'sacral_promontory')
    """
    return name if side is None else f"{side.value}_{name}"


def side_of(text: str) -> Side | None:
    """The one side that a text names, or None.

    Examples
    --------
    >>> side_of("Left landmarks"), side_of("F")
    (<Side.LEFT: 'left'>, None)
    """
    said = {SIDE_WORDS[word] for word in _WORDS.findall(text.lower()) if word in SIDE_WORDS}
    return next(iter(said)) if len(said) == 1 else None

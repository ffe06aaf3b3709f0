"""Which bone and which side a file or label name means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ischio._check import InputError, complaint
from ischio.types import Side

SIDE_WORDS = MappingProxyType(
    dict.fromkeys("left l lt sin sinister sinistra sinistrum links".split(), Side.LEFT)
    | dict.fromkeys("right r rt dext dexter dextra dextrum rechts".split(), Side.RIGHT)
)
_BONES = MappingProxyType(
    dict.fromkeys("femur thighbone".split(), "femur")
    | dict.fromkeys("hip hipbone coxa coxae coxal innominate innominatum hemipelvis".split(), "hip_bone")
    | dict.fromkeys("pelvis hips".split(), "pelvis")
    | dict.fromkeys("sacrum".split(), "sacrum")
    | dict.fromkeys("tibia shinbone".split(), "tibia")
)
ACCEPTED = "femur_left, femur_right, hip_left, hip_right, pelvis, sacrum, tibia_left, tibia_right or ignore"
_NEED_SIDE = frozenset({"femur", "hip_bone"})
# Known, and of no use here. Together with a bone's own word the name is unclear.
_OTHER_BONES = frozenset(
    "fibula patella talus calcaneus tarsal tarsals metatarsal metatarsals phalanx phalanges cuboid navicular "
    "cuneiform foot vertebra vertebrae vertebral spine lumbar coccyx rib ribs sternum scapula clavicle "
    "clavicula humerus radius ulna carpal carpals metacarpal hand skull mandible".split()
)
# Tissue, metal, or a part: left alone even beside a bone's own word.
_PARTS = frozenset(
    "skin body fat muscle muscles gluteus iliopsoas psoas autochthon tendon ligament labrum capsule joint "
    "artery vena vein vessel nerve bladder prostate cartilage marrow medulla canal implant prosthesis nail "
    "screw stem cup plate head neck acetabulum condyle trochanter plane landmarks".split()
)


@dataclass(frozen=True, slots=True)
class BoneName:
    """What a name was understood as.

    Parameters
    ----------
    verdict : str
        "bone", "no side" (a femur or hip bone, but whose?), "other" (known, not used here)
        or "unknown".
    name : str
        One of ``types.BONE_NAMES`` for "bone" and "no side", else empty.
    side : Side or None
    """

    verdict: str
    name: str = ""
    side: Side | None = None

    @property
    def text(self) -> str:
        """Our own spelling, for example "hip_bone_left"."""
        return self.name if self.side is None else f"{self.name}_{self.side.value}"


def read_name(text: str) -> BoneName:
    """Understand the names that people and programs give to bones.

    Parameters
    ----------
    text : str
        File name without its ending, or a label's name. Case, order, separators and words that
        say nothing about the bone (numbers, "segment", "smooth") do not matter.

    Returns
    -------
    BoneName
        A pelvis with a side is a hip bone; "pelvis_with_sacrum" and "pelvis_no_sacrum" are both a pelvis.

    Examples
    --------
    >>> [read_name(text).text for text in ("Femur_L", "R-Femur", "Segment_os coxae left", "Pelvis no sacrum")]
    ['femur_left', 'femur_right', 'hip_bone_left', 'pelvis']
    >>> [read_name(text).verdict for text in ("femur", "Fibula_L", "mesh_01")]
    ['no side', 'other', 'unknown']
    """
    words = _words(text)
    bones = {_BONES[word] for word in words if word in _BONES}
    sides = {SIDE_WORDS[word] for word in words if word in SIDE_WORDS}
    if words & _PARTS:
        return BoneName("other")
    if bones == {"pelvis", "sacrum"} and not sides:
        return BoneName("bone", "pelvis")
    if len(bones) > 1 or len(sides) > 1 or (bones and words & _OTHER_BONES):
        return BoneName("unknown")
    if not bones:
        return BoneName("other" if words & _OTHER_BONES else "unknown")
    (name,) = bones
    side = next(iter(sides), None)
    if name == "pelvis" and side is not None:
        name = "hip_bone"
    if name == "sacrum":
        side = None
    if name in _NEED_SIDE and side is None:
        return BoneName("no side", name)
    if name == "tibia" and side is None:  # of use only beside its own femur
        return BoneName("other")
    return BoneName("bone", name, side)


def read_mapping(mapping: Mapping[str, str], known: Iterable[str], where: str) -> dict[str, BoneName]:
    """Understand the bones that a user gave to files or labels.

    Parameters
    ----------
    mapping : mapping of str to str
        File name, or label name or number, to bone: any name ``read_name`` understands, or "ignore".
    known : iterable of str
        The files or labels that are there.
    where : str
        The input, for messages.

    Returns
    -------
    dict of str to BoneName
        Verdict "bone", or "other" for what is to be left alone.

    Raises
    ------
    InputError
        If a file or label is not there, or a bone is not understood.

    Examples
    --------
    >>> read_mapping({"a.stl": "femur_left", "b.stl": "ignore"}, ["a.stl", "b.stl"], "case")["a.stl"].text
    'femur_left'
    """
    there = list(known)
    meant = {}
    for key, bone in mapping.items():
        if key not in there:
            raise InputError(
                complaint(where, f"the option for {key!r}", f"one of {there}", "Correct the option.")
            )
        name = BoneName("other") if bone.strip().lower() == "ignore" else read_name(bone)
        if name.verdict != "bone" and bone.strip().lower() != "ignore":
            raise InputError(
                complaint(f"{where}: {key}", f"the bone {bone!r}", ACCEPTED, "Correct the option.")
            )
        meant[key] = name
    return meant


def check_bones(found: Iterable[tuple[str, BoneName]], where: str) -> None:
    """Refuse a femur or hip bone without a side, a bone twice, or a pelvis beside its own hip bones.

    Parameters
    ----------
    found : iterable of (str, BoneName)
        File or label, and what it was understood as.
    where : str
        The input, for messages.

    Raises
    ------
    InputError
        Saying which files or labels, and how to map them.
    """
    items = list(found)
    no_side = [(key, name.name) for key, name in items if name.verdict == "no side"]
    if no_side:
        key, bare = no_side[0]
        raise InputError(
            complaint(
                where,
                f"no side in {', '.join(repr(key) for key, _ in no_side)}",
                "left or right in the name of every femur and hip bone",
                f"Rename it, or say which it is: {option(key, f'{bare}_left')}.",
            )
        )
    first: dict[str, str] = {}
    for key, name in items:
        if name.verdict != "bone":
            continue
        if name.text in first:
            raise InputError(
                complaint(
                    where,
                    f"{name.text} twice, {first[name.text]!r} and {key!r}",
                    "each bone once",
                    f"Remove one, or leave it out: {option(key, 'ignore')}.",
                )
            )
        first[name.text] = key
    halves = [key for text, key in first.items() if text.startswith("hip_bone")]
    if "pelvis" in first and halves:
        raise InputError(
            complaint(
                where,
                f"the pelvis {first['pelvis']!r} and the hip bones {halves}",
                "both hip bones in one surface or apart, not both ways",
                f"Remove one, or leave it out: {option(first['pelvis'], 'ignore')}.",
            )
        )


def option(key: str, bone: str) -> str:
    """Wording of the option that says which bone a file or label is.

    Parameters
    ----------
    key, bone : str

    Examples
    --------
    >>> option("a b.stl", "femur_left")
    "--bone femur_left='a b.stl'"
    """
    return f"--bone {bone}={shlex.quote(key)}"


def bone_words() -> frozenset[str]:
    """Every word that is understood of a name, but for sides.

    Examples
    --------
    >>> "femur" in bone_words(), "meier" in bone_words()
    (True, False)
    """
    return frozenset(_BONES) | _OTHER_BONES | _PARTS


def is_glued(word: str) -> bool:
    """Whether a lower-case word is a side and a bone written as one.

    Examples
    --------
    >>> is_glued("lfemur"), is_glued("meier")
    (True, False)
    """
    return len(_glued(word)) > 1


def _words(text: str) -> frozenset[str]:
    """Lower-case words of a name; "FemurLeft", "lfemur" and "hemi pelvis" come apart or together as meant."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    lower = re.sub(r"[^a-z0-9]+", " ", apart.lower())
    lower = lower.replace("hemi pelvis", "hemipelvis")
    return frozenset(part for word in lower.split() for part in _glued(word))


def _glued(word: str) -> tuple[str, ...]:
    """Split a side off a bone's word that it was written onto."""
    if word not in _BONES and word not in _PARTS and word not in _OTHER_BONES:
        for side in SIDE_WORDS:
            if word.startswith(side) and word[len(side) :] in _BONES:
                return side, word[len(side) :]
            if word.endswith(side) and word[: -len(side)] in _BONES:
                return word[: -len(side)], side
    return (word,)

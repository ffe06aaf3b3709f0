"""Options that commands share, and what their words mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ischio.cli_common import Json

if TYPE_CHECKING:
    from ischio.types import Side

Quiet = Annotated[bool, Parameter(help="Print no summary and no progress.", show_default=False)]
Jobs = Annotated[int | None, Parameter(help="Threads to use; all by default. Does not change the result.")]
BoneNames = Annotated[
    tuple[str, ...],
    Parameter(
        help="BONE=FILE, or BONE=LABEL in a label map, where names do not say it: femur_left=mesh_3.stl; "
        "ignore=FILE leaves one out. May be repeated.",
        show_default=False,
    ),
]
Labels = Annotated[str | None, Parameter(help="Names of a label map: FILE.json, totalseg-v2, -v1 or -mr.")]
Axes = Annotated[
    Literal["LPS", "RAS", "unknown"] | None,
    Parameter(help="Axes of the input; unknown: any orientation. LPS, if a case file does not say."),
]
OneSide = Annotated[Literal["left", "right", "both"] | None, Parameter(help="Side wanted; both by default.")]
Sex = Annotated[Literal["f", "m"] | None, Parameter(help="Sex, if known.")]
Age = Annotated[float | None, Parameter(help="Age in years, if known.")]
CaseId = Annotated[str | None, Parameter(help="Pseudonym of the case.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options of every command that makes a study."""

    as_json: Json = False
    force: Annotated[
        bool, Parameter(help="Replace an earlier result; never another folder.", show_default=False)
    ] = False
    jobs: Jobs = None
    quiet: Quiet = False


@Parameter(name="*")
@dataclass(frozen=True)
class Readings:
    """Options for landmarks that a person read."""

    landmarks: Annotated[
        Path | None, Parameter(help="Landmarks that a person marked in 3D Slicer, FILE.mrk.json.")
    ] = None
    reader: Annotated[
        str | None, Parameter(help="Who marked them; else the description in the file says it.")
    ] = None
    reader_date: Annotated[str | None, Parameter(help="When they were marked, YYYY-MM-DD.")] = None
    reader_sigma: Annotated[
        float | None, Parameter(help="3-D standard deviation of the reader in mm; 2 where it is not known.")
    ] = None
    ignore_label: Annotated[
        tuple[str, ...],
        Parameter(help="Label of a marked point to leave out. May be repeated.", show_default=False),
    ] = ()


@Parameter(name="*")
@dataclass(frozen=True)
class Walking:
    """Options of recorded walking."""

    gait: Annotated[
        Path | None,
        Parameter(help="Recorded walking: .mot, .sto, .c3d or .csv; without it, an average adult cycle."),
    ] = None
    pelvic_zero: Annotated[
        Literal["isb", "app", "standing", "table"] | None,
        Parameter(help="Zero of the pelvis in the gait file; .c3d of Plug-in Gait has isb."),
    ] = None
    gait_events: Annotated[
        Path | None, Parameter(help="CSV file with time_s, side, event, where the gait file has no events.")
    ] = None
    gait_column: Annotated[
        tuple[str, ...],
        Parameter(
            help="OURS=THEIRS for a .csv, such as right_flexion_deg=RHip_X. May be repeated.",
            show_default=False,
        ),
    ] = ()


@Parameter(name="*")
@dataclass(frozen=True)
class Moving(Walking):
    """Options of motion: how the person walks, and what is known of the soft tissue and the spine."""

    passive_extension: Annotated[
        tuple[str, ...],
        Parameter(
            help="SIDE=DEGREES as measured, such as left=5; replaces the soft-tissue default.",
            show_default=False,
        ),
    ] = ()
    soft_tissue: Annotated[
        float | None, Parameter(help="Extension at which soft tissue stops a hip, in degrees; 15 by default.")
    ] = None
    fused: Annotated[
        tuple[str, ...],
        Parameter(
            help="What does not move: L4-S1, sacroiliac_left. May be repeated; a case file's fusions count.",
            show_default=False,
        ),
    ] = ()
    no_map: Annotated[
        bool, Parameter(help="Leave out the map of every degree and the animation.", show_default=False)
    ] = False


USUAL = Common()
NOTHING_READ = Readings()
NOT_MOVED = Moving()
NOT_WALKED = Walking()


class UsageError(Exception):
    """An option that parses but makes no sense."""


def sides_of(word: str) -> tuple[Side, ...]:
    """Sides that a word of ``--side`` means."""
    from ischio.types import Side

    return tuple(Side) if word == "both" else (Side(word),)


def mapping_of(pairs: Sequence[str]) -> dict[str, str] | None:
    """Bone by file or label, from ``BONE=FILE`` options."""
    from ischio._check import complaint

    out: dict[str, str] = {}
    for pair in pairs:
        bone, equals, file = pair.partition("=")
        if not (bone and equals and file):
            raise UsageError(complaint("--bone", repr(pair), "BONE=FILE", "Write femur_left=mesh_3.stl."))
        if file in out:
            raise UsageError(complaint("--bone", f"{file!r} twice", "each file once", "Keep one of them."))
        out[file] = bone
    return out or None


def pairs_of(option: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of ``NAME=VALUE`` options."""
    from ischio._check import complaint

    out = []
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise UsageError(complaint(option, repr(word), "NAME=VALUE", "Put an equals sign between."))
        out.append((name, value))
    return out

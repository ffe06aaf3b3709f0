"""What `ischio plan` asks for and shows: parse, call, show. Nothing is computed here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:  # what these stand on is imported by the commands, not by --help
    from ischio.io.gait_trial import GaitCycle
    from ischio.plan import HipPlans
    from ischio.record.case import Case
    from ischio.study import Progress
    from ischio.types import Side, Study


AFTER = "femur after surgery"  # in place of the file's name, which could name a person


@Parameter(name="*")
@dataclass(frozen=True)
class Planning:
    """Options of a plan."""

    target_mm: Annotated[
        float | None,
        Parameter(
            help="Clearance wanted between lesser trochanter and ischium, in mm. Over motion it may be left "
            "out: then no bone contact is wanted."
        ),
    ] = None
    motion: Annotated[
        str,
        Parameter(
            help="Poses it is wanted in: standing (the standing-like static pose), gait (recorded with "
            "--gait, or average), gait_median (over the median gap of reference people), range, ifi_test, or "
            "another examination."
        ),
    ] = "standing"
    burr_mm: Annotated[float, Parameter(help="Diameter of the burr's ball, in mm.")] = 5.5
    approach: Annotated[
        str,
        Parameter(help="Side the burr comes from: posterolateral, posterior or anterior. No advice."),
    ] = "posterolateral"
    margin_mm: Annotated[
        float, Parameter(help="Bone to be left standing over the femur's cortex, in mm.")
    ] = 0.0
    after: Annotated[
        Path | None,
        Parameter(
            help="Surface of the same femur after surgery (PLY, STL, OBJ, VTP), in mm, in any position: what "
            "was removed, and whether the target is reached. Needs --side left or right."
        ),
    ] = None
    structures: Annotated[
        Path | None,
        Parameter(
            help="3D Slicer markups of nerve, vessels or muscle as somebody marked them, each list named "
            "after its structure, such as 'left sciatic nerve': their distances from each cut."
        ),
    ] = None


NOTHING_ASKED = Planning()


def target_of(wanted: Planning) -> float:
    """Clearance wanted, mm; over motion no bone contact unless another is given.

    Raises
    ------
    InputError
        If none is given for the standing-like pose.
    """
    from ischio._check import InputError, complaint
    from ischio.plan.goals import STANDING

    if wanted.target_mm is None and wanted.motion == STANDING:
        raise InputError(
            complaint("--target-mm", "nothing", "a clearance in mm", "Give --target-mm, or a --motion.")
        )
    return wanted.target_mm or 0.0


@dataclass(frozen=True)
class Planned:
    """A study with its plans, the files that belong to them, and what the report draws."""

    study: Study
    files: Mapping[str, str | bytes]
    plans: tuple[HipPlans, ...]


def planned(
    study: Study,
    wanted: Planning,
    sides: Sequence[Side],
    cycles: Mapping[Side, GaitCycle],
    record: Mapping[str, Any] | None,
    jobs: int | None,
    tell: Progress,
) -> Planned:
    """Plan every hip of a study, or say why not.

    Parameters
    ----------
    study : Study
    wanted : Planning
    sides : sequence of Side
        Sides asked for.
    cycles : mapping of Side to GaitCycle
        Recorded walking; may be empty.
    record : mapping or None
        The clinical record: its red flags end a plan.
    jobs : int or None
        Threads; all by default.
    tell : callable
        ``tell(words, fraction)``.

    Returns
    -------
    Planned
    """
    from ischio.io.markups import read_structures
    from ischio.plan import Burr, plan_sections
    from ischio.plan.provenance import STRUCTURES
    from ischio.study.plan_files import plan_files

    flags = [] if record is None else record["red_flags"]
    stops = tuple(row["reason"] for row in flags if row["verdict"] == "stop")
    sections, found = plan_sections(
        study.pelvis,
        target_of(wanted),
        wanted.motion,
        burr=Burr(wanted.burr_mm, wanted.approach),
        margin_mm=wanted.margin_mm,
        cycles=cycles,
        marked_mm={} if wanted.structures is None else read_structures(wanted.structures, STRUCTURES),
        stops=stops,
        sides=sides,
        jobs=jobs or os.cpu_count() or 1,
        progress=tell,
    )
    if wanted.after is not None:
        _compared(sections, found, wanted.after, jobs or os.cpu_count() or 1, tell)
    return Planned(replace(study, planning=sections), plan_files(found), found)


def _compared(
    sections: dict[str, Any], found: Sequence[HipPlans], path: Path, jobs: int, tell: Progress
) -> None:
    """Add what was done to a femur to the row of its hip."""
    from ischio.bones.surface import clean
    from ischio.io.meshes import read_surface
    from ischio.plan.compare import after_row, compare
    from ischio.types import Bone

    tell("comparing with the femur after surgery", 0.0)
    mesh = read_surface(path)
    vertices, faces, repairs = clean(mesh.vertices_mm, mesh.faces, where=path.name)
    for one, row in zip(found, sections["planning"]["hips"], strict=True):
        femur = one.site.femur
        bone = Bone(
            "femur", one.hip.side, vertices, faces, femur.frame, femur.edge_mm, AFTER, repairs=repairs
        )
        row["after"] = after_row(compare(one.site, one.plans[0].goal, bone, jobs=jobs), one)


def stated(case: Case, wanted: Planning, side: str | None, *, as_json: bool) -> str | None:
    """What a ruler says of the spaces that a record without bones states; no simulation.

    Parameters
    ----------
    case : Case
    wanted : Planning
    side : str or None
        "left" or "right"; both by default.
    as_json : bool

    Returns
    -------
    str or None
        ``None`` where the record states no space.
    """
    from ischio.cli_common import to_json
    from ischio.plan.one_to_one import WORDS, one_to_one
    from ischio.record.red_flags import red_flags

    rows = [
        {"side": one.side, "posture": one.posture, **one_to_one(one.value, target_of(wanted))}
        for one in case.findings
        if one.what == "ischiofemoral_space"
        and one.unit == "mm"
        and one.value is not None
        and (side in (None, "both") or one.side == side)
    ]
    if not rows:
        return None
    stops = [f"red flag: {flag.reason}" for flag in red_flags(case) if flag.verdict == "stop"]
    why = "the record has no bones: nothing was simulated"
    if as_json:
        planning = {"stated": [] if stops else rows, "stops": stops, "hips": [], "reasons": {"all": why}}
        return to_json({"case_id": case.case_id, "plans": [], "planning": planning})
    lines = [f"{words}: no plan." for words in stops]
    for row in () if stops else rows:
        share = row["attachment_lost_fraction"]
        cost = row["reason"] if share is None else f"{100 * share:.0f} % of the iliopsoas's attachment"
        lines.append(
            f"{str(row['side']).capitalize()} hip: {row['space_mm']:g} mm stated, {row['wanted_mm']:g} mm "
            f"wanted: {row['depth_mm']:.0f} mm of depth, {cost}."
        )
    return "\n".join([*lines, WORDS, f"{why.capitalize()}. For research only; not a medical device."]) + "\n"


def summary(study: Study) -> str:
    """The plans of each side, or why there is none.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
    """
    planning = study.planning or {"planning": {"hips": [], "reasons": {}}, "plans": []}
    lines = []
    for hip in planning["planning"]["hips"]:
        lines.append(hip["sentence"])
        lines += [f"warning: {words}" for words in hip["warnings"]]
        lines += [
            f"  {row['sentence']}"
            for row in planning["plans"]
            if row["side"] == hip["side"] and row["cut"] is not None
        ]
        if "after" in hip:
            lines.append(hip["after"]["sentence"])
    lines += [
        f"{side.capitalize()} hip: no plan: {why}" for side, why in planning["planning"]["reasons"].items()
    ]
    lines += [f"warning: {words}" for words in study.warnings]
    return "\n".join([*lines, planning["planning"].get("prediction", "")]) + "\n"

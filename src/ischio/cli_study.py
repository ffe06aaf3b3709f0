"""What assess, demo, motion and plan share: read a person, make the study, write and show it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ischio import cli_plan, cli_scan
from ischio.cli_common import say
from ischio.cli_options import (
    NOTHING_READ,
    Common,
    Moving,
    Readings,
    UsageError,
    Walking,
    mapping_of,
    pairs_of,
    sides_of,
)
from ischio.cli_plan import Planning
from ischio.cli_scan import Scanned

if TYPE_CHECKING:  # numpy and all that stands on it is imported by the commands, not by --help
    from ischio.bones.exclude import Excluded
    from ischio.io.gait_trial import GaitCycle
    from ischio.io.markups import MarkedPoint
    from ischio.motion import MotionSettings
    from ischio.plan import HipPlans
    from ischio.record.case import Case
    from ischio.study import Progress, Settings
    from ischio.study.earlier import Earlier
    from ischio.types import Bone, Side, Study, Volume

OK = 0
RESEARCH_USE = "For research only; not a medical device."
DEMO_CASE = "demo"
DEMO_PERSON = 18
HEADLINE = "ischiofemoral_space_3d"

_BLAS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")


def limit_threads(jobs: int | None) -> None:
    """Tell the numerical libraries how many threads to use; they read this when they are loaded.

    Without a word the linear algebra runs on one: its matrices are small here, and bones are worked
    on side by side already. Two threads cost a quarter more time.
    """
    if jobs is None:
        for name in _BLAS:
            os.environ.setdefault(f"{name}_NUM_THREADS", "1")
        return
    if jobs < 1:
        from ischio._check import complaint

        raise UsageError(complaint("--jobs", jobs, "1 or more", "Leave it out to use every core."))
    for name in (*_BLAS, "NUMBA", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(jobs)


@dataclass(frozen=True)
class Person:
    """What the command line says of the input and of the person."""

    axes: str | None
    side: str | None
    sex: str | None
    age_years: float | None
    bone: tuple[str, ...]
    labels: str | None
    case_id: str | None


def assess_person(
    source: Path,
    out: Path | None,
    person: Person,
    scanned: Scanned,
    moving: Moving | None,
    readings: Readings,
    common: Common,
    wanted: tuple[Planning, Walking] | None = None,
) -> int:
    """Read a case and make its study: what assess, motion and plan share.

    Parameters
    ----------
    source : Path
        Bones, label map, scan, case file or earlier result.
    out : Path or None
        Folder to make.
    person : Person
    scanned : Scanned
    moving : Moving or None
        With motion, its options.
    readings : Readings
    common : Common
    wanted : tuple of (Planning, Walking), optional
        With a plan, what is asked of it.

    Returns
    -------
    int
        The exit code.
    """
    limit_threads(common.jobs)
    case = case_at(source)
    axes, side, sex, age = person.axes, person.side, person.sex, person.age_years
    labels, case_id = person.labels, person.case_id
    if case is not None:
        axes = agreed("--axes", axes, case.inputs.axes)
        side = agreed("--side", side, case.inputs.side)
        sex = agreed("--sex", sex, case.person.sex)
        age = agreed("--age", age, case.person.age_years)
        labels = agreed("--labels", labels, beside(source, case.inputs.labels))
        case_id = agreed("--case-id", case_id, case.case_id)
        source = bones_of(case, source)
    earlier = earlier_at(source)
    if earlier is not None:
        axes = agreed("--axes", axes, earlier.axes, _EARLIER)
        side = side or earlier.sides
        sex = agreed("--sex", sex, earlier.sex, _EARLIER)
        age = agreed("--age", age, earlier.age_years, _EARLIER)
        case_id = agreed("--case-id", case_id, earlier.case_id, _EARLIER)
    is_demo = wanted is not None and str(source) == DEMO_CASE and not source.exists()
    axes = axes or "LPS"
    settings = settings_of(
        axes=axes,
        # The pelvis's frames need both hip bones, whichever side is planned.
        sides=sides_of(side or "both" if wanted is None else "both"),
        sex=sex,
        age_years=age,
        posture="model" if is_demo else "as_supplied" if earlier is None else earlier.posture,
        case_id=case_id or (DEMO_CASE if is_demo else "case"),
    )
    mapping = mapping_of(person.bone) or (dict(case.inputs.names) if case is not None else None) or None
    if readings.landmarks is None and readings != NOTHING_READ:
        from ischio._check import complaint

        raise UsageError(
            complaint("--reader", "no markups to read", "--landmarks FILE.mrk.json", "Name the file, too.")
        )

    def read(tell: Progress) -> Input:
        if is_demo:
            return demo_input(tell)
        marked, said = _marked_points(readings, axes)
        going = None if out is None else cli_scan.Going(out, lambda words: _aside(words, common))
        given = cli_scan.read(source, axes, mapping, labels, tell, scanned, going)
        return Input(given.bones, (*given.notes, *said, *_unread(case)), marked, given.scan, given.exclude)

    found = None if moving is None else moving_of(moving, case)
    planning = None if wanted is None else (wanted[0], sides_of(side or "both"), recorded_by(wanted[1]))
    return make_study(read, settings, out, common, case, found, planning)


def _aside(words: str, common: Common) -> None:
    """Say something that is no part of the result."""
    if not common.quiet:
        sys.stderr.write(f"{words}\n")


def demo_input(tell: Progress) -> Input:
    """The demo's person, and what must be said of it."""
    from ischio.atlas import reconstruction
    from ischio.report.words import MODEL_SENTENCE

    tell("reconstructing the person", 0.0)
    person = f"Person {DEMO_PERSON} of the shape model, which has a left femur only."
    return Input(reconstruction(person=DEMO_PERSON), (MODEL_SENTENCE, person))


def settings_of(**choices: Any) -> Settings:
    """Settings from options; a bad one is an error of usage."""
    from ischio.study import Settings

    try:
        return Settings(**choices)
    except ValueError as error:
        raise UsageError(str(error)) from error


def case_at(source: Path) -> Case | None:
    """The record, where the input is a case file or the packaged case."""
    from ischio.io.documents import PACKAGED, SUFFIXES, packaged_document, read_document
    from ischio.record import case_from_document

    if source.suffix.lower() in SUFFIXES:
        return case_from_document(read_document(source))
    if str(source) in PACKAGED and not source.exists():
        return case_from_document(packaged_document(str(source)))
    return None


_EARLIER = "the earlier result"


def earlier_at(source: Path) -> Earlier | None:
    """The earlier result that an input is."""
    from ischio.study.earlier import is_earlier, load_earlier

    return load_earlier(source) if is_earlier(source) else None


def agreed(option: str, given: Any, stated: Any, where: str = "the case file") -> Any:
    """What the command line and the input say of one thing; they must not contradict each other.

    Parameters
    ----------
    option : str
    given, stated : object or None
        What the option and the input say.
    where : str
        The input in words.
    """
    if given is not None and stated is not None and given != stated:
        from ischio._check import complaint

        expected = f"{stated}, as {where} says"
        raise UsageError(complaint(option, given, expected, "Leave the option out, or correct the input."))
    return stated if given is None else given


def _unread(case: Case | None) -> tuple[str, ...]:
    """Note on files of a case that no step reads."""
    counts = {} if case is None else {"images": len(case.inputs.images), "gait": len(case.inputs.gait)}
    listed = ", ".join(f"{name} ({n})" for name, n in counts.items() if n)
    return (f"listed in the case file and not read: {listed}",) if listed else ()


def beside(source: Path, labels: str | None) -> str | None:
    """Names of labels as ``--labels`` takes them: a file is meant relative to the case file."""
    return str(source.parent / labels) if labels is not None and labels.endswith(".json") else labels


def bones_of(case: Case, source: Path) -> Path:
    """The bones a case file points to."""
    if case.inputs.bones is None:
        from ischio._check import InputError, complaint

        do = "Add inputs.bones; `ischio record` shows a record without bones."
        raise InputError(complaint(source.name, "no bones", "inputs.bones in the case file", do))
    return source.parent / case.inputs.bones


@dataclass(frozen=True)
class Input:
    """What a command read."""

    bones: tuple[Bone, ...]
    notes: tuple[str, ...]
    marked_points: tuple[MarkedPoint, ...] = ()
    scan: Volume | None = None
    exclude: Excluded | None = None


def _marked_points(readings: Readings, axes: str) -> tuple[tuple[MarkedPoint, ...], tuple[str, ...]]:
    """Points of the markups file, if there is one, and what there is to say about it."""
    if readings.landmarks is None:
        return (), ()
    from ischio.io.markups import read_markups

    found = read_markups(
        readings.landmarks,
        axes=axes,
        reader=readings.reader,
        when=readings.reader_date,
        sigma_mm=readings.reader_sigma,
        ignore=readings.ignore_label,
    )
    return found.points, found.notes


def recorded_by(given: Walking) -> dict[Side, GaitCycle]:
    """Recorded walking of each side; empty where no file is named."""
    from ischio._check import complaint
    from ischio.io.gait import cycles, read_gait

    if given.gait is None:
        if given.pelvic_zero or given.gait_events or given.gait_column:
            raise UsageError(
                complaint("--gait", "none", "the file the other options are of", "Name the file.")
            )
        return {}
    columns = dict(pairs_of("--gait-column", given.gait_column))
    trial = read_gait(given.gait, pelvic_zero=given.pelvic_zero, columns=columns, events=given.gait_events)
    return {side: cycles(trial, side) for side in trial.angles_deg}


def moving_of(given: Moving, case: Case | None) -> MotionSettings:
    """Settings of motion from options, the gait file and the fusions of the record."""
    from ischio._check import complaint
    from ischio.motion import MotionSettings
    from ischio.motion.spine import fused_parts, soft_tissue_deg

    recorded = recorded_by(given)
    measured: dict[Side, float] = {}
    for word, degrees in pairs_of("--passive-extension", given.passive_extension):
        try:
            (side,) = sides_of(word)  # "both" means two, which is one too many here
            measured[side] = float(degrees)
        except ValueError as error:
            got = f"{word}={degrees}"
            raise UsageError(
                complaint("--passive-extension", got, "left=DEGREES or right=DEGREES", "Correct it.")
            ) from error
    words = [*given.fused, *fused_in(case)]
    try:
        return MotionSettings(
            soft_tissue_deg=soft_tissue_deg() if given.soft_tissue is None else given.soft_tissue,
            passive_extension_deg=measured,
            fused=fused_parts(words),
            cycles=recorded,
            with_map=not given.no_map,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def fused_in(case: Case | None) -> list[str]:
    """Lumbar levels and sacroiliac joints that the operations of a record have fused."""
    from ischio.motion.spine import LEVELS

    found: list[str] = []
    for operation in () if case is None else case.operations:
        found += [level for level in operation.segments if level in LEVELS]
        if operation.what == "sacroiliac_fusion":
            sides = ("left", "right") if operation.side == "both" else (operation.side,)
            found += [f"sacroiliac_{side}" for side in sides if side in ("left", "right")]
    return found


def _moved(
    study: Study, settings: MotionSettings, common: Common, tell: Progress
) -> tuple[Study, dict[str, str | bytes]]:
    """The study with its motion, and the files that belong to it."""
    from ischio.motion import move
    from ischio.report.motion_gif import gait_gif
    from ischio.study.maps import MAPS_FILE, maps_bytes

    found = move(study.pelvis, settings, jobs=common.jobs or os.cpu_count() or 1, progress=tell)
    files: dict[str, str | bytes] = {}
    if found.maps:
        files[MAPS_FILE] = maps_bytes(found.maps)
    for hip in study.pelvis.hips if settings.with_map else ():
        tell(f"animating the {hip.side.value} hip", 0.5)
        row = next((one for one in found.sections["gait"]["hips"] if one["side"] == hip.side.value), None)
        if row is not None:
            files[f"{hip.side.value}_gait.gif"] = gait_gif(hip, row)
    return replace(study, motion=found.sections), files


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage meanwhile: one person leaves little, and it takes a twentieth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def make_study(
    read: Callable[[Progress], Input],
    settings: Settings,
    out: Path | None,
    common: Common,
    case: Case | None = None,
    moving: MotionSettings | None = None,
    wanted: tuple[Planning, tuple[Side, ...], dict[Side, GaitCycle]] | None = None,
) -> int:
    """Read, analyse, write and show: what every command that makes a study does.

    Parameters
    ----------
    read : callable
        Gives the bones and what was said while reading.
    settings : Settings
    out : Path or None
        Folder to make.
    common : Common
    case : Case, optional
        The clinical record.
    moving : MotionSettings, optional
        With motion.
    wanted : tuple of (Planning, sides, recorded walking by side), optional
        With a plan.

    Returns
    -------
    int
        The exit code.
    """
    from ischio._check import CannotMeasure, complaint
    from ischio.record import letter_dict, reasons_dict
    from ischio.report.html import render_report
    from ischio.report.letter import render_clinic, render_patient
    from ischio.study import analyse, check_out, to_dict, to_json, write

    if out is not None:
        check_out(out, force=common.force)
    with _uncollected(), progress_bar(common.quiet) as tell:
        given = read(tell)
        record = None if case is None else letter_dict(case)
        study = analyse(
            given.bones,
            settings,
            notes=given.notes,
            record=record,
            marked=given.marked_points,
            scan=given.scan,
            exclude=given.exclude,
            progress=tell,
        )
        files: dict[str, str | bytes] = {}
        if moving is not None:
            study, files = _moved(study, moving, common, tell)
        plans: tuple[HipPlans, ...] = ()
        if wanted is not None:
            found_plans = cli_plan.planned(study, *wanted, record, common.jobs, tell)
            study, plans = found_plans.study, found_plans.plans
            files |= found_plans.files
        tell("drawing the report", 0.0)
        if case is not None and record is not None:
            found = reasons_dict(case, measured=to_dict(study)["measurements"])
            record |= {"reasons_not_to_operate": found["reasons"]}
            study = replace(study, record=record)
        if out is not None:
            as_dict = to_dict(study)
            page = render_report(study, as_dict, scan=given.scan, exclude=given.exclude, plans=plans)
            pages: dict[str, str | bytes] = {"report.html": page}
            if record is not None:
                pages |= {
                    "clinic.html": render_clinic(record, as_dict),
                    "patient.html": render_patient(record),
                }
            write(study, out, force=common.force, extra_files={**pages, **files})
    if common.as_json:
        say(to_json(study))
    elif not common.quiet:
        say(_summary(study, out) if wanted is None else cli_plan.summary(study))
    if wanted is not None and not plans:
        reasons = (study.planning or {})["planning"]["reasons"]
        why = "; ".join(f"{side}: {words}" for side, words in reasons.items())
        raise CannotMeasure(complaint("plan", f"no plan ({why})", "a plan", "Settle that first."))
    if wanted is None and all(row.value is None for row in study.measurements):
        raise CannotMeasure(
            complaint(
                settings.case_id,
                f"no value for any of {len(study.measurements)} measurements",
                "at least one",
                f"Read the reasons in {out / 'study.json' if out is not None else 'the result'}.",
            )
        )
    return OK


def _summary(study: Study, out: Path | None) -> str:
    """The gap of each side, what must be known beside it, and where the report is."""
    from ischio.report import words
    from ischio.types import side_word

    gaps = [row for row in study.measurements if row.name == HEADLINE]
    posture = study.settings["posture"]
    lines = [f"{words.heading(HEADLINE)}, case {study.case_id}, {words.posture_words(posture)}:"]
    for row in gaps:
        line = f"  {side_word(row.side):<6}"
        if row.value is None:
            lines.append(f"{line} not measured: {row.reason}")
            continue
        contact = "bone contact at" if row.detail.get("bone_contact") else "nearest at"
        part = row.detail.get("sub_part")
        place = f"   {contact} the ischial {part}" if part else ""
        sigma = words.spread(row.sigma, row.unit)
        lines.append(f"{line} {words.number(row.value, row.unit):>8}   sigma {sigma}{place}")
    lines += [f"warning: {text}" for text in study.warnings]
    lines += [f"quality: {row['words']}" for row in study.quality if row["kind"] != "head_to_socket"]
    lines += [words.GAP_SENTENCE, *([words.MODEL_SENTENCE] if posture == "model" else []), RESEARCH_USE]
    where = [] if out is None else [f"Report: {out / 'report.html'}"]
    return "\n".join([*lines, *where]) + "\n"


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A progress bar on standard error while it is a terminal, else silence."""
    if quiet or not sys.stderr.isatty():
        yield lambda _words, _fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    left = (TextColumn("left"), TimeRemainingColumn(compact=True))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), *left)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda words, fraction: bar.update(task, description=words, completed=fraction)

"""The command line: parse, call, show. Nothing is computed here."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter, validators
from cyclopts.exceptions import CycloptsError, MissingArgumentError

from ischio import __version__, cli_judge, cli_plan, cli_record, cli_scan
from ischio.cli_plan import NOTHING_ASKED, Planning
from ischio.cli_scan import NOT_SCANNED, Scanned

if TYPE_CHECKING:  # numpy and all that stands on it is imported by the commands, not by --help
    from ischio.io.gait_trial import GaitCycle
    from ischio.io.markups import MarkedPoint
    from ischio.motion import MotionSettings
    from ischio.plan import HipPlans
    from ischio.record.case import Case
    from ischio.study import Progress, Settings
    from ischio.study.earlier import Earlier
    from ischio.types import Bone, Side, Study, Volume

EXIT_CODES: tuple[tuple[int, str, str], ...] = (
    (0, "ok", "done"),
    (1, "outside_tolerance", "validate: at least one value is outside its tolerance"),
    (2, "usage", "the command line is wrong"),
    (3, "input", "the input is unreadable or cannot be used"),
    (4, "anatomy", "the bones contradict their names, their axes, their units or each other"),
    (5, "output", "the result cannot be written"),
    (6, "nothing_measured", "no value could be measured; the reasons are in the result"),
    (70, "unexpected", "a fault of the program"),
    (130, "interrupted", "stopped by the user"),
)
"""Code, kind and meaning: the one table for all commands."""

_CODE = {kind: code for code, kind, _ in EXIT_CODES}

RESEARCH_USE = "For research only; not a medical device."
DEMO_CASE = "demo"
DEMO_PERSON = 18
DEMO_OUT = Path("ischio-demo")
HEADLINE = "ischiofemoral_space_3d"

app = App(
    name="ischio",
    version=__version__,
    help="Find, explain and plan the treatment of ischiofemoral impingement.",
    help_format="plaintext",
    help_epilogue=f"{RESEARCH_USE}\n\nExit codes:\n"
    + "\n".join(f"  {code:>3}  {words}" for code, _, words in EXIT_CODES),
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # main words it
)

app.command(cli_record.app)
app.command(cli_judge.evidence_app)
app.command(cli_scan.app, name="*")

Json = Annotated[
    bool, Parameter(name="--json", help="Print the result as JSON on standard output.", show_default=False)
]
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


@app.command
def assess(
    source: Annotated[
        Path,
        Parameter(
            name="INPUT",
            help="Folder of bone surfaces, a label map, a scan, a case file, or an earlier result.",
        ),
    ],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder to make, for study.json and report.html.")],
    axes: Annotated[
        Literal["LPS", "RAS", "unknown"] | None,
        Parameter(help="Axes of the input; unknown: any orientation. LPS, if a case file does not say."),
    ] = None,
    side: Annotated[
        Literal["left", "right", "both"] | None, Parameter(help="Side to assess; both by default.")
    ] = None,
    sex: Annotated[Literal["f", "m"] | None, Parameter(help="Sex, if known.")] = None,
    age: Annotated[float | None, Parameter(help="Age in years, if known.")] = None,
    bone: BoneNames = (),
    labels: Labels = None,
    case_id: Annotated[str | None, Parameter(help="Pseudonym of the case.")] = None,
    scanned: Scanned = NOT_SCANNED,
    motion: Annotated[
        bool,
        Parameter(help="Also examine the hips in motion, as `ischio motion` does.", show_default=False),
    ] = False,
    moving: Moving = Moving(),
    readings: Readings = Readings(),
    common: Common = Common(),
) -> int:
    """Measure the ischiofemoral gap of one person's bones."""
    if moving != Moving() and not motion:
        from ischio._check import complaint

        raise _UsageError(complaint("assess", "options of motion", "--motion with them", "Add --motion."))
    person = _Person(axes, side, sex, age, bone, labels, case_id)
    return _assess(source, out, person, scanned, moving if motion else None, readings, common)


@app.command
def demo(
    *,
    out: Annotated[
        Path | None,
        Parameter(help=f"Folder to make; {DEMO_OUT} by default, where an earlier demo is replaced."),
    ] = None,
    common: Common = Common(),
) -> int:
    """Assess a person of the shape model, without any file."""
    _limit_threads(common.jobs)
    settings = _settings(sides=_sides("both"), posture="model", case_id=DEMO_CASE)
    if out is None:
        out = DEMO_OUT
        common = replace(common, force=common.force or _holds_demo(out))

    return _make_study(_demo_input, settings, out, common)


@app.command
def motion(
    source: Annotated[Path, Parameter(name="INPUT", help="As of `ischio assess`.")],
    /,
    *,
    poses: Annotated[
        Path | None,
        Parameter(
            help="CSV file: side, flexion_deg, adduction_deg, internal_rotation_deg. Without it the hips are "
            "examined, moved to their limits and walked, and --out is a folder."
        ),
    ] = None,
    pair: Annotated[
        str, Parameter(help="FEMUR_REGION:HIP_BONE_REGION whose gap is wanted.")
    ] = "lesser_trochanter:ischium",
    centre: Annotated[
        Literal["fixed", "equidistant"],
        Parameter(help="Where the head centre goes: nowhere, or so that the joint space keeps its width."),
    ] = "fixed",
    out: Annotated[
        Path | None,
        Parameter(
            help="With --poses, file to write instead of standard output: .csv, .npz or .parquet. "
            "Else folder to make."
        ),
    ] = None,
    axes: Annotated[
        Literal["LPS", "RAS", "unknown"] | None,
        Parameter(help="Axes of the input; unknown: any orientation. LPS by default."),
    ] = None,
    bone: BoneNames = (),
    labels: Labels = None,
    side: Annotated[Literal["left", "right", "both"] | None, Parameter(help="Without --poses.")] = None,
    case_id: Annotated[str | None, Parameter(help="Pseudonym of the case, without --poses.")] = None,
    force: Annotated[
        bool, Parameter(help="Replace an earlier result; never another folder.", show_default=False)
    ] = False,
    moving: Moving = Moving(),
    as_json: Json = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> int:
    """Examine both hips in motion, or compute the gap of two regions in every pose of a table."""
    if poses is None:
        if out is None:
            from ischio._check import complaint

            raise _UsageError(complaint("--out", "nothing", "a folder to make, or --poses", "Name one."))
        common = Common(as_json, force, jobs, quiet)
        return assess(
            source,
            out=out,
            axes=axes,
            side=side,
            bone=bone,
            labels=labels,
            case_id=case_id,
            motion=True,
            moving=moving,
            common=common,
        )
    _limit_threads(jobs)
    from ischio._check import CannotMeasure, OutputError, complaint
    from ischio.io.poses import read_poses, to_csv, to_npz, to_parquet
    from ischio.motion.table import gap_rows
    from ischio.report.words import GAP_SENTENCE
    from ischio.study import analyse

    names = pair.split(":")
    if len(names) != 2 or not all(names):
        raise _UsageError(complaint("--pair", repr(pair), "two regions", "Write lesser_trochanter:ischium."))
    if out is not None and out.suffix not in (".csv", ".npz", ".parquet"):
        expected = "a name that ends in .csv, .npz or .parquet"
        raise _UsageError(complaint("--out", out.name, expected, "Rename it."))
    case = _case(source)
    if case is not None:
        axes, source = _agreed("--axes", axes, case.inputs.axes), _bones_of(case, source)
        labels = _agreed("--labels", labels, _beside(source, case.inputs.labels))
    earlier = _earlier(source)
    axes = axes or ("LPS" if earlier is None else earlier.axes)
    table = read_poses(poses)
    mapping = _mapping(bone) or (dict(case.inputs.names) if case is not None else None) or None
    posture = "as_supplied" if earlier is None else earlier.posture
    with _progress(quiet) as tell:
        bones = cli_scan.read(source, axes, mapping, labels, tell).bones
        study = analyse(
            bones, _settings(axes=axes, posture=posture), progress=tell
        )  # a pelvis needs both hips
        threads = jobs or os.cpu_count() or 1
        rows = gap_rows(study.pelvis, table, (names[0], names[1]), centre=centre, jobs=threads, progress=tell)
    text = to_csv(rows)
    if as_json:
        import json

        text = json.dumps(rows, indent=1, allow_nan=False) + "\n"
    try:
        if out is None:
            _say(text)
        elif out.suffix == ".npz":
            out.write_bytes(to_npz(rows))
        elif out.suffix == ".parquet":
            out.write_bytes(to_parquet(rows))
        else:
            out.write_text(text, encoding="utf-8", newline="\n")
    except BrokenPipeError:
        raise  # main knows what it means
    except OSError as error:
        raise OutputError(
            complaint(str(out), error.strerror or error, "a file that can be written", "Choose another.")
        ) from error
    if not quiet:
        notes = [f"warning: {words}" for words in study.warnings]
        sys.stderr.write("\n".join([*notes, GAP_SENTENCE, RESEARCH_USE]) + "\n")
    if all(row["gap_mm"] is None for row in rows):
        why = f"The first row says: {rows[0]['reason']}."
        raise CannotMeasure(complaint("motion", "no gap in any row", "at least one", why))
    return _CODE["ok"]


@app.command
def plan(
    source: Annotated[
        Path,
        Parameter(name="CASE", help="As INPUT of `ischio assess`, or demo."),
    ],
    /,
    *,
    wanted: Planning = NOTHING_ASKED,
    walking: Walking = Walking(),
    out: Annotated[
        Path | None,
        Parameter(help="Folder to make: study.json, report.html and the bones after each cut."),
    ] = None,
    axes: Annotated[
        Literal["LPS", "RAS", "unknown"] | None,
        Parameter(help="Axes of the input; unknown: any orientation. LPS, if a case file does not say."),
    ] = None,
    side: Annotated[
        Literal["left", "right", "both"] | None, Parameter(help="Side to plan; both by default.")
    ] = None,
    sex: Annotated[Literal["f", "m"] | None, Parameter(help="Sex, if known.")] = None,
    age: Annotated[float | None, Parameter(help="Age in years, if known.")] = None,
    bone: BoneNames = (),
    labels: Labels = None,
    case_id: Annotated[str | None, Parameter(help="Pseudonym of the case.")] = None,
    scanned: Scanned = NOT_SCANNED,
    readings: Readings = Readings(),
    common: Common = Common(),
) -> int:
    """Plan the smallest resection of the lesser trochanter that restores a clearance."""
    if wanted.target_mm is None:
        from ischio._check import InputError

        try:
            cli_plan.target_of(wanted)
        except InputError as refusal:
            raise _UsageError(str(refusal)) from None
    if wanted.after is not None and side not in ("left", "right"):
        from ischio._check import complaint

        raise _UsageError(
            complaint("--after", f"--side {side or 'both'}", "one side", "Add --side left or --side right.")
        )
    case = _case(source)
    if case is not None and case.inputs.bones is None and out is None:
        said = cli_plan.stated(case, wanted, side, as_json=common.as_json)
        if said is not None:
            _say(said)
            return _CODE["ok"]
    person = _Person(axes, side, sex, age, bone, labels, case_id)
    return _assess(source, out, person, scanned, None, readings, common, (wanted, walking))


@app.command
def validate(
    *,
    data: Annotated[Path | None, Parameter(help="Folder of reference data; rows that need it skip.")] = None,
    out: Annotated[Path | None, Parameter(help="File to write the table to: .json, .md, or text.")] = None,
    orientations: Annotated[int, Parameter(help="Random directions to try for each of two people.")] = 12,
    left_out: Annotated[
        int,
        Parameter(
            help="People of the shape model to leave out of it, 0 to 26.",
            validator=validators.Number(gte=0, lte=26),
        ),
    ] = 2,
    as_json: Json = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> int:
    """Compare the software with outside truth."""
    _limit_threads(jobs)
    import json

    from ischio import validation
    from ischio._check import OutputError, complaint

    with _progress(quiet) as tell:
        rows = validation.run(data, orientations=orientations, left_out=left_out, progress=tell)
    as_text = validation.to_text(rows)
    as_json_text = json.dumps(validation.to_dict(rows), indent=2, allow_nan=False) + "\n"
    if out is not None:
        by_ending = {".json": as_json_text, ".md": validation.to_markdown(rows)}
        try:
            out.write_text(by_ending.get(out.suffix, as_text), encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(
                complaint(out.name, error.strerror or error, "a file that can be written", "Choose another.")
            ) from error
    if as_json:
        _say(as_json_text)
    elif not quiet:
        _say(as_text)
    return _CODE["outside_tolerance"] if any(row.verdict == "fail" for row in rows) else _CODE["ok"]


@app.command
def measures(*, as_json: Json = False) -> int:
    """List every measure with its definition and reference."""
    import json

    from ischio.measures import REGISTRY

    rows = [
        {
            "name": one.name,
            "of": one.of.__name__.lower(),
            "unit": one.unit,
            "method": one.method,
            "needs": list(one.needs),
            "definition": one.definition,
            "reference": one.reference,
            "evidence": one.evidence,
        }
        for one in REGISTRY
    ]
    if as_json:
        _say(json.dumps(rows, indent=2) + "\n")
        return _CODE["ok"]
    for row in rows:
        _say(f"{row['name']} [{row['unit']}], of a {row['of']}\n")
        for key in ("definition", "needs", "reference", "evidence"):
            value = row[key]
            _say(f"    {key + ':':<12} {', '.join(value) if isinstance(value, list) else value}\n")
        _say("\n")
    _say(f"{RESEARCH_USE}\n")
    return _CODE["ok"]


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    tokens : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        One of ``EXIT_CODES``. Errors are printed to standard error, in one shape.
    """
    tokens = list(sys.argv[1:] if tokens is None else tokens)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file name may hold what the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return code if isinstance(code, int) else _CODE["ok"]
    except BrokenPipeError:  # the reader of our output has had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CODE["ok"]
    except KeyboardInterrupt:
        kind, message = "interrupted", "stopped before the result was written"
    except Exception as error:  # noqa: BLE001 - the last place that can word an error
        kind, message = _worded(error)
        if kind == "unexpected" and "--json" not in tokens:
            import traceback

            traceback.print_exc()
    _complain(kind, message, "--json" in tokens)
    return _CODE[kind]


def _worded(error: Exception) -> tuple[str, str]:
    """Kind and message of an error, one row of ``EXIT_CODES`` for each class."""
    from ischio._check import AnatomyError, CannotMeasure, InputError, OutputError, complaint

    if isinstance(error, CycloptsError):
        what = str(error).strip().rstrip(".")
        if isinstance(error, MissingArgumentError) and error.argument is not None:
            what = f"no value for {error.argument.name}"
        return "usage", complaint(
            "command line", what[:1].lower() + what[1:], "a command as in the help", "Run `ischio --help`."
        )
    for kind, known in (
        ("usage", _UsageError),
        ("anatomy", AnatomyError),
        ("input", InputError),
        ("output", OutputError),
        ("nothing_measured", CannotMeasure),
    ):
        if isinstance(error, known):
            return kind, str(error)
    return "unexpected", complaint(
        "ischio", f"{type(error).__name__}: {error}", "no such error", "This is a fault of ischio; report it."
    )


class _UsageError(Exception):
    """An option that parses but makes no sense."""


def _complain(kind: str, message: str, as_json: bool) -> None:
    """Print an error in the one shape that all commands share."""
    if as_json:
        import json

        message = json.dumps({"error": {"kind": kind, "message": message}})
    else:
        message = f"error: {message}"
    sys.stderr.write(f"{message}\n")


def _say(text: str) -> None:
    """Print text to standard output as it is."""
    sys.stdout.write(text)


_BLAS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")


def _limit_threads(jobs: int | None) -> None:
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

        raise _UsageError(complaint("--jobs", jobs, "1 or more", "Leave it out to use every core."))
    for name in (*_BLAS, "NUMBA", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(jobs)


@dataclass(frozen=True)
class _Person:
    """What the command line says of the input and of the person."""

    axes: str | None
    side: str | None
    sex: str | None
    age_years: float | None
    bone: tuple[str, ...]
    labels: str | None
    case_id: str | None


def _assess(
    source: Path,
    out: Path | None,
    person: _Person,
    scanned: Scanned,
    moving: Moving | None,
    readings: Readings,
    common: Common,
    wanted: tuple[Planning, Walking] | None = None,
) -> int:
    """Read a case and make its study: what assess, motion and plan share."""
    _limit_threads(common.jobs)
    case = _case(source)
    axes, side, sex, age = person.axes, person.side, person.sex, person.age_years
    labels, case_id = person.labels, person.case_id
    if case is not None:
        axes = _agreed("--axes", axes, case.inputs.axes)
        side = _agreed("--side", side, case.inputs.side)
        sex = _agreed("--sex", sex, case.person.sex)
        age = _agreed("--age", age, case.person.age_years)
        labels = _agreed("--labels", labels, _beside(source, case.inputs.labels))
        case_id = _agreed("--case-id", case_id, case.case_id)
        source = _bones_of(case, source)
    earlier = _earlier(source)
    if earlier is not None:
        axes = _agreed("--axes", axes, earlier.axes, _EARLIER)
        side = side or earlier.sides
        sex = _agreed("--sex", sex, earlier.sex, _EARLIER)
        age = _agreed("--age", age, earlier.age_years, _EARLIER)
        case_id = _agreed("--case-id", case_id, earlier.case_id, _EARLIER)
    is_demo = wanted is not None and str(source) == DEMO_CASE and not source.exists()
    axes = axes or "LPS"
    settings = _settings(
        axes=axes,
        # The pelvis's frames need both hip bones, whichever side is planned.
        sides=_sides(side or "both" if wanted is None else "both"),
        sex=sex,
        age_years=age,
        posture="model" if is_demo else "as_supplied" if earlier is None else earlier.posture,
        case_id=case_id or (DEMO_CASE if is_demo else "case"),
    )
    mapping = _mapping(person.bone) or (dict(case.inputs.names) if case is not None else None) or None
    if readings.landmarks is None and readings != Readings():
        from ischio._check import complaint

        raise _UsageError(
            complaint("--reader", "no markups to read", "--landmarks FILE.mrk.json", "Name the file, too.")
        )

    def read(tell: Progress) -> _Input:
        if is_demo:
            return _demo_input(tell)
        marked, said = _marked_points(readings, axes)
        given = cli_scan.read(source, axes, mapping, labels, tell, scanned)
        return _Input(given.bones, (*given.notes, *said, *_unread(case)), marked, given.scan)

    found = None if moving is None else _moving(moving, case)
    planning = None if wanted is None else (wanted[0], _sides(side or "both"), _recorded(wanted[1]))
    return _make_study(read, settings, out, common, case, found, planning)


def _demo_input(tell: Progress) -> _Input:
    """The demo's person, and what must be said of it."""
    from ischio.atlas import reconstruction
    from ischio.report.words import MODEL_SENTENCE

    tell("reconstructing the person", 0.0)
    person = f"Person {DEMO_PERSON} of the shape model, which has a left femur only."
    return _Input(reconstruction(person=DEMO_PERSON), (MODEL_SENTENCE, person))


def _settings(**choices: Any) -> Settings:
    """Settings from options; a bad one is an error of usage."""
    from ischio.study import Settings

    try:
        return Settings(**choices)
    except ValueError as error:
        raise _UsageError(str(error)) from error


def _sides(word: str) -> tuple[Side, ...]:
    """Sides that a word of ``--side`` means."""
    from ischio.types import Side

    return tuple(Side) if word == "both" else (Side(word),)


def _mapping(pairs: Sequence[str]) -> dict[str, str] | None:
    """Bone by file or label, from ``BONE=FILE`` options."""
    from ischio._check import complaint

    out: dict[str, str] = {}
    for pair in pairs:
        bone, equals, file = pair.partition("=")
        if not (bone and equals and file):
            raise _UsageError(complaint("--bone", repr(pair), "BONE=FILE", "Write femur_left=mesh_3.stl."))
        if file in out:
            raise _UsageError(complaint("--bone", f"{file!r} twice", "each file once", "Keep one of them."))
        out[file] = bone
    return out or None


def _case(source: Path) -> Case | None:
    """The record, where the input is a case file or the packaged case."""
    from ischio.io.documents import PACKAGED, SUFFIXES, packaged_document, read_document
    from ischio.record import case_from_document

    if source.suffix.lower() in SUFFIXES:
        return case_from_document(read_document(source))
    if str(source) in PACKAGED and not source.exists():
        return case_from_document(packaged_document(str(source)))
    return None


_EARLIER = "the earlier result"


def _earlier(source: Path) -> Earlier | None:
    """The earlier result that an input is."""
    from ischio.study.earlier import is_earlier, load_earlier

    return load_earlier(source) if is_earlier(source) else None


def _agreed(option: str, given: Any, stated: Any, where: str = "the case file") -> Any:
    """What the command line and the input say of one thing; they must not contradict each other."""
    if given is not None and stated is not None and given != stated:
        from ischio._check import complaint

        expected = f"{stated}, as {where} says"
        raise _UsageError(complaint(option, given, expected, "Leave the option out, or correct the input."))
    return stated if given is None else given


def _unread(case: Case | None) -> tuple[str, ...]:
    """Note on files of a case that no step reads."""
    counts = {} if case is None else {"images": len(case.inputs.images), "gait": len(case.inputs.gait)}
    listed = ", ".join(f"{name} ({n})" for name, n in counts.items() if n)
    return (f"listed in the case file and not read: {listed}",) if listed else ()


def _beside(source: Path, labels: str | None) -> str | None:
    """Names of labels as ``--labels`` takes them: a file is meant relative to the case file."""
    return str(source.parent / labels) if labels is not None and labels.endswith(".json") else labels


def _bones_of(case: Case, source: Path) -> Path:
    """The bones a case file points to."""
    if case.inputs.bones is None:
        from ischio._check import InputError, complaint

        do = "Add inputs.bones; `ischio record` shows a record without bones."
        raise InputError(complaint(source.name, "no bones", "inputs.bones in the case file", do))
    return source.parent / case.inputs.bones


@dataclass(frozen=True)
class _Input:
    """What a command read."""

    bones: tuple[Bone, ...]
    notes: tuple[str, ...]
    marked_points: tuple[MarkedPoint, ...] = ()
    scan: Volume | None = None


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


def _recorded(given: Walking) -> dict[Side, GaitCycle]:
    """Recorded walking of each side; empty where no file is named."""
    from ischio._check import complaint
    from ischio.io.gait import cycles, read_gait

    if given.gait is None:
        if given.pelvic_zero or given.gait_events or given.gait_column:
            raise _UsageError(
                complaint("--gait", "none", "the file the other options are of", "Name the file.")
            )
        return {}
    columns = dict(_pairs("--gait-column", given.gait_column))
    trial = read_gait(given.gait, pelvic_zero=given.pelvic_zero, columns=columns, events=given.gait_events)
    return {side: cycles(trial, side) for side in trial.angles_deg}


def _moving(given: Moving, case: Case | None) -> MotionSettings:
    """Settings of motion from options, the gait file and the fusions of the record."""
    from ischio._check import complaint
    from ischio.motion import MotionSettings
    from ischio.motion.spine import fused_parts, soft_tissue_deg

    recorded = _recorded(given)
    measured: dict[Side, float] = {}
    for word, degrees in _pairs("--passive-extension", given.passive_extension):
        try:
            (side,) = _sides(word)  # "both" means two, which is one too many here
            measured[side] = float(degrees)
        except ValueError as error:
            got = f"{word}={degrees}"
            raise _UsageError(
                complaint("--passive-extension", got, "left=DEGREES or right=DEGREES", "Correct it.")
            ) from error
    words = [*given.fused, *_fused_in(case)]
    try:
        return MotionSettings(
            soft_tissue_deg=soft_tissue_deg() if given.soft_tissue is None else given.soft_tissue,
            passive_extension_deg=measured,
            fused=fused_parts(words),
            cycles=recorded,
            with_map=not given.no_map,
        )
    except ValueError as error:
        raise _UsageError(str(error)) from error


def _fused_in(case: Case | None) -> list[str]:
    """Lumbar levels and sacroiliac joints that the operations of a record have fused."""
    from ischio.motion.spine import LEVELS

    found: list[str] = []
    for operation in () if case is None else case.operations:
        found += [level for level in operation.segments if level in LEVELS]
        if operation.what == "sacroiliac_fusion":
            sides = ("left", "right") if operation.side == "both" else (operation.side,)
            found += [f"sacroiliac_{side}" for side in sides if side in ("left", "right")]
    return found


def _pairs(option: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of ``NAME=VALUE`` options."""
    from ischio._check import complaint

    out = []
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise _UsageError(complaint(option, repr(word), "NAME=VALUE", "Put an equals sign between."))
        out.append((name, value))
    return out


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


def _holds_demo(folder: Path) -> bool:
    """Whether a folder holds an earlier demo, which may be replaced unasked."""
    from ischio._check import InputError
    from ischio.study import load_dict

    try:
        return load_dict(folder).get("case_id") == DEMO_CASE
    except InputError:
        return False


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


def _make_study(
    read: Callable[[Progress], _Input],
    settings: Settings,
    out: Path | None,
    common: Common,
    case: Case | None = None,
    moving: MotionSettings | None = None,
    wanted: tuple[Planning, tuple[Side, ...], dict[Side, GaitCycle]] | None = None,
) -> int:
    """Read, analyse, write and show: what every command that makes a study does."""
    from ischio._check import CannotMeasure, complaint
    from ischio.record import letter_dict, reasons_dict
    from ischio.report.html import render_report
    from ischio.report.letter import render_clinic, render_patient
    from ischio.study import analyse, check_out, to_dict, to_json, write

    if out is not None:
        check_out(out, force=common.force)
    with _uncollected(), _progress(common.quiet) as tell:
        given = read(tell)
        record = None if case is None else letter_dict(case)
        study = analyse(
            given.bones,
            settings,
            notes=given.notes,
            record=record,
            marked=given.marked_points,
            scan=given.scan,
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
            page = render_report(study, as_dict, scan=given.scan, plans=plans)
            pages: dict[str, str | bytes] = {"report.html": page}
            if record is not None:
                pages |= {
                    "clinic.html": render_clinic(record, as_dict),
                    "patient.html": render_patient(record),
                }
            write(study, out, force=common.force, extra_files={**pages, **files})
    if common.as_json:
        _say(to_json(study))
    elif not common.quiet:
        _say(_summary(study, out) if wanted is None else cli_plan.summary(study))
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
    return _CODE["ok"]


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
def _progress(quiet: bool) -> Iterator[Progress]:
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

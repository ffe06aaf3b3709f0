"""The command line: parse, call, show. Nothing is computed here."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter, validators
from cyclopts.exceptions import CycloptsError, MissingArgumentError

from ischio import __version__, cli_judge, cli_plan, cli_record, cli_scan
from ischio.cli_common import Json, say
from ischio.cli_options import (
    NOT_MOVED,
    NOT_WALKED,
    NOTHING_READ,
    USUAL,
    Age,
    Axes,
    BoneNames,
    CaseId,
    Common,
    Jobs,
    Labels,
    Moving,
    OneSide,
    Quiet,
    Readings,
    Sex,
    UsageError,
    Walking,
    mapping_of,
    sides_of,
)
from ischio.cli_plan import NOTHING_ASKED, Planning
from ischio.cli_scan import NOT_SCANNED, Scanned
from ischio.cli_study import (
    DEMO_CASE,
    RESEARCH_USE,
    Person,
    agreed,
    assess_person,
    beside,
    bones_of,
    case_at,
    demo_input,
    earlier_at,
    limit_threads,
    make_study,
    progress_bar,
    settings_of,
)

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

DEMO_OUT = Path("ischio-demo")

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
    axes: Axes = None,
    side: OneSide = None,
    sex: Sex = None,
    age: Age = None,
    bone: BoneNames = (),
    labels: Labels = None,
    case_id: CaseId = None,
    scanned: Scanned = NOT_SCANNED,
    motion: Annotated[
        bool,
        Parameter(help="Also examine the hips in motion, as `ischio motion` does.", show_default=False),
    ] = False,
    moving: Moving = NOT_MOVED,
    readings: Readings = NOTHING_READ,
    common: Common = USUAL,
) -> int:
    """Measure the ischiofemoral gap of one person's bones."""
    if moving != NOT_MOVED and not motion:
        from ischio._check import complaint

        raise UsageError(complaint("assess", "options of motion", "--motion with them", "Add --motion."))
    person = Person(axes, side, sex, age, bone, labels, case_id)
    return assess_person(source, out, person, scanned, moving if motion else None, readings, common)


@app.command
def demo(
    *,
    out: Annotated[
        Path | None,
        Parameter(help=f"Folder to make; {DEMO_OUT} by default, where an earlier demo is replaced."),
    ] = None,
    common: Common = USUAL,
) -> int:
    """Assess a person of the shape model, without any file."""
    limit_threads(common.jobs)
    settings = settings_of(sides=sides_of("both"), posture="model", case_id=DEMO_CASE)
    if out is None:
        out = DEMO_OUT
        common = replace(common, force=common.force or _holds_demo(out))

    return make_study(demo_input, settings, out, common)


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
    axes: Axes = None,
    bone: BoneNames = (),
    labels: Labels = None,
    side: Annotated[Literal["left", "right", "both"] | None, Parameter(help="Without --poses.")] = None,
    case_id: Annotated[str | None, Parameter(help="Pseudonym of the case, without --poses.")] = None,
    force: Annotated[
        bool, Parameter(help="Replace an earlier result; never another folder.", show_default=False)
    ] = False,
    moving: Moving = NOT_MOVED,
    as_json: Json = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> int:
    """Examine both hips in motion, or compute the gap of two regions in every pose of a table."""
    if poses is None:
        if out is None:
            from ischio._check import complaint

            raise UsageError(complaint("--out", "nothing", "a folder to make, or --poses", "Name one."))
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
    limit_threads(jobs)
    from ischio._check import CannotMeasure, OutputError, complaint
    from ischio.io.poses import read_poses, to_csv, to_npz, to_parquet
    from ischio.motion.table import gap_rows
    from ischio.report.words import GAP_SENTENCE
    from ischio.study import analyse

    names = pair.split(":")
    if len(names) != 2 or not all(names):
        raise UsageError(complaint("--pair", repr(pair), "two regions", "Write lesser_trochanter:ischium."))
    if out is not None and out.suffix not in (".csv", ".npz", ".parquet"):
        expected = "a name that ends in .csv, .npz or .parquet"
        raise UsageError(complaint("--out", out.name, expected, "Rename it."))
    case = case_at(source)
    if case is not None:
        axes, source = agreed("--axes", axes, case.inputs.axes), bones_of(case, source)
        labels = agreed("--labels", labels, beside(source, case.inputs.labels))
    earlier = earlier_at(source)
    axes = axes or ("LPS" if earlier is None else earlier.axes)
    table = read_poses(poses)
    mapping = mapping_of(bone) or (dict(case.inputs.names) if case is not None else None) or None
    posture = "as_supplied" if earlier is None else earlier.posture
    with progress_bar(quiet) as tell:
        bones = cli_scan.read(source, axes, mapping, labels, tell).bones
        study = analyse(
            bones, settings_of(axes=axes, posture=posture), progress=tell
        )  # a pelvis needs both hips
        threads = jobs or os.cpu_count() or 1
        rows = gap_rows(study.pelvis, table, (names[0], names[1]), centre=centre, jobs=threads, progress=tell)
    text = to_csv(rows)
    if as_json:
        import json

        text = json.dumps(rows, indent=1, allow_nan=False) + "\n"
    try:
        if out is None:
            say(text)
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
    walking: Walking = NOT_WALKED,
    out: Annotated[
        Path | None,
        Parameter(help="Folder to make: study.json, report.html and the bones after each cut."),
    ] = None,
    axes: Axes = None,
    side: OneSide = None,
    sex: Sex = None,
    age: Age = None,
    bone: BoneNames = (),
    labels: Labels = None,
    case_id: CaseId = None,
    scanned: Scanned = NOT_SCANNED,
    readings: Readings = NOTHING_READ,
    common: Common = USUAL,
) -> int:
    """Plan the smallest resection of the lesser trochanter that restores a clearance."""
    if wanted.target_mm is None:
        from ischio._check import InputError

        try:
            cli_plan.target_of(wanted)
        except InputError as refusal:
            raise UsageError(str(refusal)) from None
    if wanted.after is not None and side not in ("left", "right"):
        from ischio._check import complaint

        raise UsageError(
            complaint("--after", f"--side {side or 'both'}", "one side", "Add --side left or --side right.")
        )
    case = case_at(source)
    if case is not None and case.inputs.bones is None and out is None:
        said = cli_plan.stated(case, wanted, side, as_json=common.as_json)
        if said is not None:
            say(said)
            return _CODE["ok"]
    person = Person(axes, side, sex, age, bone, labels, case_id)
    return assess_person(source, out, person, scanned, None, readings, common, (wanted, walking))


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
    every_ct: Annotated[
        bool,
        Parameter(help="Find bones in every CT of the data and in CT made of everybody: much longer."),
    ] = False,
    as_json: Json = False,
    jobs: Jobs = None,
    quiet: Quiet = False,
) -> int:
    """Compare the software with outside truth."""
    limit_threads(jobs)
    import json

    from ischio import validation
    from ischio._check import OutputError, complaint

    with progress_bar(quiet) as tell:
        rows = validation.run(
            data, orientations=orientations, left_out=left_out, every_ct=every_ct, progress=tell
        )
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
        say(as_json_text)
    elif not quiet:
        say(as_text)
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
        say(json.dumps(rows, indent=2) + "\n")
        return _CODE["ok"]
    for row in rows:
        say(f"{row['name']} [{row['unit']}], of a {row['of']}\n")
        for key in ("definition", "needs", "reference", "evidence"):
            value = row[key]
            say(f"    {key + ':':<12} {', '.join(value) if isinstance(value, list) else value}\n")
        say("\n")
    say(f"{RESEARCH_USE}\n")
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
        ("usage", UsageError),
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


def _complain(kind: str, message: str, as_json: bool) -> None:
    """Print an error in the one shape that all commands share."""
    if as_json:
        import json

        message = json.dumps({"error": {"kind": kind, "message": message}})
    else:
        message = f"error: {message}"
    sys.stderr.write(f"{message}\n")


def _holds_demo(folder: Path) -> bool:
    """Whether a folder holds an earlier demo, which may be replaced unasked."""
    from ischio._check import InputError
    from ischio.study import load_dict

    try:
        return load_dict(folder).get("case_id") == DEMO_CASE
    except InputError:
        return False

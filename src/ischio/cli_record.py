"""The commands of ``ischio record``: parse, call, show. Nothing is computed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from ischio.cli_common import (
    CaseName,
    Force,
    Json,
    Registry,
    RegistryFile,
    print_json,
    read_case,
    say,
    table,
    to_json,
)

if TYPE_CHECKING:  # what these stand on is imported by the commands, not by --help
    from ischio.record.case import Case

app = App(
    name="record",
    help="Keep one person's clinical record: facts, scores, conflicts, timeline.\n\n"
    "CASE is a file (.yaml, .yml, .json), index-case, or a pseudonym in the registry.",
)


@app.default
@app.command
def show(case: CaseName, /, *, registry: Registry = None, as_json: Json = False) -> int:
    """Show the record and what follows from it."""
    from ischio.record import summary_dict

    found = summary_dict(read_case(case, registry))
    if as_json:
        return print_json(found)
    record = found["record"]
    person = record.get("person", {})
    who = [f"{person['age_years']:g} years"] if "age_years" in person else []
    who += [{"f": "female", "m": "male"}[person["sex"]]] if "sex" in person else []
    say(f"case {found['case_id']}{': ' if who else ''}{', '.join(who)}\n\n")
    kinds = [(name.replace("_", " "), len(rows)) for name, rows in record.items() if isinstance(rows, list)]
    table(("recorded", "entries"), kinds)
    _scores_text(found)
    say(f"{len(found['conflicts'])} conflicts and {len(found['remarks'])} remarks; `ischio record check`.\n")
    _flags_text(found)
    return 0


@app.command
def check(case: CaseName, /, *, registry: Registry = None, as_json: Json = False) -> int:
    """Find what contradicts itself, what is not stated, and red flags."""
    from ischio.record import check_dict

    found = check_dict(read_case(case, registry))
    if as_json:
        return print_json(found)
    for title in ("conflicts", "remarks"):
        say(f"{len(found[title])} {title}\n")
        for row in found[title]:
            say(f"  {row['id']:<5} {row['rule'].replace('_', ' ')}\n        {row['text']}\n")
            say(f"        places: {'; '.join(row['places']) or 'not stated'}\n" if row["places"] else "")
        say("\n")
    _flags_text(found)
    return 0


@app.command
def score(case: CaseName, /, *, registry: Registry = None, as_json: Json = False) -> int:
    """Score every instrument, and set changes beside published thresholds."""
    from ischio.record import score_dict

    found = score_dict(read_case(case, registry))
    if as_json:
        return print_json(found)
    _scores_text(found)
    for row in found["changes"]:
        say(f"{_series(row)}: change {row['change']:+g}\n")
        lines = [
            (
                one["kind"],
                f"{one['value']:g} {one['basis'].replace('_', ' ')}",
                "met" if one["met"] else "not met",
                f"{one['mark']}{' unverified' if one['unverified'] else ''}",
                one["horizon"],
                f"{one['population']}; {one['source']}{'; ' + one['note'] if one['note'] else ''}",
            )
            for one in row["thresholds"]
        ]
        table(("", "threshold", "", "mark", "after", "population and source"), lines)
        for kind, words in row["agreement"].items():
            say(f"  {kind}: {words}\n")
        say("\n")
    say("No threshold comes from people with ischiofemoral impingement.\n")
    return 0


@app.command
def timeline(
    case: CaseName,
    /,
    *,
    at: Annotated[
        float | None, Parameter(help="Months from the record's zero: which rules hold then.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="File to draw the timeline to, ending in .svg.")] = None,
    force: Force = False,
    registry: Registry = None,
    as_json: Json = False,
) -> int:
    """Put everything that has a time in order, with one clock for each hip."""
    from ischio.record import timeline_dict

    read = read_case(case, registry)
    found = timeline_dict(read, at)
    if out is not None:
        from ischio.record import score_dict
        from ischio.report.record_svg import timeline_svg
        from ischio.store.tables import write_text

        write_text(out, timeline_svg(found, score_dict(read)), force=force)
    if as_json:
        return print_json(found)
    say(f"months from {found['zero'] or 'the zero'}; own: from the operation of the same side\n\n")
    lines = [
        (
            "" if row["offset_months"] is None else f"{row['offset_months']:g}",
            "" if row["own_months"] is None else f"{row['own_months']:g}",
            "" if row["side"] == "none" else row["side"],
            row["what"],
            row["detail"],
            row["kind"],
            row["when"],
        )
        for row in found["events"]
    ]
    table(("months", "own", "side", "what", "", "of", "as stated"), lines)
    for row in found["follow_up_due"]:
        say(f"planned: {row['what']}\n")
    for row in found.get("in_force", ()):
        rule = row["rule"].replace("_", " ")
        say(f"at {at:g} months, {row['side']}: {row['what']} ({rule}): {row['verdict']}\n")
    return 0


@app.command
def add(
    case: CaseName,
    /,
    *,
    registry: RegistryFile,
    study: Annotated[
        Path | None, Parameter(help="Folder of a result of the same person, whose measurements are added.")
    ] = None,
    force: Annotated[
        bool, Parameter(help="Add a changed record as its next version.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> int:
    """Add a record to the registry; earlier versions are kept."""
    from ischio import store
    from ischio.study import load_dict

    read = read_case(case, None)
    measured = None if study is None else load_dict(study)
    with store.open_registry(registry, create=True) as connection:
        ((case_id, version),) = store.add(connection, [(read, measured)], replace=force)
    if as_json:
        return print_json({"case_id": case_id, "version": version})
    say(f"{case_id}: version {version}\n")
    return 0


@app.command(name="list")
def list_cases(*, registry: RegistryFile, as_json: Json = False) -> int:
    """List the records of the registry."""
    from ischio import store

    with store.open_registry(registry) as connection:
        rows = store.cases(connection)
    if as_json:
        return print_json(rows)
    names = ("case_id", "version", "age_years", "sex", "n_operations", "n_scores", "n_measurements", "at_utc")
    table(names, [["" if row[name] is None else row[name] for name in names] for row in rows])
    return 0


@app.command
def history(
    case_id: Annotated[
        str | None, Parameter(name="CASE", help="A pseudonym; all records without it.")
    ] = None,
    /,
    *,
    registry: RegistryFile,
    as_json: Json = False,
) -> int:
    """List every version that was ever added."""
    from ischio import store

    with store.open_registry(registry) as connection:
        rows = store.history(connection, case_id)
    if as_json:
        return print_json(rows)
    names = ("seq", "case_id", "version", "at_utc", "software", "sha256")
    table(names, [[row[name] for name in names] for row in rows])
    return 0


@app.command
def export(
    case: Annotated[str | None, Parameter(name="CASE", help="A case; json, fhir and care need one.")] = None,
    /,
    *,
    kind: Annotated[
        Literal["json", "care", "fhir", "redcap", "schema", "parquet"],
        Parameter(
            name="--as",
            help="json: the record; fhir: a FHIR R4B bundle of it; care: what a case report would lack; "
            "redcap: a data dictionary of all items; schema: of case files; parquet: one table of the "
            "registry.",
        ),
    ],
    out: Annotated[Path, Parameter(help="File to make.")],
    table_name: Annotated[
        Literal["cases", "scores", "changes", "measurements", "provenance", "history"],
        Parameter(name="--table", help="Table to export as Parquet."),
    ] = "scores",
    registry: Registry = None,
    force: Force = False,
) -> int:
    """Write a record, a data dictionary, the schema, or a table of the registry to a file."""
    from ischio._check import InputError, complaint
    from ischio.record import case_schema
    from ischio.record.care import care_coverage
    from ischio.record.door import plain_case
    from ischio.record.redcap import redcap_dictionary
    from ischio.store.tables import write_text

    if kind == "parquet":
        from ischio import store

        if registry is None:
            raise InputError(complaint("export", "no registry", "a registry", "Name it with --registry."))
        with store.open_registry(registry) as connection:
            n_rows = store.export_parquet(connection, table_name, out, force=force)
        say(f"{out.name}: {n_rows} rows\n")
        return 0
    if kind in ("json", "care", "fhir") and case is None:
        raise InputError(complaint("export", f"no CASE for {kind}", "a case", "Name a case file."))
    said = ""
    if kind == "fhir":
        text, said = _fhir_text(read_case(str(case), registry))
    elif kind == "redcap":
        text = redcap_dictionary()
    elif kind == "schema":
        text = to_json(case_schema())
    else:
        read = read_case(str(case), registry)
        items = [{"item": one.item, "covered": one.is_covered, "by": one.by} for one in care_coverage(read)]
        text = to_json(plain_case(read) if kind == "json" else {"case_id": read.case_id, "care": items})
    write_text(out, text, force=force)
    say(f"{out.name}{said}\n")
    return 0


@app.command(name="import")
def import_bundle(
    bundle: Annotated[Path, Parameter(name="BUNDLE", help="A FHIR R4B bundle that ischio wrote, .json.")],
    /,
    *,
    out: Annotated[Path, Parameter(help="Case file to make, ending in .json.")],
    force: Force = False,
) -> int:
    """Read a record back from a FHIR bundle."""
    from ischio._check import InputError, complaint
    from ischio.io.documents import read_document
    from ischio.record.door import plain_case
    from ischio.record.fhir import case_from_bundle, problems_of_library
    from ischio.store.tables import write_text

    if out.suffix.lower() != ".json":
        raise InputError(complaint("--out", out.name, "a name that ends in .json", "Rename it."))
    document = read_document(bundle)
    case = case_from_bundle(document)
    problems = problems_of_library(document.values)
    if problems:
        do = f"Correct it. ({len(problems)} found.)"
        raise InputError(complaint(bundle.name, problems[0], "a FHIR R4B bundle", do))
    write_text(out, to_json(plain_case(case)), force=force)
    say(f"{out.name}: case {case.case_id}, {sum(1 for _ in case.facts())} facts\n")
    return 0


def _fhir_text(case: Case) -> tuple[str, str]:
    """A record as the text of a bundle, and what has been checked."""
    from ischio._check import OutputError, complaint
    from ischio.record.fhir import check_bundle, problems_of_library, to_bundle

    bundle = to_bundle(case)
    library = problems_of_library(bundle)
    found = (*check_bundle(bundle), *(library or ()))
    if found:
        do = "Shorten or reword that fact; if it looks right, report this."
        raise OutputError(complaint(f"{case.case_id} as FHIR", found[0], "a valid bundle", do))
    checked = "structure not checked: pip install 'ischio[fhir]'" if library is None else "structure checked"
    return to_json(bundle), f": {len(bundle['entry'])} resources, value sets checked, {checked}"


def _series(row: dict[str, Any]) -> str:
    """Instrument, scale and side in words."""
    side = "" if row["side"] == "none" else row["side"]
    return " ".join(part for part in (row["instrument"], row["scale"], side) if part)


def _scores_text(found: dict[str, Any]) -> None:
    """Print scores and changes as tables."""
    lines = [
        (
            _series(row),
            "none" if row["value"] is None else f"{row['value']:g}",
            "" if row["raw"] is None else f"{row['raw']:g}/{row['raw_max']:g}",
            "" if row["offset_months"] is None else f"{row['offset_months']:g}",
            row["when"],
            row["reason"] or (f"if {row['assumption']}" if row["assumption"] else ""),
        )
        for row in found["scores"]
    ]
    table(("score", "value", "points", "months", "as stated", ""), lines)
    changes = [
        (_series(row), f"{row['from']:g}", f"{row['to']:g}", f"{row['change']:+g}", _agreement(row))
        for row in found["changes"]
    ]
    if changes:
        table(("change of", "from", "to", "by", "published thresholds"), changes)


def _agreement(row: dict[str, Any]) -> str:
    """What published thresholds say of a change, in words."""
    return "; ".join(f"{kind} {words}" for kind, words in row["agreement"].items())


def _flags_text(found: dict[str, Any]) -> None:
    """Print red flags and notices."""
    flags = found["red_flags"]
    for row in flags:
        if row["verdict"] == "stop":
            say(f"STOP: {row['reason']}\n")
    open_flags = [row["name"].replace("_", " ") for row in flags if row["verdict"] == "not_stated"]
    if open_flags:
        say(f"red flags that nobody has stated: {', '.join(open_flags)}\n")
    for text in found["notices"]:
        say(f"{text}\n")
    say("For research only; not a medical device.\n")

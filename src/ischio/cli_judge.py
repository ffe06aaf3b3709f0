"""The commands that judge a record: parse, call, show. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from ischio.cli_common import CaseName, Force, Json, Registry, print_json, read_case, say, table
from ischio.cli_record import app

if TYPE_CHECKING:  # what these stand on is imported by the commands, not by --help
    from ischio.evidence import Evidence
    from ischio.record.differential import Choices

RESEARCH_USE = "For research only; not a medical device.\n"

EvidenceFile = Annotated[
    Path | None,
    Parameter(name="--evidence", help="Your own evidence base; start from `ischio evidence --json`."),
]
Population = Annotated[
    str | None,
    Parameter(help="Population that priors are taken from; `ischio evidence --kind priors` lists them."),
]
Priors = Annotated[
    tuple[str, ...],
    Parameter(
        name="--prior",
        help="DIAGNOSIS=POPULATION, where one diagnosis takes its prior from another. May be repeated.",
        show_default=False,
    ),
]
Unverified = Annotated[
    bool, Parameter(help="Calculate with unverified figures (mark K) too.", show_default=False)
]


evidence_app = App(name="evidence", help="List every published figure that ischio knows.")


@evidence_app.default
def evidence(
    *,
    kind: Annotated[
        Literal["priors", "accuracies", "thresholds", "bands", "figures"] | None,
        Parameter(help="One list only."),
    ] = None,
    mark: Annotated[Literal["V", "V2", "S", "D", "K"] | None, Parameter(help="One mark only.")] = None,
    about: Annotated[str | None, Parameter(help="A word in the name, the source or the population.")] = None,
    evidence_file: EvidenceFile = None,
    as_json: Json = False,
) -> int:
    """List every published figure with its source, population, people, interval and mark."""
    base = _base(evidence_file)
    if as_json and kind is None and mark is None and about is None:
        from ischio.evidence import plain_evidence

        return print_json(plain_evidence(base))
    from ischio.evidence.listing import evidence_rows
    from ischio.evidence.rows import MARK_WORDS

    rows = evidence_rows(base, kind=kind, mark=mark, about=about)
    if as_json:
        return print_json(rows)
    for row in rows:
        figure = " ".join(part for part in (row["figure"], row["unit"] if row["unit"] != "1" else "") if part)
        interval = f" ({row['interval']})" if row["interval"] else ""
        people = "n not known" if row["n"] is None else f"n {row['n']}"
        words = f" ({row['n_words']})" if row["n_words"] else ""
        say(f"{row['what']}: {figure}{interval}\n")
        say(f"    {row['mark']}, {people}{words}; {row['population']}; {row['source']}\n")
        say(f"    {row['used']}{'; ' + row['note'] if row['note'] else ''}   [{row['id']}]\n")
    marks = "; ".join(f"{one} {words}" for one, words in MARK_WORDS.items())
    say(f"\n{len(rows)} figures. Marks: {marks}.\n")
    say(RESEARCH_USE)
    return 0


@app.command(name="differential")
def show_differential(
    case: CaseName,
    /,
    *,
    population: Population = None,
    prior: Priors = (),
    unverified: Unverified = False,
    evidence_file: EvidenceFile = None,
    registry: Registry = None,
    as_json: Json = False,
) -> int:
    """Judge every source of pain: for, against, missing, and which test next."""
    from ischio.record.differential_dict import differential_dict

    choices = _choices(population, prior, unverified)
    found = differential_dict(read_case(case, registry), choices, _base(evidence_file))
    if as_json:
        return print_json(found)
    where = found["population"]
    how = "chosen" if where["chosen"] else "taken from the record"
    say(f"case {found['case_id']}; population {where['id']} ({how}): {where['words']}\n")
    say("".join(f"{words}\n" for words in found["reading"]) + "\n")
    for row in found["diagnoses"]:
        if row["has_facts"]:
            _diagnosis_text(row)
    silent = [row for row in found["diagnoses"] if not row["has_facts"]]
    bare = [f"{row['words']} ({_range_words(row['posterior'])})" for row in silent]
    if bare:
        say(f"No fact of the record speaks to: {'; '.join(bare)}.\n\n")
    for row in found["left_out"]:
        say(f"left out: {row['what']}{_side(row['side'])}: {row['why']}\n")
    say("Assumptions\n" + "".join(f"  {words}\n" for words in found["assumptions"]) + "\n")
    _sensitivity_text(found["sensitivity"])
    best = found["next_test"]
    question = found["question"].replace("_", " ")
    say(f"Next test for {question}: {_test_words(best) if best else 'none that would tell more'}\n")
    say(RESEARCH_USE)
    return 0


@app.command
def reasons(
    case: CaseName, /, *, evidence_file: EvidenceFile = None, registry: Registry = None, as_json: Json = False
) -> int:
    """List the reasons not to operate: what stands, what is open, what is settled."""
    from ischio.record.differential_dict import reasons_dict
    from ischio.record.reasons import VERDICTS

    found = reasons_dict(read_case(case, registry), _base(evidence_file))
    if as_json:
        return print_json(found)
    for verdict, words in VERDICTS.items():
        rows = [row for row in found["reasons"] if row["verdict"] == verdict]
        say(f"{words.capitalize()}: {len(rows)}\n")
        for row in rows:
            places = f" ({'; '.join(row['places'])})" if row["places"] else ""
            say(f"  {row['rule'].replace('_', ' ')}{_side(row['side'])}: {row['text']}{places}\n")
        say("\n")
    say(RESEARCH_USE)
    return 0


@app.command
def calibration(
    *,
    people: Annotated[int, Parameter(help="People to simulate for each diagnosis and prior.")] = 20_000,
    seed: Annotated[int, Parameter(help="Seed of the random numbers.")] = 1,
    evidence_file: EvidenceFile = None,
    as_json: Json = False,
) -> int:
    """Compare stated shares with what happens to simulated people."""
    from ischio._check import InputError, complaint
    from ischio.record.differential_dict import calibration_dict

    if people < 1 or seed < 0:
        got = f"{people} people, seed {seed}"
        raise InputError(complaint("calibration", got, "at least 1 person, a seed from 0", "Choose others."))
    found = calibration_dict(people, seed, _base(evidence_file))
    if as_json:
        return print_json(found)
    lines = [
        (
            row["diagnosis"].replace("_", " "),
            f"{row['prior']:.3g}",
            len(row["tests"]),
            f"{row['largest_gap']:.4f}",
            f"{row['allowed']:.4f}",
            f"{row['overall_gap']:.4f}",
            f"{row['coverage']:.3f}",
            "yes" if row["is_calibrated"] else "NO",
        )
        for row in found["rows"]
    ]
    head = ("diagnosis", "prior", "tests", "largest gap", "by chance", "overall", "in 95 %", "calibrated")
    table(head, lines)
    twins = found["two_tests_that_agree"]
    say(
        f"Two tests that always agree, prior {twins['prior']:.2g}: true share {twins['true']:.3f}; "
        f"stated {twins['largest']:.3f}; multiplied they would state {twins['product']:.3f}.\n"
    )
    say(RESEARCH_USE)
    return 0


@app.command
def letter(
    case: CaseName,
    /,
    *,
    out: Annotated[Path, Parameter(help="Page to make, ending in .html.")],
    reader: Annotated[
        Literal["clinic", "patient"],
        Parameter(name="--for", help="clinic: history to plan; patient: everyday words without figures."),
    ] = "clinic",
    study: Annotated[
        Path | None, Parameter(help="Folder of a result of the same person, for measurements and motion.")
    ] = None,
    population: Population = None,
    prior: Priors = (),
    unverified: Unverified = False,
    evidence_file: EvidenceFile = None,
    registry: Registry = None,
    force: Force = False,
) -> int:
    """Write a page about a record, for the clinic or for the patient."""
    from ischio._check import InputError, complaint
    from ischio.record.letter import letter_dict
    from ischio.report.letter import render_clinic, render_patient
    from ischio.store.tables import write_text
    from ischio.study import load_dict

    if out.suffix.lower() != ".html":
        raise InputError(complaint("--out", out.name, "a name that ends in .html", "Rename it."))
    read = read_case(case, registry)
    measured = None if study is None else load_dict(study)
    if measured is not None and measured["case_id"] != read.case_id:
        got = f"a study of {measured['case_id']}"
        raise InputError(complaint("--study", got, f"one of {read.case_id}", "Pass the result of this case."))
    rows = () if measured is None else measured["measurements"]
    found = letter_dict(read, _choices(population, prior, unverified), _base(evidence_file), rows)
    page = render_patient(found) if reader == "patient" else render_clinic(found, measured)
    write_text(out, page, force=force)
    say(f"{out.name}\n")
    return 0


def _base(file: Path | None) -> Evidence:
    """The evidence base: a file, or the packaged one."""
    from ischio.evidence import evidence as packaged
    from ischio.evidence import evidence_from_document
    from ischio.io.documents import read_document

    return packaged() if file is None else evidence_from_document(read_document(file))


def _choices(population: str | None, priors: Sequence[str], unverified: bool) -> Choices:
    """Choices from options."""
    from ischio._check import InputError, complaint
    from ischio.record.differential import Choices

    settings: dict[str, str] = {}
    for pair in priors:
        diagnosis, equals, setting = pair.partition("=")
        if not (diagnosis and equals and setting):
            do = "Write sacroiliac_joint=pain_after_lumbar_fusion."
            raise InputError(complaint("--prior", repr(pair), "DIAGNOSIS=POPULATION", do))
        if settings.get(diagnosis, setting) != setting:
            raise InputError(complaint("--prior", f"{diagnosis!r} twice", "each once", "Keep one of them."))
        settings[diagnosis] = setting
    return Choices(population=population, priors=settings, takes_unverified=unverified)


def _diagnosis_text(row: dict[str, Any]) -> None:
    """Print one diagnosis on one side."""
    prior = row["prior"]
    start = f"{prior['from']:.0%} to {prior['to']:.0%}" if prior["is_range"] else f"{prior['from']:.0%}"
    source = f", {prior['source']}, n {prior['n']}" if prior["source"] and not prior["is_range"] else ""
    say(f"{row['words']}{_side(row['side'])}: {_range_words(row['posterior'])}\n")
    say(f"  prior    {start}{source}{' (' + prior['why'] + ')' if prior['why'] else ''}\n")
    if any(one["ratio"] is not None for name in ("for", "against") for one in row[name]):
        over = ", ".join(f"{one['prior']:.0%}: {_percent(one['value'])}" for one in row["posterior"]["over"])
        say(f"  over     {over}\n" if over else "")
    for name in ("for", "against"):
        for one in row[name]:
            say(f"  {name:<8} {_fact_words(one)}\n")
    if row["missing"]:
        say(f"  missing  {'; '.join(_missing_words(one) for one in row['missing'])}\n")
    best = row["next_test"]
    none = "no test with a published accuracy would tell more"
    say(f"  next     {_test_words(best) if best else none}\n\n")


def _fact_words(one: dict[str, Any]) -> str:
    """One fact that speaks for or against."""
    if one["ratio"] is None:
        figure = "no likelihood ratio" if one["source"] else ""
        return f"{one['what']}: {one['why']}{'; ' + figure if figure else ''}"
    return (
        f"{one['what']}: ratio {one['ratio']:.3g} ({one['low']:.2g} to {one['high']:.2g}), {one['why']}; "
        f"{one['source']}, n {one['n'] or 'not known'}, {one['mark']}"
    )


def _missing_words(one: dict[str, Any]) -> str:
    """One test that is missing."""
    return one["words"] if one["why"] == "not stated" else f"{one['words']} ({one['why']})"


def _test_words(one: dict[str, Any]) -> str:
    """A test to do next, with what was assumed."""
    bits = f"{one['bits_low']:.2f} to {one['bits_high']:.2f} bits expected"
    return f"{one['words']}, {bits}, if {'; '.join(one['assumptions'])}"


def _range_words(after: dict[str, Any]) -> str:
    """A share, or a range of shares."""
    if after["value"] is not None:
        return f"{_percent(after['value'])} ({_percent(after['low'])} to {_percent(after['high'])})"
    low, high = after["from"], after["to"]
    if low["low"] == low["high"]:
        return f"{_percent(low['value'])} to {_percent(high['value'])}, no single figure"
    return (
        f"{_percent(low['value'])} to {_percent(high['value'])}, no single figure "
        f"(with studies' own uncertainty {_percent(low['low'])} to {_percent(high['high'])})"
    )


def _percent(share: float) -> str:
    """A share in per cent; never 0 or 100, since nothing is certain."""
    return "below 0.1%" if share < 0.001 else "above 99.9%" if share > 0.999 else f"{share:.1%}"


def _side(side: str) -> str:
    """A side in words, behind what it belongs to."""
    return {"none": "", "unspecified": ", side not stated"}.get(side, f", {side}")


def _sensitivity_text(rows: Sequence[dict[str, Any]]) -> None:
    """Print how the order depends on each assumption."""
    say("Order of the diagnoses, one assumption changed at a time (the first four; * the order differs)\n")
    lines = [
        (
            ("* " if row["moved"] else "  ") + row["assumption"],
            f"{row['question_from']:.1%} to {row['question_to']:.1%}",
            (row["next_test"] or "none").replace("_", " "),
            ", ".join(name.replace("_", " ") for name in row["ranking"][:4]),
        )
        for row in rows
    ]
    table(("assumption", "impingement", "next test", "order"), lines)

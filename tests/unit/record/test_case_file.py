"""The door of the record: what a case file may say, and how a wrong one is answered."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ischio._check import InputError
from ischio.io.checked import FieldError
from ischio.io.documents import packaged_document, parse_document
from ischio.record import case_from_document, case_schema, plain_case
from ischio.record.case import Case
from ischio.record.facts import Fact, When
from ischio.record.kinds import Implant, Score

TYPES = Fact.__subclasses__()


def schema_file(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "src/ischio/schema/case-1.schema.json").read_text("utf-8"))
    return found


def test_the_packaged_case_round_trips(index_case: Case) -> None:
    text = json.dumps(plain_case(index_case))
    assert case_from_document(parse_document("a.json", text)) == index_case
    assert case_from_document(parse_document("a.yaml", text)) == index_case


def test_the_packaged_case_has_its_facts(index_case: Case) -> None:
    """Facts of the published report, each stated there."""
    person, operations = index_case.person, index_case.operations
    assert (person.age_years, person.sex) == (66.0, "f")
    assert [one.side for one in operations] == ["none", "left", "right", "none", "none", "left", "right"]
    assert operations[0].segments == ("L4-L5", "L5-S1")
    spaces = {one.side: one.value for one in index_case.findings if one.what == "ischiofemoral_space"}
    versions = {one.side: one.value for one in index_case.findings if one.what == "femoral_version"}
    assert spaces == {"right": 4.0, "left": 7.0}
    assert versions == {"right": 16.0, "left": 16.0}
    assert [one.mrc for one in index_case.examinations if one.test == "hip_abductor_strength"] == ["4"]
    assert [(one.side, one.relief) for one in index_case.blocks] == [("unspecified", "none")]
    assert all(act.amount_mm is None for op in operations for act in op.acts)  # not stated: not filled in
    assert all(one.mr_conditions == "unknown" for one in index_case.implants)


def test_every_fact_of_the_packaged_case_has_its_place(index_case: Case) -> None:
    assert [fact for _, _, fact in index_case.facts() if not fact.sources] == []


def test_the_packaged_case_holds_facts_and_no_sentences() -> None:
    words = [text for text in packaged_document("index-case").text.splitlines() if not text.startswith("#")]
    notes = [line.split("note: ")[1].rstrip("}") for line in words if "note: " in line]
    assert max(len(note.split()) for note in notes) <= 15


def test_the_schema_file_is_that_of_the_code(root: Path) -> None:
    assert schema_file(root) == case_schema()


def test_the_schema_lets_the_packaged_case_through_and_refuses_others(index_case: Case, root: Path) -> None:
    schema, plain = schema_file(root), plain_case(index_case)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(plain, schema, jsonschema.Draft202012Validator)
    for change in ({"schema_version": 2}, {"unknown": 1}, {"person": {"age_years": "66"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**plain, **change}, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("kind", [Case, *TYPES], ids=lambda kind: kind.__name__)
def test_values_are_frozen(kind: type, index_case: Case) -> None:
    facts = [index_case, *(fact for _, _, fact in index_case.facts())]
    one = next((fact for fact in facts if isinstance(fact, kind)), None)
    if one is not None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, dataclasses.fields(one)[0].name, "changed")


def test_items_and_names_are_frozen(case_of: Any) -> None:
    case = case_of("inputs: {names: {a.stl: femur_left}}\nscores: [{instrument: ODI, items: {odi_01: 2}}]")
    for mapping in (case.inputs.names, case.scores[0].items):
        with pytest.raises(TypeError):
            mapping["x"] = 1


def test_a_side_that_is_not_stated_is_unspecified(case_of: Any) -> None:
    case = case_of(
        "blocks: [{target: hip}]\nexaminations: [{test: t, result: positive}]\nvisits: [{what: v}]"
    )
    assert [fact.side for _, _, fact in case.facts()] == ["unspecified", "unspecified", "none"]
    assert Implant(what="screw").mr_conditions == "unknown"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour: red", "line 3, colour: got a field that is not known"),
        ("person: {height: 3}", "line 3, person.height: got a field that is not known"),
        ("person:\n  age_years: '66'", "line 4, person.age_years: got '66'; expected a valid number"),
        ("person:\n  age_years: true", "line 4, person.age_years: got True"),
        ("person: {age_years: 140}", "person.age_years: got 140.0; expected 0 to 130"),
        ("person: {birth_year: 66}", "person.birth_year: got 66"),
        ("person: {sex: x}", "line 3, person.sex: got 'x'; expected 'f' or 'm'"),
        ("operations:\n  - side: left", "line 4, operations.0.what: got nothing"),
        ("operations: 3", "line 3, operations: got 3"),
        ("operations: [{what: x, fuses: [S1, L4]}]", "operations.0.fuses: got ['S1', 'L4']"),
        ("operations: [{what: x, fuses: [L4]}]", "operations.0.fuses: got ['L4']"),
        (
            "scores:\n  - {instrument: ODI, value: 156}",
            "line 4, scores.0.value: got 156.0; expected 0 to 100",
        ),
        ("scores: [{instrument: ODI, value: -1}]", "scores.0.value: got -1.0"),
        ("scores: [{instrument: pain NRS, value: 11}]", "expected 0 to 10 points of 10"),
        ("scores: [{instrument: ODI}]", "scores.0.value: got neither a total nor items"),
        (
            "scores:\n  - instrument: ODI\n    items:\n      odi_01: 1\n      mhhs_limp: 5",
            "line 7, scores.0.items.mhhs_limp: got an item of mHHS; expected items of ODI",
        ),
        ("scores: [{instrument: ODI, items: {odi_1: 1}}]", "items.odi_1: got an unknown item"),
        ("scores: [{instrument: ODI, items: {odi_01: 6}}]", "got 6; expected one of 0, 1, 2, 3, 4, 5"),
        (
            "scores: [{instrument: mHHS, side: left, items: {mhhs_limp: 6}}]",
            "got 6; expected one of 0, 5, 8, 11",
        ),
        (
            "scores: [{instrument: iHOT-12, side: left, items: {ihot12_01: 101}}]",
            "got 101; expected 0 to 100",
        ),
        (
            "scores: [{instrument: HOS, side: left, value: 3}]",
            "scores.0.scale: got None; expected one of ADL",
        ),
        ("scores: [{instrument: ODI, scale: x, value: 3}]", "scores.0.scale: got 'x'; expected no scale"),
        ("scores: [{instrument: XYZ, value: 3}]", "scores.0.instrument: got 'XYZ'"),
        ("scores: [{instrument: ODI, side: left, value: 3}]", "scores.0.side: got left; expected no side"),
        ("scores: [{instrument: mHHS, side: both, value: 3}]", "scores.0.side: got both"),
        ("scores: [{instrument: mHHS, value: 3}]", "scores.0.side: got none"),
        ("findings: [{what: x, modality: MRI, value: 4}]", "findings.0.value: got 4 without a unit"),
        ("findings: [{what: x, modality: MRI, unit: mm}]", "got a unit without a number"),
        (
            "findings:\n- {what: x, modality: MRI, value: 4, unit: inch}",
            "line 4, findings.0.unit: got 'inch'",
        ),
        ("findings: [{what: x, modality: MRI, brooker: 5}]", "findings.0.brooker: got 5"),
        (
            "examinations: [{test: x, result: positive, value: 4}]",
            "examinations.0.value: got 4 without a unit",
        ),
        ("rehabilitation: [{what: x, rule: avoid, durations: [{value: 6, unit: moons}]}]", "got 'moons'"),
        ("rehabilitation: [{what: x, rule: avoid, durations: [{value: -6, unit: weeks}]}]", "got -6.0"),
        ("visits: [{what: x, when: {date: 2023-02-29}}]", "visits.0.when.date: got '2023-02-29'"),
        ("zero: {words: x, date: 1.1.2020}", "zero.date: got '1.1.2020'"),
        ("visits: [{what: x, when: {approximate: true}}]", "visits.0.when.months: got no time"),
        ("visits: [{what: x, when: {months: 1, date: 2020-01-01}}]", "got months and a date"),
        ("visits: [{what: x, when: {date: 2020-01-01, after: o}}]", "got a date after an event"),
        ("visits: [{what: x, when: {date: 2020-01-01}}]", "visits.0.when.date: got a date; expected a zero"),
        ("visits: [{what: x, when: {months: 1, after: o}}]", "visits.0.when.after: got 'o'"),
        (
            "visits: [{what: x, side: left, when: {months: 1, after: own_operation}}]",
            "an operation of its side",
        ),
        (
            (
                "person: {birth_year: 1950}\nzero: {words: z, date: 2020-01-01}\nvisits:\n- what: x\n"
                "  when: {date: 1949-12-31}"
            ),
            "line 7, visits.0.when.date: got 1949-12-31, before birth; expected 1950 or later",
        ),
        (
            "person: {age_years: 66}\nvisits:\n- what: x\n  when:\n    months: -805",
            "line 7, visits.0.when.months: got -805 months, before birth",
        ),
        (
            (
                "person: {birth_year: 1950}\nzero: {words: z, date: 2020-01-01}\n"
                "visits: [{what: x, when: {months: -841}}]"
            ),
            "visits.0.when.months: got -841 months, before birth; expected 1950 or later",
        ),
        (
            (
                "person: {age_years: 66}\nzero: {words: z, date: 2020-01-01}\n"
                "visits: [{what: x, when: {date: 1952-12-30}}]"
            ),
            "visits.0.when.date: got 1952-12-30, before birth; expected less than 66 years back",
        ),
        ("visits: [{what: x, when: {months: -1600}}]", "before birth; expected less than 130 years back"),
        ("visits: [{what: x, id: a}, {what: y, id: a}]", "visits.1.id: got 'a' twice"),
        ("visits: [{what: x, sources: [{document: p, place: q}]}]", "visits.0.sources.0.document: got 'p'"),
        ("case_id: x y", "got 'case_id' twice"),
        ("a: 1\nb: 2", "Check its spelling. (1 more after this one.)"),
    ],
)
def test_a_wrong_file_names_line_and_field(case_of: Any, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        case_of(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("c.yaml, line ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("~", "c.yaml: got no fields; expected a record"),
        ("[1]", "c.yaml: got list"),
        ("case_id: x", "schema_version: got nothing"),
        ("schema_version: '1'", "schema_version: got '1'"),
        ("schema_version: true", "schema_version: got True"),
        ("case_id: x\nschema_version: 2", "line 2, schema_version: got 2; expected 1 or older"),
        ("schema_version: 0", "schema_version: got 0; expected 1"),
        ("schema_version: 1\ncase_id: ../x", "line 2, case_id: got '../x'"),
        ("schema_version: 1\ncase_id: [" + "1, " * 60 + "1]", "..."),
    ],
)
def test_what_is_no_record_of_this_version(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        case_from_document(parse_document("c.yaml", text))
    assert message in str(caught.value)


def test_an_older_file_is_brought_to_this_version() -> None:
    """Steps run one after the other, each on what the one before it gave."""
    steps = {
        -1: lambda old: {**old, "case": old["name"].lower(), "name": None},
        0: lambda old: {"case_id": old["case"]},
    }
    document = parse_document("c.yaml", "schema_version: -1\nname: P7")
    assert case_from_document(document, migrations=steps) == Case(schema_version=1, case_id="p7")


def test_last_errors_have_a_field_too() -> None:
    with pytest.raises(FieldError, match="months: got no time; expected months or a date"):
        When()
    with pytest.raises(FieldError, match=r"items\.odi_01: got 9; expected one of"):
        Score(instrument="ODI", items={"odi_01": 9.0})

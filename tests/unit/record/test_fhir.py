"""Records as FHIR bundles: valid, without a name, and back without loss of any fact."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ischio._check import InputError
from ischio.io.documents import parse_document
from ischio.record import case_from_document
from ischio.record.case import Case
from ischio.record.door import plain_case
from ischio.record.fhir import case_from_bundle, check_bundle, problems_of_library, to_bundle
from ischio.record.fhir.codes import LOINC, SIDES, SNOMED, STANDARD, is_loinc, is_snomed
from ischio.record.fhir.extension import extensions, plain_values

Write = Callable[[str], Case]
Edit = Callable[[dict[str, Any]], object]

EVERYTHING = """
documents: [{id: d, citation: Letter, doi: 10.1/x}, {id: e}]
zero: {words: the first visit, date: "2024-03-05"}
person: {age_years: 41.5, sex: m, birth_year: 1982, occupation: cook}
symptoms:
  - {what: low_back_pain, worse_side: left, aggravated_by: [sitting, "a b  c"], note: "two\\nlines",
     durations: [{value: 2, unit: years, anchor: x, attachment: ambiguous,
                  sources: [{document: d, place: p}]}]}
care: [{what: ice, result: relief}, {what: rest}]
operations:
  - {id: op, what: fusion, side: none, fuses: [L4, S1], starts_clock: true, approach: a, position: b,
     when: {date: "2024-03-05"},
     acts: [{structure: s, act: cut, amount_mm: 2.5, sources: [{document: e, place: q}]}]}
  - {id: left, what: resection, side: left, starts_clock: true,
     when: {months: 1.5, after: op, approximate: true, order: 2}}
implants: [{what: screws, mr_conditions: conditional}, {what: rod}]
examinations:
  - {test: extension, result: measured, value: -5, unit: deg, manoeuvre: passive, side: both}
  - {test: strength, result: measured, mrc: 4-, side: none}
  - {test: fadir, result: positive, reproduces: [groin_pain], when: {date: "2024-02-29"}}
  - {test: walk, result: relief, manoeuvre: ""}
images: [{modality: MRI, side: left, view: axial, shows: [x, y], when: {months: 6, after: own_operation}}]
findings:
  - {what: space, side: right, modality: MRI, value: 4, unit: mm, method: m, posture: lying, brooker: 1}
  - {what: oedema, modality: MRI, present: false, absent_from: [{document: d, place: fig}]}
  - {what: density, modality: CT, value: 0, unit: "1", present: false}
blocks: [{target: joint, guidance: CT, relief: partial, side: left}, {target: gap}]
rehabilitation: [{what: flexion, rule: avoid, durations: [{value: 6, unit: weeks}]}]
complications: [{what: weakness, present: false, measured: true}, {what: fever, present: true, side: left}]
scores:
  - {instrument: ODI, value: 56, when: {months: 0, relation: before}}
  - {instrument: mHHS, side: left, items: {mhhs_pain: 20, mhhs_limp: null}}
  - {instrument: HAGOS, scale: QOL, side: right, value: 50.5, items: {hagos_qol_1: 2}, language: de,
     version: "1"}
  - {instrument: pain NRS, value: 3, site: back}
visits: [{what: call, status: planned, when: {date: "2025-01-01", relation: after}}]
mechanisms: [{what: load, change_percent: 30, levels: [L3-L4]}]
claims: [{what: age, kind: citation, low: 11, high: 77, unit: years, also_without: low_back_pain}]
alerts:
  - {what: tumour, present: false}
  - {what: lesser_trochanter_avulsion, present: true, after_trauma: true}
not_reported: [x, "y  z"]
"""


@pytest.fixture
def everything(case_of: Write) -> Case:
    """A record with every kind of fact and every field."""
    return case_of(EVERYTHING)


def back(bundle: dict[str, Any]) -> Case:
    return case_from_bundle(parse_document("b.json", json.dumps(bundle)))


def without_files(case: Case) -> dict[str, Any]:
    return {key: value for key, value in plain_case(case).items() if key != "inputs"}


@pytest.mark.parametrize("name", ["index_case", "everything"])
class TestGood:
    def test_nothing_is_lost_on_the_way_there_and_back(
        self, name: str, request: pytest.FixtureRequest
    ) -> None:
        case = request.getfixturevalue(name)
        assert without_files(back(to_bundle(case))) == without_files(case)
        assert to_bundle(back(to_bundle(case))) == to_bundle(case)

    def test_it_is_valid_by_our_checks(self, name: str, request: pytest.FixtureRequest) -> None:
        assert check_bundle(to_bundle(request.getfixturevalue(name))) == ()

    def test_it_is_valid_by_the_library(self, name: str, request: pytest.FixtureRequest) -> None:
        pytest.importorskip("fhir.resources")
        assert problems_of_library(to_bundle(request.getfixturevalue(name))) == ()

    def test_every_fact_has_a_resource_and_nobody_is_named(
        self, name: str, request: pytest.FixtureRequest
    ) -> None:
        case = request.getfixturevalue(name)
        bundle = to_bundle(case)
        resources = [one["resource"] for one in bundle["entry"]]
        kinds = {one["resourceType"] for one in resources}
        assert kinds <= {"Patient", "Observation", "QuestionnaireResponse", "Procedure", "Condition", "Basic"}
        named = [one["id"] for one in resources]
        for kind, i, _ in case.facts():
            assert f"{kind}-{i}" in named
        patient = next(one for one in resources if one["resourceType"] == "Patient")
        assert set(patient) <= {"resourceType", "id", "identifier", "gender", "birthDate"}
        assert len(patient.get("birthDate", "1982")) == 4


def test_every_field_of_every_kind_is_in_that_record(everything: Case) -> None:
    """Else the round trip above would prove less than it says."""
    plain = plain_case(everything)
    kinds = {kind for kind, _, _ in everything.facts()}
    assert kinds == {key for key, rows in plain.items() if isinstance(rows, list)} - {
        *("documents", "not_reported")
    }
    for kind in kinds:
        facts = getattr(everything, kind)
        seen = {key for row in plain[kind] for key in row}
        missing = {name for name in facts[0].__dataclass_fields__ if name not in seen}
        assert missing <= {"id", "side", "when", "sources", "absent_from", "note"}, kind


class TestElements:
    def resource(self, case: Case, name: str) -> dict[str, Any]:
        found = [one["resource"] for one in to_bundle(case)["entry"] if one["resource"]["id"] == name]
        return dict(found[0])

    def test_a_measurement_stands_in_its_elements(self, everything: Case) -> None:
        one = self.resource(everything, "findings-0")
        assert one["valueQuantity"] == {
            "value": 4.0, "unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm",
        }  # fmt: skip
        assert one["bodySite"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "24028007"
        assert one["category"][0]["coding"][0]["code"] == "imaging"

    def test_a_score_has_its_loinc_code_and_refers_to_its_answers(self, everything: Case) -> None:
        assert self.resource(everything, "scores-0")["code"]["coding"][1]["code"] == "97909-6"
        one = self.resource(everything, "scores-2")
        urls = {each["resource"]["id"]: each["fullUrl"] for each in to_bundle(everything)["entry"]}
        assert one["derivedFrom"] == [{"reference": urls["scores-2-answers"]}]
        answers = self.resource(everything, "scores-1-answers")
        assert answers["item"][1] == {"linkId": "mhhs_limp"}
        assert "dataAbsentReason" in self.resource(everything, "scores-1")

    def test_what_was_looked_for_and_not_there_is_refuted(self, everything: Case) -> None:
        one = self.resource(everything, "alerts-0")
        assert one["verificationStatus"]["coding"][0]["code"] == "refuted"
        assert "clinicalStatus" not in one

    def test_a_side_that_nobody_stated_says_so(self, everything: Case) -> None:
        one = self.resource(everything, "examinations-2")
        assert one["bodySite"]["text"] == "unspecified"
        assert one["effectiveDateTime"] == "2024-02-29"
        assert one["interpretation"][0]["coding"][1]["code"] == "POS"

    def test_unverified_codes_say_so(self) -> None:
        for code in (*STANDARD.values(), *SIDES.values()):
            assert (code.system != LOINC) or is_loinc(code.code)
            assert (code.system != SNOMED) or is_snomed(code.code)
            assert code.mark in ("V", "V2", "K")

    def test_elements_count_and_not_only_extensions(self, everything: Case) -> None:
        """A changed element changes the record: the coded part is read, not a copy beside it."""
        bundle = to_bundle(everything)
        one = next(each["resource"] for each in bundle["entry"] if each["resource"]["id"] == "findings-0")
        one["valueQuantity"]["value"] = 6.0
        one["bodySite"] = copy.deepcopy(
            next(
                each["resource"]["bodySite"]
                for each in bundle["entry"]
                if each["resource"]["id"] == "scores-1"
            )
        )
        finding = back(bundle).findings[0]
        assert (finding.value, finding.side) == (6.0, "left")


def entry(bundle: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one["resource"] for one in bundle["entry"] if one["resource"]["id"] == name)
    return found


BAD: list[tuple[Edit, str]] = [
    (lambda b: b.update(resourceType="Patient"), "resourceType 'Patient'"),
    (lambda b: b.update(type="nope"), "type 'nope'"),
    (lambda b: b.pop("type"), "no type"),
    (lambda b: b.update(entry="x"), "entries that are no list"),
    (lambda b: b["entry"].append(b["entry"][0]), "fullUrl that is missing or comes twice"),
    (lambda b: b["entry"][1]["resource"].update(resourceType="Device"), "a resource of type 'Device'"),
    (lambda b: b["entry"].pop(0), "0 patients"),
    (lambda b: entry(b, "findings-0").update(status="nope"), "Observation findings-0: status 'nope'"),
    (lambda b: entry(b, "operations-0").update(status="done"), "status 'done'"),
    (lambda b: entry(b, "scores-1-answers").update(status="nope"), "status 'nope'"),
    (lambda b: entry(b, "patient").update(gender="x"), "gender 'x'"),
    (lambda b: entry(b, "patient").update(name=[{"family": "Doe"}]), "name, which names the person"),
    (lambda b: entry(b, "patient").update(birthDate="1982-01-01"), "more than the year"),
    (lambda b: entry(b, "patient").update(birthDate="82"), "more than the year"),
    (lambda b: entry(b, "findings-0").pop("code"), "no code"),
    (lambda b: entry(b, "findings-0").update(valueBoolean=True), "of which only one may be there"),
    (lambda b: entry(b, "findings-0").update(dataAbsentReason={}), "a value and a reason why"),
    (lambda b: entry(b, "findings-0")["valueQuantity"].update(code="inch"), "unit 'inch'"),
    (lambda b: entry(b, "findings-0")["valueQuantity"].update(value="4"), "a quantity '4'"),
    (lambda b: entry(b, "findings-0")["subject"].update(reference="urn:x"), "'urn:x', which is not in"),
    (lambda b: entry(b, "findings-0")["bodySite"].update(text="left"), "side right by its code and 'left'"),
    (lambda b: entry(b, "findings-0")["bodySite"].pop("extension"), r"side \[\]"),
    (lambda b: entry(b, "scores-0")["code"]["coding"][1].update(code="97909-7"), "LOINC code '97909-7'"),
    (lambda b: entry(b, "symptoms-0")["code"]["coding"][1].update(code="279039008"), "SNOMED CT code"),
    (lambda b: entry(b, "findings-0")["code"]["coding"][0].pop("system"), "without system or code"),
    (
        lambda b: entry(b, "examinations-2")["interpretation"][0]["coding"][1].update(code="X"),
        "interpretation 'X'",
    ),
    (
        lambda b: entry(b, "alerts-0")["verificationStatus"]["coding"][0].update(code="maybe"),
        "verificationStatus",
    ),
    (lambda b: entry(b, "operations-0").update(performedDateTime="5.3.2024"), "performedDateTime '5.3.2024'"),
]


@pytest.mark.parametrize(("edit", "words"), BAD)
def test_a_bundle_that_breaks_a_rule_is_refused(everything: Case, edit: Edit, words: str) -> None:
    bundle = to_bundle(everything)
    edit(bundle)
    assert any(re.search(words, one) for one in check_bundle(bundle))
    with pytest.raises(InputError, match=r"b.json: got .*; expected a FHIR R4B bundle of ischio"):
        back(bundle)


FOREIGN: list[tuple[Edit, str]] = [
    (lambda b: entry(b, "findings-0").pop("identifier"), "an? Observation without our identifier"),
    (lambda b: entry(b, "findings-0")["identifier"][0].update(value="gouts/0"), "a fact 'gouts/0'"),
    (lambda b: entry(b, "findings-1")["identifier"][0].update(value="findings/0"), "'findings/0' twice"),
    (lambda b: entry(b, "examinations-0").pop("interpretation"), "KeyError: 'interpretation'"),
    (lambda b: entry(b, "findings-0")["extension"].append({"url": "http://x"}), "extension: got 'http://x'"),
    (lambda b: entry(b, "findings-0")["extension"][0].pop("valueString"), "got no value"),
    (
        lambda b: entry(b, "findings-0")["extension"].append(entry(b, "findings-0")["extension"][0]),
        "it twice",
    ),
    (lambda b: entry(b, "findings-0")["code"].update(coding=[]), "no code of urn:ischio:fhir:findings"),
    (lambda b: entry(b, "scores-0")["valueQuantity"].update(value=400), "scores.0.value: got 400"),
]


@pytest.mark.parametrize(("edit", "words"), FOREIGN)
def test_what_ischio_did_not_write_is_refused(everything: Case, edit: Edit, words: str) -> None:
    bundle = to_bundle(everything)
    edit(bundle)
    with pytest.raises(InputError, match=words):
        back(bundle)


def test_a_file_without_fields() -> None:
    with pytest.raises(InputError, match="got no fields"):
        case_from_bundle(parse_document("b.json", "[]"))


def test_the_library_sees_wrong_structure(everything: Case) -> None:
    pytest.importorskip("fhir.resources")
    bundle = to_bundle(everything)
    entry(bundle, "findings-0")["colour"] = "red"
    assert problems_of_library(bundle)


def test_without_the_library_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch, everything: Case) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fhir.resources.R4B.bundle", None)
    assert problems_of_library(to_bundle(everything)) is None


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
PLAIN = st.recursive(
    st.one_of(st.booleans(), st.integers(-999, 999), st.floats(-1e3, 1e3), WORDS),
    lambda inner: st.dictionaries(st.sampled_from(("months", "after", "order")), inner, min_size=1),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(("approach", "posture", "when", "unit")), PLAIN))
@settings(max_examples=150, deadline=None)
def test_any_plain_value_reads_back_from_extensions(values: dict[str, Any]) -> None:
    assert plain_values(json.loads(json.dumps(extensions(values)))) == values


@given(what=WORDS, note=WORDS, side=st.sampled_from(("left", "right", "both", "none", "unspecified")))
@settings(max_examples=60, deadline=None)
def test_any_words_and_any_side_come_back(what: str, note: str, side: str) -> None:
    values = {
        "schema_version": 1,
        "case_id": "c",
        "examinations": [{"test": what, "result": "painful", "note": note, "side": side}],
        "findings": [{"what": what, "modality": "CT", "method": note, "side": side}],
        "operations": [{"what": what, "side": side, "note": note}],
    }
    case = case_from_document(parse_document("c.json", json.dumps(values)))
    bundle = to_bundle(case)
    assert check_bundle(bundle) == ()
    assert plain_case(back(bundle)) == plain_case(case)

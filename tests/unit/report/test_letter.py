"""The clinical page and the page for the patient: order, escaping, and what the patient must not read."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.unit.report.conftest import MakeStudy

from ischio.io.documents import packaged_document, parse_document
from ischio.record import case_from_document
from ischio.record.instruments import SCALES
from ischio.record.letter import letter_dict, plain_letter
from ischio.report.differential_svg import differential_svg
from ischio.report.letter import render_clinic, render_patient
from ischio.report.plain_words import SCORES, patient_lines
from ischio.study import to_dict

BAD = "<script>alert(1)</script>"
IN_ORDER = (
    *("At a glance", "History", "Examination", "Imaging and blocks", "Scores and timeline"),
    *("What else could it be", "Measurements", "Motion", "Plan", "Reasons not to operate"),
    *("What does not fit together", "Figures that were calculated with"),
)


BARE = (
    *("person: {birth_year: 1980}", "person: {sex: m}", "person: {age_years: 3}", "zero: {words: x}"),
    *("symptoms: [{what: x}]", "care: [{what: x}]", "operations: [{what: x}]", "implants: [{what: x}]"),
    *("examinations: [{test: x, result: normal}]", "images: [{modality: CT}]", "visits: [{what: x}]"),
    *("findings: [{what: x, modality: CT}]", "blocks: [{target: x}]", "mechanisms: [{what: x}]"),
    *("rehabilitation: [{what: x, rule: avoid}]", "complications: [{what: x, present: true}]"),
    *("scores: [{instrument: ODI, items: {odi_01: 1}}]", "claims: [{what: x, kind: causation}]"),
    *("symptoms: [{what: x, durations: [{value: 2, unit: weeks}]}]", "not_reported: [x]"),
)


SOFT = {"extension_deg": 15.0, "source": "a source"}
DEFICIT = {
    "demand": "walking",
    "demand_deg": 18.0,
    "limited_by": "bone",
    "limit_deg": 12.5,
    "deficit_deg": 5.5,
}
MOVED: dict[str, Any] = {
    "examinations": {"findings": [{"sentence": "The gap closes."}]},
    "limits": {"sentence": "Bone only."},
    "gait": {
        "hips": [{"side": "left", "closest_mm": -0.2, "closest_percent": 48.0, "source": "the average"}]
    },
    "spine": {
        "hips": [
            {"side": "left", "bony_limit_deg": 12.5, "soft_tissue": SOFT, "deficits": [DEFICIT]},
            {"side": "right", "bony_limit_deg": None, "soft_tissue": SOFT, "deficits": []},
        ]
    },
    "plans": [{"goal": "contact"}],
}


class Text(HTMLParser):
    """Words and headings that a page shows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.headings: list[str] = []
        self.tags: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.parts).split())

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.tags and self.tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self.tags or not data.strip():
            return
        self.parts.append(data)
        if "h2" in self.tags:
            self.headings.append(data)


def letter(text: str | None = None) -> dict[str, Any]:
    document = (
        packaged_document("index-case")
        if text is None
        else parse_document("c.yaml", f"schema_version: 1\ncase_id: c\n{text}")
    )
    return letter_dict(case_from_document(document))


@pytest.fixture(scope="module")
def index_letter() -> dict[str, Any]:
    return letter()


class TestClinic:
    def test_it_has_the_order_of_a_letter(self, index_letter: dict[str, Any]) -> None:
        assert tuple(Text(render_clinic(index_letter)).headings) == IN_ORDER

    def test_it_tells_the_index_case(self, index_letter: dict[str, Any]) -> None:
        text = Text(render_clinic(index_letter)).text
        for words in (
            *("Woman, 66 years, retired nurse", "Next test for ischiofemoral impingement: anaesthetic block"),
            "gluteal tendon or trochanteric pain, proximal hamstring tendon",
            *("20 % to 91 %", "nobody has published how common it is", "Not computed."),
            *("Block of the intra articular hip, side not stated", "no anaesthetic block of the ischio"),
            *("No bones of this person were assessed.", "mark D", "half a person"),
        ):
            assert words in text.replace(" ,", ","), words

    def test_hips_that_are_alike_are_told_together(self, index_letter: dict[str, Any]) -> None:
        text = Text(render_clinic(index_letter)).text
        assert "Ischiofemoral impingement, left and right 3.9 % to 63 %" in text
        changed = json.loads(json.dumps(index_letter))
        changed["differential"]["diagnoses"][1]["for"].pop()
        text = Text(render_clinic(changed)).text
        assert "Ischiofemoral impingement, left 3.9 % to 63 %" in text
        assert "Ischiofemoral impingement, right 3.9 % to 63 %" in text

    def test_every_number_of_the_differential_is_that_of_the_dictionary(
        self, index_letter: dict[str, Any]
    ) -> None:
        changed = json.loads(json.dumps(index_letter))
        row = changed["differential"]["diagnoses"][0]
        row["posterior"]["from"]["value"], row["posterior"]["to"]["value"] = 0.123, 0.456
        assert "12 % to 46 %" in Text(render_clinic(changed)).text

    def test_measurements_motion_and_plan_come_from_the_study(
        self, index_letter: dict[str, Any], make_study: MakeStudy
    ) -> None:
        study = to_dict(make_study())
        text = Text(render_clinic(index_letter, study)).text
        assert re.search(r"Ischiofemoral space, 3-D 12.0 mm sigma [\d.]+ mm 9.0 mm sigma", text)
        assert "does not diagnose impingement" in text
        assert text.count("Not computed.") == 2
        text = Text(render_clinic(index_letter, study | MOVED)).text
        for words in (
            "Examinations on the bones The gap closes.",
            "Left: bone stops extension at 12.5 deg, soft tissue at 15 deg (a source)",
            "Right: bone stops extension at no angle that was tried",
            "Bone only.",
            "Left: closest 0.0 mm (bone contact) at 48 % of the cycle (the average)",
            "Left: walking asks for 18.0 deg of extension, bone stops at 12.5: deficit 5.5 deg",
            "goal: contact",
        ):
            assert words in text, words
        assert "Not computed." not in text

    def test_a_record_of_nothing(self) -> None:
        text = Text(render_clinic(letter(""))).text
        for words in ("No symptom is recorded", "No examination", "No finding", "No score", "None: no"):
            assert words in text

    @pytest.mark.parametrize("bare", BARE)
    def test_facts_with_nothing_but_their_name(self, bare: str) -> None:
        found = letter(bare)
        assert tuple(Text(render_clinic(found)).headings) == IN_ORDER
        assert "What you told us" in Text(render_patient(found)).headings

    def test_a_red_flag_comes_first(self) -> None:
        assert "Stop: tumour" in Text(render_clinic(letter("alerts: [{what: tumour, present: true}]"))).text

    def test_texts_are_escaped(self) -> None:
        text = f"""
person: {{occupation: '{BAD}'}}
symptoms: [{{what: '{BAD}', aggravated_by: ['{BAD}']}}]
care: [{{what: '{BAD}'}}]
operations: [{{what: '{BAD}', when: {{months: 1}}}}]
implants: [{{what: '{BAD}'}}]
examinations: [{{test: '{BAD}', manoeuvre: '{BAD}', result: positive}}]
findings: [{{what: '{BAD}', modality: CT, posture: '{BAD}'}}]
blocks: [{{target: '{BAD}'}}]
not_reported: ['{BAD}']
"""
        for page in (render_clinic(letter(text)), render_patient(letter(text))):
            assert "<script" not in page
            assert "&lt;script&gt;" in page

    def test_it_asks_for_nothing_from_outside(self, index_letter: dict[str, Any]) -> None:
        for page in (render_clinic(index_letter), render_patient(index_letter)):
            assert not re.search(r"(src|href)=.?(http|//|file)", page)
            assert "default-src 'none'" in page
            assert "For research only; not a medical device." in page

    def test_the_same_record_gives_the_same_page(self, index_letter: dict[str, Any]) -> None:
        assert render_clinic(index_letter) == render_clinic(letter())


class TestPatient:
    def test_it_has_no_figures(self, index_letter: dict[str, Any]) -> None:
        """No share, no threshold, no length, no score, nothing about how much bone."""
        text = Text(render_patient(index_letter)).text.replace("index-case", "")
        assert not re.search(r"\d", text)
        for word in ("%", "probab", "likel", "odds", " ratio", "resect", "cut", "mm", "MCID", "prior"):
            assert word not in text.lower(), word

    def test_it_says_what_is_there_in_everyday_words(self, index_letter: dict[str, Any]) -> None:
        text = Text(render_patient(index_letter)).text
        for words in (
            "Pain at the back of the hip, on both sides, worse on the left",
            "A partly torn tendon at the sit bone, on both sides",
            "The tendons at the side of the hip",
            "A numbing injection between thigh bone and sit bone",
            "Daily life with back pain: clearly better than before",
            "Several can be there at the same time",
            "speaks rather against: the sciatic nerve behind the hip, the inside of the hip joint",
        ):
            assert words in text

    def test_an_unverified_sign_alone_puts_nothing_on_the_list(self, index_letter: dict[str, Any]) -> None:
        assert "the sciatic nerve behind the hip" not in plain_letter(index_letter)["possible"]

    def test_a_record_of_nothing(self) -> None:
        text = Text(render_patient(letter(""))).text
        assert "Nothing in your record points to one place yet." in text

    def test_a_red_flag_sends_to_the_doctor(self) -> None:
        page = render_patient(letter("alerts: [{what: tumour, present: true}]"))
        assert "Please speak with your doctor soon" in page
        assert "tumour" not in Text(page).text

    @pytest.mark.parametrize(
        ("instrument", "before", "after", "word"),
        [
            ("ODI", 50, 50, "the same as before"),
            ("ODI", 40, 56, "worse than before"),
            ("ODI", 56, 14, "clearly better than before"),
            ("ODI", 60, 51, "better than before; how much"),
            ("ODI", 50, 48, "a little better than before"),
        ],
    )
    def test_changes_become_words(self, instrument: str, before: int, after: int, word: str) -> None:
        rows = ", ".join(
            f"{{instrument: {instrument}, value: {value}, when: {{months: {months}}}}}"
            for months, value in enumerate((before, after))
        )
        assert plain_letter(letter(f"scores: [{rows}]"))["scores"][0]["word"].startswith(word)

    def test_every_instrument_has_a_name_for_people(self) -> None:
        assert set(SCORES) >= {one.instrument for one in SCALES}

    def test_each_thing_is_said_once(self, index_letter: dict[str, Any]) -> None:
        for lines in patient_lines(plain_letter(index_letter)).values():
            assert len(set(lines)) == len(lines)


def test_the_picture_shows_ranges_and_shares(index_letter: dict[str, Any]) -> None:
    rows = index_letter["differential"]["diagnoses"]
    svg = differential_svg(rows)
    assert svg == differential_svg(rows)
    assert svg.count("<circle") == sum(1 for row in rows if row["posterior"]["value"] is not None) == 2
    assert "ischiofemoral impingement, side not stated" in svg
    assert BAD not in differential_svg([rows[0] | {"words": BAD}])

"""The page: self-contained, escaped, complete, repeatable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from ischio import phantoms
from ischio.io.documents import packaged_document, parse_document
from ischio.record import case_from_document, summary_dict
from ischio.report import views
from ischio.report.html import render_report
from ischio.report.words import GAP_SENTENCE, MODEL_SENTENCE
from ischio.study.as_dict import DISCLAIMER, to_dict
from ischio.types import Pelvis, Pose, Side, Study

MakeStudy = Callable[..., Study]
LARGEST_PAGE = 3_500_000  # bytes: still an e-mail attachment
NASTY = "<script>alert('x')</script> & \"quoted\" <img src=x onerror=y>"
VOID = frozenset("meta link img br hr input col".split())
LOADS = frozenset("src srcset data action formaction poster background ping".split())


class Page(HTMLParser):
    """Tags, attributes and visible text of a page; every element must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)


def render(study: Study) -> str:
    return render_report(study, to_dict(study))


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words do not depend on the size of pictures; one page below is made in full size."""
    monkeypatch.setattr(views, "PICTURE_PX", 60)


@pytest.fixture(scope="module")
def html(make_study: MakeStudy) -> str:
    return render(make_study())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_page_asks_for_nothing_outside(html: str, page: Page) -> None:
    assert not {"script", "link", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in LOADS
        if name in ("href", "xlink:href"):
            assert value.startswith(("data:image/png;base64,", "#"))
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in html  # and the browser is told to refuse
    assert len(html.encode()) < LARGEST_PAGE


def test_same_study_same_page(make_study: MakeStudy) -> None:
    assert render(make_study()) == render(make_study())


def test_research_use_is_said_first_and_last(page: Page) -> None:
    assert page.text.index(DISCLAIMER) < page.text.index("Summary")
    assert page.text.rindex(DISCLAIMER) > page.text.index("References")


def test_headlines_have_value_sigma_part_and_posture(page: Page) -> None:
    summary = page.text[page.text.index("Summary") : page.text.index("In the pictures")]
    for wanted in (
        "Right hip 12.0 mm",
        "Left hip 9.0 mm",
        "Sigma",
        "tuberosity of the ischium",
        "as supplied",
    ):
        assert wanted in summary
    assert GAP_SENTENCE in summary
    assert MODEL_SENTENCE not in page.text


def test_pictures_have_alternative_text_with_unique_names(page: Page) -> None:
    names = [value for name, value in page.attributes if name == "id"]
    assert len(names) == len(set(names))
    labelled = [value for name, value in page.attributes if name == "aria-labelledby"]
    assert {part for value in labelled for part in value.split()} <= set(names)
    images = [value for name, value in page.attributes if name == "role"].count("img")
    described = [part for value in labelled for part in value.split() if part.endswith("-desc")]
    assert images == len(described) > 6  # three of the gap on each side, and those of the landmarks


def test_every_measurement_is_there_with_all_that_belongs_to_it(make_study: MakeStudy, page: Page) -> None:
    for row in to_dict(make_study())["measurements"]:
        for key in ("definition", "method", "reference", "evidence"):
            assert row[key] in page.text


def test_landmarks_regions_frames_and_surfaces_are_told(make_study: MakeStudy, page: Page) -> None:
    data = to_dict(make_study())
    for landmark in data["landmarks"]:
        assert landmark["method"] in page.text
    for hip in data["hips"]:
        assert all(f"{region['area_mm2']:.0f} mm²" in page.text for region in hip["regions"])
        assert all(name in page.text for name, matrix in hip["frames"].items() if matrix)
        assert all(reason in page.text for reason in hip["reasons"].values())
    for bone in data["bones"]:
        assert str(bone["n_faces"]) in page.text
        assert bone["source"] in page.text
    assert data["software"]["version"] in page.text
    assert "patient LPS" in page.text


def test_every_measure_that_was_taken_has_a_picture_or_says_where(make_study: MakeStudy) -> None:
    study = make_study(phantoms.whole_pelvis())
    bodies = re.findall(r'<tr class="name">.*?</tbody>', render(study), re.DOTALL)
    taken = [body for body in bodies if "<strong>Not measured" not in body]
    assert len(taken) > 20
    assert [body[:80] for body in taken if "<svg" not in body and "<dt>Picture</dt>" not in body] == []


def test_figures_of_a_landmark_fold_away_but_doubts_do_not(make_study: MakeStudy) -> None:
    study = make_study()
    hip = study.pelvis.left
    assert hip is not None
    tip = hip.landmarks["lesser_trochanter_tip"]
    detail = {**tip.detail, "height_mm": 5.8, "doubt": [f"flat {NASTY}"]}
    marks = {**hip.landmarks, tip.name: replace(tip, detail=detail)}
    html = render(replace(study, pelvis=replace(study.pelvis, left=replace(hip, landmarks=marks))))
    folded = re.findall(r"<details>.*?</details>", html, re.DOTALL)
    assert any("height: 5.8 mm" in part for part in folded)
    assert '<p class="reason">flat &lt;script&gt;' in html
    assert "details { display: none; }" in html.partition("@media print")[2]


def test_a_single_warning_stands_once_and_in_full(make_study: MakeStudy) -> None:
    short, long = "the tip may lie anywhere", "far " * 100
    assert Page(render(make_study(warnings=(short,)))).text.count(short) == 1
    assert Page(render(make_study(warnings=(long,)))).text.count(long.strip()) == 1
    assert Page(render(make_study(warnings=(short, long)))).text.count(short) == 2


def test_pose_is_given_with_its_zeros(make_study: MakeStudy) -> None:
    hip = replace(phantoms.hip(Side.LEFT), poses=(Pose(-3.0, 4.5, 6.0, "app", "pca"),))
    text = Page(render(make_study(Pelvis(hip, None, None, {}, {})))).text
    for wanted in ("-3.0°", "4.5°", "6.0°", "anterior pelvic plane vertical", "posterior condyles"):
        assert wanted in text


def test_references_are_those_of_values_alone(make_study: MakeStudy) -> None:
    hip = phantoms.hip(Side.LEFT)
    study = make_study(Pelvis(replace(hip, hip_bone=None, regions={}), None, None, {}, {}))
    text = Page(render(study)).text
    listed = text[text.rindex("References") :]
    for row in study.measurements:
        assert (f"{row.reference} (" in listed) == any(
            other.value is not None for other in study.measurements if other.reference == row.reference
        )


def test_what_was_not_measured_says_why(make_study: MakeStudy) -> None:
    hip = replace(
        phantoms.hip(Side.LEFT),
        hip_bone=None,
        regions={},
        reasons={"lesser_trochanter": "the femur ends above it"},
    )
    study = make_study(Pelvis(hip, None, None, {}, {}, {"right": "no right femur in the folder"}))
    text = Page(render(study)).text
    assert text.count("Not measured: left lesser trochanter is missing: the femur ends above it") >= 2
    assert "Right hip Not measured: no right femur in the folder" in text
    assert "Along the gap, not drawn: left lesser trochanter is missing" in text


def test_a_side_not_asked_for_is_said(make_study: MakeStudy) -> None:
    study = make_study(phantoms.pelvis(right_gap_mm=None))
    rows = tuple(row for row in study.measurements if row.side is not Side.RIGHT)
    text = Page(render(replace(study, measurements=rows))).text
    assert "Right hip Not measured: this side was not asked for" in text


def test_nothing_at_all_is_still_a_page(make_study: MakeStudy) -> None:
    text = Page(render(make_study(Pelvis(None, None, None, {}, {}), measurements=()))).text
    assert "no measure was run" in text
    assert "No hip was assessed" in text


def test_no_surface_no_picture(make_study: MakeStudy) -> None:
    hip = replace(phantoms.hip(Side.LEFT), femur=None, hip_bone=None, landmarks={}, regions={})
    assert (
        "Not drawn: no bone of this hip was read"
        in Page(render(make_study(Pelvis(hip, None, None, {}, {})))).text
    )


def test_texts_from_files_are_escaped(make_study: MakeStudy) -> None:
    hip = phantoms.hip(Side.LEFT)
    assert hip.femur is not None
    femur = replace(hip.femur, source=NASTY.replace("/", ""), repairs=(NASTY,))
    hip = replace(hip, femur=femur, reasons={NASTY: NASTY})
    study = make_study(
        Pelvis(hip, None, None, {}, {}), case_id=NASTY, notes=(NASTY,), warnings=(NASTY, NASTY)
    )
    study = replace(study, settings={"axes": "LPS", NASTY: NASTY})
    page = Page(render(study))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.text.count(NASTY) > 6  # as words


def test_model_posture_is_no_patient(make_study: MakeStudy) -> None:
    text = Page(render(make_study(phantoms.pelvis(posture="model")))).text
    assert text.count(MODEL_SENTENCE) == 3  # above all, and beside the pictures of each hip
    assert "Posture: model posture" in text


def test_contact_is_bone_contact_never_impingement(make_study: MakeStudy) -> None:
    text = Page(render(make_study(phantoms.pelvis(left_gap_mm=0.0)))).text
    assert "Bone contact of lesser trochanter and" in text


def test_unknown_axes_are_said(make_study: MakeStudy) -> None:
    study = make_study(settings={"axes": "unknown"})
    text = Page(render(study)).text
    assert "Patient axes are unknown" in text
    assert "axes of the input" in text
    assert "y to the back" not in text


def test_numbers_come_from_the_dictionary(make_study: MakeStudy) -> None:
    """The page repeats what is in study.json, also where a later step has changed it."""
    study = make_study()
    data: dict[str, Any] = to_dict(study)
    rows: list[dict[str, Any]] = data["measurements"]
    data["measurements"] = [row | {"value": 3.25} if row["value"] is not None else row for row in rows]
    assert "Right hip 3.2 mm" in Page(render_report(study, data)).text


def test_a_record_is_told(make_study: MakeStudy) -> None:
    """Scores, thresholds, conflicts and the timeline; without a record there is no such section."""
    case = case_from_document(packaged_document("index-case"))
    study = make_study(record=summary_dict(case))
    page = render_report(study, to_dict(study))
    for text in (
        "Clinical record",
        "87/91",
        "7/50",
        "change -42",
        "C8, mechanism at a fused level.",
        "<svg xmlns",
    ):
        assert text in page
    assert "Clinical record" not in render_report(make_study(), to_dict(make_study()))


def test_texts_of_a_record_are_escaped(make_study: MakeStudy) -> None:
    bad = "<script>alert(1)</script>"
    text = f"schema_version: 1\ncase_id: c\nblocks: [{{target: '{bad}'}}]\nimplants: [{{what: '{bad}'}}]\n"
    text += f"operations: [{{what: '{bad}', when: {{months: 1}}}}]\n"
    text += "scores:\n  - {instrument: ODI, items: {odi_01: 1}}\n"
    text += "  - {instrument: mHHS, side: left, items: {mhhs_limp: 5}}\n"
    text += "alerts: [{what: tumour, present: true}]\n"
    study = make_study(record=summary_dict(case_from_document(parse_document("c.yaml", text))))
    page = render_report(study, to_dict(study))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 3
    assert "<strong>Stop:</strong> tumour" in page
    assert "not scored: 1 of 8 items answered, 8 needed" in page

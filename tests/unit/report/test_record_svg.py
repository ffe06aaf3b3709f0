"""The timeline as a picture: what is drawn, where, and that text from files is escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from ischio.io.documents import packaged_document, parse_document
from ischio.record import case_from_document, score_dict, timeline_dict
from ischio.report.record_svg import timeline_svg

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ET.Element:
    case = case_from_document(parse_document("c.yaml", f"schema_version: 1\ncase_id: c\n{text}"))
    return ET.fromstring(timeline_svg(timeline_dict(case), score_dict(case)))


def words(svg: ET.Element) -> list[str]:
    return [str(one.text) for one in svg.iter(f"{SPACE}text")]


def published() -> ET.Element:
    case = case_from_document(packaged_document("index-case"))
    return ET.fromstring(timeline_svg(timeline_dict(case), score_dict(case)))


def test_operations_scores_and_band_of_the_published_case() -> None:
    svg = published()
    said = words(svg)
    for text in ("lesser trochanter resection, left", "95.7, left", "100, right", "14", "ODI", "mHHS"):
        assert text in said
    assert "published satisfactory states 77.5 to 85.5" in said  # verified ones alone
    assert any(text.startswith("without a date: lumbar fusion; sacroiliac fusion, left;") for text in said)
    circles = list(svg.iter(f"{SPACE}circle"))
    assert len(circles) == 4  # person and left hip; the right hip has squares
    assert sum(one.get("fill") == "#ffffff" for one in circles) == 2  # before the operation, no date


def test_everything_lies_within_the_picture() -> None:
    svg = published()
    _, _, width, height = map(float, str(svg.get("viewBox")).split())
    for kind, x, y in (("text", "x", "y"), ("circle", "cx", "cy"), ("line", "x2", "y2")):
        for one in svg.iter(f"{SPACE}{kind}"):
            assert 0 <= float(one.get(x, "-1")) <= width
            assert 0 <= float(one.get(y, "-1")) <= height


def test_later_is_further_to_the_right_and_better_is_told() -> None:
    svg = drawn(
        "scores: [{instrument: pain NRS, value: 8, when: {months: 0}}, {instrument: pain NRS, value: 2, "
        "when: {months: 6}}, {instrument: pain NRS, value: 5, when: {months: 3}}]"
    )
    points = sorted(
        (float(one.get("cx", "")), float(one.get("cy", ""))) for one in svg.iter(f"{SPACE}circle")
    )
    (x0, y0), (x3, y3), (x6, y6) = points
    assert x3 - x0 == x6 - x3
    assert y0 < y3 < y6  # ten is on top
    assert "lower is better" in words(svg)
    assert "10" in words(svg)


def test_an_empty_record_is_still_a_picture() -> None:
    assert words(drawn("")) == ["operations", "0", "1", "no date", "months from the zero"]


def test_a_long_life_has_few_ticks() -> None:
    svg = drawn(
        "operations: [{what: o, side: left, when: {months: 0}}, {what: p, side: left, when: {months: 900}}]"
    )
    assert 2 <= sum(text.isdigit() for text in words(svg)) <= 14


def test_text_from_files_is_escaped() -> None:
    text = 'operations: [{what: "<script>&", side: none, when: {months: 1}}]\nzero: {words: "<b>"}'
    assert "<script>&" in words(drawn(text))


def test_equal_records_give_equal_text() -> None:
    case = case_from_document(packaged_document("index-case"))
    one, other = (timeline_svg(timeline_dict(case), score_dict(case)) for _ in range(2))
    assert one == other


def test_a_score_that_was_not_reached_is_not_drawn() -> None:
    svg: Any = drawn("scores: [{instrument: mHHS, side: left, items: {mhhs_limp: 5}, when: {months: 1}}]")
    assert list(svg.iter(f"{SPACE}circle")) == []

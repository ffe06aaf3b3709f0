"""The report's part on motion: curves, maps, animation."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms, study
from ischio.motion import MotionSettings, average_cycle, move, whole
from ischio.report.html import render_report
from ischio.report.motion_gif import FRAME_MS, SIZE_PX, colour_of, gait_gif
from ischio.report.motion_page import levels_words, motion_page
from ischio.report.motion_svg import map_svg
from ischio.types import Side

SMALL = ((-20.0, 5.0, 1.0), (-6.0, 6.0, 2.0), (-10.0, 10.0, 5.0))


@pytest.fixture(scope="module")
def moved():
    """Phantom hips in motion, with small maps."""
    pelvis = phantoms.pelvis(right_gap_mm=12.0, left_gap_mm=3.0)
    cycles = {side: replace(average_cycle(side), rotation_zero="pca") for side in Side}
    with pytest.MonkeyPatch.context() as patch:
        real = whole.motion_map
        patch.setattr(whole, "motion_map", lambda hip, jobs: real(hip, *SMALL, jobs=jobs))
        return pelvis, move(pelvis, MotionSettings(cycles=cycles, fused=("L4-L5",)))


@pytest.fixture(scope="module")
def page(moved, make_study) -> str:
    """The whole report."""
    whole_study = make_study(moved[0], motion=moved[1].sections)
    return render_report(whole_study, study.to_dict(whole_study))


@pytest.fixture(scope="module")
def data(moved, make_study):
    """The study as plain values."""
    return study.to_dict(make_study(moved[0], motion=moved[1].sections))


def test_the_report_has_its_sentences_and_sections(page: str) -> None:
    for words in (
        "Bone only: real hips stop near 10-20 degrees from soft tissue; the grey area is not reachable.",
        "it does not diagnose impingement",
        "In motion: examinations",
        "In motion: limits",
        "In motion: walking",
        "Hip and spine",
        "L4-L5",
        "cannot hold there",
        "26 shape-model people",
        "not examined",
    ):
        assert words in page
    part = page[page.index('aria-labelledby="motion"') : page.index('aria-labelledby="surfaces"')]
    assert "positive" not in part.lower()


def test_without_motion_there_is_no_section(make_study) -> None:
    plain = make_study()
    assert "In motion" not in render_report(plain, study.to_dict(plain))
    assert motion_page(study.to_dict(plain)) is None


def test_every_picture_is_whole_and_told(data) -> None:
    found = motion_page(data)
    assert found is not None
    pictures = [one.svg for one in found.examinations]
    pictures += [svg for svg, _ in found.gait]
    for one in found.maps:
        pictures += [one.extension_svg, one.contact_svg]
    assert len(pictures) >= 10
    for text in pictures:
        root = ET.fromstring(text)
        assert root.attrib["role"] == "img"
        assert root[0].tag.endswith("title")
        assert "nan" not in text


def test_the_curve_is_dashed_behind_the_contact(data) -> None:
    found = motion_page(data)
    assert found is not None
    adducted = next(one for one in found.examinations if one.rows[0]["path"] == "ifi_test_adducted")
    assert adducted.svg.count("<circle") == sum(row["bone_contact"] for row in adducted.rows) > 0
    apart = next(one for one in found.examinations if one.rows[0]["path"] == "ifi_test_abducted")
    assert apart.svg.count("<circle") == 0


def test_a_map_is_grey_where_soft_tissue_comes_first() -> None:
    row = {
        "side": "left",
        "adduction_deg": [0.0, 1.0],
        "internal_rotation_deg": [0.0, 1.0],
        "extension_deg": [[-2, 3], [20, -1]],
        "ended_by": [[0, 0], [4, -1]],
    }
    import base64
    import re

    from PIL import Image

    text = map_svg(row, 10.0, "extension")
    data = base64.b64decode(re.search(r"base64,([^\"]+)", text)[1])  # type: ignore[index]
    rgb = np.array(Image.open(io.BytesIO(data)))[2::4, 2::4]
    # The first row of the picture is the largest adduction.
    assert rgb[0, 0].tolist() == rgb[0, 1].tolist() == [0xC9, 0xCE, 0xD3]
    assert rgb[1, 0].tolist() == [0x2B, 0x2F, 0x33]
    assert rgb[1, 1].tolist() not in (rgb[0, 0].tolist(), rgb[1, 0].tolist())


def test_levels_in_words() -> None:
    levels = [{"clearance_mm": 5.0, "angle_deg": None}, {"clearance_mm": 10.0, "angle_deg": None}]
    assert levels_words({"levels": levels, "angle_deg": [0.0]}) == "More than 10 mm throughout."


def test_the_animation_runs_through_the_cycle(moved) -> None:
    from PIL import Image

    pelvis, motion = moved
    row = motion.sections["gait"]["hips"][1]
    data = gait_gif(pelvis.left, row)
    assert data == gait_gif(pelvis.left, row)  # the same bytes every time
    picture = Image.open(io.BytesIO(data))
    assert picture.size[0] == SIZE_PX
    assert 20 <= picture.n_frames <= 26
    assert picture.info["duration"] == FRAME_MS
    assert picture.info["loop"] == 0


def test_nearer_is_redder() -> None:
    red = [colour_of(gap)[0] - colour_of(gap)[2] for gap in (-1.0, 0.0, 10.0, 20.0, 30.0, 50.0)]
    assert red == sorted(red, reverse=True)


def test_every_picture_has_a_name(page: str) -> None:
    pictures = re.findall(r"<(?:svg|img)\b[^>]*>(?:(?!</svg>).){0,300}", page, re.DOTALL)
    seen = [one for one in pictures if "aria-hidden" not in one.split(">")[0]]
    assert len(seen) > 10
    unnamed = [one[:120] for one in seen if not re.search(r'aria-label|alt="[^"]|<title', one)]
    assert not unnamed

"""Published values beside measurements: shown where comparable, in words, never a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ischio import phantoms
from ischio.evidence import evidence
from ischio.measures import REGISTRY, run, with_bands
from ischio.types import Measurement, Pelvis, Pose, Side


@pytest.fixture(scope="module")
def pelvis() -> Pelvis:
    return phantoms.whole_pelvis(app_tilt_deg=0.0)


def rows_of(pelvis: Pelvis, name: str, **known: Any) -> list[Mapping[str, Any]]:
    (one,) = (one for one in REGISTRY if one.name == name)
    (row,) = with_bands(
        run(pelvis, (Side.LEFT,), [one]), pelvis, **({"sex": None, "age_years": None} | known)
    )
    return list(row.comparisons)


def test_every_band_is_of_a_measure_and_says_where_from() -> None:
    names = {one.name for one in REGISTRY}
    for band in evidence().bands:
        assert band.measure in names
        assert band.source
        assert band.population
        assert band.mark in ("V", "V2", "D", "K")
        assert band.mean is not None or band.low is not None or band.high is not None
        assert band.sd is None or band.mean is not None
        assert bool(band.range_is) == (band.low is not None or band.high is not None)


def test_measures_without_evidence_have_no_band() -> None:
    with_band = {band.measure for band in evidence().bands}
    assert not with_band & {"ischial_angle", "intertuberous_distance", "femoral_version_index_case"}
    assert "ischiofemoral_space_3d" not in with_band  # nobody published the shortest distance in 3-D


def test_no_word_of_any_band_is_a_verdict(pelvis: Pelvis) -> None:
    for row in with_bands(run(pelvis, tuple(Side)), pelvis, sex=None, age_years=None):
        for one in row.comparisons:
            for verdict in ("abnormal", "pathological", "positive", "impingement", "too "):
                assert verdict not in one["words"]


def test_words_say_where_a_value_lies(pelvis: Pelvis) -> None:
    murphy = rows_of(pelvis, "femoral_version_murphy")  # 15 degrees on the phantom
    assert [one["words"] for one in murphy][:2] == ["0.7 SD below the mean", "0.9 SD above the mean"]
    (median, *_) = rows_of(pelvis, "femoral_version_isthmus_3d")
    assert median["words"] == "0.8 above the median; within the middle half"


def test_without_a_sex_both_are_shown_and_with_one_only_that(pelvis: Pelvis) -> None:
    assert [one["sex"] for one in rows_of(pelvis, "neck_shaft_angle")] == [None, "f", "m"]
    assert [one["sex"] for one in rows_of(pelvis, "neck_shaft_angle", sex="m")] == [None, "m"]


def test_age_leaves_out_sources_of_other_ages(pelvis: Pelvis) -> None:
    grown = rows_of(pelvis, "femoral_version_murphy", age_years=41.0)
    child = rows_of(pelvis, "femoral_version_murphy", age_years=9.0)
    assert all(one["shown"] for one in grown)
    assert {one["words"] for one in child} == {"not compared: the source is of adults"}
    (old, *_) = rows_of(pelvis, "acetabular_version_central", sex="f", age_years=60.0)
    assert old["words"] == "not compared: the source is of 16 to 40 years"


def test_childrens_space_grows_with_age(pelvis: Pelvis) -> None:
    (child,) = (one for one in rows_of(pelvis, "ischiofemoral_space_axial", age_years=10.0) if one["shown"])
    assert child["mean"] == pytest.approx(3.451 + 11.78)
    unknown = rows_of(pelvis, "ischiofemoral_space_axial")[-1]
    assert unknown["words"] == "not compared: it is for children, and no age is known"


@pytest.mark.parametrize(
    ("pose", "shown"),
    [
        (Pose(4.9, -4.9, 4.9, "app", "pca"), True),
        (Pose(5.1, 0.0, 0.0, "app", "pca"), False),
        (Pose(0.0, 0.0, -9.0, "app", "pca"), False),
        (Pose(0.0, 0.0, 0.0, "isb", "tea"), False),  # the wrong zeros say nothing
    ],
)
def test_a_gap_is_compared_only_near_standing(pelvis: Pelvis, pose: Pose, shown: bool) -> None:
    assert pelvis.left is not None
    posed = replace(pelvis, left=replace(pelvis.left, poses=(pose,)))
    rows = rows_of(posed, "ischiofemoral_space_axial", age_years=40.0)
    assert {one["shown"] for one in rows if one["ages"] is None} == {shown}


def test_the_models_posture_is_never_compared(pelvis: Pelvis) -> None:
    assert pelvis.left is not None
    model = replace(pelvis, left=replace(pelvis.left, posture="model"))
    rows = rows_of(model, "ischiofemoral_space_axial", age_years=40.0)
    assert not any(one["shown"] for one in rows)


def test_films_are_compared_only_where_the_tilt_changes_little() -> None:
    near = rows_of(phantoms.whole_pelvis(app_tilt_deg=0.5), "lateral_centre_edge_angle")
    far = rows_of(phantoms.whole_pelvis(app_tilt_deg=25.0), "lateral_centre_edge_angle")
    assert all(one["shown"] for one in near)
    assert not any(one["shown"] for one in far)
    assert "in which this is" in far[0]["words"]


def test_films_are_not_compared_without_a_vertical() -> None:
    pelvis = phantoms.whole_pelvis()
    assert pelvis.left is not None
    frames = {name: one for name, one in pelvis.left.frames.items() if name != "scanner_from_patient"}
    lost = replace(pelvis, left=replace(pelvis.left, frames=frames))
    (first, *_) = rows_of(lost, "lateral_centre_edge_angle")
    assert first["words"].endswith("which is not known here")


def test_what_was_not_measured_is_not_compared(pelvis: Pelvis) -> None:
    row: Measurement
    for row in with_bands(run(phantoms.pelvis(), tuple(Side)), pelvis, sex=None, age_years=None):
        if row.value is None:
            assert row.comparisons == ()

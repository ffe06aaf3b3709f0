"""All of motion for one person: plain values that fit the schema, and reasons for what is missing."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache

import jsonschema
import numpy as np
import pytest

from ischio import phantoms, study
from ischio.motion import Motion, MotionSettings, average_cycle, move
from ischio.motion.spine import fused_parts
from ischio.study.maps import maps_bytes
from ischio.types import Side, Study

BOTH = tuple(Side)


def settings(**more) -> MotionSettings:
    """Settings whose cycles have a zero that phantoms have."""
    cycles = {side: replace(average_cycle(side), rotation_zero="pca") for side in Side}
    return MotionSettings(**{"cycles": cycles, "with_map": False, **more})


@cache
def moved() -> Motion:
    """Two phantom hips in motion, once."""
    fused = fused_parts(["L4-S1", "sacroiliac_right"])
    given = settings(fused=fused, passive_extension_deg={Side.LEFT: 2.0})
    return move(phantoms.pelvis(right_gap_mm=12.0, left_gap_mm=3.0), given)


def of(motion: Motion | None = None) -> Study:
    """A study of phantoms with their motion."""
    pelvis = phantoms.pelvis(right_gap_mm=12.0, left_gap_mm=3.0)
    rest = {
        "axes": "LPS",
        "sides": ["right", "left"],
        "sex": None,
        "age_years": None,
        "posture": "as_supplied",
    }
    sections = None if motion is None else motion.sections
    return Study("case", pelvis, (), (), rest, motion=sections)


def test_the_sections_fit_the_schema() -> None:
    plain = json.loads(study.to_json(of(moved())))
    jsonschema.validate(plain, study.schema(), jsonschema.Draft202012Validator)
    schema = study.schema()["$defs"]
    assert set(schema["finding"]["properties"]) == set(plain["examinations"]["findings"][0])
    assert set(schema["limit"]["properties"]) == set(plain["limits"]["limits"][0])
    for name in ("examinations", "limits", "gait", "spine"):
        assert name in plain
        assert name not in study.to_dict(of())


def test_both_sides_are_there_and_what_phantoms_lack_is_said() -> None:
    found = moved().sections
    assert {row["side"] for row in found["examinations"]["findings"]} == {"left", "right"}
    assert "fadir_10" in found["examinations"]["reasons"]["left"]
    assert "neck:acetabular_rim_front" in found["limits"]["reasons"]["right"]
    assert [row["side"] for row in found["gait"]["hips"]] == ["right", "left"]
    assert [row["side"] for row in found["spine"]["hips"]] == ["right", "left"]
    assert found["limits"]["maps"] == []


def test_the_soft_tissue_of_each_side_and_the_fusion_reach_the_spine() -> None:
    right, left = moved().sections["spine"]["hips"]
    assert left["soft_tissue"] == {
        "extension_deg": 2.0,
        "measured": True,
        "source": "measured passive extension of this person",
    }
    assert right["soft_tissue"]["measured"] is False
    assert all(row["limit_deg"] <= 2.0 for row in left["deficits"])
    for hip in (right, left):
        lumbar = hip["scenarios"][0]
        parts = {part["what"]: part["high"] for part in lumbar["parts"]}
        assert parts["L4-L5"] == parts["L5-S1"] == 0
    assert {part["what"] for part in right["scenarios"][0]["parts"]} >= {"sacroiliac_right"}
    assert moved().sections["spine"]["fused"] == ["L4-L5", "L5-S1", "sacroiliac_right"]


def test_a_deficit_is_demand_less_limit() -> None:
    for hip in moved().sections["spine"]["hips"]:
        for row in hip["deficits"]:
            assert row["deficit_deg"] == pytest.approx(
                max(0, row["demand_deg"] - row["limit_deg"]), abs=0.011
            )
        names = [row["what_if"] for row in hip["what_ifs"]]
        assert names[:4] == [
            "as it is",
            "shorter strides (0.8)",
            "longer strides (1.2)",
            "10 degrees more abduction",
        ]


def test_a_recorded_cycle_is_not_ranked_among_people_who_walked_otherwise() -> None:
    cycles = {
        side: replace(average_cycle(side), rotation_zero="pca", source="table walk.csv; 3 cycles")
        for side in Side
    }
    found = move(phantoms.pelvis(), settings(cycles=cycles)).sections["gait"]["hips"][0]
    assert found["is_average"] is False
    assert found["percentile"] is None
    assert moved().sections["gait"]["hips"][0]["percentile"] is not None


def test_a_hip_that_cannot_be_walked_is_still_examined() -> None:
    found = move(phantoms.pelvis(right_gap_mm=None), MotionSettings(with_map=False)).sections
    assert "epicondyles" in found["gait"]["reasons"]["left"]  # the average cycle's zero
    assert len(found["examinations"]["findings"]) > 0
    assert found["spine"]["hips"][0]["deficits"][0]["demand"].startswith("young adults")


def test_a_hip_without_frames_says_why_everywhere() -> None:
    pelvis = phantoms.pelvis(right_gap_mm=None)
    assert pelvis.left is not None
    bare = replace(pelvis, left=replace(pelvis.left, frames={}, reasons={"pelvis_app_from_patient": "half"}))
    found = move(bare, settings()).sections
    assert found["examinations"]["findings"] == []
    assert "half" in found["spine"]["reasons"]["left"]
    assert "half" in found["limits"]["reasons"]["left"]["all"]
    assert "left" in found["gait"]["reasons"]


def test_maps_are_packed_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from ischio.motion import whole

    small = ((-5.0, 5.0, 1.0), (-4.0, 4.0, 2.0), (-5.0, 5.0, 5.0))
    real = whole.motion_map
    monkeypatch.setattr(whole, "motion_map", lambda hip, jobs: real(hip, *small, jobs=jobs))
    found = move(phantoms.pelvis(right_gap_mm=None), settings(with_map=True))
    (row,) = found.sections["limits"]["maps"]
    assert len(row["extension_deg"]) == 5
    assert len(row["extension_deg"][0]) == 3
    with np.load(io.BytesIO(maps_bytes(found.maps))) as content:
        assert content["left_gap_mm"].shape == content["left_reachable"].shape == (11, 5, 3)
        assert content["left_blocked_by"].dtype == np.int8
        assert content["pairs"][0] == "lesser_trochanter:ischium"
        assert content["flexion_deg"].tolist() == list(range(-5, 6))

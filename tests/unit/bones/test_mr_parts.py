"""Parts of a laid bone whose outline is on no edge are said, with a sigma."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.atlas.parts import part_model
from ischio.bones.mr_parts import LEAST_SHOWN, TOUCHES, parts_of, read_unsure, unsure_parts
from ischio.bones.quality import bone_findings
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.types import Bone, Frame, Side


@pytest.mark.parametrize("name", ["femur", "hip_bone"])
def test_every_part_is_said_that_shows_no_edge(name: str) -> None:
    model = part_model(name, Side.LEFT)
    n, none = len(model.mean_mm), np.zeros((0, 3))
    everywhere = np.ones(n, dtype=bool)
    blind = unsure_parts(name, Side.LEFT, model, model.mean_mm, np.full(n, np.nan), everywhere, none)
    assert {one.part for one in blind} == set(parts_of(name, Side.LEFT, model))
    assert all(one.share == 0 and one.sigma_mm == 3.0 for one in blind)
    assert unsure_parts(name, Side.LEFT, model, model.mean_mm, np.zeros(n), everywhere, none) == []
    # What lies outside the scan is the field of view's finding.
    assert unsure_parts(name, Side.LEFT, model, model.mean_mm, np.full(n, np.nan), ~everywhere, none) == []


def test_marked_points_make_a_part_sure() -> None:
    model = part_model("hip_bone", Side.RIGHT)
    n = len(model.mean_mm)
    part = parts_of("hip_bone", Side.RIGHT, model)["ischium"]
    marked = model.mean_mm[part][::10]
    found = unsure_parts(
        "hip_bone", Side.RIGHT, model, model.mean_mm, np.full(n, np.nan), np.ones(n, dtype=bool), marked
    )
    assert [one.part for one in found] == ["socket"]


def test_tendon_may_pass_for_the_ischium_where_marrow_is_dark() -> None:
    model = part_model("hip_bone", Side.LEFT)
    n = len(model.mean_mm)
    given = (model, model.mean_mm, np.zeros(n), np.ones(n, dtype=bool), np.zeros((0, 3)))
    (one,) = unsure_parts("hip_bone", Side.LEFT, *given, is_dark=True)
    assert (one.part, one.sigma_mm) == ("ischium", 4.0)


def test_a_bone_carries_it_to_quality_control() -> None:
    model = part_model("femur", Side.LEFT)
    n = len(model.mean_mm)
    away = np.where(parts_of("femur", Side.LEFT, model)["lesser trochanter"], np.nan, 0.0)
    (one,) = unsure_parts(
        "femur", Side.LEFT, model, model.mean_mm, away, np.ones(n, dtype=bool), np.zeros((0, 3))
    )
    assert read_unsure(one.repair) == one
    assert read_unsure("cut by the field of view: 50 % of the model's surface kept") is None
    frame = Frame("patient", "as_supplied")
    repairs = ("fitted to 4 marked points (middle distance 1.0 mm)", one.repair)
    bone = Bone("femur", Side.LEFT, model.mean_mm, model.faces, frame, 5.0, "made", repairs, 2.0)
    doubt = next(row for row in bone_findings([bone]) if row.kind == "fit" and row.verdict == "doubt")
    assert doubt.sigma_mm == one.sigma_mm
    assert "lesser_trochanter" in doubt.touches
    assert one.share < LEAST_SHOWN


def test_what_parts_touch_is_known() -> None:
    regions = {"lesser_trochanter", "ischium", "acetabular_rim", "lunate_surface", "lesser_trochanter_base"}
    assert {name for names in TOUCHES.values() for name in names} <= set(LANDMARK_BONES) | regions

"""What quality control found reaches the numbers it touches, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio.bones.quality import QualityFinding
from ischio.measures import REGISTRY, run
from ischio.study.doubt import HEAD_OFF_MM, MODEL_RMS_MM, carried, hip_findings
from ischio.types import Landmark, Side

GAP, HEAD = "ischiofemoral_space_3d", "femoral_head_radius"


def finding(**changes: object) -> QualityFinding:
    basis = QualityFinding("metal", "left femur", Side.LEFT, "doubt", "left femur: metal", sigma_mm=1.5)
    return replace(basis, **changes)  # type: ignore[arg-type]


def rows(found: QualityFinding) -> dict[tuple[str, Side | None], object]:
    pelvis = phantoms.pelvis()
    measured, _ = carried(run(pelvis, tuple(Side)), pelvis, [found])
    return {(row.name, row.side): row for row in measured}


def test_doubt_widens_sigma_on_its_side_alone() -> None:
    pelvis = phantoms.pelvis()
    before = run(pelvis, tuple(Side))
    after, (said,) = carried(before, pelvis, [finding(touches=("lesser_trochanter",))])
    resting = {one.name for one in REGISTRY if "lesser_trochanter" in one.needs}
    for old, new in zip(before, after, strict=True):
        if old.value is None or (old.side is None and old.name not in (GAP, HEAD)):
            continue
        is_hit = old.name in resting and old.side is Side.LEFT
        assert ("doubt" in new.detail) == is_hit
        if is_hit and old.name == GAP:
            assert old.sigma is not None
            assert new.sigma == pytest.approx(np.hypot(old.sigma, 1.5))
            assert new.value == old.value
            assert new.detail["doubt"] == ["left femur: metal"]
        elif not is_hit:
            assert new.sigma == old.sigma
    assert f"left {GAP}" in said["measures"]
    assert not any(name.startswith("right") for name in said["measures"])


def test_void_takes_the_value() -> None:
    after = rows(finding(verdict="void", touches=("femoral_head_centre",)))
    row = after[HEAD, Side.LEFT]
    assert row.value is None  # type: ignore[attr-defined]
    assert row.reason == "quality control: left femur: metal"  # type: ignore[attr-defined]
    assert after[HEAD, Side.RIGHT].value is not None  # type: ignore[attr-defined]


def test_a_note_changes_nothing() -> None:
    pelvis = phantoms.pelvis()
    before = run(pelvis, tuple(Side))
    after, (said,) = carried(before, pelvis, [finding(verdict="note", touches=("lesser_trochanter",))])
    assert list(after) == list(before)
    assert said["measures"]


def test_what_lies_near_is_touched() -> None:
    tip = phantoms.hip(Side.LEFT).point("lesser_trochanter_tip")
    near = rows(finding(points_mm=tip[None] + [0.0, 4.0, 0.0], near_mm=5.0))
    far = rows(finding(points_mm=tip[None] + [400.0, 0.0, 0.0], near_mm=5.0))
    assert "doubt" in near[GAP, Side.LEFT].detail  # type: ignore[attr-defined]
    assert "doubt" not in far[GAP, Side.LEFT].detail  # type: ignore[attr-defined]


def test_a_head_outside_its_socket_is_named() -> None:
    hip = phantoms.hip(Side.RIGHT)
    centre = hip.landmarks["acetabular_centre"]
    moved = Landmark(
        centre.name, centre.side, centre.point_mm + [0, 0, HEAD_OFF_MM + 0.5], centre.frame, 0.1, "x@1"
    )
    pelvis = phantoms.pelvis()
    assert hip_findings(pelvis) == ()
    off = replace(pelvis, right=replace(hip, landmarks={**hip.landmarks, "acetabular_centre": moved}))
    (found,) = hip_findings(off)
    assert (found.kind, found.value) == ("head_to_socket", pytest.approx(HEAD_OFF_MM + 0.5))


def test_a_bone_unlike_the_model_is_named() -> None:
    pelvis = phantoms.pelvis()
    assert pelvis.left is not None
    region = replace(pelvis.left.regions["ischium"], detail={"model_rms_mm": MODEL_RMS_MM + 1})
    left = replace(pelvis.left, regions={**pelvis.left.regions, "ischium": region})
    (found,) = hip_findings(replace(pelvis, left=left))
    assert (found.kind, found.touches, found.sigma_mm) == ("shape", ("ischium",), pytest.approx(1.0))

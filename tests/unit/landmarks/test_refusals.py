"""What is too little to bound a region or to find the sacrum says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio.landmarks.femur_regions import OTHER_REGIONS, femur_regions
from ischio.landmarks.findings import Findings
from ischio.landmarks.hip_regions import acetabular_regions
from ischio.landmarks.sacrum import MIDLINE_POINTS, sacrum_landmarks
from ischio.types import Bone, Side

Cut = Callable[[Bone, np.ndarray], Bone]


class TestSacrum:
    def test_a_sacrum_that_lies_elsewhere_is_refused(self, hip_bones: dict[Side, Findings]) -> None:
        """Of another pelvis, half as large again and below this one."""
        found = hip_bones[Side.LEFT]
        assert found.fit is not None
        middle = found.bone.vertices_mm.mean(axis=0)
        strange = 1.5 * (found.bone.vertices_mm - middle) * [1.0, 1.0, 0.4] + middle - [0, 0, 60.0]
        other = replace(found.bone, name="sacrum", vertices_mm=strange)
        marks, reasons = sacrum_landmarks((found.bone, other), found.fit)
        assert marks == {}
        why = "the sacrum does not lie between the hip bones as in any pelvis known"
        assert reasons == dict.fromkeys(MIDLINE_POINTS, why)

    def test_a_sacrum_without_its_top_is_told_by_each_point(
        self, hip_bones: dict[Side, Findings], cut: Cut
    ) -> None:
        found = hip_bones[Side.LEFT]
        assert found.fit is not None
        whole, _ = sacrum_landmarks((found.bone,), found.fit)
        level = min(whole[name].point_mm[2] for name in ("sacral_promontory", "sacral_centre")) - 15.0
        middle = whole["sacral_centre"].point_mm
        middles = found.bone.triangles_mm.mean(axis=1)
        gone = (np.abs(middles[:, 0] - middle[0]) < 45) & (middles[:, 2] > level)
        marks, reasons = sacrum_landmarks((cut(found.bone, ~gone),), found.fit)
        assert marks == {}
        assert reasons == dict.fromkeys(MIDLINE_POINTS, "the sacrum's surface does not reach it")


class TestSmallAreas:
    def test_a_socket_that_is_not_there_has_no_regions(self, hip_bones: dict[Side, Findings]) -> None:
        found = hip_bones[Side.LEFT]
        far = found.curves["acetabular_rim"].points_mm + 500.0
        socket = found.centre_mm + 500.0, 25.0
        regions, reasons = acetabular_regions(found.bone, Side.LEFT, far, np.array([1.0, 0, 0]), socket)
        assert regions == {}
        assert reasons == dict.fromkeys(("acetabular_rim", "lunate_surface"), "only 0 mm2 of it is there")

    @pytest.mark.parametrize("gone", ["intertrochanteric_crest", "greater_trochanter"])
    def test_a_region_that_is_sawn_off_has_a_reason(
        self, femora: dict[Side, Findings], cut: Cut, gone: str
    ) -> None:
        found = femora[Side.LEFT]
        assert found.fit is not None
        region = found.regions[gone]
        kept = np.ones(len(found.bone.faces), dtype=bool)
        kept[region.face_indices] = False
        bone = cut(found.bone, kept)
        place = np.cumsum(kept) - 1
        lesser = found.regions["lesser_trochanter"]
        moved = replace(lesser, face_indices=place[lesser.face_indices])
        axis = found.landmarks["shaft_axis_proximal"]
        shaft = axis.point_mm, np.array(axis.detail["direction"])
        back = found.fit.rotation[:, 1]
        regions, reasons = femur_regions(bone, Side.LEFT, found.landmarks, moved, shaft, back)
        assert gone not in regions
        assert "mm2 of it is there" in reasons[gone]

    def test_what_bounds_them_is_named_when_it_is_missing(self, femora: dict[Side, Findings]) -> None:
        found = femora[Side.LEFT]
        marks = {name: mark for name, mark in found.landmarks.items() if name != "femoral_head_centre"}
        shaft = np.zeros(3), np.array([0.0, 0, 1])
        lesser = found.regions["lesser_trochanter"]
        regions, reasons = femur_regions(found.bone, Side.LEFT, marks, lesser, shaft, np.array([0.0, 1, 0]))
        assert regions == {}
        assert reasons == dict.fromkeys(OTHER_REGIONS, "femoral head centre is missing")

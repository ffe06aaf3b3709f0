"""The three pictures of a hip: what is in them, and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import Array
from ischio.measures import run
from ischio.report import pictures
from ischio.report.drawing import Picture, Surface, draw
from ischio.report.pictures import TINTS, hip_pictures, legend
from ischio.report.raster import Camera
from ischio.types import Bone, Hip, Measurement, Pelvis, Side

LARGEST_PNG = 150_000  # bytes; six of them in a report stay far below 2.5 MB
NOTHING_FOUND: dict[str, Any] = {"landmarks": {}, "regions": {}, "frames": {}}


def gap_of(hip: Hip) -> Measurement:
    left, right = (hip if hip.side is side else None for side in (Side.LEFT, Side.RIGHT))
    rows = run(Pelvis(left, right, None, {}, {}), [hip.side])
    return next(row for row in rows if row.name == "ischiofemoral_space_3d")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Picture]:
    """Pictures in the order they are drawn."""
    seen: list[Picture] = []

    def draw_and_keep(surfaces: Sequence[Surface], palette: Array, camera: Camera) -> Picture:
        seen.append(draw(surfaces, palette, camera))
        return seen[-1]

    monkeypatch.setattr(pictures, "draw", draw_and_keep)
    return seen


def has_colour(picture: Picture, name: str) -> bool:
    """Whether a region's hue covers part of a picture: shading keeps the ratio of its channels."""
    rgb = picture.rgb.astype(np.float64)
    wanted = np.array([int(TINTS[name][k : k + 2], 16) for k in (1, 3, 5)])
    strong = np.ptp(rgb, axis=2) > 60
    ratio = rgb / np.maximum(rgb.max(axis=2, keepdims=True), 1)
    near = np.abs(ratio - wanted / wanted.max()).max(axis=2) < 0.06
    return bool((strong & near).sum() > 50)


@pytest.mark.parametrize("side", Side)
def test_three_pictures_of_a_measured_hip(side: Side) -> None:
    hip = phantoms.hip(side, gap_mm=9.0)
    shown = hip_pictures(hip, gap_of(hip), "LPS")
    assert [one.key for one in shown] == ["behind", "side", "gap"]
    for one in shown:
        root = fromstring(one.svg)
        assert "9.0 mm" in [text.text for text in root.iter("text")]
        assert side.value in str(root.findtext("title")).lower()
        assert "lesser trochanter" in str(root.findtext("desc"))
        assert "as supplied" in one.caption
        image = root.find("image")
        assert image is not None
        assert len(image.attrib["href"]) * 3 / 4 < LARGEST_PNG


def test_regions_are_coloured_where_they_are(drawn: list[Picture]) -> None:
    hip = phantoms.hip(Side.RIGHT)
    hip_pictures(hip, gap_of(hip), "LPS")
    hip_pictures(replace(hip, regions={}), None, "LPS")
    behind, _, gap, bare, _ = drawn
    assert has_colour(behind, "lesser_trochanter")
    assert has_colour(gap, "lesser_trochanter")
    assert not has_colour(bare, "lesser_trochanter")


def test_legend_names_what_is_there() -> None:
    hip = phantoms.hip(Side.LEFT)
    full = [entry.words for entry in legend(hip, gap_of(hip))]
    assert full[:3] == ["femur", "hip bone", "lesser trochanter"]
    assert full[3:6] == ["ischium: body", "ischium: tuberosity", "ischium: ramus"]  # from above down
    assert len({entry.colour for entry in legend(hip, None) if entry.kind == "colour"}) == 6
    bare = replace(hip, **NOTHING_FOUND, hip_bone=None)
    assert [entry.words for entry in legend(bare, None)] == ["femur"]


def test_a_region_of_another_name_has_a_colour_too() -> None:
    hip = phantoms.hip(Side.LEFT)
    other = replace(hip.regions["lesser_trochanter"], name="femoral_neck")
    entries = legend(replace(hip, regions={"femoral_neck": other}), None)
    assert ("femoral neck", TINTS["other"]) in [(entry.words, entry.colour) for entry in entries]
    assert len(hip_pictures(replace(hip, regions={"femoral_neck": other}), None, "LPS")) == 2


@pytest.mark.parametrize("missing", ["femur", "hip_bone"])
def test_a_bone_alone_is_drawn_without_a_gap(missing: str) -> None:
    hip = replace(phantoms.hip(Side.RIGHT), **(NOTHING_FOUND | {missing: None}))
    assert [one.key for one in hip_pictures(hip, None, "LPS")] == ["behind", "side"]


def test_a_hip_without_bones_has_no_pictures() -> None:
    hip = replace(phantoms.hip(Side.RIGHT), **NOTHING_FOUND, femur=None, hip_bone=None)
    assert hip_pictures(hip, None, "LPS") == ()


def test_contact_is_drawn() -> None:
    hip = phantoms.hip(Side.LEFT, gap_mm=0.0)
    gap = hip_pictures(hip, gap_of(hip), "LPS")[-1]
    assert gap.key == "gap"
    assert "0.0 mm" in gap.svg


def test_pelvis_in_one_surface_is_named_so() -> None:
    hip = phantoms.hip(Side.LEFT)
    bone = hip.hip_bone
    assert bone is not None
    whole = Bone("pelvis", None, bone.vertices_mm, bone.faces, bone.frame, bone.edge_mm, bone.source)
    joined = replace(hip, hip_bone=whole)
    assert "pelvis" in [entry.words for entry in legend(joined, None)]
    assert len(hip_pictures(joined, gap_of(joined), "LPS")) == 3


def test_unknown_axes_are_said_and_never_lettered_without_a_frame() -> None:
    hip = phantoms.hip(Side.LEFT)
    with_frame = hip_pictures(hip, None, "unknown")[0]
    assert "Patient axes are unknown" in with_frame.caption
    assert ">R</text>" in with_frame.svg
    bare = hip_pictures(replace(hip, frames={}), None, "unknown")[0]
    assert "Patient axes are unknown" in bare.caption
    assert "behind the patient" not in bare.caption
    assert ">R</text>" not in bare.svg

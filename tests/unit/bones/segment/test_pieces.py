"""A scan's end may leave so little of a bone that it tells nothing: the others are measured all the same."""

from __future__ import annotations

import numpy as np
import pytest

from ischio._check import InputError
from ischio.atlas.parts import part_model, socket
from ischio.bones.segment.ct import Key, Segmented, _labelled
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.grid import fine
from ischio.geometry.solid import solid
from ischio.types import Frame, Side, Volume

BONE_HU, MUSCLE_HU = 400, 50
SIDE = Side.LEFT


def cut_out(low_mm: tuple[float, float, float], high_mm: tuple[float, float, float]) -> Segmented:
    """Bones of a left hip in a box about the joint's middle; the axes run left, back and up."""
    cup, head = socket(SIDE)
    laid: dict[Key, Laid] = {}
    for name, centre in (("hip_bone", cup), ("femur", head)):
        model = part_model(name, SIDE)
        points = model.mean_mm - centre
        laid[name, SIDE] = Laid(model, points, 1.0, np.ones(len(points), dtype=bool), 1.0, 1.0, 1.0)
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = low_mm
    i, j, k = (int((b - a) / 2.0) for a, b in zip(low_mm, high_mm, strict=True))
    values = np.full((i, j, k), MUSCLE_HU, dtype=np.int16)
    for one in laid.values():
        values[solid(one.vertices_mm, one.model.faces, matrix, (i, j, k))] = BONE_HU
    scan = Volume(values, matrix, Frame("patient", "made"), "CT", "HU", "made")
    volume = fine(scan, np.array(low_mm), np.array(high_mm))
    return _labelled(volume, laid, dict(laid), None, lambda _words, _fraction: None)[0]


def test_a_femur_of_which_a_piece_of_the_head_is_in_view_is_left_out() -> None:
    found = cut_out((-80.0, -50.0, -60.0), (-4.0, 50.0, 60.0))
    assert list(found.labels.names.values()) == ["hip_bone_left"]
    assert list(found.laid) == [("hip_bone", SIDE)]
    assert "left femur: left out, too little of it is in view" in found.notes


def test_enough_of_both_bones_is_kept() -> None:
    found = cut_out((-80.0, -50.0, -60.0), (50.0, 50.0, 60.0))
    assert sorted(found.labels.names.values()) == ["femur_left", "hip_bone_left"]
    assert found.notes == ()


def test_a_scan_of_pieces_is_refused() -> None:
    with pytest.raises(InputError, match=r"left femur: left out.*Extend the field of view"):
        cut_out((-20.0, -18.0, -18.0), (10.0, 18.0, 18.0))

"""Both hips are laid at once: neither may change what the other one is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from ischio.bones.segment import ct, find
from ischio.bones.segment.find import EdgeField, hip_guesses
from ischio.bones.segment.fit import CUBE_MM, HIGH_HU, LOW_HU
from ischio.bones.segment.grid import coarse, upright
from ischio.types import Side, Volume
from ischio.validation.made_ct import Scanner, made_ct, model_hip

PERSON = 18
SCANNER = Scanner(in_plane_mm=2.0, slice_mm=2.5)
BELOW_MM, ABOVE_MM, BESIDE_MM = 90.0, 35.0, 6.0  # of the femur's top, and of the bones: the field of view
OFTEN_S = 1e-5  # between changes of threads: rarer ones would hide a shared state


@pytest.fixture
def _threads_change_often() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(OFTEN_S)
    yield
    sys.setswitchinterval(usual)


def two_hips() -> Volume:
    """A left hip, and to its right what a mirror shows of it."""
    hip_bone, femur = model_hip(PERSON)
    top = femur.vertices_mm[:, 2].max()
    thigh = femur.vertices_mm[femur.vertices_mm[:, 2] > top - BELOW_MM]
    points = np.concatenate([hip_bone.vertices_mm, thigh])
    low, high = points.min(axis=0) - BESIDE_MM, points.max(axis=0) + BESIDE_MM
    low[2], high[2] = top - BELOW_MM, top + ABOVE_MM
    left = made_ct((hip_bone, femur), (low, high), scanner=SCANNER)
    values = np.concatenate([left.values[::-1], left.values])  # the first axis runs to the left
    matrix = left.patient_from_voxel.copy()
    matrix[:3, 3] -= matrix[:3, 0] * left.values.shape[0]
    return Volume(values, matrix, left.frame, left.modality, left.unit, left.source)


@pytest.fixture
def _few_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made hips are found from any: more would take a minute, and go the same ways."""
    monkeypatch.setattr(ct, "hip_guesses", partial(hip_guesses, scales=(1.0,)))
    monkeypatch.setattr(ct, "_N_TRIED", 1)
    monkeypatch.setattr(find, "_TILTS_DEG", (0.0,))
    monkeypatch.setattr(find, "_FEMUR_DEG", ((0.0, 0.0, 0.0), (15.0, 6.0, 0.0)))


@pytest.mark.usefixtures("_threads_change_often", "_few_starts")
def test_hips_laid_at_once_are_those_laid_one_after_the_other() -> None:
    scan = upright(two_hips())
    field, grid = EdgeField(scan), coarse(scan, CUBE_MM, LOW_HU, HIGH_HU)
    alone = {}
    for side in Side:
        alone.update(ct._laid_hip(ct.hip_guesses(field, side, 1), grid))
    at_once = ct._laid_hips(field, grid)
    assert list(at_once) == list(alone) == [(name, side) for side in Side for name in ("hip_bone", "femur")]
    for key, one in alone.items():
        np.testing.assert_array_equal(at_once[key].vertices_mm, one.vertices_mm)
        np.testing.assert_array_equal(at_once[key].seen, one.seen)
        assert (at_once[key].scale, at_once[key].edge_fraction) == (one.scale, one.edge_fraction)

"""Phantoms are what they say they are: closed, exact, and the same after every move back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import FrameMismatch
from ischio.types import Bone, Hip, Side

POINT_NOISE_MM = 1e-9  # float64 within 1 m of the origin
SAG_FRACTION = 0.02  # volume a sphere of 32 spokes and 16 rings lacks


def bones(hip: Hip) -> list[Bone]:
    return [bone for bone in (hip.femur, hip.hip_bone) if bone is not None]


@pytest.mark.parametrize("side", Side)
def test_surfaces_are_closed_and_face_outward(side: Side) -> None:
    for bone in bones(phantoms.hip(side)):
        directed = np.concatenate([bone.faces[:, [0, 1]], bone.faces[:, [1, 2]], bone.faces[:, [2, 0]]])
        there = {tuple(edge) for edge in directed.tolist()}
        assert len(there) == len(directed)  # no edge twice in one direction
        assert {edge[::-1] for edge in there} == there  # each has its partner: closed, consistent
        a, b, c = np.moveaxis(bone.triangles_mm, 1, 0)
        assert np.einsum("ij,ij->i", np.cross(a, b), c).sum() > 0  # positive volume: outward


def test_volumes_are_those_of_the_bodies() -> None:
    hip = phantoms.hip(Side.LEFT, head_radius_mm=20.0)
    sphere, capsule = 4 / 3 * np.pi * 20**3, 4 / 3 * np.pi * 8**3 + np.pi * 8**2 * 16
    for bone, exact in zip(bones(hip), (sphere + capsule, 30.0 * 70.0 * 20.0), strict=True):
        a, b, c = np.moveaxis(bone.triangles_mm, 1, 0)
        volume = np.einsum("ij,ij->i", np.cross(a, b), c).sum() / 6
        assert exact * (1 - SAG_FRACTION) < volume <= exact * (1 + POINT_NOISE_MM)


def test_the_left_hip_lies_on_the_left() -> None:
    assert phantoms.hip(Side.LEFT).point("femoral_head_centre")[0] > 0  # LPS: x to the left
    assert phantoms.hip(Side.RIGHT).point("femoral_head_centre")[0] < 0


def test_mirroring_twice_changes_nothing() -> None:
    hip = phantoms.moved(phantoms.hip(Side.RIGHT), phantoms.random_motion(np.random.default_rng(1)))
    twice = phantoms.mirrored(phantoms.mirrored(hip))
    assert twice.side is hip.side
    for one, other in zip(bones(hip), bones(twice), strict=True):
        assert np.array_equal(one.vertices_mm, other.vertices_mm)
        assert np.array_equal(one.faces, other.faces)
        assert one.frame == other.frame
    for name, frame in hip.frames.items():
        assert frame.target == twice.frames[name].target
        assert np.array_equal(frame.matrix, twice.frames[name].matrix)


def test_bone_frames_keep_their_meaning(rng: np.random.Generator) -> None:
    for side in Side:
        still = phantoms.hip(side)
        gone = phantoms.moved(still, phantoms.random_motion(rng))
        for name, frame in still.frames.items():
            for landmark in still.landmarks:
                before, after = (
                    frame.apply(still.point(landmark)),
                    gone.frames[name].apply(gone.point(landmark)),
                )
                assert np.abs(before - after).max() < POINT_NOISE_MM
        tip = still.frames["femur_pca_from_patient"].apply(still.point("lesser_trochanter_tip"))
        assert np.allclose(tip, [-20.0, -60.0, 0.0], atol=POINT_NOISE_MM)  # behind and below the head


def test_a_hip_of_another_scan_cannot_be_moved(rng: np.random.Generator) -> None:
    motion = phantoms.random_motion(rng)
    with pytest.raises(FrameMismatch):
        phantoms.moved(phantoms.moved(phantoms.hip(Side.LEFT), motion), motion)


def test_motions_turn_evenly(rng: np.random.Generator) -> None:
    turns = np.array([phantoms.random_motion(rng).matrix[:3, :3] for _ in range(2000)])
    # Mean of an entry over all rotations is 0 with variance 1/3: four standard errors.
    assert np.abs(turns.mean(axis=0)).max() < 4 * np.sqrt(1 / 3 / len(turns))


def test_a_hip_without_bones_can_be_handled() -> None:
    bare = replace(phantoms.hip(Side.LEFT), femur=None, hip_bone=None, regions={})
    for hip in (phantoms.mirrored(bare), phantoms.scaled(bare, 2.0)):
        assert bones(hip) == []

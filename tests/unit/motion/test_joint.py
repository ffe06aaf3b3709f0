"""The joint against the angles that frames give back, on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.landmarks.frames import pose_of
from ischio.motion.joint import joint_of, rotation_of
from ischio.types import Frame, Side, Transform

ANGLE_DEG = 1e-9  # float64
POINT_MM = 1e-9  # float64 at 100 mm


@pytest.mark.parametrize("side", Side)
def test_angles_carried_out_are_the_angles_measured(side: Side, rng: np.random.Generator) -> None:
    """The joint moves the femur; ``frames.pose_of`` reads the pose off the bones, each on its own."""
    patient = Frame("patient", "scan")
    mirror = np.diag([1.0, 1.0, side.sign])
    for _ in range(20):
        angles = rng.uniform([-40, -30, -60], [110, 30, 60])
        turn = np.eye(4)
        turn[:3, :3] = mirror @ rotation_of(angles[None])[0] @ mirror
        pelvis = Transform(Frame("pelvis_isb", "scan"), patient, np.eye(4))
        femur = Transform(Frame("femur", "scan", side), patient, turn).inverse()
        femur = Transform(Frame("femur", "scan", side), patient, femur.matrix)
        found = pose_of(pelvis, femur, side, ("isb", "tea"))
        got = found.flexion_deg, found.adduction_deg, found.internal_rotation_deg
        assert np.abs(np.array(got) - angles).max() < ANGLE_DEG


def test_positive_angles_are_what_they_are_called() -> None:
    """A right hip in ISB axes, X forward, Y up, Z right: the knee hangs at -Y, the toes point to +X."""
    knee, toes = np.array([0.0, -400, 0]), np.array([1.0, 0, 0])
    assert (rotation_of(np.array([[30.0, 0, 0]]))[0] @ knee)[0] > 0  # flexion: knee forward
    assert (rotation_of(np.array([[0, 20.0, 0]]))[0] @ knee)[2] < 0  # adduction: knee to the midline
    assert (rotation_of(np.array([[0, 0, 20.0]]))[0] @ toes)[2] < 0  # internal rotation: toes inwards


@pytest.mark.parametrize("side", Side)
def test_the_head_centre_stays(side: Side, rng: np.random.Generator) -> None:
    hip = phantoms.moved(phantoms.hip(side), phantoms.random_motion(rng))
    joint = joint_of(hip, "app", "pca")
    rotations, offsets = joint.motion(rng.uniform(-30, 30, size=(5, 3)))
    head = hip.point("femoral_head_centre")
    for rotation, offset in zip(rotations, offsets, strict=True):
        there = joint.patient(rotation @ joint.femoral(head) + offset)
        assert np.abs(there - head).max() < POINT_MM


def test_a_zero_that_is_not_known_is_named_with_its_reason() -> None:
    hip = phantoms.hip(Side.LEFT)
    with pytest.raises(
        CannotMeasure, match="left hip has no femur zero 'tea': the phantom has no epicondyles"
    ):
        joint_of(hip, "isb", "tea")
    with pytest.raises(CannotMeasure, match="no pelvis zero 'standing': it is not known for this hip"):
        joint_of(hip, "standing", "pca")
    blind = replace(hip, landmarks={}, reasons={"femoral_head_centre": "cut off"})
    with pytest.raises(CannotMeasure, match="femoral head centre is missing: cut off"):
        joint_of(blind, "isb", "pca")

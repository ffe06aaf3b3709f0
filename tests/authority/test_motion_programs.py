"""The gap of real hips in motion against other programs: coal's exact distance and collision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ischio import phantoms
from ischio.geometry.gap_field import FAR_MM, FAR_TOLERANCE_MM, NEAR_TOLERANCE_MM
from ischio.motion import clearance, pose_list
from ischio.motion.joint import joint_of
from ischio.types import Clearance, Hip, Side

PEOPLE = ("vsd_z013", "jia_mri", "mc22")
N_POSES = 500
ROUNDING_MM = 1e-9
# Deeper than this the regions may have passed through each other without crossing any more.
PASSED_MM = 3.0
RATERS_RMS_MM = 1.0
# A gap must answer a turn by more than its own error to count as a trend.
TREND_MM = 2 * FAR_TOLERANCE_MM

_FOUND: dict[str, dict[Side, Hip]] = {}


def hips_of(data: Path, person: str) -> dict[Side, Hip]:
    """Both hips of a person, found once for all tests."""
    if person not in _FOUND:
        import ischio

        raw = ischio.read_input(data / "bones" / person, axes="LPS")
        study = ischio.analyse(ischio.bones_from_input(raw), ischio.Settings())
        _FOUND[person] = {hip.side: hip for hip in study.pelvis.hips}
    return _FOUND[person]


def coal_gaps(hip: Hip, found: Clearance) -> tuple[np.ndarray, np.ndarray]:
    """Distance and collision of the same triangles in the same poses."""
    coal = pytest.importorskip("coal")

    def model(triangles: np.ndarray):
        out = coal.BVHModelOBBRSS()
        out.beginModel(len(triangles), 3 * len(triangles))
        for triangle in triangles:
            out.addTriangle(*triangle)
        out.endModel()
        return out

    joint = joint_of(hip, found.poses.pelvic_zero, found.poses.rotation_zero)
    femur, seat = (hip.region_triangles(name) for name in found.pair)
    moving, fixed = model(joint.femoral(femur)), model(joint.pelvic(seat))
    here, out, hits = coal.Transform3s(), [], []
    for rotation, offset in zip(*joint.motion(found.poses.angles_deg), strict=True):
        there = coal.Transform3s(rotation, offset)
        out.append(coal.distance(moving, there, fixed, here, coal.DistanceRequest(), coal.DistanceResult()))
        result = coal.CollisionResult()
        hits.append(coal.collide(moving, there, fixed, here, coal.CollisionRequest(), result) > 0)
    return np.array(out), np.array(hits)


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("side", Side)
def test_gaps_agree_with_coal(shared_data: Path, person: str, side: Side, rng: np.random.Generator) -> None:
    pytest.importorskip("coal")
    hip = hips_of(shared_data, person)[side]
    apart = rng.uniform([-30, -30, -60], [60, 30, 60], size=(N_POSES, 3))
    close = np.stack(np.meshgrid(np.arange(-8.0, 0), np.arange(-4.0, 4), np.arange(-8.0, 0)), axis=-1)
    found = clearance(hip, pose_list(np.concatenate([apart, close.reshape(-1, 3)])))
    exact, hits = coal_gaps(hip, found)
    free = found.gap_mm > 0
    over = (found.gap_mm - exact)[free]
    near = exact[free] <= FAR_MM
    assert over.min() >= -ROUNDING_MM
    assert over[near].max(initial=0) <= NEAR_TOLERANCE_MM
    assert over[~near].max(initial=0) <= FAR_TOLERANCE_MM
    assert not (hits & free).any()
    # Where coal sees no crossing and we say negative, the trochanter lies inside the bone.
    assert (found.gap_mm[~hits & ~free] < -PASSED_MM).all()
    apart_mm = np.linalg.norm(found.on_femur_mm - found.on_hip_bone_mm, axis=1)
    assert np.abs(apart_mm - np.abs(found.gap_mm)).max() <= 1e-6
    print(
        f"{person} {side.value}: {free.sum()} gaps, error to 10 mm {over[near].max(initial=0):.4f} mm,",
        end=" ",
    )
    print(f"beyond {over[~near].max(initial=0):.4f} mm; {hits.sum()} collisions, {(~free).sum()} not above 0")


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("side", Side)
def test_gaps_answer_to_motion_as_in_cadavers(shared_data: Path, person: str, side: Side) -> None:
    """Internal > neutral > external rotation; extension closes; abduction opens."""
    hip = hips_of(shared_data, person)[side]
    angles = [[0, 0, 0], [0, 0, 20], [0, 0, -20], [-10, 0, 0], [0, -10, 0]]
    neutral, internal, external, extended, abducted = clearance(
        hip, pose_list(angles, zeros=("app", "pca"))
    ).gap_mm
    assert internal > neutral + TREND_MM
    assert neutral > external + TREND_MM
    assert extended < neutral - TREND_MM
    assert abducted > neutral + TREND_MM


@pytest.mark.real_data
@pytest.mark.slow
def test_real_hips_are_the_same_when_mirrored(shared_data: Path, rng: np.random.Generator) -> None:
    hip = hips_of(shared_data, "vsd_z013")[Side.RIGHT]
    poses = pose_list(rng.uniform([-20, -20, -30], [40, 20, 30], size=(300, 3)))
    a, b = clearance(hip, poses), clearance(phantoms.mirrored(replace(hip, poses=())), poses)
    assert np.abs(a.gap_mm - b.gap_mm).max() < 1e-6  # the same arithmetic on mirrored numbers


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("person", PEOPLE)
def test_what_the_equidistant_centre_changes_is_small_and_known(shared_data: Path, person: str) -> None:
    poses = pose_list([[0, 0, 0], [-15, 0, 0], [20, 0, 0], [0, 10, 0], [0, -15, 0], [0, 0, 20], [0, 0, -20]])
    for side, hip in hips_of(shared_data, person).items():
        fixed, free = (clearance(hip, poses, centre=centre) for centre in ("fixed", "equidistant"))
        change = free.gap_mm - fixed.gap_mm
        print(f"{person} {side.value}: equidistant minus fixed centre {np.round(change, 2).tolist()} mm")
        assert change[0] == pytest.approx(0, abs=FAR_TOLERANCE_MM)  # neutral is what it is measured by
        assert np.abs(change).max() < 5  # a head that leaves its socket further is no joint


@pytest.mark.real_data
@pytest.mark.slow
def test_a_table_of_one_side_is_computed(shared_data: Path, tmp_path: Path, capsys) -> None:
    """The pelvic frame needs both hip bones, though poses of one hip alone are asked for."""
    from ischio.cli import main

    table = tmp_path / "poses.csv"
    table.write_text("side,flexion_deg,adduction_deg,internal_rotation_deg\nleft,0,0,0\n")
    person = shared_data / "bones" / "vsd_z013"
    assert main(["motion", str(person), "--poses", str(table), "--quiet"]) == 0
    gap = float(capsys.readouterr().out.splitlines()[1].split(",")[6])
    joint = clearance(hips_of(shared_data, "vsd_z013")[Side.LEFT], pose_list([[0, 0, 0]]))
    assert gap == pytest.approx(joint.gap_mm[0], abs=1e-4)  # four decimals are printed

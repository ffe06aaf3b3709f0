"""Speed of the gap engine beside other programs: the same triangles, the same poses, one thread each.

Ratios are printed (``pytest -s``). Times of one thread are processor time, so that other work on the
machine counts little. Printed, not judged: no test hangs on the clock.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ischio.geometry.gap_field import pose_gaps
from ischio.geometry.gap_fixed import fixed_surface
from ischio.geometry.gap_moving import moving_surface
from ischio.motion import clearance, pose_grid
from ischio.motion.joint import Joint, joint_of
from ischio.motion.sweep import _STEPS_MM
from ischio.types import Hip, Side

WHOLE = (-40, 60, 1), (-30, 30, 1), (-60, 60, 1)
N_OTHERS = 2000  # poses that the slow programs are timed on, spread over the map


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds of a call, and its result."""
    start = time.process_time()
    out = work()
    return time.process_time() - start, out


def coal_rate(joint: Joint, moving: np.ndarray, fixed: np.ndarray, angles: np.ndarray) -> float:
    """Poses a second of coal's exact distance."""
    coal = pytest.importorskip("coal")
    models = []
    for triangles in (moving, fixed):
        model = coal.BVHModelOBBRSS()
        model.beginModel(len(triangles), 3 * len(triangles))
        for triangle in triangles:
            model.addTriangle(*triangle)
        model.endModel()
        models.append(model)
    here, request = coal.Transform3s(), coal.DistanceRequest()
    places = [coal.Transform3s(*motion) for motion in zip(*joint.motion(angles), strict=True)]

    def run() -> None:
        for place in places:
            coal.distance(models[0], place, models[1], here, request, coal.DistanceResult())

    return len(angles) / seconds(run)[0]


def fcl_rate(joint: Joint, moving: np.ndarray, fixed: np.ndarray, angles: np.ndarray) -> float:
    """Poses a second of python-fcl's exact distance."""
    fcl = pytest.importorskip("fcl")
    models = []
    for triangles in (moving, fixed):
        model = fcl.BVHModel()
        model.beginModel(len(triangles), 3 * len(triangles))
        model.addSubModel(triangles.reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3))
        model.endModel()
        models.append(model)
    other = fcl.CollisionObject(models[1], fcl.Transform())
    places = [fcl.Transform(*motion) for motion in zip(*joint.motion(angles), strict=True)]

    def run() -> None:
        for place in places:
            fcl.distance(
                fcl.CollisionObject(models[0], place), other, fcl.DistanceRequest(), fcl.DistanceResult()
            )

    return len(angles) / seconds(run)[0]


def grid_rate(joint: Joint, moving: np.ndarray, seat: object, angles: np.ndarray) -> float:
    """Poses a second of a plain distance grid, read at every corner of the moving surface."""
    from scipy.ndimage import map_coordinates

    corners = np.unique(moving.reshape(-1, 3), axis=0)
    grid = np.sqrt(np.abs(seat.square))  # type: ignore[attr-defined]
    low, step = seat.low_mm, seat.step_mm  # type: ignore[attr-defined]

    def run() -> None:
        for rotation, offset in zip(*joint.motion(angles), strict=True):
            map_coordinates(grid, ((corners @ rotation.T + offset - low) / step).T, order=1).min()

    return len(angles) / seconds(run)[0]


@pytest.fixture(scope="module")
def hips(shared_data: Path) -> tuple[Hip, ...]:
    """Both hips of a real person."""
    import ischio

    raw = ischio.read_input(shared_data / "bones" / "vsd_z013", axes="LPS")
    return ischio.analyse(ischio.bones_from_input(raw), ischio.Settings()).pelvis.hips


@pytest.mark.real_data
@pytest.mark.slow
def test_the_map_of_both_hips(hips: tuple[Hip, ...]) -> None:
    """Run alone, the peak of memory is its own: it is that of the process."""
    grid = pose_grid(*WHOLE)
    start = time.perf_counter()
    clearance(hips[0], pose_grid((0, 1, 1), (0, 1, 1), (0, 1, 1)))  # compiles
    print(
        f"\nfour poses, with what has to be compiled or loaded: {time.perf_counter() - start:.1f} s", end=""
    )
    start, worked = time.perf_counter(), time.process_time()
    found = [clearance(hip, grid, jobs=2) for hip in hips]
    wall, worked = time.perf_counter() - start, time.process_time() - worked
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{len(grid)} poses of {len(hips)} hips with fields: {wall:.1f} s,", end=" ")
    print(f"{worked:.1f} s of processor, {megabytes:.0f} MB")
    assert {one.side for one in found} == set(Side)
    assert all(np.isfinite(one.gap_mm).all() for one in found)


@pytest.mark.real_data
@pytest.mark.slow
def test_poses_a_second_beside_other_programs(hips: tuple[Hip, ...], rng: np.random.Generator) -> None:
    hip = hips[0]
    joint = joint_of(hip, "isb", "tea")
    moving, fixed = (
        joint.femoral(hip.region_triangles("lesser_trochanter")),
        joint.pelvic(hip.region_triangles("ischium")),
    )
    radii = np.linalg.norm(moving.reshape(-1, 3), axis=1)
    shell = (joint.centre_mm, float(radii.min()) - 3, float(radii.max()) + 1)
    about_axis = float(np.hypot(moving[..., 0], moving[..., 2]).max())
    arms = (float(radii.max()), float(radii.max()), about_axis)  # as in ``ischio.motion.sweep``
    solid = joint.pelvic(hip.hip_bone.triangles_mm)
    fixed_surface(fixed[:8], solid, step_mm=20.0)  # compiles
    field_s, seat = seconds(lambda: fixed_surface(fixed, solid, step_mm=_STEPS_MM[1], shell=shell))
    thigh, angles = moving_surface(moving), pose_grid(*WHOLE).angles_deg
    pose_gaps(seat, thigh, angles[:100], joint.motion, arms_mm=arms)  # compiles
    mapped_s, found = seconds(lambda: pose_gaps(seat, thigh, angles, joint.motion, arms_mm=arms))
    shuffled = rng.permutation(len(angles))
    shuffled_s, _ = seconds(lambda: pose_gaps(seat, thigh, angles[shuffled], joint.motion, arms_mm=arms))
    apart = rng.permutation(len(angles))[:20_000]
    apart_s, _ = seconds(lambda: pose_gaps(seat, thigh, angles[apart], joint.motion, arms_mm=arms))
    few = angles[:: len(angles) // N_OTHERS]
    ours, scattered = len(angles) / mapped_s, len(apart) / apart_s
    free = angles[(found.gap_mm > 0)]
    free_s, _ = seconds(lambda: pose_gaps(seat, thigh, free, joint.motion, arms_mm=arms))
    print(f"\nischium {len(fixed)}, trochanter {len(moving)} triangles; one thread, field {field_s:.1f} s")
    print(f"ischio, map order        {ours:9.0f} poses/s ({(found.gap_mm <= 0).mean():.0%} in contact)")
    print(f"ischio, map shuffled     {len(angles) / shuffled_s:9.0f}")
    print(f"ischio, 20,000 apart     {scattered:9.0f}")
    print(f"ischio, map without contact {len(free) / free_s:6.0f}")
    for name, rate in (
        ("coal", coal_rate(joint, moving, fixed, few)),
        ("python-fcl", fcl_rate(joint, moving, fixed, few)),
        ("grid at corners, scipy", grid_rate(joint, moving, seat, few)),
    ):
        print(f"{name:<24} {rate:9.0f} poses/s: ischio is {ours / rate:.0f} times as fast in map order")
    rate = coal_rate(joint, moving, fixed, free[:: max(1, len(free) // N_OTHERS)])
    times = len(free) / free_s / rate
    print(f"coal without contact     {rate:9.0f} poses/s: ischio is {times:.0f} times as fast")

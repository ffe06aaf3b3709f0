"""What finding bones in a CT costs at three sizes, voxels to surfaces: printed, and judged by its growth.

Run with ``pytest tests/benchmarks -s`` on a machine that does nothing else. What is aimed at: linear in
voxels, and 512 x 512 x 400 of them in 90 s and 6 GB on two processors.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace

import numpy as np
import pytest

from ischio.bones.segment.ct import segment_ct
from ischio.bones.surface import bones_from_input
from ischio.io.case import RawInput
from ischio.types import Bone, Side, Volume
from ischio.validation.made_ct import Scanner, made_ct, model_hip

PERSON = 18
FIELD_MM = np.array([410.0, 410.0, 320.0])
MADE_MM = 1.6
SIZES = ((320, 320, 250), (410, 410, 320), (512, 512, 400))
# A fixed part is spread over more voxels in larger scans: the cost of one more voxel may not go up by more
# than what caches and the bones' own sizes on the grid make of it.
MOST_GROWTH = 1.25
MOST_GB = 6.0


def pelvis() -> tuple[Bone, ...]:
    """Both hips of a person of the shape model: the right one is the left one in a mirror."""
    left = model_hip(PERSON)
    middle = left[0].vertices_mm[:, 0].min() - 2.0

    def mirrored(bone: Bone) -> Bone:
        points = bone.vertices_mm * [-1.0, 1.0, 1.0] + [2 * middle, 0.0, 0.0]
        return replace(bone, side=Side.RIGHT, vertices_mm=points, faces=bone.faces[:, ::-1])

    return (*left, *(mirrored(bone) for bone in left))


def made() -> Volume:
    """A CT of the field of view, coarse."""
    bones = pelvis()
    hips = np.concatenate([bone.vertices_mm for bone in bones if bone.name == "hip_bone"])
    middle = (hips.min(axis=0) + hips.max(axis=0)) / 2
    return made_ct(bones, (middle - FIELD_MM / 2, middle + FIELD_MM / 2), scanner=Scanner(MADE_MM, MADE_MM))


def resampled(scan: Volume, size: tuple[int, int, int]) -> Volume:
    """The same field of view in so many voxels."""
    from scipy.ndimage import zoom

    factor = np.array(size) / scan.values.shape
    values = zoom(scan.values, factor, order=1, grid_mode=True, mode="nearest")
    assert values.shape == size
    affine = scan.patient_from_voxel.copy()
    affine[:3, :3] /= factor
    affine[:3, 3] += affine[:3, :3] @ ((1 - factor) / 2)
    return replace(scan, values=values, patient_from_voxel=affine)


@pytest.mark.slow
def test_three_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    coarse = made()
    segment_ct(coarse)  # compiles and loads what is loaded once
    costs: list[tuple[float, float]] = []
    for size in SIZES:
        scan = resampled(coarse, size)
        wall, start = time.perf_counter(), time.process_time()
        labels = segment_ct(scan).labels
        bones = bones_from_input(RawInput((), labels, ()), scan=scan, is_own=True)
        took, wall = time.process_time() - start, time.perf_counter() - wall
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        assert len(bones) == 4
        assert peak_gb < MOST_GB
        costs.append((scan.values.size / 1e6, took))
        with capsys.disabled():
            words = " x ".join(map(str, size))
            print(f"\n  {words:<16} {took:6.1f} s processor {wall:6.1f} s wall  {peak_gb:4.1f} GB", end="")
    (small, first), (middle, second), (large, third) = costs
    with capsys.disabled():
        each = [(second - first) / (middle - small), (third - second) / (large - middle)]
        print(f"\n  one million voxels more: {each[0]:.2f} s, then {each[1]:.2f} s")
    assert third / first <= MOST_GROWTH * large / small

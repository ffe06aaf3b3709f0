"""What finding bones in a CT costs at three sizes: printed, with the cost of a million voxels.

Run with ``pytest tests/benchmarks -s`` on a machine that does nothing else. What is aimed at: linear in
voxels, and 512 x 512 x 400 of them in 90 s and 6 GB.
"""

from __future__ import annotations

import time

import pytest

from ischio.bones.segment.ct import segment_ct
from ischio.types import Volume
from ischio.validation.made_ct import Scanner, made_ct, model_hip
from ischio.validation.segmentation import field_of_view

PERSON = 18
SPACING_MM = (2.0, 1.4, 1.0)


@pytest.mark.slow
def test_three_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    hip_bone, femur = model_hip(PERSON)
    box = field_of_view(hip_bone, femur)
    for spacing in SPACING_MM:
        scan: Volume = made_ct((hip_bone, femur), box, scanner=Scanner(spacing, spacing))
        start = time.process_time()
        found = segment_ct(scan)
        took = time.process_time() - start
        assert len(found.labels.names) == 2
        millions = scan.values.size / 1e6
        with capsys.disabled():
            size = " x ".join(map(str, scan.values.shape))
            print(
                f"\n  {size:<16} {took:6.1f} s processor  {took / millions:6.1f} s a million voxels", end=""
            )

"""Both legs of a volunteer on an MR: femora and hip bones laid by points that were marked on its slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ischio.bones.fit_points import MOST_SIGMA_MM, fit_bones
from ischio.geometry.solid import solid
from ischio.io.markups import MarkedPoint
from ischio.io.scan import read_scan
from ischio.types import Side

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

# Patient LPS, mm; read by eye on slices of 6 mm, within about 5 mm.
POINTS = {
    Side.RIGHT: {
        "femoral_head_centre": (-88.5, -22.0, 1078.8),
        "lesser_trochanter_tip": (-87.0, 1.5, 1011.0),
        "greater_trochanter_superior": (-130.5, 6.0, 1071.0),
        "intertrochanteric_crest_posterior": (-123.0, 25.5, 1044.0),
        "posterior_condyle_lateral": (-104.1, -22.5, 612.0),
        "posterior_condyle_medial": (-48.0, -22.5, 612.0),
        "epicondyle_lateral": (-116.0, -50.4, 621.0),
        "epicondyle_medial": (-32.1, -51.0, 621.0),
        "acetabular_centre": (-88.5, -22.0, 1078.8),
        "ischial_tuberosity_inferior": (-60.0, 24.0, 1008.0),
        "ischial_spine": (-61.5, 37.5, 1080.0),
        "pubic_tubercle": (-27.0, -57.0, 1048.8),
    },
    Side.LEFT: {
        "femoral_head_centre": (86.5, -16.1, 1078.8),
        "lesser_trochanter_tip": (85.5, 3.0, 1012.2),
        "greater_trochanter_superior": (130.5, 6.0, 1071.0),
        "intertrochanteric_crest_posterior": (121.5, 27.0, 1044.0),
        "posterior_condyle_lateral": (112.5, -18.9, 612.0),
        "posterior_condyle_medial": (48.0, -24.5, 612.0),
        "epicondyle_lateral": (121.5, -48.0, 621.0),
        "epicondyle_medial": (39.0, -51.0, 621.0),
        "acetabular_centre": (86.5, -16.1, 1078.8),
        "ischial_tuberosity_inferior": (55.5, 27.0, 1009.8),
        "ischial_spine": (57.0, 39.0, 1080.0),
        "pubic_tubercle": (28.5, -57.0, 1050.0),
    },
}
DARK = 100.0  # of a water image whose muscle has 150 to 300: bone and fat
MOSTLY = 0.9  # of the voxels inside of a bone: slices are 6 mm thick


def test_what_lies_inside_the_bones_is_dark(shared_data: Path) -> None:
    scan, _ = read_scan(shared_data / "mr_lowerlimb_qmritools" / "legs_water_joined.nii.gz", modality="MR")
    marked = [
        MarkedPoint(name, side, np.array(at), "one")
        for side, own in POINTS.items()
        for name, at in own.items()
    ]
    bones, notes = fit_bones(marked, scan)
    assert notes == ()
    assert [(bone.name, bone.side) for bone in bones] == [
        (name, side) for name in ("femur", "hip_bone") for side in (Side.RIGHT, Side.LEFT)
    ]
    for bone in bones:
        assert 1.5 < bone.moved_mm < MOST_SIGMA_MM
        if bone.name == "femur":  # closed, for all of it is in view
            inside = solid(bone.vertices_mm, bone.faces, scan.patient_from_voxel, scan.values.shape)
            assert np.mean(scan.values[inside] < DARK) > MOSTLY
            length = np.ptp(bone.vertices_mm[:, 2])
            assert 440 < length < 540

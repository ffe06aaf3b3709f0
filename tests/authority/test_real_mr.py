"""MR of people: femora and hip bones laid by points that were marked on its slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ischio.atlas.model import vertex_normals
from ischio.bones.fit_points import MOST_SIGMA_MM, fit_bones
from ischio.bones.refine import sampled
from ischio.geometry.solid import solid
from ischio.io.markups import MarkedPoint, SurfacePoint
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


# T1 of two thighs with a tumour, patient LPS, mm; read by eye on slices of 3.3 mm. Points on a bone's
# surface lie on the outer edge of the dark line around its marrow.
NAMED = {
    "STS_031": {
        "femoral_head_centre": (-108.3, 12.2, -614.0),
        "lesser_trochanter_tip": (-112.5, 13.5, -671.0),
        "greater_trochanter_superior": (-149.0, 20.0, -616.0),
        "intertrochanteric_crest_posterior": (-146.0, 28.0, -632.0),
        "ischial_spine": (-80.0, 67.0, -632.0),
        "ischial_tuberosity_inferior": (-95.0, 36.0, -681.0),
    },
    "STS_044": {
        "femoral_head_centre": (-89.4, 23.0, -740.0),
        "lesser_trochanter_tip": (-90.0, 19.5, -808.5),
        "greater_trochanter_superior": (-141.0, 36.0, -748.0),
        "intertrochanteric_crest_posterior": (-131.0, 45.0, -765.0),
        "ischial_spine": (-60.0, 78.0, -756.0),
        "ischial_tuberosity_inferior": (-68.0, 60.0, -816.0),
    },
}
ON_ISCHIUM = {
    "STS_031": [
        *[(-100.6, 41.0, -672.8), (-104.4, 42.0, -659.7), (-89.8, 54.6, -659.7), (-82.8, 31.4, -659.7)],
        *[(-102.8, 37.9, -646.6), (-93.0, 41.7, -633.5), (-104.4, 41.7, -620.4), (-89.3, 30.8, -620.4)],
        *[(-107.0, 32.0, -607.4), (-85.5, 29.2, -607.4)],
    ],
    "STS_044": [
        *[(-83.0, 54.7, -791.3), (-76.2, 76.0, -791.3), (-82.5, 46.0, -778.3), (-82.0, 43.0, -765.2)],
        *[(-78.0, 57.6, -752.1), (-99.0, 57.6, -732.5), (-103.0, 23.0, -716.1), (-66.0, 29.0, -716.1)],
        (-77.3, 65.0, -804.4),
    ],
}
DEEP_MM = 5.0  # below a femur's surface there is marrow; on T1 it is brighter than muscle
MUSCLE = 450.0  # at most, of these scans, whose values were normalised; fat has 1000
MARROW = 0.85  # of the places so deep, above the lesser trochanter


@pytest.mark.parametrize("who", sorted(NAMED))
def test_marrow_lies_inside_the_bones_of_a_t1(who: str, shared_data: Path) -> None:
    scan, _ = read_scan(shared_data / "ct_mr_hip_sts" / f"{who}_MR_T1.nii.gz", modality="MR")
    named = [MarkedPoint(name, Side.RIGHT, np.array(at), "one") for name, at in NAMED[who].items()]
    touched = [SurfacePoint("hip_bone", Side.RIGHT, np.array(at), "one") for at in ON_ISCHIUM[who]]
    (femur, hip), notes = fit_bones(named, scan, surface=touched)
    assert (femur.name, hip.name) == ("femur", "hip_bone")
    assert notes == ("right hip bone: acetabular_centre taken from femoral_head_centre",)
    normals = vertex_normals(femur.vertices_mm, femur.faces)
    deep = femur.vertices_mm - DEEP_MM * normals
    deep = deep[deep[:, 2] > NAMED[who]["lesser_trochanter_tip"][2]]
    signal = sampled(scan, deep, order=1)
    assert np.mean(signal[np.isfinite(signal)] > MUSCLE) > MARROW
    # Points on the surface are met, but for one or two that another slice's would contradict.
    off = cKDTree(hip.triangles_mm.mean(axis=1)).query(np.array(ON_ISCHIUM[who]))[0]
    assert np.median(off) < 3.0  # from the middle of the nearest face: these are 5 mm wide
    for bone in (femur, hip):
        assert bone.moved_mm < MOST_SIGMA_MM

"""What stands on bone in excluded voxels is voided or in doubt; what does not is as it was."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.bones.exclude import Excluded, excluded
from ischio.study.doubt import carried
from ischio.study.left_out import NEAR_MM, excluded_findings, without_excluded
from ischio.types import Bone, Frame, Hip, Measurement, Pelvis, Side, Volume

RADIUS_MM = 4.0


@pytest.fixture(scope="module")
def hip() -> Hip:
    return phantoms.hip(Side.LEFT, gap_mm=9.0)


def bones_of(hip: Hip) -> tuple[Bone, ...]:
    return tuple(bone for bone in (hip.femur, hip.hip_bone) if bone is not None)


def ball_at(hip: Hip, place: np.ndarray) -> Excluded:
    """Excluded voxels of 1 mm around a place, in a scan around both bones."""
    points = np.concatenate([bone.vertices_mm for bone in bones_of(hip)])
    low, high = points.min(axis=0) - 10.0, points.max(axis=0) + 10.0
    shape = np.ceil((high - low) / 2.0).astype(int)
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = low
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    marked = np.linalg.norm(index * 2.0 + low - place, axis=-1) < RADIUS_MM
    frame = Frame("patient", "as_supplied")
    scan = Volume(np.zeros(shape, dtype=np.int16), matrix, frame, "CT", "HU", "scan")
    mask = Volume(marked.astype(np.uint8), matrix, frame, "", "1", "mask")
    return excluded(mask, scan, file="mask.nii.gz", sha256="0" * 64)


def gap_row(hip: Hip) -> Measurement:
    from ischio.measures import run

    rows = run(Pelvis(hip, None, None, {}, {}, {}), (Side.LEFT,))
    return next(row for row in rows if row.name == "ischiofemoral_space_3d" and row.side is Side.LEFT)


def test_a_gap_that_ends_in_excluded_voxels_has_no_value(hip: Hip) -> None:
    row = gap_row(hip)
    assert row.points_mm is not None
    (found,) = without_excluded([row], ball_at(hip, row.points_mm[0]))
    assert found.value is None
    assert "a point in excluded voxels" in (found.reason or "")
    beside = row.points_mm[0] + [0.0, 0.0, RADIUS_MM + 1.0]
    (found,) = without_excluded([row], ball_at(hip, beside))
    assert found.value is None


def test_a_gap_far_from_them_is_as_it_was(hip: Hip) -> None:
    row = gap_row(hip)
    assert row.points_mm is not None
    far = row.points_mm[0] + [0.0, 0.0, RADIUS_MM + 12.0]
    assert without_excluded([row], ball_at(hip, far)) == (row,)


def test_regions_beside_them_are_in_doubt_and_landmarks_in_them_void(hip: Hip) -> None:
    row = gap_row(hip)
    assert row.points_mm is not None
    assert row.sigma is not None
    pelvis = Pelvis(hip, None, None, {}, {}, {})
    edge = hip.region_triangles("lesser_trochanter").mean(axis=1)
    away = edge[np.argmax(np.linalg.norm(edge - row.points_mm[0], axis=1))]
    findings = excluded_findings(bones_of(hip), pelvis, ball_at(hip, away))
    assert {one.kind for one in findings} == {"excluded"}
    (found,), rows = carried([row], pelvis, findings)
    assert any(one["measures"] for one in rows)
    if found.value is not None:
        assert found.sigma is not None
        assert found.sigma > row.sigma
    name, mark = next(iter(hip.landmarks.items()))
    findings = excluded_findings(bones_of(hip), pelvis, ball_at(hip, mark.point_mm))
    void = [one for one in findings if one.verdict == "void"]
    assert void
    assert name in void[0].touches
    assert NEAR_MM < RADIUS_MM


def test_voxels_far_from_bone_touch_nothing(hip: Hip) -> None:
    far = bones_of(hip)[0].vertices_mm.max(axis=0) + 6.0
    given = ball_at(hip, far)
    assert given.n_voxels > 0
    assert excluded_findings(bones_of(hip), Pelvis(hip, None, None, {}, {}, {}), given) == ()

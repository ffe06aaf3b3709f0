"""Lumbar vertebrae above a sacrum: made ones are found, named upwards, kept apart, and none is made up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ischio.atlas.parts import part_model
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.spine import LEVELS, find_discs, spine_in_view, with_vertebrae
from ischio.geometry.solid import solid
from ischio.types import Frame, Volume

VOXEL_MM = 1.5
BODY_MM, DISC_MM = 27.0, 9.0
CORTEX_HU, MARROW_HU, MUSCLE_HU, DISC_HU = 650.0, 150.0, 50.0, 85.0
MIN_DICE = 0.85  # asked of real scans; joints of these arches are wider than a real one's
MOST_ASTRAY = 0.02
MOST_CHANGED = 0.001
LEAST_GIVEN = 0.85  # voxels that touch the sacrum's own arch may stay with it
N_MADE = 4
LEAN, BEND = 0.25, 0.5  # 14 degrees to the side, half of it taken back at each level
THIN_HU = 70.0  # marrow of old people
BRIGHT_HU, NOISE_HU = 125.0, 35.0
MOST_OF_DISCS = 0.2  # what touches an endplate is half of a voxel its own
TAKEN_MM = 14.0  # of the lowest arch that the sacrum's label holds wrongly


def sacrum() -> Laid:
    model = part_model("sacrum", None)
    count = len(model.mean_mm)
    return Laid(model, model.mean_mm, 1.0, np.ones(count, dtype=bool), 1.0, 1.0, 0.0)


def made(
    above_mm: float, *, with_bone: bool = True, marrow_hu: float = MARROW_HU, lean: float = 0.0
) -> tuple[Volume, Volume, np.ndarray]:
    """A scan of a sacrum with vertebrae above, the label map of the sacrum, and each voxel's vertebra."""
    laid = sacrum()
    points = laid.vertices_mm
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    front, top = points[:, 1].min(), points[:, 2].max()
    low = points.min(axis=0) - [6.0, 90.0, 6.0]
    high = np.array([points[:, 0].max() + 6.0, points[:, 1].max() + 10.0, top + above_mm])
    shape = np.ceil((high - low) / VOXEL_MM).astype(int)
    matrix = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    matrix[:3, 3] = low
    ticks = [low[k] + VOXEL_MM * np.arange(shape[k]) for k in range(3)]
    x, y, z = np.meshgrid(*ticks, indexing="ij")
    bone = solid(points, laid.model.faces, matrix, (int(shape[0]), int(shape[1]), int(shape[2])))
    values = np.where(bone, 250.0, MUSCLE_HU).astype(np.float32)
    truth = np.zeros(bone.shape, dtype=np.int64)
    # The endplate looks up and forwards: bodies follow it and bend back to upright.
    at, way = np.array([middle, front + 4.0, top - 6.0]), np.array([lean, -0.55, 0.83])
    way = way / np.linalg.norm(way)
    for n in range(N_MADE if with_bone else 0):
        at = at + way * (DISC_MM / 2 + BODY_MM / 2)
        away = np.stack([x, y, z], axis=-1) - at
        along = away @ way
        left = np.array([1.0, 0.0, 0.0]) - way[0] * way
        left = left / np.linalg.norm(left)
        deep, side = away @ np.cross(way, left), away @ left
        body = (np.abs(along) < BODY_MM / 2) & ((side / 23.0) ** 2 + (deep / 17.0) ** 2 < 1)
        inner = (np.abs(along) < BODY_MM / 2 - 2) & ((side / 21.0) ** 2 + (deep / 15.0) ** 2 < 1)
        ring = ((side / 17.0) ** 2 + ((deep - 25.0) / 14.0) ** 2 < 1) & (deep > 12.0)
        arch = ring & ((side / 11.0) ** 2 + ((deep - 24.0) / 8.0) ** 2 > 1)
        arch &= np.abs(along + 0.3 * (deep - 14.0) + 1.0) < 11.0
        whole = (body | arch) & ~bone
        truth[whole & (truth == 0)] = n + 1
        values[whole] = CORTEX_HU
        values[inner & ~bone] = marrow_hu
        disc = (along > BODY_MM / 2) & (along < BODY_MM / 2 + DISC_MM)
        values[disc & ((side / 22.0) ** 2 + (deep / 16.0) ** 2 < 1) & (truth == 0) & ~bone] = DISC_HU
        at = at + way * (DISC_MM / 2 + BODY_MM / 2)
        way = way + [-lean * BEND, 0.16, 0.0]
        way = way / np.linalg.norm(way)
    frame = Frame("patient", "as_supplied")
    scan = Volume(values, matrix, frame, "CT", "HU", "made")
    upto = int((top + 14.0 - low[2]) / VOXEL_MM)
    labels = np.where(bone[:, :, :upto], 5, 0).astype(np.uint8)
    return scan, Volume(labels, matrix, frame, "labels", "1", "made", {5: "sacrum"}), truth


def labelled(labels: Volume, scan: Volume) -> tuple[Volume, tuple[str, ...]]:
    """The labels with vertebrae; as they are where none is seen."""
    spine = spine_in_view(scan, sacrum(), labels)
    return (labels, ()) if spine is None else with_vertebrae(labels, spine)


@pytest.fixture(scope="module")
def found() -> tuple[Volume, Volume, np.ndarray, tuple[str, ...]]:
    scan, labels, truth = made(128.0)
    out, notes = labelled(labels, scan)
    return labels, out, truth, notes


def check_agree(out: Volume, truth: np.ndarray) -> None:
    """Every made vertebra is found, under its name, and hardly any of another one."""
    names = {n: name for n, name in out.names.items() if name.startswith("vertebrae_")}
    assert list(names.values()) == [f"vertebrae_{level}" for level in LEVELS[:N_MADE]]
    i, j, k = out.values.shape
    for n, label in enumerate(names, start=1):
        own, wanted = out.values == label, truth[:i, :j, :k] == n
        assert 2 * (own & wanted).sum() / (own.sum() + (truth == n).sum()) > MIN_DICE
        others = (truth[:i, :j, :k] > 0) & ~wanted
        assert (own & others).sum() < MOST_ASTRAY * own.sum()
    heights = [np.argwhere(out.values == label)[:, 2].mean() for label in names]
    assert all(low < high for low, high in pairwise(heights))


def test_vertebrae_are_found_and_named_upwards(
    found: tuple[Volume, Volume, np.ndarray, tuple[str, ...]],
) -> None:
    _, out, truth, notes = found
    check_agree(out, truth)
    assert "counted upwards from the sacrum: where the lowest one is transitional" in notes[0]


@pytest.mark.parametrize("lean", [-LEAN, LEAN])
def test_a_spine_that_leans_to_a_side_with_marrow_like_soft_tissue(lean: float) -> None:
    scan, labels, truth = made(128.0, marrow_hu=THIN_HU, lean=lean)
    out, _ = labelled(labels, scan)
    check_agree(out, truth)


def test_bright_discs_are_no_bone() -> None:
    """Annulus and noise together are as bright as thin bone here and there."""
    scan, labels, _ = made(128.0)
    discs = scan.values == DISC_HU
    noise = gaussian_filter(np.random.default_rng(1).normal(size=discs.shape), 0.6)
    hu = np.where(discs, BRIGHT_HU, scan.values) + noise * (NOISE_HU / noise.std())
    out, _ = labelled(labels, replace(scan, values=hu.astype(np.float32)))
    i, j, k = out.values.shape
    taken = out.values > 5
    assert taken.any()
    assert (taken & discs[:i, :j, :k]).sum() < MOST_OF_DISCS * discs.sum()


def test_what_the_sacrum_holds_of_the_lowest_arch_is_given_back() -> None:
    scan, labels, truth = made(128.0)
    i, j, k = labels.values.shape
    arch = np.argwhere(truth[:i, :j, :k] == 1)
    behind = arch[arch[:, 1] > arch[:, 1].max() - TAKEN_MM / VOXEL_MM]
    behind = behind[behind[:, 2] > np.median(behind[:, 2])]  # the lower half may lie on the sacrum's own arch
    wrong = labels.values.copy()
    wrong[tuple(behind.T)] = 5
    out, _ = labelled(replace(labels, values=wrong), scan)
    number = {name: n for n, name in out.names.items()}["vertebrae_L5"]
    assert len(behind) > 50
    assert (out.values[tuple(behind.T)] == number).mean() > LEAST_GIVEN


def test_what_was_labelled_stays(found: tuple[Volume, Volume, np.ndarray, tuple[str, ...]]) -> None:
    labels, out, _, _ = found
    was = labels.values > 0
    grown = np.pad(was, [(0, b - a) for a, b in zip(was.shape, out.values.shape, strict=True)])
    assert ((out.values == 5) != grown).sum() < MOST_CHANGED * was.sum()  # along its upper joints alone
    np.testing.assert_array_equal(out.patient_from_voxel, labels.patient_from_voxel)


def test_the_map_ends_where_the_scan_ends_and_cuts_the_last_one() -> None:
    scan, labels, _ = made(52.0)
    out, _ = labelled(labels, scan)
    names = [name for name in out.names.values() if name.startswith("vertebrae_")]
    assert names == ["vertebrae_L5", "vertebrae_L4"]
    assert out.values.shape[2] == scan.values.shape[2]
    last = max(out.names)
    assert (out.values[:, :, -1] == last).any()  # so that its surface is said to be cut there


@pytest.mark.parametrize("above_mm", [2.0, 14.0, 120.0])
def test_none_is_made_up(above_mm: float) -> None:
    """A scan that ends at the sacrum, and one with nothing but soft tissue above it."""
    scan, labels, _ = made(above_mm, with_bone=False)
    out, notes = labelled(labels, scan)
    assert out is labels
    assert notes == ()


def test_a_sacrum_out_of_view_has_none() -> None:
    scan, labels, _ = made(120.0)
    upto = scan.values.shape[2] // 4
    low = replace(scan, values=scan.values[:, :, :upto])
    assert labelled(replace(labels, values=labels.values[:, :, :upto]), low)[0].names == {5: "sacrum"}


def test_discs_are_where_the_profile_falls_at_distances_of_vertebrae() -> None:
    at = np.arange(100)
    profile = 110.0 + 40.0 * np.cos(2 * np.pi * (at - 6 + 9) / 18.0)
    discs = find_discs(profile)
    assert discs == (6, 24, 42, 60, 78, 96)
    assert find_discs(np.full(100, 120.0)) in ((), (1,))

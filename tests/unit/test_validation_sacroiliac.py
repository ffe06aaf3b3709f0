"""Whether a joint's cut lies in its dark sheet: flat bones in a CT whose joint is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from ischio.types import Bone, Frame, Side, Volume
from ischio.validation.sacroiliac import LEAST_SHARE, WIDEST_MM, dark_share, sacroiliac_rows

FRAME = Frame("patient", "made")
SIZE_MM = np.array([0.9, 0.8, 1.5])
HALF_MM = 15.0
GAP_MM, THIN_MM, THICK_MM = 2.0, 1.2, 3.0
INNER_MM = GAP_MM / 2 + THICK_MM  # there a sacrum ends that holds the ilium's cortex
MIDDLE = np.array([5.0, -8.0, 300.0])


def surface(across_mm: float, sign: float, name: str, side: Side | None) -> Bone:
    """A flat surface across the first axis, its outside towards ``sign``."""
    n = 41
    y, z = np.meshgrid(*[np.linspace(-HALF_MM, HALF_MM, n)] * 2, indexing="ij")
    points = np.stack([np.full_like(y, across_mm), y, z], axis=-1).reshape(-1, 3) + MIDDLE
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + n, corner + n + 1], axis=1),
            np.stack([corner, corner + n + 1, corner + 1], axis=1),
        ]
    )
    return Bone(name, side, points, faces if sign > 0 else faces[:, ::-1], FRAME, 1.0, "made")


def ct(size_mm: np.ndarray = SIZE_MM) -> Volume:
    """Marrow, thin cortex, cartilage, thick dense cortex, marrow; with noise."""
    x = np.arange(-40.0, 40.0, 0.05)
    hu = np.full(len(x), 120.0)
    hu[(x > -GAP_MM / 2 - THIN_MM) & (x < 0)] = 450.0
    hu[(x >= 0) & (x < INNER_MM)] = 1100.0
    hu[np.abs(x) < GAP_MM / 2] = 60.0
    hu = gaussian_filter1d(hu, 0.6 / 0.05)
    shape = np.ceil(2 * (HALF_MM + 6.0) / size_mm).astype(int)
    affine = np.diag([*size_mm, 1.0])
    affine[:3, 3] = MIDDLE - size_mm * (shape - 1) / 2
    along = (np.arange(shape[0]) - (shape[0] - 1) / 2) * size_mm[0]
    values = np.interp(along, x, hu)[:, None, None]
    values = values + np.random.default_rng(0).normal(scale=20.0, size=tuple(shape))
    return Volume(values.astype(np.int16), affine, FRAME, "CT", "HU", "made")


def pair(sacrum_mm: float, ilium_mm: float) -> tuple[Bone, Bone]:
    return surface(sacrum_mm, 1.0, "sacrum", None), surface(ilium_mm, -1.0, "hip_bone", Side.LEFT)


@pytest.mark.parametrize(("sacrum_mm", "ilium_mm"), [(-1.0, 1.0), (0.0, 0.0), (-0.5, 1.5)])
def test_a_cut_in_the_joint_is_dark(sacrum_mm: float, ilium_mm: float) -> None:
    bones = pair(sacrum_mm, ilium_mm)
    share = dark_share(*bones, ct())
    assert share is not None
    assert share > 0.97
    (row,) = sacroiliac_rows("one", ct(), bones)
    assert row.verdict == "pass"
    assert row.quantity.startswith("left sacroiliac joint")


@pytest.mark.parametrize(("sacrum_mm", "ilium_mm"), [(INNER_MM, INNER_MM), (INNER_MM - 0.5, INNER_MM + 0.5)])
def test_a_cut_behind_the_other_bones_cortex_is_not(sacrum_mm: float, ilium_mm: float) -> None:
    bones = pair(sacrum_mm, ilium_mm)
    share = dark_share(*bones, ct())
    assert share is not None
    assert share < 0.1
    (row,) = sacroiliac_rows("one", ct(), bones)
    assert row.verdict == "fail"
    assert row.tolerance == 1.0 - LEAST_SHARE


def test_bones_apart_and_bones_alone_have_no_row() -> None:
    assert dark_share(*pair(-1.0, WIDEST_MM), ct()) is None
    assert sacroiliac_rows("one", ct(), pair(-1.0, WIDEST_MM)) == []
    assert sacroiliac_rows("one", ct(), pair(-1.0, 1.0)[:1]) == []


def test_a_coarse_scan_is_shown_and_not_judged() -> None:
    bones = pair(INNER_MM, INNER_MM)
    (row,) = sacroiliac_rows("one", ct(np.array([0.9, 0.8, 2.0])), bones)
    assert row.verdict == "shown"
    assert "not judged" in row.note

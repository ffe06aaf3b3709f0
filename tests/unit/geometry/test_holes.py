"""What a mask encloses, against filling by dilation from outside."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, gaussian_filter

from ischio.geometry.holes import enclosed


@pytest.mark.parametrize("across", [None, 0, 1, 2])
@pytest.mark.parametrize("level", [0.4, 0.5, 0.6])
def test_as_by_dilation_from_outside(rng: np.random.Generator, across: int | None, level: float) -> None:
    smooth = gaussian_filter(rng.random((31, 24, 18)), 1.0)
    mask = smooth > np.quantile(smooth, level)
    if across is None:
        expected = binary_fill_holes(mask)
    else:
        slices = [binary_fill_holes(one) for one in np.moveaxis(mask, across, 0)]
        expected = np.moveaxis(np.array(slices), 0, across)
    found = enclosed(mask, across=across)
    assert np.array_equal(found, expected)
    assert found.sum() > mask.sum()


def test_masks_without_a_hole_stay_as_they_are() -> None:
    for mask in (np.zeros((4, 5, 6), dtype=bool), np.ones((4, 5, 6), dtype=bool)):
        assert np.array_equal(enclosed(mask), mask)

"""What lies near a mask, against distances to all of its voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ischio.geometry.reach import within


@pytest.mark.parametrize("reach_mm", [0.0, 1.0, 2.7, 40.0])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.9, 3.0), (3.0, 0.65, 0.8)])
def test_as_by_distances(
    rng: np.random.Generator, reach_mm: float, spacing: tuple[float, float, float]
) -> None:
    smooth = gaussian_filter(rng.random((23, 14, 19)), 1.0)
    mask = smooth > np.quantile(smooth, 0.97)
    before = mask.copy()
    found = within(mask, reach_mm, np.array(spacing))
    expected = distance_transform_edt(~mask, sampling=spacing) <= reach_mm
    assert np.array_equal(found, expected)
    assert np.array_equal(mask, before)


def test_nothing_lies_near_an_empty_mask() -> None:
    assert not within(np.zeros((4, 5, 6), dtype=bool), 3.0, np.ones(3)).any()

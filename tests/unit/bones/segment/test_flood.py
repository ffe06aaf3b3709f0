"""Floods from the seeds that matter alone, against floods from all of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.segmentation import watershed

from ischio.bones.segment.flood import flooded


@pytest.mark.parametrize("seed", range(4))
def test_as_from_all_seeds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, where, room = (
        gaussian_filter(rng.random((26, 31, 22)), 2.0).astype(np.float32) for _ in range(3)
    )
    seeds = np.zeros(height.shape, dtype=np.int32)
    seeds[where > np.quantile(where, 0.8)] = 1
    seeds[where < np.quantile(where, 0.2)] = 2
    mask = room > np.quantile(room, 0.1)
    found = flooded(height, seeds, mask)
    assert np.array_equal(found, watershed(height, seeds, mask=mask))
    assert (found[mask & (seeds == 0)] > 0).any()


def test_where_all_is_sure_nothing_is_asked() -> None:
    seeds = np.full((3, 4, 5), 7, dtype=np.int32)
    mask = np.zeros(seeds.shape, dtype=bool)
    mask[1:] = True
    assert np.array_equal(flooded(np.zeros(seeds.shape, dtype=np.float32), seeds, mask), np.where(mask, 7, 0))

"""The solid of a surface against winding numbers, on oblique grids."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ischio.atlas.parts import part_model
from ischio.geometry.solid import solid
from ischio.geometry.winding import winding_number
from ischio.types import Side


@pytest.mark.parametrize("seed", range(3))
def test_voxels_inside_are_those_with_a_winding_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = part_model("hip_bone", Side.LEFT if seed % 2 else Side.RIGHT)
    affine = np.eye(4)
    affine[:3, :3] = Rotation.random(random_state=seed).as_matrix() * [7.0, -6.0, 8.0]
    affine[:3, 3] = model.mean_mm.mean(axis=0) - affine[:3, :3] @ [12.0, 14.0, 11.0]
    found = solid(model.mean_mm, model.faces, affine, (25, 28, 23))
    assert 50 < found.sum() < found.size / 4
    cells = np.concatenate([np.argwhere(found)[::6], rng.integers(0, found.shape, (60, 3))])
    for cell in cells:
        winding = winding_number(affine[:3, :3] @ cell + affine[:3, 3], model.mean_mm[model.faces])
        assert bool(found[tuple(cell)]) is (winding > 0.5)

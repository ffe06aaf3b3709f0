"""Voxels of one bone where attenuation alone does not show it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ischio.bones.segment.mask import bone_mask, touched_cm2

SPACING_MM = np.ones(3)
NOISE_HU = 15.0
MUSCLE_HU = 55.0
MM2_CM2 = 0.01
LAYERS_SHARE = 0.35  # the layer that is counted holds one voxel, or two


def places(shape: tuple[int, ...], *, is_joint: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """All of it the bone's own, beside another bone or not."""
    return np.ones(shape, dtype=bool), np.full(shape, is_joint)


def noisy(hu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (gaussian_filter(hu, 0.7) + rng.normal(scale=NOISE_HU, size=hu.shape)).astype(np.float32)


def test_a_wing_thinner_than_a_voxel_has_no_hole(rng: np.random.Generator) -> None:
    """Between two thick ends a plate attenuates little more than muscle; the model says that it is there."""
    x = np.arange(40)[:, None, None] + np.zeros((40, 30, 30))
    ends = (x < 10) | (x >= 30)
    z = np.arange(30)[None, None, :] - 15.0
    field = (np.abs(z) - np.where(ends, 5.0, 2.0)).astype(np.float32)
    hu = np.where(field < 0, np.where(ends, 400.0, 170.0), MUSCLE_HU)
    mask = bone_mask(noisy(hu, rng), field, *places(hu.shape), SPACING_MM, by_slice=True).voxels
    middle = mask[12:28, 3:-3, 14:17]
    assert middle.all(axis=2).mean() > 0.98  # noise may take a voxel
    assert mask[12:28, 3:-3, 20:].mean() == 0.0


def test_a_head_of_fatty_marrow_has_no_notch(rng: np.random.Generator) -> None:
    """Its cortex is blurred away on one side: what lies deep in the model is bone."""
    place = np.stack(np.meshgrid(*[np.arange(50) - 25.0] * 3, indexing="ij"), axis=-1)
    field = (np.linalg.norm(place, axis=-1) - 18.0).astype(np.float32)
    faint = place[..., 0] > 8
    hu = np.where(field < 0, np.where(faint, -40.0, 250.0), MUSCLE_HU)
    mask = bone_mask(noisy(hu, rng), field, *places(hu.shape), SPACING_MM, by_slice=False).voxels
    assert mask[field < -2.5].all()
    assert not mask[field > 2.0].any()


def test_cartilage_between_two_bones_is_none(rng: np.random.Generator) -> None:
    """The model reaches 2 mm too far into a joint space."""
    depth = np.arange(40)[:, None, None] - 22.0 + np.zeros((40, 20, 20))
    hu = np.where(depth < -2.0, 400.0, MUSCLE_HU + 50.0)
    own, joint = places(hu.shape, is_joint=True)
    mask = bone_mask(noisy(hu, rng), depth.astype(np.float32), own, joint, SPACING_MM, by_slice=False).voxels
    assert mask[:19].all()
    assert not mask[22:].any()


def slab(thick_mm: float = 12.0) -> np.ndarray:
    """Depth of a plate's model on a grid of millimetres: negative inside, along the first axis."""
    depth = np.abs(np.arange(50)[:, None, None] - 15.0) - thick_mm / 2 + np.zeros((50, 40, 40))
    return depth.astype(np.float32)


def plate(field: np.ndarray) -> np.ndarray:
    """Cortex of 2 mm round marrow, in muscle."""
    return np.where(field > 0, MUSCLE_HU, np.where(field > -2.0, 1000.0, 150.0))


def test_contrast_that_touches_a_bone_is_none(rng: np.random.Generator) -> None:
    """A bladder nearly as dense as cortex lies on a plate, and goes on for 15 mm."""
    field = slab()
    hu = plate(field)
    beyond = (np.arange(50)[:, None, None] > 15) & (field > 0) & (field < 15.0)
    hu = np.where(beyond, 900.0, hu)
    mask, touching = bone_mask(noisy(hu, rng), field, *places(hu.shape), SPACING_MM, by_slice=False)
    assert touched_cm2(touching, SPACING_MM) == pytest.approx(hu[0].size * MM2_CM2, rel=LAYERS_SHARE)
    inner = mask[:, 5:-5, 5:-5]
    assert inner[field[:, 5:-5, 5:-5] < -0.5].all()
    assert not inner[field[:, 5:-5, 5:-5] > 2.0].any()


def test_a_spur_beyond_the_model_stays(rng: np.random.Generator) -> None:
    """4 mm of bone that no model has, 8 mm wide: it ends where models' reach does."""
    field = slab()
    y, z = np.ogrid[:40, :40]
    is_spur = (np.hypot(y - 20, z - 20) < 4.0)[None] & (np.arange(50)[:, None, None] > 15) & (field < 4.0)
    hu = np.where(is_spur & (field > 0), 900.0, plate(field))
    mask = bone_mask(noisy(hu, rng), field, *places(hu.shape), SPACING_MM, by_slice=False).voxels
    assert mask[is_spur & (field < 3.0)].mean() > 0.95


def test_a_muscle_made_brighter_by_streaks_is_no_bone(rng: np.random.Generator) -> None:
    """200 HU beside a cortex of 1,000, half of which is more; where the cortex is weak it seems joined."""
    field = slab()
    upper = np.arange(50)[:, None, None] > 15
    y, z = np.ogrid[:40, :40]
    is_weak = upper & (np.hypot(y - 20, z - 20) < 4.0)[None] & (field <= 0) & (field > -2.0)
    hu = np.where(upper & (field > 0) & (field < 4.0), 200.0, plate(field))
    hu = np.where(is_weak, 250.0, hu)
    mask = bone_mask(noisy(hu, rng), field, *places(hu.shape), SPACING_MM, by_slice=False).voxels
    assert not mask[field > 1.5].any()

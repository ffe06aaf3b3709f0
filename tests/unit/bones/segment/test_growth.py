"""A growth plate is drawn into a femoral head, and its scar into another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio.atlas.parts import ball_of, part_model
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.growth import MOST_HU, dark_sheet_hu, open_plates
from ischio.types import Frame, Side, Volume

SPACING_MM = np.array([0.9, 0.9, 2.0])
HALF_MM = 40.0
BONE_HU, PLATE_HU, SCAR_HU, NOISE_HU = 260.0, 90.0, 600.0, 25.0
TILT = 0.2  # of the plate against the neck: 11 degrees


def head(side: Side) -> tuple[np.ndarray, np.ndarray, float]:
    """A femur, its head's centre and radius."""
    femur = part_model("femur", side).mean_mm
    centre, radius = ball_of("femur", side, femur)
    return femur, centre, radius


def scan(side: Side, rng: np.random.Generator, *, width_mm: float, hu: float) -> Volume:
    """Bone all round a head, lighter towards the neck, and a sheet between the two."""
    femur, centre, radius = head(side)
    neck = femur[np.linalg.norm(femur - centre, axis=1) < 1.6 * radius].mean(axis=0) - centre
    neck /= np.linalg.norm(neck)
    normal = neck + TILT * np.cross(neck, [0.0, 1.0, 0.0])
    normal /= np.linalg.norm(normal)
    n = np.ceil(2 * HALF_MM / SPACING_MM).astype(int)
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = centre - HALF_MM
    place = np.stack(np.meshgrid(*map(np.arange, n), indexing="ij"), axis=-1) * SPACING_MM - HALF_MM
    along = place @ normal
    values = BONE_HU - 3.0 * along + rng.normal(scale=NOISE_HU, size=along.shape)
    values[np.abs(along - 0.3 * radius) < width_mm / 2] = hu
    return Volume(values.astype(np.int16), affine, Frame("patient", "made"), "CT", "HU", "made")


def laid(side: Side) -> dict[tuple[str, Side | None], Laid]:
    model = part_model("femur", side)
    seen = np.ones(len(model.mean_mm), dtype=bool)
    return {("femur", side): Laid(model, model.mean_mm, 1.0, seen, 1.0, 0.95, 0.5)}


@pytest.mark.parametrize("side", list(Side))
def test_an_open_plate_is_told(side: Side, rng: np.random.Generator) -> None:
    found = open_plates(laid(side), scan(side, rng, width_mm=3.0, hu=PLATE_HU))
    assert len(found) == 1
    assert found[0].startswith(f"{side.value} femoral head: a dark sheet parts it from the neck")


@pytest.mark.parametrize(("width_mm", "hu"), [(0.0, BONE_HU), (3.0, SCAR_HU)])  # none; a closed plate's scar
def test_an_adult_has_none(width_mm: float, hu: float, rng: np.random.Generator) -> None:
    assert open_plates(laid(Side.LEFT), scan(Side.LEFT, rng, width_mm=width_mm, hu=hu)) == ()


def test_nothing_is_told_of_heads_with_metal_or_out_of_view(rng: np.random.Generator) -> None:
    femur = head(Side.LEFT)[0]
    whole = scan(Side.LEFT, rng, width_mm=3.0, hu=PLATE_HU)
    assert dark_sheet_hu(femur, Side.LEFT, whole) > MOST_HU
    values = whole.values.copy()
    i, j, k = (int(n) // 2 for n in values.shape)
    values[i - 2 : i + 3, j - 2 : j + 3, k - 1 : k + 2] = 3071
    assert dark_sheet_hu(femur, Side.LEFT, replace(whole, values=values)) == 0.0
    upper = replace(whole, values=whole.values[:, :, : k // 2])
    assert dark_sheet_hu(femur, Side.LEFT, upper) == 0.0

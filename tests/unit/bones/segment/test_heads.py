"""A femoral head's ball is the femur's, as far as a hip bone holds it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ischio.atlas.parts import ball_of, part_model
from ischio.bones.segment.ct import Key
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.heads import BEYOND_MM, give_heads
from ischio.types import Frame, Side, Volume

SIZE_MM = np.array([1.0, 1.2, 2.0])
HIP, FEMUR, OTHER = 1, 2, 3


def laid(name: str, side: Side) -> Laid:
    model = part_model(name, side)
    return Laid(model, model.mean_mm, 1.0, np.ones(len(model.mean_mm), dtype=bool), 1.0, 1.0, 1.0)


def around(centre: np.ndarray, turn: np.ndarray, n: tuple[int, int, int]) -> tuple[Volume, np.ndarray]:
    """An empty grid of given axes about a point, and the distance of its voxels from the point."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn * SIZE_MM
    matrix[:3, 3] = centre - matrix[:3, :3] @ (np.array(n) / 2 - 0.2)
    index = np.stack(np.meshgrid(*map(np.arange, n), indexing="ij"), axis=-1)
    away = np.linalg.norm(index @ matrix[:3, :3].T + matrix[:3, 3] - centre, axis=-1)
    return Volume(np.zeros(n, dtype=np.float32), matrix, Frame("patient", "made"), "CT", "HU", "made"), away


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("n", [(70, 60, 40), (30, 30, 20)], ids=["whole", "cut"])
def test_the_ball_is_the_femurs(side: Side, n: tuple[int, int, int]) -> None:
    found: dict[Key, Laid] = {
        ("hip_bone", side): laid("hip_bone", side),
        ("femur", side): laid("femur", side),
    }
    centre, radius = ball_of("femur", side, found["femur", side].vertices_mm)
    grid, away = around(centre, Rotation.from_rotvec([0.1, -0.2, 0.3]).as_matrix(), n)
    owner = np.full(n, HIP, dtype=np.uint8)
    owner[: n[0] // 3] = OTHER
    owner[:, :, : n[2] // 4] = 0
    before = owner.copy()
    give_heads(owner, found, grid)
    inside = (away < radius + BEYOND_MM) & (before == HIP)
    assert inside.any()
    assert (owner[inside] == FEMUR).all()
    np.testing.assert_array_equal(owner[~inside], before[~inside])


def test_a_ball_beside_the_grid_and_a_femur_alone_change_nothing() -> None:
    femur, hip_bone = laid("femur", Side.LEFT), laid("hip_bone", Side.LEFT)
    centre, _ = ball_of("femur", Side.LEFT, femur.vertices_mm)
    n = (20, 20, 20)
    for at, side in ((centre + 100.0, Side.LEFT), (centre, Side.RIGHT)):
        found: dict[Key, Laid] = {("hip_bone", side): hip_bone, ("femur", Side.LEFT): femur}
        grid, _ = around(at, np.eye(3), n)
        owner = np.full(n, HIP, dtype=np.uint8)
        give_heads(owner, found, grid)
        assert (owner == HIP).all()

"""Head and socket are parted in the middle of their joint, also where a scan blurs both into one sheet."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from ischio.atlas.parts import ball_of, part_model
from ischio.bones.segment.ct import Key
from ischio.bones.segment.fit import Laid
from ischio.bones.segment.heads import joint_cut, part_heads
from ischio.types import Frame, Side, Volume

SIZE_MM = np.array([0.8, 0.9, 1.0])
N = (90, 80, 72)
HEAD_MM, CORTEX_MM = 23.0, 1.2
CORTEX_HU, TRABECULAR_HU, CARTILAGE_HU = 1200.0, 200.0, 55.0
HIP, FEMUR, OTHER = 1, 2, 3
# Mean distance from the joint's true middle: a third of a voxel, and in a wide joint, whose floor is even, a
# sixth of its width.
NEAR_MM, NEAR_SHARE = 0.3, 1 / 6


def frame(seed: int) -> np.ndarray:
    """A grid of oblique axes whose middle voxel lies somewhere."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix() * SIZE_MM
    matrix[:3, 3] = -matrix[:3, :3] @ (np.array(N) / 2) + np.random.default_rng(seed).normal(size=3)
    return matrix


def scan(values: np.ndarray, matrix: np.ndarray) -> Volume:
    return Volume(values.astype(np.float32), matrix, Frame("patient", "made"), "CT", "HU", "made")


def places(matrix: np.ndarray) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, N), indexing="ij"), axis=-1)
    return index @ matrix[:3, :3].T + matrix[:3, 3]


def head_and_socket(
    matrix: np.ndarray,
    gap_mm: float | np.ndarray,
    blur_mm: float,
    noise_hu: float,
    plates_mm: tuple[float, float] = (CORTEX_MM, CORTEX_MM),
) -> np.ndarray:
    """Two plates of cortex about the origin with cartilage between, trabecular bone in and around them."""
    far = np.linalg.norm(places(matrix), axis=-1)
    begins = HEAD_MM + gap_mm
    hu = np.where(far < HEAD_MM, TRABECULAR_HU, CARTILAGE_HU)
    hu = np.where((far < HEAD_MM) & (far > HEAD_MM - plates_mm[0]), CORTEX_HU, hu)
    hu = np.where(far > begins, TRABECULAR_HU, hu)
    hu = np.where((far > begins) & (far < begins + plates_mm[1]), CORTEX_HU, hu)
    hu = gaussian_filter(hu, [0.5 / SIZE_MM[0], 0.5 / SIZE_MM[1], blur_mm / SIZE_MM[2]])
    return hu + np.random.default_rng(0).normal(0.0, noise_hu, size=N)


def directions() -> np.ndarray:
    """Evenly over the upper two thirds of a sphere."""
    n = 600
    up = np.linspace(-0.3, 0.99, n)
    turn = np.pi * (1 + 5**0.5) * np.arange(n)
    flat = np.sqrt(1 - up**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), up], axis=1)


@pytest.mark.parametrize("gap_mm", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("blur_mm", [0.5, 1.2], ids=["thin slices", "thick slices"])
@pytest.mark.parametrize("laid_mm", [-1.0, 1.0], ids=["laid too small", "laid too large"])
def test_the_cut_lies_in_the_middle_of_the_joint(gap_mm: float, blur_mm: float, laid_mm: float) -> None:
    matrix = frame(int(10 * gap_mm))
    volume = scan(head_and_socket(matrix, gap_mm, blur_mm, 20.0), matrix)
    centre = np.array([0.5, -0.4, 0.3])  # the laid head lies a little beside the true one
    away = np.linalg.norm(places(matrix) - centre, axis=-1)
    socket = (HEAD_MM + gap_mm + laid_mm - away).astype(np.float32)
    cut = joint_cut(volume, socket, centre, HEAD_MM + laid_mm, directions())
    assert cut.is_joint.all()
    ends = np.linalg.norm(centre + cut.radii_mm[:, None] * cut.directions, axis=1)
    assert np.abs(ends - (HEAD_MM + gap_mm / 2)).mean() < max(NEAR_MM, NEAR_SHARE * gap_mm)
    assert (ends > HEAD_MM - NEAR_MM).mean() > 0.98
    assert (ends < HEAD_MM + gap_mm + NEAR_MM).mean() > 0.98


def test_a_thin_plate_of_the_head_is_told_where_the_joint_is_wide() -> None:
    """Touching plates of 0.7 and 2.1 mm: the middle of their sheet lies 0.7 mm inside the socket's."""
    matrix = frame(4)
    at = places(matrix)
    far = np.linalg.norm(at, axis=-1)
    gap_mm = np.where(at[..., 2] > 0.6 * far, 0.2, 3.0)
    volume = scan(head_and_socket(matrix, gap_mm, 1.2, 20.0, (0.7, 2.1)), matrix)
    cut = joint_cut(volume, (HEAD_MM + 0.2 - far).astype(np.float32), np.zeros(3), HEAD_MM, directions())
    touching = cut.directions[:, 2] > 0.75
    assert touching.sum() > 50
    assert abs(np.median(cut.radii_mm[touching]) - (HEAD_MM + 0.1)) < NEAR_MM


def test_where_no_socket_lies_nothing_is_cut() -> None:
    matrix = frame(1)
    volume = scan(head_and_socket(matrix, 1.0, 0.5, 0.0), matrix)
    at = places(matrix)
    socket = (HEAD_MM + 1.0 - np.linalg.norm(at, axis=-1)).astype(np.float32)
    cut = joint_cut(volume, np.where(at[..., 2] > 0.0, socket, 12.0), np.zeros(3), HEAD_MM, directions())
    up = cut.directions[:, 2]
    assert cut.is_joint[up > 0.1].all()
    assert not cut.is_joint[up < -0.1].any()


def laid(name: str, side: Side) -> Laid:
    model = part_model(name, side)
    return Laid(model, model.mean_mm, 1.0, np.ones(len(model.mean_mm), dtype=bool), 1.0, 1.0, 1.0)


@pytest.mark.parametrize("side", list(Side))
def test_what_both_bones_hold_is_divided_there(side: Side) -> None:
    found: dict[Key, Laid] = {
        ("hip_bone", side): laid("hip_bone", side),
        ("femur", side): laid("femur", side),
    }
    matrix = frame(3)
    values = head_and_socket(matrix, 1.0, 0.5, 0.0)
    centre, radius = ball_of("femur", side, found["femur", side].vertices_mm)
    away = np.linalg.norm(places(matrix), axis=-1)
    matrix[:3, 3] += centre
    grid = scan(values, matrix)
    socket = (radius + 1.0 - away).astype(np.float32)
    owner = np.full(N, HIP, dtype=np.uint8)
    owner[: N[0] // 3] = FEMUR
    owner[:, :, : N[2] // 4] = OTHER
    before = owner.copy()
    fields = dict.fromkeys(found, socket)
    part_heads(owner, found, fields, grid)
    np.testing.assert_array_equal(owner[before == OTHER], OTHER)
    toward = places(matrix) - centre
    is_joint = (before != OTHER) & (toward[..., 2] > 0.5 * away) & (away < HEAD_MM + 8.0)
    assert is_joint.any()
    assert (owner[is_joint & (away < HEAD_MM - 1.0)] == FEMUR).all()
    assert (owner[is_joint & (away > HEAD_MM + 2.0)] == HIP).all()


def test_a_head_beside_the_grid_and_a_femur_alone_change_nothing() -> None:
    femur, hip_bone = laid("femur", Side.LEFT), laid("hip_bone", Side.LEFT)
    centre, _ = ball_of("femur", Side.LEFT, femur.vertices_mm)
    for at, side in ((centre + 200.0, Side.LEFT), (centre, Side.RIGHT)):
        found: dict[Key, Laid] = {("hip_bone", side): hip_bone, ("femur", Side.LEFT): femur}
        matrix = frame(2)
        matrix[:3, 3] += at
        grid = scan(np.zeros(N), matrix)
        owner = np.full(N, HIP, dtype=np.uint8)
        part_heads(owner, found, dict.fromkeys(found, np.zeros(N, dtype=np.float32)), grid)
        assert (owner == HIP).all()

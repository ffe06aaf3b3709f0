"""A bone found again in another scan of another kind, moved by a known amount."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from ischio._check import InputError
from ischio.bones.match import climbed, explained, levels, rms
from ischio.bones.profiles import profile_offsets
from ischio.bones.registration import (
    LEAST_BACK,
    LEAST_SEEN,
    MOST_PRECISION_MM,
    MOST_RESIDUAL_MM,
    _reason,
    register_bone,
)
from ischio.io._volume import scanner_frame
from ischio.types import Bone, Frame, Volume

Mesh = tuple[np.ndarray, np.ndarray]
FOUND_MM = 0.5  # a quarter of the MR's voxel
SAME = 1e-9  # rounding
RADII_MM = (30.0, 18.0, 24.0)


def depth_of(points: np.ndarray) -> np.ndarray:
    """Below 1 inside of an ellipsoid with two bumps, which no turn brings onto itself."""
    depth = np.linalg.norm(points / RADII_MM, axis=-1)
    for middle, radius in (((22.0, 8, -10), 14.0), ((-12.0, -14, 12), 11.0)):
        depth = np.minimum(depth, np.linalg.norm((points - middle) / radius, axis=-1))
    return depth


def scans(moved: np.ndarray, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """A CT with bright cortex, and an MR with dark cortex on another grid, in which the bone is moved."""
    out = []
    for spacing, hu, frame in ((2.0, (40.0, 1000.0, 80.0), "1.1"), (2.2, (300.0, 40.0, 700.0), "1.2")):
        n = int(110 / spacing)
        affine = np.diag([spacing, spacing, spacing, 1.0])
        affine[:3, 3] = -spacing * (n - 1) / 2
        index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
        points = index * spacing + affine[:3, 3]
        if frame == "1.2":
            back = np.linalg.inv(moved)
            points = points @ back[:3, :3].T + back[:3, 3]
        depth = depth_of(points)
        values = np.select([depth < 0.82, depth < 1.0], [hu[2], hu[1]], hu[0])
        values = gaussian_filter(values, 0.7) + rng.normal(scale=20, size=values.shape)
        kind = ("CT", "HU") if frame == "1.1" else ("MR", "1")
        out.append(Volume(values.astype(np.int16), affine, scanner_frame(frame), *kind, "phantom"))
    return out[0], out[1]


def turned(degrees: float, shift_mm: tuple[float, float, float]) -> np.ndarray:
    """A turn about an oblique axis, and a shift."""
    out = np.eye(4)
    out[:3, :3] = Rotation.from_rotvec(np.deg2rad(degrees) * np.array([0.48, -0.6, 0.64])).as_matrix()
    out[:3, 3] = shift_mm
    return out


def bumpy(ball: Callable[..., Mesh], frame: Frame) -> Bone:
    """The bone as it is in the scans, its bumps drawn out of the ellipsoid."""
    vertices, faces = ball(1500, RADII_MM)
    direction = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    reach = np.linspace(0, 45, 901)
    along = direction[:, None] * reach[None, :, None]
    inside = depth_of(along) < 1.0
    far = reach[len(reach) - 1 - np.argmax(inside[:, ::-1], axis=1)]
    return Bone("sacrum", None, direction * far[:, None], faces, frame, 2.0, "phantom")


@pytest.mark.slow
def test_a_moved_bone_is_found(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    moved = turned(7.0, (9.0, -14.0, 8.0))
    first, second = scans(moved, rng)
    bone = bumpy(ball, first.frame)
    found = register_bone(bone, first, second)
    assert found.reason is None
    assert (found.first_from_second.target, found.first_from_second.source) == (first.frame, second.frame)
    back = found.first_from_second.apply(bone.vertices_mm @ moved[:3, :3].T + moved[:3, 3])
    assert np.sqrt(((back - bone.vertices_mm) ** 2).sum(axis=1).mean()) < FOUND_MM
    assert found.moved_mm > 15
    assert found.residual_mm is not None
    assert found.residual_mm < FOUND_MM
    assert found.bias_mm == pytest.approx(0, abs=FOUND_MM)
    assert found.precision_mm < FOUND_MM
    assert found.n_back == found.n_starts
    assert not found.shares_frame


@pytest.mark.slow
def test_a_bone_that_the_second_scan_does_not_show(
    ball: Callable[..., Mesh], rng: np.random.Generator
) -> None:
    first, second = scans(np.eye(4), rng)
    noise = gaussian_filter(rng.normal(size=second.values.shape), 3) * 1500 + 300
    empty = Volume(noise.astype(np.int16), second.patient_from_voxel, second.frame, "MR", "1", "noise")
    found = register_bone(bumpy(ball, first.frame), first, empty)
    assert found.reason is not None


def test_reasons() -> None:
    """What a reason says, in the order of the checks."""
    good = {"n_back": 12, "precision": 0.2, "ambiguity": 0.0, "residual": 0.4, "seen": 0.6}
    assert _reason(**good) is None
    for change, words in (
        ({"n_back": LEAST_BACK - 1}, "starts near the result"),
        ({"ambiguity": 9.0}, "another place, 9 mm away"),
        ({"seen": LEAST_SEEN - 0.01}, "% of its surface only"),
        ({"residual": None}, "% of its surface only"),
        ({"residual": MOST_RESIDUAL_MM + 0.1}, "mm about the surface"),
        ({"precision": MOST_PRECISION_MM + 0.1}, "two halves"),
    ):
        assert words in str(_reason(**(good | change)))


def test_profiles_tell_a_right_place_from_a_wrong_one(
    ball: Callable[..., Mesh], rng: np.random.Generator
) -> None:
    """Where the bone lies right, profiles are found near the surface; away from there they are not."""
    first, second = scans(np.eye(4), rng)
    bone = bumpy(ball, first.frame)
    fine = levels(bone, first, second)[-1]
    residual, bias, seen = profile_offsets(fine, np.eye(4))
    assert residual is not None
    assert residual < FOUND_MM
    assert bias == pytest.approx(0.0, abs=FOUND_MM)
    assert seen > 0.8
    away = fine.move(np.array([25.0, 10, 0]), np.array([6.0, 5, 4]))
    residual_away, _, seen_away = profile_offsets(fine, away)
    assert seen_away < 0.5 * seen
    assert residual_away is None or residual_away > 2 * residual


def test_a_step_of_the_climb_never_loses(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    first, second = scans(np.eye(4), rng)
    level = levels(bumpy(ball, first.frame), first, second)[1]
    start = level.move(np.array([3.0, -2, 4]), np.array([2.0, 3, -1]))
    end = climbed(level, start)
    assert explained(level, end) > explained(level, start)
    assert rms(level, end, np.eye(4)) < FOUND_MM


def test_explained_equals_the_plain_sum(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    """Slow twin: a correlation ratio by classes in a loop."""
    first, second = scans(np.eye(4), rng)
    level = levels(bumpy(ball, first.frame), first, second)[0]
    move = level.move(np.array([3.0, 1, 2]), np.array([1.0, -2, 0.5]))
    values = level.scan.at(level.at_mm @ move[:3, :3].T + move[:3, 3])
    inside = level.scan.inside(level.at_mm @ move[:3, :3].T + move[:3, 3])
    rest = 0.0
    for kind in np.unique(level.kind):
        rows = inside & (level.kind == kind)
        rest += ((values[rows] - values[rows].mean()) ** 2).sum() if rows.any() else 0.0
    total = ((values[inside] - values[inside].mean()) ** 2).sum()
    assert explained(level, move) == pytest.approx(1 - rest / total, abs=SAME)


def test_scans_that_do_not_overlap(ball: Callable[..., Mesh], rng: np.random.Generator) -> None:
    moved = np.eye(4)
    first, second = scans(moved, rng)
    affine = second.patient_from_voxel.copy()
    affine[:3, 3] += 200
    away = Volume(second.values, affine, second.frame, "MR", "1", "x")
    bone = Bone("sacrum", None, *ball(500, RADII_MM), first.frame, 2.0, "phantom")
    with pytest.raises(InputError, match="surroundings in both scans"):
        register_bone(bone, first, away)

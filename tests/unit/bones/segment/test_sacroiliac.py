"""Two laid models are parted along the dark sheet of a joint: flat bones whose joint is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from ischio.atlas.model import BoneModel
from ischio.bones.segment.fit import Laid, loosen
from ischio.bones.segment.sacroiliac import dark_sheet, parted
from ischio.types import Frame, Volume

SIZE_MM = np.array([0.8, 0.8, 1.5])
TURN = Rotation.from_rotvec([0.3, -0.2, 0.4]).as_matrix()  # of the voxel axes and of the joint
ORIGIN = np.array([20.0, -30.0, 400.0])
HALF_MM = 24.0  # of both flat surfaces
GAP_MM = 2.0
THIN_MM, THICK_MM = 1.2, 3.5  # cortices: the sacrum's, and the ilium's at the joint
THIN_HU, THICK_HU, MARROW_HU, CARTILAGE_HU = 450.0, 1100.0, 120.0, 60.0
INNER_MM = GAP_MM / 2 + THICK_MM  # the thick cortex's other edge: the steepest of all
NEAR_MM = 0.6  # half a voxel's diagonal in plane, and half a step of the profiles
MARGIN_MM = 8.0  # of the surfaces' rims, which follow what does not move


def flat(across_mm: float, sign: float, step_mm: float, tilt: float = 0.0) -> Laid:
    """A flat bone's joint surface, ``across_mm`` from the joint's middle, its outside towards ``sign``."""
    n = round(2 * HALF_MM / step_mm) + 1
    y, z = np.meshgrid(np.linspace(-HALF_MM, HALF_MM, n), np.linspace(-HALF_MM, HALF_MM, n), indexing="ij")
    points = np.stack([across_mm + tilt * y, y, z], axis=-1).reshape(-1, 3) @ TURN.T + ORIGIN
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    a, b, c, d = corner, corner + n, corner + n + 1, corner + 1
    faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    faces = faces if sign > 0 else faces[:, ::-1]
    model = BoneModel("flat", points, np.zeros((0, *points.shape)), faces)
    return Laid(model, points, 1.0, np.ones(len(points), dtype=bool), 1.0, 1.0, 1.0)


def ct(gap_mm: float = GAP_MM) -> Volume:
    """Thin cortex, cartilage and thick dense cortex between marrow on both sides, with noise."""
    x = np.arange(-40.0, 40.0, 0.05)
    thin, thick = gap_mm / 2 + THIN_MM, gap_mm / 2 + THICK_MM
    hu = np.full(len(x), MARROW_HU)
    hu[(x > -thin) & (x < 0)] = THIN_HU
    hu[(x >= 0) & (x < thick)] = THICK_HU
    hu[np.abs(x) < gap_mm / 2] = CARTILAGE_HU
    hu = gaussian_filter1d(hu, 0.6 / 0.05)
    shape = np.ceil(2 * (HALF_MM + 10.0) / SIZE_MM).astype(int)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    place = (index - (shape - 1) / 2) * SIZE_MM
    noise = np.random.default_rng(0).normal(scale=20.0, size=tuple(shape))
    affine = np.eye(4)
    turn = Rotation.from_rotvec([0.1, 0.5, -0.2]).as_matrix()
    affine[:3, :3] = turn * SIZE_MM
    affine[:3, 3] = ORIGIN - affine[:3, :3] @ ((shape - 1) / 2)
    values = np.interp(place @ (TURN.T @ turn)[0], x, hu) + noise
    return Volume(values.astype(np.int16), affine, Frame("patient", "made"), "CT", "HU", "made")


def inner(laid: Laid) -> tuple[np.ndarray, np.ndarray]:
    """Distances from the joint's middle, across, of what does not lie at the rim; and which they are."""
    own = (laid.vertices_mm - ORIGIN) @ TURN
    flat_mm = (laid.model.mean_mm - ORIGIN) @ TURN
    is_inner = (np.abs(flat_mm[:, 1:]) < HALF_MM - MARGIN_MM).all(axis=1)
    return own[is_inner, 0], is_inner


@pytest.mark.parametrize(
    ("sacrum_mm", "ilium_mm"),
    [(INNER_MM, 1.0), (INNER_MM, INNER_MM), (-3.0, -2.0), (1.5, -2.5), (-1.0, 1.0)],
    ids=["on the ilium's inner edge", "both there", "both in the sacrum", "overlapping", "right"],
)
def test_each_surface_comes_to_its_own_side(sacrum_mm: float, ilium_mm: float) -> None:
    sacrum, ilium = parted(flat(sacrum_mm, 1.0, 4.0, tilt=0.03), flat(ilium_mm, -1.0, 6.0), ct())
    for laid, sign in ((sacrum, -1.0), (ilium, 1.0)):
        across, _ = inner(laid)
        assert np.abs(across - sign * GAP_MM / 2).mean() < NEAR_MM
        assert (sign * across > 0.0).all()


def test_without_it_a_surface_stays_behind_the_others_cortex() -> None:
    """The guard's other side: edges alone leave the sacrum on the ilium's inner edge."""
    left = loosen(flat(INNER_MM, 1.0, 4.0), ct())
    assert inner(left)[0].mean() > INNER_MM - 1.0


def test_the_rest_of_a_bone_stays() -> None:
    """What faces no other bone moves by no more than what its neighbours take along."""
    start = flat(INNER_MM, 1.0, 4.0)
    small = flat(1.0, -1.0, 6.0)
    keep = ((small.vertices_mm - ORIGIN) @ TURN)[:, 1] < -8.0
    number = np.cumsum(keep) - 1
    faces = number[small.model.faces[keep[small.model.faces].all(axis=1)]]
    part = small.vertices_mm[keep]
    other = Laid(BoneModel("flat", part, np.zeros((0, *part.shape)), faces), part, 1.0, keep[keep], 1, 1, 1)
    moved, _ = parted(start, other, ct())
    y = ((start.vertices_mm - ORIGIN) @ TURN)[:, 1]
    beside = y > -8.0 + 9.0 + 4.0 + 3 * 4.0  # opposite, beside the sheet, two edges of the mesh further
    assert beside.any()
    assert not np.allclose(moved.vertices_mm[y < -12.0], start.vertices_mm[y < -12.0])
    np.testing.assert_array_equal(moved.vertices_mm[beside], start.vertices_mm[beside])


def test_models_that_do_not_face_each_other_are_left() -> None:
    one, other = flat(-20.0, 1.0, 4.0), flat(1.0, -1.0, 6.0)
    assert parted(one, other, ct()) == (one, other)
    assert dark_sheet(flat(0.0, 1.0, 4.0), flat(0.0, 1.0, 6.0), ct()) is None


def test_excluded_voxels_part_nothing() -> None:
    """With all of the joint excluded there is no sheet: both surfaces are parted at their middle only."""
    scan = ct()
    mask = Volume(
        np.ones(scan.values.shape, dtype=np.uint8), scan.patient_from_voxel, scan.frame, "labels", "1", "mask"
    )
    found = dark_sheet(flat(3.0, 1.0, 4.0), flat(2.0, -1.0, 6.0), scan, mask)
    assert found is not None
    across = (found.middle_mm - ORIGIN) @ TURN[:, 0]
    np.testing.assert_allclose(across, 2.5, atol=1e-6)
    seen = dark_sheet(flat(3.0, 1.0, 4.0), flat(2.0, -1.0, 6.0), scan)
    assert seen is not None
    assert np.abs((seen.middle_mm - ORIGIN) @ TURN[:, 0]).mean() < NEAR_MM

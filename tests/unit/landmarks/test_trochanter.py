"""A bump of known height, place and area on a shaft is found as it was made."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.geometry.sampling import face_normals
from ischio.landmarks.shaft_slices import shaft_below
from ischio.landmarks.trochanter import Trochanter, find_trochanter
from ischio.landmarks.trochanter_region import PROUD_MM, REACH_MM

SHAFT_MM = 15.0
EDGE_MM = 1.2
TIP_MM = 0.6  # the tip is a middle of what is high: half an edge
HEIGHT_MM = 0.2  # the top lies between vertices: an edge's chord
# Like a bell of the given width near its top, but ended within the masked 20 mm: what of a bump lies in the
# ring belongs to the smooth femur, and 0.1 mm there lifts it by 0.5 mm below the tip.
WIDTHS = 2.6
AREA_SHARE = 0.08  # one row of faces along a border of 70 mm is 12 % of the area
GUESS_NOISE_MM = 0.6  # of the points strewn over the top another is chosen: half an edge

Mesh = tuple[np.ndarray, np.ndarray]


def shaft(
    height_mm: float, width_mm: float = 6.0, *, low: float = -110.0, high: float = 60.0, taper: float = 0.0
) -> tuple[Mesh, np.ndarray]:
    """A pipe along z with a bump on its +x side at z = 0, and how proud each vertex stands."""
    n_round, n_along = round(2 * np.pi * SHAFT_MM / EDGE_MM), round((high - low) / EDGE_MM)
    turn = np.linspace(0, 2 * np.pi, n_round, endpoint=False)
    z = np.linspace(low, high, n_along + 1)
    turn_all, z_all = (grid.ravel() for grid in np.meshgrid(turn, z))
    arc = SHAFT_MM * ((turn_all + np.pi) % (2 * np.pi) - np.pi)
    proud = height_mm * np.clip(1 - (arc**2 + z_all**2) / (WIDTHS * width_mm) ** 2, 0, None) ** 3
    radius = SHAFT_MM + taper * z_all + proud
    vertices = np.stack([radius * np.cos(turn_all), radius * np.sin(turn_all), z_all], axis=1)
    here = (np.arange(n_along)[:, None] * n_round + np.arange(n_round)).ravel()
    next_ = (np.arange(n_along)[:, None] * n_round + (np.arange(n_round) + 1) % n_round).ravel()
    faces = np.concatenate(
        [np.stack([here, next_, next_ + n_round], 1), np.stack([here, next_ + n_round, here + n_round], 1)]
    )
    return (vertices, faces.astype(np.int64)), proud


def kept(mesh: Mesh, mask: np.ndarray) -> Mesh:
    """Only the faces of a mask."""
    used, faces = np.unique(mesh[1][mask], return_inverse=True)
    return mesh[0][used], faces.reshape(-1, 3)


FAR_HEAD = (np.array([0.0, 0.0, 500.0]), 24.0)


def found_on(
    mesh: Mesh,
    guess: np.ndarray,
    motion: object = None,
    *,
    head: tuple[np.ndarray, float] = FAR_HEAD,
    model: np.ndarray | None = None,
) -> Trochanter:
    vertices, faces = mesh
    model = vertices if model is None else model
    if motion is None:
        return find_trochanter(vertices, faces, guess, model, np.array([0.0, 0, 1]), head)
    move = motion.apply  # type: ignore[attr-defined]
    up = motion.matrix[:3, 2]  # type: ignore[attr-defined]
    return find_trochanter(move(vertices), faces, move(guess), move(model), up, (move(head[0]), head[1]))


def top(height_mm: float) -> np.ndarray:
    """Highest point of the bump: at no turn, level 0."""
    return np.array([SHAFT_MM + height_mm, 0.0, 0.0])


@pytest.mark.parametrize(("height_mm", "width_mm"), [(5.0, 7.0), (9.0, 6.0), (12.0, 5.0)])
def test_a_known_bump_is_found_in_any_frame(
    height_mm: float, width_mm: float, rng: np.random.Generator
) -> None:
    mesh, proud = shaft(height_mm, width_mm)
    corners = mesh[0][mesh[1]]
    expected = proud[mesh[1]].mean(axis=1) >= PROUD_MM
    expected_mm2 = face_normals(corners[expected])[1].sum()
    for _ in range(2):
        motion = phantoms.random_motion(rng)
        found = found_on(mesh, top(height_mm), motion)
        assert np.linalg.norm(found.tip_mm - motion.apply(top(height_mm))) < TIP_MM
        assert found.height_mm == pytest.approx(height_mm, abs=HEIGHT_MM)
        assert found.area_mm2 == pytest.approx(expected_mm2, rel=AREA_SHARE)
        assert found.area_mm2 == pytest.approx(
            face_normals(found.vertices_mm[found.faces[found.face_indices]])[1].sum()
        )
        assert (np.diff(found.face_indices) > 0).all()
        assert found.fit_rms_mm < HEIGHT_MM


def test_a_tapering_shaft_is_no_bump() -> None:
    """The smooth femur follows the flare towards the neck; height is measured across it."""
    mesh, _ = shaft(9.0, taper=0.08)
    found = found_on(mesh, top(9.0))
    assert np.linalg.norm(found.tip_mm - top(9.0)) < 2 * TIP_MM
    assert found.height_mm == pytest.approx(9.0, abs=2 * HEIGHT_MM)


@pytest.mark.parametrize(("height_mm", "share"), [(9.0, 0.15), (5.0, 0.5)])
def test_a_tall_trochanter_stands_for_itself_and_a_flat_one_leans_to_the_model(
    height_mm: float, share: float
) -> None:
    """What a guess is off by moves the tip by a share that falls with the height."""
    mesh, _ = shaft(height_mm)
    best = found_on(mesh, top(height_mm))
    for offset in ([0.0, 6.0, 0.0], [-2.0, -4.0, -5.0]):
        off = found_on(mesh, top(height_mm) + offset)
        moved = np.linalg.norm(off.tip_mm - best.tip_mm)
        assert moved < share * np.linalg.norm(offset) + GUESS_NOISE_MM
        assert off.area_mm2 == pytest.approx(best.area_mm2, rel=AREA_SHARE)


@pytest.mark.parametrize("turn_deg", [0.0, 90.0, 215.0])
@pytest.mark.parametrize("aside_mm", [6.0, 10.0])
def test_a_bump_beside_the_tip_moves_the_summit_and_hardly_the_tip(aside_mm: float, turn_deg: float) -> None:
    """Bone 5 mm high and 3 mm wide, as of an osteophyte: the cap's middle goes a third of the way."""
    mesh, _ = shaft(9.0, 7.0)
    vertices, faces = mesh
    best = found_on(mesh, top(9.0))
    beside = top(9.0) + aside_mm * np.array([0, np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))])
    place = vertices[np.argmin(np.linalg.norm(vertices - beside, axis=1))]
    away = np.linalg.norm(vertices - place, axis=1)
    outwards = vertices * [1, 1, 0] / np.linalg.norm(vertices[:, :2], axis=1)[:, None]
    bumped = vertices + 5 * np.exp(-0.5 * (away / 3.0) ** 2)[:, None] * outwards
    found = found_on((bumped, faces), top(9.0))
    moved = np.linalg.norm(found.tip_mm - best.tip_mm)
    assert moved < 0.4 * aside_mm + GUESS_NOISE_MM
    assert np.linalg.norm(found.summit_mm - best.summit_mm) > moved


def test_finer_faces_change_little() -> None:
    mesh, _ = shaft(9.0)
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    centre = len(vertices) + np.arange(len(faces))
    fine = (
        np.concatenate([vertices, (a + b + c) / 3]),
        np.concatenate([np.stack([faces[:, k], faces[:, (k + 1) % 3], centre], 1) for k in range(3)]),
    )
    one, two = found_on(mesh, top(9.0)), found_on(fine, top(9.0))
    assert np.linalg.norm(one.tip_mm - two.tip_mm) < TIP_MM
    assert one.area_mm2 == pytest.approx(two.area_mm2, rel=AREA_SHARE)


def test_the_region_ends_within_reach_of_the_tip() -> None:
    """A ridge of 9 mm runs up to the neck, as the intertrochanteric crest does."""
    mesh, _ = shaft(9.0)
    vertices = mesh[0].copy()
    radial = np.linalg.norm(vertices[:, :2], axis=1)
    turn = np.arctan2(vertices[:, 1], vertices[:, 0])
    ridge = 4.0 * np.exp(-((SHAFT_MM * turn) ** 2) / 18) * (vertices[:, 2] > 0)
    vertices[:, :2] *= ((radial + ridge) / radial)[:, None]
    found = found_on((vertices, mesh[1]), top(9.0))
    middles = found.vertices_mm[found.faces[found.face_indices]].mean(axis=1)
    assert np.linalg.norm(middles - found.tip_mm, axis=1).max() <= REACH_MM


def test_the_region_is_one_piece() -> None:
    """A second bump 17 mm away, with bare shaft between, is no part of the trochanter."""
    mesh, _ = shaft(9.0, 3.0)
    vertices = mesh[0].copy()
    away = np.linalg.norm(vertices - [SHAFT_MM, 0, -17.0], axis=1)
    vertices[:, 0] += 4.0 * np.exp(-(away**2) / 18)
    found = found_on((vertices, mesh[1]), top(9.0))
    middles = found.vertices_mm[found.faces[found.face_indices]].mean(axis=1)
    assert middles[:, 2].min() > -12


def test_the_head_is_left_out() -> None:
    """A ball 45 mm above, joined to the shaft, would bend the smooth femur and raise the tip to itself."""
    mesh, _ = shaft(9.0, high=30.0)
    centre, radius = np.array([12.0, 0.0, 50.0]), 24.0
    polar, turn = (g.ravel() for g in np.meshgrid(np.linspace(0, np.pi, 40), np.linspace(0, 2 * np.pi, 60)))
    ball = centre + radius * np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1
    )
    corner = (np.arange(59)[:, None] * 40 + np.arange(39)).ravel()
    ball_faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 41], 1), np.stack([corner, corner + 41, corner + 40], 1)]
    )
    joined = (
        np.concatenate([mesh[0], ball]),
        np.concatenate([mesh[1], ball_faces + len(mesh[0])]),
    )
    found = found_on(joined, top(9.0), head=(centre, radius))
    assert np.linalg.norm(found.tip_mm - top(9.0)) < 2 * TIP_MM


def test_nothing_proud_is_no_trochanter() -> None:
    with pytest.raises(CannotMeasure, match="nothing stands 2 mm proud of the femur"):
        found_on(shaft(1.0)[0], top(1.0))


def test_a_femur_cut_too_close_is_said() -> None:
    mesh, _ = shaft(9.0)
    near = np.linalg.norm(mesh[0][mesh[1]].mean(axis=1) - top(9.0), axis=1) < 17
    with pytest.raises(CannotMeasure, match="surface points lie 20-40 mm from the lesser trochanter"):
        found_on(kept(mesh, near), top(9.0), model=mesh[0])


@pytest.mark.parametrize("away_mm", [20.0, 400.0])
def test_a_femur_that_ends_before_the_trochanter_is_said(away_mm: float) -> None:
    with pytest.raises(CannotMeasure, match="does not reach the lesser trochanter"):
        found_on(shaft(9.0)[0], top(9.0) + [away_mm, 0.0, 0.0])


class TestShaft:
    def test_its_axis_is_that_of_the_pipe(self, rng: np.random.Generator) -> None:
        (vertices, faces), _ = shaft(9.0)
        motion = phantoms.random_motion(rng)
        triangles = motion.apply(vertices)[faces]
        rough = motion.matrix[:3, :3] @ np.array([0.15, -0.1, 0.98])
        point, axis = shaft_below(
            triangles.mean(axis=1),
            face_normals(triangles)[1],
            motion.apply(vertices),
            motion.apply(top(9.0)),
            rough / np.linalg.norm(rough),
        )
        along = motion.matrix[:3, 2]
        assert axis @ along > np.cos(np.radians(0.5))
        off = point - motion.matrix[:3, 3]
        assert np.linalg.norm(off - (off @ along) * along) < 0.3  # mm; on the pipe's axis

    def test_a_short_shaft_takes_the_models(self) -> None:
        (vertices, faces), _ = shaft(9.0)
        short = kept((vertices, faces), vertices[faces].mean(axis=1)[:, 2] > -35)
        tilted = vertices @ np.array([[1, 0, 0.1], [0, 1, 0], [-0.1, 0, 1.0]])
        triangles = short[0][short[1]]
        _, axis = shaft_below(
            triangles.mean(axis=1), face_normals(triangles)[1], tilted, top(9.0), np.array([0.0, 0, 1])
        )
        assert axis[0] == pytest.approx(-0.1, abs=0.02)  # the model's lean, not the pipe's

    def test_without_any_the_rough_direction_is_kept(self) -> None:
        (vertices, faces), _ = shaft(9.0, low=-20.0)
        triangles = vertices[faces]
        up = np.array([0.0, 0.6, 0.8])
        point, axis = shaft_below(triangles.mean(axis=1), face_normals(triangles)[1], vertices, top(9.0), up)
        assert axis.tolist() == up.tolist()
        assert point.tolist() == top(9.0).tolist()


BORDER_SHARE = 0.02  # of the area: the tip moves by a fraction of an edge, and the ring's points with it


def test_the_region_hangs_on_the_surface_and_not_on_its_triangles() -> None:
    """Split anew, the same surface has the same region to a fraction of a row of faces."""
    (vertices, faces), _ = shaft(5.0, 7.0)
    apart = np.random.default_rng(3).permutation(len(faces))[: len(faces) // 2]
    middles = vertices[faces[apart]].mean(axis=1)
    new = len(vertices) + np.arange(len(apart))
    fans = [np.stack([faces[apart][:, i], faces[apart][:, (i + 1) % 3], new], 1) for i in range(3)]
    finer = np.concatenate([vertices, middles]), np.concatenate([np.delete(faces, apart, axis=0), *fans])
    one, two = found_on((vertices, faces), top(5.0)), found_on(finer, top(5.0))
    assert two.area_mm2 == pytest.approx(one.area_mm2, rel=BORDER_SHARE)


def test_the_region_ends_where_the_femur_stands_two_millimetres_proud() -> None:
    """Its border's corners stand as proud as the rule says, and the mesh stays closed round it."""
    mesh, _ = shaft(9.0, 6.0)
    found = found_on(mesh, top(9.0))
    region = found.faces[found.face_indices]
    edges = np.sort(np.concatenate([region[:, [0, 1]], region[:, [1, 2]], region[:, [2, 0]]]), axis=1)
    border, times = np.unique(edges, axis=0, return_counts=True)
    on_border = found.vertices_mm[np.unique(border[times == 1])]
    radial = np.linalg.norm(on_border[:, :2], axis=1) - SHAFT_MM
    assert np.abs(radial - PROUD_MM).max() < HEIGHT_MM * 2  # the smooth femur is lifted by the bump's tail
    every = np.sort(
        np.concatenate([found.faces[:, [0, 1]], found.faces[:, [1, 2]], found.faces[:, [2, 0]]]), 1
    )
    open_before = 2 * round(2 * np.pi * SHAFT_MM / EDGE_MM)  # the pipe's two ends
    assert (np.unique(every, axis=0, return_counts=True)[1] == 1).sum() == open_before

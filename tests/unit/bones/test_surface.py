"""Cleaning: what is not the bone goes, what is stays exactly, and all of it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ischio._check import InputError
from ischio.bones.surface import CRUMB_SHARE, MIN_FACES, PIECE_GAP_MM, bones_from_input, clean
from ischio.io.case import RawInput, RawSurface, read_input
from ischio.types import Frame, Side, Volume

Mesh = tuple[np.ndarray, np.ndarray]
Ball = Callable[..., Mesh]
Join = Callable[..., Mesh]
Measure = Callable[[np.ndarray, np.ndarray], float]


def same(found: tuple[np.ndarray, np.ndarray, tuple[str, ...]], mesh: Mesh, *said: str) -> None:
    """The surface is this one, to the last digit, and this was said."""
    np.testing.assert_array_equal(found[0], mesh[0])
    np.testing.assert_array_equal(found[1], mesh[1])
    assert found[2] == said


def test_a_clean_surface_stays_as_it_is(ball: Ball) -> None:
    same(clean(*ball()), ball())


def test_vertices_are_joined(ball: Ball, rng: np.random.Generator) -> None:
    vertices, faces = ball(200)
    corners = vertices[faces].reshape(-1, 3)  # three for each face, as in an STL
    found = clean(corners + rng.uniform(-2e-6, 2e-6, corners.shape), np.arange(len(corners)).reshape(-1, 3))
    assert len(found[0]) == 200
    assert np.abs(np.sort(found[0], axis=0) - np.sort(vertices, axis=0)).max() < 1e-5  # twice the noise added
    assert found[2] == (f"{len(corners) - 200:,} vertices merged",)


def test_vertices_without_faces_go(ball: Ball) -> None:
    vertices, faces = ball()
    same(clean(np.concatenate([[[1e6, 0, 0]], vertices, [[0, 0, 9]]]), faces + 1), ball())


def test_faces_without_area_or_twice_go(ball: Ball) -> None:
    vertices, faces = ball()
    extra = np.array([faces[5], faces[6][::-1], np.roll(faces[7], 1), [3, 3, 8], [4, 4, 4]])
    same(
        clean(vertices, np.concatenate([faces, extra])),
        ball(),
        "2 faces without area dropped",
        "3 faces present twice dropped",
    )


def test_a_needle_without_area_goes(ball: Ball) -> None:
    vertices, faces = ball()
    on_edge = vertices[faces[0, :2]].mean(axis=0)
    found = clean(
        np.vstack([vertices, on_edge]), np.vstack([faces, [faces[0, 0], faces[0, 1], len(vertices)]])
    )
    same(found, ball(), "1 face without area dropped")


def test_winding_is_put_right(ball: Ball, volume: Measure) -> None:
    vertices, faces = ball()
    same(clean(vertices, faces[:, ::-1]), ball(), f"{len(faces):,} faces turned from inside out")
    mixed = faces.copy()
    mixed[::7] = mixed[::7, ::-1]
    found = clean(vertices, mixed)
    assert volume(found[0], found[1]) == pytest.approx(
        volume(vertices, faces), rel=1e-12
    )  # a sum in the same order
    assert found[2] == (f"{len(mixed[::7])} faces turned to agree with their neighbours",)


def test_crumbs_go(ball: Ball, join: Join) -> None:
    crumbs = [ball(50, (2.0, 2.0, 2.0), (30.0 * n, 30.0, 0.0)) for n in (1, 2)]
    found = clean(*join(ball(), *crumbs))
    same(found, ball(), "2 crumbs dropped (1.88 % of the largest piece's area)")
    found = clean(*join(ball(), ball(50, (2.0, 2.0, 2.0))))  # a small cavity
    same(found, ball(), "1 crumb dropped (0.94 % of the largest piece's area)")


def test_an_inner_shell_goes(ball: Ball, join: Join) -> None:
    shell = ball(900, (15.0, 15.0, 15.0), (1.0, -2.0, 0.5))
    for order in ((ball(), shell), (shell, ball())):
        same(clean(*join(*order)), ball(), "an inner shell dropped (56 % of the largest piece's area)")


def test_an_inner_shell_of_an_open_bone_goes(ball: Ball, join: Join) -> None:
    """A femur cut through the shaft, with the wall of its marrow cavity cut as well."""

    def cut(mesh: Mesh) -> Mesh:
        return mesh[0], mesh[1][(mesh[0][mesh[1]][:, :, 2] > -20).all(axis=1)]

    outer, inner = cut(ball(2000, (15.0, 15.0, 40.0))), cut(ball(1500, (11.0, 11.0, 35.0)))
    found = clean(*join(outer, inner))
    assert len(found[1]) == len(outer[1])
    assert found[2][0].startswith("an inner shell dropped")
    assert found[2][1].startswith("1 open border left")


@pytest.mark.parametrize(
    ("radius", "away", "said"),
    [
        (12.0, 300.0, "a separate piece kept (36 % of the largest piece's area)"),
        (6.0, 20.0 + 6.0 + 0.5 * PIECE_GAP_MM, "a separate piece kept (9 % of the largest piece's area)"),
        (6.0, 100.0, "a stray piece 74 mm away dropped (9 % of the largest piece's area)"),
    ],
)
def test_larger_pieces(radius: float, away: float, said: str, ball: Ball, join: Join) -> None:
    mesh = join(ball(), ball(500, (radius,) * 3, (away, 0.0, 0.0)))
    same(clean(*mesh), mesh if "kept" in said else ball(), said)


def test_a_piece_beside_another_is_not_inside(ball: Ball, join: Join) -> None:
    """Within the box around a bent bone, but outside the bone."""
    vertices, faces = ball(3000, (8.0, 8.0, 60.0))
    bent = vertices + np.outer(vertices[:, 2] ** 2 / 60, [1.0, 0, 0])
    piece = ball(500, (6.0, 6.0, 6.0), (25.0, 0.0, 0.0))
    found = clean(*join((bent, faces), piece))
    assert found[2] == ("a stray piece 11 mm away dropped (8 % of the largest piece's area)",)


def test_steps_are_smoothed_and_the_way_is_said(volume: Measure) -> None:
    from skimage.measure import marching_cubes

    grid = np.stack(np.meshgrid(*[np.arange(-25.0, 26.0)] * 3, indexing="ij"), axis=-1)
    vertices, faces, _, _ = marching_cubes((np.linalg.norm(grid, axis=-1) < 20.2).astype(np.float32), 0.5)
    found = clean(vertices.astype(np.float64) - 25, faces.astype(np.int64))
    assert found[2][-1].startswith(
        "stair steps (10 % of the edges in hollow folds) smoothed: the surface moved by 0."
    )
    assert found[2][-1].endswith(" mm at most")
    assert volume(found[0], found[1]) == pytest.approx(
        4 / 3 * np.pi * 20.2**3, rel=0.01
    )  # 0.2 voxel of radius


def test_open_borders_and_odd_edges_are_said(ball: Ball) -> None:
    vertices, faces = ball(1000)
    height = vertices[faces][:, :, 2]
    ring = 2 * np.pi * 20 * np.sin(np.arccos(0.5))
    found = clean(vertices, faces[(height > -10).all(axis=1)])
    words = found[2][0].split()
    assert (words[:4], words[5:]) == (["1", "open", "border", "left,"], ["mm", "long"])
    assert float(words[4]) == pytest.approx(ring, rel=0.3)  # the border runs in a zigzag along the cut
    found = clean(vertices, faces[(np.abs(height) < 10).all(axis=1)])
    assert found[2][0].startswith("2 open borders left, ")
    assert found[2][0].endswith(" mm long at most")
    fin = np.vstack([vertices, 1.2 * vertices[faces[0, 0]]])
    found = clean(fin, np.vstack([faces, [faces[0, 0], faces[0, 1], 1000]]))
    assert "1 edge where more than two faces meet left" in found[2]


def test_what_is_too_little_is_refused(ball: Ball, join: Join) -> None:
    vertices, faces = ball(50)
    with pytest.raises(InputError, match=f"left femur: got 96 usable faces; expected at least {MIN_FACES}"):
        clean(vertices, faces, where="left femur")
    with pytest.raises(InputError, match="got 0 usable faces"):
        clean(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64))
    with pytest.raises(InputError, match="got 0 usable faces"):
        clean(np.zeros_like(ball()[0]), ball()[1])
    flat = ball()[0] * [1, 1, 0]
    with pytest.raises(InputError, match="got a flat surface"):
        clean(flat, ball()[1])
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])
    with pytest.raises(InputError, match="got a flat surface"):
        clean(flat @ turn.T + 500, ball()[1])
    dust = [ball(60, centre_mm=(100.0 * n, 0.0, 0.0)) for n in range(1)]
    specks = [ball(20, (2.0, 2.0, 2.0), (0.0, 30.0 * n, 50.0)) for n in range(1, 9)]
    with pytest.raises(InputError, match="got 116 usable faces"):
        clean(*join(*dust, *specks))


def test_the_same_in_any_frame(ball: Ball, join: Join, rng: np.random.Generator) -> None:
    mesh = join(ball(), ball(50, (2.0, 2.0, 2.0), (30.0, 0, 0)), ball(900, (15.0, 15.0, 15.0)))
    first = clean(*mesh)
    for _ in range(5):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.linalg.det(turn)
        shift = rng.uniform(-1000, 1000, 3)
        found = clean(mesh[0] @ turn.T + shift, mesh[1])
        np.testing.assert_array_equal(found[1], first[1])
        assert np.abs(found[0] - (first[0] @ turn.T + shift)).max() < 1e-9  # float64 at 1 m from the origin
        assert found[2] == first[2]


def test_bones_come_sorted_with_all_that_was_done(ball: Ball) -> None:
    vertices, faces = ball(1000, (20.0, 20.0, 20.0))
    surfaces = [
        RawSurface("sacrum", None, vertices, faces, "s.ply"),
        RawSurface("femur", Side.RIGHT, vertices, faces, "r.ply", ("3 polygons cut into triangles",)),
        RawSurface("femur", Side.LEFT, vertices, faces[:, ::-1], "l.ply"),
    ]
    told: list[tuple[str, float]] = []
    bones = bones_from_input(RawInput(tuple(surfaces), None, ()), progress=lambda *step: told.append(step))
    assert [bone.label for bone in bones] == ["left femur", "right femur", "sacrum"]
    assert bones[0].repairs == (f"{len(faces):,} faces turned from inside out",)
    assert bones[1].repairs == ("3 polygons cut into triangles",)
    assert all(bone.frame == Frame("patient", "as_supplied") for bone in bones)
    assert [bone.source for bone in bones] == ["l.ply", "r.ply", "s.ply"]
    ends = vertices[faces[:, [0, 1]]]
    assert bones[2].edge_mm == pytest.approx(
        float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))),
        rel=0.05,  # other halves of the edges
    )
    assert told == [("cleaning sacrum", 0.0), ("cleaning right femur", 1 / 3), ("cleaning left femur", 2 / 3)]


def test_bones_of_a_label_map(volume: Measure) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(40.0)] * 3, indexing="ij"), axis=-1)
    values = np.zeros((40, 40, 40), dtype=np.uint16)
    values[np.linalg.norm(grid - [10, 20, 20], axis=-1) < 8.3] = 3
    values[np.linalg.norm(grid - [30, 20, 20], axis=-1) < 8.3] = 300
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    names = {300: "hip_bone_left", 3: "femur_left"}
    scan = Volume(values, affine, Frame("patient", "as_supplied"), "labels", "1", "seg.nrrd", names)
    bones = bones_from_input(RawInput((), scan, ()))
    assert [bone.label for bone in bones] == ["left femur", "left hip_bone"]
    for bone, centre in zip(bones, ([-20, -40, 40], [-60, -40, 40]), strict=True):
        assert volume(bone.vertices_mm, bone.faces) == pytest.approx(
            4 / 3 * np.pi * 16.6**3,
            rel=0.04,  # 0.1 voxel of 8: smoothing, and chords inside the ball
        )
        assert np.abs(bone.vertices_mm.mean(axis=0) - centre).max() < 0.1  # by symmetry
        assert bone.repairs == ("made from a label map",)
        assert bone.source == "seg.nrrd"


def test_a_label_that_is_too_small_is_refused() -> None:
    values = np.zeros((9, 9, 9), dtype=np.uint8)
    values[4, 4, 4] = 1
    scan = Volume(
        values, np.eye(4), Frame("patient", "as_supplied"), "labels", "1", "a.nii", {1: "femur_left"}
    )
    with pytest.raises(InputError, match=r"left femur \(a.nii\): got 0 usable faces"):
        bones_from_input(RawInput((), scan, ()))


def test_the_limit_of_a_crumb_is_that_of_its_area(ball: Ball, join: Join) -> None:
    for factor, n_faces in ((0.9, 0), (1.1, 996)):
        radius = 20 * (factor * CRUMB_SHARE) ** 0.5
        mesh = join(ball(500), ball(500, (radius,) * 3, (22.0 + radius, 0.0, 0.0)))
        assert len(clean(*mesh)[1]) == 996 + n_faces


@pytest.mark.real_data
@pytest.mark.parametrize("person", ["vsd_z013", "icl_mri", "jia_mri", "mc22"])
def test_real_bones_are_closed_outward_and_hardly_changed(
    person: str, shared_data: Path, volume: Measure
) -> None:
    raw = read_input(shared_data / "bones" / person, axes="LPS")
    before = {(surface.name, surface.side): surface for surface in raw.surfaces}
    for bone in bones_from_input(raw):
        surface = before[bone.name, bone.side]
        assert len(bone.faces) == len(surface.faces)
        # Smoothing steps 5 mm high leaves the volume within 1 %; all else leaves it alone.
        assert volume(bone.vertices_mm, bone.faces) == pytest.approx(
            volume(surface.vertices_mm, surface.faces), rel=0.01
        )
        assert all(said.startswith("stair steps") for said in bone.repairs)
        assert bool(bone.repairs) == (person == "mc22" or (person, bone.name) == ("jia_mri", "femur"))


@pytest.mark.real_data
def test_a_real_label_map(shared_data: Path, volume: Measure) -> None:
    folder = shared_data / "ct_abdomen_pelvis_totalseg"
    raw = read_input(folder / "example_seg_v1_104classes.nii.gz", axes="LPS")
    bones = bones_from_input(raw)
    assert [bone.label for bone in bones] == [
        "left femur", "right femur", "left hip_bone", "right hip_bone", "sacrum",
    ]  # fmt: skip
    assert raw.label_map is not None
    voxel_mm3 = abs(float(np.linalg.det(raw.label_map.patient_from_voxel[:3, :3])))
    labels = {name: label for label, name in raw.label_map.names.items()}
    for bone in bones:
        text = bone.name if bone.side is None else f"{bone.name}_{bone.side.value}"
        counted = int((raw.label_map.values == labels[text]).sum()) * voxel_mm3
        # Voxels of 3 mm: the iliac wing is one or two of them thick and loses part to the smoothing.
        assert volume(bone.vertices_mm, bone.faces) == pytest.approx(counted, rel=0.12)
    at = {bone.label: bone.vertices_mm.mean(axis=0) for bone in bones}
    assert at["left femur"][0] > at["sacrum"][0] > at["right femur"][0]  # +x is the patient's left
    assert at["sacrum"][1] > at["left femur"][1]  # +y is behind
    assert at["sacrum"][2] > at["left femur"][2]  # +z is up
    cut = [bone.label for bone in bones if any("field of view" in said for said in bone.repairs)]
    assert cut == ["left femur", "right femur", "left hip_bone", "right hip_bone"]

"""Surfaces that cannot be used: one clear error each, and no memory taken for what is too large."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ischio._check import InputError
from ischio.bones.surface import bones_from_input
from ischio.io.case import read_input
from ischio.io.meshes import MAX_FACES

HEADER = (
    "ply\nformat {form} 1.0\nelement vertex {v}\nproperty float x\nproperty float y\nproperty float z\n"
    "element face {f}\nproperty list uchar int vertex_indices\nend_header\n"
)


def grid(n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A curved sheet of 2 (n - 1)^2 triangles."""
    u, v = np.meshgrid(np.arange(n, dtype=float), np.arange(n, dtype=float), indexing="ij")
    vertices = np.stack([u, v, 0.1 * (u - n / 2) ** 2], axis=-1).reshape(-1, 3)
    a = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).reshape(-1)
    faces = np.concatenate([np.stack([a, a + n, a + 1], 1), np.stack([a + 1, a + n, a + n + 1], 1)])
    return vertices, faces


def ply(path: Path, vertices: np.ndarray, faces: np.ndarray, *, text: bool = False) -> Path:
    """Write a PLY."""
    form = "ascii" if text else "binary_little_endian"
    head = HEADER.format(form=form, v=len(vertices), f=len(faces)).encode()
    if text:
        rows = [" ".join(map(str, row)) for row in vertices.tolist()]
        rows += [" ".join(map(str, [3, *row])) for row in faces.tolist()]
        path.write_bytes(head + "\n".join(rows).encode() + b"\n")
    else:
        body = vertices.astype("<f4").tobytes()
        path.write_bytes(head + body + b"".join(struct.pack("<B3i", 3, *face) for face in faces.tolist()))
    return path


def read(path: Path) -> None:
    """The whole way from files to bones."""
    bones_from_input(read_input(path, axes="LPS"))


def refused(path: Path, words: str) -> None:
    """One error, which says where, what was seen, what was expected and what to do."""
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    message = str(caught.value)
    assert message.count("\n") == 0
    assert ": got " in message
    assert "; expected " in message
    assert message.endswith(".")


def test_the_good_one_passes(tmp_path: Path) -> None:
    ply(tmp_path / "femur_left.ply", *grid())
    ply(tmp_path / "femur_right.ply", *grid(), text=True)
    read(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    refused(tmp_path, "an empty folder")


def test_a_missing_path(tmp_path: Path) -> None:
    refused(tmp_path / "bones", "no such file or folder")


@pytest.mark.parametrize("ending", [".stl", ".ply", ".obj", ".vtp"])
def test_text_renamed_to_a_surface(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"femur_left{ending}").write_text("Patient seen today. Hip hurts when walking fast.\n" * 40)
    refused(tmp_path, f"femur_left{ending}: got ")


@pytest.mark.parametrize("ending", [".stl", ".ply", ".obj", ".vtp"])
def test_random_bytes_renamed_to_a_surface(ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    (tmp_path / f"femur_left{ending}").write_bytes(rng.bytes(5000))
    refused(tmp_path, f"femur_left{ending}: got ")


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.99])
def test_a_truncated_ply(text: bool, share: float, tmp_path: Path) -> None:
    path = ply(tmp_path / "femur_left.ply", *grid(), text=text)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(tmp_path, "femur_left.ply: got ")


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vertices_that_are_not_numbers(text: bool, value: float, tmp_path: Path) -> None:
    vertices, faces = grid()
    vertices[7, 1] = value
    ply(tmp_path / "femur_left.ply", vertices, faces, text=text)
    refused(tmp_path, "1 of 400 vertices that are not finite")


def test_two_left_femora(tmp_path: Path) -> None:
    ply(tmp_path / "femur_left.ply", *grid())
    ply(tmp_path / "Femur_L.ply", *grid())
    refused(tmp_path, "femur_left twice, 'Femur_L.ply' and 'femur_left.ply'")


def test_a_pelvis_and_its_hip_bone(tmp_path: Path) -> None:
    ply(tmp_path / "pelvis.ply", *grid())
    ply(tmp_path / "hip_left.ply", *grid())
    refused(tmp_path, "the pelvis 'pelvis.ply' and the hip bones")


def test_a_femur_without_a_side(tmp_path: Path) -> None:
    ply(tmp_path / "femur.ply", *grid())
    refused(tmp_path, "no side in 'femur.ply'.*--bone femur_left=femur.ply")


def test_a_surface_without_a_known_name(tmp_path: Path) -> None:
    ply(tmp_path / "femur_left.ply", *grid())
    ply(tmp_path / "Segment_3.ply", *grid())
    refused(tmp_path, "say no bone: 'Segment_3.ply'.*--bone femur_left=Segment_3.ply")


def test_no_faces(tmp_path: Path) -> None:
    ply(tmp_path / "femur_left.ply", grid()[0], np.empty((0, 3), dtype=np.int64))
    refused(tmp_path, "no faces")


def test_a_face_beyond_the_last_vertex(tmp_path: Path) -> None:
    vertices, faces = grid()
    faces[3, 1] = len(vertices)
    ply(tmp_path / "femur_left.ply", vertices, faces)
    refused(tmp_path, "a face that uses vertex 400")


def test_all_vertices_in_one_place(tmp_path: Path) -> None:
    vertices, faces = grid()
    ply(tmp_path / "femur_left.ply", 0 * vertices, faces)
    refused(tmp_path, r"left femur \(femur_left.ply\): got 0 usable faces")


def test_a_flat_sheet(tmp_path: Path) -> None:
    vertices, faces = grid()
    ply(tmp_path / "femur_left.ply", vertices * [1, 1, 0], faces)
    refused(tmp_path, r"left femur \(femur_left.ply\): got a flat surface")


def _huge_ply(path: Path, n: int) -> None:
    """As many faces as stated, in a file that is as long as it should be."""
    head = HEADER.format(form="binary_little_endian", v=n // 2, f=n).encode()
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 12 * (n // 2) + 13 * n)


def _huge_stl(path: Path, n: int) -> None:
    with path.open("wb") as file:
        file.write(bytes(80) + struct.pack("<I", n))
        file.truncate(84 + 50 * n)


def _huge_obj(path: Path, n: int) -> None:
    path.write_bytes(b"v 0 0 0\nv 1 0 0\nv 0 1 0\n" + b"f 1 2 3\n" * n)


def _huge_vtp(path: Path, n: int) -> None:
    piece = (
        f'<VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="{n // 2}" NumberOfPolys="{n}"><Points>'
    )
    path.write_bytes(piece.encode() + b'<DataArray format="ascii" type="Float32">' + b"0 " * 10 * n)


@pytest.mark.parametrize("make", [_huge_ply, _huge_stl, _huge_obj, _huge_vtp])
def test_far_too_many_triangles(make: Callable[[Path, int], None], tmp_path: Path) -> None:
    path = tmp_path / f"femur_left.{make.__name__[-3:]}"
    make(path, MAX_FACES + 1)
    tracemalloc.start()
    try:
        refused(tmp_path, f"at most {MAX_FACES:,} faces for one surface")
        assert tracemalloc.get_traced_memory()[1] < 60e6  # blocks of 16 MB; read, it would take 200 MB
    finally:
        tracemalloc.stop()


def test_entities_that_would_fill_the_memory(tmp_path: Path) -> None:
    entities = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    (tmp_path / "femur_left.vtp").write_text(
        f'<?xml version="1.0"?><!DOCTYPE x [{entities}]><VTKFile type="PolyData"><a>&a11;</a></VTKFile>'
    )
    refused(tmp_path, "a document type declaration")

"""Every form of every format gives the same surface; what is damaged is refused in one sentence."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ischio._check import InputError
from ischio.io import _mesh
from ischio.io.meshes import MAX_BYTES, MAX_FACES, READERS, read_surface

Mesh = tuple[np.ndarray, np.ndarray]
BOX_MM3 = 3.5 * 3.75 * 1.5


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Signed volume of a closed surface."""
    a, b, c = np.moveaxis(vertices[faces] - vertices.mean(axis=0), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def refused(path: Path, words: str) -> None:
    """Reading raises one error that names the file and says the words."""
    with pytest.raises(InputError, match=words) as caught:
        read_surface(path)
    assert str(caught.value).startswith(path.name)
    assert "; expected " in str(caught.value)


def test_every_form_gives_the_same_box(written: Path, box: Mesh) -> None:
    mesh = read_surface(written)
    assert mesh.faces.shape == (12, 3)
    assert volume(mesh.vertices_mm, mesh.faces) == BOX_MM3  # exact: all coordinates are dyadic
    corners = {tuple(row) for row in mesh.vertices_mm.tolist()}
    assert corners == {tuple(row) for row in box[0].tolist()}
    assert mesh.vertices_mm.dtype == np.float64
    assert mesh.faces.dtype == np.int64


def test_stl_corners_are_shared(write: Callable[..., Path], box: Mesh, tmp_path: Path) -> None:
    for form in ("stl binary", "stl text"):
        mesh = read_surface(write(tmp_path / "a.stl", box, form))
        assert len(mesh.vertices_mm) == 8


def test_polygons_are_cut_and_said(write: Callable[..., Path], box: Mesh, tmp_path: Path) -> None:
    mesh = read_surface(write(tmp_path / "a.ply", box, "ply uneven"))
    assert mesh.repairs == ("5 polygons cut into triangles",)


def test_points_among_faces_are_dropped_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 1 2\nf 1\n")
    assert read_surface(tmp_path / "a.obj").repairs == ("2 faces with fewer than three corners dropped",)


def test_text_in_small_blocks_is_the_same(
    write: Callable[..., Path], box: Mesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form, ending in (("stl text", ".stl"), ("obj", ".obj"), ("obj relative", ".obj")):
        path = write(tmp_path / f"a{ending}", box, form)
        lines = [line for block in _mesh.blocks(path, 100) for line in block.splitlines()]
        assert lines == path.read_bytes().splitlines()
        monkeypatch.setattr(_mesh.blocks, "__defaults__", (100,))
        mesh = read_surface(path)
        assert volume(mesh.vertices_mm, mesh.faces) == BOX_MM3
        monkeypatch.undo()


def test_damaged_files_are_refused_or_read(written: Path, rng: np.random.Generator) -> None:
    """Cut, overwritten or shifted bytes never lead to anything but a surface or an InputError."""
    whole = written.read_bytes()
    for n in range(60):
        data = bytearray(whole)
        at = int(rng.integers(0, len(data)))
        if n % 3 == 0:
            del data[at:]
        elif n % 3 == 1:
            data[at] = int(rng.integers(0, 256))
        else:
            del data[at : at + int(rng.integers(1, 20))]
        written.write_bytes(bytes(data))
        try:
            mesh = read_surface(written)
        except InputError:
            continue
        assert np.isfinite(mesh.vertices_mm).all()
        assert 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices_mm)


@pytest.mark.parametrize(
    "form", ["ply text", "ply binary", "stl binary", "stl text", "vtp appended raw zlib"]
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(
    form: str, share: float, write: Callable[..., Path], box: Mesh, tmp_path: Path
) -> None:
    path = write(tmp_path / f"a.{form[:3]}", box, form)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path, "got")


PLY = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
FACE = b"element face 1\nproperty list uchar int vertex_indices\nend_header\n"
POINTS = b"0 0 0\n1 0 0\n0 1 0\n"
BIN = PLY.replace(b"ascii", b"binary_little_endian")
XYZ = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello, I am no PLY at all\n", "a PLY with a complete header"),
        (b"ply\nformat ascii 1.0\nelement vertex 3\n", "a PLY with a complete header"),
        (PLY + b"end_header\n" + POINTS, "no table 'face'"),
        (b"ply\nelement vertex 3\nelement face 1\nend_header\n", "without a format"),
        (b"ply\nformat ascii 1.0\nelement vertex many\nend_header\n", "header line 'element vertex many'"),
        (b"ply\nformat cuneiform 1.0\nend_header\n", "header line 'format cuneiform"),
        (PLY.replace(b"float z", b"float w") + FACE + POINTS + b"3 0 1 2\n", "single values x, y and z"),
        (PLY + FACE.replace(b"vertex_indices", b"colours") + POINTS + b"3 0 1 2\n", "list of whole numbers"),
        (PLY + FACE + POINTS + b"3 0 1 3\n", "uses vertex 3"),
        (PLY + FACE + POINTS + b"3 0 1 -1\n", "uses vertex -1"),
        (PLY + FACE + POINTS + b"3 0 1 1.5\n", "not whole"),
        (PLY + FACE + POINTS + b"4 0 1 2\n", "as the lists say"),
        (PLY + FACE + POINTS + b"nan 0 1 2\n", "as the lists say"),
        (PLY + FACE + POINTS + b"inf 0 1 2\n", "as the lists say"),
        (PLY + FACE + b"0 0 0\n\n1 0 0\n0 1 0\n\n\n\n\n\n\n", "0 rows of table 'face'"),
        (PLY + FACE + b"0 0 0\n1 0\n0 1 0\n3 0 1 2\n", "values of vertices"),
        (PLY + FACE + b"0 0 0\n1 0 zero\n0 1 0\n3 0 1 2\n", "'zero' where a number belongs"),
        (PLY + FACE + b"0 0 0\n1 0 0,5\n0 1 0\n3 0 1 2\n", "decimal point"),
        (PLY + FACE + b"0 0 0\n1 0 " + b"0" * 50 + b"\n0 1 0\n3 0 1 2\n", "where a number belongs"),
        (PLY + FACE + b"0 0 0\n1 nan 0\n0 1 0\n3 0 1 2\n", "1 of 3 vertices that are not finite"),
        (PLY + FACE.replace(b"face 1", b"face 0") + POINTS, "no faces"),
        (BIN + FACE + XYZ[:-20], "bytes of data"),
        (BIN + FACE + XYZ + struct.pack("<B2i", 3, 0, 1), "data that end within table 'face'"),
        (BIN + FACE + XYZ + struct.pack("<B3i", 200, 0, 1, 2), "data that end within table 'face'"),
        (
            BIN + FACE.replace(b"face 1", b"face 2") + XYZ + struct.pack("<B3iB2i", 3, 0, 1, 2, 4, 0, 1),
            "data that end within table 'face'",
        ),
        (
            BIN + FACE + struct.pack("<9f", 0, 0, 0, np.inf, 0, 0, 0, 1, 0) + struct.pack("<B3i", 3, 0, 1, 2),
            "finite",
        ),
        (BIN + FACE + XYZ + struct.pack("<B3i", 3, 0, 1, 2**30), "uses vertex 1073741824"),
        (
            b"ply\nformat binary_little_endian 1.0\n"
            + FACE.replace(b"end_header\n", b"")
            + BIN.split(b"1.0\n")[1]
            + b"end_header\n"
            + struct.pack("<B3i", 3, 0, 1, 2)
            + XYZ[:-1],
            "data that end within table 'vertex'",
        ),
        (
            BIN.replace(b"property float z", b"property float z\nproperty list uchar int more")
            + FACE
            + b"".join(XYZ[12 * i : 12 * i + 12] + bytes([i]) + bytes(4 * i) for i in range(3))
            + struct.pack("<B3i", 3, 0, 1, 2),
            "single values x, y and z",
        ),
    ],
)
def test_a_ply_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(data)
    refused(tmp_path / "a.ply", words)


def test_signed_list_lengths_below_zero_are_empty(tmp_path: Path) -> None:
    face = FACE.replace(b"uchar", b"char").replace(b"face 1", b"face 2")
    data = BIN + face + XYZ + struct.pack("<b3ib", 3, 0, 1, 2, -5)
    (tmp_path / "a.ply").write_bytes(data)
    assert read_surface(tmp_path / "a.ply").faces.tolist() == [[0, 1, 2]]


FACET = b"facet normal 0 0 0\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Dear colleague, the bones are in the other folder.\n", "text that begins with"),
        (b"solid of text that goes on about something else\n", "no 'endsolid'"),
        (b"solid a\n" + FACET, "no 'endsolid'"),
        (b"solid a\nendsolid a\n", "no faces"),
        (b"solid a\n" + FACET.replace(b"vertex 0 1 0\n", b"") + b"endsolid a\n", "three vertices a facet"),
        (b"solid a\n" + FACET.replace(b"0 1 0", b"0 1") + b"endsolid a\n", "exactly three numbers"),
        (b"solid a\n" + FACET.replace(b"0 1 0", b"0 x 0") + b"endsolid a\n", "'x' where a number belongs"),
        (b"solid a\n" + FACET.replace(b"0 1 0", b"0 inf 0") + b"endsolid a\n", "not finite"),
        (
            b"solid a\n" + FACET.replace(b"loop\nvertex", b"loop vertex") + b"endsolid a\n",
            "one vertex a line",
        ),
        (bytes(84 + 49), "133 bytes for 0 facets"),
        (bytes(20), "20 bytes"),
        (bytes(80) + struct.pack("<I", 2) + bytes(50), "134 bytes for 2 facets"),
        (bytes(84), "no faces"),
        (bytes(80) + struct.pack("<I12fH", 1, *[np.nan] * 12, 0), "3 of 3 vertices that are not finite"),
    ],
)
def test_an_stl_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(data)
    refused(tmp_path / "a.stl", words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no line of an OBJ\n", "no faces"),
        (b"v 0 0 0\nv 1 0\nv 0 1 0\nf 1 2 3\n", "fewer than three numbers"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "uses vertex 3"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n", "uses vertex -1"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 three\n", "'three' where a number belongs"),
        (b"v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
    ],
)
def test_an_obj_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_bytes(data)
    refused(tmp_path / "a.obj", words)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(InputError, match="a line of many megabytes"):
        list(_mesh.blocks(path, 100))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('type="PolyData"', 'type="ImageData"', "<VTKFile type='PolyData'>"),
        ('NumberOfPoints="8"', 'NumberOfPoints="8.5"', "two numbers"),
        ('NumberOfPoints="8"', 'NumberOfPoints="9"', "24 values in array 'points'"),
        ('NumberOfPolys="12"', 'NumberOfPolys="11"', "12 values in array 'offsets'"),
        ('NumberOfPolys="12"', 'NumberOfPolys="0"', "no faces"),
        ("<VTKFile", '<!DOCTYPE a [<!ENTITY b "c">]><VTKFile', "document type"),
        (">3 6 9", ">9 6 3", "rising offsets"),
        (">0 1 3", ">0 1 8", "vertex which is not there"),
        ("</Polys>", "</Points>", "XML that cannot be read"),
        ("</VTKFile>", "", "XML that cannot be read"),
        ('Name="offsets"', 'Name="ends"', "no array 'offsets'"),
        ('type="Int32"', 'type="Int128"', "of type 'Int128'"),
        ('format="ascii"', 'format="spoken"', "format 'spoken'"),
        (">-1.5 0.25", ">-1.5 a", "'a' where a number belongs"),
    ],
)
def test_a_vtp_is_refused(
    old: str, new: str, words: str, write: Callable[..., Path], box: Mesh, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.vtp", box, "vtp ascii")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    refused(path, words)


@pytest.mark.parametrize("form", ["binary", "appended raw zlib", "binary zlib", "appended base64"])
def test_vtp_data_that_disagree_are_refused(
    form: str, write: Callable[..., Path], box: Mesh, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.vtp", box, f"vtp {form}")
    data = path.read_bytes()
    path.write_bytes(data.replace(b'NumberOfPoints="8"', b'NumberOfPoints="7"'))
    refused(path, "cannot be decoded")
    if "raw" not in form:
        path.write_bytes(data.replace(b"AAA", b"A*A"))
        refused(path, "cannot be decoded")


def test_zipped_vtp_data_of_another_length_are_refused(
    write: Callable[..., Path], box: Mesh, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.vtp", box, "vtp appended raw zlib")
    data = path.read_bytes()
    found = re.search(rb'Name="Points"[^>]*offset="(\d+)"', data)
    assert found
    at = data.index(b" _") + 2 + int(found[1]) + 4  # behind the number of blocks: their size, the last one's
    for sizes in ((96, 5), (50, 96)):  # 8 vertices take 96 bytes
        path.write_bytes(data[:at] + struct.pack("<2I", *sizes) + data[at + 8 :])
        refused(path, "cannot be decoded")


def test_a_vtp_compressed_otherwise_is_refused(write: Callable[..., Path], box: Mesh, tmp_path: Path) -> None:
    path = write(tmp_path / "a.vtp", box, "vtp binary zlib")
    path.write_bytes(path.read_bytes().replace(b"vtkZLib", b"vtkLZ4"))
    refused(path, "compression by vtkLZ4DataCompressor")


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(b"")
    refused(tmp_path / "a.stl", "an empty file")
    with pytest.raises(InputError, match="No such file"):
        read_surface(tmp_path / "b.stl")


LIMIT = f"at most {MAX_FACES:,} faces"


def test_too_many_faces_are_refused_by_the_header(tmp_path: Path) -> None:
    n = MAX_FACES + 1
    (tmp_path / "a.ply").write_bytes(BIN + FACE.replace(b"face 1", f"face {n}".encode()))
    refused(tmp_path / "a.ply", LIMIT)
    with (tmp_path / "a.stl").open("wb") as file:
        file.write(bytes(80) + struct.pack("<I", n))
        file.truncate(84 + 50 * n)  # a hole: takes no room on disk
    refused(tmp_path / "a.stl", LIMIT)
    piece = f'<VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="3" NumberOfPolys="{n}"><Points>'
    (tmp_path / "a.vtp").write_text(piece)
    refused(tmp_path / "a.vtp", LIMIT)


@pytest.mark.parametrize("ending", READERS)
def test_too_large_a_file_is_refused_unread(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    refused(path, f"at most {MAX_BYTES:,} bytes")


def test_too_many_faces_are_refused_when_they_are_counted(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where quads become two triangles each: a limit of 11 lets no form of the box through."""
    monkeypatch.setattr(_mesh, "MAX_FACES", 11)
    refused(written, "at most 11 faces for one surface")


@pytest.mark.parametrize(
    "form", ["ply text", "ply binary", "ply binary big-endian", "stl binary", "stl text"]
)
def test_another_program_reads_the_same(
    form: str, write: Callable[..., Path], box: Mesh, tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh")
    written = write(tmp_path / f"a.{form[:3]}", box, form)
    theirs = trimesh.load(written, process=False, force="mesh")
    ours = read_surface(written)
    assert volume(np.asarray(theirs.vertices), np.asarray(theirs.faces)) == pytest.approx(
        volume(ours.vertices_mm, ours.faces),
        rel=1e-12,  # both sum twelve exact terms, in another order
    )

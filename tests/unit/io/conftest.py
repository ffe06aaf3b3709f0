"""A small closed surface, and writers of every form of every format, each a few obvious lines."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Mesh = tuple[np.ndarray, np.ndarray]
Writer = Callable[[Path, Mesh], None]


@pytest.fixture
def box() -> Mesh:
    """An oblong box: 8 vertices that float32 holds exactly, 12 outward faces."""
    vertices = np.array([[x, y, z] for x in (-1.5, 2.0) for y in (0.25, 4.0) for z in (700.0, 701.5)])
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([tri for a, b, c, d in quads for tri in ([a, b, c], [a, c, d])])
    return vertices, faces


def quads_of(faces: np.ndarray) -> list[list[int]]:
    """The box's six sides as polygons."""
    return [
        [*first, second[2]] for first, second in zip(faces[::2].tolist(), faces[1::2].tolist(), strict=True)
    ]


def ply_header(form: str, n_vertices: int, n_faces: int, *, extra: str = "") -> bytes:
    """Header of a PLY with float vertices and one list of corners."""
    return (
        f"ply\nformat {form} 1.0\ncomment made by a test\nelement vertex {n_vertices}\nproperty float x\n"
        f"property float y\nproperty float z\n{extra}element face {n_faces}\n"
        "property list uchar int vertex_indices\nend_header\n"
    ).encode()


def ply_text(path: Path, mesh: Mesh) -> None:
    vertices, faces = mesh
    rows = [" ".join(map(str, row)) for row in vertices] + [" ".join(map(str, [3, *row])) for row in faces]
    path.write_bytes(ply_header("ascii", len(vertices), len(faces)) + "\n".join(rows).encode() + b"\n")


def ply_binary(path: Path, mesh: Mesh, order: str = "<") -> None:
    vertices, faces = mesh
    name = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    body = vertices.astype(order + "f4").tobytes()
    body += b"".join(struct.pack(order + "B3i", 3, *face) for face in faces.tolist())
    path.write_bytes(ply_header(name, len(vertices), len(faces)) + body)


def ply_binary_big(path: Path, mesh: Mesh) -> None:
    ply_binary(path, mesh, ">")


def ply_uneven(path: Path, mesh: Mesh) -> None:
    """Five quads and two triangles, with colours before and a quality after the corners, and a table more."""
    vertices, faces = mesh
    *quads, last = quads_of(faces)
    polygons = [*quads, *([last[0], last[1], last[2]], [last[0], last[2], last[3]])]
    head = ply_header("binary_little_endian", len(vertices), len(polygons)).replace(
        b"element face",
        b"property uchar red\nelement note 2\nproperty list ushort short values\nelement face",
    )
    head = head.replace(b"property list uchar int", b"property double weight\nproperty list uchar int")
    head = head.replace(b"end_header", b"property float quality\nend_header")
    body = b"".join(struct.pack("<3fB", *row, 9) for row in vertices.tolist())
    body += struct.pack("<H2h", 2, 5, 6) + struct.pack("<H", 0)
    body += b"".join(struct.pack(f"<dB{len(p)}if", 0.5, len(p), *p, 1.0) for p in polygons)
    path.write_bytes(head + body)


def ply_uneven_text(path: Path, mesh: Mesh) -> None:
    """One pentagon that folds over an edge, the rest triangles, with a value after the corners."""
    vertices, faces = mesh
    polygons = [quads_of(faces)[0], *faces[2:].tolist()]
    head = ply_header("ascii", len(vertices), len(polygons)).replace(
        b"end_header", b"property float quality\nend_header"
    )
    rows = [" ".join(map(str, row)) for row in vertices]
    rows += [" ".join(map(str, [len(p), *p, 0.5])) for p in polygons]
    path.write_bytes(head + "\r\n\r\n".join(rows).encode())


def stl_binary(path: Path, mesh: Mesh) -> None:
    vertices, faces = mesh
    body = b"".join(
        struct.pack("<12fH", 0, 0, 0, *vertices[face].reshape(-1).tolist(), 7) for face in faces.tolist()
    )
    path.write_bytes(b"solid that is binary".ljust(80) + struct.pack("<I", len(faces)) + body)


def stl_text(path: Path, mesh: Mesh) -> None:
    vertices, faces = mesh
    out = ["solid box"]
    for face in faces:
        out += ["  facet normal 0 0 0", "    outer loop"]
        out += [f"      VERTEX {x:.6e} {y:.6e} {z:.6e}" for x, y, z in vertices[face]]
        out += ["    endloop", "  endfacet"]
    path.write_text("\n".join([*out, "endsolid box", ""]))


def obj(path: Path, mesh: Mesh) -> None:
    """Texture numbers, a colour behind a vertex, quads and a line that goes on."""
    vertices, faces = mesh
    out = ["# made by a test", "mtllib none.mtl", "o box"]
    out += [f"v {x} {y} {z} 1 0 0" if n else f"v\t{x} {y} {z}" for n, (x, y, z) in enumerate(vertices)]
    out += ["vn 0 0 1", "g sides"]
    a, *quads = quads_of(faces)
    out += [f"f {a[0] + 1}//1 {a[1] + 1}//1 \\", f" {a[2] + 1}//1 {a[3] + 1}//1"]
    out += ["f " + " ".join(f"{i + 1}/1/1" for i in quad) for quad in quads]
    path.write_text("\n".join(out))


def obj_relative(path: Path, mesh: Mesh) -> None:
    """Corners counted back from the face, and vertices before and between the faces."""
    vertices, faces = mesh
    out = []
    for face in faces:
        out += [f"v {x} {y} {z}" for x, y, z in vertices[face]] + ["f -3 -2 -1"]
    path.write_text("\n".join(out) + "\n")


def vtp(path: Path, mesh: Mesh, form: str = "ascii", packed: bool = False, wide: bool = False) -> None:
    """The VTK XML formats: ``form`` is ascii, binary, appended raw or appended base64."""
    vertices, faces = mesh
    count = "<Q" if wide else "<I"
    appended = b""

    def stored(values: np.ndarray) -> bytes:
        raw = values.tobytes()
        plain = form == "appended raw"
        encode = bytes if plain else base64.b64encode
        if not packed:
            return encode(struct.pack(count, len(raw)) + raw)
        blocks = [raw[:40], raw[40:]]
        zipped = [zlib.compress(block) for block in blocks]
        # Blocks are 40 bytes and one more; the last one's size is given by itself.
        sizes = [len(blocks), 40, len(blocks[-1]), *map(len, zipped)]
        if len(raw) > 80:
            zipped = [zlib.compress(raw)]
            sizes = [1, len(raw), 0, len(zipped[0])]
        head = b"".join(struct.pack(count, size) for size in sizes)
        return encode(head) + encode(b"".join(zipped))

    def array(name: str, kind: str, values: np.ndarray, columns: int = 1) -> str:
        nonlocal appended
        opening = f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{columns}"'
        key = '<InformationKey name="RANGE"><Value index="0">7</Value></InformationKey>'
        if form == "ascii":
            return (
                f'{opening} format="ascii">{" ".join(map(str, values.reshape(-1).tolist()))}{key}</DataArray>'
            )
        if form == "binary":
            return f'{opening} format="binary">\n {stored(values).decode()} {key}\n</DataArray>'
        offset = len(appended)
        appended += stored(values)
        return f'{opening} format="appended" offset="{offset}"/>'

    ends = 3 * np.arange(1, len(faces) + 1)
    arrays = (
        f"<PointData>{array('Normals', 'Float32', np.zeros(3, '<f4'), 3)}</PointData>"
        f"<Points>{array('Points', 'Float32', vertices.astype('<f4'), 3)}</Points>"
        f"<Polys>{array('connectivity', 'Int64', faces.astype('<i8'))}"
        f"{array('offsets', 'Int32', ends.astype('<i4'))}</Polys>"
    )
    head = (
        '<?xml version="1.0"?>\n<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian"'
        f' header_type="{"UInt64" if wide else "UInt32"}"'
        + (' compressor="vtkZLibDataCompressor"' if packed else "")
        + f'><PolyData><Piece NumberOfPoints="0" NumberOfPolys="0"/>'
        f'<Piece NumberOfPoints="{len(vertices)}" NumberOfPolys="{len(faces)}">{arrays}</Piece></PolyData>'
    )
    tail = b"</VTKFile>"
    if form.startswith("appended"):
        encoding = form.split()[1]
        tail = f'<AppendedData encoding="{encoding}">\n _'.encode() + appended + b"</AppendedData></VTKFile>"
    path.write_bytes(head.encode() + tail)


def _vtp(form: str, packed: bool, wide: bool) -> Writer:
    return lambda path, mesh: vtp(path, mesh, form, packed, wide)


WRITERS: dict[str, tuple[str, Writer]] = {
    "ply text": (".ply", ply_text),
    "ply binary": (".ply", ply_binary),
    "ply binary big-endian": (".ply", ply_binary_big),
    "ply uneven": (".PLY", ply_uneven),
    "ply uneven text": (".ply", ply_uneven_text),
    "stl binary": (".stl", stl_binary),
    "stl text": (".STL", stl_text),
    "obj": (".obj", obj),
    "obj relative": (".obj", obj_relative),
    "vtp ascii": (".vtp", vtp),
} | {
    f"vtp {form}{' zlib' * packed}{' 64' * wide}": (".vtp", _vtp(form, packed, wide))
    for form in ("binary", "appended raw", "appended base64")
    for packed in (False, True)
    for wide in (False, True)
}


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path: Path, box: Mesh) -> Path:
    """The box in a file, in one form after another."""
    ending, write = WRITERS[request.param]
    path = tmp_path / f"femur_left{ending}"
    write(path, box)
    return path


@pytest.fixture
def write() -> Callable[[Path, Mesh, str], Path]:
    """Write a surface in a named form."""

    def to(path: Path, mesh: Mesh, form: str = "ply binary") -> Path:
        WRITERS[form][1](path, mesh)
        return path

    return to

"""NRRD scans and label maps, and the segmentations that 3D Slicer writes as ``.seg.nrrd``."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError
from ischio.io._mesh import refused
from ischio.io._volume import (
    LabelFile,
    ScanFile,
    Segment,
    check_geometry,
    check_voxels,
    inflated,
    scaled,
    whole_labels,
)

_MAX_RATIO = 1100  # no packing of these formats is tighter
_LPS_FROM = MappingProxyType(
    {
        name: np.array(signs)
        for names, signs in (
            ("left-posterior-superior lps", (1.0, 1.0, 1.0)),
            ("right-anterior-superior ras", (-1.0, -1.0, 1.0)),
            ("left-anterior-superior las", (1.0, -1.0, 1.0)),
        )
        for name in names.split()
    }
)


def read_nrrd_labels(path: Path, axes: str) -> LabelFile:
    """Read an NRRD label map.

    Parameters
    ----------
    path : Path
        Ends in ``.nrrd``; header and data in one file.
    axes : str
        "LPS", "RAS" or "unknown": used only when the header names no space.

    Returns
    -------
    LabelFile
        One layer, or as many as the list axis of a segmentation is long.

    Raises
    ------
    InputError
        If the file is damaged, has no orientation, is not in mm, is too large, or holds no labels.
    """
    header, values, patient_from_voxel, list_axis, notes = _opened(path, axes)
    labels = whole_labels(path, values)
    layers = (labels,) if list_axis is None else tuple(np.moveaxis(labels, list_axis, 0))
    segments = _segments(path, header, len(layers))
    if len(layers) > 1 and not segments:
        raise refused(
            path, f"{len(layers)} layers without names", "names in the header", "Save it as .seg.nrrd."
        )
    return LabelFile(layers, patient_from_voxel, segments, notes)


def read_nrrd_scan(path: Path, axes: str) -> ScanFile:
    """Read an NRRD scan.

    Parameters
    ----------
    path : Path
        Ends in ``.nrrd``; header and data in one file.
    axes : str
        "LPS", "RAS" or "unknown": used only when the header names no space.

    Returns
    -------
    ScanFile

    Raises
    ------
    InputError
        If the file is damaged, has no orientation, is not in mm, is too large, or holds several volumes.
    """
    _, values, patient_from_voxel, list_axis, notes = _opened(path, axes)
    if list_axis is not None:
        raise refused(path, f"an image of {values.shape} values", "three axes", "Pass one volume.")
    return ScanFile(scaled(path, values, 1.0, 0.0), patient_from_voxel, notes)


def _opened(
    path: Path, axes: str
) -> tuple[Mapping[str, Any], NDArray[Any], Array, int | None, tuple[str, ...]]:
    """Header, values, voxels to patient LPS, which axis lists layers, and notes."""
    import nrrd

    with path.open("rb") as file:
        with _damage_named(path):
            header = nrrd.read_header(file)
        if {"data file", "datafile"} & set(header):
            raise refused(path, "a header whose data are in another file", "both in one", "Save it as .nrrd.")
        with _damage_named(path):
            sizes = tuple(int(size) for size in header.get("sizes", ()))
        check_voxels(path, sizes)
        patient_from_voxel, list_axis, notes = _geometry(path, header, sizes, axes)
        with _damage_named(path):
            values = _values(path, header, file, sizes)
    return header, values, patient_from_voxel, list_axis, notes


def _values(path: Path, header: Mapping[str, Any], file: BinaryIO, sizes: tuple[int, ...]) -> NDArray[Any]:
    """The voxels; never more bytes are unpacked than the header asks for."""
    import nrrd

    kind = np.dtype(nrrd.reader._determine_datatype(header))
    n_bytes = int(np.prod(sizes, dtype=object)) * kind.itemsize
    skips = any(int(header.get(key, 0)) for key in ("line skip", "lineskip", "byte skip", "byteskip"))
    if str(header.get("encoding", "")).lower() not in ("raw", "gzip", "gz") or skips:
        if path.stat().st_size * _MAX_RATIO < n_bytes:
            raise refused(path, f"{path.stat().st_size:,} bytes for {n_bytes:,} of voxels", "complete data")
        return np.asarray(nrrd.read_data(header, file))
    rest = file.read()
    if str(header["encoding"]).lower() != "raw":
        rest = inflated(rest, n_bytes)
    if len(rest) < n_bytes:
        raise EOFError(f"{len(rest):,} of {n_bytes:,} bytes of voxels")
    return np.frombuffer(rest, kind, n_bytes // kind.itemsize).reshape(sizes, order="F")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Word whatever the library raises on a damaged file."""
    from nrrd.errors import NRRDError

    try:
        yield
    except (
        NRRDError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        EOFError,
        OSError,
        MemoryError,
        zlib.error,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise refused(
            path, f"a file that cannot be read ({error})", "a complete NRRD", "Copy it again."
        ) from error


def _geometry(
    path: Path, header: Mapping[str, Any], sizes: tuple[int, ...], axes: str
) -> tuple[Array, int | None, tuple[str, ...]]:
    """Voxels to patient LPS, which axis lists layers, and what was assumed."""
    directions = np.asarray(header.get("space directions", ()), dtype=np.float64)
    origin = np.asarray(header.get("space origin", ()), dtype=np.float64)
    if directions.shape != (len(sizes), 3) or origin.shape != (3,):
        raise refused(
            path, "no orientation", "'space directions' and 'space origin'", "Save it again with them."
        )
    unit = set(header.get("space units", ())) - {"mm", ""}
    if unit:
        raise refused(path, f"voxels in {sorted(unit)}", "millimetres", "Convert it to millimetres.")
    lists = np.flatnonzero(np.isnan(directions).all(axis=1))
    if len(sizes) - len(lists) != 3 or len(lists) > 1:
        raise refused(
            path, f"{len(sizes)} axes, {len(lists)} of them lists", "three in space and at most one list"
        )
    space = header.get("space")
    if space is not None and space.lower() not in _LPS_FROM:
        raise refused(path, f"the space {space!r}", f"one of {list(_LPS_FROM)}", "Save it as LPS.")
    notes = () if space else (f"{path.name}: the header names no space; {axes} was taken from the option",)
    turn = _LPS_FROM["ras" if not space and axes == "RAS" else (space or "lps").lower()]
    patient_from_voxel = np.eye(4)
    patient_from_voxel[:3, :3] = (np.delete(directions, lists, axis=0) * turn).T
    patient_from_voxel[:3, 3] = origin * turn
    return check_geometry(path, patient_from_voxel), (int(lists[0]) if len(lists) else None), notes


def _segments(path: Path, header: Mapping[str, Any], n_layers: int) -> tuple[Segment, ...]:
    """Names in the header; a segment without value or layer is an old file's: 1, in a layer of its own."""
    found = []
    for n in count():
        if f"Segment{n}_ID" not in header and f"Segment{n}_Name" not in header:
            break
        name = header.get(f"Segment{n}_Name", header.get(f"Segment{n}_ID"))
        value, layer = header.get(f"Segment{n}_LabelValue", "1"), header.get(f"Segment{n}_Layer", str(n))
        if not (value.isdecimal() and layer.isdecimal() and int(layer) < n_layers):
            raise refused(
                path,
                f"segment {name!r} with value {value!r} in layer {layer!r}",
                f"layers 0 to {n_layers - 1}",
            )
        found.append(Segment(name, int(value), int(layer)))
    return tuple(found)

"""MetaImage files (``.mha``, and ``.mhd`` with its data beside it), as ITK and ITK-SNAP write them."""

from __future__ import annotations

import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.io._mesh import refused
from ischio.io._volume import (
    LabelFile,
    ScanFile,
    check_geometry,
    check_voxels,
    inflated,
    scaled,
    whole_labels,
)

_MAX_HEADER_BYTES = 100_000
_TYPES = MappingProxyType(
    {
        "MET_CHAR": "i1",
        "MET_UCHAR": "u1",
        "MET_SHORT": "i2",
        "MET_USHORT": "u2",
        "MET_INT": "i4",
        "MET_UINT": "u4",
        "MET_LONG": "i4",
        "MET_ULONG": "u4",
        "MET_LONG_LONG": "i8",
        "MET_ULONG_LONG": "u8",
        "MET_FLOAT": "f4",
        "MET_DOUBLE": "f8",
    }
)
_CUT = "Copy or save it again."


def read_mha_labels(path: Path) -> LabelFile:
    """Read a MetaImage label map.

    Parameters
    ----------
    path : Path
        Ends in ``.mha`` or ``.mhd``.

    Returns
    -------
    LabelFile
        One layer, without names.

    Raises
    ------
    InputError
        If the file is damaged, has no spacing, is too large, or holds no labels.
    """
    values, patient_from_voxel = _read(path)
    return LabelFile((whole_labels(path, values),), patient_from_voxel)


def read_mha_scan(path: Path) -> ScanFile:
    """Read a MetaImage scan.

    Parameters
    ----------
    path : Path
        Ends in ``.mha`` or ``.mhd``.

    Returns
    -------
    ScanFile

    Raises
    ------
    InputError
        If the file is damaged, has no spacing, or is too large.
    """
    values, patient_from_voxel = _read(path)
    return ScanFile(scaled(path, values, 1.0, 0.0), patient_from_voxel)


def _read(path: Path) -> tuple[NDArray[Any], Array]:
    """Voxels, and voxels to patient LPS: MetaImage is LPS, as ITK is."""
    with path.open("rb") as file:
        header = _header(path, file.read(_MAX_HEADER_BYTES))
        sizes = tuple(int(value) for value in _numbers(path, header, ("DimSize",), 3))
        check_voxels(path, sizes)
        if header.get("ElementType") not in _TYPES or header.get("ElementNumberOfChannels", "1") != "1":
            raise refused(path, f"values of type {header.get('ElementType')!r}", "one number a voxel")
        if header.get("BinaryData", "True").lower() != "true" or "HeaderSize" in header:
            raise refused(path, "data as text or behind another header", "binary data", "Save it as .mha.")
        is_big = header.get("ElementByteOrderMSB", header.get("BinaryDataByteOrderMSB", "False"))
        kind = np.dtype((">" if is_big.lower() == "true" else "<") + _TYPES[header["ElementType"]])
        n_bytes = int(np.prod(sizes, dtype=object)) * kind.itemsize
        name = header["ElementDataFile"]
        if name.upper() == "LOCAL":
            file.seek(int(header["at"]))
            raw = file.read()
        elif Path(name).name == name and "%" not in name and path.with_name(name).is_file():
            raw = path.with_name(name).read_bytes()
        else:
            raise refused(path, "data in another place", "data in the file, or beside it", "Save it as .mha.")
    if header.get("CompressedData", "False").lower() == "true":
        try:
            raw = inflated(raw, n_bytes)
        except zlib.error as error:
            raise refused(path, f"data that cannot be unpacked ({error})", "complete data", _CUT) from error
    if len(raw) < n_bytes:
        raise refused(path, f"{len(raw):,} of {n_bytes:,} bytes of voxels", "complete data", _CUT)
    values = np.frombuffer(raw, kind, n_bytes // kind.itemsize).reshape(sizes, order="F")
    spacing = _numbers(path, header, ("ElementSpacing",), 3)
    origin = _numbers(path, header, ("Offset", "Origin", "Position"), 3)
    turned = any(key in header for key in ("TransformMatrix", "Rotation", "Orientation"))
    rows = _numbers(path, header, ("TransformMatrix", "Rotation", "Orientation"), 9) if turned else np.eye(3)
    affine = np.eye(4)
    affine[:3, :3] = rows.reshape(3, 3).T * spacing  # a row of the file is the direction of one axis
    affine[:3, 3] = origin
    return values, check_geometry(path, affine)


def _header(path: Path, start: bytes) -> dict[str, str]:
    """Fields by name; "at" is where local data begin."""
    fields: dict[str, str] = {}
    at = 0
    for line in start.split(b"\n"):
        at += len(line) + 1
        key, equals, value = line.partition(b"=")
        if not equals or not line.isascii():
            break
        fields[key.decode().strip()] = value.decode().strip()
        if key.strip() == b"ElementDataFile":
            if fields.get("NDims") == "3":
                return {**fields, "at": str(at)}
            break
    raise refused(path, "no header of a 3-D MetaImage", "a complete MetaImage", _CUT)


def _numbers(path: Path, header: dict[str, str], keys: tuple[str, ...], n: int) -> Array:
    """Numbers of the first of the keys that is there."""
    words = next((header[key] for key in keys if key in header), "").split()
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        values = np.array([])
    if len(values) != n or not np.isfinite(values).all() or np.abs(values).max() > 1e9:
        raise refused(path, f"{keys[0]} {' '.join(words)[:60]!r}", f"{n} numbers", _CUT)
    return values

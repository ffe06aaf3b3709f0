"""NIfTI scans and label maps, these with the names that programs leave in their extensions."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ischio._check import Array, InputError
from ischio.io._mesh import refused
from ischio.io._volume import (
    LabelFile,
    ScanFile,
    Segment,
    check_geometry,
    check_voxels,
    scaled,
    whole_labels,
)

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_UNITS = MappingProxyType({0: "", 1: "metres", 2: "", 3: "micrometres"})  # 0 is unsaid: mm by custom
_NAME_CODES = (0, 30)  # of extensions: unspecified, which TotalSegmentator uses, and Caret
_AGREED_VOXELS = 0.5  # two orientations that differ by less put every voxel's centre into the same voxel


def read_nifti_labels(path: Path) -> LabelFile:
    """Read a NIfTI label map.

    Parameters
    ----------
    path : Path
        Ends in ``.nii`` or ``.nii.gz``.

    Returns
    -------
    LabelFile
        One layer. NIfTI is RAS+ by definition and is turned to LPS here.

    Raises
    ------
    InputError
        If the file is damaged, has no orientation, is not in mm, is too large, or holds no labels.
    """
    image, shape, patient_from_voxel, notes = _opened(path)
    with _damage_named(path):
        values = np.asanyarray(image.dataobj).reshape(shape)
        tables = [e.get_content() for e in image.header.extensions if e.get_code() in _NAME_CODES]
    segments = tuple(segment for table in tables for segment in _names(table))
    return LabelFile((whole_labels(path, values),), patient_from_voxel, segments, notes)


def read_nifti_scan(path: Path) -> ScanFile:
    """Read a NIfTI scan.

    Parameters
    ----------
    path : Path
        Ends in ``.nii`` or ``.nii.gz``.

    Returns
    -------
    ScanFile

    Raises
    ------
    InputError
        If the file is damaged, has no orientation, is not in mm, or is too large.
    """
    image, shape, patient_from_voxel, notes = _opened(path)
    data = image.dataobj
    with _damage_named(path):
        plain = np.asanyarray(data.get_unscaled()).reshape(shape)
        if plain.dtype.kind not in "biuf":
            raise refused(path, f"values of type {plain.dtype}", "one number a voxel")
        slope, intercept = float(data.slope), float(data.inter)
    return ScanFile(scaled(path, plain, slope, intercept), patient_from_voxel, notes)


def _opened(path: Path) -> tuple[Any, tuple[int, ...], Array, tuple[str, ...]]:
    """The image with its voxels unread, its size, voxels to patient LPS, and notes on these."""
    import nibabel

    with _damage_named(path):
        image: Any = nibabel.load(path)
    if not isinstance(image, nibabel.Nifti1Image):
        raise refused(path, f"a {type(image).__name__}", "a NIfTI image in one file")
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise refused(path, f"an image of {image.shape} voxels", "three axes", "Pass one volume.")
    check_voxels(path, shape)
    header: Any = image.header
    unit = _UNITS.get(int(header["xyzt_units"]) & 7, "a unit without a name")
    if unit:
        raise refused(path, f"voxels in {unit}", "millimetres", "Convert it to millimetres.")
    patient_from_voxel, notes = _geometry(path, header, shape)
    return image, shape, patient_from_voxel, notes


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Word whatever the library raises on a damaged file, and keep its own messages off the terminal."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.imageglobals import logger
    from nibabel.spatialimages import HeaderDataError

    was_disabled = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (
        ImageFileError,
        HeaderDataError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        EOFError,
        OSError,
        MemoryError,
        zlib.error,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise refused(
            path, f"a file that cannot be read ({error})", "a complete NIfTI", "Copy it again."
        ) from error
    finally:
        logger.disabled = was_disabled


def _geometry(path: Path, header: Any, shape: tuple[int, ...]) -> tuple[Array, tuple[str, ...]]:
    """Voxels to patient LPS, from the orientation that the file declares; sform before qform."""
    with _damage_named(path):
        sform, s_code = header.get_sform(coded=True)
        qform, q_code = header.get_qform(coded=True)
    if not s_code and not q_code:
        # nibabel would invent one, and with it left and right.
        raise refused(
            path, "no orientation (sform and qform codes are 0)", "one of the two", "Convert it again."
        )
    ras = check_geometry(path, np.asarray(sform if s_code else qform, dtype=np.float64))
    notes: tuple[str, ...] = ()
    if s_code and q_code and np.isfinite(qform).all():
        corners = np.array(
            [[i, j, k, 1] for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])]
        )
        apart = float(np.linalg.norm(corners @ (ras - qform).T, axis=1).max())
        if apart > _AGREED_VOXELS * np.linalg.norm(ras[:3, :3], axis=0).min():
            notes = (f"{path.name}: sform and qform differ by up to {apart:.1f} mm; sform was used",)
    return _LPS_FROM_RAS @ ras, notes


def _names(content: bytes | str) -> tuple[Segment, ...]:
    """Names in a table of labels, as TotalSegmentator and Workbench write it; other extensions hold none."""
    text = (content.encode() if isinstance(content, str) else content).strip(b"\0 \n\r\t")
    if b"<LabelTable" not in text or b"<!DOCTYPE" in text:  # a document type could define entities
        return ()
    try:
        labels = ElementTree.fromstring(text).iter("Label")
    except ElementTree.ParseError:  # as good as no table: names are asked for
        return ()
    named = ((label.get("Key", ""), (label.text or "").strip()) for label in labels)
    return tuple(Segment(name, int(key)) for key, name in named if key.isdecimal() and int(key) and name)

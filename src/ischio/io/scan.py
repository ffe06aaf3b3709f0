"""One scan from whatever holds it: DICOM, NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import InputError, complaint, one_of
from ischio.types import Frame, Volume

FILE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
MODALITIES = ("CT", "MR")
_FRAME = Frame("patient", "as_supplied")
_AIR_HU, _BONE_HU = -200.0, 250.0  # only Hounsfield units reach below the one and above the other


def read_scan(
    path: Path, *, axes: str = "LPS", series: str | None = None, modality: str | None = None
) -> tuple[Volume, tuple[str, ...]]:
    """Read one CT or MR volume.

    Parameters
    ----------
    path : Path
        A DICOM folder, zip or file; or a file in NIfTI, NRRD or MetaImage format.
    axes : str
        "LPS", "RAS" or "unknown": used only when an NRRD header names no space.
    series : str, optional
        Key or UID of a DICOM series; by default the best one for bones.
    modality : str, optional
        "CT" or "MR" for files that do not say it.

    Returns
    -------
    volume : Volume
        In patient LPS; oblique, left-handed and sheared grids stay as they are, in the matrix. The modality
        of a file that does not say it is told from its values and is empty where they leave it open.
    notes : tuple of str

    Raises
    ------
    InputError
        If there is no scan, it is damaged or too large, or its geometry is not exact.
    """
    one_of(axes, ("LPS", "RAS", "unknown"), "axes")
    one_of(modality, (*MODALITIES, None), "modality")
    if not path.exists():
        raise InputError(complaint(str(path), "no such file or folder", "a scan", "Check the path."))
    if path.is_dir() or not path.name.lower().endswith(FILE_SUFFIXES):
        inner = _only_file(path)
        if inner is None:
            from ischio.io.dicom.pixels import read_dicom

            return read_dicom(path, series=series)
        path = inner
    if series is not None:
        raise InputError(
            complaint(path.name, f"--series {series}", "a DICOM study", "A file holds one scan only.")
        )
    values, affine, notes = _file(path, axes)
    if modality is None:
        is_ct = _is_hounsfield(values)
        modality = "CT" if is_ct else ""
        notes += ("the file does not say so: taken for a CT by its values",) if is_ct else ()
    elif modality == "CT":
        from ischio.io.dicom.pixels import check_hounsfield

        check_hounsfield(values, path.name)
    unit = "HU" if modality == "CT" else "1"
    return Volume(values, affine, _FRAME, modality, unit, path.name), notes


def read_if_scan(
    path: Path, *, axes: str = "LPS", series: str | None = None, modality: str | None = None
) -> tuple[Volume, tuple[str, ...]] | None:
    """Read an input if it is a scan, and leave it if it is anything else: labels, surfaces, a case.

    Parameters
    ----------
    path : Path
    axes, series, modality
        As for ``read_scan``; with a series or a modality the input must be a scan.

    Returns
    -------
    (Volume, tuple of str) or None

    Raises
    ------
    InputError
        If it is a scan that cannot be read.
    """
    if series is not None or modality is not None:
        return read_scan(path, axes=axes, series=series, modality=modality)
    if not path.exists() or path.name.lower().endswith(".seg.nrrd"):
        return None
    inner = path if path.name.lower().endswith(FILE_SUFFIXES) else _only_file(path)
    if inner is not None and inner.is_file():
        found = read_scan(path, axes=axes)
        return found if found[0].modality == "CT" else None
    return read_scan(path, axes=axes) if _holds_images(path) else None


def _holds_images(path: Path) -> bool:
    """Whether a file, zip or folder holds CT or MR images in DICOM, and no bones."""
    from ischio.io.dicom.files import dicom_places, is_archive
    from ischio.io.dicom.series import list_series
    from ischio.io.meshes import READERS

    if path.is_file() and path.suffix.lower() in READERS:
        return False
    if path.is_dir() and any(file.suffix.lower() in READERS for file in path.iterdir()):
        return False
    if not is_archive(path) and not dicom_places(path)[0]:
        return False
    return any(one.modality in MODALITIES for one in list_series(path).series)


def _only_file(folder: Path) -> Path | None:
    """The one volume in a folder that holds no other kind of image."""
    if not folder.is_dir():
        return None
    files = [file for file in folder.iterdir() if file.name.lower().endswith(FILE_SUFFIXES)]
    return files[0] if len(files) == 1 else None


def _file(path: Path, axes: str) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...]]:
    """Values, voxels to patient LPS, and notes of a file, by its ending."""
    from ischio.io.mha import read_mha_scan
    from ischio.io.nifti import read_nifti_scan
    from ischio.io.seg_nrrd import read_nrrd_scan

    name = path.name.lower()
    try:
        if path.stat().st_size == 0:
            raise InputError(complaint(path.name, "an empty file", "a scan", "Copy it again."))
        if name.endswith(".nrrd"):
            found = read_nrrd_scan(path, axes)
        else:
            found = read_mha_scan(path) if name.endswith((".mha", ".mhd")) else read_nifti_scan(path)
    except OSError as error:
        raise InputError(
            complaint(path.name, error.strerror or error, "a file that can be read", "Check its rights.")
        ) from error
    return found.values, found.patient_from_voxel, found.notes


def _is_hounsfield(values: NDArray[Any]) -> bool:
    """Whether only a CT has such values: air or fat far below zero, bone far above."""
    sample = values[tuple(slice(None, None, max(1, size // 64)) for size in values.shape)]
    low, high = np.percentile(sample, (0.5, 99.9))
    return bool(low < _AIR_HU and high > _BONE_HU)

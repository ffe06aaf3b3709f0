"""The pixels of a series: decoded slice by slice into one array, rescaled, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ischio._check import InputError, complaint
from ischio.io._volume import scanner_frame
from ischio.io.dicom.decode import CannotDecode, Decoder
from ischio.io.dicom.files import FilePlace, opened
from ischio.io.dicom.heads import Slice, damage, quiet
from ischio.io.dicom.series import Series, list_series, picked
from ischio.types import Volume

_INT16 = np.iinfo(np.int16)
_AIR_OR_FAT_HU = -30.0  # every field of view of a pelvis holds fat (-100) or air (-1000)


def read_dicom(path: Path, *, series: str | None = None) -> tuple[Volume, tuple[str, ...]]:
    """Read a CT or MR volume from a DICOM file, a folder, or a zip.

    Parameters
    ----------
    path : Path
    series : str, optional
        Key or UID of the series to read; by default the best one for bones.

    Returns
    -------
    volume : Volume
        CT in Hounsfield units; int16 where that holds every value, else float32. The frame names the
        scanner's frame of reference by a digest.
    notes : tuple of str
        Which series was read among which, and what was corrected.

    Raises
    ------
    InputError
        If there is no volume, its geometry is not exact, or a file is damaged.
    """
    listing = list_series(path)
    one, notes = picked(listing, series, path.name)
    return volume_of(one, path.name, notes)


def volume_of(one: Series, where: str, notes: tuple[str, ...] = ()) -> tuple[Volume, tuple[str, ...]]:
    """Read the pixels of a listed series.

    Parameters
    ----------
    one : Series
        Without a problem.
    where : str
        The input, for messages.
    notes : tuple of str
        To be carried on.

    Returns
    -------
    volume : Volume
    notes : tuple of str

    Raises
    ------
    InputError
        If a file is damaged, a doubled slice has other pixels, or CT values are no Hounsfield units.
    """
    assert one.grid is not None  # a series without one has a problem
    slots = {(s.place, s.frame): n for n, s in enumerate(one.grid.slices)}
    twins = {(b.place, b.frame): slots[a.place, a.frame] for a, b in one.grid.doubled}
    values = np.empty(one.sizes, dtype=np.int16, order="F")
    filled = np.zeros(one.sizes[2], dtype=bool)
    later: list[tuple[int, NDArray[Any]]] = []
    files = tuple(
        sorted({place for place, _ in (*slots, *twins)}, key=lambda p: (str(p.path), p.member or ""))
    )
    slices = {(s.place, s.frame): s for s in (*one.grid.slices, *(b for _, b in one.grid.doubled))}
    for place, frames in _decoded(files, where):
        for n, pixels in enumerate(frames):
            if (place, n) not in slices:
                continue
            plane = _rescaled(pixels, slices[place, n], where)
            if (place, n) in twins:
                later.append((twins[place, n], plane))
                continue
            if plane.dtype != np.int16 and values.dtype == np.int16:
                values = values.astype(np.float32, order="F")
            values[:, :, slots[place, n]] = plane
            filled[slots[place, n]] = True
    if not filled.all():
        raise _refused(where, f"no pixels for {int((~filled).sum())} slices", "pixels for every slice")
    for slot, plane in later:
        if not np.array_equal(values[:, :, slot], plane):
            raise _refused(
                where, "two different slices in one place", "one slice in each", "Choose another series."
            )
    unit = "1"
    if one.modality == "CT":
        check_hounsfield(values, where)
        unit = "HU"
        if not all(s.has_rescale for s in one.grid.slices):
            notes = (*notes, "no rescale in the header: stored values taken as Hounsfield units")
    frame = scanner_frame(one.grid.slices[0].frame_uid)
    source = f"DICOM series {one.key}"
    return Volume(values, one.grid.patient_from_voxel, frame, one.modality, unit, source), notes


def check_hounsfield(values: NDArray[Any], where: str) -> None:
    """Refuse a CT whose values cannot be Hounsfield units.

    Parameters
    ----------
    values : array of shape (I, J, K)
    where : str
        The input, for messages.

    Raises
    ------
    InputError
        If there is neither air nor fat in it.
    """
    sample = values[tuple(slice(None, None, max(1, size // 64)) for size in values.shape)]
    low, high = (float(value) for value in np.percentile(sample, (0.5, 99.9)))
    if low > _AIR_OR_FAT_HU or high < 0:
        raise _refused(
            where,
            f"a CT with values from {low:.0f} to {high:.0f}",
            "Hounsfield units, with fat or air below -30 and tissue above 0",
            "It may be an MR that is called CT, a CT that is not rescaled (1,024 too high), or a scan of "
            "air: check what it is.",
        )


def _decoded(files: tuple[FilePlace, ...], where: str) -> Iterator[tuple[FilePlace, NDArray[Any]]]:
    """Frames of every file, of shape (frames, rows, columns)."""
    with opened(files) as opened_files, Decoder() as decoder:
        for place, file in opened_files:
            yield place, _frames(file, decoder, where)


def _frames(file: BinaryIO, decoder: Decoder, where: str) -> NDArray[Any]:
    """Frames of one file, of shape (frames, rows, columns)."""
    import pydicom
    from pydicom.pixels.utils import pixel_array

    with quiet():
        try:
            dataset: Any = pydicom.dcmread(file, force=True)
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
            shape = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
            n_bytes = int(np.prod(shape, dtype=object)) * int(dataset.BitsAllocated) // 8
            if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
                file.seek(0)
                return decoder.frames(file.read(), n_bytes)
            if len(dataset.PixelData) < n_bytes:
                raise EOFError(f"{len(dataset.PixelData):,} of {n_bytes:,} bytes of pixels")
            frames: NDArray[Any] = pixel_array(dataset, raw=True)
            return frames.reshape(shape)
        except damage(CannotDecode) as error:
            raise _refused(
                where,
                f"a file whose pixels cannot be read ({str(error)[:300]})",
                "complete files",
                "Copy the study again, or choose another series.",
            ) from error


def _rescaled(pixels: NDArray[Any], one: Slice, where: str) -> NDArray[Any]:
    """One slice with its axes as (column, row), in the units of the header."""
    plane = pixels.T
    if plane.shape != (one.columns, one.rows):
        raise _refused(where, f"a slice of {plane.shape} pixels", f"{(one.columns, one.rows)}")
    if one.slope == int(one.slope) and one.intercept == int(one.intercept):
        whole = plane.astype(np.int64) * int(one.slope) + int(one.intercept)
        if _INT16.min <= whole.min() and whole.max() <= _INT16.max:
            return whole.astype(np.int16)
        return whole.astype(np.float32)
    return (plane.astype(np.float64) * one.slope + one.intercept).astype(np.float32)


def _refused(where: str, got: str, expected: str, do: str = "Copy the study again.") -> InputError:
    """Error of a series that cannot be read; the caller raises it."""
    return InputError(complaint(where, got, expected, do))

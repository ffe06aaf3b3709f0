"""The header of one DICOM file: the few attributes that are used, checked; no name leaves this module."""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from ischio.io.dicom.files import FilePlace

_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    RuntimeError,
    struct.error,
    TypeError,
    ValueError,
    zlib.error,
)
CT, ENHANCED_CT, LEGACY_CT = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "2.1", "2.2"))
MR, ENHANCED_MR, LEGACY_MR = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("4", "4.1", "4.4"))
SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
_WANTED = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID Modality "
    "PatientID PatientName PatientBirthDate SeriesNumber SeriesDescription AcquisitionNumber InstanceNumber "
    "ImageType Rows Columns PixelSpacing ImagePositionPatient ImageOrientationPatient SliceThickness "
    "GantryDetectorTilt ConvolutionKernel RescaleSlope RescaleIntercept RescaleType ModalityLUTSequence "
    "BitsAllocated BitsStored SamplesPerPixel NumberOfFrames EchoTime EchoNumbers RepetitionTime "
    "TemporalPositionIdentifier DiffusionBValue SharedFunctionalGroupsSequence "
    "PerFrameFunctionalGroupsSequence BurnedInAnnotation PixelRepresentation HighBit"
).split()
_SILENT = 1000  # above every level of a message
_MAX_WORD = 16  # characters of a code string that is shown


@dataclass(frozen=True, slots=True)
class Slice:
    """One image: a file, or a frame of a multi-frame file.

    Parameters
    ----------
    place : FilePlace
    frame : int
        From 0.
    rows, columns : int
    spacing_mm : tuple of 2 floats
        Between columns' centres, then between rows' centres: along a row, then down a column.
    position_mm : tuple of 3 floats, patient LPS
        Centre of the first voxel.
    directions : tuple of 6 floats
        Of a row, then of a column.
    slope, intercept : float
    frame_uid : str
    thickness_mm : float or None
    split : tuple
        What tells the stacks of one series apart: image type, echo, time, b-value.
    acquisition, instance : int
    tilt_deg : float
        Of the gantry, as the header says.
    is_compressed : bool
    sop : tuple of (str, str)
        Class and UID of the file.
    """

    place: FilePlace
    frame: int
    rows: int
    columns: int
    spacing_mm: tuple[float, ...]
    position_mm: tuple[float, ...]
    directions: tuple[float, ...]
    slope: float
    intercept: float
    has_rescale: bool
    frame_uid: str
    thickness_mm: float | None
    split: tuple[str, ...]
    acquisition: int
    instance: int
    tilt_deg: float
    is_compressed: bool
    sop: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One file: whose, of which series, of what kind, and its images.

    ``person`` is compared and never shown; ``problem`` says why a file has no images that can be used.
    """

    place: FilePlace
    person: tuple[str, str, str]
    study_uid: str
    series_uid: str
    series_number: int
    description: str
    sop_class: str
    sop_instance: str
    modality: str
    image_type: tuple[str, ...]
    kernel: str
    is_mr_like: bool
    slices: tuple[Slice, ...]
    problem: str | None


def damage(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What parsing or decoding a damaged file raises, as damaged files showed; nothing else is caught."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (*_DAMAGE, *more, BytesLengthException, InvalidDicomError)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's messages, which may quote a header, off the terminal."""
    from pydicom.config import disable_value_validation, logger

    before = logger.level
    logger.setLevel(_SILENT)
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def read_head(place: FilePlace, file: BinaryIO) -> Head | None:
    """Read the header of a file, without its pixels.

    Parameters
    ----------
    place : FilePlace
    file : binary file

    Returns
    -------
    Head or None
        None where the file cannot be parsed.
    """
    import pydicom

    with quiet():
        try:
            dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(_WANTED))
            return _head(place, dataset)
        except damage():
            return None


def _head(place: FilePlace, dataset: Any) -> Head | None:
    """The attributes of a parsed header."""
    sop_class, series = text(dataset, "SOPClassUID"), text(dataset, "SeriesInstanceUID")
    if not sop_class:
        return None
    try:
        syntax = dataset.file_meta.TransferSyntaxUID
        is_compressed = bool(syntax.is_encapsulated)
    except (AttributeError, ValueError):
        is_compressed = False
    slices, problem = _slices(place, dataset, is_compressed)
    return Head(
        place,
        (
            text(dataset, "PatientID").casefold(),
            " ".join(text(dataset, "PatientName").replace("^", " ").casefold().split()),
            text(dataset, "PatientBirthDate"),
        ),
        text(dataset, "StudyInstanceUID"),
        series,
        whole(dataset, "SeriesNumber") or 0,
        text(dataset, "SeriesDescription"),
        sop_class,
        text(dataset, "SOPInstanceUID"),
        word(text(dataset, "Modality")),
        tuple(word(one) for one in texts(dataset, "ImageType")),
        word(" ".join(texts(dataset, "ConvolutionKernel"))),
        number(dataset, "EchoTime") is not None or number(dataset, "RepetitionTime") is not None,
        slices,
        problem,
    )


def _slices(place: FilePlace, dataset: Any, is_compressed: bool) -> tuple[tuple[Slice, ...], str | None]:
    """Every image of a file with its geometry, or why there is none."""
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    if rows < 1 or columns < 1:
        return (), "no image"
    if (whole(dataset, "SamplesPerPixel") or 1) != 1:
        return (), "colour images"
    if "ModalityLUTSequence" in dataset:
        return (), "values behind a table (modality LUT), which are no Hounsfield units"
    n_frames = whole(dataset, "NumberOfFrames") or 1
    shared = _items(dataset, "SharedFunctionalGroupsSequence")
    per_frame = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if n_frames > 1 and len(per_frame) != n_frames:
        return (), f"{n_frames} frames with {len(per_frame)} places"
    found = []
    for n in range(n_frames):
        groups = [*per_frame[n : n + 1], *shared[:1], dataset]
        position = _first(groups, "PlanePositionSequence", "ImagePositionPatient", 3)
        directions = _first(groups, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
        spacing = _first(groups, "PixelMeasuresSequence", "PixelSpacing", 2)
        if position is None or directions is None or spacing is None:
            return (), "images without position, orientation or pixel spacing"
        slope = _first(groups, "PixelValueTransformationSequence", "RescaleSlope", 1)
        intercept = _first(groups, "PixelValueTransformationSequence", "RescaleIntercept", 1)
        thickness = _first(groups, "PixelMeasuresSequence", "SliceThickness", 1)
        found.append(
            Slice(
                place,
                n,
                rows,
                columns,
                (spacing[1], spacing[0]),
                position,
                directions,
                slope[0] if slope else 1.0,
                intercept[0] if intercept else 0.0,
                slope is not None and intercept is not None,
                text(dataset, "FrameOfReferenceUID"),
                thickness[0] if thickness else None,
                _split(dataset, per_frame[n : n + 1]),
                whole(dataset, "AcquisitionNumber") or 0,
                whole(dataset, "InstanceNumber") or 0,
                number(dataset, "GantryDetectorTilt") or 0.0,
                is_compressed,
                (text(dataset, "SOPClassUID"), text(dataset, "SOPInstanceUID")),
            )
        )
    return tuple(found), None


def _split(dataset: Any, frames: Sequence[Any]) -> tuple[str, ...]:
    """What tells one stack of a series from another."""
    words = [*texts(dataset, "ImageType")[2:]]
    for name in ("EchoTime", "EchoNumbers", "TemporalPositionIdentifier", "DiffusionBValue"):
        words.append(f"{name}={number(dataset, name)}")
    for frame in frames:
        for content in _items(frame, "FrameContentSequence"):
            words += [f"{n}={text(content, n)}" for n in ("StackID", "TemporalPositionIndex")]
        for echo in _items(frame, "MREchoSequence"):
            words.append(f"echo={number(echo, 'EffectiveEchoTime')}")
    return tuple(words)


def _first(groups: Sequence[Any], sequence: str, keyword: str, n: int) -> tuple[float, ...] | None:
    """An attribute from the frame's own groups, those that all frames share, or the plain header."""
    for group in groups:
        for item in (*_items(group, sequence)[:1], group):
            values = numbers(item, keyword)
            if values is not None and len(values) == n:
                return values
    return None


def _items(dataset: Any, keyword: str) -> list[Any]:
    """Items of a sequence, none where it is missing."""
    found = dataset.get(keyword)
    return [] if found is None or isinstance(found, str | bytes) else list(found)


def numbers(dataset: Any, keyword: str) -> tuple[float, ...] | None:
    """Finite numbers of an attribute, or None."""
    found = dataset.get(keyword)
    if found is None or found == "":
        return None
    values = [found] if isinstance(found, str | int | float) else list(found)
    out = tuple(float(value) for value in values)
    return out if out and all(map(math.isfinite, out)) else None


def number(dataset: Any, keyword: str) -> float | None:
    """The first number of an attribute, or None."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def whole(dataset: Any, keyword: str) -> int | None:
    """The first number of an attribute as a whole one, or None."""
    found = number(dataset, keyword)
    return None if found is None else int(found)


def text(dataset: Any, keyword: str) -> str:
    """An attribute as text; empty where it is missing."""
    found = dataset.get(keyword)
    return "" if found is None else str(found).strip(" \0")


def texts(dataset: Any, keyword: str) -> tuple[str, ...]:
    """An attribute of several texts."""
    found = dataset.get(keyword)
    if found is None or found == "":
        return ()
    return (found,) if isinstance(found, str) else tuple(str(one) for one in found)


def word(text_: str) -> str:
    """A code as it may be shown: short, of plain characters."""
    return "".join(c for c in text_ if c.isascii() and (c.isalnum() or c in " _-.+"))[:_MAX_WORD].strip()

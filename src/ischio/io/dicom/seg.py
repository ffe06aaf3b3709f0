"""DICOM segmentations (SEG): binary, fractional and label maps, to labels on one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError
from ischio.io._mesh import refused
from ischio.io._volume import LabelFile, Segment, check_geometry, check_voxels
from ischio.io.dicom.decode import CannotDecode, Decoder
from ischio.io.dicom.files import FilePlace, opened
from ischio.io.dicom.heads import LABEL_MAP, SEGMENTATION, damage, number, numbers, quiet, text
from ischio.io.names import read_name

_OFF_GRID_SHARE = 0.05  # of the spacing
_MAX_SEGMENTS = 255
_MAX_LAYERS = 8


def is_seg(path: Path) -> bool:
    """Whether a file is a DICOM segmentation.

    Parameters
    ----------
    path : Path
    """
    import pydicom

    with quiet():
        try:
            found = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
            return text(found, "SOPClassUID") in (SEGMENTATION, LABEL_MAP)
        except damage():
            return False


def read_seg(path: Path) -> LabelFile:
    """Read a DICOM segmentation.

    Parameters
    ----------
    path : Path

    Returns
    -------
    LabelFile
        Segments that overlap lie in several layers. Empty slices, which such files leave out, are filled in.

    Raises
    ------
    InputError
        If the file is damaged or no segmentation, or its frames lie on no grid.
    """
    with opened((FilePlace(path),)) as files, Decoder() as decoder, quiet():
        _, file = next(files)
        try:
            return _read(path, file, decoder)
        except damage(CannotDecode) as error:
            if isinstance(error, InputError):
                raise
            raise refused(
                path,
                f"a segmentation that cannot be read ({type(error).__name__}: {str(error)[:200]})",
                "a complete DICOM SEG",
                "Copy or export it again.",
            ) from error


def _read(path: Path, file: Any, decoder: Decoder) -> LabelFile:
    """The file's labels; whatever damage makes the library raise is worded by the caller."""
    import pydicom

    dataset: Any = pydicom.dcmread(file, force=True)
    if text(dataset, "SOPClassUID") not in (SEGMENTATION, LABEL_MAP):
        raise refused(path, f"DICOM of {text(dataset, 'Modality') or 'unknown'} kind", "a DICOM SEG")
    shape = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
    frames = _frames(path, dataset, file, decoder, shape)
    groups = list(dataset.PerFrameFunctionalGroupsSequence)
    if len(groups) != shape[0]:
        raise refused(path, f"{shape[0]} frames with {len(groups)} places", "a place for each")
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
    patient_from_voxel, index, n_slices = _grid(path, groups, shared)
    check_voxels(path, (shape[2], shape[1], n_slices))
    items = list(dataset.SegmentSequence)
    if len(items) > _MAX_SEGMENTS:
        raise refused(path, f"{len(items)} segments", f"at most {_MAX_SEGMENTS}", "Export the bones alone.")
    names = {int(one.SegmentNumber): _name(one) for one in items}
    size = shape[2], shape[1], n_slices
    frame_uid = text(dataset, "FrameOfReferenceUID")
    if text(dataset, "SegmentationType").upper() == "LABELMAP" or text(dataset, "SOPClassUID") == LABEL_MAP:
        values = np.zeros(size, dtype=frames.dtype, order="F")
        for n, k in enumerate(index):
            values[:, :, k] = frames[n].T
        segments = tuple(Segment(name, number_) for number_, name in names.items() if number_)
        return LabelFile((values,), patient_from_voxel, segments, frame_uid=frame_uid)
    owners = [
        int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        if "SegmentIdentificationSequence" in group
        else int(shared[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        for group in groups
    ]
    layers: list[NDArray[np.uint8]] = []
    segments_: list[Segment] = []
    for number_, name in names.items():
        mine = [n for n, owner in enumerate(owners) if owner == number_]
        layer = next(
            (
                at
                for at, one in enumerate(layers)
                if not any((one[:, :, index[n]] > 0)[frames[n].T].any() for n in mine)
            ),
            len(layers),
        )
        if layer == len(layers):
            if layer == _MAX_LAYERS:
                raise refused(path, f"more than {_MAX_LAYERS} segments in one place", "bones")
            layers.append(np.zeros(size, dtype=np.uint8, order="F"))
        for n in mine:
            layers[layer][:, :, index[n]][frames[n].T] = number_
        segments_.append(Segment(name, number_, layer))
    if not layers:
        raise refused(path, "no segments", "a segment")
    return LabelFile(tuple(layers), patient_from_voxel, tuple(segments_), frame_uid=frame_uid)


def _frames(
    path: Path, dataset: Any, file: Any, decoder: Decoder, shape: tuple[int, int, int]
) -> NDArray[Any]:
    """Frames of shape (frames, rows, columns): masks, or labels where the file holds a label map."""
    n_pixels = int(np.prod(shape, dtype=object))
    check_voxels(path, shape)
    bits = int(dataset.BitsAllocated)
    kind = text(dataset, "SegmentationType").upper()
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        file.seek(0)
        values = decoder.frames(file.read(), n_pixels * max(bits, 8) // 8)
    else:
        raw = np.frombuffer(dataset.PixelData, np.uint8)
        if len(raw) * 8 < n_pixels * bits:
            raise EOFError(f"{len(raw):,} bytes for {n_pixels:,} pixels of {bits} bits")
        if bits == 1:
            values = np.unpackbits(raw, count=n_pixels, bitorder="little")
        else:
            values = np.frombuffer(dataset.PixelData, f"<u{bits // 8}", n_pixels)
    values = values.reshape(shape)
    if kind == "LABELMAP" or text(dataset, "SOPClassUID") == LABEL_MAP:
        return values
    if kind == "FRACTIONAL":
        return values >= 0.5 * int(dataset.MaximumFractionalValue)
    return values > 0


def _grid(path: Path, groups: list[Any], shared: list[Any]) -> tuple[Array, list[int], int]:
    """Voxels to patient LPS, the slice of each frame, and how many slices there are."""

    def first(group: Any, sequence: str, keyword: str, n: int) -> Array:
        for one in (group, *shared[:1]):
            if sequence in one:
                values = numbers(one[sequence][0], keyword)
                if values is not None and len(values) == n:
                    return np.array(values)
        raise refused(path, f"a frame without {keyword}", "a place for each frame", "Export it again.")

    directions = first(groups[0], "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = first(groups[0], "PixelMeasuresSequence", "PixelSpacing", 2)
    for group in groups:
        if (
            np.abs(first(group, "PlaneOrientationSequence", "ImageOrientationPatient", 6) - directions).max()
            > 1e-3
        ):
            raise refused(path, "frames of several orientations", "one", "Export one stack.")
    positions = np.array(
        [first(group, "PlanePositionSequence", "ImagePositionPatient", 3) for group in groups]
    )
    row, column = directions[:3], directions[3:]
    if max(abs(row @ row - 1), abs(column @ column - 1), abs(row @ column)) > 1e-3:
        raise refused(path, "directions that are not perpendicular unit vectors", "a grid")
    normal = np.cross(row, column)
    along = positions @ normal
    levels = np.unique(np.round(along, 3))
    measures = [
        one.PixelMeasuresSequence[0] for one in (groups[0], *shared[:1]) if "PixelMeasuresSequence" in one
    ]
    said = [number(one, key) for one in measures for key in ("SpacingBetweenSlices", "SliceThickness")]
    gap = float(np.diff(levels).min()) if len(levels) > 1 else next((abs(mm) for mm in said if mm), 1.0)
    between = number(measures[0], "SpacingBetweenSlices") if measures else None
    if between and abs(between) <= gap * (1 + _OFF_GRID_SHARE):
        gap = abs(between)
    steps = (along - along.min()) / gap
    index = np.round(steps).astype(np.int64)
    if np.abs(steps - index).max() > _OFF_GRID_SHARE * max(1, len(levels) ** 0.5):
        raise refused(path, "frames off an even grid", "evenly spaced slices", "Export it again.")
    low, high = int(np.argmin(index)), int(np.argmax(index))
    n_steps = int(index[high] - index[low])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * spacing[1], column * spacing[0]
    affine[:3, 2] = (positions[high] - positions[low]) / n_steps if n_steps else normal * gap
    affine[:3, 3] = positions[low]
    return check_geometry(path, affine), index.tolist(), n_steps + 1


def _name(item: Any) -> str:
    """A segment's label, or its coded name where only that says which bone it is."""
    label = text(item, "SegmentLabel")
    if read_name(label).verdict == "bone":
        return label
    words = []
    for sequence in ("SegmentedPropertyTypeCodeSequence", "AnatomicRegionSequence"):
        for code in item.get(sequence) or []:
            words.append(text(code, "CodeMeaning"))
            for inner in (
                "SegmentedPropertyTypeModifierCodeSequence",
                "AnatomicRegionModifierSequence",
            ):
                words += [text(one, "CodeMeaning") for one in code.get(inner) or []]
    for coded in (" ".join(words), f"{label} {' '.join(words)}"):
        if read_name(coded).verdict == "bone":
            return coded
    return label or f"segment {int(item.SegmentNumber)}"

"""DICOM segmentations (SEG, binary) out: one segment a bone, no date and no name in it."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np

from ischio import __version__
from ischio._check import Array, InputError, complaint
from ischio.io._volume import scanner_frame
from ischio.io.dicom.heads import SEGMENTATION
from ischio.io.dicom.series import Series
from ischio.io.names import read_name
from ischio.io.write_labels import CATEGORY, CODES, COLOURS, SIDE_CODES, named_labels
from ischio.types import Volume

_SKEW = 1e-4  # of the directions in the plane
_NO_DATE, _NO_TIME = "19000101", "000000"
_LONGEST = 16  # characters of a number in text


def label_map_seg(labels: Volume, *, case_id: str, scan: Series | None = None) -> bytes:
    """A label map as a DICOM segmentation.

    Parameters
    ----------
    labels : Volume
        Modality "labels"; every named label becomes a segment.
    case_id : str
        Takes the place of the patient's name and number.
    scan : Series, optional
        The series it was drawn on: then its frame of reference, its study and its images are referred to, so
        that viewers lay it over the scan. Their identifiers lead back to the person in the archive.

    Returns
    -------
    bytes
        The same for the same labels.

    Raises
    ------
    InputError
        If the rows and columns of the grid are not perpendicular, or the scan is another one's.
    """
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    values, affine = named_labels(labels), labels.patient_from_voxel
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    row, column = affine[:3, 0] / spacing[0], affine[:3, 1] / spacing[1]
    if abs(row @ column) > _SKEW:
        raise InputError(
            complaint(
                "DICOM SEG", "rows and columns that are not perpendicular", "a grid", "Resample the labels."
            )
        )
    if scan is not None:
        _check_frame(labels, scan)
    seed = hashlib.sha256(values.tobytes(order="F") + affine.tobytes() + case_id.encode()).hexdigest()

    def uid(what: str) -> str:
        return str(generate_uid(entropy_srcs=[seed, what]))

    dataset: Any = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SEGMENTATION
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid("instance")
    dataset.PatientID = dataset.PatientName = case_id
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyInstanceUID = uid("study") if scan is None else scan.study_uid
    dataset.StudyDate = dataset.StudyTime = dataset.StudyID = dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "SEG", 1, 1
    dataset.SeriesInstanceUID = uid("series")
    dataset.SeriesDescription = "Bones"
    dataset.FrameOfReferenceUID = uid("frame") if scan is None or scan.grid is None else _frame_uid(scan)
    dataset.PositionReferenceIndicator = ""
    dataset.Manufacturer = dataset.ManufacturerModelName = "ischio"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "none", __version__
    dataset.ContentDate, dataset.ContentTime = _NO_DATE, _NO_TIME
    dataset.ContentLabel, dataset.ContentDescription = "BONES", "Bones; research use only"
    dataset.ContentCreatorName = ""
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape[1], values.shape[0]
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset.LossyImageCompression = "00"
    dataset.SegmentationType, dataset.SegmentsOverlap = "BINARY", "NO"
    dataset.SegmentSequence = [
        _segment(n, name) for n, (_, name) in enumerate(sorted(labels.names.items()), start=1)
    ]
    _functional_groups(dataset, labels, values, uid("dimensions"), scan)
    if scan is not None:
        dataset.ReferencedSeriesSequence = [_references(scan)]
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _functional_groups(
    dataset: Any, labels: Volume, values: Any, dimensions: str, scan: Series | None
) -> None:
    """Frames and their places: every slice of every segment that is not empty."""
    from pydicom.dataset import Dataset

    affine = labels.patient_from_voxel
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    directions = (affine[:3, :2] / spacing[:2]).T.ravel()
    normal = np.cross(directions[:3], directions[3:])
    gap = abs(float(affine[:3, 2] @ normal))
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [_text(spacing[1]), _text(spacing[0])]
    measures.SliceThickness = measures.SpacingBetweenSlices = _text(gap)
    orientation.ImageOrientationPatient = [_text(value) for value in directions]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    organization = Dataset()
    organization.DimensionOrganizationUID = dimensions
    dataset.DimensionOrganizationSequence = [organization]
    pointers = ((0x0062000B, 0x0062000A), (0x00200032, 0x00209113))  # segment, then position
    dataset.DimensionIndexSequence = []
    for pointer, group in pointers:
        index = Dataset()
        index.DimensionOrganizationUID = dimensions
        index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, group
        dataset.DimensionIndexSequence.append(index)
    frames, per_frame = [], []
    for number, label in enumerate(sorted(labels.names), start=1):
        for k in range(values.shape[2]):
            plane = values[:, :, k] == label
            is_end = number == 1 and k in (
                0,
                values.shape[2] - 1,
            )  # empty or not, they tell the field of view
            if not plane.any() and not is_end:
                continue
            frames.append(plane.T)
            frame, content, place, owner = Dataset(), Dataset(), Dataset(), Dataset()
            content.DimensionIndexValues = [number, k + 1]
            place.ImagePositionPatient = [_text(value) for value in affine[:3, 3] + k * affine[:3, 2]]
            owner.ReferencedSegmentNumber = number
            frame.FrameContentSequence, frame.PlanePositionSequence = [content], [place]
            frame.SegmentIdentificationSequence = [owner]
            if scan is not None:
                frame.DerivationImageSequence = [_derivation(scan, affine[:3, 3] + k * affine[:3, 2])]
            per_frame.append(frame)
    if not any(plane.any() for plane in frames):
        raise InputError(complaint("DICOM SEG", "labels without a voxel", "a bone", "Check the label map."))
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], per_frame
    dataset.NumberOfFrames = len(frames)
    packed = np.packbits(np.stack(frames).ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)


def _derivation(scan: Series, position_mm: Array) -> Any:
    """The image that a frame was drawn on: the nearest one of the scan."""
    from pydicom.dataset import Dataset

    assert scan.grid is not None
    normal = np.cross(scan.grid.patient_from_voxel[:3, 0], scan.grid.patient_from_voxel[:3, 1])
    along = [abs((np.array(one.position_mm) - position_mm) @ normal) for one in scan.grid.slices]
    nearest = scan.grid.slices[int(np.argmin(along))]
    out, source = Dataset(), Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = nearest.sop
    if sum(one.place == nearest.place for one in scan.grid.slices) > 1:
        source.ReferencedFrameNumber = nearest.frame + 1
    purpose = "Source image for image processing operation"
    source.PurposeOfReferenceCodeSequence = [_code("121322", purpose, "DCM")]
    out.DerivationCodeSequence = [_code("113076", "Segmentation", "DCM")]
    out.SourceImageSequence = [source]
    return out


def _segment(number: int, name: str) -> Any:
    """Description of a segment."""
    from pydicom.dataset import Dataset

    bone = read_name(name)
    out = Dataset()
    out.SegmentNumber, out.SegmentLabel = number, name
    out.SegmentAlgorithmType, out.SegmentAlgorithmName = "SEMIAUTOMATIC", "as supplied"
    out.SegmentedPropertyCategoryCodeSequence = [_code(*CATEGORY)]
    kind = _code(*CODES.get(bone.name, ("272673000", "Bone")))
    if bone.side is not None:
        kind.SegmentedPropertyTypeModifierCodeSequence = [_code(*SIDE_CODES[bone.side.value])]
    out.SegmentedPropertyTypeCodeSequence = [kind]
    out.RecommendedDisplayCIELabValue = _cielab(COLOURS[(number - 1) % len(COLOURS)])
    return out


def _code(value: str, meaning: str, scheme: str = "SCT") -> Any:
    """A code, of SNOMED CT unless said."""
    from pydicom.dataset import Dataset

    out = Dataset()
    out.CodeValue, out.CodingSchemeDesignator, out.CodeMeaning = value, scheme, meaning
    return out


def _cielab(colour: tuple[int, int, int]) -> list[int]:
    """A colour as DICOM encodes CIELab, in 16 bits."""
    from skimage.color import rgb2lab

    light, a, b = rgb2lab(np.array(colour, dtype=np.float64).reshape(1, 1, 3) / 255).ravel()
    return [round(light / 100 * 65535), round((a + 128) / 255 * 65535), round((b + 128) / 255 * 65535)]


def _references(scan: Series) -> Any:
    """The series it was drawn on, and its images."""
    from pydicom.dataset import Dataset

    out = Dataset()
    out.SeriesInstanceUID = scan.uid
    out.ReferencedInstanceSequence = []
    assert scan.grid is not None
    for sop in dict.fromkeys(one.sop for one in scan.grid.slices):
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = sop
        out.ReferencedInstanceSequence.append(one)
    return out


def _frame_uid(scan: Series) -> str:
    """Frame of reference of a series."""
    assert scan.grid is not None
    return scan.grid.slices[0].frame_uid


def _check_frame(labels: Volume, scan: Series) -> None:
    """Refuse a scan in another frame of reference than the labels."""
    if scan.grid is None:
        raise InputError(complaint("DICOM SEG", scan.words, "a volume", "Choose another series."))
    known = labels.frame.uid
    if known not in ("as_supplied", scanner_frame(_frame_uid(scan)).uid):
        raise InputError(
            complaint(
                "DICOM SEG", "labels in another frame of reference", "those of the scan", "Register them."
            )
        )


def _text(value: float) -> str:
    """A number in at most 16 characters, as DICOM wants it."""
    for digits in range(12, 0, -1):
        out = f"{value + 0.0:.{digits}g}"
        if len(out) <= _LONGEST:
            return out
    return f"{value:.0f}"

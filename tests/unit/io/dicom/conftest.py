"""DICOM series written slice by slice from a volume and its matrix, each a few obvious lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
Edit = Callable[[Dataset, int], None]


def make_slice(values: np.ndarray, affine: np.ndarray, k: int, uid: str = "1.2.3") -> Dataset:
    """Slice k of a volume in patient LPS, as a CT scanner would write it."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CT
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = f"{uid}.{k + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2", uid, "1.9"
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = "4711", "Muster^Eva", "19640229"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", 1, k + 1
    dataset.SeriesDescription = "Becken Muster"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    dataset.Columns, dataset.Rows = values.shape[:2]
    dataset.PixelSpacing = [f"{spacing[1]:.6f}", f"{spacing[0]:.6f}"]
    directions = (affine[:3, :2] / spacing[:2]).T.ravel()
    dataset.ImageOrientationPatient = [f"{value:.10f}" for value in directions]
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in affine[:3, 3] + k * affine[:3, 2]]
    dataset.SliceThickness = f"{spacing[2]:.4f}"
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = (values[:, :, k].T + 1024).astype("<u2").tobytes()
    return dataset


def write_series(
    folder: Path,
    values: np.ndarray,
    affine: np.ndarray,
    *,
    uid: str = "1.2.3",
    edit: Edit | None = None,
    changes: Mapping[str, object] | None = None,
    skip: tuple[int, ...] = (),
) -> list[Path]:
    """Write every slice, in an order that names do not tell; ``edit`` changes each before."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(values.shape[2]):
        if k in skip:
            continue
        dataset = make_slice(values, affine, k, uid)
        for name, value in (changes or {}).items():
            if value is None:
                delattr(dataset, name)
            else:
                setattr(dataset, name, value)
        if edit is not None:
            edit(dataset, k)
        path = folder / f"{(k * 7919) % 9973:05d}-{uid}.dcm"
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        paths.append(path)
    return paths


@pytest.fixture
def series() -> Callable[..., list[Path]]:
    """The writer of series."""
    return write_series


@pytest.fixture
def enhanced() -> Callable[[np.ndarray, np.ndarray], Dataset]:
    """All slices as frames of one file, the last first."""
    return make_enhanced


def make_enhanced(values: np.ndarray, affine: np.ndarray) -> Dataset:
    dataset = make_slice(values, affine, 0)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    shared, per_frame, pixels = Dataset(), [], b""
    measures, orientation, rescale = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = dataset.PixelSpacing, dataset.SliceThickness
    orientation.ImageOrientationPatient = dataset.ImageOrientationPatient
    rescale.RescaleSlope, rescale.RescaleIntercept = "1", "-1024"
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelValueTransformationSequence = [rescale]
    for k in reversed(range(values.shape[2])):
        one = make_slice(values, affine, k)
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = one.ImagePositionPatient
        frame.PlanePositionSequence = [place]
        per_frame.append(frame)
        pixels += one.PixelData
    for name in (
        *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope"),
        *("RescaleIntercept", "SliceThickness"),
    ):
        delattr(dataset, name)
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], per_frame
    dataset.NumberOfFrames, dataset.PixelData = len(per_frame), pixels
    return dataset


@pytest.fixture
def transcoded() -> Callable[[Path, Path, str], None]:
    """Compress a file without loss, by gdcm."""
    return transcoded_by_gdcm


def transcoded_by_gdcm(source: Path, target: Path, syntax: str) -> None:
    gdcm = pytest.importorskip("gdcm")
    names = {".70": "JPEGLosslessProcess14_1", ".80": "JPEGLSLossless", ".90": "JPEG2000Lossless"}
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    kind = getattr(gdcm.TransferSyntax, names[syntax[-3:]])
    change.SetTransferSyntax(gdcm.TransferSyntax(kind))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.fixture
def scan(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise over air, fat and bone, so that no two voxels agree by chance; oblique and anisotropic."""
    values = rng.integers(-1000, 1500, size=(12, 10, 8)).astype(np.int16)
    return values, oblique()


def oblique() -> np.ndarray:
    """A right-handed matrix with no axis along the patient's, patient LPS."""
    a, b = np.deg2rad((12.0, -7.0))
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.7, 0.9, 2.5]
    affine[:3, 3] = (-120.0, 35.0, -860.0)
    return affine

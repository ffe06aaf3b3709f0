"""DICOM series to volumes: exact places and values, or a refusal that says why."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from ischio._check import InputError
from ischio.io.dicom.pixels import read_dicom
from ischio.io.dicom.series import list_series
from ischio.io.scan import read_scan

HEADER_MM = 1e-5  # positions are written with six decimals
Write = Callable[..., list[Path]]
Scan = tuple[np.ndarray, np.ndarray]


def mixed(dataset: Dataset, k: int) -> None:
    """Another frame of reference half way."""
    dataset.FrameOfReferenceUID = f"1.{k // 4}"


def crowd(dataset: Dataset, k: int) -> None:
    """Another person in every slice."""
    dataset.PatientID = f"{k}"


def refused(path: Path, words: str, **options: str) -> str:
    with pytest.raises(InputError, match=words) as caught:
        read_dicom(path, **options)
    message = str(caught.value)
    assert "Muster" not in message
    assert ": got " in message
    return message


def check(path: Path, scan: Scan, **options: str) -> tuple[str, ...]:
    volume, notes = read_dicom(path, **options)
    np.testing.assert_array_equal(volume.values, scan[0])
    np.testing.assert_allclose(volume.patient_from_voxel, scan[1], atol=HEADER_MM)
    assert (volume.modality, volume.unit) == ("CT", "HU")
    assert "Muster" not in volume.source + " ".join(notes)
    return notes


def test_every_voxel_comes_back_in_its_place(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path / "study", *scan)
    notes = check(tmp_path / "study", scan)
    assert notes[0].startswith("read series 1: CT original, 12 x 10 x 8 voxels of 0.70 x 0.90 x 2.50 mm")


def test_a_single_file_is_no_volume(tmp_path: Path, series: Write, scan: Scan) -> None:
    refused(series(tmp_path, *scan)[0], "1 slice, where a volume has more")


def test_a_tilted_gantry_is_placed_exactly(tmp_path: Path, series: Write, scan: Scan) -> None:
    """Positions move along the table, the planes lean: the third axis is not their normal."""
    values, affine = scan
    affine = affine.copy()
    affine[:3, 2] = (0, 0, 2.5)
    series(tmp_path, values, affine)
    notes = check(tmp_path, (values, affine))
    assert "slices slanted by 7.0 degrees (tilted gantry), placed exactly" in notes


def test_a_tilt_that_the_positions_do_not_show(tmp_path: Path, series: Write, scan: Scan) -> None:
    def tilt(dataset: Dataset, k: int) -> None:
        dataset.GantryDetectorTilt = "15"

    series(tmp_path, *scan, edit=tilt)
    refused(tmp_path, "gantry tilted by 15 degrees")

    def resampled(dataset: Dataset, k: int) -> None:
        tilt(dataset, k)
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]

    series(tmp_path, *scan, edit=resampled)
    assert "gantry tilt of 15 degrees does not show" in " ".join(check(tmp_path, scan))


@pytest.mark.parametrize("skip", [(3,), (3, 4)])
def test_missing_slices(skip: tuple[int, ...], tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path, np.concatenate([scan[0]] * 3, axis=2), scan[1], skip=skip)
    message = refused(tmp_path, f"{len(skip)} missing slice")
    normal = np.cross(scan[1][:3, 0], scan[1][:3, 1])
    normal /= np.linalg.norm(normal)
    along = normal @ (scan[1][:3, 3] + 2 * scan[1][:3, 2])
    assert f"between {along:.1f} and" in message


def test_uneven_spacing(tmp_path: Path, series: Write, scan: Scan) -> None:
    def move(dataset: Dataset, k: int) -> None:
        place = scan[1][:3, 3] + (k + 0.3 * (k > 4)) * scan[1][:3, 2]
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in place]

    series(tmp_path, *scan, edit=move)
    refused(tmp_path, "unevenly spaced")


def test_two_zones_of_spacing(tmp_path: Path, series: Write, scan: Scan) -> None:
    def move(dataset: Dataset, k: int) -> None:
        place = scan[1][:3, 3] + (k if k < 4 else 2.37 * k) * scan[1][:3, 2]
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in place]

    series(tmp_path, *scan, edit=move)
    refused(tmp_path, "unevenly spaced")


def test_a_slice_shifted_in_its_plane(tmp_path: Path, series: Write, scan: Scan) -> None:
    def move(dataset: Dataset, k: int) -> None:
        place = scan[1][:3, 3] + k * scan[1][:3, 2] + (5.0 * (k == 3)) * scan[1][:3, 0]
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in place]

    series(tmp_path, *scan, edit=move)
    refused(tmp_path, "shifted against each other by 3.5 mm")


def test_doubled_slices(tmp_path: Path, series: Write, scan: Scan) -> None:
    paths = series(tmp_path, *scan)
    (tmp_path / "copy.dcm").write_bytes(paths[2].read_bytes())
    assert "1 doubled slice(s)" in " ".join(check(tmp_path, scan))
    other = pydicom.dcmread(paths[2])
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(tmp_path / "copy.dcm")
    refused(tmp_path, "two different slices in one place")


def test_two_acquisitions_of_one_series(tmp_path: Path, series: Write, scan: Scan) -> None:
    def second(dataset: Dataset, k: int) -> None:
        dataset.AcquisitionNumber, dataset.SOPInstanceUID = 2, f"1.2.4.{k}"

    series(tmp_path / "a", *scan, changes={"AcquisitionNumber": 1})
    series(tmp_path / "b", scan[0][::-1], scan[1], edit=second)
    assert [one.key for one in list_series(tmp_path).series] == ["1a", "1b"]
    check(tmp_path, scan, series="1a")
    check(tmp_path, (scan[0][::-1], scan[1]), series="1b")


def test_crooked_directions(tmp_path: Path, series: Write, scan: Scan) -> None:
    def crooked(dataset: Dataset, k: int) -> None:
        dataset.ImageOrientationPatient = ["1", "0", "0", "0.1", "1", "0"]

    series(tmp_path, *scan, edit=crooked)
    refused(tmp_path, "not perpendicular")


def test_a_rescale_of_each_slice(tmp_path: Path, series: Write, scan: Scan) -> None:
    def steep(dataset: Dataset, k: int) -> None:
        dataset.RescaleSlope = f"{1 + k / 4}"

    series(tmp_path, *scan, edit=steep)
    volume, _ = read_dicom(tmp_path)
    wanted = (scan[0].astype(float) + 1024) * (1 + np.arange(8) / 4) - 1024
    np.testing.assert_allclose(volume.values, wanted, rtol=1e-6)  # float32


def test_values_beyond_int16(tmp_path: Path, series: Write, scan: Scan) -> None:
    def steep(dataset: Dataset, k: int) -> None:
        dataset.RescaleSlope = "20"

    series(tmp_path, *scan, edit=steep)
    volume, _ = read_dicom(tmp_path)
    np.testing.assert_array_equal(volume.values, (scan[0].astype(float) + 1024) * 20 - 1024)


def test_mixed_frames_of_reference(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path, *scan, edit=mixed)
    refused(tmp_path, "2 frames of reference")


def test_two_people(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path / "a", *scan)
    series(tmp_path / "b", *scan, uid="1.2.4", changes={"PatientID": "4712"})
    refused(tmp_path, "images of 2 people.*choose with --series")
    check(tmp_path, scan, series="2")
    series(tmp_path / "c", *scan, uid="1.2.5", edit=crowd)
    refused(tmp_path, "slices of 8 people", series="3")


@pytest.mark.parametrize(
    ("changes", "n_people"),
    [
        ({"PatientName": "MUSTER  EVA"}, 1),
        ({"PatientName": "Muster-Meier^Eva"}, 1),  # the same number and birth date: she married
        ({"PatientBirthDate": "19700101"}, 2),
        ({"PatientID": "", "PatientName": "Muster^Adam"}, 2),
        ({"PatientID": "", "PatientName": "", "PatientBirthDate": ""}, 1),
    ],
)
def test_who_is_another_person(
    changes: dict[str, str], n_people: int, tmp_path: Path, series: Write, scan: Scan
) -> None:
    series(tmp_path / "a", *scan)
    series(
        tmp_path / "b",
        *scan,
        uid="1.2.4",
        changes=changes,
    )
    assert list_series(tmp_path).n_people == n_people


def test_mr_called_ct(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path / "a", *scan, changes={"RescaleIntercept": "0"})
    refused(tmp_path / "a", "may be an MR that is called CT")
    series(tmp_path / "b", *scan, changes={"EchoTime": "12"})
    refused(tmp_path / "b", "images called CT with the echo")
    mr = "1.2.840.10008.5.1.4.1.1.4"
    series(tmp_path / "c", *scan, changes={"SOPClassUID": mr})
    refused(tmp_path / "c", "MR images that call themselves CT")


def test_an_mr_is_read_as_one(tmp_path: Path, series: Write, scan: Scan) -> None:
    def edit(dataset: Dataset, k: int) -> None:
        dataset.SOPClassUID, dataset.Modality = "1.2.840.10008.5.1.4.1.1.4", "MR"
        del dataset.RescaleSlope, dataset.RescaleIntercept

    series(tmp_path, *scan, edit=edit)
    volume, _ = read_dicom(tmp_path)
    assert (volume.modality, volume.unit) == ("MR", "1")
    np.testing.assert_array_equal(volume.values, scan[0] + 1024)


def test_only_scouts(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path, *scan, changes={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]})
    refused(tmp_path, r"a scout \(localiser\)")


def test_the_best_series_for_bones(tmp_path: Path, series: Write, scan: Scan) -> None:
    """Scout, thick slices, thin slices, a thin MPR and an MR in one study."""
    values, affine = scan
    thin = affine.copy()
    thin[:3, 2] /= 2.5
    thin_values = np.concatenate([values] * 3, axis=2)

    soft, sharp = {"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B60s"}
    scout = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    derived = ["DERIVED", "SECONDARY", "MPR"]
    thick = affine.copy()
    thick[:3, 2] *= 2
    series(tmp_path / "1", values, affine, uid="1.1", changes={"SeriesNumber": 1, "ImageType": scout})
    series(
        tmp_path / "2",
        thin_values,
        thick,
        uid="1.2",
        changes={"SeriesNumber": 2, **soft},
    )
    series(tmp_path / "3", thin_values, thin, uid="1.3", changes={"SeriesNumber": 3, **sharp})
    series(tmp_path / "4", thin_values, thin, uid="1.4", changes={"SeriesNumber": 4, "ImageType": derived})
    mr = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR"}
    series(tmp_path / "5", thin_values, thin, uid="1.5", changes={"SeriesNumber": 5, **mr})
    listing = list_series(tmp_path)
    assert [(one.key, one.kind, one.modality, one.kernel) for one in listing.series] == [
        ("1", "scout", "CT", ""),
        ("2", "original", "CT", "B30f"),
        ("3", "original", "CT", "B60s"),
        ("4", "derived", "CT", ""),
        ("5", "original", "MR", ""),
    ]
    assert "read series 3" in check(tmp_path, (thin_values, thin))[0]
    check(tmp_path, (thin_values, thick), series="1.2")
    refused(tmp_path, "series 1: CT scout", series="1")
    refused(tmp_path, "--series 9; expected one of 1, 2, 3, 4, 5", series="9")


def test_a_zip_reads_like_its_folder(tmp_path: Path, series: Write, scan: Scan) -> None:
    paths = series(tmp_path / "study", *scan)
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("study/readme.txt", "hello")
        for path in paths:
            archive.write(path, f"study/{path.name}")
    assert "1 file(s) that are not DICOM left alone" in check(tmp_path / "study.zip", scan)


def test_a_multi_frame_file(
    tmp_path: Path, enhanced: Callable[[np.ndarray, np.ndarray], Dataset], scan: Scan
) -> None:
    path = tmp_path / "enhanced.dcm"
    pydicom.dcmwrite(path, enhanced(*scan), enforce_file_format=True)
    check(path, scan)


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2",  # implicit
        "1.2.840.10008.1.2.2",  # big endian
        "1.2.840.10008.1.2.1.99",  # deflated
        "1.2.840.10008.1.2.5",  # RLE
        "1.2.840.10008.1.2.4.70",  # JPEG lossless
        "1.2.840.10008.1.2.4.80",  # JPEG-LS
        "1.2.840.10008.1.2.4.90",  # JPEG 2000
    ],
)
def test_transfer_syntaxes(
    syntax: str, tmp_path: Path, series: Write, scan: Scan, transcoded: Callable[[Path, Path, str], None]
) -> None:
    paths = series(tmp_path / "in", *scan)
    out = tmp_path / "out"
    out.mkdir()
    for path in paths:
        if syntax.endswith((".70", ".80", ".90")):
            transcoded(path, out / path.name, syntax)
            continue
        dataset = pydicom.dcmread(path)
        if syntax.endswith(".5"):
            dataset.compress(syntax, generate_instance_uid=False)
            dataset.save_as(out / path.name)
        elif syntax.endswith(".2.2"):
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
            pydicom.dcmwrite(out / path.name, dataset, little_endian=False, implicit_vr=False)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax
            implicit = syntax == "1.2.840.10008.1.2"
            pydicom.dcmwrite(out / path.name, dataset, little_endian=True, implicit_vr=implicit)
    check(out, scan)


def test_a_file_without_preamble(tmp_path: Path, series: Write, scan: Scan) -> None:
    for path in series(tmp_path, *scan):
        buffer = io.BytesIO()
        dataset = pydicom.dcmread(path)
        del dataset.file_meta
        pydicom.dcmwrite(buffer, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False)
        path.write_bytes(buffer.getvalue())
    check(tmp_path, scan)


def test_a_colour_series_and_one_behind_a_table(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path / "a", *scan, changes={"SamplesPerPixel": 3})
    refused(tmp_path / "a", "colour images")
    series(tmp_path / "b", *scan, changes={"ModalityLUTSequence": [Dataset()]})
    refused(tmp_path / "b", "behind a table")
    series(tmp_path / "c", *scan, changes={"PixelSpacing": None})
    refused(tmp_path / "c", "without position, orientation or pixel spacing")
    series(tmp_path / "d", *scan, changes={"PixelSpacing": [0, 1]})
    refused(tmp_path / "d", "pixels of 1 x 0 mm")
    series(tmp_path / "e", *scan, changes={"NumberOfFrames": 3})
    refused(tmp_path / "e", "3 frames with 0 places")
    series(tmp_path / "f", *scan, changes={"Rows": 0})
    refused(tmp_path / "f", "no image")


@pytest.mark.real_data
def test_a_real_series_equals_its_nifti(shared_data: Path) -> None:
    volume, _ = read_scan(shared_data / "dicom_ct_hip_sts044" / "CT")
    other, _ = read_scan(shared_data / "ct_mr_hip_sts" / "STS_044_CT.nii.gz")
    np.testing.assert_array_equal(volume.values, other.values)
    corners = np.array([[i, j, k, 1] for i in (0, 233) for j in (0, 215) for k in (0, 52)])
    apart = (volume.patient_from_voxel - other.patient_from_voxel) @ corners.T
    assert np.abs(apart).max() < 1e-3  # the NIfTI header is float32
    raw = nibabel.Nifti1Image.from_filename(shared_data / "ct_mr_hip_sts" / "STS_044_CT.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(raw.dataobj), volume.values)

"""Scans that cannot be used: one clear error each, in seconds, without a name in it."""

from __future__ import annotations

import io
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from ischio._check import InputError
from ischio.io.dicom.series import list_series
from ischio.io.scan import read_scan

Write = Callable[..., list[Path]]
Scan = tuple[np.ndarray, np.ndarray]
SLOWEST_S = 5.0  # of one answer
MOST_MEMORY = 600_000_000  # bytes more than before: the decoders' libraries take a third of it
N_MUTATED, EVERY_PACKED = 2000, 40


def refused(path: Path, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_scan(path)
    assert ": got " in str(caught.value)
    assert "; expected " in str(caught.value)
    assert "Muster" not in str(caught.value)


def packed(path: Path, name: str = "1.dcm", data: bytes = b"", **options: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return path


def test_nothing_is_there(tmp_path: Path) -> None:
    refused(tmp_path / "none", "no such file")
    refused(tmp_path, "0 files, none of them DICOM")


@pytest.mark.parametrize("name", ["../../evil.dcm", "/evil.dcm", "C:\\evil.dcm", "a/../../evil.dcm"])
def test_a_zip_that_leads_outside_itself(name: str, tmp_path: Path) -> None:
    refused(packed(tmp_path / "a.zip", name, b"x"), "path leads outside the zip")
    assert not list(tmp_path.parent.glob("evil*"))


def test_a_zip_within_a_zip(tmp_path: Path) -> None:
    inner = packed(tmp_path / "inner.zip", data=b"x").read_bytes()
    refused(packed(tmp_path / "a.zip", "inner.zip", inner), "a zip within the zip")
    refused(packed(tmp_path / "b.zip", "inner.dat", inner), "a zip within the zip")


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", data=b"x" * 100)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of the file, and that of the list at the end
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    refused(path, "an encrypted zip")


def test_a_bomb(tmp_path: Path) -> None:
    refused(packed(tmp_path / "a.zip", data=bytes(60_000_000)), "60,000,000 bytes packed into")


def test_a_damaged_zip(tmp_path: Path, series: Write, scan: Scan) -> None:
    paths = series(tmp_path / "s", *scan)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    refused(tmp_path / "cut.zip", "a zip that cannot be read")
    data[900] ^= 255  # within the first file's pixels
    (tmp_path / "flipped.zip").write_bytes(bytes(data))
    refused(tmp_path / "flipped.zip", "a zip that cannot be read")


def test_a_missing_slice_in_the_gap_region(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path, *scan, skip=(4,))
    refused(tmp_path, "1 missing slice, the first between")


def test_a_corrupt_file_in_a_series(tmp_path: Path, series: Write, scan: Scan) -> None:
    paths = series(tmp_path, *scan)
    whole = paths[4].read_bytes()
    paths[4].write_bytes(whole[:-50])
    refused(tmp_path, "pixels cannot be read .*of 240 bytes")
    paths[4].write_bytes(whole[:400])
    refused(tmp_path, "cannot be read|missing slice|without position|no image")
    paths[4].write_bytes(whole[:140])
    refused(tmp_path, "missing slice")


@pytest.mark.parametrize(("rows", "columns"), [(65535, 65535), (40000, 30000)])
def test_absurd_dimensions(rows: int, columns: int, tmp_path: Path, series: Write, scan: Scan) -> None:
    def edit(dataset: Dataset, k: int) -> None:
        dataset.Rows, dataset.Columns = rows, columns

    series(tmp_path, *scan, edit=edit)
    refused(tmp_path, "voxels, more than")


def test_absurd_frames(tmp_path: Path, series: Write, scan: Scan) -> None:
    series(tmp_path, *scan, changes={"NumberOfFrames": 2_000_000_000})
    refused(tmp_path, "frames with 0 places")


@pytest.mark.slow
def test_forty_thousand_files_that_are_not_dicom(tmp_path: Path) -> None:
    for n in range(40_000):
        (tmp_path / f"{n}.txt").write_bytes(b"nothing")
    began = time.process_time()
    refused(tmp_path, "40,000 files, none of them DICOM")
    assert time.process_time() - began < SLOWEST_S


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.dcm")
    refused(tmp_path, "none of them DICOM")


def seeds(
    folder: Path, series: Write, scan: Scan, enhanced: Dataset, transcoded: Callable[[Path, Path, str], None]
) -> list[tuple[str, bytes, str]]:
    """One small valid file of every kind: name, bytes, and what it is."""
    values, affine = scan
    out = []
    paths = series(folder / "seed", *scan)
    for path in paths[:2]:
        out.append((path.name, path.read_bytes(), "slice"))
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, enhanced, enforce_file_format=True)
    out.append(("enhanced.dcm", buffer.getvalue(), "file"))
    large = np.tile(values, (4, 4, 1))[:, :, :4]  # what is smaller cannot be JPEG 2000
    for n, path in enumerate(series(folder / "large", large, affine)):
        for ending in ("5", "4.70", "4.80", "4.90"):
            target = folder / f"{ending}-{n}.dcm"
            if ending == "5":
                copy = pydicom.dcmread(path)
                copy.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
                copy.save_as(target)
            else:
                transcoded(path, target, f"1.2.840.10008.1.2.{ending}")
            if n == 1:
                out.append((target.name, target.read_bytes(), "compressed"))
    image = nibabel.Nifti1Image(values, np.diag([-1, -1, 1, 1]) @ affine)
    for ending in (".nii", ".nii.gz"):
        nibabel.save(image, folder / f"seed{ending}")
        out.append((f"a{ending}", (folder / f"seed{ending}").read_bytes(), "file"))
    header = {
        "space": "left-posterior-superior",
        "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3],
    }
    for encoding in ("raw", "gzip"):
        nrrd.write(str(folder / "seed.nrrd"), values, {**header, "encoding": encoding})
        out.append(("a.nrrd", (folder / "seed.nrrd").read_bytes(), "file"))
    text = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        "CompressedData = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n"
        "ElementSpacing = 1 1 1\nDimSize = 12 10 8\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    out.append(("a.mha", text.encode() + values.tobytes(order="F"), "file"))
    return out


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut, flip, overwrite with extremes, drop or double: mostly in the header, where it hurts."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(0, len(out) if rng.random() < 0.3 else min(len(out), 1500)))
        kind = int(rng.integers(0, 6))
        if kind == 0:
            out[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            out[at : at + 4] = rng.integers(0, 256, 4, dtype=np.uint8).tobytes()
        elif kind == 2:
            out[at : at + 4] = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f")[
                int(rng.integers(0, 3))
            ]
        elif kind == 3 and len(out) > 200:
            del out[at : at + int(rng.integers(1, 40))]
        elif kind == 4:
            out[at:at] = out[at : at + int(rng.integers(1, 200))]
        elif kind == 5 and rng.random() < 0.3 and len(out) > 200:
            del out[max(at, 150) :]
    return bytes(out)


@pytest.mark.slow
def test_mutated_files(
    tmp_path: Path,
    series: Write,
    scan: Scan,
    enhanced: Callable[[np.ndarray, np.ndarray], Dataset],
    transcoded: Callable[[Path, Path, str], None],
    rng: np.random.Generator,
) -> None:
    """Every one of 2,000 damaged files is read or refused: quickly, without a crash or much memory."""
    kinds = seeds(tmp_path, series, scan, enhanced(*scan), transcoded)
    folder = tmp_path / "case"
    folder.mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    n_read, worded, slowest = 0, 0, 0.0
    packed_kinds = [one for one in kinds if one[2] == "compressed"]
    plain_kinds = [one for one in kinds if one[2] != "compressed"]
    for n in range(N_MUTATED):
        is_packed = n % EVERY_PACKED == 0  # each starts a process
        some = packed_kinds if is_packed else plain_kinds
        name, data, kind = some[(n // EVERY_PACKED if is_packed else n) % len(some)]
        for path in folder.iterdir():
            path.unlink()
        if kind != "file":  # among the other slices of its series
            others = (tmp_path / "seed").iterdir() if kind == "slice" else tmp_path.glob(name[:-5] + "*")
            for other in others:
                (folder / other.name).write_bytes(other.read_bytes())
        (folder / name).write_bytes(mutated(data, rng))
        began = time.process_time()
        try:
            read_scan(folder / name if kind == "file" else folder)
            n_read += 1
        except InputError as error:
            worded += ": got " in str(error)
        slowest = max(slowest, time.process_time() - began)
    assert slowest < SLOWEST_S
    assert n_read + worded == N_MUTATED
    assert n_read > N_MUTATED // 50  # some damage does not show: the test reaches past the headers
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < MOST_MEMORY
    assert list_series(tmp_path / "seed").series[0].problem is None

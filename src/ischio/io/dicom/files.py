"""Where DICOM files are: one file, a folder with all below it, or a zip, which is never unpacked to disk."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ischio._check import InputError, complaint

MAX_FILES = 200_000
MAX_FILE_BYTES = 4_000_000_000  # a multi-frame file of 4,000 slices
_MAX_RATIO = 200  # unpacked over packed; empty slices reach 100
_SMALL_BYTES = 50_000_000  # below it no ratio is a bomb
_MAGIC_AT, _MAGIC = 128, b"DICM"
_FIRST_TAGS = (b"\x08\x00", b"\x02\x00")  # groups that a file without its preamble begins with


@dataclass(frozen=True, slots=True)
class FilePlace:
    """One file: a path, or a member of a zip."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """File name, without folders."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name


def is_archive(path: Path) -> bool:
    """Whether a file is a zip, by its first bytes."""
    return path.is_file() and _start(path, 4) in (b"PK\x03\x04", b"PK\x05\x06")


def dicom_places(path: Path) -> tuple[tuple[FilePlace, ...], int]:
    """Find the files that begin as DICOM does.

    Parameters
    ----------
    path : Path
        A file, a folder, or a zip.

    Returns
    -------
    places : tuple of FilePlace
        In the order of their names.
    n_others : int
        Files that are something else.

    Raises
    ------
    InputError
        If there are too many files, or a zip is damaged, encrypted, holds a zip, names paths outside
        itself, or would unpack to absurd sizes.
    """
    if path.is_dir():
        found = [FilePlace(file) for file in _files_below(path)]
        kept = [place for place in found if _begins_as_dicom(_start(place.path, _MAGIC_AT + 4))]
        return tuple(kept), len(found) - len(kept)
    if not is_archive(path):
        begins = _begins_as_dicom(_start(path, _MAGIC_AT + 4))
        return ((FilePlace(path),), 0) if begins else ((), 1)
    with _archive(path) as archive:
        members = [one for one in archive.infolist() if not one.is_dir()]
        for member in members:
            _check_member(path, member)
        if len(members) > MAX_FILES:
            raise _refused(
                path, f"{len(members):,} files", f"at most {MAX_FILES:,}", "Pass one study at a time."
            )
        kept, n_others = [], 0
        for member in sorted(members, key=lambda one: one.filename):
            with archive.open(member) as file:
                head = file.read(_MAGIC_AT + 4)
            if head[:4] == b"PK\x03\x04":
                raise _refused(
                    path, "a zip within the zip", "the files themselves", "Unpack it, and pass one level."
                )
            if _begins_as_dicom(head):
                kept.append(FilePlace(path, member.filename))
            else:
                n_others += 1
    return tuple(kept), n_others


@contextmanager
def opened(places: tuple[FilePlace, ...]) -> Iterator[Iterator[tuple[FilePlace, BinaryIO]]]:
    """Open one place after the other, and a zip only once.

    Parameters
    ----------
    places : tuple of FilePlace
        All of one folder or of one zip.

    Yields
    ------
    iterator of (FilePlace, binary file)
        Reading never asks for more than the file holds. A member of a zip is checked against its sum.
    """
    if not places or places[0].member is None:
        yield _each_file(places)
        return
    with _archive(places[0].path) as archive:
        yield ((place, io.BytesIO(archive.read(cast(str, place.member)))) for place in places)


def _each_file(places: tuple[FilePlace, ...]) -> Iterator[tuple[FilePlace, BinaryIO]]:
    """Every file in turn, closed when the next is asked for."""
    for place in places:
        with place.path.open("rb") as file:
            yield place, cast(BinaryIO, _Bounded(file, os.fstat(file.fileno()).st_size))


class _Bounded(io.RawIOBase):
    """A file that is never asked for more bytes than it has: a damaged length takes no memory."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._size - self._file.tell(), 0)
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _files_below(folder: Path) -> list[Path]:
    """Every file below a folder, in order; hidden ones and links to folders are passed over."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in sorted(files) if not name.startswith(".")]
        if len(found) > MAX_FILES:
            raise _refused(
                folder, f"more than {MAX_FILES:,} files", "one study", "Pass the folder of one study."
            )
    return found


def _start(path: Path, n_bytes: int) -> bytes:
    """The first bytes of a file; none of what is no plain file (a pipe would wait for ever)."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        raise _refused(
            path, error.strerror or str(error), "a file that can be read", "Check its rights."
        ) from error


def _begins_as_dicom(head: bytes) -> bool:
    """Whether a file has the mark of DICOM, or begins with one of its first tags."""
    if head[_MAGIC_AT : _MAGIC_AT + 4] == _MAGIC:
        return True
    return len(head) > 8 and head[:2] in _FIRST_TAGS and head[2:4] in (b"\0\0", b"\1\0", b"\5\0", b"\x08\0")


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip; its damage is worded."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        OverflowError,
        UnicodeDecodeError,
        ValueError,
        OSError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise _refused(
            path, f"a zip that cannot be read ({error})", "a complete zip", "Copy it again."
        ) from error


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    """Refuse what no honest zip of a study holds."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    if ".." in parts or (parts and (parts[0] == "/" or parts[0].endswith(":"))):
        raise _refused(
            path,
            "a file whose path leads outside the zip",
            "paths within it",
            "Do not trust this zip: ask for another copy.",
        )
    if member.flag_bits & 0x1:
        raise _refused(
            path, "an encrypted zip", "a zip without a password", "Unpack it, and pass the folder."
        )
    if member.filename.lower().endswith(".zip"):
        raise _refused(path, "a zip within the zip", "the files themselves", "Unpack it, and pass one level.")
    if member.file_size > MAX_FILE_BYTES or (
        member.file_size > _SMALL_BYTES and member.file_size > _MAX_RATIO * max(member.compress_size, 1)
    ):
        raise _refused(
            path,
            f"a file of {member.file_size:,} bytes packed into {member.compress_size:,}",
            "images",
            "Do not trust this zip: ask for another copy.",
        )


def _refused(path: Path, got: str, expected: str, do: str) -> InputError:
    """Error of a place that cannot be used; the caller raises it."""
    return InputError(complaint(path.name, got, expected, do))

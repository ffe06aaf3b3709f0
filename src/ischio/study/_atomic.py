"""Write a folder of files whole or not at all, and never delete what is not ours."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ischio._check import OutputError, complaint

_LITTER = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))  # left by file browsers


def check_folder(out: Path, *, names: tuple[str, ...], is_ours: Callable[[Path], bool], force: bool) -> None:
    """Refuse a place that a folder cannot be written to; worth doing before long work starts.

    Parameters
    ----------
    out : Path
        Folder to be made; its parent must exist.
    names : tuple of str
        Every file name such a folder may hold.
    is_ours : callable
        Says of a folder with only these names whether we wrote it.
    force : bool
        Allow an empty folder and one of ours. Any other folder and any file is refused even so.

    Raises
    ------
    OutputError
    """
    out = _real(out)
    if out.exists():
        if not force:
            raise OutputError(
                complaint(out.name, "a place that exists", "a new folder", "Choose another, or pass --force.")
            )
        if not _is_replaceable(out, names, is_ours):
            raise OutputError(
                complaint(
                    out.name,
                    "a place that holds other things than an earlier result",
                    "an earlier result or an empty folder",
                    "Nothing was deleted; choose another folder.",
                )
            )
    _make_part(out).rmdir()


def write_folder(
    out: Path,
    texts: Mapping[str, str | bytes],
    *,
    names: tuple[str, ...],
    is_ours: Callable[[Path], bool],
    force: bool,
) -> None:
    """Write texts and bytes as the files of one folder; it appears complete or not at all.

    Parameters
    ----------
    out, names, is_ours, force
        As in ``check_folder``.
    texts : mapping of str to str or bytes
        Content by file name, each one of ``names``.

    Raises
    ------
    OutputError
        If the place is refused or writing fails; what was there is then as it was.
    """
    check_folder(out, names=names, is_ours=is_ours, force=force)
    out = _real(out)
    part = _make_part(out)
    try:
        for name, text in texts.items():
            if isinstance(text, bytes):
                (part / name).write_bytes(text)
            else:
                (part / name).write_text(text, encoding="utf-8", newline="\n")
        if out.exists():
            _swap(part, out, names)
        else:
            part.rename(out)
    except OSError as error:
        raise OutputError(
            complaint(
                out.name, error.strerror or error, "a place to write to", "Free space or choose another."
            )
        ) from error
    finally:
        if part.exists():
            with suppress(OSError):  # the first error is the one to report
                _remove(part, names)


def _real(out: Path) -> Path:
    """The place itself, not a link to it, so a link keeps pointing to the result."""
    return Path(os.path.realpath(out))


def _is_replaceable(folder: Path, names: tuple[str, ...], is_ours: Callable[[Path], bool]) -> bool:
    """Whether a place is an empty folder, or one of ours with nothing else in it."""
    if not folder.is_dir():
        return False
    found = {path.name for path in folder.iterdir()} - _LITTER
    return not found or (found <= set(names) and is_ours(folder))


def _make_part(out: Path) -> Path:
    """Make the hidden folder beside ``out`` in which it grows."""
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir()
    except OSError as error:
        raise OutputError(
            complaint(
                f"the folder above {out.name}",
                error.strerror or error,
                "a folder that exists and can be written to",
                "Create it, change its permissions, or choose another.",
            )
        ) from error
    return part


def _swap(part: Path, out: Path, names: tuple[str, ...]) -> None:
    """Put ``part`` in the place of ``out``; on failure ``out`` is as it was."""
    aside = part.with_suffix(".old")
    out.rename(aside)
    try:
        part.rename(out)
    except OSError:
        aside.rename(out)
        raise
    _remove(aside, names)


def _remove(folder: Path, names: tuple[str, ...]) -> None:
    """Delete a folder file by file, so that nothing but our own can go."""
    for name in (*names, *_LITTER):
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()

"""A folder of bones and labels for other programs: written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ischio.study._atomic import write_folder
from ischio.types import BONE_NAMES, Side

_BONES = [name for bone in BONE_NAMES for name in (bone, *(f"{bone}_{side.value}" for side in Side))]
EXPORT_FILES = (
    "export.json",
    *("labels.nii.gz", "labels.seg.nrrd", "labels.dcm"),
    *(f"{bone}.{ending}" for bone in _BONES for ending in ("ply", "stl")),
)
"""Every name such a folder may hold."""


def write_export(out: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write files as one folder.

    Parameters
    ----------
    out : Path
        Folder to be made; its parent must exist.
    files : mapping of str to bytes
        By name, each one of ``EXPORT_FILES``.
    force : bool
        Replace an earlier export or an empty folder. Any other folder is refused even so.

    Raises
    ------
    OutputError
    """
    write_folder(out, files, names=EXPORT_FILES, is_ours=_is_export, force=force)


def _is_export(folder: Path) -> bool:
    """Whether a folder holds an export."""
    try:
        found = json.loads((folder / "export.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "bones" in found and "case_id" in found

"""The folder of a study: written whole or not at all, and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ischio._check import InputError, complaint, one_of
from ischio.io.markups import markups_text
from ischio.study._atomic import check_folder, write_folder
from ischio.study.as_dict import SCHEMA_VERSION, all_landmarks, to_json
from ischio.study.plan_files import PLAN_FILES
from ischio.study.surfaces import BONE_FILES, SURFACE_FILES, bone_surfaces, region_surfaces
from ischio.study.unfinished import SEGMENTATION_FILE, is_unfinished
from ischio.types import Study

STUDY_FILE = "study.json"
LANDMARKS_FILE = "landmarks.mrk.json"
MOTION_FILES = ("motion_maps.npz", "right_gait.gif", "left_gait.gif")
RESULT_FILES = (
    STUDY_FILE,
    "report.html",
    "clinic.html",
    "patient.html",
    LANDMARKS_FILE,
    *SURFACE_FILES,
    *BONE_FILES,
    *MOTION_FILES,
    *PLAN_FILES,
    SEGMENTATION_FILE,
)
"""Every name a result folder may hold; a step that writes another file adds it here."""


def check_out(out: Path, *, force: bool) -> None:
    """Refuse a place for results before any work is done.

    Parameters
    ----------
    out, force
        As for ``write``, which checks again.

    Raises
    ------
    OutputError
        If the place is taken or cannot be written to.
    """
    check_folder(out, names=RESULT_FILES, is_ours=_is_result, force=force or _is_only_unfinished(out))


def write(
    study: Study, out: Path, *, force: bool = False, extra_files: Mapping[str, str | bytes] | None = None
) -> None:
    """Write a study and the files that go with it as one folder, whole or not at all.

    Parameters
    ----------
    study : Study
    out : Path
        Folder to be made; its parent must exist.
    force : bool
        Replace an earlier result or an empty folder. Any other folder is refused even so. The folder of a
        run that was not finished needs none.
    extra_files : mapping of str to str or bytes
        Text or bytes by name, each one of ``RESULT_FILES``.

    Raises
    ------
    OutputError
        If the place is taken or cannot be written to; nothing is left behind.
    ValueError
        If a name is not one of ``RESULT_FILES``.
    """
    texts: dict[str, str | bytes] = {
        STUDY_FILE: to_json(study),
        **region_surfaces(study),
        **bone_surfaces(study),
        **(extra_files or {}),
    }
    landmarks = all_landmarks(study)
    if landmarks:
        texts[LANDMARKS_FILE] = markups_text(landmarks)
    for name in texts:
        one_of(name, RESULT_FILES, "extra_files")
    may_replace = force or _is_only_unfinished(out)
    write_folder(out, texts, names=RESULT_FILES, is_ours=_is_result, force=may_replace)


def load_dict(out: Path) -> dict[str, Any]:
    """Read the ``study.json`` of a result folder.

    Parameters
    ----------
    out : Path
        What was given to ``write``.

    Returns
    -------
    dict
        As ``to_dict`` gives it.

    Raises
    ------
    InputError
        If it is missing, is not a study, or was written by a newer version.
    """
    try:
        found = json.loads((out / STUDY_FILE).read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            complaint(out.name, f"no {STUDY_FILE}", "a result folder", "Pass what was given to --out.")
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            complaint(f"{out.name}/{STUDY_FILE}", error, "a study in JSON", "Assess the case again.")
        ) from error
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(
            complaint(
                f"{out.name}/{STUDY_FILE}",
                f"schema_version {version}",
                f"{SCHEMA_VERSION}",
                "Use the version of ischio that wrote it, or assess the case again.",
            )
        )
    out_dict: dict[str, Any] = found
    return out_dict


def _is_only_unfinished(folder: Path) -> bool:
    """Whether a folder holds an unfinished run and no result: going on there replaces nothing."""
    return is_unfinished(folder) and not (folder / STUDY_FILE).exists()


def _is_result(folder: Path) -> bool:
    """Whether a folder holds a study, of any version, or an unfinished run."""
    if _is_only_unfinished(folder):
        return True
    try:
        found = json.loads((folder / STUDY_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "schema_version" in found and "case_id" in found

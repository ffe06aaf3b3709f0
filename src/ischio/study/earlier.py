"""An earlier result as the input of another command: its bones to the last bit, and what was said of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ischio._check import InputError, complaint
from ischio.bones.quality import METAL_KINDS
from ischio.io.markups import READER_PREFIX
from ischio.io.meshes import read_surface
from ischio.study.folder import STUDY_FILE, load_dict
from ischio.study.surfaces import bone_file
from ischio.types import Bone, Frame, Side

_FRAME = Frame("patient", "as_supplied")


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """What an earlier result holds for another command.

    Parameters
    ----------
    bones : tuple of Bone
        As they were measured; they are not cleaned again.
    case_id : str
    axes : str
        Of these bones: "LPS", or "unknown".
    sides : str
        "left", "right" or "both".
    sex : str or None
    age_years : float or None
    posture : str
    needs_scan : tuple of str
        Findings that only the scan showed: without it they would be lost, and values they void come back.
    notes : tuple of str
        Its notes, and what is not taken over.
    """

    bones: tuple[Bone, ...]
    case_id: str
    axes: Literal["LPS", "unknown"]
    sides: Literal["left", "right", "both"]
    sex: str | None
    age_years: float | None
    posture: str
    needs_scan: tuple[str, ...]
    notes: tuple[str, ...]


def is_earlier(folder: Path) -> bool:
    """Whether an input is a folder that ``write`` made.

    Parameters
    ----------
    folder : Path
    """
    return folder.is_dir() and (folder / STUDY_FILE).is_file()


def load_earlier(out: Path) -> Earlier:
    """Read the bones of an earlier result.

    Parameters
    ----------
    out : Path
        What was given to ``write``.

    Returns
    -------
    Earlier

    Raises
    ------
    InputError
        If it is no result, is damaged, or a bone's surface is missing.
    """
    found = load_dict(out)
    try:
        settings, rows, quality = found["settings"], found["bones"], found["quality"]
        bones = tuple(_bone(out, row) for row in rows)
        sides = settings["sides"]
        lost = [row["words"] for row in quality if _is_from_scan(row)]
        return Earlier(
            bones,
            found["case_id"],
            "unknown" if settings["axes"] == "unknown" else "LPS",
            sides[0] if len(sides) == 1 else "both",
            settings["sex"],
            settings["age_years"],
            settings["posture"],
            tuple(lost),
            _left(found),
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            complaint(f"{out.name}/{STUDY_FILE}", f"{error!r}", "a whole study", "Assess the case again.")
        ) from error


def _bone(out: Path, row: dict[str, Any]) -> Bone:
    """One bone of the result."""
    side = None if row["side"] == "none" else Side(row["side"])
    path = out / bone_file(row["name"], side)
    if not path.is_file():
        raise InputError(
            complaint(
                f"{out.name}/{path.name}",
                "no such file",
                "the surface of every bone beside the study",
                "Assess the case again from its bones or labels.",
            )
        )
    mesh = read_surface(path)
    if len(mesh.faces) != row["n_faces"]:
        raise InputError(
            complaint(
                f"{out.name}/{path.name}",
                f"{len(mesh.faces)} faces",
                f"{row['n_faces']}, as the study says",
                "The file was changed; pass it in a folder of bones instead.",
            )
        )
    return Bone(
        row["name"],
        side,
        mesh.vertices_mm,
        mesh.faces,
        _FRAME,
        row["edge_mm"],
        source=row["source"],
        repairs=tuple(row["repairs"]),
        moved_mm=float(row["moved_mm"]),
        scan_ends=np.array(row["scan_ends"], dtype=np.float64).reshape(-1, 4),
    )


def _is_from_scan(row: dict[str, Any]) -> bool:
    """Whether a finding cannot be found again on the bones alone."""
    return row["kind"] in (*METAL_KINDS, "excluded") or "the end of the scan" in row["words"]


def _left(found: dict[str, Any]) -> tuple[str, ...]:
    """Notes of an earlier result, and on what it holds and is not taken over."""
    notes = [*found["notes"], f"bones of the earlier result of case {found['case_id']}"]
    if any(row["method"].startswith(READER_PREFIX) for row in found["landmarks"]):
        notes.append("landmarks that a person read are not taken over: pass their file with --landmarks")
    if "record" in found:
        notes.append("the record of the earlier result is not taken over: pass its case file")
    return tuple(notes)

"""One person's input: a folder of bones, a bone, a label map, or a folder of masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint, one_of
from ischio.io.identity import aliases, without_names
from ischio.io.labels import SUFFIXES, read_label_map, read_masks
from ischio.io.meshes import READERS, read_surface
from ischio.io.names import ACCEPTED, BoneName, check_bones, option, read_mapping, read_name
from ischio.types import Side, Volume

AXES = ("LPS", "RAS", "unknown")
_LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])  # a proper rotation: faces keep their winding
_FORMATS = ", ".join((*READERS, *SUFFIXES))


@dataclass(frozen=True, slots=True, eq=False)
class RawSurface:
    """A bone's surface as it was read, not yet cleaned.

    Parameters
    ----------
    name : str
        One of ``types.BONE_NAMES``.
    side : Side or None
    vertices_mm : array of shape (V, 3), mm, patient LPS, or the file's own axes when these are unknown
    faces : int array of shape (F, 3)
    source : str
        File name.
    repairs : tuple of str
        What reading changed, in words.
    scan_ends : array of shape (K, 4)
        As in ``Bone``.
    """

    name: str
    side: Side | None
    vertices_mm: Array
    faces: NDArray[np.int64]
    source: str
    repairs: tuple[str, ...] = ()
    scan_ends: Array = field(default_factory=lambda: np.zeros((0, 4)))


@dataclass(frozen=True, slots=True, eq=False)
class RawInput:
    """What was read: surfaces, or a label map whose ``names`` are bones; and what there is to say."""

    surfaces: tuple[RawSurface, ...]
    label_map: Volume | None
    notes: tuple[str, ...]


def read_input(
    path: Path,
    *,
    axes: str,
    mapping: Mapping[str, str] | None = None,
    labels: Mapping[int, str] | None = None,
    show_names: bool = False,
) -> RawInput:
    """Read one person's bones.

    Parameters
    ----------
    path : Path
        A folder of surfaces (PLY, STL, OBJ, VTP) named after their bones, one such surface, a label map
        (NIfTI, NRRD, MetaImage, DICOM SEG), or a folder with one mask for each bone.
    axes : str
        Axes of the surfaces: "LPS", "RAS" (turned here, once) or "unknown" (left as they are). Label maps
        name their own axes.
    mapping : mapping of str to str, optional
        File name, label name or label number to bone, for names that say nothing; "ignore" leaves out.
    labels : mapping of int to str, optional
        Names of the labels of a label map (``label_names.label_names`` reads the usual ones).
    show_names : bool
        Keep names of files that could name a person; by default results number these ("file 2.ply").

    Returns
    -------
    RawInput
        At least one bone. Names are understood, sides known; units and anatomy are not judged.

    Raises
    ------
    InputError
        If there is nothing to read, a file is damaged or too large, or names are unclear or contradict
        each other.
    """
    one_of(axes, AXES, "axes")
    raw = _read_input(path, axes, mapping, labels)
    return raw if show_names else _without_names(raw, path)


def _without_names(raw: RawInput, path: Path) -> RawInput:
    """The input with numbers in place of names of files that could name a person."""
    files = [path.name]
    if path.is_dir():
        files = [path.resolve().name, *sorted(file.name for file in path.iterdir() if file.name[0] != ".")]
    known = aliases(files)

    def plain(text: str) -> str:
        return without_names(text, known)

    surfaces = tuple(replace(one, source=plain(one.source)) for one in raw.surfaces)
    volume = raw.label_map
    if volume is not None:
        volume = replace(volume, source=plain(volume.source))
    return RawInput(surfaces, volume, tuple(plain(note) for note in raw.notes))


def _read_input(
    path: Path, axes: str, mapping: Mapping[str, str] | None, labels: Mapping[int, str] | None
) -> RawInput:
    """The input under the names of its files."""
    if not path.exists():
        raise InputError(
            complaint(str(path), "no such file or folder", "a scan, bones or a label map", "Check the path.")
        )
    try:
        entries = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError as error:
        raise InputError(
            complaint(str(path), f"{error.strerror}", "a folder to read", "Check its rights.")
        ) from error
    entries = [entry for entry in entries if not entry.name.startswith(".")]  # left by file managers
    surfaces = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in READERS]
    volumes = [entry for entry in entries if entry.is_file() and entry.name.lower().endswith(SUFFIXES)]
    if not surfaces and not volumes:
        volumes = _segmentation(path, entries)
    if not surfaces and not volumes:
        seen = ", ".join(entry.name for entry in entries[:12]) if path.is_dir() else path.name
        raise InputError(
            complaint(
                str(path),
                f"nothing that can be read ({seen or 'an empty folder'})",
                f"files that end in {_FORMATS}",
                "Export the bones as surfaces, or pass a label map.",
            )
        )
    if labels and (surfaces or len(volumes) > 1):
        raise InputError(
            complaint(
                path.name, "names of labels without a label map", "one label map", "Map files with --bone."
            )
        )
    if surfaces:
        rest = [entry.name for entry in entries if entry not in surfaces]
        return _read_surfaces(path, surfaces, axes, mapping or {}, _left_alone(rest))
    rest = [entry.name for entry in entries if entry not in volumes]
    if len(volumes) == 1:
        volume, notes = read_label_map(volumes[0], axes=axes, mapping=mapping, labels=labels)
        return RawInput((), volume, (*_left_alone(rest), *notes))
    return _read_masks(path, volumes, axes, mapping or {}, _left_alone(rest))


def _segmentation(path: Path, entries: Sequence[Path]) -> list[Path]:
    """The DICOM segmentation that the input is or holds; a scan instead of one is refused."""
    from ischio.io.dicom.files import dicom_places
    from ischio.io.dicom.seg import is_seg

    files = [entry for entry in entries if entry.is_file()]
    if len(files) == 1 and is_seg(files[0]):
        return files
    if dicom_places(path)[0]:
        raise InputError(
            complaint(
                path.name,
                "a DICOM scan",
                "bones: a label map, a segmentation or surfaces",
                "Segment it, and pass `assess LABELS --scan SCAN`; or say --segmenter totalsegmentator.",
            )
        )
    return []


def _left_alone(names: Sequence[str]) -> tuple[str, ...]:
    """Note on what was not read."""
    return (f"left alone: {', '.join(names)}",) if names else ()


def _read_surfaces(
    path: Path, files: Sequence[Path], axes: str, mapping: Mapping[str, str], notes: tuple[str, ...]
) -> RawInput:
    """Surfaces of the bones among the files."""
    meant = read_mapping(mapping, [file.name for file in files], path.name)
    found = [(file, meant.get(file.name) or read_name(file.stem)) for file in files]
    unknown = [file.name for file, bone in found if bone.verdict == "unknown"]
    if unknown:
        raise InputError(
            complaint(
                path.name,
                f"names that say no bone: {', '.join(map(repr, unknown))}",
                ACCEPTED,
                f"Rename them, or say what they are: {option(unknown[0], 'femur_left')}.",
            )
        )
    example = option(files[0].name, "femur_left")
    bones = _bones_of(path, found, f"Add one, or say what a file is: {example}.")
    notes += _left_alone([file.name for file, bone in found if bone.verdict != "bone"])
    surfaces = []
    for file, bone in bones:
        mesh = read_surface(file)
        turned = mesh.vertices_mm * _LPS_FROM_RAS if axes == "RAS" else mesh.vertices_mm
        surfaces.append(RawSurface(bone.name, bone.side, turned, mesh.faces, file.name, mesh.repairs))
    if axes == "RAS":
        notes += ("surfaces turned from RAS to LPS",)
    return RawInput(tuple(surfaces), None, notes)


def _bones_of(path: Path, found: Sequence[tuple[Path, BoneName]], do: str) -> list[tuple[Path, BoneName]]:
    """The files that are bones, if they agree with each other."""
    check_bones([(file.name, bone) for file, bone in found], path.name)
    bones = [(file, bone) for file, bone in found if bone.verdict == "bone"]
    if not bones:
        raise InputError(
            complaint(
                path.name,
                f"no bone that is used here among {', '.join(file.name for file, _ in found)}",
                ACCEPTED,
                do,
            )
        )
    return bones


def _read_masks(
    path: Path, files: Sequence[Path], axes: str, mapping: Mapping[str, str], notes: tuple[str, ...]
) -> RawInput:
    """A label map joined from the masks of bones among the files."""
    meant = read_mapping(mapping, [file.name for file in files], path.name)
    found = [(file, meant.get(file.name) or read_name(file.name.split(".")[0])) for file in files]
    bones = _bones_of(
        path, found, "Pass the label map itself, not its folder, or name the masks after their bones."
    )
    notes += _left_alone([file.name for file, bone in found if bone.verdict != "bone"])
    volume, said = read_masks(bones, axes=axes)
    return RawInput((), volume, (*notes, *said))

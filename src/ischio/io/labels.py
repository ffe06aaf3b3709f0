"""Label maps: a volume whose labels have the names of bones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio.io._mesh import refused
from ischio.io._volume import MAX_VOXELS, LabelFile, Segment, scanner_frame, voxel_counts
from ischio.io.identity import names_nobody
from ischio.io.label_names import bare_name, names_beside
from ischio.io.mha import read_mha_labels
from ischio.io.names import BoneName, check_bones, option, read_mapping, read_name
from ischio.io.nifti import read_nifti_labels
from ischio.io.seg_nrrd import read_nrrd_labels
from ischio.types import Volume

__all__ = ["MAX_VOXELS", "SUFFIXES", "read_label_map", "read_masks"]

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
_SHOWN = 12  # names in one message
_MOST_LABELS = 300  # a map of all bones and organs has some 130; more values are a picture
_SAME_GRID_MM = 1e-3  # float32 headers written by several programs differ by less


def read_label_map(
    path: Path,
    *,
    axes: str,
    mapping: Mapping[str, str] | None = None,
    labels: Mapping[int, str] | None = None,
) -> tuple[Volume, tuple[str, ...]]:
    """Read a label map and find the bones among its labels.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD, MetaImage or DICOM SEG.
    axes : str
        "LPS", "RAS" or "unknown": used only when an NRRD header names no space.
    mapping : mapping of str to str, optional
        Label name or number to bone, for labels whose names say nothing.
    labels : mapping of int to str, optional
        Names of labels, in place of those in the file or beside it.

    Returns
    -------
    volume : Volume
        Modality "labels"; ``names`` holds the labels that are bones, in our spelling, and no others.
    notes : tuple of str
        What was taken, assumed and left alone.

    Raises
    ------
    InputError
        If the file cannot be read, its labels have no names or none that is a bone with voxels, or the
        names contradict each other.
    """
    file = _read(path, axes)
    segments, notes = _named(path, file, labels)
    known = dict.fromkeys([*(s.name for s in segments), *(str(s.value) for s in segments)])
    meant = read_mapping(mapping or {}, known, path.name)
    found = [(s, meant.get(s.name) or meant.get(str(s.value)) or read_name(s.name)) for s in segments]
    check_bones([(segment.name, bone) for segment, bone in found], path.name)
    bones = [(segment, bone.text) for segment, bone in found if bone.verdict == "bone"]
    if not bones and len(segments) > _MOST_LABELS:
        raise refused(
            path,
            f"{len(segments)} different values",
            "a CT, or a label map of bones",
            "For an MR mark points in it and pass --fit-points FILE.mrk.json, or draw labels and pass the MR "
            "with --scan; for a CT without air or fat pass --modality CT.",
        )
    if not bones:
        raise refused(
            path,
            f"no bone among the labels {_listed(segments, hide=False)}",
            "a femur, hip bone, pelvis or sacrum",
            f"Name them: --labels totalseg-v2, --labels names.json or {option('1', 'femur_left')}.",
        )
    others = [segment for segment, bone in found if bone.verdict != "bone"]
    if others:
        notes = (*notes, f"{path.name}: labels left alone: {_listed(others)}")
    values, names, overlaps = _one_layer(path, file, bones)
    frame = scanner_frame(file.frame_uid)
    volume = Volume(values, file.patient_from_voxel, frame, "labels", "1", path.name, names)
    return volume, (*file.notes, *notes, *overlaps)


def read_masks(masks: Sequence[tuple[Path, BoneName]], *, axes: str) -> tuple[Volume, tuple[str, ...]]:
    """Join masks of single bones, one file each, into one label map.

    Parameters
    ----------
    masks : sequence of (Path, BoneName)
        Files on one grid; everything above 0 is the bone.
    axes : str
        "LPS", "RAS" or "unknown": used only when an NRRD header names no space.

    Returns
    -------
    volume : Volume
        Modality "labels".
    notes : tuple of str

    Raises
    ------
    InputError
        If a file cannot be read, holds several labels, or lies on another grid than the first.
    """
    values: NDArray[np.uint8] | None = None
    first, names = masks[0][0], {}
    notes: list[str] = []
    for label, (path, bone) in enumerate(masks, start=1):
        file = _read(path, axes)
        notes += file.notes
        counts = voxel_counts(file.layers[0])
        if len(file.layers) > 1 or len(counts) > 1:
            raise refused(
                path,
                f"labels {sorted(counts)} in a folder of masks",
                "one label a mask",
                "Pass the label map itself.",
            )
        if values is None:
            values, grid = np.zeros(file.layers[0].shape, dtype=np.uint8, order="F"), file.patient_from_voxel
        size = np.array([*values.shape, 1.0])
        if values.shape != file.layers[0].shape or (
            np.abs((file.patient_from_voxel - grid) * size).sum(axis=1).max() > _SAME_GRID_MM
        ):
            raise refused(
                path, f"another grid than {first.name}", "masks of one scan", "Resample them to one grid."
            )
        notes += _add(values, file.layers[0] > 0, label, path.name)
        if counts:
            names[label] = bone.text
        else:
            notes.append(f"{path.name}: an empty mask")
    if values is None or not names:
        raise refused(
            first, "empty masks", "a mask with a bone in it", "Pass masks of a femur and a hip bone."
        )
    return Volume(values, grid, scanner_frame(""), "labels", "1", first.parent.name, names), tuple(notes)


def _read(path: Path, axes: str) -> LabelFile:
    """The file, by its ending."""
    try:
        if path.stat().st_size == 0:
            raise refused(path, "an empty file", "a label map", "Copy it again.")
        if path.suffix.lower() == ".nrrd":
            return read_nrrd_labels(path, axes)
        if path.suffix.lower() in (".mha", ".mhd"):
            return read_mha_labels(path)
        if path.suffix.lower().startswith((".nii", ".gz")):
            return read_nifti_labels(path)
        from ischio.io.dicom.seg import read_seg

        return read_seg(path)
    except OSError as error:
        raise refused(
            path, f"{error.strerror or error}", "a file that can be read", "Check the path."
        ) from error


def _named(
    path: Path, file: LabelFile, labels: Mapping[int, str] | None
) -> tuple[list[Segment], tuple[str, ...]]:
    """Every label that has voxels, with its name or else its number; and where the names are from."""
    there = {(layer, value) for layer, values in enumerate(file.layers) for value in voxel_counts(values)}
    segments, source = list(file.segments), "in the file"
    given = (labels, "given") if labels else None if segments else names_beside(path)
    if given:
        names, source = given
        segments = [Segment(names[value], value, layer) for layer, value in sorted(there) if value in names]
    elif not segments and len(there) == 1 and read_name(bare_name(path)).verdict == "bone":
        segments, source = (
            [Segment(bare_name(path), value, layer) for layer, value in there],
            "that of the file",
        )
    notes = [f"{path.name}: names of labels {source}"] if segments else []
    empty = [s for s in segments if (s.layer, s.value) not in there and read_name(s.name).verdict == "bone"]
    if empty:
        notes.append(f"{path.name}: named, but without a voxel: {_listed(empty)}")
    segments = [s for s in segments if (s.layer, s.value) in there]
    nameless = there - {(s.layer, s.value) for s in segments}
    return segments + [Segment(str(value), value, layer) for layer, value in sorted(nameless)], tuple(notes)


def _shown(segment: Segment) -> str:
    """A label's name as notes may hold it."""
    return segment.name if names_nobody(segment.name) else f"label {segment.value}"


def _listed(segments: Sequence[Segment], *, hide: bool = True) -> str:
    """Names in words, the first dozen."""
    names = [_shown(segment) if hide else segment.name for segment in segments]
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


def _one_layer(
    path: Path, file: LabelFile, bones: Sequence[tuple[Segment, str]]
) -> tuple[NDArray[Any], dict[int, str], list[str]]:
    """Labels of all bones in one volume: a voxel that two layers claim stays with the first."""
    layers = {segment.layer for segment, _ in bones}
    if len(layers) == 1:
        return file.layers[layers.pop()], {segment.value: text for segment, text in bones}, []
    values = np.zeros(file.layers[0].shape, dtype=np.uint8, order="F")
    notes, names = [], {}
    for label, (segment, text) in enumerate(bones, start=1):
        notes += _add(
            values, file.layers[segment.layer] == segment.value, label, f"{path.name}: {_shown(segment)}"
        )
        names[label] = text
    return values, names, notes


def _add(values: NDArray[np.uint8], mask: NDArray[np.bool_], label: int, what: str) -> list[str]:
    """Write a bone's label into free voxels, and say how many were not free."""
    n_taken = int(np.count_nonzero(values[mask]))
    values[mask & (values == 0)] = label
    voxels = f"{n_taken:,} voxel{'' if n_taken == 1 else 's'}"
    return [f"{what}: {voxels} shared with another bone and left to it"] if n_taken else []

"""The series of a study: grouped, judged, listed, and the best one for bones picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ischio._check import InputError, complaint
from ischio.io._volume import MAX_VOXELS
from ischio.io.dicom.files import dicom_places, opened
from ischio.io.dicom.geometry import MIN_SLICES, BadStack, Grid, grid
from ischio.io.dicom.heads import (
    CT,
    ENHANCED_CT,
    ENHANCED_MR,
    LABEL_MAP,
    LEGACY_CT,
    LEGACY_MR,
    MR,
    SEGMENTATION,
    Head,
    Slice,
    read_head,
)

_CLASSES = {
    **dict.fromkeys((CT, ENHANCED_CT, LEGACY_CT), "CT"),
    **dict.fromkeys((MR, ENHANCED_MR, LEGACY_MR), "MR"),
}
_DERIVED = frozenset("MPR MIP MINIP PROJECTION CURVED VRT RENDERED SECONDARY".split())
_COARSE_MM = 3.0  # slices farther apart blur the edges that gaps are measured between
_DIRECTION_DECIMALS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Images that could be one volume, or why they are none.

    Parameters
    ----------
    key : str
        What ``--series`` takes: "1", "2", ... in the list, with a letter for the stacks of one series.
    uid : str
    modality : str
        "CT" or "MR" from the kind of object; for others the code in the header.
    person : int
        People are numbered from 1.
    kernel : str
    kind : str
        "original", "derived", "scout", "segmentation" or "other".
    sizes : tuple of 3 int
        Columns, rows, slices.
    spacing_mm : tuple of 3 floats
        Along these; zeros where there is no grid.
    extent_mm : float
        Along the patient, from the lowest to the highest voxel centre.
    grid : Grid or None
    problem : str or None
        Why it cannot be read as a volume.
    description : str
        Free text of the header, which may name a person: shown only when asked for.
    study_uid : str
    """

    key: str
    uid: str
    modality: str
    person: int
    kernel: str
    kind: str
    sizes: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    extent_mm: float
    grid: Grid | None
    problem: str | None
    description: str
    study_uid: str

    @property
    def words(self) -> str:
        """One line: what it is, and why it cannot be used."""
        size = " x ".join(map(str, self.sizes))
        spacing = " x ".join(f"{mm:.2f}" for mm in self.spacing_mm)
        kernel = f", kernel {self.kernel}" if self.kernel else ""
        what = f"series {self.key}: {self.modality or 'unknown'} {self.kind}, {size} voxels"
        what += f" of {spacing} mm" if self.grid else ""
        return f"{what}{kernel}" + (f"; cannot be used: {self.problem}" if self.problem else "")


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Every series of an input, and what else was there."""

    series: tuple[Series, ...]
    n_people: int
    notes: tuple[str, ...]


def list_series(path: Path) -> Listing:
    """List the series in a DICOM file, a folder, or a zip.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Listing
        In the order of the series' numbers; no pixels are read.

    Raises
    ------
    InputError
        If nothing in it is DICOM, or a zip cannot be read.
    """
    places, n_others = dicom_places(path)
    heads: list[Head] = []
    n_broken = 0
    with opened(places) as files:
        for place, file in files:
            head = read_head(place, file)
            if head is None:
                n_broken += 1
            else:
                heads.append(head)
    if not heads:
        seen = f"{n_others + n_broken:,} file{'' if n_others + n_broken == 1 else 's'}, none of them DICOM"
        raise InputError(
            complaint(
                path.name,
                seen if not n_broken else f"{n_broken:,} damaged DICOM files",
                "a scan: a DICOM folder, zip or file",
                "Pass the folder of the study.",
            )
        )
    notes = []
    if n_broken:
        notes.append(f"{n_broken} damaged DICOM file(s) left alone")
    if n_others:
        notes.append(f"{n_others} file(s) that are not DICOM left alone")
    return Listing(_series(heads), _n_people(heads), tuple(notes))


def picked(listing: Listing, wanted: str | None, where: str) -> tuple[Series, tuple[str, ...]]:
    """Pick the series to read.

    Parameters
    ----------
    listing : Listing
    wanted : str or None
        Key or UID; by default the best one for bones: CT before MR, as scanned before derived, slices at
        most 3 mm apart, then the longest, then the finest.
    where : str
        The input, for messages.

    Returns
    -------
    series : Series
    notes : tuple of str
        What was picked among what.

    Raises
    ------
    InputError
        If there are images of two people, or none that is a volume.
    """
    if wanted is not None:
        found = [one for one in listing.series if wanted in (one.key, one.uid)]
        if not found:
            raise _refused(where, f"--series {wanted}", f"one of {_keys(listing)}", "Correct the option.")
        if found[0].problem:
            raise _refused(where, f"{found[0].words}", "a volume", _more(listing))
        return found[0], _said(found[0], listing)
    if listing.n_people > 1:
        raise _refused(
            where,
            f"images of {listing.n_people} people",
            "one person",
            f"Pass the folder of one, or choose with --series ({_keys(listing)}).",
        )
    usable = [one for one in listing.series if one.problem is None]
    if not usable:
        problems = "; ".join(one.words for one in listing.series[:4])
        raise _refused(where, problems, "a CT or MR volume", _more(listing))
    best = min(usable, key=_rank)
    return best, _said(best, listing)


def _said(one: Series, listing: Listing) -> tuple[str, ...]:
    """What was picked; and that something as good for bones could not be."""
    notes = [f"read {one.words}"]
    if len(listing.series) > 1:
        notes[0] += f" (of {len(listing.series)})"
    notes += [
        other.words
        for other in listing.series
        if other.problem and other.kind == "original" and other.sizes[2] >= MIN_SLICES
    ]
    return (*notes, *(one.grid.notes if one.grid else ()), *listing.notes)


def _rank(one: Series) -> tuple[float, ...]:
    """Smaller is better for bones; then the order of the list."""
    spacing = max(one.spacing_mm)
    return (
        one.modality != "CT",
        one.kind != "original",
        spacing > _COARSE_MM,
        -round(one.extent_mm / 20),  # a longer field shows more of the femur
        round(spacing, 1),
        round(min(one.spacing_mm), 2),
    )


def _series(heads: Sequence[Head]) -> tuple[Series, ...]:
    """Heads to series, with the stacks of each apart."""
    people = _people(heads)
    by_uid: dict[tuple[str, str], list[Head]] = {}
    for head in heads:
        by_uid.setdefault((head.series_uid, _class(head)), []).append(head)
    order = sorted(by_uid.values(), key=lambda group: (group[0].series_number, group[0].series_uid))
    out = []
    for number, group in enumerate(order, start=1):
        stacks = _stacks(group)
        for n, slices in enumerate(stacks):
            key = str(number) if len(stacks) == 1 else f"{number}{_letter(n)}"
            out.append(_judged(key, group, slices, people))
    return tuple(out)


def _letter(n: int) -> str:
    """a, b, ... z, za, zb, ..."""
    return "z" * (n // 25) + chr(ord("a") + n % 25)


def _class(head: Head) -> str:
    """Modality by the kind of object, which no technician types."""
    return _CLASSES.get(head.sop_class, head.modality)


def _stacks(group: Sequence[Head]) -> list[list[Slice]]:
    """Slices of one series that can be one volume: same plane, size, echo; scouts apart."""
    stacks: dict[tuple[object, ...], list[Slice]] = {}
    for head in group:
        for one in head.slices:
            plane = tuple(round(value, _DIRECTION_DECIMALS) + 0.0 for value in one.directions)
            key = (plane, one.rows, one.columns, one.spacing_mm, one.split, _is_scout(head))
            stacks.setdefault(key, []).append(one)
    found = [part for slices in stacks.values() for part in _by_acquisition(slices)]
    return found or [[]]


def _by_acquisition(slices: list[Slice]) -> list[list[Slice]]:
    """One stack for each acquisition where several lie in the same place."""
    numbers = {one.acquisition for one in slices}
    places = {(one.position_mm, one.acquisition) for one in slices}
    if len(numbers) < 2 or len({place for place, _ in places}) == len(places):
        return [slices]
    return [[one for one in slices if one.acquisition == number] for number in sorted(numbers)]


def _is_scout(head: Head) -> bool:
    """Whether an image only serves to plan others."""
    return bool({"LOCALIZER", "SCOUT"} & set(head.image_type))


def _judged(key: str, group: Sequence[Head], slices: list[Slice], people: dict[Head, int]) -> Series:
    """A stack as a series, with its grid or the problem."""
    files = dict.fromkeys(one.place for one in slices) or dict.fromkeys(head.place for head in group)
    heads = [head for head in group if head.place in files]
    head = heads[0]
    modality, kind = _class(head), _kind(head)
    sizes = (slices[0].columns, slices[0].rows, len(slices)) if slices else (0, 0, 0)
    found, problem = None, _problem(heads, slices, modality, kind)
    if problem is None:
        try:
            found = grid(slices, is_original=kind == "original")
        except BadStack as error:
            problem = str(error)
    spacing, extent = (0.0, 0.0, 0.0), 0.0
    if found is not None:
        sizes = (sizes[0], sizes[1], len(found.slices))
        steps = np.linalg.norm(found.patient_from_voxel[:3, :3], axis=0)
        spacing = (float(steps[0]), float(steps[1]), float(steps[2]))
        extent = float(np.abs(found.patient_from_voxel[2, :3]) @ (np.array(sizes) - 1))
        if int(np.prod(sizes, dtype=object)) > MAX_VOXELS:
            found, problem = None, f"{int(np.prod(sizes, dtype=object)):,} voxels, more than {MAX_VOXELS:,}"
    return Series(
        key,
        head.series_uid,
        modality,
        people[head],
        head.kernel,
        kind,
        sizes,
        spacing,
        extent,
        found,
        problem,
        head.description,
        head.study_uid,
    )


def _kind(head: Head) -> str:
    """What sort of images."""
    if head.sop_class in (SEGMENTATION, LABEL_MAP):
        return "segmentation"
    if head.sop_class not in _CLASSES:
        return "other"
    if _is_scout(head):
        return "scout"
    return "derived" if "DERIVED" in head.image_type[:1] or _DERIVED & set(head.image_type) else "original"


def _problem(heads: Sequence[Head], slices: Sequence[Slice], modality: str, kind: str) -> str | None:
    """Why images are no volume, before their places are looked at."""
    if kind == "scout":
        return "a scout (localiser)"
    if kind == "segmentation":
        return "a segmentation, not a scan"
    if kind == "other":
        return "no CT or MR images"
    bad = [head for head in heads if head.problem]
    if bad:
        return f"{len(bad)} of {len(heads)} files with {bad[0].problem}"
    if not slices:
        return "no image"
    if len({head.modality for head in heads} | {modality}) > 1:
        said = sorted({head.modality for head in heads} - {modality})
        return f"{modality} images that call themselves {', '.join(said) or 'nothing'}"
    if modality == "CT" and any(head.is_mr_like for head in heads):
        return "images called CT with the echo or repetition time of an MR"
    frames = {one.frame_uid for one in slices}
    if len(frames) > 1:
        return f"slices in {len(frames)} frames of reference, whose places cannot be compared"
    if _n_people(heads) > 1:
        return f"slices of {_n_people(heads)} people"
    return None


def _people(heads: Iterable[Head]) -> dict[Head, int]:
    """Number of the person of each file."""
    known: list[tuple[str, str, str]] = []
    out = {}
    for head in heads:
        match = next((n for n, other in enumerate(known) if _same_person(other, head.person)), None)
        if match is None:
            known.append(head.person)
            match = len(known) - 1
        out[head] = match + 1
    return out


def _same_person(a: tuple[str, str, str], b: tuple[str, str, str]) -> bool:
    """Whether ID, name and birth date of two files may be one person's: what is blank says nothing."""
    ids, names, births = (tuple(pair) for pair in zip(a, b, strict=True))
    if all(ids):
        return ids[0] == ids[1] and (not all(births) or births[0] == births[1])
    return not all(names) or (names[0] == names[1] and (not all(births) or births[0] == births[1]))


def _n_people(heads: Iterable[Head]) -> int:
    """How many people the files are of."""
    return max(_people(heads).values(), default=0)


def _keys(listing: Listing) -> str:
    """Keys of all series."""
    return ", ".join(one.key for one in listing.series[:20])


def _more(listing: Listing) -> str:
    """What to do where no volume is found."""
    broken = next((note for note in listing.notes if "damaged" in note), None)
    return f"Get a complete copy of the study{f' ({broken})' if broken else ''}; `ischio inspect` lists it."


def _refused(where: str, got: str, expected: str, do: str) -> InputError:
    """Error of a study that cannot be used; the caller raises it."""
    return InputError(complaint(where, got, expected, do))

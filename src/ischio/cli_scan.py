"""The commands that look into scans and write segmentations: parse, call, show. Nothing is computed here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

if TYPE_CHECKING:  # numpy and all that stands on it is imported by the commands, not by --help
    from ischio.bones.exclude import Excluded
    from ischio.bones.registration import Registration
    from ischio.io.case import RawInput
    from ischio.io.dicom.series import Series
    from ischio.study import Progress
    from ischio.types import Bone, Volume

app = App(name="*")

SEGMENTER_CLASSES = "femur_left femur_right hip_left hip_right sacrum".split()
EXPORT_FILE = "export.json"
_WEIGHTS = ("Dataset291", "Dataset292", "Dataset293", "Dataset294", "Dataset295", "Dataset297")

SeriesName = Annotated[
    str | None,
    Parameter(help="Series of a DICOM study, as `ischio inspect` lists it; the best for bones by default."),
]
ShowNames = Annotated[
    bool,
    Parameter(help="Keep file names and descriptions that could name the person.", show_default=False),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Scanned:
    """Options for the scan that bones were taken from."""

    scan: Annotated[
        Path | None,
        Parameter(help="The CT or MR the labels were drawn on: DICOM folder, zip or file, NIfTI, NRRD, MHA."),
    ] = None
    series: SeriesName = None
    modality: Annotated[
        Literal["CT", "MR"] | None, Parameter(help="Of a scan whose file does not say it.")
    ] = None
    segmenter: Annotated[
        Literal["totalsegmentator"] | None,
        Parameter(help="Program that draws the labels, where INPUT is a scan; it must be installed."),
    ] = None
    fit_points: Annotated[
        Path | None,
        Parameter(
            help="INPUT is an MR: lay the shape model's bones in it by these points, marked in 3D Slicer, "
            "FILE.mrk.json."
        ),
    ] = None
    exclude: Annotated[
        Path | None,
        Parameter(
            help="Mask of voxels of the scan that are not used, such as a tumour's: NIfTI, NRRD or MHA, "
            "not 0 there."
        ),
    ] = None
    show_names: ShowNames = False


NOT_SCANNED = Scanned()
_NO_MR, _NO_MR_SHARE = -200.0, 0.005  # as low as air in a CT; magnitudes of an MR are not
_FINDING = 0.7  # of the time from a CT to bones; laying their surfaces takes the rest


@dataclass(frozen=True)
class Going:
    """Where a run keeps its segmentation until it is finished, and how it says that it goes on from there."""

    out: Path
    say: Callable[[str], None]


@dataclass(frozen=True)
class Given:
    """Bones, the scan they are from, and what there is to say of both."""

    bones: tuple[Bone, ...]
    raw: RawInput
    scan: Volume | None
    notes: tuple[str, ...]
    exclude: Excluded | None = None


def read(
    source: Path,
    axes: str,
    mapping: Mapping[str, str] | None,
    labels: str | None,
    tell: Progress,
    scanned: Scanned = NOT_SCANNED,
    going: Going | None = None,
) -> Given:
    """Read and clean the bones of an input, and the scan they are from.

    Parameters
    ----------
    source : Path
    axes : str
    mapping : mapping of str to str or None
    labels : str or None
        As ``--labels`` takes them.
    tell : callable
        ``tell(words, fraction)``.
    scanned : Scanned
    going : Going, optional
        Where a segmentation is kept until the run is finished.

    Returns
    -------
    Given

    Raises
    ------
    InputError
        If bones or scan cannot be read, or are not of one frame of reference.
    """
    import tempfile

    from ischio._check import InputError, complaint
    from ischio.bones.surface import bones_from_input
    from ischio.io.case import read_input
    from ischio.io.identity import aliases, without_names
    from ischio.io.label_names import label_names
    from ischio.io.scan import read_if_scan, read_scan
    from ischio.study.earlier import is_earlier

    tell("reading", 0.0)
    if scanned.fit_points is not None:
        return _fitted(source, axes, mapping, labels, tell, scanned)
    if is_earlier(source):
        return _earlier(source, axes, mapping, labels, scanned)
    names = None if labels is None else label_names(labels)
    scan: Volume | None = None
    notes: tuple[str, ...] = ()
    at = scanned.scan if scanned.segmenter is None else source
    if scanned.segmenter is not None and scanned.scan is not None:
        raise InputError(complaint("--scan", scanned.scan, "nothing", "With --segmenter INPUT is the scan."))
    if at is not None:
        scan, notes = read_scan(at, axes=axes, series=scanned.series, modality=scanned.modality)
        known = {} if scanned.show_names else aliases((at.name,))
        notes = tuple(f"scan: {without_names(note, known)}" for note in notes)
    elif labels is None and mapping is None:
        own = read_if_scan(source, axes=axes, series=scanned.series, modality=scanned.modality)
        if own is not None:
            known = {} if scanned.show_names else aliases((source.name,))
            scan, notes = own[0], tuple(f"scan: {without_names(note, known)}" for note in own[1])
            return _found(scan, notes, tell, going, _left_out(scanned, scan, axes))
    elif scanned.series is not None or scanned.modality is not None:
        raise InputError(complaint("--series", "no scan", "--scan SCAN", "Name the scan, too."))
    exclude = _left_out(scanned, scan, axes)
    if scanned.segmenter is not None and scan is not None:
        with tempfile.TemporaryDirectory() as folder:
            drawn = _segmented(scan, Path(folder), tell)
            raw = read_input(drawn, axes=axes, labels=label_names("totalseg-v2"))
    else:
        raw = read_input(source, axes=axes, mapping=mapping, labels=names, show_names=scanned.show_names)
    if scan is not None and raw.label_map is not None:
        uids = {scan.frame.uid, raw.label_map.frame.uid} - {"as_supplied"}
        if len(uids) > 1:
            raise InputError(
                complaint(
                    "--scan", "another frame of reference", "that of the labels", "Register them first."
                )
            )
    mask = None if exclude is None else exclude.mask
    bones = bones_from_input(raw, scan=scan, exclude=mask, progress=tell)
    said = () if exclude is None else exclude.notes
    return Given(bones, raw, scan, (*raw.notes, *notes, *said), exclude)


def _left_out(scanned: Scanned, scan: Volume | None, axes: str) -> Excluded | None:
    """The voxels that are not to be used."""
    from hashlib import sha256

    from ischio._check import InputError, complaint
    from ischio.bones.exclude import excluded
    from ischio.io.identity import aliases
    from ischio.io.scan import FILE_SUFFIXES, read_scan

    if scanned.exclude is None:
        return None
    if scan is None:
        raise InputError(complaint("--exclude", "no scan", "the scan the mask is of", "Name it with --scan."))
    path = scanned.exclude
    if not path.name.lower().endswith(FILE_SUFFIXES):
        raise InputError(
            complaint(
                "--exclude", path.name, f"a file that ends in {', '.join(FILE_SUFFIXES)}", "Export it so."
            )
        )
    mask, _ = read_scan(path, axes=axes)
    name = path.name if scanned.show_names else aliases((path.name,)).get(path.name, path.name)
    return excluded(mask, scan, file=name, sha256=sha256(path.read_bytes()).hexdigest())


def _fitted(
    source: Path,
    axes: str,
    mapping: Mapping[str, str] | None,
    labels: str | None,
    tell: Progress,
    scanned: Scanned,
) -> Given:
    """The shape model's bones laid in a scan by a few marked points."""
    from ischio._check import InputError, complaint
    from ischio.bones.fit_points import fit_bones
    from ischio.io.case import RawInput
    from ischio.io.identity import aliases, without_names
    from ischio.io.markups import read_markups
    from ischio.io.scan import read_scan

    if scanned.fit_points is None or mapping or labels is not None or scanned.segmenter or scanned.scan:
        raise InputError(
            complaint(
                "--fit-points",
                "it with --bone, --labels, --scan or --segmenter",
                "an MR as INPUT, alone",
                "Leave the others out.",
            )
        )
    scan, said = read_scan(source, axes=axes, series=scanned.series, modality=scanned.modality or "MR")
    if scan.unit == "HU" or float((scan.values < _NO_MR).mean()) > _NO_MR_SHARE:
        raise InputError(
            complaint("--fit-points", "a CT as INPUT", "an MR", "Leave it out: bones are found in a CT.")
        )
    known = {} if scanned.show_names else aliases((source.name,))
    marked = read_markups(scanned.fit_points, axes=axes, reader="reader", with_surface=True)
    exclude = _left_out(scanned, scan, axes)
    mask = None if exclude is None else exclude.mask
    bones, notes = fit_bones(
        marked.points, scan, surface=marked.surface, exclude=mask, progress=_part(tell, 0.1, 1.0)
    )
    notes = (*(f"scan: {without_names(note, known)}" for note in said), *marked.notes, *notes)
    notes = (*notes, *(() if exclude is None else exclude.notes))
    return Given(bones, RawInput((), None, notes), scan, notes, exclude)


def _earlier(
    source: Path, axes: str, mapping: Mapping[str, str] | None, labels: str | None, scanned: Scanned
) -> Given:
    """The bones of an earlier result; what only a scan shows must be shown again."""
    from ischio._check import InputError, complaint
    from ischio.io.case import RawInput
    from ischio.io.scan import read_scan
    from ischio.study.earlier import load_earlier

    if mapping or labels is not None or scanned.segmenter is not None:
        got = "--bone" if mapping else "--labels" if labels is not None else "--segmenter"
        raise InputError(
            complaint(got, "an earlier result as INPUT", "bones without names", "Leave the option out.")
        )
    found = load_earlier(source)
    if found.needs_scan and scanned.scan is None:
        raise InputError(
            complaint(
                "earlier result",
                f"findings that only the scan shows ({found.needs_scan[0]})",
                "the scan with them",
                "Name it with --scan, as before.",
            )
        )
    scan, notes = None, found.notes
    if scanned.scan is not None:
        scan, _ = read_scan(scanned.scan, axes=axes, series=scanned.series, modality=scanned.modality)
    exclude = _left_out(scanned, scan, axes)
    return Given(found.bones, RawInput((), None, notes), scan, notes, exclude)


def _found(
    scan: Volume, notes: tuple[str, ...], tell: Progress, going: Going | None, exclude: Excluded | None
) -> Given:
    """The bones that are found in a scan, from where an unfinished run of the same left off."""
    from ischio.bones.segment.ct import segment_ct
    from ischio.bones.surface import bones_from_input
    from ischio.io.case import RawInput
    from ischio.study.unfinished import Kept, digest_of, keep_segmentation, kept_segmentation

    found: Kept | None = None
    digest, mask = "", None if exclude is None else exclude.mask
    if going is not None:
        digest = digest_of({"scan": scan, "exclude": mask}, {})
        found, words = kept_segmentation(going.out, digest)
        if words:
            going.say(words)
    if found is None:
        drawn = segment_ct(scan, exclude=mask, progress=_part(tell, 0.0, _FINDING))
        found = Kept(drawn.labels, drawn.notes)
        if going is not None:
            keep_segmentation(going.out, digest, found.labels, found.notes)
    raw = RawInput((), found.labels, found.notes)
    bones = bones_from_input(raw, scan=scan, is_own=True, exclude=mask, progress=_part(tell, _FINDING, 1.0))
    said = () if exclude is None else exclude.notes
    return Given(bones, raw, scan, (*raw.notes, *notes, *said), exclude)


def _part(tell: Progress, start: float, stop: float) -> Progress:
    """Progress of a step as a part of the whole, so that the time left is told rightly."""
    return lambda words, fraction: tell(words, start + (stop - start) * fraction)


def _segmented(scan: Volume, folder: Path, tell: Progress) -> Path:
    """Labels drawn by TotalSegmentator, if it and its weights are here; nothing is ever downloaded."""
    import shutil
    import subprocess

    import nibabel
    import numpy as np

    from ischio._check import InputError, complaint

    program = shutil.which("TotalSegmentator")
    if program is None:
        raise InputError(
            complaint(
                "--segmenter totalsegmentator",
                "no program TotalSegmentator",
                "it beside ischio",
                "pip install TotalSegmentator; then, with a network: totalseg_download_weights -t total. "
                "Or draw the labels elsewhere and pass them: ischio assess LABELS --scan SCAN",
            )
        )
    home = Path(os.environ.get("TOTALSEG_HOME_DIR", Path.home() / ".totalsegmentator"))
    weights = Path(os.environ.get("TOTALSEG_WEIGHTS_PATH", home / "nnunet" / "results"))
    there = {path.name[:10] for path in weights.glob("Dataset*")} if weights.is_dir() else set()
    if not there & set(_WEIGHTS):
        raise InputError(
            complaint(
                "--segmenter totalsegmentator",
                "no weights in its folder",
                "the weights of the task total",
                "Run with a network: totalseg_download_weights -t total; or copy its folder here and name it "
                "in TOTALSEG_WEIGHTS_PATH",
            )
        )
    tell("drawing labels with TotalSegmentator", 0.0)
    image: Any = nibabel.Nifti1Image
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ scan.patient_from_voxel
    nibabel.save(image(np.asarray(scan.values), affine), folder / "scan.nii.gz")
    out = folder / "labels.nii.gz"
    words = [program, "-i", str(folder / "scan.nii.gz"), "-o", str(out), "--ml"]
    words += ["--task", "total" if scan.modality == "CT" else "total_mr"]
    ran = subprocess.run(
        [*words, "--roi_subset", *SEGMENTER_CLASSES], capture_output=True, text=True, check=False
    )
    if ran.returncode != 0 or not out.is_file():
        last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["no message"]
        raise InputError(
            complaint(
                "--segmenter totalsegmentator",
                f"exit code {ran.returncode} ({last[0][:200]})",
                "a label map",
                "Try it by hand, or pass labels drawn elsewhere.",
            )
        )
    return out


@app.command
def inspect(
    source: Annotated[
        Path, Parameter(name="INPUT", help="A scan, a DICOM study (folder, zip, file), labels or bones.")
    ],
    /,
    *,
    series: SeriesName = None,
    show_names: ShowNames = False,
    as_json: Annotated[
        bool,
        Parameter(name="--json", help="Print the result as JSON on standard output.", show_default=False),
    ] = False,
) -> int:
    """Say what an input holds: the series of a study with the one that is read, a scan, labels, bones."""
    from ischio.io.scan import FILE_SUFFIXES

    name = source.name.lower()
    if source.is_file() and name.endswith(FILE_SUFFIXES):
        found = _file_rows(source)
    elif _is_dicom(source):
        found = _series_rows(source, series, show_names)
    else:
        found = _bone_rows(source, show_names)
    if as_json:
        return _print_json(found)
    for row in found["series"]:
        mark = ">" if row["key"] == found["read"] else " "
        size, spacing = (" x ".join(map(str, row[key])) for key in ("voxels", "spacing_mm"))
        kernel = f", kernel {row['kernel']}" if row["kernel"] else ""
        people = f", person {row['person']}" if found["people"] > 1 else ""
        sys.stdout.write(
            f"{mark} {row['key']:<4} {row['modality'] or '-':<3} {row['kind']:<12} {size} of {spacing} mm"
            f"{kernel}{people}{'  ' + row['description'] if 'description' in row else ''}\n"
        )
        if row["problem"]:
            sys.stdout.write(f"       cannot be used: {row['problem']}\n")
    for bone in found["bones"]:
        sys.stdout.write(f"  {bone}\n")
    for note in found["notes"]:
        sys.stdout.write(f"{note}\n")
    if found["series"]:
        sys.stdout.write(
            f"--series {found['read']} is read by default.\n"
            if found["read"]
            else f"None is read by default: {found['reason']}\n"
        )
    return 0


def _print_json(value: Any) -> int:
    """Print plain values as JSON."""
    import json

    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    return 0


def _is_dicom(source: Path) -> bool:
    """Whether an input is or holds DICOM images, or a zip."""
    from ischio.io.dicom.files import dicom_places, is_archive

    return is_archive(source) or (source.exists() and bool(dicom_places(source)[0]))


def _series_rows(source: Path, wanted: str | None, show_names: bool) -> dict[str, Any]:
    """The series of a study as plain values."""
    from ischio._check import InputError
    from ischio.io.dicom.series import list_series, picked

    listing = list_series(source)
    read, reason, notes = None, None, listing.notes
    try:
        one, _ = picked(listing, wanted, source.name if show_names else "the study")
        read = one.key
        notes = (*notes, *(one.grid.notes if one.grid else ()))
    except InputError as error:
        reason = str(error)
    rows = [_series_row(one, show_names) for one in listing.series]
    return {
        "series": rows,
        "read": read,
        "reason": reason,
        "people": listing.n_people,
        "bones": [],
        "notes": list(notes),
    }


def _series_row(one: Series, show_names: bool) -> dict[str, Any]:
    """One series as plain values; its description and UID only when asked for."""
    row: dict[str, Any] = {
        "key": one.key,
        "modality": one.modality,
        "kind": one.kind,
        "voxels": list(one.sizes),
        "spacing_mm": [round(mm, 3) for mm in one.spacing_mm],
        "extent_mm": round(one.extent_mm, 1),
        "kernel": one.kernel,
        "person": one.person,
        "problem": one.problem,
    }
    return {**row, "description": one.description, "uid": one.uid} if show_names else row


def _file_rows(source: Path) -> dict[str, Any]:
    """A file's volume as plain values."""
    import numpy as np

    from ischio.io.scan import read_scan

    volume, notes = read_scan(source)
    affine = volume.patient_from_voxel
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    letters = (("L", "R"), ("P", "A"), ("S", "I"))
    axes = ""
    for k in range(3):
        main = int(np.argmax(np.abs(affine[:3, k])))
        axes += letters[main][0 if affine[main, k] > 0 else 1]
    row = {
        "key": "1",
        "modality": volume.modality,
        "kind": "file",
        "voxels": list(volume.values.shape),
        "spacing_mm": [round(float(mm), 3) for mm in spacing],
        "extent_mm": round(float(np.abs(affine[2, :3]) @ (np.array(volume.values.shape) - 1)), 1),
        "kernel": "",
        "person": 1,
        "problem": None,
    }
    low, high = float(volume.values.min()), float(volume.values.max())
    said = f"voxel axes run to {axes}; values {low:g} to {high:g}"
    return {"series": [row], "read": "1", "reason": None, "people": 1, "bones": [], "notes": [said, *notes]}


def _bone_rows(source: Path, show_names: bool) -> dict[str, Any]:
    """Bones as plain values."""
    from ischio.io.case import read_input

    raw = read_input(source, axes="unknown", show_names=show_names)
    named = [] if raw.label_map is None else sorted(raw.label_map.names.values())
    bones = [one.name if one.side is None else f"{one.name}_{one.side.value}" for one in raw.surfaces]
    return {
        "series": [],
        "read": None,
        "reason": None,
        "people": 1,
        "bones": [*bones, *named],
        "notes": list(raw.notes),
    }


@app.command
def export(
    source: Annotated[Path, Parameter(name="INPUT", help="Labels, a segmentation, or bone surfaces.")],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder to make, for surfaces and label maps.")],
    axes: Annotated[
        Literal["LPS", "RAS"], Parameter(help="Axes of surfaces; label maps state their own.")
    ] = "LPS",
    bone: Annotated[
        tuple[str, ...],
        Parameter(help="BONE=FILE, or BONE=LABEL in a label map. May be repeated.", show_default=False),
    ] = (),
    labels: Annotated[
        str | None, Parameter(help="Names of a label map: FILE, totalseg-v2, -v1 or -mr.")
    ] = None,
    case_id: Annotated[str, Parameter(help="Pseudonym of the case.")] = "case",
    refer: Annotated[
        bool,
        Parameter(
            help="Let the DICOM segmentation refer to the study of --scan, so that viewers lay it over; "
            "its identifiers lead back to the person.",
            show_default=False,
        ),
    ] = False,
    scanned: Scanned = NOT_SCANNED,
    force: Annotated[bool, Parameter(help="Replace an earlier export.", show_default=False)] = False,
    quiet: Annotated[bool, Parameter(help="Print nothing.", show_default=False)] = False,
) -> int:
    """Write bones as PLY and STL, and labels as NIfTI, .seg.nrrd and DICOM SEG."""
    import json

    from ischio import __version__
    from ischio._check import InputError, complaint
    from ischio.io.dicom.series import list_series, picked
    from ischio.io.dicom.write_seg import label_map_seg
    from ischio.io.write_labels import label_map_nifti, label_map_seg_nrrd
    from ischio.io.write_meshes import bone_ply, bone_stl
    from ischio.study import Settings
    from ischio.study.export import EXPORT_FILES, write_export

    Settings(case_id=case_id)  # a bad pseudonym is refused here
    pairs = {file: name for name, equals, file in (pair.partition("=") for pair in bone) if equals and file}
    if len(pairs) != len(bone):
        raise InputError(complaint("--bone", list(bone), "BONE=FILE", "Write femur_left=mesh_3.stl."))
    given = read(source, axes, pairs or None, labels, lambda _words, _fraction: None, scanned)
    files: dict[str, bytes] = {}
    for one in given.bones:
        name = one.name if one.side is None else f"{one.name}_{one.side.value}"
        files[f"{name}.ply"], files[f"{name}.stl"] = bone_ply(one), bone_stl(one)
    if given.raw.label_map is not None:
        series = None
        if refer:
            if scanned.scan is None:
                raise InputError(complaint("--refer", "no scan", "--scan STUDY", "Name the study, too."))
            series, _ = picked(list_series(scanned.scan), scanned.series, "the study")
        files["labels.nii.gz"] = label_map_nifti(given.raw.label_map)
        files["labels.seg.nrrd"] = label_map_seg_nrrd(given.raw.label_map)
        files["labels.dcm"] = label_map_seg(given.raw.label_map, case_id=case_id, scan=series)
    said = {
        "case_id": case_id,
        "software": {"name": "ischio", "version": __version__},
        "bones": [{"label": one.label, "repairs": list(one.repairs)} for one in given.bones],
        "notes": list(given.notes),
    }
    files[EXPORT_FILE] = (json.dumps(said, indent=2) + "\n").encode()
    assert set(files) <= set(EXPORT_FILES)
    write_export(out, files, force=force)
    if not quiet:
        sys.stdout.write("".join(f"{out / name}\n" for name in files))
    return 0


@app.command
def register(
    source: Annotated[Path, Parameter(name="INPUT", help="Labels or surfaces of the bones.")],
    /,
    *,
    to: Annotated[Path, Parameter(help="The second scan of the same person, for example an MR.")],
    axes: Annotated[
        Literal["LPS", "RAS"], Parameter(help="Axes of surfaces; label maps state their own.")
    ] = "LPS",
    labels: Annotated[
        str | None, Parameter(help="Names of a label map: FILE, totalseg-v2, -v1 or -mr.")
    ] = None,
    scanned: Scanned = NOT_SCANNED,
    as_json: Annotated[
        bool,
        Parameter(name="--json", help="Print the result as JSON on standard output.", show_default=False),
    ] = False,
) -> int:
    """Find where each bone of --scan lies in a second scan, with what is left between them."""
    from ischio._check import InputError, complaint
    from ischio.bones.registration import register_bone
    from ischio.io.scan import read_scan

    given = read(source, axes, None, labels, lambda _words, _fraction: None, scanned)
    if given.scan is None:
        raise InputError(complaint("register", "no first scan", "--scan SCAN", "Name it."))
    second, _ = read_scan(to, axes=axes)
    rows, errors = [], []
    for bone in given.bones:
        try:
            rows.append(_registration_row(register_bone(bone, given.scan, second)))
        except InputError as error:  # this bone is not in both scans; others may be
            errors.append(error)
            nothing = dict.fromkeys(_REGISTRATION)
            rows.append({**nothing, "bone": bone.label, "reason": str(error)})
    if len(errors) == len(rows):
        raise errors[0]
    if as_json:
        return _print_json(rows)
    for row in rows:
        if row["reason"] is not None:
            sys.stdout.write(f"{row['bone']}: NOT REGISTERED: {row['reason']}\n")
            continue
        sys.stdout.write(
            f"{row['bone']}: moved by {row['moved_mm']} mm, residual {row['residual_mm']} mm on "
            f"{100 * row['seen']:.0f} % of the surface in view, bias {row['bias_mm']} mm, "
            f"precision {row['precision_mm']} mm, {row['n_back']} of {row['n_starts']} starts back\n"
        )
    return 0


_REGISTRATION = (
    *("bone", "reason", "moved_mm", "residual_mm", "bias_mm", "seen", "precision_mm", "n_back", "n_starts"),
    *("ambiguity_mm", "shares_frame", "first_from_second"),
)


def _registration_row(one: Registration) -> dict[str, Any]:
    """A registration as plain values; without its matrix where that must not be used."""

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 2)

    matrix = [[round(float(x), 6) for x in row] for row in one.first_from_second.matrix]
    values = [getattr(one, name) for name in _REGISTRATION[:-1]]
    row = {
        name: rounded(value) if isinstance(value, float) else value
        for name, value in zip(_REGISTRATION, values, strict=False)
    }
    return row | {"first_from_second": None if one.reason else matrix}

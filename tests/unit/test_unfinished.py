"""A run that died goes on from its segmentation, if that was made from the same and is whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ischio import study
from ischio.bones.segment import ct
from ischio.bones.segment.ct import Segmented
from ischio.cli import main
from ischio.study.unfinished import SEGMENTATION_FILE, digest_of, keep_segmentation, kept_segmentation
from ischio.types import Frame, Volume

SHAPE = (40, 36, 44)
FAULT, NOTHING_MEASURED, TAKEN = 70, 6, 5


class Killed(Exception):
    """The machine went down."""


def ball() -> np.ndarray:
    at = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    return np.linalg.norm((at - np.array(SHAPE) / 2) / [12.0, 10, 14], axis=-1) < 1


def volume(values: np.ndarray, unit: str = "HU", names: dict[int, str] | None = None) -> Volume:
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = (-40.0, -40.0, -900.0)
    modality = "CT" if unit == "HU" else "labels"
    return Volume(values, matrix, Frame("patient", "as_supplied"), modality, unit, "ct.nii.gz", names or {})


def scan() -> Volume:
    return volume(np.where(ball(), 900, -1000).astype(np.int16))


def labels() -> Volume:
    return volume(ball().astype(np.uint8), "1", {1: "sacrum"})


class Runs:
    """Assess one scan again and again, with a segmenter that counts and a study that can die."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.folder, self.capsys, self.n_segmented, self.dies = folder, capsys, 0, False
        self.values = scan().values
        analyse = study.analyse

        def segment(found: Volume, **_: object) -> Segmented:
            self.n_segmented += 1
            return Segmented(replace(labels(), source=found.source), {}, ("one bone",))

        def dying(*given: object, **options: object) -> object:
            if self.dies:
                raise Killed
            return analyse(*given, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(ct, "segment_ct", segment)
        monkeypatch.setattr(study, "analyse", dying)

    def __call__(self, out: str, *more: str, dies: bool = False) -> str:
        import nibabel

        affine = np.diag([-1.0, -1, 1, 1]) @ scan().patient_from_voxel
        nibabel.save(nibabel.Nifti1Image(self.values, affine), self.folder / "ct.nii.gz")
        self.dies = dies
        tokens = ["assess", str(self.folder / "ct.nii.gz"), "--out", str(self.folder / out), *more]
        if dies:
            assert main(tokens) == FAULT
        else:
            assert main(tokens) == NOTHING_MEASURED  # the study is written all the same
        return self.capsys.readouterr().err

    def files(self, out: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.folder / out).iterdir())}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(tmp_path, monkeypatch, capsys)


def test_a_run_that_died_goes_on_and_gives_the_same_bytes(run: Runs) -> None:
    run("whole")
    run("died", dies=True)
    assert set(run.files("died")) == {SEGMENTATION_FILE}
    assert run.n_segmented == 2
    assert "going on from the segmentation of an unfinished run" in run("died")
    assert run.n_segmented == 2
    assert run.files("died") == run.files("whole")
    assert SEGMENTATION_FILE not in run.files("whole")
    assert not [path for path in run.folder.iterdir() if path.name.endswith(".part")]


def test_another_scan_is_segmented_anew(run: Runs) -> None:
    run("died", dies=True)
    run.values = run.values.copy()
    run.values[0, 0, 0] += 1
    assert "of another input, settings or version: done anew" in run("died")
    assert run.n_segmented == 2


def test_a_damaged_file_is_done_anew(run: Runs) -> None:
    run("died", dies=True)
    path = run.folder / "died" / SEGMENTATION_FILE
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], b"", whole[:64]):
        path.write_bytes(damaged)
        assert "damaged: done anew" in run("died", dies=True)
    assert run.n_segmented == 5


def test_a_finished_result_is_still_guarded(run: Runs) -> None:
    run("out")
    tokens = ["assess", str(run.folder / "ct.nii.gz"), "--out", str(run.folder / "out")]
    assert main(tokens) == TAKEN
    run("out", "--force", dies=True)
    assert main(tokens) == TAKEN  # the earlier result is there still
    run("out", "--force")
    assert run.n_segmented == 2
    assert SEGMENTATION_FILE not in run.files("out")


def test_a_folder_with_other_things_is_left_alone(run: Runs) -> None:
    run("died", dies=True)
    (run.folder / "died" / "thesis.docx").write_text("mine")
    assert main(["assess", str(run.folder / "ct.nii.gz"), "--out", str(run.folder / "died")]) == TAKEN
    assert "thesis.docx" in run.files("died")


def test_what_is_kept_is_what_was_given(tmp_path: Path) -> None:
    digest = digest_of({"scan": scan()}, {"a": 1})
    keep_segmentation(tmp_path / "out", digest, labels(), ("said",))
    kept, words = kept_segmentation(tmp_path / "out", digest)
    assert kept is not None
    assert words.startswith("going on")
    np.testing.assert_array_equal(kept.labels.values, labels().values)
    np.testing.assert_array_equal(kept.labels.patient_from_voxel, labels().patient_from_voxel)
    assert kept.labels.values.dtype == labels().values.dtype
    assert (kept.labels.names, kept.labels.source, kept.notes) == ({1: "sacrum"}, "ct.nii.gz", ("said",))


def test_everything_that_matters_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    first = scan()
    moved = first.patient_from_voxel.copy()
    moved[0, 3] += 1e-6
    digests = [
        digest_of({"scan": first}, {}),
        digest_of({"scan": replace(first, patient_from_voxel=moved)}, {}),
        digest_of({"scan": replace(first, source="b.nii.gz")}, {}),
        digest_of({"scan": first, "mask": labels()}, {}),
        digest_of({"scan": first}, {"a": 1}),
    ]
    monkeypatch.setattr("ischio.study.unfinished.__version__", "0.0.0")
    digests.append(digest_of({"scan": first}, {}))
    assert len(set(digests)) == len(digests)
    assert digest_of({"scan": first, "mask": None}, {}) == digests[-1]

"""A study: made from bones, written as plain values, kept in a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from ischio import __version__, measures, phantoms, study
from ischio._check import AnatomyError, InputError, OutputError
from ischio.bones.quality import QualityFinding
from ischio.io.meshes import read_surface
from ischio.study import Settings, _atomic, folder, surfaces, unfinished
from ischio.types import Curve, Measurement, Pelvis, Side, Study

BOTH = tuple(Side)
ASKED_FOR = ("examinations", "limits", "gait", "spine", "plans", "planning", "record")  # where asked for
REPORT = {"report.html": "<html>the report</html>"}
HALF_OF_LAST_DIGIT_MM = 0.5e-4  # points are rounded to 0.0001 mm


@cache
def rows_of_phantoms() -> tuple[Measurement, ...]:
    """All measures of the default pelvis, taken once."""
    return measures.run(phantoms.pelvis(), BOTH)


def made(pelvis: Pelvis | None = None, settings: Mapping[str, Any] | None = None, **changes: Any) -> Study:
    """A study of phantoms."""
    rows = rows_of_phantoms() if pelvis is None else measures.run(pelvis, BOTH)
    pelvis = phantoms.pelvis() if pelvis is None else pelvis
    bones = tuple(bone for hip in pelvis.hips for bone in (hip.femur, hip.hip_bone) if bone is not None)
    given = {
        "case_id": "case",
        "pelvis": pelvis,
        "bones": bones,
        "measurements": rows,
        "settings": {
            "axes": "LPS",
            "sides": ["right", "left"],
            "sex": None,
            "age_years": None,
            "posture": "as_supplied",
            **(settings or {}),
        },
    }
    return Study(**{**given, **changes})


def with_detail(detail: Mapping[str, Any]) -> Study:
    """A study in which one measurement has this detail."""
    whole = made()
    first, *rest = whole.measurements
    return replace(whole, measurements=(replace(first, detail=detail), *rest))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand-in for the landmarks step: gives phantoms and keeps what it was asked."""
    asked: dict[str, Any] = {}

    def find_pelvis(bones: Any, **keywords: Any) -> tuple[Pelvis, tuple[str, ...]]:
        asked.update(keywords, bones=bones)
        keywords["progress"]("finding", 0.5)
        return phantoms.pelvis(posture=keywords["posture"]), ("the socket is far from the head",)

    monkeypatch.setattr("ischio.landmarks.find_pelvis", find_pelvis)
    return asked


class TestSettings:
    def test_defaults(self) -> None:
        settings = Settings()
        assert settings.sides == (Side.RIGHT, Side.LEFT)
        assert (settings.axes, settings.posture, settings.case_id) == ("LPS", "as_supplied", "case")

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"axes": "LAS"}, "axes: got 'LAS'"),
            ({"sex": "x"}, "sex: got 'x'"),
            ({"posture": "standing"}, "posture: got 'standing'"),
            ({"sides": ()}, "sides: got"),
            ({"sides": ("left",)}, "sides: got"),
            ({"age_years": -1.0}, "age: got -1.0"),
            ({"age_years": math.nan}, "age: got nan"),
            ({"case_id": ""}, "case id: got ''"),
            ({"case_id": "../up"}, "case id: got '../up'"),
            ({"case_id": "Jane Doe"}, "case id: got 'Jane Doe'"),
            ({"case_id": "a" * 65}, "case id: got"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, wrong: dict[str, Any], words: str) -> None:
        with pytest.raises(ValueError, match="expected") as caught:
            Settings(**wrong)
        assert words in str(caught.value)


@pytest.mark.usefixtures("found")
class TestAnalyse:
    def test_settings_and_bones_reach_the_search(self, found: dict[str, Any]) -> None:
        hip = phantoms.hip(Side.LEFT)
        assert hip.femur is not None
        settings = Settings(axes="unknown", sides=(Side.LEFT,), posture="model")
        study.analyse((hip.femur,), settings)
        assert found["bones"] == (hip.femur,)
        assert (found["axes"], found["sides"], found["posture"]) == ("unknown", (Side.LEFT,), "model")

    def test_everything_said_is_in_the_study(self) -> None:
        settings = Settings(sex="f", age_years=41.0, case_id="p7")
        got = study.analyse((), settings, notes=["turned from RAS"])
        assert got.case_id == "p7"
        assert got.notes == ("turned from RAS",)
        assert got.warnings == ("the socket is far from the head",)
        assert dict(got.settings) == {
            "axes": "LPS",
            "sides": ["right", "left"],
            "sex": "f",
            "age_years": 41.0,
            "posture": "as_supplied",
        }

    def test_sides_have_one_order(self) -> None:
        got = study.analyse((), Settings(sides=(Side.LEFT, Side.RIGHT)))
        assert got.settings["sides"] == ["right", "left"]

    def test_only_sides_asked_for_are_measured(self) -> None:
        got = study.analyse((), Settings(sides=(Side.LEFT,)))
        assert {row.side for row in got.measurements} == {Side.LEFT, None}

    def test_progress_is_told(self) -> None:
        said: list[tuple[str, float]] = []
        study.analyse((), Settings(), progress=lambda words, fraction: said.append((words, fraction)))
        assert said == [("finding", 0.5), ("measuring", 0.0), ("measuring", 1.0)]


class TestDict:
    @pytest.mark.parametrize(
        "pelvis",
        [
            phantoms.pelvis(),
            phantoms.pelvis(right_gap_mm=None),
            phantoms.pelvis(right_gap_mm=-2.0, left_gap_mm=None, posture="model"),
            phantoms.pelvis(right_gap_mm=None, left_gap_mm=None),
        ],
        ids=["both", "left alone", "contact", "nobody"],
    )
    def test_it_is_what_the_schema_says(self, pelvis: Pelvis) -> None:
        jsonschema.validate(study.to_dict(made(pelvis)), study.schema(), jsonschema.Draft202012Validator)

    def test_the_schema_is_one_and_explains_every_key(self) -> None:
        schema = study.schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["properties"]["schema_version"]["const"] == study.SCHEMA_VERSION

        def keys(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
            for name, entry in node.get("properties", {}).items():
                yield name, entry
                yield from keys(entry)

        places = [schema, *schema["$defs"].values()]
        for name, entry in (pair for place in places for pair in keys(place)):
            shared = schema["$defs"].get(entry.get("$ref", "").rpartition("/")[2], {})
            assert entry.get("description") or shared.get("description"), name

    def test_the_schema_knows_every_key(self) -> None:
        """Each object in a study has the keys of the schema and no others."""
        schema, plain = study.schema(), study.to_dict(made())
        assert [key for key in schema["properties"] if key not in ASKED_FOR] == list(plain)
        for key, kind in (("bones", "bone"), ("hips", "hip"), ("landmarks", "landmark")):
            assert set(schema["$defs"][kind]["properties"]) == set(plain[key][0])
        assert set(schema["$defs"]["measurement"]["properties"]) == set(plain["measurements"][0])
        assert set(schema["$defs"]["region"]["properties"]) == set(plain["hips"][0]["regions"][0])
        assert set(schema["$defs"]["pose"]["properties"]) == set(plain["hips"][0]["poses"][0])

    @pytest.mark.parametrize(
        "change",
        [
            {"value": None},
            {"reason": "both"},
            {"unit": "inch"},
            {"side": "both"},
            {"points_mm": [[1.0, 2.0]]},
            {"sigma": -1.0},
        ],
    )
    def test_the_schema_refuses(self, change: dict[str, Any]) -> None:
        plain = study.to_dict(made())
        next(row for row in plain["measurements"] if row["value"] is not None).update(change)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(plain, study.schema(), jsonschema.Draft202012Validator)

    def test_who_wrote_it(self) -> None:
        plain = study.to_dict(made())
        assert plain["software"] == {"name": "ischio", "version": __version__}
        assert "not a medical device" in plain["disclaimer"]

    def test_a_missing_frame_is_null_with_a_reason(self) -> None:
        hip = study.to_dict(made())["hips"][0]
        assert hip["frames"]["femur_tea_from_patient"] is None
        assert hip["reasons"]["femur_tea_from_patient"] == "the phantom has no epicondyles"

    def test_a_missing_frame_without_a_reason_still_has_words(self) -> None:
        pelvis = phantoms.pelvis(left_gap_mm=None)
        assert pelvis.right is not None
        bare = replace(pelvis, right=replace(pelvis.right, frames={}, reasons={}))
        hip = study.to_dict(made(bare))["hips"][0]
        assert set(hip["frames"].values()) == {None}
        assert set(hip["reasons"]) == set(hip["frames"])

    def test_another_frame_is_kept(self) -> None:
        pelvis = phantoms.pelvis(left_gap_mm=None)
        assert pelvis.right is not None
        frames = {"femur_from_patient": pelvis.right.frames["femur_pca_from_patient"]}
        hip = study.to_dict(made(replace(pelvis, right=replace(pelvis.right, frames=frames))))["hips"][0]
        assert hip["frames"]["femur_from_patient"] is not None

    def test_frames_map_the_points_that_are_written(self) -> None:
        moved = phantoms.moved(phantoms.hip(Side.LEFT), phantoms.random_motion(np.random.default_rng(5)))
        pelvis = replace(phantoms.pelvis(right_gap_mm=None), left=moved)
        plain = study.to_dict(made(pelvis))
        matrix = np.array(plain["hips"][0]["frames"]["femur_pca_from_patient"])
        assert np.abs(matrix[:3, :3] @ matrix[:3, :3].T - np.eye(3)).max() < 1e-8  # a rotation again
        points = {entry["name"]: np.array(entry["point_mm"]) for entry in plain["landmarks"]}
        tip = matrix[:3, :3] @ points["lesser_trochanter_tip"] + matrix[:3, 3]
        # Point, offset and nine decimals of the rotation at a distance of up to 1 m.
        assert np.abs(tip - [-20.0, -60.0, 0.0]).max() < 4 * HALF_OF_LAST_DIGIT_MM

    def test_regions_say_how_large_they_are(self) -> None:
        regions = {region["name"]: region for region in study.to_dict(made())["hips"][0]["regions"]}
        assert regions["ischium"]["n_faces"] == sum(regions["ischium"]["sub_parts"].values())
        assert regions["lesser_trochanter"]["sub_parts"] == {}

    def test_a_curve_is_written_with_its_points(self) -> None:
        pelvis = phantoms.pelvis()
        assert pelvis.right is not None
        ring = np.stack([[np.cos(t), np.sin(t), 0.5] for t in np.linspace(0, 6, 30)])
        frame = pelvis.right.landmarks["acetabular_centre"].frame
        curve = Curve(
            "acetabular_rim", Side.RIGHT, ring, True, frame, 1.5, "made@1", {"bridged_fraction": 0.0}
        )
        whole = made(replace(pelvis, right=replace(pelvis.right, curves={curve.name: curve})))
        (plain,) = study.to_dict(whole)["hips"][0]["curves"]
        assert np.abs(np.array(plain["points_mm"]) - ring).max() <= 1.01 * HALF_OF_LAST_DIGIT_MM
        assert (plain["name"], plain["closed"], plain["sigma_mm"]) == ("acetabular_rim", True, 1.5)
        jsonschema.validate(json.loads(study.to_json(whole)), study.schema())

    def test_midline_landmarks_have_no_side(self) -> None:
        pelvis = phantoms.pelvis()
        assert pelvis.right is not None
        centre = replace(pelvis.right.landmarks["acetabular_centre"], name="sacral_centre", side=None)
        plain = study.to_dict(made(replace(pelvis, landmarks={"sacral_centre": centre})))
        assert plain["landmarks"][-1]["side"] == "none"

    @pytest.mark.parametrize(
        ("axes", "words"),
        [("LPS", "patient LPS, mm"), ("RAS", "patient LPS, mm"), ("unknown", "axes of the input, mm")],
    )
    def test_coordinates_are_named(self, axes: str, words: str) -> None:
        assert study.to_dict(made(settings={"axes": axes}))["coordinates"] == words

    @pytest.mark.parametrize(
        "source",
        ["femur_left.ply", "somewhere/Doe^Jane/femur_left.ply", r"D:\Doe\femur_left.ply"],
    )
    def test_no_folder_of_the_user_gets_out(self, source: str) -> None:
        whole = made()
        bones = (replace(whole.bones[0], source=source),)
        plain = study.to_dict(replace(whole, bones=bones))
        assert plain["bones"][0]["source"] == "femur_left.ply"

    def test_numbers_are_rounded_and_zero_has_no_sign(self) -> None:
        detail = study.to_dict(with_detail({"a": 1.000049999, "b": -0.00001, "c": np.float64(2.0), "d": 3}))
        got = detail["measurements"][0]["detail"]
        assert got == {"a": 1.0, "b": 0.0, "c": 2.0, "d": 3}
        assert math.copysign(1.0, got["b"]) == 1.0

    def test_all_plain_kinds_are_written(self) -> None:
        detail = {"a": None, "b": True, "c": "x", "d": (1.0, [2.0]), "e": {"f": np.arange(2)}}
        got = study.to_dict(with_detail(detail))["measurements"][0]["detail"]
        assert got == {"a": None, "b": True, "c": "x", "d": [1.0, [2.0]], "e": {"f": [0, 1]}}

    @pytest.mark.parametrize("figure", [math.nan, math.inf, np.float64("nan")])
    def test_what_is_not_finite_is_refused(self, figure: float) -> None:
        with pytest.raises(ValueError, match="expected a finite number"):
            study.to_dict(with_detail({"a": figure}))

    def test_what_json_does_not_know_is_refused(self) -> None:
        with pytest.raises(TypeError, match="study: got Side"):
            study.to_dict(with_detail({"a": Side.LEFT}))

    def test_the_text_holds_the_values(self) -> None:
        whole = made(notes=('a "quoted [ 1,\n 2 ] note', "ünïcode \u2028"))
        text = study.to_json(whole)
        assert json.loads(text) == study.to_dict(whole)
        assert text.endswith("}\n")
        assert "\n      [1.0, 0.0, 0.0, " not in text  # rows of a phantom's frames turn axes
        assert "[0.0, 0.0, 0.0, 1.0]" in text  # a row of numbers is a row of text

    def test_the_same_study_gives_the_same_text(self) -> None:
        assert study.to_json(made()) == study.to_json(made())


WRITTEN_MM = 1e-4  # surfaces are written to 0.1 micrometre


class TestFolder:
    def test_a_region_is_written_as_the_surface_it_is(self, tmp_path: Path) -> None:
        found = made()
        study.write(found, tmp_path / "out")
        for hip in found.pelvis.hips:
            for name in ("lesser_trochanter", "ischium"):
                mesh = read_surface(tmp_path / "out" / f"{hip.side.value}_{name}.ply")
                wanted = hip.region_triangles(name)
                assert mesh.vertices_mm[mesh.faces] == pytest.approx(wanted, abs=WRITTEN_MM)

    def test_a_study_is_written_and_read(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        study.write(made(), out, extra_files=REPORT)
        pages = {
            "clinic.html",
            "patient.html",
            unfinished.SEGMENTATION_FILE,
        }
        bones = {surfaces.bone_file(bone.name, bone.side) for bone in made().bones}
        others = pages | {*folder.MOTION_FILES, *folder.PLAN_FILES} | (set(surfaces.BONE_FILES) - bones)
        assert {path.name for path in out.iterdir()} == set(study.RESULT_FILES) - others
        assert (out / "study.json").read_bytes() == study.to_json(made()).encode()
        assert study.load_dict(out) == study.to_dict(made())
        assert [path.name for path in tmp_path.iterdir()] == ["out"]  # nothing is left beside it

    def test_files_have_the_usual_rights(self, tmp_path: Path) -> None:
        (tmp_path / "plain").mkdir()
        study.write(made(), tmp_path / "out")
        assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode

    @pytest.mark.parametrize("content", [None, "empty", "result"])
    def test_what_exists_is_refused(self, tmp_path: Path, content: str | None) -> None:
        out = tmp_path / "out"
        if content == "result":
            study.write(made(case_id="first"), out)
        elif content == "empty":
            out.mkdir()
        else:
            out.write_text("a file")
        with pytest.raises(OutputError, match=r"out: got a place that exists; .* --force"):
            study.write(made(), out)
        if content == "result":
            assert study.load_dict(out)["case_id"] == "first"

    @pytest.mark.parametrize("litter", [(), (".DS_Store",), ("Thumbs.db", "report.html")])
    def test_an_earlier_result_is_replaced_by_force(self, tmp_path: Path, litter: tuple[str, ...]) -> None:
        out = tmp_path / "out"
        study.write(made(case_id="first"), out)
        for name in litter:
            (out / name).write_text("")
        study.write(made(case_id="second"), out, force=True)
        assert study.load_dict(out)["case_id"] == "second"
        bones = {surfaces.bone_file(bone.name, bone.side) for bone in made().bones}
        meshes = {*surfaces.SURFACE_FILES, *bones, "landmarks.mrk.json"}
        assert {path.name for path in out.iterdir()} == {"study.json", *meshes}
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_without_landmarks_there_is_no_file_of_them(self, tmp_path: Path) -> None:
        whole = phantoms.pelvis(right_gap_mm=None)
        assert whole.left is not None
        study.write(made(replace(whole, left=replace(whole.left, landmarks={}))), tmp_path / "out")
        assert "landmarks.mrk.json" not in {path.name for path in (tmp_path / "out").iterdir()}

    def test_an_empty_folder_is_replaced_by_force(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        study.write(made(), tmp_path / "out", force=True)
        assert study.load_dict(tmp_path / "out")["case_id"] == "case"

    @pytest.mark.parametrize(
        "files",
        [
            {"holiday.jpg": "x"},
            {"study.json": None, "my notes.txt": "x"},
            {"report.html": "x"},
            {"study.json": "no json"},
            {"study.json": "[1]"},
            {"study.json": '{"another": "program"}'},
        ],
        ids=["other", "result and notes", "page alone", "no json", "a list", "of another program"],
    )
    def test_another_folder_is_never_replaced(self, tmp_path: Path, files: dict[str, str | None]) -> None:
        out = tmp_path / "out"
        out.mkdir()
        for name, text in files.items():
            (out / name).write_text(study.to_json(made()) if text is None else text)
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        with pytest.raises(OutputError, match="other things than an earlier result"):
            study.check_out(out, force=True)
        with pytest.raises(OutputError, match="other things than an earlier result"):
            study.write(made(), out, force=True)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before

    def test_a_file_is_never_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("a file")
        with pytest.raises(OutputError, match="other things"):
            study.write(made(), tmp_path / "out", force=True)
        assert (tmp_path / "out").read_text() == "a file"

    def test_a_link_keeps_pointing_to_the_result(self, tmp_path: Path) -> None:
        study.write(made(case_id="first"), tmp_path / "real")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        study.write(made(case_id="second"), tmp_path / "link", force=True)
        assert (tmp_path / "link").is_symlink()
        assert study.load_dict(tmp_path / "real")["case_id"] == "second"

    @pytest.mark.parametrize("place", ["missing/out", "file/out"])
    def test_a_place_that_cannot_be_is_refused_at_once(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="expected a folder that exists and can be written to"):
            study.check_out(tmp_path / place, force=False)
        with pytest.raises(OutputError, match="expected a folder that exists and can be written to"):
            study.write(made(), tmp_path / place)

    def test_a_folder_without_rights_is_refused_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: Any, **keywords: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)  # the tests may run as root, who has every right
        with pytest.raises(OutputError, match=r"got Permission denied; .* change its permissions"):
            study.check_out(tmp_path / "out", force=False)

    def test_a_check_leaves_nothing(self, tmp_path: Path) -> None:
        study.check_out(tmp_path / "out", force=False)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("there", [False, True])
    def test_a_full_disk_leaves_everything_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
    ) -> None:
        out = tmp_path / "out"
        if there:
            study.write(made(case_id="first"), out)
        write_text = Path.write_text

        def full(self: Path, text: str, **keywords: Any) -> int:
            write_text(self, text[:100], **keywords)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(OutputError, match="No space left on device"):
            study.write(made(case_id="second"), out, force=there)
        assert [path.name for path in tmp_path.iterdir()] == (["out"] if there else [])
        if there:
            assert study.load_dict(out)["case_id"] == "first"

    def test_a_failed_exchange_brings_the_earlier_result_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out"
        study.write(made(case_id="first"), out)
        rename = Path.rename

        def refuse(self: Path, target: Path) -> Path:
            if self.suffix == ".part":
                raise OSError(13, "Permission denied")
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", refuse)
        with pytest.raises(OutputError, match="Permission denied"):
            study.write(made(case_id="second"), out, force=True)
        assert study.load_dict(out)["case_id"] == "first"
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_an_interruption_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(*args: Any, **keywords: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "write_text", stop)
        with pytest.raises(KeyboardInterrupt):
            study.write(made(), tmp_path / "out")
        assert list(tmp_path.iterdir()) == []

    def test_only_known_files_are_written(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"extra_files: got '\.\./up\.html'"):
            study.write(made(), tmp_path / "out", extra_files={"../up.html": ""})
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (None, "no study.json"),
            ("{", "expected a study in JSON"),
            ("[]", "schema_version None"),
            ('{"schema_version": 2}', "got schema_version 2; expected 1"),
        ],
    )
    def test_what_is_no_study_is_not_read(self, tmp_path: Path, text: str | None, words: str) -> None:
        if text is not None:
            (tmp_path / "study.json").write_text(text)
        with pytest.raises(InputError) as caught:
            study.load_dict(tmp_path)
        assert words in str(caught.value)

    def test_names_of_results_are_in_one_place(self) -> None:
        assert folder.RESULT_FILES[0] == study.STUDY_FILE
        assert not _atomic._LITTER & set(folder.RESULT_FILES)


def test_a_hip_that_is_absent_is_in_no_list() -> None:
    plain = study.to_dict(made(phantoms.pelvis(right_gap_mm=None)))
    assert [hip["side"] for hip in plain["hips"]] == ["left"]
    absent = [row for row in plain["measurements"] if row["side"] == "right"]
    assert {row["value"] for row in absent} == {None}
    assert all("no right femur or hip bone" in row["reason"] for row in absent)


def test_bones_that_contradict_themselves_beside_metal_are_refused_with_the_likely_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def contradicts(*_bones: object, **_options: object) -> None:
        raise AnatomyError("right femur: got a left one; expected a right one. Check the names.")

    metal = QualityFinding("prosthesis", "right femur", Side.RIGHT, "void", "metal through the joint")
    monkeypatch.setattr("ischio.landmarks.find_pelvis", contradicts)
    monkeypatch.setattr("ischio.bones.quality.bone_findings", lambda _bones, **_: (metal,))
    with pytest.raises(AnatomyError, match=r"Check the names\. Seen on the scan: metal through the joint\."):
        study.analyse((), Settings())
    monkeypatch.setattr("ischio.bones.quality.bone_findings", lambda _bones, **_: ())
    with pytest.raises(AnatomyError, match=r"Check the names\.$"):
        study.analyse((), Settings())

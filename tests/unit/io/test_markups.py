"""3D Slicer markups: what is read, what is refused, and that Slicer would read what is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ischio._check import InputError
from ischio.io import markups
from ischio.io.markups import MarkedPoint, markups_text, read_markups
from ischio.types import Frame, Landmark, Side

FLOAT_NOISE_MM = 1e-12  # a sign is all that changes
WRITTEN_MM = 0.5e-4  # written with four decimals
HEAD, TIP = (117.28, -0.5, 1202.3), (109.26, 33.39, 1143.9)

Write = Callable[..., Path]


def point(label: str, position: Any = TIP, **more: Any) -> dict[str, Any]:
    """A control point with the keys that the reader looks at."""
    return {"label": label, "position": list(position) if isinstance(position, tuple) else position, **more}


def listed(*points: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A list of points."""
    return {"type": "Fiducial", "name": "F", "coordinateSystem": "LPS", "controlPoints": list(points), **more}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a markups file, or any text, under the usual name."""

    def made(*nodes: Any, schema: Any = markups.SCHEMA, text: str | None = None) -> Path:
        path = tmp_path / "read.mrk.json"
        path.write_text(
            json.dumps({"@schema": schema, "markups": list(nodes)}) if text is None else text,
            encoding="utf-8",
        )
        return path

    return made


def read(path: Path, **options: Any) -> markups.Markups:
    """Read with a reader's name."""
    return read_markups(path, **{"axes": "LPS", "reader": "anna", **options})


def as_slicer_reads(text: str) -> list[tuple[str, str, tuple[float, ...]]]:
    """List, label and RAS position of each point, by the rules of Slicer's own reader."""
    whole = json.loads(text)
    rule = r".*markups-schema-v1\.[0-9]+\.[0-9]+\.json#*$"
    assert re.match(rule, whole["@schema"], re.IGNORECASE)
    found = []
    for node in whole["markups"]:
        assert node["type"] in ("Fiducial", "Line", "Angle", "Curve", "ClosedCurve", "Plane", "ROI")
        assert node["coordinateUnits"] == "mm"
        for key in ("name", "locked", "fixedNumberOfControlPoints", "labelFormat"):
            assert key in node
        flip = {"LPS": (-1, -1, 1), "RAS": (1, 1, 1)}[node["coordinateSystem"]]
        for control in node["controlPoints"]:
            for key in ("id", "label", "selected", "locked", "visibility"):
                assert key in control
            assert control["positionStatus"] in ("undefined", "preview", "defined")
            rows = np.reshape(control["orientation"], (3, 3)) * np.array(flip)[:, None]
            assert np.array_equal(rows, np.eye(3))
            assert len(control["position"]) == 3
            turned = tuple(a * b for a, b in zip(control["position"], flip, strict=True))
            found.append((node["name"], control["label"], turned))
    return found


class TestReading:
    def test_a_list_in_lps(self, write: Write) -> None:
        nodes = listed(point("left_femoral_head_centre", HEAD), point("L lesser trochanter tip"))
        got = read(write(nodes), when="2025-01-31", sigma_mm=1.5)
        head, tip = got.points
        assert (head.label, tip.label) == ("left_femoral_head_centre", "left_lesser_trochanter_tip")
        assert np.array_equal(head.point_mm, HEAD)
        assert (tip.reader, tip.when, tip.sigma_mm) == ("anna", "2025-01-31", 1.5)
        assert got.notes == ()

    @pytest.mark.parametrize("axes", ["LPS", "RAS", "unknown"])
    def test_ras_is_turned_once_by_what_the_file_says(self, write: Write, axes: str) -> None:
        (got,) = read(
            write(listed(point("left_asis", (1.0, 2.0, 3.0)), coordinateSystem="RAS")), axes=axes
        ).points
        assert np.abs(got.point_mm - [-1.0, -2.0, 3.0]).max() < FLOAT_NOISE_MM

    def test_a_file_that_does_not_say_is_lps(self, write: Write) -> None:
        node = listed(point("left_asis", (1.0, 2.0, 3.0)))
        del node["coordinateSystem"]
        (got,) = read(write(node)).points
        assert np.array_equal(got.point_mm, [1.0, 2.0, 3.0])

    def test_unknown_axes_are_noted(self, write: Write) -> None:
        got = read(write(listed(point("left_asis"))), axes="unknown")
        assert got.notes == ("markups: points taken in the coordinates of the bones' file, read as LPS",)

    def test_several_lists_each_with_its_own_axes(self, write: Write) -> None:
        got = read(
            write(
                listed(point("asis"), name="Left landmarks"),
                listed(point("asis", (-1.0, 2.0, 3.0)), name="right", coordinateSystem="RAS"),
                listed(point("sacral promontory"), name="left of nothing"),
            )
        )
        assert [(p.name, p.side) for p in got.points] == [
            ("asis", Side.LEFT),
            ("asis", Side.RIGHT),
            ("sacral_promontory", None),
        ]
        assert np.array_equal(got.points[1].point_mm, [1.0, -2.0, 3.0])

    @pytest.mark.parametrize("status", ["undefined", "preview"])
    def test_points_that_were_never_placed_are_noted(self, write: Write, status: str) -> None:
        never = {"label": "left_psis", "positionStatus": status}
        got = read(write(listed(point("left_asis", positionStatus="defined"), never)))
        assert [p.label for p in got.points] == ["left_asis"]
        assert got.notes == (f"markups: 'left_psis' left alone, it was never placed ({status})",)

    def test_other_markups_are_noted(self, write: Write) -> None:
        got = read(write({"type": "Plane", "name": "cut"}, {"type": "Line"}, listed(point("left_asis"))))
        assert got.notes == (
            "markups: Plane 'cut' left alone, not a list of points",
            "markups: Line 'markup 2' left alone, not a list of points",
        )

    def test_labels_to_ignore_are_noted(self, write: Write) -> None:
        got = read(write(listed(point("F-1"), point("left_asis"))), ignore=["f-1"])
        assert [p.label for p in got.points] == ["left_asis"]
        assert got.notes == ("markups: 'F-1' left alone, as asked",)

    def test_units_may_be_coded(self, write: Write) -> None:
        units = ["mm", "UCUM", "millimeter"]
        assert len(read(write(listed(point("left_asis"), coordinateUnits=units))).points) == 1

    @pytest.mark.parametrize(
        ("of_point", "of_list", "option", "who"),
        [
            ("", "bert", None, "bert"),
            ("reader:carla", "bert", None, "carla"),
            ("sphere_fit@1", "reader:bert", None, "bert"),
            ("reader:carla", "bert", "anna", "anna"),
        ],
    )
    def test_who_read_it(
        self, write: Write, of_point: str, of_list: str, option: str | None, who: str
    ) -> None:
        node = listed(point("left_asis", description=of_point), description=of_list)
        (got,) = read(write(node), reader=option).points
        assert (got.reader, got.when, got.sigma_mm) == (who, None, None)


def broken(**changes: Any) -> dict[str, Any]:
    """A list of one point with something wrong in the list."""
    return listed(point("left_asis"), **changes)


class TestRefusals:
    @pytest.mark.parametrize(
        ("node", "words"),
        [
            (broken(type="Point"), "type 'Point'"),
            (broken(coordinateSystem="lps"), "coordinateSystem 'lps'; expected LPS or RAS"),
            (broken(coordinateUnits="cm"), "coordinateUnits 'cm'; expected mm"),
            (broken(coordinateUnits=[]), "coordinateUnits []; expected mm"),
            (broken(controlPoints={}), "controlPoints of 'F'"),
            (broken(controlPoints=["left_asis"]), "controlPoints of 'F'"),
            (listed(point("")), "label ''; expected a name"),
            (listed({"position": [1, 2, 3]}), "label 'None'; expected a name"),
            (listed(point("l" * 101)), "expected a name"),
            (listed(point("left_asis", positionStatus="missing")), "positionStatus 'missing' of 'left_asis'"),
            (listed(point("left_asis", None)), "position None of 'left_asis'; expected three numbers"),
            (listed(point("left_asis", (1.0, 2.0))), "position [1.0, 2.0]"),
            (listed(point("left_asis", (1.0, 2.0, True))), "position [1.0, 2.0, True]"),
            (listed(point("left_asis", (1.0, 2.0, "3"))), "position [1.0, 2.0, '3']"),
            (listed(point("left_asis", (1.0, 2.0, 10**400))), "expected three numbers"),
            (listed(point("F-1"), point("nose")), "labels that are no landmark: 'F-1', 'nose'"),
            (listed(point("asis")), "no side for 'asis'"),
            (listed(point("left sacral promontory")), "a side for 'left sacral promontory'"),
            (listed(point("left_asis"), point("asis L", HEAD)), "left_asis twice"),
            (listed(), "no point to use"),
        ],
    )
    def test_a_point_that_is_not_clear(self, write: Write, node: dict[str, Any], words: str) -> None:
        with pytest.raises(InputError, match=r"^read\.mrk\.json: got .*; expected ") as caught:
            read(write(node))
        assert words in str(caught.value)

    def test_unknown_labels_name_the_known_ones(self, write: Write) -> None:
        with pytest.raises(InputError, match=r"femoral_head_centre.*sacral_promontory.*--ignore-label"):
            read(write(listed(point("F-1"))))

    @pytest.mark.parametrize("schema", [None, 3, "", "https://example.org/schema.json", "x-v1.0.json#"])
    def test_another_schema(self, write: Write, schema: Any) -> None:
        with pytest.raises(InputError, match="@schema"):
            read(write(listed(point("left_asis")), schema=schema))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "no JSON"),
            ("\ufeff{", "no JSON"),
            ("[" * 100_000, "no JSON"),
            ('{"@schema": NaN}', "NaN is no number"),
            ("[]", "@schema None"),
            (json.dumps({"@schema": markups.SCHEMA}), "no list of markups"),
            (json.dumps({"@schema": markups.SCHEMA, "markups": [1]}), "no list of markups"),
        ],
    )
    def test_another_text(self, write: Write, text: str, words: str) -> None:
        with pytest.raises(InputError, match=words):
            read(write(text=text))

    def test_text_that_is_not_utf_8(self, write: Write) -> None:
        path = write(text="")
        path.write_bytes(b"\xff\xfe{}")
        with pytest.raises(InputError, match="no JSON"):
            read(path)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"absent\.mrk\.json: got No such file"):
            read(tmp_path / "absent.mrk.json")

    def test_too_large(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(markups, "MAX_BYTES", 100)
        with pytest.raises(InputError, match="more than 100 bytes"):
            read(write(listed(point("left_asis"))))

    def test_too_many(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(markups, "MAX_POINTS", 1)
        with pytest.raises(InputError, match="2 points; expected at most 1"):
            read(write(listed(point("left_asis"), point("left_psis"))))

    def test_nobody_read_it(self, write: Write) -> None:
        with pytest.raises(InputError, match=r"nobody who marked 'left_asis'.*--reader"):
            read(write(listed(point("left_asis", description="sphere_fit@1"))), reader=None)

    @pytest.mark.parametrize("who", ["", " anna", "a" * 65, "an\nna", "<b>"])
    def test_a_reader_that_is_no_name(self, write: Write, who: str) -> None:
        with pytest.raises(InputError, match="reader: got"):
            read(write(listed(point("left_asis"))), reader=who)

    @pytest.mark.parametrize("when", ["", "yesterday", "2025-02-30", "2025", "2025-1-31", "NaT"])
    def test_a_date_that_is_none(self, write: Write, when: str) -> None:
        with pytest.raises(InputError, match="date of reading: got"):
            read(write(listed(point("left_asis"))), when=when)

    @pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf")])
    def test_a_sigma_that_is_none(self, write: Write, sigma: float) -> None:
        with pytest.raises(InputError, match="sigma of a reading"):
            read(write(listed(point("left_asis"))), sigma_mm=sigma)

    def test_axes_that_are_none(self, write: Write) -> None:
        with pytest.raises(ValueError, match="axes"):
            read(write(listed(point("left_asis"))), axes="lps")

    def test_a_point_of_no_landmark_or_side(self) -> None:
        with pytest.raises(ValueError, match=r"MarkedPoint\.name"):
            MarkedPoint("nose", None, np.zeros(3), "anna")
        with pytest.raises(ValueError, match="asis: got side none"):
            MarkedPoint("asis", None, np.zeros(3), "anna")


def landmark(name: str, side: Side | None, position: tuple[float, ...], method: str = "found@1") -> Landmark:
    """A landmark as the search gives it."""
    return Landmark(name, side, np.array(position), Frame("patient", "p"), 1.0, method)


LANDMARKS = (
    landmark("femoral_head_centre", Side.RIGHT, (-117.28123, -0.00001, 1202.3), "reader:zoë"),
    landmark("lesser_trochanter_tip", Side.RIGHT, (-109.26, 33.39, 1143.9)),
    landmark("femoral_head_centre", Side.LEFT, HEAD),
    landmark("sacral_promontory", None, (0.1, 20.0, 1300.0)),
)


class TestWriting:
    def test_slicer_reads_what_is_written(self) -> None:
        got = as_slicer_reads(markups_text(LANDMARKS))
        assert [(name, label) for name, label, _ in got] == [
            ("right landmarks", "right_femoral_head_centre"),
            ("right landmarks", "right_lesser_trochanter_tip"),
            ("left landmarks", "left_femoral_head_centre"),
            ("midline landmarks", "sacral_promontory"),
        ]
        for (_, _, ras), mark in zip(got, LANDMARKS, strict=True):
            assert np.abs(ras - mark.point_mm * [-1, -1, 1]).max() <= WRITTEN_MM

    def test_what_nobody_can_read_as_a_point_is_left_out(self) -> None:
        axis = replace(LANDMARKS[0], name="shaft_axis")
        assert markups_text([*LANDMARKS, axis]) == markups_text(LANDMARKS)

    def test_ids_are_counted_and_nothing_tells_the_time(self) -> None:
        text = markups_text(LANDMARKS)
        assert text == markups_text(LANDMARKS)
        nodes = json.loads(text)["markups"]
        assert [[c["id"] for c in node["controlPoints"]] for node in nodes] == [["1", "2"], ["1"], ["1"]]
        assert "-0.0," not in text.replace("-0.0, ", "-0.0,").replace("[-1.0,", "")

    @pytest.mark.parametrize("system", ["LPS", "RAS"])
    def test_read_back(self, write: Write, system: str) -> None:
        whole = json.loads(markups_text(LANDMARKS))
        if system == "RAS":  # as Slicer saves it when it is told to
            for node in whole["markups"]:
                node["coordinateSystem"] = "RAS"
                for control in node["controlPoints"]:
                    x, y, z = control["position"]
                    control["position"] = [-x, -y, z]
        got = read(write(*whole["markups"])).points
        assert [(p.name, p.side) for p in got] == [(m.name, m.side) for m in LANDMARKS]
        for marked, mark in zip(got, LANDMARKS, strict=True):
            assert np.abs(marked.point_mm - mark.point_mm).max() <= WRITTEN_MM

    def test_a_reader_is_read_back(self, write: Write) -> None:
        (got,) = read(write(text=markups_text(LANDMARKS[:1])), reader=None).points
        assert got.reader == "zoë"

    def test_the_schema_is_slicers(self) -> None:
        assert markups.SCHEMA.endswith("/markups-schema-v1.0.3.json#")
        assert "/slicer/slicer/master/" in markups.SCHEMA


def test_points_on_a_surface_are_read_where_they_are_wanted(tmp_path: Path) -> None:
    """Any number of them on a bone; side from the label or the list; elsewhere they are no landmark."""
    labels = ("left hip bone surface 1", "Left_Hip_surface-2", "femur surface")
    placed = [
        {"id": str(n), "label": label, "position": [1.0, 2.0, n], "positionStatus": "defined"}
        for n, label in enumerate(labels)
    ]
    markup = {"type": "Fiducial", "name": "right", "coordinateSystem": "RAS", "controlPoints": placed}
    path = tmp_path / "points.mrk.json"
    path.write_text(json.dumps({"@schema": markups.SCHEMA, "markups": [markup]}))
    with pytest.raises(InputError, match="labels that are no landmark: 'left hip bone surface 1'"):
        read_markups(path, axes="LPS", reader="one")
    found = read_markups(path, axes="LPS", reader="one", with_surface=True)
    assert found.points == ()
    assert [(one.bone, one.side) for one in found.surface] == [
        ("hip_bone", Side.LEFT),
        ("hip_bone", Side.LEFT),
        ("femur", Side.RIGHT),
    ]
    np.testing.assert_array_equal(found.surface[0].point_mm, [-1.0, -2.0, 0.0])

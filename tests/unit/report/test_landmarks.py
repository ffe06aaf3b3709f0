"""Landmarks drawn on the bone: the view of each, its number, its mark, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import Array
from ischio.report import views
from ischio.report.html import render_report
from ischio.report.landmark_marks import Mark, label_places
from ischio.report.landmark_pictures import hip_landmarks, landmark_numbers, midline_landmarks
from ischio.report.landmark_views import MARKS_PX, Part, choose_views, hip_parts
from ischio.report.raster import Camera
from ischio.study.as_dict import to_dict
from ischio.types import Bone, Hip, Landmark, Pelvis, Side, Study, Transform

TENTH_PX = 0.06  # coordinates are written to a tenth of a pixel
NASTY = "<script>alert('x')</script> & \"quoted\""


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks do not depend on the number of pixels under them."""
    monkeypatch.setattr(views, "PICTURE_PX", 60)


def directions(hip: Hip) -> Array:
    """Rows forward, up, lateral of a phantom's pelvis."""
    seen = views.anatomical_directions(hip, "LPS")
    return np.stack([seen.forward, seen.up, hip.side.sign * seen.right])


def farthest(bone: Bone, direction: Array) -> Array:
    """Vertex of a bone farthest along a direction."""
    return np.asarray(bone.vertices_mm[int((bone.vertices_mm @ direction).argmax())])


def with_points(hip: Hip, points: dict[str, Array], method: str = "model@1") -> Hip:
    """The hip with more landmarks, each with a sigma of 3 mm."""
    some = next(iter(hip.landmarks.values()))
    more = {name: Landmark(name, hip.side, at, some.frame, 3.0, method) for name, at in points.items()}
    return replace(hip, landmarks={**hip.landmarks, **more})


def alone(hip: Hip, names: tuple[str, ...]) -> Hip:
    return replace(hip, landmarks={name: hip.landmarks[name] for name in names})


def parts_of(hip: Hip, axes: str = "LPS") -> tuple[Part, ...]:
    return hip_parts(hip, {name: k for k, name in enumerate(hip.landmarks, 1)}, axes)


def sheet_svgs(hip: Hip, axes: str = "LPS") -> list[Element]:
    sheet = hip_landmarks(hip, landmark_numbers(pelvis_of(hip)), axes)
    return [fromstring(picture.svg) for picture in sheet.pictures]


def pelvis_of(hip: Hip, **more: Any) -> Pelvis:
    left, right = (hip if hip.side is side else None for side in (Side.LEFT, Side.RIGHT))
    return replace(Pelvis(left, right, None, {}, {}), **more)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("row", "sign", "view"),
    [(0, 1, "front"), (0, -1, "behind"), (1, -1, "below"), (2, 1, "lateral"), (2, -1, "medial")],
)
def test_a_point_is_shown_from_where_its_surface_faces(side: Side, row: int, sign: int, view: str) -> None:
    hip = phantoms.hip(side)
    assert hip.hip_bone is not None
    toward = sign * directions(hip)[row]
    # The middle of the face of a box around the bone: its normal is the direction itself.
    box = box_bone(hip.hip_bone, directions(hip))
    middle = box.vertices_mm.mean(axis=0)
    point = middle + toward * ((farthest(box, toward) - middle) @ toward)
    bare = replace(hip, hip_bone=box, femur=None, landmarks=hip.landmarks, regions={})
    one = alone(with_points(bare, {"a_point": point}), ("a_point",))
    (part,) = parts_of(one)
    shown = {v.name: v.shows for v in choose_views(part)}
    assert [place.number for place, hidden in shown[view] if not hidden] == [1]
    assert len(shown) == 2
    opposite = {"front": "behind", "behind": "front", "lateral": "medial", "medial": "lateral"}.get(view)
    assert opposite not in shown


def box_bone(bone: Bone, axes: Array) -> Bone:
    """A fine closed box along the given axes, as large as a bone."""
    local = bone.vertices_mm @ axes.T
    vertices, faces = phantoms.hips._box(list(local.min(axis=0)), list(local.max(axis=0)), 8.0)
    faces = faces if np.linalg.det(axes) > 0 else faces[:, ::-1]
    return replace(bone, vertices_mm=vertices @ axes, faces=faces, edge_mm=8.0)


def test_a_point_inside_the_bone_is_shown_as_hidden() -> None:
    hip = phantoms.hip(Side.RIGHT)
    assert hip.femur is not None
    tip = hip.point("lesser_trochanter_tip")
    deeper = tip + 5 * (hip.point("femoral_head_centre") - tip) / np.linalg.norm(
        hip.point("femoral_head_centre") - tip
    )
    buried = alone(with_points(hip, {"odd_trochanter_point": deeper}), ("odd_trochanter_point",))
    flags = [hidden for part in parts_of(buried) for view in choose_views(part) for _, hidden in view.shows]
    assert flags  # every landmark is drawn somewhere, wherever it lies


@pytest.mark.parametrize("axes", ["LPS", "unknown"])
@pytest.mark.parametrize("side", Side)
def test_every_landmark_is_in_a_picture_with_its_number(side: Side, axes: str) -> None:
    hip = phantoms.hip(side)
    sheet = hip_landmarks(hip, landmark_numbers(pelvis_of(hip)), axes)
    assert [row.name for row in sheet.rows] == list(hip.landmarks)
    assert all(row.pictures for row in sheet.rows)
    for picture in sheet.pictures:
        root = fromstring(picture.svg)
        numbers = {text.text for text in root.iter("text")}
        for row in sheet.rows:
            if picture.key in row.pictures.split():
                assert str(row.number) in numbers
                assert row.name.replace("_", " ") in str(root.findtext("desc"))
        assert root.get("role") == "img"
        assert any("mm" in str(text.text) for text in root.iter("text"))  # scale bar


def test_a_name_has_one_number_on_both_sides() -> None:
    pelvis = phantoms.pelvis()
    assert pelvis.left is not None
    extra = with_points(pelvis.left, {"only_left": pelvis.left.point("lesser_trochanter_tip")})
    numbers = landmark_numbers(replace(pelvis, left=extra))
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert numbers["only_left"] == len(numbers)
    for hip in (pelvis.left, pelvis.right):
        assert hip is not None
        for row in hip_landmarks(hip, numbers, "LPS").rows:
            assert row.number == numbers[row.name]


def test_sigma_is_a_circle_to_scale() -> None:
    hip = alone(
        with_points(
            phantoms.hip(Side.LEFT),
            {"trochanter_point": phantoms.hip(Side.LEFT).point("lesser_trochanter_tip")},
        ),
        ("trochanter_point",),
    )
    (part,) = parts_of(hip)
    for view, root in zip(choose_views(part), sheet_svgs(hip), strict=True):
        radii = [float(e.attrib["r"]) for e in root.iter("circle") if e.get("class") == "sigma-circle"]
        wanted = 3.0 / view.camera.mm_per_px
        assert radii == pytest.approx([wanted] * len(view.shows), abs=TENTH_PX)


def test_a_read_point_has_another_shape_and_a_centre_a_cross() -> None:
    hip = phantoms.hip(Side.RIGHT)
    read = with_points(hip, {"trochanter_read": hip.point("lesser_trochanter_tip")}, "reader: A. B. 2020")
    sheet = hip_landmarks(read, landmark_numbers(pelvis_of(read)), "LPS")
    kinds = {entry.kind for entry in sheet.legend}
    assert {"diamond", "cross", "dot"} <= kinds
    assert any(root.iter("polygon") and list(root.iter("polygon")) for root in sheet_svgs(read))
    assert not any(list(root.iter("polygon")) for root in sheet_svgs(hip))


def test_views_follow_the_body_when_it_is_turned(rng: np.random.Generator) -> None:
    hip = phantoms.hip(Side.LEFT)
    some = hip.femur or hip.hip_bone
    assert some is not None
    turned = phantoms.moved(hip, phantoms.random_motion(rng, some.frame))
    for before, after in zip(parts_of(hip), parts_of(turned), strict=True):
        assert [view.name for view in choose_views(before)] == [view.name for view in choose_views(after)]


def test_numbers_keep_apart_and_inside() -> None:
    points = [np.array([300.0 + 9 * k, 300.0 + 7 * (k % 3)]) for k in range(9)]
    places = label_places(points, MARKS_PX, MARKS_PX)
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(places, 2)) > 38  # two radii of a plate
    corner = label_places([np.array([3.0, 3.0])], MARKS_PX, MARKS_PX)[0]
    assert (corner > 19).all()
    assert label_places([], MARKS_PX, MARKS_PX) == []
    again = label_places(points, MARKS_PX, MARKS_PX)
    assert all(np.array_equal(a, b) for a, b in zip(places, again, strict=True))


def test_pelvis_in_one_surface_shows_one_half() -> None:
    hips = phantoms.pelvis()
    assert hips.left is not None
    assert hips.right is not None
    one, two = hips.left.hip_bone, hips.right.hip_bone
    assert one is not None
    assert two is not None
    shift = np.array([-150.0, 0, 0])
    vertices = np.concatenate([one.vertices_mm, one.vertices_mm + shift])
    faces = np.concatenate([one.faces, one.faces + len(one.vertices_mm)])
    joined = Bone("pelvis", None, vertices, faces, one.frame, one.edge_mm, one.source)
    hip = replace(hips.left, hip_bone=joined)
    part = next(part for part in parts_of(hip) if part.bone == "hip_bone")
    assert 0 < len(part.faces) < len(faces)
    whole = Landmark("sacral_promontory", None, one.vertices_mm[0], one.frame, 2.0, "m@1")
    pelvis = Pelvis(hip, None, None, {"sacral_promontory": whole}, {})
    sheet = midline_landmarks(pelvis, landmark_numbers(pelvis), "LPS")
    assert sheet is not None
    assert len(sheet.pictures) >= 2
    assert [row.name for row in sheet.rows] == ["sacral_promontory"]


def test_midline_landmarks_without_a_bone_are_listed_alone() -> None:
    hip = replace(phantoms.hip(Side.LEFT), hip_bone=None)
    point = Landmark("sacral_centre", None, np.zeros(3), next(iter(hip.landmarks.values())).frame, 2.0, "m@1")
    pelvis = pelvis_of(hip, landmarks={"sacral_centre": point})
    sheet = midline_landmarks(pelvis, landmark_numbers(pelvis), "LPS")
    assert sheet is not None
    assert sheet.pictures == ()
    assert sheet.rows[0].pictures == ""
    assert midline_landmarks(pelvis_of(hip), {}, "LPS") is None


def test_a_cut_femur_is_one_part_and_a_whole_one_three() -> None:
    hip = phantoms.hip(Side.RIGHT)
    assert hip.femur is not None
    up = directions(hip)[1]
    short = [part.key for part in parts_of(hip) if part.bone == "femur"]
    assert short == ["proximal"]
    # Its lowest tenth pulled down, the phantom is as long as a femur.
    height = hip.femur.vertices_mm @ up
    low = height < height.min() + 0.1 * np.ptp(height)
    vertices = hip.femur.vertices_mm - 300.0 * low[:, None] * up
    long = replace(hip, femur=replace(hip.femur, vertices_mm=vertices))
    foot = vertices[int((vertices @ up).argmin())]
    parts = parts_of(with_points(long, {"condyle_lowest": foot}))
    assert [part.key for part in parts if part.bone == "femur"] == ["proximal", "distal", "whole"]


def test_what_is_missing_says_why_once() -> None:
    hip = replace(
        phantoms.hip(Side.LEFT),
        reasons={"asis": "cut", "aiis": "cut", "pelvis_app_from_patient": "no frame", "psis": NASTY},
    )
    sheet = hip_landmarks(hip, landmark_numbers(pelvis_of(hip)), "LPS")
    assert sheet.missing == ((("asis", "aiis"), "cut"), (("psis",), NASTY))


def test_unknown_axes_without_frames_name_no_direction() -> None:
    hip = replace(phantoms.hip(Side.LEFT), frames={})
    sheet = hip_landmarks(hip, landmark_numbers(pelvis_of(hip)), "unknown")
    assert sheet.pictures
    assert not sheet.has_letters
    for picture in sheet.pictures:
        assert "from" not in picture.title
        assert not {text.text for text in fromstring(picture.svg).iter("text")} & {
            "R",
            "L",
            "A",
            "P",
            "S",
            "I",
        }


def test_no_bone_no_picture() -> None:
    hip = replace(phantoms.hip(Side.LEFT), femur=None, hip_bone=None, regions={})
    sheet = hip_landmarks(hip, landmark_numbers(pelvis_of(hip)), "LPS")
    assert sheet.pictures == ()
    assert all(row.pictures == "" for row in sheet.rows)


def test_page_is_escaped_and_repeats(make_study: Callable[..., Study]) -> None:
    hip = phantoms.hip(Side.LEFT)
    odd = with_points(hip, {NASTY: hip.point("lesser_trochanter_tip")}, NASTY)
    study = make_study(Pelvis(replace(odd, reasons={NASTY: NASTY}), None, None, {}, {}))
    page = render_report(study, to_dict(study))
    assert "<script" not in page
    assert page == render_report(study, to_dict(study))


def test_rim_and_isthmus_are_drawn_when_they_are_there() -> None:
    hip = phantoms.hip(Side.RIGHT)
    assert hip.femur is not None
    region = next(region for region in hip.regions.values() if region.bone != "femur")
    head, tip = hip.point("femoral_head_centre"), hip.point("lesser_trochanter_tip")
    more = with_points(hip, {"neck_isthmus_centre": head + 0.5 * (tip - head)})
    rim = replace(more, regions={**hip.regions, "acetabular_rim": replace(region, name="acetabular_rim")})
    sheet = hip_landmarks(rim, landmark_numbers(pelvis_of(rim)), "LPS")
    assert {"outline", "colour"} <= {entry.kind for entry in sheet.legend}
    bare = hip_landmarks(hip, landmark_numbers(pelvis_of(hip)), "LPS")
    assert not {"outline", "colour"} & {entry.kind for entry in bare.legend}


def test_a_mark_knows_its_scale_and_kind() -> None:
    hip = phantoms.hip(Side.RIGHT)
    part = parts_of(hip)[0]
    camera = Camera(np.zeros(3), *np.eye(3), MARKS_PX, MARKS_PX, 0.5)
    centre = next(place for place in part.places if place.landmark.name == "femoral_head_centre")
    mark = Mark.of(centre, camera, hidden=False)
    assert mark.kind == "centre"
    assert mark.ball_px == pytest.approx(2 * centre.landmark.detail["radius_mm"])
    assert isinstance(next(iter(hip.frames.values())), Transform)

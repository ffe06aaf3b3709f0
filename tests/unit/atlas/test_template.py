"""Vertices that the template names lie where anatomy says, on both sides alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ischio.atlas.model import BoneModel, bone_model, vertex_normals
from ischio.atlas.template import ISCHIUM_PARTS, RIM_BINS, Template, femur_template, pelvis_template
from ischio.types import Side

# The mean pelvis is the mean of 26 people who are not symmetric, on 2-5 mm edges.
MIRROR_MM = 8.0
MIRROR_CENTRE_MM = 6.0  # of means of many vertices; the midline is that of the wings, 3 mm off lower down
BALL_RMS_MM = 1.5
TABLE_MM = 1.0  # a condyle's vertices are 3 mm apart on a radius of 20: so flat is its top

both_sides = pytest.mark.parametrize("side", Side, ids=lambda side: side.value)


@pytest.fixture(scope="module")
def pelvis() -> BoneModel:
    return bone_model("pelvis")


@pytest.fixture(scope="module")
def femur() -> BoneModel:
    return bone_model("femur")


def named(model: BoneModel, template: Template) -> dict[str, np.ndarray]:
    return {name: model.mean_mm[vertex] for name, vertex in template.points.items()}


def outwards(points: np.ndarray, side: Side, pelvis: BoneModel) -> np.ndarray:
    """Distance from the midline to the side, mm; x grows to the left."""
    x = pelvis.mean_mm[:, 0]
    distance: np.ndarray = -side.sign * (points[..., 0] - (x.max() + x.min()) / 2)
    return distance


class TestFemur:
    """A left femur, upright, in LPS: left is lateral, y grows backwards."""

    def test_its_head_is_the_ball_at_the_top_on_the_inside(self, femur: BoneModel) -> None:
        template = femur_template()
        centre, radius = template.ball_of(femur.mean_mm)
        away = np.linalg.norm(femur.mean_mm[template.ball] - centre, axis=1) - radius
        assert np.sqrt((away**2).mean()) < BALL_RMS_MM
        assert 18 < radius < 30
        height = femur.mean_mm[:, 2]
        assert centre[2] > height.max() - 1.6 * radius
        upper = femur.mean_mm[height > centre[2] - radius]
        assert centre[0] < upper[:, 0].mean()  # the greater trochanter is lateral of it

    def test_the_lesser_trochanter_is_below_behind_and_inside(self, femur: BoneModel) -> None:
        centre, radius = femur_template().ball_of(femur.mean_mm)
        tip = named(femur, femur_template())["lesser_trochanter_tip"]
        slice_ = femur.mean_mm[np.abs(femur.mean_mm[:, 2] - (tip[2] - 40)) < 5]
        shaft = slice_.mean(axis=0)
        assert 1.5 * radius < centre[2] - tip[2] < 3.7 * radius
        assert tip[1] > shaft[1] + 8  # behind the shaft
        assert tip[0] < shaft[0]  # on the side of the midline

    def test_the_knee_is_where_it_should_be(self, femur: BoneModel) -> None:
        at = named(femur, femur_template())
        bottom = femur.mean_mm[:, 2].min()
        for part in ("epicondyle", "posterior_condyle"):
            lateral, medial = at[f"{part}_lateral"], at[f"{part}_medial"]
            assert lateral[0] > medial[0] + 30
            assert max(lateral[2], medial[2]) < bottom + 60
        for word in ("lateral", "medial"):
            assert at[f"posterior_condyle_{word}"][1] > at[f"epicondyle_{word}"][1]
        width = np.linalg.norm(at["epicondyle_lateral"] - at["epicondyle_medial"])
        assert 60 < width < 100
        # As on a table top: nothing of the knee lies behind the line through both condyles.
        lateral, medial = at["posterior_condyle_lateral"], at["posterior_condyle_medial"]
        across = (lateral - medial) * [1, 1, 0]
        behind = np.cross([0, 0, 1], across) / np.linalg.norm(across)
        knee = femur.mean_mm[femur.mean_mm[:, 2] < bottom + 45]
        assert ((knee - lateral) @ behind).max() < TABLE_MM

    def test_all_of_it_has_to_be_covered(self, femur: BoneModel) -> None:
        assert femur_template().cover.tolist() == list(range(len(femur.mean_mm)))
        assert len(femur_template().labels) == len(femur_template().rim) == 0


class TestPelvis:
    @both_sides
    def test_its_points_stand_where_anatomy_says(self, side: Side, pelvis: BoneModel) -> None:
        template = pelvis_template(side)
        at, socket = named(pelvis, template), template.ball_of(pelvis.mean_mm)[0]
        for name in at:
            assert outwards(at[name], side, pelvis) > 0, name
        assert at["asis"][1] < socket[1] - 20 < at["psis"][1]  # y grows backwards
        assert min(at["asis"][2], at["psis"][2]) > socket[2] + 40
        assert at["ischial_tuberosity_inferior"][2] < socket[2] - 45
        assert at["pubic_tubercle"][1] < socket[1] - 20
        assert at["ischial_spine"][1] > socket[1] + 20
        assert abs(at["ischial_spine"][2] - socket[2]) < 30
        assert outwards(at["ischial_spine"], side, pelvis) < outwards(socket, side, pelvis)
        assert outwards(at["symphysis_inferior"], side, pelvis) < 13
        assert 14 < outwards(at["pubic_tubercle"], side, pelvis) < 31
        half = outwards(pelvis.mean_mm, side, pelvis) > 0
        behind = half & (pelvis.mean_mm[:, 1] > socket[1] - 5)
        assert at["ischial_tuberosity_inferior"][2] == pelvis.mean_mm[behind, 2].min()

    def test_left_and_right_mirror_each_other(self, pelvis: BoneModel) -> None:
        left, right = (named(pelvis, pelvis_template(side)) for side in (Side.LEFT, Side.RIGHT))
        assert set(left) == set(right)
        for name in left:
            apart = [outwards(left[name], Side.LEFT, pelvis) - outwards(right[name], Side.RIGHT, pelvis)]
            assert np.linalg.norm([*apart, *(left[name] - right[name])[1:]]) < MIRROR_MM, name

    @both_sides
    def test_its_socket_is_a_hollow_that_holds_a_head(self, side: Side, pelvis: BoneModel) -> None:
        template = pelvis_template(side)
        centre, radius = template.ball_of(pelvis.mean_mm)
        away = pelvis.mean_mm[template.ball] - centre
        normals = vertex_normals(pelvis.mean_mm, pelvis.faces)[template.ball]
        assert np.sqrt(((np.linalg.norm(away, axis=1) - radius) ** 2).mean()) < BALL_RMS_MM
        assert (np.einsum("ij,ij->i", away, normals) < 0).all()
        assert (outwards(pelvis.mean_mm[template.ball], side, pelvis) > 0).all()
        assert 18 < radius < 32

    def test_both_sockets_are_alike(self, pelvis: BoneModel) -> None:
        balls = [pelvis_template(side).ball_of(pelvis.mean_mm) for side in Side]
        assert abs(balls[0][1] - balls[1][1]) < MIRROR_CENTRE_MM
        lateral = [outwards(ball[0], side, pelvis) for ball, side in zip(balls, Side, strict=True)]
        assert abs(lateral[0] - lateral[1]) < MIRROR_MM
        assert np.abs(balls[0][0] - balls[1][0])[1:].max() < MIRROR_CENTRE_MM

    @both_sides
    def test_the_rim_goes_once_round_the_socket(self, side: Side, pelvis: BoneModel) -> None:
        template = pelvis_template(side)
        centre, radius = template.ball_of(pelvis.mean_mm)
        rim = pelvis.mean_mm[template.rim]
        assert len(rim) == RIM_BINS
        local = rim - rim.mean(axis=0)
        plane = np.linalg.svd(local)[2]
        assert np.abs(local @ plane[2]).max() < 0.5 * radius  # a saddle, but a flat one
        assert (np.linalg.norm(rim - centre, axis=1) < 1.6 * radius).all()
        turn = np.unwrap(np.arctan2(local @ plane[1], local @ plane[0]))
        steps = np.diff(turn) * np.sign(turn[-1] - turn[0])
        assert steps.min() > -2 * 2 * np.pi / RIM_BINS  # bins overlap by half: a step back at most
        assert abs(turn[-1] - turn[0]) == pytest.approx(2 * np.pi, abs=np.pi / 6)
        # It opens sideways, downwards and a little forwards; which way is out, a plane does not say.
        expected = np.array([-side.sign * 0.7, -0.3, -0.65])
        assert abs(plane[2] @ expected) / np.linalg.norm(expected) > np.cos(np.radians(20))

    @both_sides
    def test_the_ischium_has_its_parts_on_its_own_side(self, side: Side, pelvis: BoneModel) -> None:
        template = pelvis_template(side)
        assert len(template.labels) == len(pelvis.mean_mm)
        assert sorted(np.unique(template.labels)) == list(range(1 + len(ISCHIUM_PARTS)))
        middle = {
            part: pelvis.mean_mm[template.labels == 1 + k].mean(axis=0)
            for k, part in enumerate(ISCHIUM_PARTS)
        }
        ischium = pelvis.mean_mm[template.labels > 0]
        assert (outwards(ischium, side, pelvis) > 0).all()
        centre = template.ball_of(pelvis.mean_mm)[0]
        along = (pelvis.mean_mm[template.points["ischial_tuberosity_inferior"]] - centre) * [0, 1, 1]
        assert middle["body"][2] > middle["tuberosity"][2] > middle["ramus"][2] - 20
        assert middle["ramus"][1] < middle["tuberosity"][1]  # the ramus runs forwards
        assert ((ischium - centre) @ along > 0).all()  # below a plane across its own axis

    @both_sides
    def test_the_ischium_excludes_rim_spine_and_inner_surface(self, side: Side, pelvis: BoneModel) -> None:
        template = pelvis_template(side)
        chosen = template.labels > 0
        ischium = pelvis.mean_mm[chosen]
        assert cKDTree(pelvis.mean_mm[template.rim]).query(ischium)[0].min() > 5.0
        spine = pelvis.mean_mm[template.points["ischial_spine"]]
        assert np.linalg.norm(ischium - spine, axis=1).min() > 12.0
        normals = vertex_normals(pelvis.mean_mm, pelvis.faces)[chosen]
        assert (-side.sign * normals[:, 0]).min() > -0.5

    @both_sides
    def test_the_tuberosity_holds_the_lowest_point_or_ends_beside_it(
        self, side: Side, pelvis: BoneModel
    ) -> None:
        template = pelvis_template(side)
        lowest = pelvis.mean_mm[template.points["ischial_tuberosity_inferior"]]
        tuberosity = pelvis.mean_mm[template.labels > 1]
        assert np.linalg.norm(tuberosity - lowest, axis=1).min() < 10.0  # mm: two edges

    def test_the_ischium_is_alike_on_both_sides(self, pelvis: BoneModel) -> None:
        middles, counts = [], []
        for side in Side:
            chosen = pelvis.mean_mm[pelvis_template(side).labels > 0]
            middles.append([outwards(chosen, side, pelvis).mean(), *chosen.mean(axis=0)[1:]])
            counts.append(len(chosen))
        assert np.abs(np.subtract(middles[0], middles[1])).max() < MIRROR_CENTRE_MM
        assert counts[0] == pytest.approx(counts[1], rel=0.15)

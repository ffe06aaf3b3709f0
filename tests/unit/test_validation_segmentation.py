"""What rows for made CT are computed from: distances from surfaces, and what a label map gives away."""

from __future__ import annotations

import numpy as np
import pytest

from ischio.atlas.parts import part_model
from ischio.geometry.solid import solid
from ischio.geometry.surface_gap import closest_on_triangles
from ischio.types import Bone, Frame, Side, Volume
from ischio.validation.segmentation import _from_surface, _taken

FRAME = Frame("patient", "made")
CUBE = np.array([[x, y, z] for x in (0.0, 1) for y in (0.0, 1) for z in (0.0, 1)])
FACES = np.array(
    [
        *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]),
        *([2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
    ]
)


@pytest.mark.parametrize("side", list(Side))
def test_distances_are_from_the_surface_and_not_from_its_vertices(side: Side) -> None:
    model = part_model("femur", side)
    triangles = model.mean_mm[model.faces]
    rng = np.random.default_rng(1)
    some = rng.choice(len(triangles), 6)
    points = triangles[some].mean(axis=1) + rng.normal(scale=0.4, size=(6, 3))
    slow = [
        np.linalg.norm(
            closest_on_triangles(np.tile(point, (len(triangles), 1)), triangles) - point, axis=1
        ).min()
        for point in points
    ]
    np.testing.assert_allclose(_from_surface(points, triangles), slow, atol=1e-9)


def test_what_is_given_to_another_is_told_by_its_share() -> None:
    femur = Bone("femur", Side.LEFT, 20.0 * CUBE, FACES, FRAME, 1.0, "made")
    hip_bone = Bone("hip_bone", Side.LEFT, 20.0 * CUBE + [20.0, 0, 0], FACES, FRAME, 1.0, "made")
    matrix = np.eye(4)
    matrix[:3, 3] = [-4.5, -4.5, -4.5]
    values = np.zeros((50, 30, 30), dtype=np.uint8)
    for number, bone in enumerate((femur, hip_bone), start=1):
        values[solid(bone.vertices_mm, bone.faces, matrix, (50, 30, 30))] = number
    names = {1: "femur_left", 2: "hip_bone_left"}
    labels = Volume(values, matrix, FRAME, "labels", "1", "made", names)
    assert _taken(femur, hip_bone, labels) == 0.0
    values[22:25][values[22:25] == 1] = 2  # of 20 layers three
    assert _taken(femur, hip_bone, labels) == pytest.approx(3 / 20)
    assert _taken(hip_bone, femur, labels) == 0.0

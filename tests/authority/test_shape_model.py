"""The shape model's surfaces against those that its authors' own evaluator gave.

``llp26_left_triangulated.npz`` (beside the project, MPL-2.0) holds the surfaces of
musculoskeletal-models 0.2.4, evaluated on fixed points of every element with gias3.fieldwork
3.0.1: mean, modes and each person's weights, so mean + modes @ projected_weights[:, i] is person i.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ischio.atlas.fieldwork import model_file, read_arrays, read_surface
from ischio.atlas.model import N_PEOPLE, person_surface

pytestmark = pytest.mark.real_data

SAME_POINT_MM = 1e-4  # the file holds float32 of numbers near 1200: 6e-5 each
STEPS = 4  # cells along an element's edge that the file's pelvis has
# The file's femur has other points of the same surface; flat faces of 1 mm lie that much below it.
FINE_STEPS = 40
FEMUR_MM = 0.04

Truth = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def truth(shared_data: Path) -> Truth:
    file = shared_data / "ssm_llp26" / "llp26_left_triangulated.npz"
    with np.load(file) as content:
        return {name: np.asarray(content[name]) for name in content.files}


def of_bone(truth: Truth, name: str) -> np.ndarray:
    """Mask of a bone's vertices."""
    mask: np.ndarray = truth["vertex_bone"] == truth["bone_names"].tolist().index(name)
    return mask


def person(truth: Truth, bone: str, i: int) -> np.ndarray:
    """A bone's points of one person, as the file gives them."""
    rows = of_bone(truth, bone)
    points: np.ndarray = truth["mean"][rows] + truth["modes"][rows] @ truth["projected_weights"][:, i]
    return points


def farthest(points: np.ndarray, among: np.ndarray) -> float:
    """Largest distance from a point to the nearest of the others."""
    return float(cKDTree(among).query(points)[0].max())


def test_the_mean_pelvis_has_the_same_points(truth: Truth) -> None:
    nodes = np.asarray(read_arrays(model_file("shape_models", "LLP26_rigid.pc"))["mean"]).reshape(3, -1).T
    surface = read_surface("pelvis_combined_cubic_flat", STEPS)
    ours = surface.points_from_nodes @ nodes[: surface.points_from_nodes.shape[1]]
    theirs = truth["mean"][of_bone(truth, "pelvis")]
    assert len(ours) == len(theirs)
    assert max(farthest(ours, theirs), farthest(theirs, ours)) < SAME_POINT_MM


@pytest.mark.parametrize("i", [0, 9, 18, N_PEOPLE - 1])
def test_a_persons_pelvis_has_the_same_points(truth: Truth, i: int) -> None:
    ours, theirs = person_surface("pelvis", i, STEPS)[0], person(truth, "pelvis", i)
    assert max(farthest(ours, theirs), farthest(theirs, ours)) < SAME_POINT_MM


@pytest.mark.parametrize("i", [0, 9, 18, N_PEOPLE - 1])
def test_a_persons_femur_is_the_same_surface(truth: Truth, i: int) -> None:
    """Each of the file's points lies on our femur: the nearest faces are asked, not only vertices."""
    from ischio.geometry.surface_gap import closest_on_triangles

    vertices, faces = person_surface("femur", i, FINE_STEPS)
    theirs = person(truth, "femur_left", i)
    triangles = vertices[faces]
    nearest = cKDTree(triangles.mean(axis=1)).query(theirs, k=12)[1]
    off = np.full(len(theirs), np.inf)
    for column in nearest.T:
        off = np.minimum(
            off, np.linalg.norm(closest_on_triangles(theirs, triangles[column]) - theirs, axis=1)
        )
    assert off.max() < FEMUR_MM


def test_people_are_told_apart(truth: Truth) -> None:
    """The comparison would notice a person who is another: they differ by millimetres."""
    assert farthest(person_surface("pelvis", 3, STEPS)[0], person(truth, "pelvis", 4)) > 1.0

"""The shape model: modes that carry the people, similarities against known ones."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import InputError
from ischio.atlas.model import (
    N_PEOPLE,
    BoneModel,
    bone_model,
    bone_model_without,
    person_surface,
    similarity,
    vertex_areas,
    vertex_normals,
)
from ischio.geometry.sampling import face_normals
from ischio.types import Side

BONES = ("pelvis", "femur")
FIT_NOISE = 1e-9  # float64 some 500 mm from the origin
RIGHT_ANGLE_NOISE = 1e-12  # of 1: singular vectors
# Alignment stops after four rounds: what it leaves shows in late modes, which are small.
MEAN_COEFFICIENT, SD_COEFFICIENT = 0.2, 0.02
REBUILT_MM = 1.0
# A person who is not in the model is off by more than that somewhere: two to ten edges.
UNSEEN_MM = 2.0

People = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module", params=BONES)
def people(request: pytest.FixtureRequest) -> tuple[str, np.ndarray, np.ndarray]:
    """Bone, shapes of all people, and the area that each vertex stands for."""
    name: str = request.param
    shapes = np.stack([person_surface(name, person)[0] for person in range(N_PEOPLE)])
    return name, shapes, vertex_areas(shapes.mean(axis=0), person_surface(name, 0)[1])


def projected(model: BoneModel, shapes: np.ndarray, weights: np.ndarray) -> People:
    """Mode coefficients of shapes by least squares, and how far off the farthest vertex stays, mm."""
    flat = model.modes_mm.reshape(len(model.modes_mm), -1)
    weighted = flat * np.repeat(weights, 3)
    coefficients, left = [], []
    for shape in shapes:
        scale, rotation, offset = similarity(shape, model.mean_mm, weights)
        aligned = scale * shape @ rotation.T + offset
        coefficients.append(np.linalg.solve(weighted @ flat.T, weighted @ (aligned - model.mean_mm).ravel()))
        left.append(np.linalg.norm(model.shape(coefficients[-1]) - aligned, axis=1).max())
    return np.array(coefficients), np.array(left)


class TestModes:
    def test_they_stand_square_on_each_other_and_shrink(
        self, people: tuple[str, np.ndarray, np.ndarray]
    ) -> None:
        """In the metric of area: each vertex counts by its share of the surface."""
        name, _, weights = people
        model = bone_model(name)
        flat = model.modes_mm.reshape(len(model.modes_mm), -1)
        product = (flat * np.repeat(weights, 3)) @ flat.T
        size = np.sqrt(np.diag(product))
        assert len(flat) == N_PEOPLE - 1
        assert (np.diff(size) <= 0).all()
        # The pelvis's shapes were turned after their areas were taken: rounding only.
        assert np.abs(product / np.outer(size, size) - np.eye(len(flat))).max() < RIGHT_ANGLE_NOISE

    def test_each_is_one_standard_deviation_of_the_people(
        self, people: tuple[str, np.ndarray, np.ndarray]
    ) -> None:
        name, shapes, weights = people
        coefficients, _ = projected(bone_model(name), shapes, weights)
        assert np.abs(coefficients.mean(axis=0)).max() < MEAN_COEFFICIENT
        assert np.abs(coefficients.std(axis=0, ddof=1) - 1).max() < SD_COEFFICIENT

    def test_all_of_them_give_a_person_back(self, people: tuple[str, np.ndarray, np.ndarray]) -> None:
        name, shapes, weights = people
        _, left = projected(bone_model(name), shapes, weights)
        assert left.max() < REBUILT_MM

    def test_a_person_left_out_is_not_in_them(self, people: tuple[str, np.ndarray, np.ndarray]) -> None:
        name, shapes, weights = people
        model = bone_model_without(name, 18)
        assert len(model.modes_mm) == N_PEOPLE - 2
        _, left = projected(model, shapes[[18, 3]], weights)
        assert left[0] > UNSEEN_MM
        assert left[1] < REBUILT_MM

    def test_no_coefficients_are_the_mean(self) -> None:
        model = bone_model("femur")
        np.testing.assert_array_equal(model.shape(np.zeros(0)), model.mean_mm)
        assert model.shape(np.array([0.0, 2.0])) == pytest.approx(model.mean_mm + 2 * model.modes_mm[1])


@pytest.mark.parametrize("name", BONES)
class TestModel:
    def test_a_mirrored_model_is_the_other_side(self, name: str) -> None:
        model = bone_model(name)
        other = model.mirrored()
        np.testing.assert_array_equal(other.mean_mm, model.mean_mm * [-1, 1, 1])
        assert volume(other.mean_mm, other.faces) == pytest.approx(volume(model.mean_mm, model.faces))
        again = other.mirrored()
        for field in ("mean_mm", "modes_mm", "faces"):
            np.testing.assert_array_equal(getattr(again, field), getattr(model, field))

    def test_its_surface_is_outward(self, name: str) -> None:
        model = bone_model(name)
        assert volume(model.mean_mm, model.faces) > 100_000  # mm3; a bone, and not inside out

    def test_it_stands_upright(self, name: str) -> None:
        """A femur is longest from top to bottom, a pelvis from side to side."""
        assert int(np.argmax(np.ptp(bone_model(name).mean_mm, axis=0))) == {"femur": 2, "pelvis": 0}[name]


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed surface; positive when its faces are outward."""
    a, b, c = np.moveaxis(vertices[faces] - vertices.mean(axis=0), 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("person", [-1, N_PEOPLE])
def test_a_person_who_is_not_there_is_an_error(person: int) -> None:
    with pytest.raises(InputError, match=f"got person {person}; expected 0 to 25"):
        person_surface("femur", person)


def test_finer_cells_stay_on_the_surface() -> None:
    """The points of the coarse surface are among those of one with twice the cells."""
    from scipy.spatial import cKDTree

    coarse, fine = (person_surface("femur", 7, steps)[0] for steps in (4, 8))
    assert cKDTree(fine).query(coarse)[0].max() < FIT_NOISE


class TestVertices:
    def test_areas_are_shared_out_wholly(self) -> None:
        femur = phantoms.hip(Side.RIGHT).femur
        assert femur is not None
        shares = vertex_areas(femur.vertices_mm, femur.faces)
        assert shares.sum() == pytest.approx(face_normals(femur.triangles_mm)[1].sum())
        for vertex in (0, 100, len(femur.vertices_mm) - 1):
            around = (femur.faces == vertex).any(axis=1)
            assert shares[vertex] == pytest.approx(face_normals(femur.triangles_mm[around])[1].sum() / 3)

    def test_normals_are_unit_and_outward(self, rng: np.random.Generator) -> None:
        """On the phantom's head, a sphere: along the radius."""
        femur = phantoms.moved(phantoms.hip(Side.LEFT), phantoms.random_motion(rng)).femur
        head = phantoms.hip(Side.LEFT).femur
        assert femur is not None
        assert head is not None
        normals = vertex_normals(femur.vertices_mm, femur.faces)
        assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(normals)))

    def test_an_unused_vertex_has_no_normal(self) -> None:
        vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]])
        faces = np.array([[0, 1, 2]])
        assert vertex_normals(vertices, faces)[3].tolist() == [0.0, 0.0, 0.0]
        assert vertex_areas(vertices, faces)[3] == 0.0


class TestSimilarity:
    def test_a_known_one_comes_back(self, rng: np.random.Generator) -> None:
        for _ in range(10):
            source, weights = rng.normal(size=(40, 3)) * 30, rng.uniform(0.1, 5, size=40)
            scale, motion = rng.uniform(0.5, 2), phantoms.random_motion(rng)
            rotation, offset = motion.matrix[:3, :3], motion.matrix[:3, 3]
            found = similarity(source, scale * source @ rotation.T + offset, weights)
            assert found[0] == pytest.approx(scale, abs=FIT_NOISE)
            assert np.abs(found[1] - rotation).max() < FIT_NOISE
            assert np.abs(found[2] - offset).max() < FIT_NOISE

    def test_nothing_near_it_is_better(self, rng: np.random.Generator) -> None:
        """The weighted sum of squares is least: any small change makes it larger."""
        source, target = rng.normal(size=(2, 30, 3)) * 20
        weights = rng.uniform(0.1, 5, size=30)
        scale, rotation, offset = similarity(source, target, weights)

        def cost(scale: float, rotation: np.ndarray, offset: np.ndarray) -> float:
            return float(weights @ ((scale * source @ rotation.T + offset - target) ** 2).sum(axis=1))

        least = cost(scale, rotation, offset)
        for axis in np.eye(3):
            for step in (-1e-3, 1e-3):
                turn = np.eye(3) + step * np.cross(np.eye(3), axis)
                turn = np.linalg.svd(turn)[0] @ np.linalg.svd(turn)[2]
                assert cost(scale, turn @ rotation, offset) > least
                assert cost(scale, rotation, offset + step * axis) > least
                assert cost(scale * (1 + step), rotation, offset) > least

    def test_a_mirror_image_is_never_flipped_onto(self, rng: np.random.Generator) -> None:
        source = rng.normal(size=(30, 3))
        _, rotation, _ = similarity(source, source * [-1, 1, 1], np.ones(30))
        assert np.linalg.det(rotation) == pytest.approx(1.0)
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < FIT_NOISE

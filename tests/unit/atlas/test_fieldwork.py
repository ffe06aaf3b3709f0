"""The evaluator of the shape model's surfaces, and the reader that makes arrays and nothing else."""

from __future__ import annotations

import fractions
import os
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ischio._check import InputError
from ischio.atlas import fieldwork
from ischio.atlas.fieldwork import model_file, read_arrays, read_surface

SURFACES = ("pelvis_combined_cubic_flat", "femur_left_quartic_flat")
STEPS = (1, 2, 3, 5, 8)
ELEMENTS = tuple(fieldwork._ELEMENTS.values())
BYTES_AS_THEY_ARE = (3, 4)  # protocols; older ones spell bytes as text, newer ones hand buffers around
every_protocol = pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
WEIGHT_NOISE = 1e-10  # sums of 25 products of float64 of order 1 to 10


def points_of_quad(first: int, second: int) -> np.ndarray:
    """Positions of a quadrilateral's points, the first axis fastest."""
    return np.array([(i / first, j / second) for j in range(second + 1) for i in range(first + 1)])


def points_of_triangle(order: int) -> np.ndarray:
    """Positions of a triangle's points, row by row."""
    return np.array([(i / order, j / order) for j in range(order + 1) for i in range(order + 1 - j)])


def element(
    n_first: int, n_second: int | None, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights, faces, positions of nodes and of evaluated points of one element."""
    if n_second is None:
        weights, faces = fieldwork._triangle(n_first, steps)
        return weights, faces, points_of_triangle(n_first - 1), points_of_triangle(steps)
    weights, faces = fieldwork._quad(n_first, n_second, steps)
    return weights, faces, points_of_quad(n_first - 1, n_second - 1), points_of_quad(steps, steps)


@pytest.mark.parametrize("steps", [1, 4, 7])
@pytest.mark.parametrize(("n_first", "n_second"), ELEMENTS)
class TestElement:
    def test_it_reproduces_every_polynomial_of_its_order(
        self, n_first: int, n_second: int | None, steps: int
    ) -> None:
        weights, _, nodes, points = element(n_first, n_second, steps)
        assert weights.shape == (
            len(points),
            n_first * (n_first + 1) // 2 if n_second is None else n_first * n_second,
        )
        for a in range(n_first):
            for b in range(n_second or n_first - a):
                values = nodes[:, 0] ** a * nodes[:, 1] ** b
                assert np.abs(weights @ values - points[:, 0] ** a * points[:, 1] ** b).max() < WEIGHT_NOISE

    def test_its_cells_cover_it_once(self, n_first: int, n_second: int | None, steps: int) -> None:
        _, faces, _, points = element(n_first, n_second, steps)
        a, b, c = np.moveaxis(points[faces], 1, 0)
        areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
        assert len(faces) == (1 if n_second is None else 2) * steps**2
        assert areas == pytest.approx(0.5 / steps**2)  # all turn the same way, none is larger
        assert sorted(np.unique(faces)) == list(range(len(points)))


@pytest.mark.parametrize(
    ("n_first", "n_second"), [nodes for nodes in ELEMENTS if nodes[1] in (None, nodes[0])]
)
def test_at_its_nodes_an_element_is_its_nodes(n_first: int, n_second: int | None) -> None:
    weights, _, _, _ = element(n_first, n_second, n_first - 1)
    assert np.abs(weights - np.eye(len(weights))).max() < WEIGHT_NOISE


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("name", SURFACES)
class TestSurface:
    def test_weights_sum_to_one(self, name: str, steps: int) -> None:
        """A shift of all nodes shifts the surface, whatever the shape."""
        sums = np.asarray(read_surface(name, steps).points_from_nodes.sum(axis=1)).ravel()
        assert np.abs(sums - 1).max() < WEIGHT_NOISE

    def test_it_is_closed_and_turned_one_way(self, name: str, steps: int) -> None:
        surface = read_surface(name, steps)
        directed = Counter((int(face[k]), int(face[(k + 1) % 3])) for face in surface.faces for k in range(3))
        assert set(directed.values()) == {1}
        assert all((end, start) in directed for start, end in directed)
        n_edges = len(directed) // 2
        assert surface.points_from_nodes.shape[0] - n_edges + len(surface.faces) == 2  # Euler: no handle

    def test_every_vertex_is_used(self, name: str, steps: int) -> None:
        surface = read_surface(name, steps)
        assert len(np.unique(surface.faces)) == surface.points_from_nodes.shape[0]


def test_a_surface_is_built_once() -> None:
    assert read_surface(SURFACES[1], 3) is read_surface(SURFACES[1], 3)


class _Call:
    """Pickles as a call of a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.function, self.arguments


def pickled(path: Path, value: object, protocol: int) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


class TestArrays:
    @pytest.mark.parametrize("protocol", BYTES_AS_THEY_ARE)
    def test_arrays_come_back(self, protocol: int, tmp_path: Path, rng: np.random.Generator) -> None:
        value = {"mean": rng.normal(size=12), "modes": np.asfortranarray(rng.normal(size=(4, 3))), "n": 3}
        got = read_arrays(pickled(tmp_path / "a.pc", value, protocol))
        assert set(got) == set(value)
        np.testing.assert_array_equal(got["mean"], value["mean"])
        np.testing.assert_array_equal(got["modes"], value["modes"])

    @every_protocol
    def test_a_command_is_not_run(self, protocol: int, tmp_path: Path) -> None:
        made = tmp_path / "made"
        path = pickled(tmp_path / "a.pc", {"mean": _Call(os.system, f"touch '{made}'")}, protocol)
        with pytest.raises(InputError, match=r"got a pickled \w+\.system; expected numpy arrays alone"):
            read_arrays(path)
        assert not made.exists()

    @every_protocol
    @pytest.mark.parametrize(
        "value",
        [
            fractions.Fraction(1, 3),
            Counter("aab"),
            _Call(getattr, np.zeros(1), "tofile"),
            _Call(eval, "1 + 1"),
            _Call(np.load, "a.npy"),
            np.random.default_rng(0),
        ],
        ids=["Fraction", "Counter", "getattr", "eval", "numpy.load", "Generator"],
    )
    def test_any_other_class_is_refused(self, protocol: int, value: object, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"got a pickled .*; expected numpy arrays alone"):
            read_arrays(pickled(tmp_path / "a.pc", {"mean": value}, protocol))

    @every_protocol
    def test_arrays_of_objects_hold_nothing_else(self, protocol: int, tmp_path: Path) -> None:
        value = np.array([_Call(os.getcwd), 1], dtype=object)
        with pytest.raises(InputError, match="expected numpy arrays alone"):
            read_arrays(pickled(tmp_path / "a.pc", {"mean": value}, protocol))

    @pytest.mark.parametrize("protocol", BYTES_AS_THEY_ARE)
    def test_a_bare_array_is_refused(self, protocol: int, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"a\.pc: got ndarray; expected a dictionary"):
            read_arrays(pickled(tmp_path / "a.pc", np.zeros(3), protocol))


class TestPackage:
    def test_its_files_are_found(self) -> None:
        assert model_file("shape_models", "LLP26_rigid.pc").is_file()

    def test_a_file_it_does_not_hold_is_an_error(self) -> None:
        with pytest.raises(InputError, match=r"got no file shape_models/absent\.pc.*pip install"):
            model_file("shape_models", "absent.pc")

    @pytest.mark.parametrize("here", [False, True])
    def test_without_it_nothing_is_read(
        self, here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even a file of that name in the folder one happens to be in."""

        def missing(name: str) -> Path:
            raise ModuleNotFoundError(name)

        monkeypatch.setattr("importlib.resources.files", missing)
        monkeypatch.chdir(tmp_path)
        if here:
            (tmp_path / "shape_models").mkdir()
            pickled(tmp_path / "shape_models" / "LLP26_rigid.pc", {}, 4)
        with pytest.raises(InputError, match=r"expected the package musculoskeletal-models 0\.2"):
            model_file("shape_models", "LLP26_rigid.pc")

    def test_a_mesh_that_is_not_what_it_was_is_an_error(self) -> None:
        mesh = {"name": "two points", "number_of_points": 3, "connectivity": {"0_0": "1_0", "0_1": ""}}
        with pytest.raises(InputError, match="two points: got 2 nodes; expected 3"):
            fieldwork._element_nodes(mesh, {0: 0, 1: 1, 2: 2})

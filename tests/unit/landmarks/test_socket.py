"""The sphere of a socket: found through its roof, whatever the fossa below does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from ischio.landmarks.socket import METHOD, METHOD_OF_REST, socket_sphere
from ischio.types import Bone, Frame

RADIUS_MM = 25.0
EDGE_MM = 1.7  # the rim of a real socket is wider than its sphere by about as much
MESH_MM = 0.15  # chords of the made sphere lie inside it by a tenth of a millimetre
UP, OPENING = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
RIM_MM = (RADIUS_MM + EDGE_MM) * np.stack(
    [np.zeros(120), *(fn(np.linspace(0, 2 * np.pi, 120, endpoint=False)) for fn in (np.cos, np.sin))], axis=1
)


BUMP_MM = 5.0  # high, and as deep
WIDTHS_MM = (6.0, 10.0, 15.0)
SHALLOW_MM = 8.0  # the rim's plane lies as far inside the sphere's centre in shallow sockets


def bowl(fossa_mm: float = 0.0, top_mm: float = np.inf) -> Bone:
    """Half a hollow sphere that opens along x, with a fossa in its lower half, cut off above a height."""
    rng = np.random.default_rng(5)
    points = rng.normal(size=(9000, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    faces = ConvexHull(points).simplices
    middles = points[faces].mean(axis=1)
    normals = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    outwards = np.einsum("ij,ij->i", normals, middles) > 0
    faces[outwards] = faces[outwards][:, ::-1]
    faces = faces[(middles[:, 0] < 0.05) & (RADIUS_MM * middles[:, 2] < top_mm)]
    in_fossa = (np.abs(points[:, 1]) < 0.5) & (points[:, 2] < 0.1) & (points[:, 0] < -0.2)
    reach = RADIUS_MM + np.where(in_fossa, fossa_mm, 0.0)
    return Bone("hip_bone", None, points * reach[:, None], faces, Frame("patient", "made"), 1.0, "made")


@pytest.mark.parametrize("fossa_mm", [0.0, 4.0])
def test_the_fossa_does_not_draw_the_centre_in(fossa_mm: float) -> None:
    found = socket_sphere(bowl(fossa_mm), RIM_MM, OPENING, UP)
    assert found is not None
    sphere, apart, _, method = found
    assert method == METHOD
    assert (apart > 1.0) == (fossa_mm > 0)  # a sphere through the fossa, too, lies elsewhere
    assert np.linalg.norm(sphere.centre_mm) < MESH_MM + 0.1 * fossa_mm
    assert sphere.radius_mm == pytest.approx(RADIUS_MM, abs=MESH_MM + 0.1 * fossa_mm)


@pytest.mark.parametrize("height_mm", [BUMP_MM, -BUMP_MM])
@pytest.mark.parametrize("width_mm", WIDTHS_MM)
def test_bumps_in_a_shallow_hollow_move_the_centre_by_less_than_their_height(
    height_mm: float, width_mm: float
) -> None:
    """As wide as the hollow, they make another sphere; the rim says which radius is likely."""
    whole = bowl()
    shallow = np.sqrt((RADIUS_MM) ** 2 - SHALLOW_MM**2) + EDGE_MM
    rim = RIM_MM * shallow / (RADIUS_MM + EDGE_MM) - SHALLOW_MM * OPENING
    for place in (-OPENING, -OPENING + UP, -OPENING + [0, 1, 1], -OPENING + [0, -1, 0]):
        middle = RADIUS_MM * place / np.linalg.norm(place)
        away = np.linalg.norm(whole.vertices_mm - middle, axis=1)
        inwards = -whole.vertices_mm / RADIUS_MM * height_mm
        vertices = whole.vertices_mm + np.exp(-0.5 * (away / width_mm) ** 2)[:, None] * inwards
        found = socket_sphere(replace(whole, vertices_mm=vertices), rim, OPENING, UP)
        before = socket_sphere(whole, rim, OPENING, UP)
        assert found is not None
        assert before is not None
        moved = np.linalg.norm(found.sphere.centre_mm - before.sphere.centre_mm)
        assert moved < BUMP_MM


def test_without_its_roof_the_rest_gives_the_sphere() -> None:
    found = socket_sphere(bowl(top_mm=2.0), RIM_MM, OPENING, UP)
    assert found is not None
    sphere, _, _, method = found
    assert method == METHOD_OF_REST
    assert np.linalg.norm(sphere.centre_mm) < MESH_MM


def test_no_socket_gives_none() -> None:
    assert socket_sphere(bowl(), RIM_MM + [200.0, 0, 0], OPENING, UP) is None

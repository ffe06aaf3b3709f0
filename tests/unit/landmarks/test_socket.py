"""The sphere of a socket: found through its roof, whatever the fossa below does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from ischio.landmarks.socket import METHOD, METHOD_OF_REST, socket_sphere
from ischio.types import Bone, Frame

RADIUS_MM = 25.0
MESH_MM = 0.15  # chords of the made sphere lie inside it by a tenth of a millimetre
UP, OPENING = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
RIM_MM = RADIUS_MM * np.stack(
    [np.zeros(120), *(fn(np.linspace(0, 2 * np.pi, 120, endpoint=False)) for fn in (np.cos, np.sin))], axis=1
)


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


def test_without_its_roof_the_rest_gives_the_sphere() -> None:
    found = socket_sphere(bowl(top_mm=2.0), RIM_MM, OPENING, UP)
    assert found is not None
    sphere, _, _, method = found
    assert method == METHOD_OF_REST
    assert np.linalg.norm(sphere.centre_mm) < MESH_MM


def test_no_socket_gives_none() -> None:
    assert socket_sphere(bowl(), RIM_MM + [200.0, 0, 0], OPENING, UP) is None

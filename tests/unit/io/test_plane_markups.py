"""Planes for 3D Slicer: the arithmetic of its reader, replayed."""

from __future__ import annotations

import json

import numpy as np

from ischio.io.markups import PlaneMark, planes_text

ROUNDING = 1e-4  # mm: what the file keeps


def test_the_reader_of_slicer_finds_the_plane(rng: np.random.Generator) -> None:
    normal = rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    point = rng.normal(size=3) * 100
    (mark,) = json.loads(planes_text([PlaneMark("left plane", "words", point, normal, 60.0)]))["markups"]
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert mark["planeType"] == "PointNormal"
    assert mark["coordinateSystem"] == "LPS"
    # Slicer negates the first two rows of both matrices of an LPS file, and x and y of the control points.
    object_to_base = turn @ np.array(mark["objectToBase"]).reshape(4, 4)
    base_to_node = turn @ np.array(mark["baseToNode"]).reshape(4, 4)
    node = base_to_node @ object_to_base
    np.testing.assert_allclose(object_to_base, np.eye(4))
    np.testing.assert_allclose(node[:3, 2], normal * [-1, -1, 1], atol=ROUNDING)
    np.testing.assert_allclose(node[:3, 3], point * [-1, -1, 1], atol=ROUNDING)
    np.testing.assert_allclose(node[:3, :3].T @ node[:3, :3], np.eye(3), atol=ROUNDING)
    assert np.linalg.det(node[:3, :3]) > 0
    (control,) = mark["controlPoints"]
    np.testing.assert_allclose(np.array(control["position"]) * [-1, -1, 1], node[:3, 3], atol=ROUNDING)
    assert control["positionStatus"] == "defined"

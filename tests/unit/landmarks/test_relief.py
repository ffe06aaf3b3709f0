"""What stands out from the laid model is seen for what it is, and moves no landmark by all it could."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio.atlas.model import vertex_normals
from ischio.landmarks.femur import find_femur
from ischio.landmarks.findings import Findings, SurfaceIndex, surface_index
from ischio.landmarks.grain import grain_mm
from ischio.landmarks.relief import AROUND_MM, relief
from ischio.types import Bone, Side

BUMP_MM, WIDTH_MM = 5.0, 4.0
SEEN_MM = 1.5  # of a bump the model and the level of the surroundings take up less
UNMOVED_MM = 1e-6


def bumped(bone: Bone, place: np.ndarray, height_mm: float) -> Bone:
    """A Gaussian bump, or a dent of negative height."""
    away = np.linalg.norm(bone.vertices_mm - place, axis=1)
    raised = height_mm * np.exp(-0.5 * (away / WIDTH_MM) ** 2)
    normals = vertex_normals(bone.vertices_mm, bone.faces)
    return replace(bone, vertices_mm=bone.vertices_mm + raised[:, None] * normals)


@pytest.mark.parametrize("name", ["posterior_condyle_medial", "epicondyle_lateral"])
@pytest.mark.parametrize("height_mm", [BUMP_MM, -BUMP_MM])
def test_a_bump_stands_out_by_its_height(femora: dict[Side, Findings], name: str, height_mm: float) -> None:
    found = femora[Side.LEFT]
    assert found.fit is not None
    place = found.landmarks[name].point_mm
    before = relief(surface_index(found.bone), found.fit, place, grain_mm(found.bone))
    after = relief(
        surface_index(bumped(found.bone, place, height_mm)), found.fit, place, grain_mm(found.bone)
    )
    assert before is not None
    assert after is not None
    assert float(np.abs(before.out_mm).max()) < BUMP_MM - SEEN_MM
    assert before.beyond_mm.max() < BUMP_MM / 2
    top = after.out_mm.max() if height_mm > 0 else -after.out_mm.min()
    assert abs(top - BUMP_MM) < SEEN_MM
    assert bool(after.beyond_mm.max() > BUMP_MM / 2) is (height_mm > 0)  # a dent raises nothing


def test_it_turns_with_the_bone(femora: dict[Side, Findings], rng: np.random.Generator) -> None:
    found = femora[Side.LEFT]
    fit = found.fit
    assert fit is not None
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    place = found.landmarks["epicondyle_medial"].point_mm
    here = relief(surface_index(found.bone), fit, place, grain_mm(found.bone))
    turned = replace(fit, vertices_mm=fit.vertices_mm @ turn.T, rotation=turn @ fit.rotation)
    there = relief(SurfaceIndex(found.bone.triangles_mm @ turn.T), turned, turn @ place, grain_mm(found.bone))
    assert here is not None
    assert there is not None
    np.testing.assert_allclose(there.out_mm, here.out_mm, atol=UNMOVED_MM)
    assert there.usual_mm == pytest.approx(here.usual_mm, abs=UNMOVED_MM)


def test_nothing_near_is_said(femora: dict[Side, Findings]) -> None:
    found = femora[Side.LEFT]
    assert found.fit is not None
    far = found.bone.vertices_mm.max(axis=0) + 3 * AROUND_MM
    assert relief(surface_index(found.bone), found.fit, far, 1.0) is None


def test_a_bump_beside_a_condyle_is_told_and_moves_it_little(femora: dict[Side, Findings]) -> None:
    found = femora[Side.LEFT]
    name = "posterior_condyle_medial"
    mark = found.landmarks[name]
    across = found.landmarks["posterior_condyle_lateral"].point_mm - mark.point_mm
    beside = mark.point_mm + 8.0 * across / np.linalg.norm(across)
    vertices = found.bone.vertices_mm
    place = vertices[np.argmin(np.linalg.norm(vertices - beside, axis=1))]
    after = find_femur(bumped(found.bone, place, BUMP_MM)).landmarks[name]
    assert np.linalg.norm(after.point_mm - mark.point_mm) < BUMP_MM
    assert after.detail["sigma_parts_mm"]["stands_out"] > 1.0
    assert after.sigma_mm == pytest.approx(np.linalg.norm(list(after.detail["sigma_parts_mm"].values())))
    assert after.sigma_mm > mark.sigma_mm

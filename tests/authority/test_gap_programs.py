"""The exact gap against independent programs: coal and fcl (bounding volume trees, GJK).

They come with ``pip install 'ischio[bench]'``; without them these tests skip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ischio import phantoms
from ischio.atlas import reconstruction
from ischio.geometry.surface_gap import surface_gap
from ischio.landmarks import find_pelvis
from ischio.types import Side

PROGRAM_MM = 1e-5  # both iterate until about 1e-6 of the size
N_SOUPS = 12


def by_coal(a: np.ndarray, b: np.ndarray) -> float:
    coal = pytest.importorskip("coal")

    def tree(triangles: np.ndarray) -> Any:
        model = coal.BVHModelOBBRSS()
        model.beginModel(len(triangles), 3 * len(triangles))
        model.addSubModel(*soup(coal, triangles))
        model.endModel()
        return model

    result = coal.DistanceResult()
    coal.distance(tree(a), coal.Transform3s(), tree(b), coal.Transform3s(), coal.DistanceRequest(), result)
    return max(float(result.min_distance), 0.0)


def soup(coal: Any, triangles: np.ndarray) -> tuple[Any, Any]:
    """Corners and faces in coal's containers."""
    points, faces = coal.StdVec_Vec3s(), coal.StdVec_Triangle()
    for corner in triangles.reshape(-1, 3):
        points.append(corner)
    for k in range(len(triangles)):
        faces.append(coal.Triangle(3 * k, 3 * k + 1, 3 * k + 2))
    return points, faces


def by_fcl(a: np.ndarray, b: np.ndarray) -> float:
    fcl = pytest.importorskip("fcl")

    def thing(triangles: np.ndarray) -> Any:
        model = fcl.BVHModel()
        model.beginModel(3 * len(triangles), len(triangles))
        model.addSubModel(triangles.reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3))
        model.endModel()
        return fcl.CollisionObject(model)

    return max(float(fcl.distance(thing(a), thing(b), fcl.DistanceRequest(), fcl.DistanceResult())), 0.0)


programs = pytest.mark.parametrize("program", [by_coal, by_fcl], ids=["coal", "fcl"])


@pytest.fixture(scope="module")
def regions() -> tuple[np.ndarray, np.ndarray]:
    """Lesser trochanter and ischium of a reconstructed person."""
    pelvis, _ = find_pelvis(
        reconstruction(18),
        axes="LPS",
        sides=(Side.LEFT,),
        posture="model",
        progress=lambda _words, _share: None,
    )
    assert pelvis.left is not None
    return pelvis.left.region_triangles("lesser_trochanter"), pelvis.left.region_triangles("ischium")


@programs
def test_a_persons_regions(program: Any, regions: tuple[np.ndarray, np.ndarray]) -> None:
    assert surface_gap(*regions).gap_mm == pytest.approx(program(*regions), abs=PROGRAM_MM)


@programs
def test_loose_triangles(program: Any, rng: np.random.Generator) -> None:
    """Apart and crossing, far from the origin, turned at random."""
    for spread in np.linspace(0, 40, N_SOUPS):
        motion = phantoms.random_motion(rng)
        a, b = (
            motion.apply(rng.normal(size=(60, 3, 3)) * 3 + rng.normal(size=(60, 1, 3)) * 8 + [shift, 0, 0])
            for shift in (0.0, spread)
        )
        assert surface_gap(a, b).gap_mm == pytest.approx(program(a, b), abs=PROGRAM_MM)


@pytest.mark.parametrize("side", Side, ids=lambda side: side.value)
@programs
def test_a_phantom(program: Any, side: Side) -> None:
    hip = phantoms.hip(side, gap_mm=7.5)
    a, b = (hip.region_triangles(name) for name in ("lesser_trochanter", "ischium"))
    assert program(a, b) == pytest.approx(7.5, abs=PROGRAM_MM)
    assert surface_gap(a, b).gap_mm == pytest.approx(7.5, abs=PROGRAM_MM)

"""What a surgeon is told: distances from landmarks, structures somebody marked, and what others published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import InputError
from ischio.geometry.solids import half_space
from ischio.io.markups import SCHEMA, read_structures
from ischio.phantoms.resection import SHAFT_RADIUS_MM, SPHERE_FROM_AXIS_MM, SPHERE_RADIUS_MM
from ischio.plan.provenance import STRUCTURES, approaches, protocols, structures
from ischio.plan.site import Resection, Site, prepare, resect
from ischio.plan.telling import distances
from ischio.types import Side

DEPTH_MM = 4.0
MESH_MM = 0.1  # the sphere has 96 corners round, the smooth femur is met to 0.1 mm


@pytest.fixture(scope="module", params=list(Side))
def cut(request: pytest.FixtureRequest) -> tuple[Site, Resection]:
    """Four millimetres off the back of a sphere on a cylinder, in a scan that lies askew."""
    hip = phantoms.moved(
        phantoms.sphere_on_cylinder(request.param), phantoms.random_motion(np.random.default_rng(8))
    )
    site = prepare(hip)
    return site, resect(site, half_space(site.back, site.tip_mm - DEPTH_MM * site.back, 60.0))


def test_distances_are_those_of_the_sphere(cut: tuple[Site, Resection]) -> None:
    found = {row["name"]: row for row in distances(*cut, reached_mm=12.0)}
    half = np.sqrt(SPHERE_RADIUS_MM**2 - (SPHERE_RADIUS_MM - DEPTH_MM) ** 2)  # of the cut's disc
    rim = np.hypot(SPHERE_FROM_AXIS_MM + SPHERE_RADIUS_MM - DEPTH_MM, half) - SHAFT_RADIUS_MM
    assert found["tip_to_cut"]["mm"] == pytest.approx(DEPTH_MM, abs=MESH_MM)
    assert found["above_tip"]["mm"] == pytest.approx(half, abs=MESH_MM)
    assert found["below_tip"]["mm"] == pytest.approx(half, abs=MESH_MM)
    assert found["greatest_over_shaft"]["mm"] == pytest.approx(rim, abs=MESH_MM)
    assert found["to_ischium"]["mm"] == 12.0
    assert found["below_base_top"]["mm"] > 0
    assert found["below_greater_trochanter"]["mm"] is None
    assert found["below_greater_trochanter"]["reason"]
    assert {row["seen_by"] for row in found.values()} == {
        "fluoroscopy",
        "endoscope",
        "fluoroscopy and endoscope",
    }


def test_structures_have_millimetres_only_where_somebody_marked_them(cut: tuple[Site, Resection]) -> None:
    site, resection = cut
    along = site.tip_mm + 8.0 * site.back + np.array([[-30.0], [30.0]]) * site.up
    rows = {row["name"]: row for row in structures({"sciatic_nerve": along}, resection.cut_mm)}
    nerve = rows["sciatic_nerve"]
    assert nerve["distance_mm"] == pytest.approx(8.0 + DEPTH_MM, abs=0.1)  # a point each millimetre
    assert nerve["within_no_go"] is True
    others = [row for name, row in rows.items() if name != "sciatic_nerve"]
    assert len(others) == len(STRUCTURES) - 1
    assert all(row["distance_mm"] is None and "not marked" in row["reason"] for row in others)
    (uncut,) = (row for row in structures({"sciatic_nerve": along}, None) if row["name"] == "sciatic_nerve")
    assert uncut["reason"] == "nothing is cut"


def test_protocols_that_disagree_are_kept_side_by_side() -> None:
    flexion = [row for row in protocols() if row["subject"] == "active hip flexion"]
    assert [row["words"] for row in flexion] == ["avoided for 6 weeks", "avoided for 6 months"]
    assert {row["status"] for row in protocols()} == {"conflicting"}
    assert all(row["source"] for row in (*protocols(), *approaches()))
    assert all("no study" in row["cone_source"] for row in approaches())


def markups(path: Path, name: str, points: list[list[float]], axes: str = "LPS") -> Path:
    """A markups file with one curve."""
    controls = [{"label": f"C-{k}", "position": one} for k, one in enumerate(points)]
    whole = {
        "@schema": SCHEMA,
        "markups": [{"type": "Curve", "name": name, "coordinateSystem": axes, "controlPoints": controls}],
    }
    path.write_text(json.dumps(whole), "utf-8")
    return path


def test_a_curve_in_slicer_is_read_in_its_own_axes(tmp_path: Path) -> None:
    file = markups(
        tmp_path / "nerve.mrk.json", "Left Sciatic_nerve", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "RAS"
    )
    found = read_structures(file, STRUCTURES)
    assert list(found) == [("sciatic_nerve", Side.LEFT)]
    assert found["sciatic_nerve", Side.LEFT].tolist() == [[-1.0, -2.0, 3.0], [-4.0, -5.0, 6.0]]
    with pytest.raises(InputError, match=r"list 'tendon'; expected one of \['quadratus femoris insertion'"):
        read_structures(markups(tmp_path / "t.mrk.json", "tendon", [[0.0, 0.0, 0.0]]), STRUCTURES)
    with pytest.raises(InputError, match="no point to use"):
        read_structures(markups(tmp_path / "e.mrk.json", "sciatic nerve", []), STRUCTURES)

"""A femur after surgery: found again wherever it lies, and refused when it is another bone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio._check import InputError
from ischio.geometry.solids import half_space
from ischio.phantoms.resection import SPHERE_RADIUS_MM
from ischio.plan.compare import compare
from ischio.plan.goals import Goal, goal_of
from ischio.plan.same_bone import UNLIKE_MM, lay
from ischio.plan.site import Site, prepare, resect
from ischio.types import Bone, Side

GAP_MM, DEPTH_MM = 8.0, 4.0
CLOSED_FORM = 0.01  # relative, as for plans
SEEN_MM = 0.02  # of the gap: solver


@pytest.fixture(scope="module")
def site() -> Site:
    return prepare(phantoms.sphere_on_cylinder(Side.LEFT, gap_mm=GAP_MM))


@pytest.fixture(scope="module")
def cut(site: Site) -> Bone:
    """Four millimetres off the back of the trochanter, then moved to another scan."""
    tool = half_space(site.back, site.tip_mm - DEPTH_MM * site.back, 60.0)
    after = phantoms.moved(resect(site, tool).hip, phantoms.random_motion(np.random.default_rng(3))).femur
    assert after is not None
    return after


def goal(site: Site, clearance_mm: float) -> Goal:
    return goal_of(site.hip, clearance_mm)


def test_what_was_cut_is_found_wherever_the_bone_lies(site: Site, cut: Bone) -> None:
    found = compare(site, goal(site, 11.5), cut)
    assert found.laid.residual_mm < 1e-4
    cap = np.pi * DEPTH_MM**2 * (3 * SPHERE_RADIUS_MM - DEPTH_MM) / 3
    assert found.removed_mm3 == pytest.approx(cap, rel=CLOSED_FORM)
    assert abs(found.removed_elsewhere_mm3) < CLOSED_FORM * cap
    assert found.depth_mm == pytest.approx(DEPTH_MM, rel=CLOSED_FORM)
    assert found.depth_back_mm == pytest.approx(DEPTH_MM, rel=CLOSED_FORM)
    assert found.before_mm == pytest.approx(GAP_MM, abs=SEEN_MM)
    assert found.gap_mm == pytest.approx(GAP_MM + DEPTH_MM, abs=SEEN_MM)
    assert found.status == "reached"
    assert replace(found, goal=goal(site, 12.5)).status == "not_reached"
    rough = replace(found.laid, residual_mm=0.6)
    assert replace(found, goal=goal(site, 12.5), laid=rough).status == "uncertain"


def test_the_other_side_is_refused(site: Site, cut: Bone) -> None:
    other = replace(cut, vertices_mm=cut.vertices_mm * [-1.0, 1.0, 1.0], faces=cut.faces[:, ::-1])
    with pytest.raises(InputError, match=r"when it is mirrored; expected the left femur"):
        lay(site.femur, other, site.tip_mm)


def test_another_bone_is_refused(site: Site, cut: Bone) -> None:
    other = replace(cut, vertices_mm=cut.vertices_mm * [1.0, 1.0, 1.15])
    with pytest.raises(InputError, match=r"mm from the left femur away from the trochanter; expected"):
        lay(site.femur, other, site.tip_mm)


def noisy(bone: Bone, noise_mm: float, seed: int = 1) -> Bone:
    """The same bone, each corner off by noise in each direction."""
    shift = np.random.default_rng(seed).normal(size=bone.vertices_mm.shape) * noise_mm
    return replace(bone, vertices_mm=bone.vertices_mm + shift)


def test_noise_of_two_scans_moves_no_figure_far(site: Site, cut: Bone) -> None:
    found = compare(site, goal(site, 11.0), noisy(cut, 0.2))
    cap = np.pi * DEPTH_MM**2 * (3 * SPHERE_RADIUS_MM - DEPTH_MM) / 3
    assert found.laid.residual_mm < 0.3
    assert found.laid.unlike_mm < UNLIKE_MM / 2
    assert found.removed_mm3 == pytest.approx(cap, rel=0.1)
    assert found.gap_mm == pytest.approx(GAP_MM + DEPTH_MM, abs=4 * 0.2)  # the nearest corner is an outlier
    assert found.gap_mm <= GAP_MM + DEPTH_MM + SEEN_MM


def test_the_other_femur_of_a_person_is_refused_in_a_file_that_mirrors_it(site: Site, cut: Bone) -> None:
    """Two femora of one person agree in most places: here one bows, by a millimetre in patches."""
    height = cut.vertices_mm @ np.array([0.3, 0.5, 0.8])
    bowed = cut.vertices_mm + 0.9 * np.sin(height / 9.0)[:, None] * np.array([0.7, 0.1, 0.7])
    with pytest.raises(InputError, match=r"in patches all over its upper end; expected at most 0.35 mm"):
        lay(site.femur, replace(cut, vertices_mm=bowed), site.tip_mm)

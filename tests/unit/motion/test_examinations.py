"""Examinations: paths, levels, percentiles and sentences."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ischio import phantoms
from ischio.atlas import reconstruction
from ischio.atlas.reference_gaps import STEP_MM, packed, reference_gaps
from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import (
    EXAMINATIONS,
    PATHS,
    Reference,
    examine,
    percentile_of,
)
from ischio.motion.gait import gait_gaps
from ischio.motion.pairs import PAIRS, SPACE, pair_gaps, with_rim_halves
from ischio.motion.pose_sets import pose_path
from ischio.types import PoseSet, Region, Side

MIRROR_MM = 1e-6
SOLVER_MM = 0.04  # what the order of poses may change
SURFACE_MM = 0.5  # landmarks found on another machine, or by a newer rule, may turn a frame a little


def by_path(hip, reference=None):
    """Findings on trochanter and ischium by path name."""
    return {one.path.name: one for one in examine(hip, reference)[0] if one.pair == SPACE}


@pytest.mark.parametrize("side", Side)
def test_the_phantom_closes_where_its_shape_says(side: Side, rng: np.random.Generator) -> None:
    hip = phantoms.moved(phantoms.hip(side, gap_mm=8.0), phantoms.random_motion(rng))
    found = by_path(hip)
    adducted, neutral, apart = (found[f"ifi_test_{name}"] for name in ("adducted", "neutral", "abducted"))
    assert neutral.gap_mm[0] == pytest.approx(8.0, abs=1e-6)
    # The tip lies 60 mm below the centre: 10 degrees of adduction bring it 60 sin 10 mm to the midline.
    assert adducted.gap_mm[0] < 0 < neutral.gap_mm[0] < apart.gap_mm[0]
    assert adducted.levels[0].angle_deg == 0.0
    assert neutral.levels[2].angle_deg == 0.0
    assert apart.levels[0].angle_deg is None
    assert "wider than without abduction" in apart.words
    assert neutral.sub_part in ("tuberosity", "body")


def test_sides_agree() -> None:
    right = phantoms.hip(Side.RIGHT, gap_mm=5.0)
    a, b = by_path(right), by_path(phantoms.mirrored(right))
    for name, one in a.items():
        assert np.abs(one.gap_mm - b[name].gap_mm).max() < MIRROR_MM
        assert one.words == b[name].words


def test_a_finding_is_the_clearance_of_each_pose() -> None:
    hip = phantoms.hip(Side.LEFT, gap_mm=6.0)
    for name, one in by_path(hip).items():
        path = next(path for path in PATHS if path.name == name)
        poses = pose_path([path.start_deg, path.end_deg], zeros=("app", "pca"))
        gaps, _ = pair_gaps(hip, poses, (SPACE,))
        free = gaps[SPACE].gap_mm > 0
        assert np.abs(gaps[SPACE].gap_mm - one.gap_mm)[free].max(initial=0.0) <= SOLVER_MM
        assert one.change_mm == pytest.approx(one.gap_mm[-1] - one.gap_mm[0])
        for level in one.levels:
            down = one.gap_mm <= level.clearance_mm
            wanted = None if not down.any() else one.angle_deg[np.argmax(down)]
            assert level.angle_deg == wanted


def test_no_sentence_says_positive_or_impingement() -> None:
    others = Reference("other hips", np.full((4, 21), 3.0))
    for side in Side:
        known = {("ifi_test_neutral", SPACE): others}
        for one in examine(phantoms.hip(side, gap_mm=2.0), known)[0]:
            words = one.words.lower().replace("posterior impingement", "")  # the name of an examination
            assert "positive" not in words
            assert "impingement" not in words
            assert words.count(".") >= 1


def test_the_percentile_is_counted_in_the_same_pose() -> None:
    hip = phantoms.hip(Side.RIGHT, gap_mm=8.0)
    plain = by_path(hip)["ifi_test_neutral"]
    row = plain.narrowest
    gaps = np.full((4, 21), 50.0)
    gaps[0, row], gaps[1, row] = plain.gap_mm[row] - 1, -3.0
    one = by_path(hip, {("ifi_test_neutral", SPACE): Reference("hips", gaps)})["ifi_test_neutral"]
    assert (one.percentile, one.n_reference, one.n_touching) == (50.0, 4, 1)
    assert "percentile 50 among 4 hips in the same pose, of whom 1 touch" in one.words
    assert plain.percentile is None


def test_all_contact_is_one_rank() -> None:
    assert percentile_of(-8.0, np.array([-1.0, -2.0, 0.0, 4.0])) == 37.5


def test_what_is_missing_is_said_for_each_path() -> None:
    findings, reasons = examine(phantoms.hip(Side.LEFT))
    assert {one.pair for one in findings} == {SPACE}
    assert set(reasons) == {path.name for path in PATHS if SPACE not in path.pairs}
    assert "neck is missing" in reasons["fadir_10"]
    assert {path.examination for path in PATHS} == set(EXAMINATIONS)


def test_the_rim_is_cut_into_front_and_behind(rng: np.random.Generator) -> None:
    hip = phantoms.hip(Side.LEFT)
    plate = hip.regions["ischium"]
    rim = Region("acetabular_rim", hip.side, "hip_bone", plate.face_indices, plate.area_mm2, "test@1")
    whole = with_rim_halves(replace(hip, regions={**hip.regions, "acetabular_rim": rim}))
    halves = [whole.regions[f"acetabular_rim_{name}"] for name in ("front", "behind")]
    assert np.array_equal(np.sort(np.concatenate([one.face_indices for one in halves])), rim.face_indices)
    middles = [whole.region_triangles(one.name).mean(axis=(0, 1)) for one in halves]
    assert middles[0][1] < middles[1][1]  # in LPS, forward is -y
    assert with_rim_halves(whole) is whole
    assert with_rim_halves(hip) is hip  # no rim, nothing to cut


def test_the_packaged_reference_has_every_path_and_all_people() -> None:
    known = reference_gaps()
    for path in PATHS:
        n = len(pose_path([path.start_deg, path.end_deg]))
        for pair in path.pairs:
            assert known[path.name, pair].shape == (26, n)
    for name in gait_gaps(_with_pca(phantoms.hip(Side.LEFT)), _pca_cycle()).gaps:
        assert known[f"gait_{name}", SPACE].shape == (26, 51)
    assert all(pair in PAIRS for _, pair in known)


def _pca_cycle():
    """The average cycle in a zero that phantoms have."""
    return replace(average_cycle(Side.LEFT), rotation_zero="pca")


def _with_pca(hip):
    """The hip itself: it has app and pca."""
    return hip


def test_gaps_survive_packing() -> None:
    gaps = {("a", SPACE): np.array([[1.234, -2.0]])}
    table = json.loads(packed(gaps))["gaps"]
    assert list(table) == ["a:lesser_trochanter:ischium"]
    kept = np.array(table["a:lesser_trochanter:ischium"]) * STEP_MM
    assert np.abs(kept - gaps["a", SPACE]).max() <= STEP_MM / 2 + 1e-9


@pytest.mark.slow
def test_the_packaged_reference_is_what_the_script_makes() -> None:
    from ischio.validation.reference_people import reference_of

    made = reference_of([18])
    known = reference_gaps()
    assert set(made) == set(known)
    for key, gaps in made.items():
        kept = known[key][18]
        both = (gaps[0] > 0) & (kept > 0)  # depths of overlap say only that a pose cannot be reached
        assert np.abs(gaps[0] - kept)[both].max(initial=0.0) < SURFACE_MM
        assert (np.abs(gaps[0] - kept)[(gaps[0] > 0) != (kept > 0)] < SURFACE_MM).all()


@pytest.mark.slow
def test_reconstructed_people_have_every_pair() -> None:
    from ischio.validation.people import assessed

    hip = assessed(reconstruction(18), "model").left
    assert hip is not None
    gaps, reasons = pair_gaps(hip, PoseSet("neutral", np.zeros((1, 3)), "app", "pca"))
    assert reasons == {}
    assert set(gaps) == set(PAIRS)

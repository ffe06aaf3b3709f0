"""Stated sigmas: intervals of 95 % hold the truth on synthetic people, and parts agree with plain sampling.

`ischio validate` counts the same on many more people; here are enough to tell a wrong sigma.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from ischio import phantoms
from ischio.geometry.sections import outline_area_and_centroid
from ischio.measures import HALF_MM, REGISTRY, SURFACE_MM, take
from ischio.measures._femur import Middle, UpperFemur
from ischio.measures._given import closed_line
from ischio.measures._surface import alike, surface_sigma_mm
from ischio.types import Bone, Side
from ischio.validation.coverage import GAPS, MARGIN, SHARE, Held, coverage_rows, held_by_intervals
from ischio.validation.synthetic import field

PEOPLE, SEED = 10, 271828
CHANCE = 1e-3  # a right sigma is called wrong so rarely, for each measure
SAMPLES, ERROR = 4000, 0.06  # a sampled standard deviation is off by 1 %; surfaces bend by a few more
LEFT_OUT = 0.04  # 0.02 of the variance is left out of each place and made up for


def quiet(_words: str, _share: float) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def counts() -> dict[str, Held]:
    return held_by_intervals(PEOPLE, SEED, quiet)


@pytest.mark.parametrize("name", [one.name for one in REGISTRY if one.name not in GAPS])
def test_intervals_hold_the_truth(counts: dict[str, Held], name: str) -> None:
    held = counts[name]
    assert binom.cdf(held.within, held.count, SHARE - MARGIN) > CHANCE, "sigma too small"
    assert binom.sf(held.within - 1, held.count, SHARE + MARGIN) > CHANCE, "sigma too large"


def test_all_measures_together_hold_the_truth(counts: dict[str, Held]) -> None:
    within, count = (sum(getattr(one, what) for one in counts.values()) for what in ("within", "count"))
    assert within / count == pytest.approx(SHARE, abs=MARGIN)
    assert sum(one.refused for one in counts.values()) < 0.02 * count


def test_rows_say_what_was_counted() -> None:
    (row,) = (row for row in coverage_rows(1, 1, quiet) if "femoral_offset" in row.quantity)
    assert row.truth == SHARE
    assert "0 readings without a value" in row.note


def test_errors_are_alike_over_the_stated_length(rng: np.random.Generator) -> None:
    places = np.array([[0.0, 0, 0], [HALF_MM, 0, 0], [0, 4 * HALF_MM, 0]])
    drawn = np.array([field(rng, places) for _ in range(SAMPLES)])
    assert np.corrcoef(drawn.T) == pytest.approx(alike(places), abs=0.06)
    assert drawn.std(axis=0) == pytest.approx(np.ones(3), abs=0.05)


def test_places_of_a_line_are_alike_as_those_of_a_surface() -> None:
    turn = np.arange(320) * 2 * np.pi / 320
    ring = 50.0 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    given = closed_line(ring, np.sqrt(3.0))
    moves = np.array([(first - given.value)[:, 0] for first, _ in given.steps]) / np.sqrt(3.0)
    covariance = moves.T @ moves
    assert np.diag(covariance) == pytest.approx(np.ones(320))
    assert covariance == pytest.approx(alike(ring), abs=LEFT_OUT)
    # The plane through the line leans as it does with all of its errors.
    slow = ring[:, 0] / np.linalg.norm(ring[:, 0])
    assert slow @ covariance @ slow == pytest.approx(slow @ alike(ring) @ slow, rel=LEFT_OUT)


def test_the_middle_of_chords_errs_as_sampled(rng: np.random.Generator) -> None:
    """Both cortices moved by a random surface error, chord by chord."""
    upper = UpperFemur(phantoms.anatomy(Side.LEFT, is_neck_round=True))
    level = upper.isthmus_level
    neck = upper.neck(level)
    assert neck is not None
    found = upper.middle(neck, level)
    flat = np.stack([np.tile(neck.along_mm, 2), np.concatenate([neck.front_mm, neck.back_mm])], axis=1)
    ends = upper.head + flat[:, :1] * upper.along + flat[:, 1:] * upper.across + level * upper.up
    lean = upper._steep(ends, level, upper.across)
    outwards = np.repeat([1.0, -1.0], len(neck.along_mm))
    assert upper.hip.femur is not None
    sigma = surface_sigma_mm(upper.hip.femur)
    drawn = [sigma * np.mean(outwards * lean * field(rng, ends)) for _ in range(SAMPLES)]
    assert np.sqrt(upper.across @ found.covariance_mm2 @ upper.across) == pytest.approx(
        np.std(drawn), rel=ERROR
    )


def test_the_middle_of_an_outline_errs_as_sampled(rng: np.random.Generator) -> None:
    """Every corner of the outline moved along the surface's own normal, the area's middle taken again."""
    upper = UpperFemur(phantoms.anatomy(Side.RIGHT))
    level = -8.0 * upper.radius / 4
    found: Middle = upper.centroid(level)
    segments, group = upper.cut(level)
    sizes = {k: outline_area_and_centroid(segments[group == k], upper.up)[0] for k in np.unique(group)}
    around = segments[group == max(sizes, key=lambda k: sizes[k])]
    corners, index = np.unique(np.round(around.reshape(-1, 3), 6), axis=0, return_inverse=True)
    normal = np.cross(around[:, 1] - around[:, 0], upper.up)
    middle = outline_area_and_centroid(around, upper.up)[1]
    normal *= np.sign(np.einsum("ij,ij->i", normal, around.mean(axis=1) - middle))[:, None]
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    total, faces = np.zeros_like(corners), index.reshape(-1, 2)
    for end in range(2):
        np.add.at(total, faces[:, end], normal)
    mitred = 2 * total / (total**2).sum(axis=1)[:, None]
    assert upper.hip.femur is not None
    sigma = surface_sigma_mm(upper.hip.femur)
    drawn = []
    for _ in range(SAMPLES // 4):
        moved = corners + sigma * field(rng, corners)[:, None] * mitred
        drawn.append(outline_area_and_centroid(moved[faces], upper.up)[1])
    spread = np.sqrt(np.trace(np.cov(np.array(drawn).T)))
    assert np.sqrt(np.trace(found.covariance_mm2)) == pytest.approx(spread, rel=2 * ERROR)


@pytest.mark.parametrize("name", GAPS)
def test_a_gap_holds_the_truth_where_surfaces_are_displaced(name: str, rng: np.random.Generator) -> None:
    (one,) = (one for one in REGISTRY if one.name == name)
    moved, held, count = 0.6, 0, 150 if name == GAPS[0] else 60
    for _ in range(count):
        truth = rng.uniform(8, 25)
        if name == GAPS[0]:
            hip = phantoms.hip(Side.RIGHT, gap_mm=truth)
        else:
            hip = phantoms.anatomy(Side.RIGHT, trochanter_version_deg=0.0, gap_mm=truth)
        bones: dict[str, Any] = {}
        for part in ("femur", "hip_bone"):
            bone: Bone = getattr(hip, part)
            chord = bone.edge_mm**2 / 80
            shift = np.array([rng.normal(scale=np.hypot(chord, moved)), 0, 0])
            bones[part] = replace(bone, vertices_mm=bone.vertices_mm + shift, moved_mm=moved)
        row = take(one, replace(hip, **bones), Side.RIGHT)
        assert row.value is not None
        assert row.sigma is not None
        held += abs(row.value - truth) <= 1.96 * row.sigma
    assert binom.cdf(held, count, SHARE - MARGIN) > CHANCE
    assert binom.sf(held - 1, count, SHARE + MARGIN) > CHANCE


def test_the_surface_errs_by_half_a_millimetre() -> None:
    hip = phantoms.anatomy(Side.LEFT)
    assert hip.femur is not None
    fine = replace(hip.femur, edge_mm=1e-6, moved_mm=0.0)
    assert surface_sigma_mm(fine) == pytest.approx(SURFACE_MM)

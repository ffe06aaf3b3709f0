"""What every measure owes, whichever it is; a new file in measures/ is tested without a line here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ischio import phantoms
from ischio.measures import REGISTRY, UNIT_POWERS, Measure, take
from ischio.types import Hip, Measurement, Pelvis, Side

VALUE_NOISE = 1e-9  # float64 near 100; phantoms are exact
MOVED_NOISE = 1e-7  # the same up to 1 m from the origin, where positions are rounded before lengths are taken
N_MOTIONS = 5
SIGMA_SHARE = 5e-3  # a point's error is tried along the patient's axes: the curvature of a value sees which
FACTOR = 1.7  # of enlargement: no power of two, so nothing cancels

every_measure = pytest.mark.parametrize("one", REGISTRY, ids=lambda one: one.name)
both_sides = pytest.mark.parametrize("side", Side, ids=lambda side: side.value)


def read(one: Measure, subject: Hip | Pelvis) -> Measurement:
    return take(one, subject, subject.side if isinstance(subject, Hip) else None)


def without(subject: Hip | Pelvis, name: str) -> Hip | Pelvis:
    """The same without one named thing."""
    word, _, rest = name.partition(" ")
    if rest:
        assert isinstance(subject, Pelvis)
        changed: dict[str, Any] = {word: without(getattr(subject, word), rest)}
        return replace(subject, **changed)
    of_hip = ("landmarks", "regions", "curves", "frames")
    kinds = of_hip if isinstance(subject, Hip) else ("landmarks", "frames")
    kept: dict[str, Any] = {
        kind: {key: value for key, value in getattr(subject, kind).items() if key != name} for kind in kinds
    }
    bones: dict[str, Any] = {name: None} if hasattr(subject, name) else {}
    return replace(subject, **kept, **bones)


def only(subject: Hip | Pelvis, needs: tuple[str, ...]) -> Hip | Pelvis:
    """The same with nothing but what is named; a bone stays where a region on it is needed."""
    if isinstance(subject, Pelvis):
        of_side = {
            side.value: tuple(need.partition(" ")[2] for need in needs if need.startswith(side.value + " "))
            for side in Side
        }
        hips: dict[str, Any] = {
            word: only(getattr(subject, word), names) if names else None for word, names in of_side.items()
        }
        return replace(
            subject,
            **hips,
            sacrum=subject.sacrum if "sacrum" in needs else None,
            landmarks={key: value for key, value in subject.landmarks.items() if key in needs},
            frames={key: value for key, value in subject.frames.items() if key in needs},
        )
    regions = {key: value for key, value in subject.regions.items() if key in needs}
    stands_on = {"femur" if region.bone == "femur" else "hip_bone" for region in regions.values()}
    return replace(
        subject,
        landmarks={key: value for key, value in subject.landmarks.items() if key in needs},
        regions=regions,
        curves={key: value for key, value in subject.curves.items() if key in needs},
        frames={key: value for key, value in subject.frames.items() if key in needs},
        tibia=None,
        femur=subject.femur if "femur" in stands_on | set(needs) else None,
        hip_bone=subject.hip_bone if "hip_bone" in stands_on | set(needs) else None,
    )


def test_there_are_measures_and_they_are_sorted() -> None:
    names = [one.name for one in REGISTRY]
    assert {"ischiofemoral_space_3d", "femoral_head_radius"} <= set(names)
    assert names == sorted(names)


@every_measure
def test_it_lives_in_a_file_of_its_name(one: Measure) -> None:
    assert one.function.__module__ == f"ischio.measures.{one.name}"


@every_measure
def test_it_says_what_it_is(one: Measure) -> None:
    assert len(one.definition.split()) > 5
    assert one.definition.endswith(".")
    assert re.search(r"\b(?:1[89]|20)\d\d\b", one.reference), "a reference has a year"
    assert one.evidence.endswith(".")
    assert re.fullmatch(r"\w+@\d+", one.method)
    assert len(set(one.needs)) == len(one.needs) > 0


@every_measure
@both_sides
def test_it_gives_the_known_answer(one: Measure, side: Side) -> None:
    subject, known = one.example(side)
    row = read(one, subject)
    assert row.value == pytest.approx(known, abs=VALUE_NOISE), row.reason


@every_measure
@both_sides
def test_no_rigid_motion_changes_it(one: Measure, side: Side, rng: np.random.Generator) -> None:
    subject, known = one.example(side)
    still = read(one, subject)
    for _ in range(N_MOTIONS):
        motion = phantoms.random_motion(rng)
        row = read(one, phantoms.moved(subject, motion))
        assert row.value == pytest.approx(known, abs=MOVED_NOISE), row.reason
        assert row.sigma == pytest.approx(still.sigma, rel=SIGMA_SHARE, abs=MOVED_NOISE)
        assert (still.points_mm is None) == (row.points_mm is None)
        if still.points_mm is not None and row.points_mm is not None:
            # Exact phantoms have one closest pair, so the points have to move along.
            assert np.abs(motion.apply(still.points_mm) - row.points_mm).max() < MOVED_NOISE


@every_measure
@both_sides
def test_the_mirrored_hip_reads_the_same(one: Measure, side: Side) -> None:
    subject, known = one.example(side)
    row = read(one, phantoms.mirrored(subject))
    assert row.value == pytest.approx(-known if one.flips else known, abs=VALUE_NOISE), row.reason


@every_measure
def test_its_unit_scales_as_it_should(one: Measure) -> None:
    subject, known = one.example(Side.LEFT)
    row = read(one, phantoms.scaled(subject, FACTOR))
    assert row.value == pytest.approx(known * FACTOR ** UNIT_POWERS[one.unit], abs=MOVED_NOISE)


@every_measure
def test_what_it_needs_is_enough(one: Measure) -> None:
    subject, known = one.example(Side.LEFT)
    row = read(one, only(subject, one.needs))
    assert row.value == pytest.approx(known, abs=VALUE_NOISE), row.reason


@every_measure
def test_each_missing_need_is_named(one: Measure) -> None:
    subject, _ = one.example(Side.RIGHT)
    for need in one.needs:
        row = read(one, without(subject, need))
        assert row.value is None
        assert need.split(" ")[-1].replace("_", " ") in str(row.reason)


@every_measure
def test_an_absent_hip_is_a_row_with_a_reason(one: Measure) -> None:
    row = take(one, None, Side.RIGHT) if one.of is Hip else read(one, only(phantoms.pelvis(), ()))
    assert row.value is None
    assert row.reason


@every_measure
@both_sides
def test_it_is_the_same_every_time(one: Measure, side: Side) -> None:
    subject, _ = one.example(side)
    first, second = read(one, subject), read(one, subject)
    assert (first.value, first.sigma, dict(first.detail)) == (second.value, second.sigma, dict(second.detail))

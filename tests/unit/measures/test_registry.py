"""Declaring measures and running them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ischio import measures, phantoms
from ischio._check import CannotMeasure
from ischio.measures import Measure, Reading, _registry, measure
from ischio.types import Hip, Measurement, Pelvis, Side

BOTH = tuple(Side)


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registry, "_REGISTERED", {})


def example(side: Side) -> tuple[Hip, float]:
    return phantoms.hip(side), 1.0


def declare(function: Callable[..., Reading], needs: tuple[str, ...] = (), unit: str = "mm") -> Measure:
    measure(unit=unit, needs=needs, reference="Nobody 1900", evidence="None.", example=example)(function)
    return _registry.registered()[-1]


def one(hip: Hip) -> Reading:
    """One of something.

    In two sentences. On two
    lines.

    Notes
    -----
    Not part of the definition.
    """
    return Reading(1.0)


def of_pelvis(pelvis: Pelvis) -> Reading:
    """Something across the midline."""
    return Reading(2.0, sigma=0.5, posture="as_supplied")


def row(pelvis: Pelvis, sides: tuple[Side, ...] = (Side.RIGHT,)) -> Measurement:
    (only,) = measures.run(pelvis, sides)
    return only


def test_a_declaration_says_all() -> None:
    made = declare(one, needs=("femur",))
    assert (made.name, made.method, made.of, made.unit) == ("one", "one@1", Hip, "mm")
    assert made.definition == "One of something. In two sentences. On two lines."


def test_the_decorated_function_stays_a_function() -> None:
    register = measure(unit="1", needs=(), reference="", evidence="", example=example)
    assert register(one) is one


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="measure unit: got 'inch'"):
        declare(one, unit="inch")


def test_a_name_twice_is_refused() -> None:
    declare(one)
    with pytest.raises(ValueError, match="one: got the name twice"):
        declare(one)


def test_a_missing_docstring_is_refused() -> None:
    def silent(hip: Hip) -> Reading:
        return Reading(1.0)

    with pytest.raises(ValueError, match="silent: got no docstring"):
        declare(silent)


def test_a_measure_of_something_else_is_refused() -> None:
    def of_side(side: Side) -> Reading:
        """Something."""
        return Reading(1.0)

    with pytest.raises(TypeError, match="expected Hip or Pelvis"):
        declare(of_side)


@pytest.mark.parametrize("figures", [(float("nan"), None), (1.0, float("inf"))])
def test_a_reading_is_finite(figures: tuple[float, float | None]) -> None:
    with pytest.raises(ValueError, match="expected a finite number"):
        Reading(*figures)


def test_rows_come_by_name_and_right_before_left() -> None:
    declare(one)
    declare(of_pelvis)
    rows = measures.run(phantoms.pelvis(), (Side.LEFT, Side.RIGHT))
    assert [(row.name, row.side) for row in rows] == [
        ("of_pelvis", None),
        ("one", Side.RIGHT),
        ("one", Side.LEFT),
    ]


def test_only_sides_asked_for_have_rows() -> None:
    declare(one)
    assert row(phantoms.pelvis(), (Side.LEFT,)).side is Side.LEFT


def test_only_chosen_measures_are_run() -> None:
    declare(one)
    assert measures.run(phantoms.pelvis(), BOTH, measures=()) == ()


def test_a_row_carries_the_declaration() -> None:
    made = declare(of_pelvis)
    got = row(phantoms.pelvis())
    assert (got.value, got.sigma, got.posture, got.side) == (2.0, 0.5, "as_supplied", None)
    assert (got.method, got.definition, got.reference) == (made.method, made.definition, made.reference)
    assert got.reason is None


def test_an_absent_hip_is_a_row_with_a_reason() -> None:
    declare(one)
    got = row(phantoms.pelvis(right_gap_mm=None))
    assert got.value is None
    assert got.reason == "no right femur or hip bone in the input"


def test_the_reason_of_an_absent_hip_is_the_pelvis_s_own_if_it_has_one() -> None:
    declare(one)
    pelvis = replace(phantoms.pelvis(right_gap_mm=None), reasons={"right": "it is an implant"})
    assert row(pelvis).reason == "it is an implant"


def test_a_refusal_is_a_row_with_its_words() -> None:
    def refuses(hip: Hip) -> Reading:
        """Something that is never there."""
        raise CannotMeasure("the head is broken")

    declare(refuses)
    assert row(phantoms.pelvis()).reason == "the head is broken"


def test_a_fault_is_not_swallowed() -> None:
    def wrong(hip: Hip) -> Reading:
        """Something with a fault."""
        raise KeyError("x")

    declare(wrong)
    with pytest.raises(KeyError):
        row(phantoms.pelvis())


@pytest.mark.parametrize("need", ["ischium", "femur", "lesser_trochanter_tip", "pelvis_isb_from_patient"])
def test_a_hip_has_what_it_has(need: str) -> None:
    declare(one, needs=(need,))
    assert row(phantoms.pelvis()).value == 1.0


@pytest.mark.parametrize("need", ["sacrum_tip", "femur_tea_from_patient"])
def test_what_a_hip_lacks_is_named(need: str) -> None:
    declare(one, needs=(need,))
    assert f"right {need.replace('_', ' ')} is missing" in str(row(phantoms.pelvis()).reason)


def whole_pelvis() -> Pelvis:
    """With a sacrum (any bone will do), a midline landmark and a frame of its own."""
    pelvis = phantoms.pelvis()
    hip = pelvis.right
    assert hip is not None
    assert hip.hip_bone is not None
    return replace(
        pelvis,
        sacrum=replace(hip.hip_bone, name="sacrum", side=None),
        landmarks={"sacral_centre": hip.landmarks["acetabular_centre"]},
        frames={"pelvis_isb_from_patient": hip.frames["pelvis_isb_from_patient"]},
    )


NEEDS_OF_A_PELVIS = ["sacrum", "sacral_centre", "pelvis_isb_from_patient", "left femoral_head_centre"]


@pytest.mark.parametrize("need", NEEDS_OF_A_PELVIS)
def test_a_pelvis_has_what_it_has(need: str) -> None:
    declare(of_pelvis, needs=(need,))
    assert row(whole_pelvis()).value == 2.0


@pytest.mark.parametrize("need", NEEDS_OF_A_PELVIS)
def test_what_a_pelvis_lacks_is_named(need: str) -> None:
    declare(of_pelvis, needs=(need,))
    reason = str(row(phantoms.pelvis(left_gap_mm=None)).reason)
    assert ("no left femur or hip bone" if need.startswith("left") else need.replace("_", " ")) in reason

"""Versions of two methods are never compared without a labelled conversion."""

from __future__ import annotations

import pytest

from ischio import phantoms
from ischio._check import InputError
from ischio.measures import REGISTRY, convert_version, take, version_difference
from ischio.measures._conversion import VERSION_METHODS, conversion_sigma_deg
from ischio.types import Measurement, Side


def measured(name: str, version_deg: float = 15.0) -> Measurement:
    (one,) = (one for one in REGISTRY if one.name == name)
    return take(one, phantoms.anatomy(Side.LEFT, version_deg=version_deg), Side.LEFT)


def test_the_label_says_that_it_is_not_measured() -> None:
    out = convert_version(3.0, measured_by="lee", as_by="murphy")
    assert out.value_deg == pytest.approx(3.0 + 19.8)
    assert out.sigma_deg == pytest.approx(conversion_sigma_deg())
    assert "converted from Lee to Murphy" in out.label
    assert out.label.endswith("not measured")
    assert "unverified" not in out.label


def test_unverified_figures_are_called_so() -> None:
    assert "unverified" in convert_version(16.0, measured_by="reikeras", as_by="murphy").label


@pytest.mark.parametrize("first", VERSION_METHODS)
@pytest.mark.parametrize("second", VERSION_METHODS)
def test_there_and_back_is_the_same(first: str, second: str) -> None:
    if first == second:
        with pytest.raises(ValueError, match="another method"):
            convert_version(10.0, measured_by=first, as_by=second)
        return
    there = convert_version(10.0, measured_by=first, as_by=second)
    back = convert_version(there.value_deg, measured_by=second, as_by=first)
    assert back.value_deg == pytest.approx(10.0)


@pytest.mark.parametrize("argument", ["measured_by", "as_by"])
def test_an_unknown_method_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match=f"{argument}: got 'sugano'"):
        convert_version(10.0, **({"measured_by": "lee", "as_by": "murphy"} | {argument: "sugano"}))


def test_one_method_is_compared_as_it_is() -> None:
    out = version_difference(
        measured("femoral_version_reikeras", 20.0), measured("femoral_version_reikeras", 12.0)
    )
    assert out.value_deg == pytest.approx(8.0)
    assert out.label == "both by femoral_version_reikeras"


def test_two_methods_are_refused_without_a_conversion() -> None:
    pair = measured("femoral_version_lee"), measured("femoral_version_murphy")
    with pytest.raises(InputError, match="one method"):
        version_difference(*pair)
    out = version_difference(*pair, convert=True)
    assert out.value_deg == pytest.approx(19.8)
    assert "converted from Murphy to Lee" in out.label


def test_a_method_without_a_published_conversion_is_refused() -> None:
    with pytest.raises(InputError, match="index_case: got no published conversion"):
        version_difference(
            measured("femoral_version_lee"), measured("femoral_version_index_case"), convert=True
        )


def test_other_angles_are_no_version() -> None:
    with pytest.raises(InputError, match="neck_shaft_angle"):
        version_difference(measured("neck_shaft_angle"), measured("femoral_version_lee"))

"""Rows about methods of femoral version and medians of measures, on phantom people."""

from __future__ import annotations

import numpy as np
import pytest

from ischio import phantoms
from ischio.types import Hip, Pelvis, Side
from ischio.validation.versions import METHODS, median_rows, values_of, version_rows


def quiet(_words: str, _share: float) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def people() -> list[Pelvis]:
    """Femora whose base lies farther behind the neck the more they are anteverted."""
    versions = np.linspace(0, 25, 10)
    return [
        phantoms.whole_pelvis(
            left={"version_deg": v, "base_version_deg": 1.5 * v + 5, "neck_shaft_deg": 118 + v / 2},
            right={"version_deg": v + 1, "base_version_deg": 1.5 * v + 6, "neck_shaft_deg": 118 + v / 2},
        )
        for v in versions
    ]


def hips(people: list[Pelvis]) -> list[Hip]:
    return [hip for pelvis in people for hip in pelvis.hips]


def test_values_are_those_of_the_phantoms(people: list[Pelvis]) -> None:
    values = values_of(hips(people))
    assert values["lee"][0] == pytest.approx(1.0)  # the right side of the first
    assert values["murphy"][0] == pytest.approx(6.0)
    assert values["tea_minus_pca"] == pytest.approx(np.zeros(20), abs=1e-9)
    assert {len(column) for column in values.values()} == {20}


def test_rows_tell_spread_and_growth(people: list[Pelvis]) -> None:
    rows = {row.quantity.split(": ")[1]: row for row in version_rows(hips(people), "phantoms", quiet)}
    values = values_of(hips(people))
    spread = rows["Murphy minus Lee, mean"]
    assert spread.ours == pytest.approx(float((values["murphy"] - values["lee"]).mean()))
    assert rows["Murphy minus Lee with version (Murphy), r"].ours == pytest.approx(1.0, abs=0.01)
    assert rows["Murphy minus Lee with neck-shaft angle, r"].verdict == "pass"


def test_few_femora_give_no_correlation(people: list[Pelvis]) -> None:
    rows = version_rows(hips(people[:3]), "phantoms", quiet)
    assert [row.verdict for row in rows if row.quantity.endswith(", r")] == ["skipped", "skipped"]


def test_femora_without_all_methods_are_left_out() -> None:
    assert all(len(column) == 0 for column in values_of([phantoms.hip(Side.LEFT)]).values())


def test_medians_stand_beside_every_source(people: list[Pelvis]) -> None:
    rows = {row.quantity: row for row in median_rows(people, "phantoms", quiet)}
    angle = rows["phantoms: pelvic_incidence, median"]
    assert (angle.truth, angle.ours, angle.tolerance) == pytest.approx((53.0, 53.0, 10.5))
    sources = [row for row in median_rows(people, "phantoms", quiet) if "version_murphy" in row.quantity]
    assert [row.verdict == "shown" for row in sources] == [False, False, True]  # the last one is unverified
    assert not any("space" in name for name in rows)  # no band holds in a model's posture
    assert len(METHODS) == 4

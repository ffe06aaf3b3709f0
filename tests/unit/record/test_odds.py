"""Likelihood ratios: as counted, never zero, as uncertain as the study is small, in no order."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from ischio.evidence import evidence
from ischio.evidence.rows import Accuracy, Counts, Estimate
from ischio.record.odds import (
    SMALLEST_RATIO,
    Weight,
    choose,
    interval_of,
    log_odds,
    point_accuracy,
    posterior,
    posterior_draws,
    prior_draws,
    share_of,
    weight,
)
from ischio.record.outcomes import Outcome

ROUNDING = 1e-12  # a handful of logarithms in float64
SAMPLING = 0.01  # of a share, 20,000 draws
ROWS = {one.id: one for one in evidence().accuracies}


def outcome(is_positive: bool = True) -> Outcome:
    return Outcome(evidence().tests[0], "left", is_positive, None, "examinations 0", ())


def accuracy(row_id: str = "made", group: str = "g", **more: Any) -> Accuracy:
    given: dict[str, Any] = {"test": "t", "diagnosis": "d", "source": "s", "population": "p", "mark": "V"}
    return Accuracy(**{"id": row_id, "group": group, "n": 100, **given, **more})


def counted(tp: int, fn: int, fp: int, tn: int, row_id: str = "made", group: str = "g") -> Accuracy:
    return accuracy(row_id, group, counts=Counts(tp=tp, fn=fn, fp=fp, tn=tn))


def weighed(row: Accuracy, is_positive: bool = True) -> Weight:
    found = weight(outcome(is_positive), row)
    assert isinstance(found, Weight)
    return found


@pytest.mark.parametrize("prior", [Fraction(1, 100), Fraction(18, 100), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize("is_positive", [True, False])
def test_a_posterior_is_what_the_two_by_two_table_gives(prior: Fraction, is_positive: bool) -> None:
    """A slow, exact twin: people counted in fractions, by Bayes' theorem without odds."""
    row = counted(14, 3, 2, 11)
    sick = prior * (Fraction(14, 17) if is_positive else Fraction(3, 17))
    well = (1 - prior) * (Fraction(2, 13) if is_positive else Fraction(11, 13))
    got = posterior(float(prior), [weighed(row, is_positive).ratio])
    assert got == pytest.approx(float(sick / (sick + well)), abs=ROUNDING)


def test_two_results_are_multiplied_exactly() -> None:
    ratios = [weighed(ROWS["acc_long_stride"]).ratio, weighed(ROWS["acc_ifs_15"]).ratio]
    odds = Fraction(3, 7) * Fraction(16 * 13, 17 * 2) * Fraction(769, 190)
    assert posterior(0.3, ratios) == pytest.approx(float(odds / (1 + odds)), abs=ROUNDING)


def test_a_test_that_tells_nothing_changes_nothing() -> None:
    bare = weighed(counted(30, 70, 30, 70))
    sure = weighed(accuracy(lr_positive=Estimate(value=1, low=1, high=1)))
    for prior in (0.01, 0.3, 0.77):
        assert posterior(prior, [bare.ratio]) == pytest.approx(prior, abs=ROUNDING)
        assert np.ptp(posterior_draws(prior, [sure])) <= ROUNDING


@pytest.mark.parametrize("is_positive", [True, False])
def test_smaller_studies_have_wider_intervals(is_positive: bool) -> None:
    widths = []
    for size in (1, 2, 5, 20, 100):
        row = counted(14 * size, 3 * size, 2 * size, 11 * size)
        low, high = interval_of(posterior_draws(0.3, [weighed(row, is_positive)]))
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 3 * widths[-1]


@pytest.mark.parametrize("cells", [(17, 0, 1, 36), (5, 5, 0, 10), (10, 0, 0, 10), (0, 10, 5, 5)])
@pytest.mark.parametrize("is_positive", [True, False])
def test_no_ratio_is_zero_or_without_end(cells: tuple[int, int, int, int], is_positive: bool) -> None:
    found = weighed(counted(*cells), is_positive)
    assert 0 < found.ratio < math.inf
    assert np.isfinite(found.draws).all()
    assert found.draws.min() >= SMALLEST_RATIO
    assert 0 < posterior(0.3, [found.ratio]) < 1


def test_no_ratio_of_the_base_is_zero() -> None:
    for row in evidence().accuracies:
        for is_positive in (True, False):
            found = weight(outcome(is_positive), row)
            if isinstance(found, Weight):
                assert found.ratio > 0
                assert found.interval[0] > 0


def test_an_empty_cell_is_corrected_by_half_a_person() -> None:
    found = weighed(ROWS["acc_single_leg"], is_positive=False)
    assert found.ratio == pytest.approx((0.5 / 18) / (36.5 / 38), abs=ROUNDING)
    assert weighed(counted(14, 3, 2, 11)).ratio == pytest.approx((14 / 17) / (2 / 13), abs=ROUNDING)


def test_the_order_of_the_evidence_is_irrelevant() -> None:
    """To the last bit, whatever order the results come in."""
    made = [weighed(ROWS[name]) for name in ("acc_ifi_test", "acc_long_stride", "acc_ifs_15", "acc_fadir")]
    shares = set()
    for order in permutations(made):
        used, _ = choose(order)
        draws = posterior_draws(0.3, used)
        shares.add((posterior(0.3, (one.ratio for one in used)), draws.tobytes()))
    assert len(shares) == 1


def test_draws_do_not_depend_on_what_else_is_there() -> None:
    alone, again = weighed(ROWS["acc_ifs_15"]), weighed(ROWS["acc_ifs_15"])
    weighed(ROWS["acc_ifi_test"])
    assert np.array_equal(alone.draws, again.draws)


class TestPrinted:
    def test_an_interval_of_a_ratio_is_drawn_as_printed(self) -> None:
        found = weighed(ROWS["acc_fadir"])
        assert found.ratio == 1.02
        assert found.interval == pytest.approx((0.96, 1.08), abs=SAMPLING)

    def test_intervals_of_shares_are_drawn_as_printed(self) -> None:
        found = weighed(ROWS["acc_ia_block_dorleijn"], is_positive=False)
        assert found.ratio == pytest.approx(0.03 / 0.91, abs=ROUNDING)
        assert found.interval[0] < found.ratio < found.interval[1]

    def test_a_ratio_without_its_interval_is_not_used(self) -> None:
        assert weight(outcome(False), ROWS["acc_centralisation"]) == (
            "neither counts nor an interval were seen for a negative result"
        )

    @pytest.mark.parametrize(
        ("row_id", "why"),
        [
            ("acc_ifi_block", "no published specificity"),
            ("acc_ge_2019", "extreme groups"),
            ("acc_modic_1", "neither counts nor an interval were seen"),
        ],
    )
    def test_a_row_that_must_not_be_used_says_why(self, row_id: str, why: str) -> None:
        found = weight(outcome(), ROWS[row_id])
        assert isinstance(found, str)
        assert found.startswith(why)

    def test_both_ratios_give_back_sensitivity_and_specificity(self) -> None:
        row = accuracy(
            lr_positive=Estimate(value=4, low=3, high=5), lr_negative=Estimate(value=0.25, low=0.2, high=0.3)
        )
        assert point_accuracy(row) == pytest.approx((0.8, 0.8), abs=ROUNDING)
        assert point_accuracy(accuracy(lr_positive=Estimate(value=4, low=3, high=5))) is None


class TestChoose:
    def test_tests_of_one_group_are_not_multiplied(self) -> None:
        made = [weighed(ROWS[name]) for name in ("acc_ifi_test", "acc_long_stride", "acc_ifs_15")]
        used, rest = choose(made)
        assert [one.accuracy.id for one in used] == ["acc_ifs_15", "acc_long_stride"]
        assert [(one.accuracy.id, why[:15]) for one, why in rest] == [("acc_ifi_test", "correlated with")]
        assert len(choose(made, within="product")[0]) == 3
        assert [one.accuracy.id for one in choose(made, between="largest")[0]] == ["acc_long_stride"]

    def test_a_test_that_disagrees_is_not_hidden(self) -> None:
        yes, no = weighed(ROWS["acc_long_stride"]), weighed(ROWS["acc_ifi_test"], is_positive=False)
        used, rest = choose([yes, no])
        assert {one.accuracy.id for one in used} == {"acc_long_stride", "acc_ifi_test"}
        assert rest == ()

    def test_the_same_test_twice_counts_once(self) -> None:
        one = weighed(ROWS["acc_long_stride"])
        twin = replace(one, accuracy=replace(one.accuracy, id="twin"))
        assert len(choose([one, twin])[0]) == 1


def test_prior_draws_follow_the_people_counted() -> None:
    small, large = prior_draws("p", 6, 50), prior_draws("p", 600, 5000)
    assert small.mean() == pytest.approx(6.5 / 51, abs=SAMPLING)
    assert np.ptp(np.quantile(small, (0.025, 0.975))) > np.ptp(np.quantile(large, (0.025, 0.975)))
    assert prior_draws("p", 0, 5).min() > 0


@pytest.mark.parametrize("share", [1e-9, 0.2, 0.5, 1 - 1e-9])
def test_shares_and_log_odds_are_inverse(share: float) -> None:
    assert share_of(log_odds(share)) == pytest.approx(share, rel=1e-6)

"""Scores: their range, their order, what is missing, and what a printed total tells."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ischio.record.instruments import INSTRUMENTS, SCALES, Item, Scale, home_of_item, scale_of, scales_of
from ischio.record.scores import Raw, decode_total, n_profiles, score_items

FLOAT_NOISE = 1e-9  # sums of tenths
MHHS, ODI = scale_of("mHHS", None), scale_of("ODI", None)
WITH_ITEMS = [scale for scale in SCALES if scale.rule != "mean_of_scales"]
DECODED = [scale for scale in WITH_ITEMS if not scale.items[0].is_continuous and scale.rule != "as_marked"]


def answer(item: Item) -> st.SearchStrategy[float]:
    if item.is_continuous:
        return st.integers(int(item.points[0]), int(item.points[-1])).map(float)
    return st.sampled_from(item.points)


@st.composite
def answered(draw: st.DrawFn, missing: bool = False) -> tuple[Scale, dict[str, float | None]]:
    scale = draw(st.sampled_from(WITH_ITEMS))
    choices = [answer(item) | (st.none() if missing else st.nothing()) for item in scale.items]
    return scale, {item.key: draw(one) for item, one in zip(scale.items, choices, strict=True)}


@given(answered())
def test_totals_stay_in_range(given_answers: tuple[Scale, dict[str, float | None]]) -> None:
    scale, answers = given_answers
    value = score_items(scale, answers).value
    assert value is not None
    assert scale.low <= value <= scale.high


@pytest.mark.parametrize("scale", WITH_ITEMS, ids=lambda scale: scale.name)
def test_both_ends_are_reached(scale: Scale) -> None:
    ends = {score_items(scale, {item.key: item.points[end] for item in scale.items}).value for end in (0, -1)}
    assert ends == {scale.low, scale.high}


@given(answered(), st.data())
def test_totals_follow_every_item(given_answers: tuple[Scale, dict[str, Any]], data: st.DataObject) -> None:
    """More points on one item never make a total worse where more points are better, and so on."""
    scale, answers = given_answers
    item = data.draw(st.sampled_from(scale.items))
    other = data.draw(answer(item))
    low, high = sorted((answers[item.key], other))
    first, second = (score_items(scale, {**answers, item.key: one}).value for one in (low, high))
    assert first is not None
    assert second is not None
    rises = scale.item_best_high == (scale.best == "high")
    gain = second - first if rises else first - second
    if not item.is_scored:
        assert gain == 0
    elif low < high and scale.rule != "mhhs":
        assert gain > 0
    else:
        assert gain >= 0


@given(answered(missing=True), st.randoms())
def test_the_order_of_items_does_not_matter(given_answers: tuple[Scale, dict[str, Any]], random: Any) -> None:
    scale, answers = given_answers
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    assert score_items(scale, dict(shuffled)) == score_items(scale, answers)


@given(answered(missing=True))
def test_missing_items_follow_the_rule(given_answers: tuple[Scale, dict[str, Any]]) -> None:
    """Slow twin: the total is that of the answered items alone, if there are enough of them."""
    scale, answers = given_answers
    keys = [item.key for item in scale.scored if answers[item.key] is not None]
    absent = {key: value for key, value in answers.items() if value is not None}
    found = score_items(scale, answers)
    assert found == score_items(scale, absent)  # None and an absent key are one thing
    assert found.is_valid == (len(keys) >= scale.min_answered)
    assert (found.reason is None) == found.is_valid
    if not keys or not (found.is_valid or scale.keeps_invalid):
        assert found.value is None
        return
    mean = sum(answers[key] for key in keys) / len(keys)
    most = scale.scored[0].points[-1]
    expected = {
        "percent": 100 * mean / most,
        "percent_reversed": 100 - 100 * mean / most,
        "as_marked": mean,
        "mhhs": min(100.0, 1.1 * mean * len(keys)),
    }[scale.rule]
    assert found.value == pytest.approx(expected, abs=FLOAT_NOISE)


@pytest.mark.parametrize("scale", WITH_ITEMS, ids=lambda scale: scale.name)
def test_the_edge_of_the_missing_rule(scale: Scale) -> None:
    keys = [item.key for item in scale.scored]
    middle = {item.key: item.points[0] for item in scale.scored}
    enough = score_items(scale, {key: middle[key] for key in keys[: scale.min_answered]})
    few = score_items(scale, {key: middle[key] for key in keys[: scale.min_answered - 1]})
    assert (enough.is_valid, few.is_valid) == (True, False)
    assert str(few.reason).endswith(f"{scale.min_answered} needed")


class TestMhhs:
    def test_every_sum_is_reached(self) -> None:
        assert set(n_profiles(MHHS)) == set(range(92))
        assert sum(n_profiles(MHHS).values()) == 51_840

    def test_profiles_against_counting_them_all(self) -> None:
        """Slow twin, on the sums of the published case."""
        sums = [sum(one) for one in itertools.product(*(item.points for item in MHHS.items))]
        assert {one: sums.count(one) for one in (45, 70, 87, 91)} == {45: 865, 70: 734, 87: 10, 91: 1}
        assert all(n_profiles(MHHS)[one] == sums.count(one) for one in (45, 70, 87, 91))

    @pytest.mark.parametrize("raw", range(92))
    @pytest.mark.parametrize("decimals", [0, 1])
    def test_a_printed_total_gives_its_sum(self, raw: int, decimals: int) -> None:
        printed = min(100.0, round(1.1 * raw, 10))
        # Halves may have been rounded either way in print: both are the same sum.
        for nudge in (-FLOAT_NOISE, FLOAT_NOISE):
            found = decode_total(MHHS, min(100.0, max(0.0, round(printed + nudge, decimals))))
            assert (found.raw, found.is_unique) == (Raw(raw, 91, 8), True)

    def test_the_published_totals(self) -> None:
        """87 x 100/91 prints as 95.6; the report prints 95.7, so its rule is x 1.1."""
        raws = [decode_total(MHHS, value).raw for value in (49.5, 77, 95.7, 100)]
        assert [one.raw for one in raws if one] == [45, 70, 87, 91]
        other = decode_total(MHHS, 95.6)
        assert other.raw is None
        assert "87 x 100/91" in str(other.reason)
        assert decode_total(MHHS, 0.4).reason == "no sum of points gives this total"


class TestOdi:
    def test_the_published_totals(self) -> None:
        before, after = decode_total(ODI, 56), decode_total(ODI, 14)
        assert (before.raw, before.alternatives) == (Raw(28, 50, 10), (Raw(25, 45, 9),))
        assert not before.is_unique
        assert before.assumption == "10 of 10 items answered"
        assert (after.raw, after.alternatives, after.is_unique) == (Raw(7, 50, 10), (), True)

    def test_too_few_answers_are_shown_and_not_valid(self) -> None:
        found = score_items(ODI, {f"odi_{i:02}": 3 for i in range(1, 8)})
        assert (found.value, found.is_valid) == (60.0, False)
        assert found.reason == "7 of 10 items answered, 8 needed"


@pytest.mark.parametrize("scale", DECODED, ids=lambda scale: scale.name)
def test_decoding_undoes_scoring(scale: Scale) -> None:
    """Complete answers, printed without and with decimals: their sum is the first that is found."""
    sums = sorted(n_profiles(scale)) if scale.rule == "mhhs" else range(len(scale.scored) * 4 + 1)
    most = sum(item.points[-1] for item in scale.scored)
    for total in sums:
        percent = 100.0 * total / most
        value = {"percent": percent, "percent_reversed": 100 - percent}.get(scale.rule, min(100, 1.1 * total))
        found = decode_total(scale, round(value, 2))
        assert found.raw is not None
        assert math.isclose(found.raw.raw, total)


def test_what_a_mean_does_not_tell() -> None:
    assert decode_total(scale_of("iHOT-12", None), 52.5).raw is None
    assert decode_total(scale_of("HOOS-12", "Summary"), 52.5).reason == "a mean does not tell its items"
    assert decode_total(scale_of("pain NRS", None), 4).raw == Raw(4, 10.0, 1)
    assert decode_total(scale_of("pain VAS", None), 41.5).raw == Raw(41.5, 100.0, 1)
    assert decode_total(scale_of("HAGOS", "Participation"), 51).reason == "no sum of points gives this total"


class TestHoosSummary:
    SUMMARY = scale_of("HOOS-12", "Summary")

    def test_it_is_the_mean_of_the_scales(self) -> None:
        answers = dict.fromkeys((f"hoos12_pain_{i}" for i in range(1, 5)), 0.0)
        answers |= dict.fromkeys((f"hoos12_function_{i}" for i in range(1, 5)), 2.0)
        answers |= {"hoos12_qol_1": 4.0, "hoos12_qol_2": 3.0}  # 100, 50 and 12.5
        found = score_items(self.SUMMARY, answers)
        assert found.value == pytest.approx(162.5 / 3, abs=FLOAT_NOISE)
        assert (found.raw, found.is_valid) == (None, True)

    def test_all_scales_are_needed(self) -> None:
        answers = {item.key: 0.0 for item in self.SUMMARY.items if "qol" not in item.key}
        found = score_items(self.SUMMARY, {**answers, "hoos12_qol_1": 0.0})
        assert (found.value, found.is_valid) == (None, False)
        assert found.reason == "HOOS-12 QOL: 1 of 4 items answered, 2 needed"

    def test_both_ends_are_reached(self) -> None:
        for points, total in ((0.0, 100.0), (4.0, 0.0)):
            assert score_items(self.SUMMARY, {one.key: points for one in self.SUMMARY.items}).value == total


def test_wrong_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="ODI: got item 'mhhs_limp'"):
        score_items(ODI, {"mhhs_limp": 5})
    with pytest.raises(ValueError, match="odi_01: got 6"):
        score_items(ODI, {"odi_01": 6})
    with pytest.raises(ValueError, match="ODI: got 101"):
        decode_total(ODI, 101)
    with pytest.raises(ValueError, match="scale of HOS: got ''"):
        scale_of("HOS", None)
    with pytest.raises(ValueError, match="expected one of"):
        scale_of("nothing", None)


class TestInstruments:
    def test_items_have_one_home(self) -> None:
        keys = [item.key for scale in WITH_ITEMS for item in scale.items]
        assert len(set(keys)) == len(keys)
        assert all(home_of_item(item.key) is scale for scale in WITH_ITEMS for item in scale.items)
        assert home_of_item("x") is None

    def test_keys_hold_numbers_and_no_wording(self) -> None:
        """Only the modified Harris score has words of our own."""
        for scale in SCALES:
            if scale.instrument not in ("mHHS", "pain NRS", "pain VAS"):
                loose = [item.key for item in scale.scored if not item.key.split("_")[-1].isdigit()]
                assert loose == []

    def test_published_sizes(self) -> None:
        sizes = {name: [len(scale_of(name, one).scored) for one in scales_of(name)] for name in INSTRUMENTS}
        assert sizes == {
            "ODI": [10],
            "mHHS": [8],
            "iHOT-12": [12],
            "HOS": [17, 9],
            "HOOS-12": [4, 4, 4, 12],
            "HAGOS": [10, 7, 5, 8, 2, 5],
            "pain NRS": [1],
            "pain VAS": [1],
        }
        assert len(scale_of("HOS", "ADL").items) == 19

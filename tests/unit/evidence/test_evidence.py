"""The evidence base: complete, one place for each figure, and refused where a figure lacks its people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ischio._check import InputError
from ischio.evidence import Evidence, evidence, evidence_from_document, plain_evidence
from ischio.evidence.listing import evidence_rows
from ischio.evidence.rows import MARK_WORDS, Accuracy, Band, Counts, Estimate, Figure, Prior
from ischio.io.checked import FieldError
from ischio.io.documents import parse_document
from ischio.measures import REGISTRY, convert_version
from ischio.record.instruments import scale_of
from ischio.record.kinds import Score
from ischio.record.odds import point_accuracy
from ischio.record.thresholds import verdicts

Edit = Callable[[dict[str, Any]], object]
PRINTED = 0.005  # figures are printed with two decimals
NO_N: dict[str, Any] = {
    "id": "x", "source": "s", "population": "p", "mark": "V",
}  # fmt: skip


def read(values: object) -> Evidence:
    return evidence_from_document(parse_document("e.json", json.dumps(values, indent=1)))


def edited(edit: Edit) -> dict[str, Any]:
    values = plain_evidence(evidence())
    edit(values)
    return values


def test_every_figure_has_a_source_a_population_its_people_and_a_mark() -> None:
    for _, row in evidence().rows():
        assert row.source
        assert row.population
        assert row.n is not None or row.n_words
        assert row.mark in MARK_WORDS


def test_the_base_is_what_its_file_says_and_goes_round() -> None:
    assert read(plain_evidence(evidence())) == evidence()


def test_every_scale_of_a_threshold_is_known() -> None:
    for row in evidence().thresholds:
        scale_of(row.instrument, row.scale)


@pytest.mark.parametrize(
    ("row_id", "sensitivity", "specificity", "plus", "minus"),
    [  # as printed by the studies; the counts were derived from these
        ("acc_ifi_test", 0.82, 0.85, 5.35, 0.21),
        ("acc_long_stride", 0.94, 0.85, 6.12, 0.07),
        ("acc_sij_5", 0.91, 0.78, 4.16, 0.12),
        ("acc_sij_5_no_central", 0.91, 0.87, 6.97, 0.10),
        ("acc_sij_6", 0.94, 0.78, 4.29, 0.08),
        ("acc_sij_faber", 0.85, 0.79, 4.02, 0.19),
        ("acc_seated_piriformis", 0.52, 0.90, 5.22, 0.53),
        ("acc_active_piriformis", 0.78, 0.80, 3.91, 0.27),
        ("acc_piriformis_either", 0.91, 0.80, 4.57, 0.11),
        ("acc_ifs_15", 0.769, 0.81, 4.05, 0.29),
        ("acc_derotation", 0.88, 0.973, 32.6, 0.12),
        ("acc_ia_block", 0.936, 0.95, 18.7, 0.07),
    ],
)
def test_derived_counts_give_the_printed_figures(
    row_id: str, sensitivity: float, specificity: float, plus: float, minus: float
) -> None:
    row = next(one for one in evidence().accuracies if one.id == row_id)
    points = point_accuracy(row)
    assert points is not None
    assert points == pytest.approx((sensitivity, specificity), abs=PRINTED)
    assert points[0] / (1 - points[1]) == pytest.approx(plus, abs=0.06)
    assert (1 - points[0]) / points[1] == pytest.approx(minus, abs=PRINTED)


def test_changing_a_figure_changes_every_place() -> None:
    """The list, a threshold's verdict and the differential all read the one row."""
    base = evidence()
    moved = replace(next(one for one in base.thresholds if one.id == "odi_mcid_2"), value=43.0)
    others = tuple(moved if one.id == moved.id else one for one in base.thresholds)
    changed = replace(base, thresholds=others)
    assert [one.met for one in verdicts("ODI", None, 56, 14) if one.threshold.id == moved.id] == [True]
    assert [one.met for one in verdicts("ODI", None, 56, 14, changed) if one.threshold.id == moved.id] == [
        False
    ]
    assert [row["figure"] for row in evidence_rows(changed) if row["id"] == moved.id] == ["43"]


def test_bands_beside_measures_are_those_of_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed mean moves what one method of femoral version reads as another."""
    base = evidence()
    moved = tuple(
        replace(one, mean=10.0) if one.id == "band_femoral_version_lee_1" else one for one in base.bands
    )
    before = convert_version(0.0, measured_by="lee", as_by="murphy").value_deg
    monkeypatch.setattr("ischio.measures._conversion.evidence", lambda: replace(base, bands=moved))
    after = convert_version(0.0, measured_by="lee", as_by="murphy").value_deg
    assert (before, after) == pytest.approx((23.2 - 3.4, 23.2 - 10.0))


def test_every_band_is_of_a_measure_there_is() -> None:
    names = {one.name for one in REGISTRY}
    assert {one.measure for one in evidence().bands} <= names


def test_no_module_keeps_a_threshold_of_its_own() -> None:
    """What a score is set beside comes from the base: without rows there are none."""
    bare = replace(evidence(), thresholds=())
    assert verdicts("ODI", None, 56, 14, bare) == ()
    assert Score(instrument="ODI", value=56).value == 56


class TestListing:
    def test_every_figure_is_listed_once(self) -> None:
        rows = evidence_rows(evidence())
        assert len(rows) == len({row["id"] for row in rows}) == len(list(evidence().rows()))
        assert all(row["figure"] or row["interval"] or "not calculated" in row["used"] for row in rows)

    def test_it_can_be_narrowed(self) -> None:
        rows = evidence_rows(evidence(), kind="accuracies", mark="V", about="reiman")
        assert {row["mark"] for row in rows} == {"V"}
        assert all("Reiman" in row["source"] for row in rows)
        assert len(rows) == 5

    def test_unverified_figures_say_so(self) -> None:
        for row in evidence_rows(evidence(), mark="K"):
            assert row["mark_words"].startswith("unverified")
            assert row["used"] != "calculated with"

    @pytest.mark.parametrize("narrow", [{"kind": "nothing"}, {"mark": "Z"}])
    def test_what_is_not_there_is_refused(self, narrow: dict[str, str]) -> None:
        with pytest.raises(InputError, match="Leave it out for all"):
            evidence_rows(evidence(), **narrow)


class TestBadBase:
    @pytest.mark.parametrize(
        ("edit", "words"),
        [
            (lambda e: e["accuracies"][0].pop("n"), r"accuracies.0.n: got nothing; expected how many people"),
            (lambda e: e["figures"][0].update(n=0), r"n: got 0; expected 1 or more"),
            (lambda e: e["priors"][0].update(diagnosis="x"), r"priors.0.diagnosis: got 'x'; expected one of"),
            (lambda e: e["priors"][0].update(setting="x"), r"priors.0.setting: got 'x'"),
            (lambda e: e["accuracies"][0].update(test="x"), r"accuracies.0.test: got 'x'"),
            (lambda e: e["signs"][0].update(diagnosis="x"), r"signs.0.diagnosis: got 'x'"),
            (lambda e: e["figures"].append(e["figures"][0]), r"'position_error_sd' twice"),
            (lambda e: e["tests"].append(e["tests"][0]), r"'ischiofemoral_impingement_test' twice"),
            (lambda e: e["accuracies"].append(e["accuracies"][0] | {"id": "y"}), r"a second default"),
            (lambda e: e["accuracies"][0].pop("mark"), r"mark: got nothing"),
            (lambda e: e["accuracies"][0].update(mark="Q"), r"mark: got 'Q'"),
            (lambda e: e.update(schema_version=2), r"schema_version: got 2; expected 1"),
            (lambda e: e.update(unknown_prior={"low": 0.3, "high": 0.1}), r"low: got 0.3 to 0.1"),
            (lambda e: e["figures"][0].update(colour="red"), r"colour: got a field that is not known"),
        ],
    )
    def test_it_is_refused_with_line_and_field(self, edit: Edit, words: str) -> None:
        with pytest.raises(InputError, match=rf"e.json, line \d+, .*{words}"):
            read(edited(edit))

    def test_a_file_without_fields(self) -> None:
        with pytest.raises(InputError, match="got no fields"):
            read([1])

    def test_a_figure_that_is_not_there(self) -> None:
        with pytest.raises(InputError, match="no figure 'x'"):
            evidence().figure("x")


class TestBadRows:
    @pytest.mark.parametrize(
        ("made", "words"),
        [
            (lambda: Estimate(value=3, low=4, high=5), "a value within its interval"),
            (lambda: Counts(tp=-1, fn=2, fp=1, tn=1), "counts from 0"),
            (lambda: Counts(tp=0, fn=0, fp=1, tn=1), "people on both sides"),
            (lambda: Prior(**NO_N, n=5, diagnosis="d", setting="s", events=6), "0 to n = 5"),
            (lambda: Prior(**NO_N, n=5, diagnosis="d", setting="s"), "events of n, or a range"),
            (lambda: Prior(**NO_N, n=5, diagnosis="d", setting="s", low=0.1), "both ends"),
            (lambda: Prior(**NO_N, n=5, diagnosis="d", setting="s", value=12), "a share between 0 and 1"),
            (lambda: Prior(**NO_N, n=5, diagnosis="d", setting="s", low=0.3, high=0.2), "low below high"),
            (lambda: accuracy(sensitivity=82), "a share, 0 to 1"),
            (lambda: accuracy(n_with=0), "1 or more"),
            (lambda: accuracy(lr_positive=Estimate(value=1, low=0, high=2)), "more than 0"),
            (lambda: accuracy(lr_negative_value=-1), "0 or more"),
            (lambda: accuracy(specificity_interval=Estimate(value=0.9, low=0.8, high=1)), "within 0 and 1"),
            (lambda: Band(**NO_N, n=1, measure="m", sd=2), "a mean or a range"),
            (lambda: Figure(**NO_N, n=1, what="w", unit="mm"), "a value or a range"),
        ],
    )
    def test_they_are_refused(self, made: Callable[[], object], words: str) -> None:
        with pytest.raises(FieldError, match=words):
            made()


def accuracy(**more: Any) -> Accuracy:
    return Accuracy(**NO_N, n=5, test="t", diagnosis="d", group="g", **more)

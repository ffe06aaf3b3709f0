"""What a figure of the evidence base is: its value, and source, population, number of people and mark.

Marks: V seen in a public page of the study; V2 seen in a secondary page only; S stated in the published
case; D derived by arithmetic from V or S; K known but not checked, shown as unverified and never
calculated with unless asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ischio.io.checked import Closed, FieldError

Mark = Literal["V", "V2", "S", "D", "K"]
Of = Literal["hip", "person"]
Kind = Literal["examination", "finding", "block", "symptom", "aggravated_by", "strength"]

MARK_WORDS = {
    "V": "seen in a public page of the study",
    "V2": "seen in a secondary page only",
    "S": "stated in the published case",
    "D": "derived by arithmetic from V or S",
    "K": "unverified: known but not checked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Closed):
    """What every figure carries.

    Parameters
    ----------
    id : str
    source, population : str
    n : int or None
        People or hips the figure comes from; None needs ``n_words``.
    n_words : str
        What is counted, or why the number is not known.
    mark : str
    note : str
    """

    id: str
    source: str
    population: str
    n: int | None = None
    n_words: str = ""
    mark: Mark
    note: str = ""

    def __post_init__(self) -> None:
        if self.n is None and not self.n_words:
            raise FieldError(
                ("n",), "nothing", "how many people it comes from", "Give n, or say in n_words why not."
            )
        if self.n is not None and self.n < 1:
            raise FieldError(("n",), self.n, "1 or more", "Give the number of people.")

    @property
    def is_verified(self) -> bool:
        """Whether the figure may be calculated with unasked."""
        return self.mark != "K"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Closed):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            got = f"{self.low:g} to {self.high:g} around {self.value:g}"
            raise FieldError(("value",), got, "a value within its interval", "Check the interval.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts(Closed):
    """The two-by-two table of a test: true and false, positive and negative."""

    tp: int
    fn: int
    fp: int
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fn, self.fp, self.tn) < 0:
            raise FieldError(("tp",), "a negative count", "counts from 0", "Check the table.")
        if self.tp + self.fn == 0 or self.fp + self.tn == 0:
            got = "nobody with or nobody without the diagnosis"
            raise FieldError(("tp",), got, "people on both sides", "Check the table.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis(Closed):
    """A source of pain. Several can be there at once, so each is judged by itself.

    Parameters
    ----------
    id, words : str
    plain : str
        In words for the patient.
    of : str
        "hip": left and right are two; "person": one for the whole person.
    """

    id: str
    words: str
    plain: str
    of: Of


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Closed):
    """A population that a prior holds for; ``caution`` says what must be known where it is chosen."""

    id: str
    words: str
    caution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalTest(Closed):
    """A test, and how a record tells its result.

    Parameters
    ----------
    id, words : str
    plain : str
        In words for the patient.
    kind : str
        List of the record it is found in.
    names : tuple of str
        What the record calls it: ``test``, ``what`` or ``target``.
    modality : str or None
        For findings: an accuracy holds for the modality it was published for, and for no other.
    at_most : float or None
        Positive at or below this value, in ``unit``.
    needs_relief : bool
        Positive only with its second half: relief in the opposite position.
    """

    id: str
    words: str
    plain: str = ""
    of: Of
    kind: Kind
    names: tuple[str, ...]
    modality: Literal["radiograph", "CT", "MRI", "ultrasound"] | None = None
    at_most: float | None = None
    unit: str | None = None
    needs_relief: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign(Closed):
    """A fact that speaks for or against a diagnosis and has no published likelihood ratio."""

    diagnosis: str
    kind: Kind
    names: tuple[str, ...]
    speaks: Literal["for", "against"]
    when_absent: bool = False
    why: str
    source: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior(Row):
    """How common a diagnosis is in one population; ``low`` and ``high`` where series differ.

    Parameters
    ----------
    diagnosis, setting : str
    events : float or None
        Of ``n`` people.
    low, high : float or None
        Share, 0 to 1: ends of a range for which no single figure is given.
    value : float or None
        Share as printed, where neither is known.
    """

    diagnosis: str
    setting: str
    events: float | None = None
    low: float | None = None
    high: float | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        super(Prior, self).__post_init__()  # a class with slots is made twice
        if self.events is not None and (self.n is None or not 0 <= self.events <= self.n):
            raise FieldError(
                ("events",), self.events, f"0 to n = {self.n}", "Give how many of how many people."
            )
        if (self.low is None) != (self.high is None):
            raise FieldError(("low",), "one end of a range", "both ends", "Give low and high.")
        for name in ("low", "high", "value"):
            given = getattr(self, name)
            if given is not None and not 0 < given < 1:
                raise FieldError((name,), given, "a share between 0 and 1", "Divide a percentage by 100.")
        if self.low is not None and self.high is not None and self.low > self.high:
            got = f"{self.low:g} to {self.high:g}"
            raise FieldError(("low",), got, "low below high", "Exchange them.")
        if self.events is None and self.low is None and self.value is None:
            raise FieldError(("events",), "nothing", "events of n, or a range", "Give one of them.")

    @property
    def share(self) -> float | None:
        """The share as a single figure, where there is one that people were counted for."""
        return None if self.events is None or self.n is None else self.events / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy(Row):
    """How well a test tells people with a diagnosis from people without, in one study.

    Parameters
    ----------
    test, diagnosis : str
    group : str
        Tests of one group see the same thing; their likelihood ratios are not multiplied.
    is_default : bool
        The figure that is calculated with; others of the same test are for comparison.
    counts : Counts or None
    sensitivity, specificity : float or None
        As printed; calculated with where ``n_with`` and ``n_without`` are given.
    n_with, n_without : int or None
        People with and without the diagnosis.
    sensitivity_interval, specificity_interval, lr_positive, lr_negative : Estimate or None
        As printed with their intervals.
    lr_positive_value, lr_negative_value : float or None
        As printed without an interval: for comparison, never calculated with.
    specificity_assumed : Estimate or None
        For a test whose specificity nobody has published: a range that only the choice of the next test
        uses, and says so. Results of such a test are never calculated with.
    unused : str
        Why it must not be calculated with.
    """

    test: str
    diagnosis: str
    group: str
    is_default: bool = False
    counts: Counts | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    n_with: int | None = None
    n_without: int | None = None
    sensitivity_interval: Estimate | None = None
    specificity_interval: Estimate | None = None
    lr_positive: Estimate | None = None
    lr_negative: Estimate | None = None
    lr_positive_value: float | None = None
    lr_negative_value: float | None = None
    specificity_assumed: Estimate | None = None
    unused: str = ""

    def __post_init__(self) -> None:
        super(Accuracy, self).__post_init__()  # a class with slots is made twice
        for name in ("sensitivity", "specificity"):
            given = getattr(self, name)
            if given is not None and not 0 <= given <= 1:
                raise FieldError((name,), given, "a share, 0 to 1", "Divide a percentage by 100.")
        for name in ("n_with", "n_without"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise FieldError((name,), given, "1 or more", "Give the number of people.")
        for name in ("sensitivity_interval", "specificity_interval"):
            estimate = getattr(self, name)
            if estimate is not None and not 0 < estimate.low <= estimate.high < 1:
                got = f"{estimate.low:g} to {estimate.high:g}"
                raise FieldError(
                    (name, "low"), got, "an interval within 0 and 1", "Give shares, not per cent."
                )
        for name in ("lr_positive", "lr_negative"):
            estimate = getattr(self, name)
            if estimate is not None and estimate.low <= 0:
                raise FieldError((name, "low"), estimate.low, "more than 0", "A likelihood ratio is above 0.")
        for name in ("lr_positive_value", "lr_negative_value"):
            given = getattr(self, name)
            if given is not None and given < 0:
                raise FieldError((name,), given, "0 or more", "A likelihood ratio is not negative.")

    @property
    def unused_words(self) -> str:
        """Why no posterior may rest on it; empty if one may, the mark aside."""
        if self.unused:
            return self.unused
        if self.specificity_assumed is not None:
            return "no published specificity"
        has_table = self.counts is not None or (
            None not in (self.sensitivity, self.specificity, self.n_with, self.n_without)
        )
        has_intervals = None not in (self.sensitivity_interval, self.specificity_interval)
        has_ratio = self.lr_positive is not None or self.lr_negative is not None
        return "" if has_table or has_intervals or has_ratio else "neither counts nor an interval were seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Row):
    """A published change or state of a score.

    Parameters
    ----------
    instrument, scale : str
    kind : str
        "MCID", "MDC", "PASS" or "SCB".
    value : float
    basis : str
        "change" in points, "percent_of_baseline", or "state" for a score reached.
    horizon : str
        Time after treatment, or "not stated".
    """

    instrument: str
    scale: str
    kind: Literal["MCID", "MDC", "PASS", "SCB"]
    value: float
    basis: Literal["change", "percent_of_baseline", "state"]
    horizon: str

    @property
    def is_seen(self) -> bool:
        """Whether it was seen in a public page of its own study."""
        return self.mark == "V"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Row):
    """What one source says of one measure in people: never a cut-off between ill and well.

    Parameters
    ----------
    measure : str
    sex : str or None
        "f" or "m"; None for both together.
    mean, sd : float or None
    low, high : float or None
        Ends of a range.
    range_is : str
        What the range is: "normal range of the source", "middle half", "two standard deviations" ...
    modality : str
        What it was measured on; values of different ones are not mixed.
    ages : (int, int) or None
        Years that the source covers, where it says so; adults otherwise.
    per_year : float
        Growth of the mean with age, for children.
    pose : str
        "" for what no pose changes; "standing-like" for gaps; "film" for angles that follow the pelvis's
        own tilt.
    """

    measure: str
    sex: Literal["f", "m"] | None = None
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    range_is: str = ""
    modality: str = "CT"
    ages: tuple[int, int] | None = None
    per_year: float = 0.0
    pose: Literal["", "standing-like", "film"] = ""

    def __post_init__(self) -> None:
        super(Band, self).__post_init__()  # a class with slots is made twice
        if self.mean is None and self.low is None and self.high is None:
            raise FieldError(("mean",), "nothing", "a mean or a range", "Give the figure.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Row):
    """Any other number.

    Parameters
    ----------
    what : str
    value : float or None
    low, high, sd : float or None
        Interval or range, and standard deviation between people.
    unit : str
    """

    what: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    unit: str

    def __post_init__(self) -> None:
        super(Figure, self).__post_init__()  # a class with slots is made twice
        if self.value is None and self.low is None and self.high is None:
            raise FieldError(("value",), "nothing", "a value or a range", "Give the number.")

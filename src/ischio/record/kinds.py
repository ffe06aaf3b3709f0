"""Every kind of fact that a record can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from ischio.io.checked import Closed, FieldError
from ischio.record.facts import Duration, Fact, Place, SideWord
from ischio.record.instruments import home_of_item, scale_of, scales_of

LEVELS = ("T12", "L1", "L2", "L3", "L4", "L5", "S1")

Instrument = Literal["ODI", "mHHS", "iHOT-12", "HOS", "HOOS-12", "HAGOS", "pain NRS", "pain VAS"]
Level = Literal["T12", "L1", "L2", "L3", "L4", "L5", "S1"]
Segment = Literal["T12-L1", "L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom(Fact):
    """A complaint; ``durations`` keeps every statement of how long."""

    what: str
    worse_side: Literal["left", "right"] | None = None
    durations: tuple[Duration, ...] = ()
    aggravated_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Care(Fact):
    """Treatment without an operation and what it did."""

    what: str
    result: Literal["relief", "partial_relief", "failed", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Closed):
    """What was done to one structure; several statements of one act are several entries."""

    structure: str
    act: str
    amount_mm: float | None = None
    sources: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Fact):
    """An operation.

    Parameters
    ----------
    what : str
    fuses : tuple of str
        Highest and lowest vertebra of a fusion.
    starts_clock : bool
        Whether the follow-up of this side counts from here.
    approach, position : str or None
    acts : tuple of Act
    """

    what: str
    side: SideWord = "unspecified"
    fuses: tuple[Level, ...] = ()
    starts_clock: bool = False
    approach: str | None = None
    position: str | None = None
    acts: tuple[Act, ...] = ()

    def __post_init__(self) -> None:
        if self.fuses and (len(self.fuses) != 2 or self.segments == ()):
            expected = f"highest and lowest of {', '.join(LEVELS)}"
            raise FieldError(("fuses",), list(self.fuses), expected, "Name the two ends of the fusion.")

    @property
    def segments(self) -> tuple[str, ...]:
        """Motion segments between the two ends of a fusion."""
        if not self.fuses:
            return ()
        first, last = (LEVELS.index(level) for level in (self.fuses[0], self.fuses[-1]))
        return tuple(f"{LEVELS[i]}-{LEVELS[i + 1]}" for i in range(first, last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Implant(Fact):
    """Something left in the body; its MR conditions are unknown until someone states them."""

    what: str
    mr_conditions: Literal["unknown", "safe", "conditional", "unsafe"] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination(Fact):
    """One test: how it was done and what it showed.

    Parameters
    ----------
    test : str
    manoeuvre : str or None
    result : str
    value, unit : float and str, or None
    mrc : str or None
        Strength by the Medical Research Council, "0" to "5", with 4- and 4+. Ordinal.
    reproduces : tuple of str
        Symptoms that the test brings on.
    """

    test: str
    side: SideWord = "unspecified"
    manoeuvre: str | None = None
    result: Literal["positive", "negative", "normal", "abnormal", "painful", "painless", "relief", "measured"]
    value: float | None = None
    unit: Literal["deg", "mm", "kg", "N", "s", "1"] | None = None
    mrc: Literal["0", "1", "2", "3", "4-", "4", "4+", "5"] | None = None
    reproduces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_unit(self.value, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Fact):
    """A picture that is there to be looked at, and what it is shown for."""

    modality: Literal["radiograph", "CT", "MRI", "ultrasound"]
    side: SideWord = "unspecified"
    view: str | None = None
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Fact):
    """What a reader stated of an image.

    Parameters
    ----------
    what : str
    modality : str
    present : bool
        False for what was looked for and not there.
    value, unit : float and str, or None
    method, posture : str or None
        How it was measured, and how the person lay or stood.
    brooker : int or None
        Grade of heterotopic ossification, 0 to 4.
    """

    what: str
    side: SideWord = "unspecified"
    modality: Literal["radiograph", "CT", "MRI", "ultrasound"]
    present: bool = True
    value: float | None = None
    unit: Literal["mm", "deg", "%", "mm2", "1"] | None = None
    method: str | None = None
    posture: str | None = None
    brooker: Literal[0, 1, 2, 3, 4] | None = None

    def __post_init__(self) -> None:
        _check_unit(self.value, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Fact):
    """A diagnostic injection: where, guided by what, and what it relieved."""

    target: str
    side: SideWord = "unspecified"
    guidance: Literal["CT", "ultrasound", "fluoroscopy", "none"] | None = None
    relief: Literal["none", "partial", "complete", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction(Fact):
    """A rule of the rehabilitation; ``durations`` keeps every statement, the first is the one used."""

    what: str
    rule: Literal["avoid", "limit", "as_tolerated", "do"]
    durations: tuple[Duration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complication(Fact):
    """Something that was asked for or looked for after an operation; ``measured`` tells it from asked."""

    what: str
    present: bool
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Fact):
    """A total, answers, or both; per hip or per person, never averaged over sides.

    Parameters
    ----------
    instrument, scale : str
        Names of ``instruments.SCALES``.
    value : float or None
        The total as printed.
    items : mapping of str to float or None
        Points by item key; None is a missing answer.
    site, version, language : str or None
        Site is for pain scales.
    """

    instrument: Instrument
    scale: str | None = None
    value: float | None = None
    items: Mapping[str, float | None] = field(default_factory=dict)
    site: str | None = None
    version: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", MappingProxyType(dict(self.items)))
        names = scales_of(self.instrument)
        if (self.scale or "") not in names:
            expected = f"one of {', '.join(names)}" if names != ("",) else "no scale: it has one score"
            raise FieldError(("scale",), repr(self.scale), expected, f"Name the scale of {self.instrument}.")
        scale = scale_of(self.instrument, self.scale)
        if self.value is None and not self.items:
            raise FieldError(
                ("value",), "neither a total nor items", "one of them", "Give a total or answers."
            )
        if self.value is not None and not scale.low <= self.value <= scale.high:
            expected = f"{scale.low:g} to {scale.high:g} {scale.unit}"
            raise FieldError(("value",), self.value, expected, f"Check the score of {scale.name}.")
        known = {item.key: item for item in scale.items}
        for key, answer in self.items.items():
            if key not in known:
                home = home_of_item(key)
                got = "an unknown item" if home is None else f"an item of {home.name}"
                raise FieldError(("items", key), got, f"items of {scale.name}", "Check the instrument.")
            if answer is not None and not known[key].allows(answer):
                points = ", ".join(f"{one:g}" for one in known[key].points)
                expected = (
                    f"{points.replace(', ', ' to ')}" if known[key].is_continuous else f"one of {points}"
                )
                raise FieldError(("items", key), f"{answer:g}", expected, "Enter the points of the answer.")
        if scale.per == "person" and self.side != "none":
            raise FieldError(("side",), self.side, "no side", f"{scale.name} is a score of the whole person.")
        if scale.per == "hip" and self.side in ("both", "none"):
            raise FieldError(
                ("side",), self.side, "left, right or unspecified", f"{scale.name} is a score of one hip."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Fact):
    """A follow-up that was done or is planned."""

    what: str
    status: Literal["done", "planned"] = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism(Fact):
    """An explanation that the source gives, with the levels of the spine it was found at."""

    what: str
    change_percent: float | None = None
    levels: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Fact):
    """What the source says beyond this person.

    Parameters
    ----------
    what : str
    kind : str
        "recommendation" for others, "citation" of other people's data, "causation" of the outcome.
    also_without : str or None
        A symptom in whose absence the recommendation is said to hold as well.
    low, high, unit
        Figures of a citation.
    """

    what: str
    kind: Literal["recommendation", "citation", "causation"]
    also_without: str | None = None
    low: float | None = None
    high: float | None = None
    unit: Literal["years", "%", "people"] | None = None


Alarm = Literal[
    "lesser_trochanter_avulsion",
    "tumour",
    "infection",
    "stress_fracture",
    "cauda_equina_signs",
    "non_union",
    "disease_next_to_fusion",
    "open_apophysis",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Fact):
    """A red flag that was looked for; ``after_trauma`` matters for an avulsion."""

    what: Alarm
    present: bool
    after_trauma: bool | None = None


def _check_unit(value: float | None, unit: str | None) -> None:
    """A number needs a unit, and a unit a number."""
    if (value is None) != (unit is None):
        got = "a unit without a number" if value is None else f"{value:g} without a unit"
        raise FieldError(("value",), got, "a value and its unit", "Give both, or neither.")

"""Instruments of patient-reported outcome: item keys, ranges and rules. No item is worded here.

The wording of most instruments is protected: items are numbers. Points and rules are facts, and carry
a mark of evidence: V seen in a public page, V2 seen in a secondary page, K known but not checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ischio._check import complaint

Rule = Literal["percent", "percent_reversed", "mhhs", "as_marked", "mean_of_scales"]
MHHS_FACTOR = 1.1
MHHS_CAP = 100.0


@dataclass(frozen=True, slots=True)
class Item:
    """One question: its key and the points an answer can have.

    Parameters
    ----------
    key : str
    points : tuple of float
        Every answer allowed; or lowest and highest where ``is_continuous``.
    is_continuous : bool
    is_scored : bool
        Items may be asked without being scored.
    """

    key: str
    points: tuple[float, ...]
    is_continuous: bool = False
    is_scored: bool = True

    def allows(self, answer: float) -> bool:
        """Whether an answer can have these points."""
        if self.is_continuous:
            return self.points[0] <= answer <= self.points[-1]
        return answer in self.points


@dataclass(frozen=True, slots=True)
class Scale:
    """A score: its items and how they make a total.

    Parameters
    ----------
    instrument, scale : str
        ``scale`` is empty for instruments of one score.
    per : str
        "hip", "person", or "either" for pain.
    best : str
        "high" or "low": which end of the scale is good.
    rule : str
        "percent" of the points that could be reached, "percent_reversed" its rest to 100, "mhhs" points
        times 1.1, at most 100; "as_marked"; "mean_of_scales" the mean of the instrument's other scales.
    low, high : float
        Range of the total.
    items : tuple of Item
    min_answered : int
        Fewer answered items give no valid total.
    keeps_invalid : bool
        Whether a total of too few items is still shown, marked as not valid.
    unit : str
    words : str
        The rule for missing items, with its mark.
    """

    instrument: str
    scale: str
    per: Literal["hip", "person", "either"]
    best: Literal["high", "low"]
    rule: Rule
    low: float
    high: float
    items: tuple[Item, ...]
    min_answered: int
    keeps_invalid: bool
    unit: str
    words: str

    @property
    def name(self) -> str:
        """Instrument and scale in words."""
        return f"{self.instrument} {self.scale}".strip()

    @property
    def scored(self) -> tuple[Item, ...]:
        """Items that make the total."""
        return tuple(item for item in self.items if item.is_scored)

    @property
    def item_best_high(self) -> bool:
        """Whether more points on an item make the total better."""
        return (self.best == "high") != (self.rule == "percent_reversed")


def _numbered(
    stem: str, count: int, points: tuple[float, ...], *, is_continuous: bool = False
) -> tuple[Item, ...]:
    """Items with a number each, from 1."""
    width = len(str(count))
    return tuple(Item(f"{stem}_{i:0{width}}", points, is_continuous) for i in range(1, count + 1))


_FIVE = (0.0, 1.0, 2.0, 3.0, 4.0)

_ODI = Scale(
    *("ODI", "", "person", "low", "percent", 0.0, 100.0),
    items=_numbered("odi", 10, (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)),
    min_answered=8,
    keeps_invalid=True,
    unit="%",
    words="percent of the points of the answered sections [V]; fewer than 8 of 10: shown, not valid [K]",
)

_MHHS = Scale(
    *("mHHS", "", "hip", "high", "mhhs", 0.0, MHHS_CAP),
    items=(
        Item("mhhs_pain", (0.0, 10.0, 20.0, 30.0, 40.0, 44.0)),
        Item("mhhs_limp", (0.0, 5.0, 8.0, 11.0)),
        Item("mhhs_support", (0.0, 2.0, 3.0, 5.0, 7.0, 11.0)),
        Item("mhhs_distance", (0.0, 2.0, 5.0, 8.0, 11.0)),
        Item("mhhs_stairs", (0.0, 1.0, 2.0, 4.0)),
        Item("mhhs_shoes_socks", (0.0, 2.0, 4.0)),
        Item("mhhs_sitting", (0.0, 3.0, 5.0)),
        Item("mhhs_transport", (0.0, 1.0)),
    ),
    min_answered=8,
    keeps_invalid=False,
    unit="points",
    words="points x 1.1, at most 100 [V]; no rule for missing items is published: no total then [V]",
)

_IHOT = Scale(
    *("iHOT-12", "", "hip", "high", "percent", 0.0, 100.0),
    items=_numbered("ihot12", 12, (0.0, 100.0), is_continuous=True),
    min_answered=6,
    keeps_invalid=False,
    unit="points",
    words="mean of the answered items; at least 6 of 12 [K]",
)

_HOS = (
    Scale(
        *("HOS", "ADL", "hip", "high", "percent", 0.0, 100.0),
        items=(
            *_numbered("hos_adl", 17, _FIVE),  # the scored items, in the order of the form
            Item("hos_adl_sitting", _FIVE, is_scored=False),
            Item("hos_adl_shoes_socks", _FIVE, is_scored=False),
        ),
        min_answered=14,
        keeps_invalid=False,
        unit="%",
        words="percent of the points of the answered items, 17 of the 19 scored [V]; at least 14 [K]",
    ),
    Scale(
        *("HOS", "Sport", "hip", "high", "percent", 0.0, 100.0),
        items=_numbered("hos_sport", 9, _FIVE),
        min_answered=7,
        keeps_invalid=False,
        unit="%",
        words="percent of the points of the answered items [V]; at least 7 of 9 [K]",
    ),
)


def _reversed(instrument: str, scale: str, count: int, min_answered: int, words: str) -> Scale:
    """A scale of 100 - 25 x the mean of items from 0 to 4."""
    stem = f"{instrument.lower().replace('-', '')}_{scale.lower()}"
    return Scale(
        *(instrument, scale, "hip", "high", "percent_reversed", 0.0, 100.0),
        items=_numbered(stem, count, _FIVE),
        min_answered=min_answered,
        keeps_invalid=False,
        unit="points",
        words=f"100 - 25 x mean of the answered items [V]; {words}",
    )


_HOOS = tuple(_reversed("HOOS-12", name, 4, 2, "at least 2 of 4 [K]") for name in ("Pain", "Function", "QOL"))
_HOOS_SUMMARY = Scale(
    *("HOOS-12", "Summary", "hip", "high", "mean_of_scales", 0.0, 100.0),
    items=tuple(item for scale in _HOOS for item in scale.items),
    min_answered=6,
    keeps_invalid=False,
    unit="points",
    words="mean of the three scales, at least 2 of 4 items of each [K]",
)
_HAGOS = tuple(
    _reversed("HAGOS", name, count, count - spare, f"at most {spare} missing [K]")
    for name, count, spare in (
        *(("Pain", 10, 2), ("Symptoms", 7, 2), ("ADL", 5, 2)),
        *(("Sport", 8, 2), ("Participation", 2, 1), ("QOL", 5, 2)),
    )
)


def _pain(instrument: str, high: float, unit: str, *, is_continuous: bool) -> Scale:
    """A pain scale of one item."""
    points = (0.0, high) if is_continuous else tuple(float(i) for i in range(int(high) + 1))
    return Scale(
        *(instrument, "", "either", "low", "as_marked", 0.0, high),
        items=(Item(instrument.lower().replace(" ", "_"), points, is_continuous),),
        min_answered=1,
        keeps_invalid=False,
        unit=unit,
        words="as marked; anchors, recall period and site belong to the number",
    )


_PAIN = (
    _pain("pain NRS", 10.0, "points of 10", is_continuous=False),
    _pain("pain VAS", 100.0, "mm of 100", is_continuous=True),
)

SCALES: tuple[Scale, ...] = (_ODI, _MHHS, _IHOT, *_HOS, *_HOOS, _HOOS_SUMMARY, *_HAGOS, *_PAIN)
INSTRUMENTS: tuple[str, ...] = tuple(dict.fromkeys(scale.instrument for scale in SCALES))
_SCALE_OF = {(scale.instrument, scale.scale): scale for scale in SCALES}
_HOME_OF_ITEM = {item.key: scale for scale in reversed(SCALES) for item in scale.items}  # the first one wins


def scales_of(instrument: str) -> tuple[str, ...]:
    """Names of an instrument's scales; one empty name where it has one score.

    Examples
    --------
    >>> scales_of("HOS"), scales_of("ODI")
    (('ADL', 'Sport'), ('',))
    """
    return tuple(one.scale for one in SCALES if one.instrument == instrument)


def scale_of(instrument: str, scale: str | None) -> Scale:
    """The scale of that name.

    Raises
    ------
    ValueError
        If the instrument has no such scale, or has several and none is named.

    Examples
    --------
    >>> scale_of("HOS", "Sport").min_answered
    7
    """
    found = _SCALE_OF.get((instrument, scale or ""))
    if found is None:
        names = list(scales_of(instrument))
        raise ValueError(
            complaint(f"scale of {instrument}", repr(scale or ""), f"one of {names}", "Name the scale.")
        )
    return found


def home_of_item(key: str) -> Scale | None:
    """The scale an item belongs to."""
    return _HOME_OF_ITEM.get(key)

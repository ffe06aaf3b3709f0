"""Published thresholds of change and of a satisfactory state, each with population, source and mark.

They disagree, and are never merged into one. None was found in people with ischiofemoral impingement.
Marks: V seen in a public page; V2 seen in a secondary page; K known but not checked, and shown as
unverified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ischio.record.instruments import scale_of

Kind = Literal["MCID", "MDC", "PASS", "SCB"]

WORDS = {
    "MCID": "smallest change that matters to people",
    "MDC": "smallest change above the noise of the instrument",
    "PASS": "state that people call satisfactory",
    "SCB": "substantial benefit",
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One published figure.

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
    population : str
    source : str
    mark : str
    note : str
    """

    instrument: str
    scale: str
    kind: Kind
    value: float
    basis: Literal["change", "percent_of_baseline", "state"]
    horizon: str
    population: str
    source: str
    mark: Literal["V", "V2", "K"]
    note: str = ""

    @property
    def is_verified(self) -> bool:
        """Whether the figure was seen in a public page of its own study."""
        return self.mark == "V"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A threshold beside a change: ``met`` at the end, ``met_before`` at the start (states only)."""

    threshold: Threshold
    met: bool
    met_before: bool | None


def _rows(
    scale: tuple[str, str], kind: Kind, values: tuple[float, ...], horizons: tuple[str, ...], population: str,
    source: str, mark: Literal["V", "V2", "K"] = "V", *, basis: str = "", note: str = "",
) -> tuple[Threshold, ...]:  # fmt: skip
    """One study's figures at several times."""
    usual = "state" if kind == "PASS" else "change"
    return tuple(
        Threshold(*scale, kind, value, basis or usual, horizon, population, source, mark, note)  # type: ignore[arg-type]
        for value, horizon in zip(values, horizons, strict=True)
    )


_ODI, _MHHS, _IHOT = ("ODI", ""), ("mHHS", ""), ("iHOT-12", "")
_ADL, _SPORT = ("HOS", "ADL"), ("HOS", "Sport")
_SCOPE = "hip arthroscopy"
_1_2_5 = ("1 year", "2 years", "5 years")
_UNSTATED = ("not stated",) * 3
_NWACHUKWU = "Nwachukwu 2020, 10.1177/2325967120S00351"
_ABSTRACT = "public abstract, hip arthroscopy"
_WALSH = "Walsh 2025, 10.1177/03635465251345823"

THRESHOLDS: tuple[Threshold, ...] = (
    *_rows(
        *(_ODI, "MCID", (18.0,), ("not stated",), "spine surgery", "Mannion 2006, 10.1007/s00586-004-0816-z"),
        basis="percent_of_baseline",
        note="sensitivity 91.4 %, specificity 82.4 %",
    ),
    *_rows(
        *(_ODI, "MCID", (8.0,), ("not stated",), "spine surgery", "Mannion 2006, 10.1007/s00586-004-0816-z"),
        note="stated as about 8 points",
    ),
    *_rows(_ODI, "MCID", (10.0,), ("not stated",), "low back pain", "Ostelo 2008", "K"),
    *_rows(
        *(_ODI, "MCID", (30.0,), ("not stated",), "low back pain", "Ostelo 2008", "K"),
        basis="percent_of_baseline",
    ),
    *_rows(_ODI, "MCID", (12.8,), ("not stated",), "lumbar spine surgery", "Copay 2008", "K"),
    *_rows(_ODI, "MCID", (15.0,), ("not stated",), "spine devices", "practice of the FDA", "K"),
    *_rows(
        *(_ODI, "PASS", (22.0,), ("not stated",), "spine surgery, 1288 people, version 2.1a"),
        *("van Hooff 2016, 10.1016/j.spinee.2016.06.010", "K"),
        note="at or below; the study was seen, the number was not",
    ),
    *_rows(_MHHS, "MCID", (6.9, 9.2, 11.4), _1_2_5, _SCOPE, _NWACHUKWU),
    *_rows(_MHHS, "MCID", (7.9, 7.4, 7.5), ("2 years", "5 years", "10 years"), _SCOPE, _ABSTRACT),
    *_rows(
        *(_MHHS, "MCID", (13.0, 9.0, 20.0), ("3 months", "6 months", "12 months")),
        *("hip arthroscopy, 130 people", "Chahal 2014"),
    ),
    *_rows(_MHHS, "MCID", (20.3,), ("10 years",), _SCOPE, _ABSTRACT, note="anchor-based"),
    *_rows(_MHHS, "PASS", (84.8, 83.3, 83.6), _1_2_5, _SCOPE, _NWACHUKWU),
    *_rows(
        *(_MHHS, "PASS", (77.5, 85.5, 78.5), _UNSTATED, _SCOPE, _WALSH),
        note="the meeting abstract of the same work printed 82.0, 87.5 and 78.5",
    ),
    *_rows(_MHHS, "PASS", (81.9,), ("10 years",), _SCOPE, _ABSTRACT),
    *_rows(_MHHS, "PASS", (74.0,), ("not stated",), _SCOPE, "Chahal 2015", "K"),
    *_rows(_MHHS, "SCB", (95.0, 99.0, 88.0), _UNSTATED, _SCOPE, _ABSTRACT, basis="state"),
    *_rows(_MHHS, "SCB", (34.0,), ("not stated",), _SCOPE, _ABSTRACT),
    *_rows(_IHOT, "MCID", (15.1, 13.9, 15.1), _1_2_5, _SCOPE, _NWACHUKWU),
    *_rows(
        *(_IHOT, "MCID", (9.6, 10.6), ("2 years", "5 years"), _SCOPE, _ABSTRACT), note="from the distribution"
    ),
    *_rows(
        *(_IHOT, "PASS", (59.5,), ("not stated",), "United Kingdom, 122 people", "public abstract"),
        note="sensitivity 81.1 %, specificity 83.9 %",
    ),
    *_rows(_IHOT, "PASS", (69.1, 72.2, 74.3), _1_2_5, _SCOPE, _ABSTRACT),
    *_rows(_IHOT, "PASS", (67.4, 76.9, 62.9), _UNSTATED, _SCOPE, _ABSTRACT),
    *_rows(_IHOT, "SCB", (89.4, 94.1, 82.5), _UNSTATED, _SCOPE, _ABSTRACT, basis="state"),
    *_rows(_IHOT, "MDC", (8.9,), ("not stated",), "hip osteoarthritis, Greek version", "public abstract"),
    *_rows(_ADL, "MDC", (3.0,), ("not stated",), _SCOPE, "Martin 2008, 10.1016/j.arthro.2007.12.011"),
    *_rows(_SPORT, "MDC", (3.0,), ("not stated",), _SCOPE, "Martin 2008, 10.1016/j.arthro.2007.12.011"),
    *_rows(_ADL, "MCID", (9.0,), ("not stated",), _SCOPE, "Martin 2008, 10.1016/j.arthro.2007.12.011"),
    *_rows(_SPORT, "MCID", (6.0,), ("not stated",), _SCOPE, "Martin 2008, 10.1016/j.arthro.2007.12.011"),
    *_rows(_ADL, "MCID", (8.8, 9.7, 10.2), _UNSTATED, _SCOPE, _ABSTRACT),
    *_rows(_SPORT, "MCID", (13.9, 14.3, 15.2), _UNSTATED, _SCOPE, _ABSTRACT),
    *_rows(
        *(_ADL, "PASS", (89.7, 88.2, 99.2), _UNSTATED, _SCOPE, _ABSTRACT), note="99.2 looks like a misprint"
    ),
    *_rows(_SPORT, "PASS", (72.2, 76.4, 80.9), _UNSTATED, _SCOPE, _ABSTRACT),
    *(
        row
        for scale in ("Pain", "Symptoms", "ADL", "Sport", "Participation", "QOL")
        for row in (
            *_rows(
                *(("HAGOS", scale), "MDC", (17.7, 33.8), ("not stated",) * 2, "hip and groin pain"),
                "Thorborg 2011, 10.1136/bjsm.2010.080937",
                note="lowest and highest of the six scales, for one person",
            ),
            *_rows(
                *(("HAGOS", scale), "MCID", (10.0, 15.0), ("not stated",) * 2, "hip and groin pain"),
                *("secondary page", "V2"),
                note="ends of a range",
            ),
        )
    ),
    *_rows(
        ("pain NRS", ""),
        "MCID",
        (1.5, 2.0),
        ("not stated",) * 2,
        "pain",
        "general",
        "K",
        note="ends of a range",
    ),
    *_rows(
        *(("pain VAS", ""), "MCID", (15.0, 20.0), ("not stated",) * 2, "pain", "general", "K"),
        note="ends of a range",
    ),
    *(
        row
        for scale in (("pain NRS", ""), ("pain VAS", ""))
        for row in _rows(
            scale, "MCID", (30.0,), ("not stated",), "pain", "general", "K", basis="percent_of_baseline"
        )
    ),
)
"""Every figure. Years for which a study gave values in order without naming them are "not stated"."""


def verdicts(instrument: str, scale: str | None, before: float, after: float) -> tuple[Verdict, ...]:
    """Every published threshold of a scale beside one person's change.

    Parameters
    ----------
    instrument : str
    scale : str or None
    before, after : float
        Totals of the same side.

    Returns
    -------
    tuple of Verdict

    Examples
    --------
    >>> [one.met for one in verdicts("ODI", None, 56, 14) if one.threshold.is_verified]
    [True, True]
    """
    sign = 1.0 if scale_of(instrument, scale).best == "high" else -1.0
    gain = round(sign * (after - before), 6)

    def reached(row: Threshold, value: float) -> bool:
        return sign * (value - row.value) >= 0

    out = []
    for row in THRESHOLDS:
        if (row.instrument, row.scale) != (instrument, scale or ""):
            continue
        if row.basis == "state":
            out.append(Verdict(row, reached(row, after), reached(row, before)))
        elif row.basis == "change":
            out.append(Verdict(row, gain >= row.value, None))
        elif before > 0:  # a percentage of nothing is nothing
            out.append(Verdict(row, 100.0 * gain / before >= row.value, None))
    return tuple(out)

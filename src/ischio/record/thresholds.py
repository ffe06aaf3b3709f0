"""One person's change of a score beside every published threshold.

The figures are those of the evidence base. They disagree, and are never merged into one. None was found
in people with ischiofemoral impingement.
"""

from __future__ import annotations

from dataclasses import dataclass

from ischio.evidence import Evidence, evidence
from ischio.evidence.rows import Threshold
from ischio.record.instruments import scale_of

WORDS = {
    "MCID": "smallest change that matters to people",
    "MDC": "smallest change above the noise of the instrument",
    "PASS": "state that people call satisfactory",
    "SCB": "substantial benefit",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A threshold beside a change: ``met`` at the end, ``met_before`` at the start (states only)."""

    threshold: Threshold
    met: bool
    met_before: bool | None


def verdicts(
    instrument: str, scale: str | None, before: float, after: float, base: Evidence | None = None
) -> tuple[Verdict, ...]:
    """Every published threshold of a scale beside one person's change.

    Parameters
    ----------
    instrument : str
    scale : str or None
    before, after : float
        Totals of the same side.
    base : Evidence, optional
        The packaged one by default.

    Returns
    -------
    tuple of Verdict

    Examples
    --------
    >>> [one.met for one in verdicts("ODI", None, 56, 14) if one.threshold.is_seen]
    [True, True]
    """
    sign = 1.0 if scale_of(instrument, scale).best == "high" else -1.0
    gain = round(sign * (after - before), 6)

    def reached(row: Threshold, value: float) -> bool:
        return sign * (value - row.value) >= 0

    out = []
    for row in (base or evidence()).thresholds:
        if (row.instrument, row.scale) != (instrument, scale or ""):
            continue
        if row.basis == "state":
            out.append(Verdict(row, reached(row, after), reached(row, before)))
        elif row.basis == "change":
            out.append(Verdict(row, gain >= row.value, None))
        elif before > 0:  # a percentage of nothing is nothing
            out.append(Verdict(row, 100.0 * gain / before >= row.value, None))
    return tuple(out)

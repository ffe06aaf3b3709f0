"""One row of the validation table, and the table as text, JSON and a documentation page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from ischio import __version__


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison with outside truth.

    Parameters
    ----------
    quantity : str
    truth, ours, difference, tolerance : float or None
        ``None`` where the row could not be run, or nothing could be measured.
    unit : str
    source : str
        Where the truth comes from.
    verdict : str
        "pass", "fail" or "skipped"; "shown" where a size is put beside a
        published one and not judged; "disagrees" where a published order is known not to come out.
    note : str
        Reason of a skip, or how to read the row.
    """

    quantity: str
    truth: float | None
    unit: str
    source: str
    ours: float | None
    difference: float | None
    tolerance: float | None
    verdict: str
    note: str = ""


def compared(
    quantity: str, truth: float, ours: float, tolerance: float, unit: str, source: str, note: str = ""
) -> Row:
    """Row that passes when ours is within the tolerance of the truth.

    Parameters
    ----------
    quantity : str
    truth, tolerance : float
    ours : float
        Not finite where nothing could be measured: the row fails and says so.
    unit, source, note : str

    Returns
    -------
    Row

    Examples
    --------
    >>> compared("gap", 5.0, 5.05, 0.1, "mm", "phantom").verdict
    'pass'
    """
    if not isfinite(ours):
        said = f"not measured; {note}" if note else "not measured"
        return Row(quantity, truth, unit, source, None, None, tolerance, "fail", said)
    difference = ours - truth
    verdict = "pass" if abs(difference) <= tolerance else "fail"
    return Row(quantity, truth, unit, source, ours, difference, tolerance, verdict, note)


def skipped(quantity: str, unit: str, source: str, reason: str) -> Row:
    """Row that could not be run, with the reason.

    Parameters
    ----------
    quantity, unit, source, reason : str

    Returns
    -------
    Row

    Examples
    --------
    >>> skipped("gap", "mm", "raters", "no data").verdict
    'skipped'
    """
    return Row(quantity, None, unit, source, None, None, None, "skipped", reason)


def _number(value: float | None) -> str:
    """A value for the table."""
    return "-" if value is None else f"{value:.3f}"


_HEADINGS = ("quantity", "unit", "truth", "ours", "difference", "tolerance", "verdict", "source", "note")


def _cells(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Rows as text cells, in the order of the headings."""
    return [
        (
            row.quantity,
            row.unit,
            _number(row.truth),
            _number(row.ours),
            _number(row.difference),
            _number(row.tolerance),
            row.verdict,
            row.source,
            row.note,
        )
        for row in rows
    ]


def to_text(rows: Iterable[Row]) -> str:
    """The table for a terminal.

    Examples
    --------
    >>> print(to_text([skipped("gap", "mm", "raters", "no data")]).splitlines()[0][:8])
    quantity
    """
    cells = [_HEADINGS, *_cells(rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(_HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    verdicts = [line[6] for line in cells[1:]]
    words = ("pass", "fail", "skipped", "shown", "disagrees")
    total = ", ".join(f"{verdicts.count(word)} {word}" for word in words)
    return "\n".join([*lines, "", f"{total}.", ""])


def to_markdown(rows: Iterable[Row]) -> str:
    """The table as a documentation page."""
    lines = [
        "# Validation",
        "",
        f"Written by `ischio validate` {__version__}. For research only; not a medical device.",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|" + " --- |" * len(_HEADINGS),
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in _cells(rows)),
        "",
    ]
    return "\n".join(lines)


def to_dict(rows: Iterable[Row]) -> dict[str, Any]:
    """The table for JSON."""
    return {"software": {"name": "ischio", "version": __version__}, "rows": [asdict(row) for row in rows]}

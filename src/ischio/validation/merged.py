"""Whether any CT, made or of a person, has bones that are merged: one row over all rows for single CT."""

from __future__ import annotations

from collections.abc import Sequence

from ischio.validation.rows import Row, compared, skipped

TAKEN = "largest share of a bone given to another"
MOST_TAKEN = 0.005  # of a bone


def taken_row(share: float, source: str, note: str = "") -> Row:
    """Row for the largest share of a bone that a label map gives to another, in one CT.

    Parameters
    ----------
    share : float
    source, note : str

    Returns
    -------
    Row
    """
    return compared(TAKEN, 0.0, share, MOST_TAKEN, "1", source, note)


def merged_row(rows: Sequence[Row]) -> Row:
    """Row for the number of CT in which bones are merged.

    Parameters
    ----------
    rows : sequence of validation rows
        Among others those of ``taken_row``; the row is skipped without any.

    Returns
    -------
    Row

    Examples
    --------
    >>> merged_row([taken_row(0.001, "one"), taken_row(0.02, "another")]).note
    'of 2 CT; most: 0.020, another'
    """
    shares = sorted((row.ours or 0.0, row.source) for row in rows if row.quantity == TAKEN)
    n_merged = sum(share > MOST_TAKEN for share, _ in shares)
    what = f"CT in which more than {100 * MOST_TAKEN:g} % of a bone is given to another"
    source = "CT made from surfaces, and laid models of CT of people"
    if not shares:
        return skipped(what, "CT", source, "bones were found in no CT")
    most = f"most: {shares[-1][0]:.3f}, {shares[-1][1]}"
    return compared(what, 0.0, float(n_merged), 0.0, "CT", source, f"of {len(shares)} CT; {most}")

"""Dates as texts and months between them; no clock is read."""

from __future__ import annotations

import re

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DAYS_IN_MONTH = 30.4375  # a year of 365.25 days in 12


def is_date(text: str) -> bool:
    """Whether a text is a day of the calendar, year-month-day.

    Examples
    --------
    >>> is_date("2024-02-29"), is_date("2023-02-29")
    (True, False)
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    year, month, day = (int(part) for part in text.split("-"))
    if not (year >= 1 and 1 <= month <= 12):
        return False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _DAYS[month - 1] + (is_leap and month == 2)


def months_between(earlier: str, later: str) -> float:
    """Months from one date to another: whole months counted on the calendar, the rest in days.

    Examples
    --------
    >>> months_between("2020-01-15", "2021-03-15")
    14.0
    """
    (y1, m1, d1), (y2, m2, d2) = (tuple(map(int, text.split("-"))) for text in (earlier, later))
    return round(12 * (y2 - y1) + (m2 - m1) + (d2 - d1) / DAYS_IN_MONTH, 2)

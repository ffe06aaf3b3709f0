"""The report's part on motion: its curves, maps and rows, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ischio.motion.examinations import EXAMINATIONS
from ischio.report.motion_svg import examination_svg, gait_svg, map_legend, map_svg, ramp_legend

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Examination:
    """One path of an examination: its curves, and the sentence of each side."""

    name: str
    title: str
    svg: str
    rows: tuple[Row, ...]
    others: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """Both maps of one side."""

    side: str
    extension_svg: str
    contact_svg: str
    soft_tissue: Row
    ramp: tuple[tuple[str, str], ...]
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One movement; for each side the contact and the 5 and 10 mm, in words."""

    movement: str
    sides: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class MotionPage:
    """What the template shows of motion."""

    examinations: tuple[Examination, ...]
    maps: tuple[Map, ...]
    limit_sides: tuple[str, ...]
    limits: tuple[LimitRow, ...]
    gait: tuple[tuple[str, Row], ...]


def motion_page(data: Row) -> MotionPage | None:
    """Curves and maps of a study, or ``None`` where motion was not asked for."""
    if "examinations" not in data:
        return None
    findings = data["examinations"]["findings"]
    soft = {side: row["extension_deg"] for side, row in data["limits"]["soft_tissue"].items()}
    paths = dict.fromkeys(row["path"] for row in findings)
    examinations = []
    for path in paths:
        rows = [row for row in findings if row["path"] == path]
        main = tuple(row for row in rows if row["is_headline"])
        if main:
            others = tuple(row for row in rows if not row["is_headline"])
            svg = examination_svg(main, soft)
            examinations.append(
                Examination(EXAMINATIONS[main[0]["examination"]], main[0]["movement"], svg, main, others)
            )
    maps = tuple(
        Map(
            row["side"],
            map_svg(row, soft[row["side"]], "extension"),
            map_svg(row, soft[row["side"]], "first_contact"),
            data["limits"]["soft_tissue"][row["side"]],
            tuple(ramp_legend(soft[row["side"]])),
            tuple(map_legend(row["pairs"], soft[row["side"]])),
        )
        for row in data["limits"]["maps"]
    )
    gait = tuple((gait_svg(row), row) for row in data["gait"]["hips"])
    return MotionPage(tuple(examinations), maps, *_limits(data["limits"]["limits"]), gait)


def levels_words(row: Row) -> str:
    """Where a finding comes down to 5 and 10 mm, in words.

    Examples
    --------
    >>> level = [{"clearance_mm": 5.0, "angle_deg": 6.0}, {"clearance_mm": 10.0, "angle_deg": 0.0}]
    >>> levels_words({"levels": level, "angle_deg": [0.0, 20.0]})
    'Down to 5 mm at 6°; to 10 mm from the start.'
    """
    said = []
    for level in row["levels"]:
        if level["clearance_mm"] == 0 or level["angle_deg"] is None:
            continue
        start = level["angle_deg"] == row["angle_deg"][0]
        where = "from the start" if start else f"at {level['angle_deg']:.0f}°"
        said.append(f"{level['clearance_mm']:g} mm {where}")
    return f"Down to {'; to '.join(said)}." if said else "More than 10 mm throughout."


def _limits(rows: Sequence[Row]) -> tuple[tuple[str, ...], tuple[LimitRow, ...]]:
    """Limits with both sides in one row."""
    sides = tuple(dict.fromkeys(row["side"] for row in rows))
    found = {(row["path"], row["side"], row["of"], row["clearance_mm"]): row for row in rows}
    out = []
    for path, movement in dict.fromkeys((row["path"], row["movement"]) for row in rows):
        cells = []
        for side in sides:
            contact = found.get((path, side, "any", 0.0))
            levels = [found.get((path, side, "space", level)) for level in (5.0, 10.0)]
            pair = "" if contact is None or contact["pair"] is None else _pair_words(contact)
            cells.append((_angle(contact), pair, _angle(levels[0]), _angle(levels[1])))
        out.append(LimitRow(movement, tuple(cells)))
    return sides, tuple(out)


def _angle(row: Row | None) -> str:
    """Where a limit is, in a few words."""
    if row is None:
        return "not known"
    if row["status"] == "free":
        return f"none to {row['end_deg']:.0f}°"
    if row["angle_deg"] is None or row["closing_mm_per_deg"] is None:
        return "before"
    graze = " grazing" if row["status"] == "grazing" else ""
    return f"{row['angle_deg']:.1f}°{graze}"


def _pair_words(row: Row) -> str:
    """Which regions meet."""
    words = str(row["pair"]).replace(":", " and ").replace("_", " ")
    on_ischium = str(row["pair"]).endswith(":ischium") and row["sub_part"]
    return f"{words} ({row['sub_part']})" if on_ischium else words

"""One self-contained page about one study: no script, no request, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ischio.report import words
from ischio.report.landmark_pictures import (
    LandmarkSheet,
    hip_landmarks,
    landmark_numbers,
    midline_landmarks,
)
from ischio.report.motion_page import levels_words, motion_page
from ischio.report.pictures import HipPicture, Legend, hip_pictures, legend
from ischio.report.record_svg import timeline_svg
from ischio.report.views import anatomical_directions
from ischio.types import Hip, Measurement, Side, Study

SPACE = "ischiofemoral_space_3d"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Section:
    """What the page shows of one hip: drawn from its surfaces, told from its row."""

    row: Row
    pictures: tuple[HipPicture, ...]
    legend: tuple[Legend, ...]
    has_letters: bool
    no_gap_view: str | None
    landmarks: LandmarkSheet


def render_report(study: Study, as_dict: Mapping[str, Any]) -> str:
    """Write a study as an HTML page.

    Parameters
    ----------
    study : Study
        Gives the geometry that is drawn.
    as_dict : mapping
        The study as written to ``study.json``; gives every number and text.

    Returns
    -------
    str
        A whole page with its pictures inside. Text from files is escaped; equal studies give
        equal pages.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ischio.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "heading": words.heading,
        "offset_name": words.offset_name,
        "levels_words": levels_words,
        "plain": words.plain,
        "pose_row": words.pose_row,
        "posture": words.posture_words,
        "shown": words.shown,
    }
    environment.globals |= {"number": words.number, "rounded": words.rounded, "spread": words.spread}
    spaces = {m.side: m for m in study.measurements if m.name == SPACE}
    axes = str(as_dict["settings"]["axes"])
    numbers = landmark_numbers(study.pelvis)
    with ThreadPoolExecutor(max_workers=2) as pool:  # drawing is most of the time, and numpy shares the cores
        midline = pool.submit(midline_landmarks, study.pelvis, numbers, axes)
        sections = list(
            pool.map(
                lambda pair: _section(pair[0], pair[1], spaces.get(pair[0].side), numbers, axes),
                zip(study.pelvis.hips, as_dict["hips"], strict=True),
            )
        )
    return environment.get_template("report.html.j2").render(
        data=as_dict,
        axes=axes,
        gap_sentence=words.GAP_SENTENCE,
        model_sentence=words.MODEL_SENTENCE,
        is_model=any(row["posture"] == "model" for row in as_dict["hips"]),
        cards=[_card(as_dict["measurements"], side, study.pelvis.reasons) for side in Side],
        sections=sections,
        midline=midline.result(),
        groups=_groups(as_dict["measurements"]),
        references=_references(as_dict["measurements"]),
        motion=motion_page(as_dict),
        timeline_svg=_timeline(as_dict.get("record")),
    )


def _timeline(record: Row | None) -> str:
    """The timeline of a record as SVG."""
    return "" if record is None else timeline_svg(record["timeline"], record)


def _card(rows: Iterable[Row], side: Side, absent: Mapping[str, str]) -> Row:
    """The headline of one side: the row of its gap, or a reason."""
    found = (row for row in rows if row["name"] == SPACE and row["side"] == side.value)
    reason = absent.get(side.value, "this side was not asked for")
    return next(found, {"side": side.value, "value": None, "reason": reason})


def _section(
    hip: Hip, row: Row, space: Measurement | None, numbers: Mapping[str, int], axes: str
) -> _Section:
    """Pictures and legend of one hip beside its row."""
    no_gap_view = "it was not asked for" if space is None else space.reason
    return _Section(
        row,
        hip_pictures(hip, space, axes),
        legend(hip, space),
        anatomical_directions(hip, axes).known,
        no_gap_view,
        hip_landmarks(hip, numbers, axes),
    )


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of one definition together, so that it is printed once for both sides."""
    same = ("name", "definition", "method", "reference", "evidence")
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in same), []).append(row)
    return list(groups.values())


def _references(rows: Sequence[Row]) -> dict[str, list[str]]:
    """References behind the values, each with the measures that rest on it, in order."""
    out: dict[str, list[str]] = {}
    for row in rows:
        used_by = out.setdefault(row["reference"], []) if row["value"] is not None else []
        if row["name"] not in used_by:
            used_by.append(row["name"])
    return out

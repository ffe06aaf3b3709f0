"""One self-contained page about one study: no script, no request, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ischio.bones.exclude import Excluded
from ischio.plan import HipPlans
from ischio.report import words
from ischio.report.landmark_pictures import (
    LandmarkSheet,
    hip_landmarks,
    landmark_numbers,
    midline_landmarks,
)
from ischio.report.motion_page import levels_words, motion_page
from ischio.report.pictures import HipPicture, Legend, hip_pictures, legend
from ischio.report.plan_page import plan_pages
from ischio.report.record_svg import timeline_svg
from ischio.report.scan_pictures import scan_pictures
from ischio.report.sketches import sketch_pictures
from ischio.report.thinning import thinned_pelvis
from ischio.report.views import anatomical_directions
from ischio.types import Hip, Measurement, Side, Study, Volume

SPACE = "ischiofemoral_space_3d"
_SHORTENED = 260  # letters of a warning on the first page; a longer one stands in full behind
_DRAWN_ELSEWHERE = {
    SPACE: "with each hip, along the gap",
    "femoral_head_radius": "with each hip: the sphere fitted to the head",
    "mckibbin_index": "with the two versions that it is the sum of",
}

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


def render_report(
    study: Study,
    as_dict: Mapping[str, Any],
    *,
    scan: Volume | None = None,
    exclude: Excluded | None = None,
    plans: Sequence[HipPlans] = (),
) -> str:
    """Write a study as an HTML page.

    Parameters
    ----------
    study : Study
        Gives the geometry that is drawn.
    as_dict : mapping
        The study as written to ``study.json``; gives every number and text.
    scan : Volume, optional
        The scan the bones were taken from: sections with the bones' outlines are shown.
    exclude : Excluded, optional
        Voxels of the scan that were not used: they are tinted in its sections.
    plans : sequence of HipPlans
        What the study's plans were made of: the cuts are drawn.

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
        "published": words.published,
        "source_short": words.source_short,
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
    drawn = thinned_pelvis(study.pelvis)
    with ThreadPoolExecutor(max_workers=2) as pool:  # drawing is most of the time, and numpy shares the cores
        midline = pool.submit(midline_landmarks, drawn, numbers, axes)
        sketches = pool.submit(sketch_pictures, study.measurements, drawn, axes)
        sections = list(
            pool.map(
                lambda pair: _section(pair[0], pair[1], spaces.get(pair[0].side), numbers, axes),
                zip(drawn.hips, as_dict["hips"], strict=True),
            )
        )
    return environment.get_template("report.html.j2").render(
        data=as_dict,
        axes=axes,
        gap_sentence=words.GAP_SENTENCE,
        shortened=_SHORTENED,
        model_sentence=words.MODEL_SENTENCE,
        is_model=any(row["posture"] == "model" for row in as_dict["hips"]),
        cards=[_card(as_dict["measurements"], side, study.pelvis.reasons) for side in Side],
        sections=sections,
        midline=midline.result(),
        scan_pictures=() if scan is None else scan_pictures(study, scan, exclude=exclude),
        groups=_groups(as_dict["measurements"]),
        overview=_overview(as_dict["measurements"]),
        unmeasured=_unmeasured(as_dict["measurements"]),
        sketches=sketches.result(),
        drawn_elsewhere=_DRAWN_ELSEWHERE,
        references=_references(as_dict["measurements"]),
        motion=motion_page(as_dict),
        plan_hips=plan_pages(as_dict, plans),
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


def _overview(rows: Sequence[Row]) -> list[Row]:
    """One line for each measure that has a value: both sides, and the published values shown beside it."""
    out: list[Row] = []
    names = dict.fromkeys(row["name"] for row in rows if row["value"] is not None)
    for name in sorted(names, key=lambda name: not name.startswith(SPACE[:19])):
        of_name = [row for row in rows if row["name"] == name]
        sides = {row["side"]: row for row in of_name}
        shown = [one for row in of_name for one in row["comparisons"] if one["shown"]]
        bands = list({(one["source"], one["population"]): one for one in shown}.values())
        # Two sources stand for all of them here; those that were read come before the unverified ones.
        bands = sorted(bands, key=lambda one: one["mark"] == "K")[:2]
        out.append({"name": name, "unit": of_name[0]["unit"], "sides": sides, "bands": bands})
    return out


def _unmeasured(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Measures without a value by their reason, in order."""
    out: dict[str, list[str]] = {}
    for row in rows:
        if row["value"] is None:
            side = "" if row["side"] == "none" else f" ({row['side']})"
            out.setdefault(row["reason"], []).append(f"{words.plain(row['name'])}{side}")
    return out


def _references(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Papers behind what was run and compared, each with what rests on it, in order."""
    out: dict[str, list[str]] = {}
    for row in rows:
        if row["value"] is None:
            continue
        used = [(row["reference"], row["name"])]
        used += [
            (one["source"], f"values beside {row['name']}") for one in row["comparisons"] if one["shown"]
        ]
        for reference, what in used:
            used_by = out.setdefault(reference, [])
            if what not in used_by:
                used_by.append(what)
    for reference, what in _ALWAYS.items():
        out.setdefault(reference, []).append(what)
    return out


_ALWAYS = {
    "Wu et al. 2002, J Biomech 35:543-548": "frames of pelvis and femur",
    "Grood and Suntay 1983, J Biomech Eng 105:136-144": "angles of the pose",
    "musculoskeletal-models, Auckland Bioengineering Institute, shape model LLP26": "finding the landmarks",
}

"""Two pages about a record: one for the clinic, in the order of a letter, and one for the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ischio.record.letter import plain_letter
from ischio.report import words
from ischio.report.differential_svg import differential_svg
from ischio.report.plain_words import patient_lines
from ischio.report.record_svg import timeline_svg

Row = Mapping[str, Any]


def render_clinic(found: dict[str, Any], study: Row | None = None) -> str:
    """The page for the clinic: history to plan, what else it could be, and what stands against an operation.

    Parameters
    ----------
    found : dict
        As ``record.letter.letter_dict`` gives it.
    study : mapping, optional
        A study of the same person's bones, as in ``study.json``; gives measurements, motion and plan.

    Returns
    -------
    str
        A whole page. Text from files is escaped; equal records give equal pages.
    """
    rows = _together(found["differential"]["diagnoses"])
    return _page(
        "clinic.html.j2",
        data=found,
        record=found["record"],
        study=study,
        motion=_motion(study),
        measured=_measured(study),
        plans=[] if study is None else study.get("plans", []),
        timeline_svg=timeline_svg(found["timeline"], found) if found["scores"] else "",
        differential_svg=differential_svg(rows),
        judged=[row for row in rows if row["has_facts"]],
        silent=[row for row in rows if not row["has_facts"]],
        sources=_sources(rows),
        gap_sentence=words.GAP_SENTENCE,
    )


def render_patient(found: dict[str, Any]) -> str:
    """The page for the patient: everyday words, no shares, no thresholds, nothing about how much bone.

    Parameters
    ----------
    found : dict
        As ``record.letter.letter_dict`` gives it.

    Returns
    -------
    str
        A whole page.
    """
    plain = plain_letter(found)
    return _page("patient.html.j2", data=plain, lines=patient_lines(plain))


def _page(template: str, **values: Any) -> str:
    """A page from its template."""
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
        "plain": words.plain,
        "posture": words.posture_words,
        "shown": words.shown,
        "percent": _percent,
        "range": _range,
        "side": _side,
    }
    environment.globals |= {"number": words.number, "spread": words.spread}
    return environment.get_template(template).render(**values)


def _measured(study: Row | None) -> list[tuple[str, dict[str, Row]]]:
    """Measurements of a study by name, then side; what belongs to the midline is "none"."""
    out: dict[str, dict[str, Row]] = {}
    for row in [] if study is None else study["measurements"]:
        out.setdefault(row["name"], {})[row["side"]] = row
    return list(out.items())


def _motion(study: Row | None) -> list[tuple[str, list[str]]]:
    """What a study says of motion, by heading; only the sentences, the report of the bones has the rest."""
    if study is None:
        return []
    parts = {
        "Examinations on the bones": [one["sentence"] for one in _rows(study, "examinations", "findings")],
        "Limits": _limits(study),
        "Walking": [
            f"{_heading(one)}: closest {max(one['closest_mm'], 0.0):.1f} mm"
            f"{' (bone contact)' if one['closest_mm'] <= 0 else ''} at {one['closest_percent']:.0f} % of the "
            f"cycle ({one['source']})"
            for one in _rows(study, "gait", "hips")
        ],
        "Hip and spine": [
            f"{_heading(one)}: {row['demand']} asks for {row['demand_deg']:.1f} deg of extension, "
            f"{row['limited_by']} stops at {row['limit_deg']:.1f}: deficit {row['deficit_deg']:.1f} deg"
            for one in _rows(study, "spine", "hips")
            for row in one["deficits"][:1]
        ],
    }
    return [(title, lines) for title, lines in parts.items() if lines]


def _limits(study: Row) -> list[str]:
    """Extension straight back at bone contact, with the sentence that belongs to it."""
    lines = [
        f"{_heading(one)}: bone stops extension at "
        + ("no angle that was tried" if one["bony_limit_deg"] is None else f"{one['bony_limit_deg']:.1f} deg")
        + f", soft tissue at {one['soft_tissue']['extension_deg']:.0f} deg ({one['soft_tissue']['source']})"
        for one in _rows(study, "spine", "hips")
    ]
    return [*lines, study["limits"]["sentence"]] if lines else []


def _rows(study: Row, part: str, name: str) -> list[Row]:
    """Rows of one part of a study; none where that step was not run."""
    return list((study.get(part) or {}).get(name, []))


def _heading(row: Row) -> str:
    """The side a row is about."""
    return words.heading(row["side"])


def _together(rows: list[Row]) -> list[Row]:
    """Both hips in one row where everything about them is the same but where it is stated."""
    out: list[Row] = []
    for row in rows:
        twin = next((one for one in out if row["side"] == "right" and _same(one, row)), None)
        if twin is None:
            out.append(row)
        else:
            out[out.index(twin)] = {**twin, "side": "both"}
    return out


def _same(left: Row, right: Row) -> bool:
    """Whether two hips differ in nothing but side and places."""
    own = ("side", "for", "against")
    rest = all(left[key] == right[key] for key in left if key not in own)
    facts = (
        [{key: value for key, value in fact.items() if key not in ("side", "places")} for fact in row[name]]
        for row in (left, right)
        for name in ("for", "against")
    )
    a_for, a_against, b_for, b_against = facts
    return left["side"] == "left" and rest and a_for == b_for and a_against == b_against


def _sources(rows: list[Row]) -> list[Row]:
    """Every figure that was calculated with, once."""
    used: dict[str, Row] = {}
    for row in rows:
        for one in (*row["for"], *row["against"]):
            if one["ratio"] is not None:
                used.setdefault(one["evidence"], one)
    return list(used.values())


def _percent(share: float) -> str:
    """A share in per cent; nothing is certain."""
    return "under 0.1 %" if share < 0.001 else "over 99.9 %" if share > 0.999 else f"{100 * share:.2g} %"


def _range(after: Row) -> str:
    """A share, or the ends of a range."""
    if after["value"] is not None:
        return f"{_percent(after['value'])} ({_percent(after['low'])} to {_percent(after['high'])})"
    return f"{_percent(after['from']['value'])} to {_percent(after['to']['value'])}"


def _side(side: str | None) -> str:
    """A side in words; nothing for what has none."""
    known = {"none": "", "unspecified": "side not stated", "both": "left and right", None: ""}
    return known.get(side, side or "")

"""A data dictionary for REDCap: one field for each item, by its key; no wording of any question."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from ischio.record.instruments import SCALES, Item, Scale, home_of_item

COLUMNS = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)


def redcap_dictionary() -> str:
    """The dictionary as CSV text: fields of every instrument, per hip or per person.

    Examples
    --------
    >>> redcap_dictionary().splitlines()[1].split(",")[:5]
    ['case_id', 'record', '', 'text', 'Pseudonym']
    """
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerow(_row("case_id", "record", "Pseudonym", "", "", ""))
    table.writerow(_row("offset_months", "record", "Months from the record's zero", "number", "", ""))
    for scale in SCALES:
        for side in ("left", "right") if scale.per == "hip" else ("",):
            table.writerows(_fields(scale, side))
    return out.getvalue()


def _fields(scale: Scale, side: str) -> Iterator[list[str]]:
    """Rows of one scale on one side: its items and its total."""
    form = _name(scale.instrument)
    stem = f"_{side}" if side else ""
    own = [item for item in scale.items if home_of_item(item.key) is scale]  # a summary has none of its own
    for n, item in enumerate(own, 1):
        label = f"{scale.name}, item {n}" + (f", {side} hip" if side else "")
        kind = "number" if item.is_continuous else "integer"
        yield _row(f"{item.key}{stem}", form, label, kind, *_ends(item))
    label = f"{scale.name}, total" + (f", {side} hip" if side else "")
    name = f"{_name(scale.name)}_total{stem}"
    yield _row(name, form, label, "number", f"{scale.low:g}", f"{scale.high:g}")


def _ends(item: Item) -> tuple[str, str]:
    """Lowest and highest points of an item."""
    return f"{min(item.points):g}", f"{max(item.points):g}"


def _name(words: str) -> str:
    """Letters, digits and underscores, as REDCap wants its names."""
    return words.lower().replace("-", "").replace(" ", "_")


def _row(name: str, form: str, label: str, kind: str, low: str, high: str) -> list[str]:
    """One row of the dictionary."""
    return [name, form, "", "text", label, "", "", kind, low, high, *[""] * 8]

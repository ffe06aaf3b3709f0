"""Sphinx settings."""

from __future__ import annotations

import io
import os
import pkgutil
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import ischio
from ischio import cli_record
from ischio.cli import main
from ischio.evidence import ROWS, evidence
from ischio.evidence.listing import evidence_rows
from ischio.measures import REGISTRY

project = "ischio"
author = "The ischio contributors"
copyright = "The ischio contributors"
version = release = ischio.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings give type, shape, unit and frame
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"ischio {version}"
html_show_copyright = False
html_show_sphinx = False

GENERATED = Path(__file__).parent / "reference" / "generated"


def command_line_page() -> str:
    """Help texts of all commands, as printed."""
    os.environ["COLUMNS"] = "100"
    parts = ["# Command line"]
    record = tuple(name for name in cli_record.app if name[0] != "-")
    commands = (
        "",
        "assess",
        "inspect",
        "export",
        "register",
        "demo",
        "motion",
        "validate",
        "measures",
        "evidence",
        "record",
        *(f"record {one}" for one in record),
    )
    for command in commands:
        with redirect_stdout(io.StringIO()) as out:
            main([*command.split(), "--help"])
        title = f"ischio {command}".strip()
        parts.append(f"## {title}\n\n```text\n{out.getvalue().strip()}\n```")
    return "\n\n".join(parts) + "\n"


def bands_table(bands: list[Any]) -> str:
    """Published values of one measure."""
    lines = ["| mean | SD | range | of whom | source | mark |", "|---|---|---|---|---|---|"]
    for band in bands:
        ends = f"{band.low} to {band.high} ({band.range_is})" if band.range_is else ""
        sex = {"f": ", women", "m": ", men"}.get(band.sex or "", "")
        count = f", n {band.n}" if band.n else ""
        who = f"{band.population}{sex}{count}; {band.modality}"
        cells = ("" if band.mean is None else band.mean, "" if band.sd is None else band.sd, ends, who)
        lines.append("| " + " | ".join(str(cell) for cell in (*cells, band.source, band.mark)) + " |")
    return "\n".join(lines)


def measures_page() -> str:
    """Every registered measure with all that is said about it."""
    parts = ["# Measures", "Generated from the registry, as `ischio measures` prints it."]
    for one in REGISTRY:
        rows = {
            "Unit": f"`{one.unit}`",
            "Of": f"a {one.of.__name__.lower()}",
            "Definition": one.definition,
            "Needs": ", ".join(f"`{need}`" for need in one.needs),
            "Reference": one.reference,
            "Evidence": one.evidence,
            "Method": f"`{one.method}`",
        }
        parts.append(f"## {one.name}\n\n" + "\n\n".join(f"{key}\n: {text}" for key, text in rows.items()))
        bands = [band for band in evidence().bands if band.measure == one.name]
        if bands:
            parts.append(bands_table(bands))
    return "\n\n".join(parts) + "\n"


def evidence_page() -> str:
    """Every figure of the evidence base, by list."""
    parts = ["# Evidence", "Every published figure, as `ischio evidence` prints it."]
    for kind in ROWS:
        parts.append(f"## {kind.capitalize()}")
        for row in evidence_rows(evidence(), kind=kind):
            figure = " ".join(one for one in (row["figure"], row["unit"].replace("1", "")) if one)
            interval = f" ({row['interval']})" if row["interval"] else ""
            people = f"n {row['n']}" if row["n"] is not None else f"n {row['n_words']}"
            where = "; ".join((row["mark"], people, row["population"], row["source"], row["used"]))
            parts.append(f"{row['what']}\n: {figure}{interval}. {where}. {row['note']} `{row['id']}`")
    return "\n\n".join(parts) + "\n"


def module_page(name: str) -> str:
    """Docstrings of one module."""
    options = "\n".join(f"   :{option}:" for option in ("members", "ignore-module-all", "show-inheritance"))
    return f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n{options}\n```\n"


def public_modules() -> list[str]:
    """Names of all modules without a leading underscore."""
    found = [name for _, name, _ in pkgutil.walk_packages(ischio.__path__, "ischio.")]
    return [name for name in found if not any(part.startswith("_") for part in name.split("."))]


def write_pages(_app: Any) -> None:
    """Write the pages that come from the code, before Sphinx looks for pages."""
    GENERATED.mkdir(exist_ok=True)
    for page in GENERATED.glob("*.md"):
        page.unlink()
    pages = {"command-line": command_line_page(), "measures": measures_page(), "evidence": evidence_page()}
    pages |= {name: module_page(name) for name in public_modules()}
    for name, text in pages.items():
        (GENERATED / f"{name}.md").write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """Register the pages above."""
    app.connect("builder-inited", write_pages)

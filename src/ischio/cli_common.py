"""What the commands on records share: their options, reading a record, printing tables and JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:  # what these stand on is imported by the commands, not by --help
    from ischio.record.case import Case

CaseName = Annotated[
    str, Parameter(name="CASE", help="A case file, index-case, or a pseudonym in the registry.")
]
RegistryFile = Annotated[Path, Parameter(name="--registry", help="File that holds the records.")]
Registry = Annotated[
    Path | None, Parameter(name="--registry", help="File that holds the records, where CASE is one of them.")
]
Json = Annotated[
    bool, Parameter(name="--json", help="Print the result as JSON on standard output.", show_default=False)
]
Force = Annotated[bool, Parameter(help="Replace an earlier file.", show_default=False)]


def read_case(name: str, registry: Path | None) -> Case:
    """The record that a name on the command line means."""
    from ischio.io.documents import PACKAGED, SUFFIXES, packaged_document, read_document
    from ischio.record import case_from_document

    if registry is not None and not name.lower().endswith(SUFFIXES):
        from ischio import store

        with store.open_registry(registry) as connection:
            return store.load(connection, name)
    if name in PACKAGED:
        return case_from_document(packaged_document(name))
    return case_from_document(read_document(Path(name)))


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print columns of their own width; the last one as it is."""
    lines = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(head) - 1)]
    for line in lines:
        cells = [str(cell).ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)]
        say(f"  {'  '.join(cells).rstrip()}\n")
    say("\n")


def to_json(found: Any) -> str:
    """Text of a result as JSON."""
    import json

    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def print_json(found: Any) -> int:
    """Print a result as JSON."""
    say(to_json(found))
    return 0


def say(text: str) -> None:
    """Print text to standard output as it is."""
    sys.stdout.write(text)

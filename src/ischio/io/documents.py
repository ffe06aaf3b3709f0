"""Written records: YAML or JSON text to plain values, with the line of every field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

from ischio._check import InputError, complaint

SUFFIXES = (".yaml", ".yml", ".json")
PACKAGED = ("index-case",)
LARGEST_BYTES = 1_000_000  # a long record is 50 kB
DEEPEST = 24
MOST_ALIASES = 100
MOST_VALUES = 50_000  # after aliases are written out: a bomb is refused before it is built
LONGEST_NUMBER = 40  # characters

Where = tuple[str | int, ...]

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUTH = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # could steer a terminal
_HELP = "Write plain YAML or JSON, in UTF-8."


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read.

    Parameters
    ----------
    name : str
        File name, for messages.
    values : dict, list, str, float, int, bool or None
        What the text says; dates stay texts.
    text : str
    """

    name: str
    values: Any
    text: str

    def line(self, where: Where) -> int:
        """Line of a field, or of the nearest field around it; lines count from 1."""
        try:
            lines = _Builder(self.name, _blank(self.text), is_checked=True).lines()
        except InputError:  # valid JSON that is no YAML: rare, and only the number is lost
            return 1
        return next(lines[where[:n]] for n in range(len(where), -1, -1) if where[:n] in lines)


def read_document(path: Path) -> Document:
    """Read a YAML or JSON file.

    Parameters
    ----------
    path : Path
        A file that ends in .yaml, .yml or .json.

    Returns
    -------
    Document

    Raises
    ------
    InputError
        If it cannot be read, is too large, is not UTF-8, or is not plain YAML or JSON. Tags, keys that
        come twice, several documents, deep nesting and masses of aliases are refused; nothing that a
        file says is ever run.
    """
    try:
        if not path.is_file():
            raise InputError(complaint(str(path), "no such file", "a YAML or JSON file", "Check the path."))
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InputError(
            complaint(path.name, error.strerror or error, "a file to read", "Check its rights.")
        ) from error
    if len(raw) > LARGEST_BYTES:
        raise InputError(
            complaint(
                path.name,
                f"more than {LARGEST_BYTES:,} bytes",
                "a written record",
                "Point to images and bones instead of putting them in.",
            )
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        got = f"a byte that is not UTF-8 (0x{raw[error.start]:02x})"
        raise InputError(
            complaint(f"{path.name}, line {line}", got, "text in UTF-8", "Save the file in UTF-8.")
        ) from error
    return parse_document(path.name, text)


def packaged_document(name: str) -> Document:
    """One of the ``PACKAGED`` cases."""
    return parse_document(
        f"{name}.yaml", resources.files("ischio").joinpath(f"cases/{name}.yaml").read_text("utf-8")
    )


def packaged_evidence() -> Document:
    """The packaged evidence base: one figure in each line."""
    return parse_document(
        "evidence.json", resources.files("ischio").joinpath("evidence/evidence.json").read_text("utf-8")
    )


def parse_document(name: str, text: str) -> Document:
    r"""Parse text as JSON where ``name`` ends in .json, as YAML 1.2 otherwise.

    Returns
    -------
    Document

    Raises
    ------
    InputError
        As ``read_document`` does.

    Examples
    --------
    >>> found = parse_document("a.yaml", "person:\n  age_years: 66\n")
    >>> found.values, found.line(("person", "age_years"))
    ({'person': {'age_years': 66}}, 2)
    """
    if not name.lower().endswith(".json"):
        return Document(name, _Builder(name, text).values(), text)
    try:
        values = json.loads(text, object_pairs_hook=_once(name), parse_constant=_no_constant(name))
    except json.JSONDecodeError as error:
        raise InputError(complaint(f"{name}, line {error.lineno}", error.msg, "valid JSON", _HELP)) from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(complaint(name, str(error), "a record of a few levels", _HELP)) from error
    _inspect(name, values)
    return Document(name, values, text)


def _once(name: str) -> Any:
    """A hook for JSON that refuses keys which come twice."""

    def hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(complaint(name, f"{twice!r} twice", "each field once", "Keep one of them."))
        return dict(pairs)

    return hook


def _no_constant(name: str) -> Any:
    """A hook for JSON that refuses NaN and infinities."""

    def hook(word: str) -> NoReturn:
        raise InputError(complaint(name, word, "finite numbers", "Leave out what is not known."))

    return hook


def _inspect(name: str, values: Any) -> None:
    """Refuse JSON that is too deep, too long, infinite, or holds characters that steer a terminal."""
    todo: list[tuple[Any, Where]] = [(values, ())]
    seen = 0
    while todo:
        value, where = todo.pop()
        seen += 1
        if len(where) > DEEPEST or seen > MOST_VALUES:
            got = (
                f"more than {DEEPEST} levels" if len(where) > DEEPEST else f"more than {MOST_VALUES:,} values"
            )
            raise InputError(complaint(name, got, "a record of a few levels", _HELP))
        if isinstance(value, dict):
            todo += [(one, (*where, key)) for key, one in value.items()] + [(key, where) for key in value]
        elif isinstance(value, list):
            todo += [(one, (*where, i)) for i, one in enumerate(value)]
        elif isinstance(value, str) and _FORBIDDEN.search(value):
            field_name = ".".join(map(str, where))
            raise InputError(complaint(f"{name}, {field_name}", "a control character", "plain text", _HELP))
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(complaint(name, value, "finite numbers", "Leave out what is not known."))


def _blank(text: str) -> str:
    """Text with tabs as blanks: JSON may be indented by tabs, YAML may not."""
    return text.replace("\t", " ")


@dataclass(slots=True)
class _Builder:
    """Builds values from the events of a YAML parser, so that limits hold before anything is built."""

    name: str
    text: str
    is_checked: bool = False  # JSON that was read before, of which only lines are asked
    n_values: int = 0
    n_aliases: int = 0
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    where_lines: dict[Where, int] = field(default_factory=dict)

    def values(self) -> Any:
        """The values of the one document in the text."""
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(self.text))
            for event in events:
                if type(event).__name__ == "DocumentStartEvent":
                    break
            else:
                self.refuse(1, "an empty file", "a record")
            values = self.value(next(events), events, ())
            for event in events:
                if type(event).__name__ == "DocumentStartEvent":
                    self.refuse(self.line_of(event), "a second document", "one document in a file")
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.refuse(mark.line + 1 if mark else 1, error.problem or error.context, "valid YAML")
        except YAMLError as error:
            position = int(getattr(error, "position", 0))
            self.refuse(self.text.count("\n", 0, position) + 1, "a character that YAML forbids", "plain text")
        return values

    def lines(self) -> dict[Where, int]:
        """Line of every field, counted from 1."""
        self.values()
        return self.where_lines

    def value(self, event: Any, events: Iterator[Any], where: Where) -> Any:
        """The value that begins with ``event``."""
        line, kind = self.line_of(event), type(event).__name__
        self.where_lines.setdefault(where, line)
        if len(where) > DEEPEST:
            self.refuse(line, f"more than {DEEPEST} levels", "a record of a few levels")
        if kind == "AliasEvent":
            return self.alias(event, line)
        if event.tag is not None:
            self.refuse(line, f"the tag {event.tag}", "plain values without tags")
        before = self.n_values
        self.count(1, line)
        if kind == "ScalarEvent":
            value = self.scalar(event, line)
        elif kind == "SequenceStartEvent":
            value = []
            for one in events:
                if type(one).__name__ == "SequenceEndEvent":
                    break
                value.append(self.value(one, events, (*where, len(value))))
        else:
            value = self.mapping(events, where)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.n_values - before)
        return value

    def mapping(self, events: Iterator[Any], where: Where) -> dict[str, Any]:
        """The fields up to the end of a mapping."""
        out: dict[str, Any] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            line = self.line_of(event)
            if type(event).__name__ != "ScalarEvent" or event.tag is not None:
                self.refuse(line, "a field whose name is not a word", "names of fields")
            key = self.checked(event.value, line)
            if key in out:
                self.refuse(line, f"{key!r} twice", "each field once")
            self.where_lines[(*where, key)] = line
            out[key] = self.value(next(events), events, (*where, key))
        return out

    def alias(self, event: Any, line: int) -> Any:
        """The value an alias stands for; it counts as if it were written out."""
        self.n_aliases += 1
        if self.n_aliases > MOST_ALIASES:
            self.refuse(line, f"more than {MOST_ALIASES} aliases", "a record written out")
        if event.anchor not in self.anchors:
            self.refuse(line, f"the alias *{event.anchor} of nothing before it", "an anchor before its alias")
        value, size = self.anchors[event.anchor]
        self.count(size, line)
        return value

    def scalar(self, event: Any, line: int) -> Any:
        """A number, truth value, null or text, as YAML 1.2 has them; dates stay texts."""
        text = self.checked(event.value, line)
        if event.style is not None:  # quoted, or a block of text
            return text
        if text in _NULL:
            return None
        if text in _TRUTH:
            return _TRUTH[text]
        if not _NUMBER.fullmatch(text):
            return text
        if len(text) > LONGEST_NUMBER or not math.isfinite(float(text)):
            self.refuse(line, f"{text[:LONGEST_NUMBER]}...", "a number of ordinary size")
        return int(text) if _INTEGER.fullmatch(text) else float(text)

    def checked(self, text: str, line: int) -> str:
        """The text, without characters that could steer a terminal."""
        if not self.is_checked and _FORBIDDEN.search(text):
            self.refuse(line, "a control character", "plain text")
        return text

    def count(self, n: int, line: int) -> None:
        """Count values, and stop at the limit."""
        self.n_values += n
        if self.n_values > MOST_VALUES:
            self.refuse(
                line, f"more than {MOST_VALUES:,} values once aliases are written out", "a written record"
            )

    def line_of(self, event: Any) -> int:
        """Line an event begins on, from 1."""
        return int(event.start_mark.line) + 1

    def refuse(self, line: int, got: object, expected: str) -> NoReturn:
        """Stop, and name the line."""
        raise InputError(complaint(f"{self.name}, line {line}", got, expected, _HELP))

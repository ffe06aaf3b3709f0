"""Values that were read become frozen values of ours, or an error names file, line and field."""

from __future__ import annotations

import json
from typing import Any, ClassVar, NoReturn

from ischio._check import InputError, complaint
from ischio.io.documents import Document

LONGEST_SHOWN = 60  # characters of a wrong value in a message


class FieldError(ValueError):
    """A value that contradicts itself: which field, what was seen, what was expected, what to do."""

    def __init__(self, where: tuple[str | int, ...], got: object, expected: object, do: str) -> None:
        super().__init__(f"{'.'.join(map(str, where))}: got {got}; expected {expected}. {do}")
        self.where, self.got, self.expected, self.do = where, got, expected, do


class Closed:
    """Fields that are not known are refused, and types are not converted, when a file is read."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, object]] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
    }


def checked(document: Document, values: Any, adapter: Any) -> Any:
    """A value of the adapter's type from plain values.

    Parameters
    ----------
    document : Document
        For the name and the lines in a message.
    values : dict
        What it says, in today's version.
    adapter : pydantic.TypeAdapter

    Returns
    -------
    object
        Of the adapter's type.

    Raises
    ------
    InputError
        With file, line and field of the first thing that is wrong.
    """
    from pydantic import ValidationError

    try:
        # By way of JSON: types are strict there, and lists may become tuples.
        return adapter.validate_json(json.dumps(values))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        _refuse(document, problems[0], len(problems) - 1, error)


def _refuse(document: Document, problem: Any, n_more: int, error: Exception) -> NoReturn:
    """Raise an error of the door in the one shape that all errors share."""
    where = tuple(problem["loc"])
    cause = problem.get("ctx", {}).get("error")
    kind = problem["type"]
    if isinstance(cause, FieldError):
        where += cause.where
        got, expected, do = cause.got, cause.expected, cause.do
    elif kind == "missing":
        got, expected, do = "nothing", "a value", "Add the field."
    elif kind in ("extra_forbidden", "unexpected_keyword_argument"):
        got, expected, do = "a field that is not known", "a field of the format", "Check its spelling."
    else:
        got = repr(problem["input"])
        got = got if len(got) <= LONGEST_SHOWN else f"{got[:LONGEST_SHOWN]}..."
        expected = problem["msg"].removeprefix("Input should be ")
        do = "Correct it."
    do += f" ({n_more} more after this one.)" if n_more else ""
    field = ".".join(map(str, where)) or "record"
    place = f"{document.name}, line {document.line(where)}, {field}"
    raise InputError(complaint(place, got, expected, do.strip())) from error

"""Fields that FHIR has no element for, as extensions that read back to the same values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ischio._check import InputError, complaint
from ischio.record.facts import Duration, Fact
from ischio.record.fhir.codes import OWN
from ischio.record.kinds import Act

LISTS = frozenset(
    one.name for kind in (*Fact.__subclasses__(), Duration, Act) for one in fields(kind) if one.default == ()
)
"""Fields that hold several values: one extension for each."""

_VALUES = ("valueBoolean", "valueInteger", "valueDecimal", "valueString")


def extensions(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Plain values by name as extensions.

    Examples
    --------
    >>> extensions({"order": 2})
    [{'url': 'urn:ischio:fhir:order', 'valueInteger': 2}]
    """
    return [
        _extension(name, one)
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def plain_values(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that extensions hold; the inverse of ``extensions``.

    Raises
    ------
    InputError
        If an extension is not one of ours, holds no value, or comes twice.
    """
    out: dict[str, Any] = {}
    for one in found:
        url = str(one.get("url", ""))
        if not url.startswith(f"{OWN}:"):
            do = "Only bundles that ischio wrote can be read back."
            raise InputError(complaint("extension", repr(url), f"a url of {OWN}", do))
        name = url.removeprefix(f"{OWN}:")
        value = _value(name, one)
        if name in LISTS:
            out.setdefault(name, []).append(value)
        elif name in out:
            raise InputError(complaint(f"extension {name}", "it twice", "it once", "Keep one of them."))
        else:
            out[name] = value
    return out


def _extension(name: str, value: Any) -> dict[str, Any]:
    """One value."""
    url = f"{OWN}:{name}"
    if isinstance(value, dict):
        return {"url": url, "extension": extensions(value)}
    if isinstance(value, bool):
        return {"url": url, "valueBoolean": value}
    if isinstance(value, int):
        return {"url": url, "valueInteger": value}
    if isinstance(value, float):
        return {"url": url, "valueDecimal": value}
    if value == "":  # FHIR has no empty text
        return {"url": url, "extension": [{"url": f"{OWN}:empty", "valueBoolean": True}]}
    return {"url": url, "valueString": value}


def _value(name: str, one: Mapping[str, Any]) -> Any:
    """The value of one extension."""
    if "extension" in one:
        inner = plain_values(one["extension"])
        return "" if inner == {"empty": True} else inner
    given = [key for key in _VALUES if key in one]
    if len(given) != 1:
        got = ", ".join(key for key in one if key != "url") or "no value"
        do = "Only bundles that ischio wrote can be read back."
        raise InputError(complaint(f"extension {name}", got, f"one of {', '.join(_VALUES)}", do))
    return one[given[0]]

"""Codes of other systems for what a record calls by its own names, and the value sets that FHIR requires.

Each code has a mark of evidence. Where no code of a standard was confirmed there is none: a record's own
name is always there, in a system of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FHIR_VERSION = "4.3.0"  # R4B
OWN = "urn:ischio:fhir"
LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
INTERPRETATION = f"{TERMINOLOGY}/v3-ObservationInterpretation"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a standard, with its mark: V and V2 were seen in a page, K was not."""

    system: str
    code: str
    display: str
    mark: str


AGE = Code(LOINC, "30525-0", "Age", "K")
STANDARD: Mapping[tuple[str, str], Code] = {
    ("scores", "ODI"): Code(LOINC, "97909-6", "Oswestry disability index score", "V"),
    ("scores", "pain NRS"): Code(LOINC, "72514-3", "Pain severity, 0-10 verbal numeric rating", "K"),
    ("scores", "pain VAS"): Code(LOINC, "38214-3", "Pain severity, visual analog score", "K"),
    ("answers", "ODI"): Code(LOINC, "97908-8", "Oswestry disability index panel", "V"),
    ("symptoms", "low_back_pain"): Code(SNOMED, "279039007", "Low back pain", "K"),
    ("symptoms", "hip_pain"): Code(SNOMED, "49218002", "Hip pain", "K"),
    ("symptoms", "posterior_hip_pain"): Code(SNOMED, "49218002", "Hip pain", "K"),
}
"""Code by list and name. No code was confirmed for ischiofemoral impingement, nor for the other scores."""

SIDES: Mapping[str, Code] = {
    "left": Code(SNOMED, "7771000", "Left", "V"),
    "right": Code(SNOMED, "24028007", "Right", "V"),
    "both": Code(SNOMED, "51440002", "Right and left", "K"),
    "unspecified": Code(f"{OWN}:side", "unspecified", "Side not stated", "V"),
}
RESULTS: Mapping[str, Code] = {
    "positive": Code(INTERPRETATION, "POS", "Positive", "V"),
    "negative": Code(INTERPRETATION, "NEG", "Negative", "V"),
    "normal": Code(INTERPRETATION, "N", "Normal", "V"),
    "abnormal": Code(INTERPRETATION, "A", "Abnormal", "V"),
}
UNITS: Mapping[str, str] = {
    "mm": "mm",
    "deg": "deg",
    "%": "%",
    "mm2": "mm2",
    "kg": "kg",
    "N": "N",
    "s": "s",
    "1": "1",
    "years": "a",
    "score": "{score}",
}
"""UCUM code by unit of a record."""

REQUIRED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "Bundle": {
        "type": frozenset(
            "document message transaction transaction-response batch batch-response history searchset "
            "collection".split()
        )
    },
    "Patient": {"gender": frozenset("male female other unknown".split())},
    "Observation": {
        "status": frozenset(
            "registered preliminary final amended corrected cancelled entered-in-error unknown".split()
        )
    },
    "Procedure": {
        "status": frozenset(
            "preparation in-progress not-done on-hold stopped completed entered-in-error unknown".split()
        )
    },
    "QuestionnaireResponse": {
        "status": frozenset("in-progress completed amended entered-in-error stopped".split())
    },
    "Condition": {},
    "Basic": {},
}
"""Codes of value sets whose binding is required, by resource and element."""

REQUIRED_CONCEPTS: Mapping[str, Mapping[str, tuple[str, frozenset[str]]]] = {
    "Condition": {
        "clinicalStatus": (
            f"{TERMINOLOGY}/condition-clinical",
            frozenset("active recurrence relapse inactive remission resolved".split()),
        ),
        "verificationStatus": (
            f"{TERMINOLOGY}/condition-ver-status",
            frozenset("unconfirmed provisional differential confirmed refuted entered-in-error".split()),
        ),
    }
}
"""The same for elements that are concepts: the system and its codes."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "Bundle": ("type", "entry"),
    "Patient": ("identifier",),
    "Observation": ("status", "code", "subject"),
    "Procedure": ("status", "subject"),
    "QuestionnaireResponse": ("status", "questionnaire", "subject"),
    "Condition": ("subject", "verificationStatus"),
    "Basic": ("code", "subject"),
}
"""Elements that a resource must have."""

IDENTIFYING = ("name", "telecom", "address", "photo", "contact", "communication", "text")


def is_loinc(code: str) -> bool:
    """Whether a LOINC code has the right check digit (mod 10).

    Examples
    --------
    >>> is_loinc("97909-6"), is_loinc("97909-7")
    (True, False)
    """
    stem, dash, check = code.partition("-")
    if not (dash and stem.isdecimal() and len(check) == 1 and check.isdecimal()):
        return False
    total = 0
    for i, digit in enumerate(reversed(stem)):
        twice = int(digit) * 2 if i % 2 == 0 else int(digit)
        total += twice // 10 + twice % 10
    return (10 - total % 10) % 10 == int(check)


_FIVE = "0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104"
_TIMES = tuple(tuple(int(digit) for digit in row) for row in (*_FIVE.split(), "9876543210"))
_FIRST = tuple(int(digit) for digit in "1576283094")


def is_snomed(code: str) -> bool:
    """Whether a SNOMED CT identifier has the right check digit (Verhoeff).

    Examples
    --------
    >>> is_snomed("279039007"), is_snomed("279039008")
    (True, False)
    """
    if not code.isdecimal() or not 6 <= len(code) <= 18:
        return False
    check = 0
    for i, digit in enumerate(reversed(code)):
        place = int(digit)
        for _ in range(i % 8):
            place = _FIRST[place]
        check = _TIMES[check][place]
    return check == 0

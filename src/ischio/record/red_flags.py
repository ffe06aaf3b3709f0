"""Red flags that end a plan, and what must be known before a scan or a prior is used."""

from __future__ import annotations

from dataclasses import dataclass

from ischio.record.case import Case
from ischio.record.facts import label
from ischio.record.kinds import Alert

ADULT_YEARS = 18.0
WORDS = {
    "lesser_trochanter_avulsion": "avulsion of the lesser trochanter without trauma in an adult: "
    "a tumour until proven otherwise",
    "tumour": "tumour",
    "infection": "infection",
    "stress_fracture": "stress fracture",
    "cauda_equina_signs": "signs of cauda equina compression",
    "non_union": "a fusion that has not united",
    "disease_next_to_fusion": "disease of the level next to a fusion",
    "open_apophysis": "an apophysis that is still open",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One red flag.

    Parameters
    ----------
    name : str
    verdict : str
        "stop", "absent", or "not_stated": what nobody looked for is not absent.
    reason : str
    places : tuple of str
    """

    name: str
    verdict: str
    reason: str
    places: tuple[str, ...]


def red_flags(case: Case) -> tuple[Flag, ...]:
    """Every red flag with its verdict; one "stop" ends a plan."""
    stated: dict[str, list[Alert]] = {}
    for alert in case.alerts:
        stated.setdefault(alert.what, []).append(alert)
    return tuple(_flag(case, name, stated.get(name, [])) for name in WORDS)


def notices(case: Case) -> tuple[str, ...]:
    """What must be settled before the next scan, and which usual figures do not hold for this person."""
    out = []
    unknown = [label(one) for one in case.implants if one.mr_conditions == "unknown"]
    if unknown:
        out.append(f"MR conditions unknown: {', '.join(unknown)}. To be settled before any MRI.")
    if any(op.what == "sacroiliac_fusion" for op in case.operations):
        out.append(
            "A sacroiliac joint is fused: published priors of sacroiliac pain after fusion do not hold."
        )
    return tuple(out)


def _flag(case: Case, name: str, alerts: list[Alert]) -> Flag:
    """The verdict on one flag; a statement that it is there outweighs one that it is not."""
    places = tuple(place.words for alert in alerts for place in alert.sources)
    present = [alert for alert in alerts if alert.present]
    age = case.person.age_years
    if name == "lesser_trochanter_avulsion" and present:
        if all(alert.after_trauma for alert in present):
            return Flag(name, "absent", "an avulsion, but after trauma", places)
        if age is not None and age < ADULT_YEARS:
            return Flag(name, "absent", f"an avulsion, but at {age:g} years", places)
    if present:
        return Flag(name, "stop", WORDS[name], places)
    if alerts:
        return Flag(name, "absent", "stated as absent", places)
    if name == "open_apophysis" and age is not None and age >= ADULT_YEARS:
        return Flag(name, "absent", f"{age:g} years old", places)
    return Flag(name, "not_stated", "nobody has stated it", places)

"""What else could it be: every source of pain judged by itself, for each hip, from a named population.

Sources of pain coexist, so each has its own share, and they need not add up to one. A prior that nobody
has published is a range, and so is what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ischio._check import Array, InputError, complaint
from ischio.evidence import Evidence, evidence
from ischio.evidence.rows import Accuracy, Diagnosis, Prior
from ischio.record.case import Case
from ischio.record.odds import (
    CORRECTION,
    N_DRAWS,
    Weight,
    Within,
    choose,
    interval_of,
    posterior,
    posterior_draws,
    prior_draws,
    weight,
)
from ischio.record.outcomes import HIPS, LeftOut, Outcome, Outcomes, SignSeen, outcomes

QUESTION = "ischiofemoral_impingement"
UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chooses; every choice is printed with the result.

    Parameters
    ----------
    population : str or None
        A setting of the evidence base. None: low back pain where the record has it, else unstated.
    priors : mapping of str to str
        Setting by diagnosis, where one differs.
    takes_unverified : bool
        Calculate with figures of mark K too.
    within, between : str
        As ``odds.choose``.
    replaced : mapping of (str, str) to str
        Id of the accuracy to take instead of the default, by test and diagnosis.
    n_draws : int
    """

    population: str | None = None
    priors: Mapping[str, str] = field(default_factory=dict)
    takes_unverified: bool = False
    within: Within = "largest"
    between: Within = "product"
    replaced: Mapping[tuple[str, str], str] = field(default_factory=dict)
    n_draws: int = N_DRAWS

    def __post_init__(self) -> None:
        for name in ("priors", "replaced"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """A share with its 95 % interval and draws."""

    value: float
    low: float
    high: float
    draws: Array


@dataclass(frozen=True, slots=True, eq=False)
class PriorUsed:
    """Where a calculation starts.

    Parameters
    ----------
    ends : tuple of (float, draws)
        One for a share that people were counted for; two for the ends of a range.
    row : Prior or None
        None where nobody has published one.
    why : str
        Why it is a range.
    """

    ends: tuple[tuple[float, Array | float], ...]
    row: Prior | None
    setting: str
    why: str

    @property
    def is_range(self) -> bool:
        """Whether there is no single figure."""
        return len(self.ends) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One source of pain on one side: where it started, what counted, and where it ends.

    Parameters
    ----------
    diagnosis : Diagnosis
    side : str
        "left", "right", "unspecified" for facts of a hip that nobody named, or "none".
    prior : PriorUsed
    ends : tuple of Share
        One, or those at both ends of the prior's range.
    used : tuple of Weight
        What was multiplied.
    not_multiplied : tuple of (Weight, str)
    no_figure : tuple of (Outcome, str)
        Results without a likelihood ratio that may be used, each with the reason.
    signs : tuple of SignSeen
    answered : frozenset of str
        Tests that need not be asked for again, the ones of an unstated side included.
    outcomes : tuple of Outcome
    """

    diagnosis: Diagnosis
    side: str
    prior: PriorUsed
    ends: tuple[Share, ...]
    used: tuple[Weight, ...]
    not_multiplied: tuple[tuple[Weight, str], ...]
    no_figure: tuple[tuple[Outcome, str], ...]
    signs: tuple[SignSeen, ...]
    answered: frozenset[str]
    outcomes: tuple[Outcome, ...]

    @property
    def has_facts(self) -> bool:
        """Whether any fact of the record speaks to it."""
        return bool(self.outcomes or self.signs)


@dataclass(frozen=True, slots=True, eq=False)
class Differential:
    """Every source of pain, judged; in the order of the evidence base, sides within."""

    case_id: str
    population: str
    choices: Choices
    judged: tuple[Judged, ...]
    left_out: tuple[LeftOut, ...]


def differential(case: Case, choices: Choices | None = None, base: Evidence | None = None) -> Differential:
    """Judge every source of pain.

    Parameters
    ----------
    case : Case
    choices : Choices, optional
    base : Evidence, optional
        The packaged one by default.

    Returns
    -------
    Differential

    Raises
    ------
    InputError
        If a population or diagnosis is not known, or results contradict each other.
    """
    base, choices = base or evidence(), choices or Choices()
    population = _population(case, choices, base)
    seen = outcomes(case, base)
    judged = [
        _judge(case, one, side, population, seen, choices, base)
        for one in base.diagnoses
        for side in _units(one, seen, base)
    ]
    return Differential(case.case_id, population, choices, tuple(judged), seen.left_out)


def usable(rows: Iterable[Accuracy], choices: Choices) -> dict[tuple[str, str], Accuracy]:
    """The accuracy to take for each test and diagnosis: the default, or what was chosen in its place."""
    return {
        (one.test, one.diagnosis): one
        for one in rows
        if choices.replaced.get((one.test, one.diagnosis), one.id if one.is_default else "") == one.id
    }


def _population(case: Case, choices: Choices, base: Evidence) -> str:
    """The setting that priors are taken from; one that is not known is an error."""
    known = [one.id for one in base.settings]
    asked = [choices.population] if choices.population is not None else []
    for name in (*asked, *choices.priors.values()):
        if name not in known:
            do = "`ischio evidence --kind priors` lists what is known of each."
            raise InputError(complaint("population", repr(name), f"one of {', '.join(known)}", do))
    diagnoses = [one.id for one in base.diagnoses]
    for name in choices.priors:
        if name not in diagnoses:
            do = "Check the spelling."
            raise InputError(complaint("prior", repr(name), f"one of {', '.join(diagnoses)}", do))
    if choices.population is not None:
        return choices.population
    has_back_pain = any(one.what == "low_back_pain" for one in case.symptoms)
    return "low_back_pain" if has_back_pain and "low_back_pain" in known else UNSTATED


def _units(diagnosis: Diagnosis, seen: Outcomes, base: Evidence) -> tuple[str, ...]:
    """Sides that a diagnosis is judged for: hips with a fact of their own, and one that nobody named."""
    if diagnosis.of == "person":
        return ("none",)
    tests = {one.test for one in base.accuracies if one.diagnosis == diagnosis.id}
    sides = {one.side for one in seen.found if one.test.id in tests}
    sides |= {one.side for one in seen.signs if one.sign.diagnosis == diagnosis.id}
    return tuple(side for side in (*HIPS, "unspecified") if side in sides) or ("unspecified",)


def _holds(side: str, unit: str, sides: set[str]) -> bool:
    """Whether a fact holds for a unit: what holds for both hips holds for the one that nobody named."""
    if unit == "none":
        return True
    return side == unit or (unit == "unspecified" and sides >= set(HIPS))


def _judge(
    case: Case,
    diagnosis: Diagnosis,
    unit: str,
    population: str,
    seen: Outcomes,
    choices: Choices,
    base: Evidence,
) -> Judged:
    """One diagnosis on one side."""
    rows = {
        test: one for (test, name), one in usable(base.accuracies, choices).items() if name == diagnosis.id
    }
    about = {one.test for one in base.accuracies if one.diagnosis == diagnosis.id}
    here: dict[str, Outcome] = {}
    for one in seen.found:
        alike = {
            other.side
            for other in seen.found
            if other.test.id == one.test.id and other.is_positive == one.is_positive
        }
        is_first = one.test.id not in here or one.side == unit  # a fact of the unit itself comes first
        if one.test.id in about and _holds(one.side, unit, alike) and is_first:
            here[one.test.id] = one
    weights, no_figure = [], []
    for test, outcome in here.items():
        found = _weigh(outcome, rows.get(test), choices, base)
        if isinstance(found, Weight):
            weights.append(found)
        else:
            no_figure.append((outcome, found))
    used, rest = choose(weights, within=choices.within, between=choices.between)
    prior = _prior(case, diagnosis, choices.priors.get(diagnosis.id, population), choices, base)
    return Judged(
        diagnosis,
        unit,
        prior,
        tuple(share_from(value, used, choices.n_draws, draws) for value, draws in prior.ends),
        used,
        rest,
        tuple(no_figure),
        _signs_of(diagnosis, unit, seen.signs),
        frozenset(one.test.id for one in seen.found if one.side in (unit, "unspecified")) | frozenset(here),
        tuple(here.values()),
    )


def _signs_of(diagnosis: Diagnosis, unit: str, signs: Iterable[SignSeen]) -> tuple[SignSeen, ...]:
    """Signs that hold for a unit, each once."""
    own = [one for one in signs if one.sign.diagnosis == diagnosis.id]
    sides: dict[tuple[str, str], set[str]] = {}
    for one in own:
        sides.setdefault((one.what, one.sign.speaks), set()).add(one.side)
    held = [one for one in own if _holds(one.side, unit, sides[(one.what, one.sign.speaks)])]
    return tuple({(one.what, one.sign.speaks): one for one in held}.values())


def _weigh(outcome: Outcome, row: Accuracy | None, choices: Choices, base: Evidence) -> Weight | str:
    """The weight of a result, or why it has none."""
    if row is None:
        others = (one.unused_words for one in base.accuracies if one.test == outcome.test.id)
        return next((words for words in others if words), "no accuracy of it was chosen to calculate with")
    if not row.is_verified and not choices.takes_unverified:
        return f"unverified ({row.source}, mark {row.mark}): not calculated with"
    return weight(outcome, row, choices.n_draws)


def share_from(
    value: float, used: tuple[Weight, ...], n_draws: int = N_DRAWS, draws: Array | float | None = None
) -> Share:
    """The share after the evidence, from one prior.

    Parameters
    ----------
    value : float
        The prior.
    used : tuple of Weight
    n_draws : int
    draws : array or float, optional
        Draws of the prior, where it is uncertain itself.
    """
    drawn = posterior_draws(value if draws is None else draws, used, n_draws)
    return Share(posterior(value, (one.ratio for one in used)), *interval_of(drawn), drawn)


def _prior(case: Case, diagnosis: Diagnosis, setting: str, choices: Choices, base: Evidence) -> PriorUsed:
    """Where a diagnosis starts in a population; a range where nobody knows."""
    row = next((one for one in base.priors if (one.diagnosis, one.setting) == (diagnosis.id, setting)), None)
    low, high = base.unknown_prior.low, base.unknown_prior.high
    unknown = ((low, low), (high, high))
    if row is None:
        return PriorUsed(unknown, None, setting, "nobody has published how common it is in this population")
    if diagnosis.id == "sacroiliac_joint" and any(one.what == "sacroiliac_fusion" for one in case.operations):
        return PriorUsed(unknown, row, setting, "a sacroiliac joint is fused: published priors do not hold")
    if not row.is_verified and not choices.takes_unverified:
        return PriorUsed(unknown, row, setting, f"{row.source} is unverified: not calculated with")
    if row.share is not None and row.events is not None and row.n is not None:
        is_inside = 0 < row.share < 1  # nobody, or everybody, of few makes nothing certain
        share = row.share if is_inside else (row.events + CORRECTION) / (row.n + 2 * CORRECTION)
        drawn = prior_draws(row.id, row.events, row.n, choices.n_draws)
        return PriorUsed(((share, drawn),), row, setting, "")
    if row.low is not None and row.high is not None:
        return PriorUsed(((row.low, row.low), (row.high, row.high)), row, setting, "series differ")
    why = "its figure comes without a number of people: not calculated with"
    return PriorUsed(unknown, row, setting, why)

"""What a measure is, how a file declares one, and how all of them are run."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_type_hints

from ischio._check import Array, CannotMeasure, complaint, one_of, spoken
from ischio.types import Hip, Measurement, Pelvis, Side, Sketch

UNIT_POWERS: Mapping[str, int] = MappingProxyType({"mm": 1, "mm2": 2, "mm3": 3, "deg": 0, "1": 0})
"""Units a measure may have, with the power of a length each follows when a body is enlarged."""

_SECTION = re.compile(r"^\w[\w ]*\n-{3,}$", re.MULTILINE)  # a numpydoc heading


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a measure returns for one hip or pelvis.

    Parameters
    ----------
    value : float
        In the unit of the measure.
    sigma : float or None
        Standard deviation in the same unit; ``None`` where it is not known.
    points_mm : array of shape (N, 3), mm, patient frame, optional
        Points to draw the value between.
    posture : str or None
        ``None`` for what does not depend on how the bones lie.
    detail : mapping
        Figures that explain the value.
    sketch : Sketch or None
        The slice or view it was taken in, for the report.
    """

    value: float
    sigma: float | None = None
    points_mm: Array | None = None
    posture: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    sketch: Sketch | None = None

    def __post_init__(self) -> None:
        for name in ("value", "sigma"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(
                    complaint(
                        f"Reading.{name}", number, "a finite number", "Raise CannotMeasure with the reason."
                    )
                )


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A registered measure: the function and everything that is said about it."""

    function: Callable[[Any], Reading]
    of: type[Hip] | type[Pelvis]
    unit: str
    needs: tuple[str, ...]
    reference: str
    evidence: str
    example: Callable[[Side], tuple[Hip | Pelvis, float]]
    version: int
    flips: bool = False

    @property
    def name(self) -> str:
        """Name of the quantity: that of the function."""
        return self.function.__name__

    @property
    def method(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def definition(self) -> str:
        """The docstring before its first numpydoc heading, on one line."""
        text = inspect.getdoc(self.function) or ""
        return " ".join(_SECTION.split(text)[0].split())


_REGISTERED: dict[str, Measure] = {}


def measure(
    *,
    unit: str,
    needs: tuple[str, ...],
    reference: str,
    evidence: str,
    example: Callable[[Side], tuple[Hip | Pelvis, float]],
    version: int = 1,
    flips: bool = False,
) -> Callable[[Callable[[Any], Reading]], Callable[[Any], Reading]]:
    """Register a function of a ``Hip`` or a ``Pelvis`` as a measure.

    Parameters
    ----------
    unit : str
        A key of ``UNIT_POWERS``.
    needs : tuple of str
        Landmarks, regions, bones and frames the function uses. For a pelvis, what belongs to
        one hip is written with its side: "left femoral_head_centre".
    reference : str
        The paper that defines the construction, with its year.
    evidence : str
        One sentence on how far definition and value have been checked.
    example : callable
        Takes a side; returns a phantom and the value it must give.
    version : int
        Raised whenever the construction changes.
    flips : bool
        Whether the mirrored body reads the opposite: right minus left.

    Raises
    ------
    ValueError
        If the unit is unknown, the docstring is missing, or the name is taken.
    TypeError
        If the function's parameter is neither a ``Hip`` nor a ``Pelvis``.
    """
    one_of(unit, tuple(UNIT_POWERS), "measure unit")

    def register(function: Callable[[Any], Reading]) -> Callable[[Any], Reading]:
        hints = get_type_hints(function)
        of = next((hints[name] for name in inspect.signature(function).parameters if name in hints), None)
        if of not in (Hip, Pelvis):
            raise TypeError(
                complaint(function.__name__, f"a parameter of type {of}", "Hip or Pelvis", "Annotate it.")
            )
        made = Measure(function, of, unit, needs, reference, evidence, example, version, flips)
        if not made.definition:
            raise ValueError(complaint(made.name, "no docstring", "the definition as docstring", "Write it."))
        if made.name in _REGISTERED:
            raise ValueError(complaint(made.name, "the name twice", "one file a name", "Rename one."))
        _REGISTERED[made.name] = made
        return function

    return register


def registered() -> tuple[Measure, ...]:
    """All measures registered so far, by name."""
    return tuple(_REGISTERED[name] for name in sorted(_REGISTERED))


def run(
    pelvis: Pelvis, sides: Iterable[Side], measures: Iterable[Measure] | None = None
) -> tuple[Measurement, ...]:
    """Take every measure; what cannot be measured is a row with its reason.

    Parameters
    ----------
    pelvis : Pelvis
    sides : iterable of Side
        Sides asked for. A hip measure gives a row for each, also for a hip that is absent.
    measures : iterable of Measure, optional
        All registered ones by default.

    Returns
    -------
    tuple of Measurement
        By measure, right before left.
    """
    wanted = set(sides)
    here = [side for side in Side if side in wanted]
    chosen = list(registered() if measures is None else measures)

    def of_side(side: Side | None) -> list[Measurement]:
        if side is None:
            return [take(one, pelvis, None) for one in chosen if one.of is Pelvis]
        hip, absent = getattr(pelvis, side.value), pelvis.reasons.get(side.value)
        return [take(one, hip, side, absent) for one in chosen if one.of is Hip]

    with ThreadPoolExecutor(max_workers=2) as pool:  # sides do not need each other
        found = dict(zip((*here, None), map(iter, pool.map(of_side, (*here, None))), strict=True))
    return tuple(next(found[side]) for one in chosen for side in (here if one.of is Hip else (None,)))


def take(
    one: Measure, subject: Hip | Pelvis | None, side: Side | None, absent: str | None = None
) -> Measurement:
    """Take one measure of one hip or pelvis; ``absent`` says why there is none."""
    reading, reason = None, None
    try:
        if subject is None:
            assert side is not None  # a pelvis is always there
            raise CannotMeasure(absent or f"no {side.value} femur or hip bone in the input")
        for name in one.needs:
            _need(subject, name)
        reading = one.function(subject)
    except CannotMeasure as refusal:
        reason = str(refusal)
    return Measurement(
        name=one.name,
        side=side,
        value=None if reading is None else float(reading.value),
        unit=one.unit,
        sigma=None if reading is None or reading.sigma is None else float(reading.sigma),
        method=one.method,
        definition=one.definition,
        posture=None if reading is None else reading.posture,
        reference=one.reference,
        evidence=one.evidence,
        points_mm=None if reading is None else reading.points_mm,
        reason=reason,
        detail={} if reading is None else reading.detail,
        sketch=None if reading is None else reading.sketch,
    )


def _need(subject: Hip | Pelvis, name: str) -> None:
    """Raise ``CannotMeasure`` unless the subject has the named thing."""
    if isinstance(subject, Hip):
        subject.need(name)
        return
    word, _, rest = name.partition(" ")
    if rest:
        hip: Hip | None = getattr(subject, Side(word).value)
        if hip is None:
            raise CannotMeasure(subject.reasons.get(word, f"no {word} femur or hip bone in the input"))
        _need(hip, rest)
        return
    has_sacrum = name == "sacrum" and subject.sacrum is not None
    if not has_sacrum and name not in subject.landmarks and name not in subject.frames:
        reason = subject.reasons.get(name, "it was not found")
        raise CannotMeasure(f"{spoken(name)} is missing: {reason}")

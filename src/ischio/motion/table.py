"""Gaps for a table of poses: rows in, the same rows with their gaps out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ischio._check import CannotMeasure
from ischio.io.poses import PoseRow
from ischio.motion.sweep import PAIR, clearance
from ischio.types import Clearance, Pelvis, PoseSet

_POINTS = (("femur", "on_femur_mm"), ("hip_bone", "on_hip_bone_mm"))
_DECIMALS = 4
_RESULTS = (
    *("gap_mm", "error_mm", "sub_part"),
    *(f"{bone}_{axis}_mm" for bone, _ in _POINTS for axis in "xyz"),
    *("joint", "reason"),
)


def gap_rows(
    pelvis: Pelvis,
    table: Sequence[PoseRow],
    pair: tuple[str, str] = PAIR,
    *,
    centre: str = "fixed",
    jobs: int = 1,
    progress: Callable[[str, float], None] = lambda _words, _fraction: None,
) -> list[dict[str, Any]]:
    """Compute the gap of every row of a table of poses.

    Parameters
    ----------
    pelvis : Pelvis
    table : sequence of PoseRow
        Sides and zeros may differ from row to row.
    pair : (str, str)
        Region of the femur and region of the hip bone.
    centre : str
        As for ``clearance``.
    jobs : int
        Threads; the result does not depend on it.
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    list of dict
        Columns of the table, then ``gap_mm``, ``error_mm``, ``sub_part``, both points in patient LPS,
        ``joint`` and ``reason``. What cannot be computed is ``None``, with the reason.
    """
    together: dict[tuple[Any, ...], list[int]] = {}
    for number, row in enumerate(table):
        together.setdefault((row.side, row.zeros), []).append(number)
    out: list[dict[str, Any]] = [{**row.cells, **dict.fromkeys(_RESULTS)} for row in table]
    for done, ((side, zeros), numbers) in enumerate(together.items()):
        progress(f"moving the {side.value} hip", done / len(together))
        hip = getattr(pelvis, side.value)
        try:
            if hip is None:
                raise CannotMeasure(pelvis.reasons.get(side.value, f"no {side.value} hip in the input"))
            poses = PoseSet("table", np.array([table[number].angles_deg for number in numbers]), *zeros)
            found = clearance(hip, poses, pair=pair, centre=centre, jobs=jobs)
        except CannotMeasure as refusal:
            for number in numbers:
                out[number]["reason"] = str(refusal)
            continue
        for place, number in enumerate(numbers):
            out[number] |= _results(found, place)
    return out


def _results(found: Clearance, place: int) -> dict[str, Any]:
    """One row's results, rounded far below the error of the solver."""
    row: dict[str, Any] = {
        "gap_mm": round(float(found.gap_mm[place]), _DECIMALS) + 0.0,
        "error_mm": round(float(found.error_mm[place]), _DECIMALS),
        "sub_part": found.sub_parts[int(found.sub_part[place])],
    }
    for bone, name in _POINTS:
        for axis, value in zip("xyz", getattr(found, name)[place], strict=True):
            row[f"{bone}_{axis}_mm"] = round(float(value), _DECIMALS) + 0.0
    return row | {"joint": found.joint}

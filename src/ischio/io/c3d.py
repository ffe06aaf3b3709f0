"""Read hip angles of a Plug-in Gait model from C3D files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ischio._check import Array, InputError, complaint
from ischio.io.gait_trial import GaitTrial
from ischio.types import Side

_UNITS = {
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "rad": float(np.degrees(1.0)),
    "radians": np.degrees(1.0),
}


def read_c3d(path: Path, rotation_zero: str) -> GaitTrial:
    """Read angles and foot strikes from a C3D file with model outputs.

    Parameters
    ----------
    path : Path
        Holds ``LHipAngles`` and ``RHipAngles``; ``LPelvisAngles``, ``RPelvisAngles`` if there.
    rotation_zero : str

    Returns
    -------
    GaitTrial
        Times count from the start of the recording, as those of the events do.

    Raises
    ------
    InputError
        If the file cannot be read, has no model outputs or does not state the unit of angles, or if the
        extra package ezc3d is not installed.
    """
    try:
        import ezc3d
    except ImportError as error:
        raise InputError(
            complaint(path.name, "no reader", "the package ezc3d", "Run pip install 'ischio[mocap]'.")
        ) from error
    try:
        content = ezc3d.c3d(str(path))
        return _trial(content, path.name, rotation_zero)
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(complaint(path.name, error, "a C3D file", "Export it again.")) from error


def _trial(content: Any, where: str, rotation_zero: str) -> GaitTrial:
    """The trial in what the library read."""
    point = content["parameters"]["POINT"]
    labels = [str(label) for label in point["LABELS"]["value"]]
    points = content["data"]["points"]
    lacking = [name for name in ("RHipAngles", "LHipAngles") if name not in labels]
    if lacking:
        raise InputError(
            complaint(
                where,
                f"no {', '.join(lacking)}",
                "the angles of a Plug-in Gait model",
                "Run the model and save its outputs into the file.",
            )
        )
    unit = str(next(iter(point.get("ANGLE_UNITS", {}).get("value", [])), "")).strip().lower()
    if unit not in _UNITS:
        raise InputError(
            complaint(
                f"{where}, POINT:ANGLE_UNITS",
                repr(unit),
                f"one of {sorted(_UNITS)}",
                "Save the model outputs with their unit.",
            )
        )
    rate = float(point["RATE"]["value"][0])
    first = _first_frame(content)
    time = (first + np.arange(points.shape[2])) / rate
    residuals = content["data"].get("meta_points", {}).get("residuals")

    def of(name: str) -> Array:
        row = labels.index(name)
        values: Array = points[:3, row].T * _UNITS[unit]
        missing = (values == 0).all(axis=1)  # how a model output that is not there is stored
        if residuals is not None:
            missing |= residuals[0, row] < 0
        return np.where(missing[:, None], np.nan, values)

    angles = {side: of(f"{side.value[0].upper()}HipAngles") for side in Side}
    pelvis = {
        side: of(f"{side.value[0].upper()}PelvisAngles")
        for side in Side
        if f"{side.value[0].upper()}PelvisAngles" in labels
    }
    source = f"C3D with Plug-in Gait angles, {where}"
    return GaitTrial(time, angles, pelvis, _strikes(content), "isb", rotation_zero, source)


def _first_frame(content: Any) -> int:
    """Number of the first frame in the file, counted from 0 at the start of the recording."""
    field = content["parameters"].get("TRIAL", {}).get("ACTUAL_START_FIELD")
    if field is not None and len(field["value"]):
        return int(field["value"][0]) - 1
    return int(content["header"]["points"]["first_frame"])


def _strikes(content: Any) -> dict[Side, Array]:
    """Foot strikes of each side in seconds, sorted."""
    event = content["parameters"].get("EVENT")
    if event is None or "LABELS" not in event or "CONTEXTS" not in event or "TIMES" not in event:
        return {}
    times = np.asarray(event["TIMES"]["value"], dtype=float)
    seconds = times[0] * 60 + times[1]
    out: dict[Side, list[float]] = {}
    for label, context, at in zip(
        event["LABELS"]["value"], event["CONTEXTS"]["value"], seconds, strict=False
    ):
        if str(label).strip().lower() == "foot strike" and str(context).strip().lower() in ("left", "right"):
            out.setdefault(Side(str(context).strip().lower()), []).append(float(at))
    return {side: np.array(sorted(found)) for side, found in out.items()}

"""Read the text files of OpenSim: motions (.mot) and storages (.sto)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ischio._check import Array, InputError, complaint
from ischio.io.gait_trial import GaitTrial
from ischio.types import Side

_END = "endheader"
_HIP = ("hip_flexion", "hip_adduction", "hip_rotation")
_PELVIS = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")


def read_table(path: Path) -> tuple[dict[str, str], list[str], Array]:
    """Header, names of columns and numbers of an OpenSim text file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    header : dict of str to str
        Keys in lower case.
    names : list of str
    values : array of shape (rows, columns)

    Raises
    ------
    InputError
        If it is not such a file, or rows contradict the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(complaint(path.name, error, "an OpenSim text file", "Check the file.")) from error
    head, found, body = text.partition(_END)
    lines = [line for line in body.splitlines() if line.strip()]
    if not found or len(lines) < 2:
        raise InputError(
            complaint(
                path.name, "no endheader, or no rows behind it", "an OpenSim motion", "Export it again."
            )
        )
    header = {
        key.strip().lower(): value.strip()
        for key, equals, value in (line.partition("=") for line in head.splitlines())
        if equals
    }
    names = lines[0].split()
    try:
        rows = [[float(word) for word in line.split()] for line in lines[1:]]
    except ValueError as error:
        raise InputError(complaint(path.name, error, "numbers", "Export it again.")) from error
    if any(len(row) != len(names) for row in rows) or len(set(names)) != len(names):
        raise InputError(
            complaint(
                path.name,
                "rows of another length than the header, or a name twice",
                f"{len(names)} numbers a row, each column once",
                "Export it again.",
            )
        )
    stated = header.get("nrows")
    if stated is not None and stated != str(len(rows)):
        raise InputError(
            complaint(path.name, f"{len(rows)} rows", f"nRows={stated}", "The file was cut; export it again.")
        )
    return header, names, np.array(rows)


def read_opensim(path: Path, zeros: tuple[str, str]) -> GaitTrial:
    """Read hip angles from an OpenSim motion.

    Parameters
    ----------
    path : Path
    zeros : (pelvic_zero, rotation_zero)
        Of the model the motion belongs to.

    Returns
    -------
    GaitTrial

    Raises
    ------
    InputError
        If the unit is not stated or an angle is missing.

    Notes
    -----
    OpenSim's forward tilt of the pelvis is negative; here it is positive. Its list is positive with the
    right side down, its rotation with the right side forward; ours with this side up and forward.
    """
    header, names, values = read_table(path)
    unit = header.get("indegrees", "").lower()
    if unit not in ("yes", "no"):
        raise InputError(
            complaint(
                f"{path.name}, header",
                "no inDegrees",
                "inDegrees=yes or inDegrees=no",
                "Programs that guess take such a file for radians; state the unit in its header.",
            )
        )
    angles, pelvis = {}, {}
    lacking = [
        f"{name}_{side.value[0]}" for side in Side for name in _HIP if f"{name}_{side.value[0]}" not in names
    ]
    if "time" not in names or lacking:
        raise InputError(
            complaint(
                path.name,
                f"no {', '.join(lacking) or 'time'}",
                "time, and flexion, adduction and rotation of both hips",
                "Run inverse kinematics with a model that has them.",
            )
        )
    scale = 1.0 if unit == "yes" else float(np.degrees(1.0))
    for side in Side:
        columns = [names.index(f"{name}_{side.value[0]}") for name in _HIP]
        angles[side] = values[:, columns] * scale
        if all(name in names for name in _PELVIS):
            signs = np.array([-1.0, -side.sign, side.sign])  # its list turns the right side down
            pelvis[side] = values[:, [names.index(name) for name in _PELVIS]] * scale * signs
    notes = ("angles given in radians were turned into degrees",) if unit == "no" else ()
    return GaitTrial(
        values[:, names.index("time")], angles, pelvis, {}, *zeros, f"OpenSim motion {path.name}", notes
    )

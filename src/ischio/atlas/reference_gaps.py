"""Gaps of the shape model's people along the paths of examinations, computed once and packaged."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import numpy as np

from ischio._check import Array

FILE = "reference_gaps.json"
SEATED = "_head_in_socket"
"""Ending of a path's name where the head is put into the socket: in the model's posture it stands out."""
STEP_MM = 0.01  # gaps are stored in whole steps
PEOPLE = "shape-model people"


@cache
def reference_gaps() -> dict[tuple[str, tuple[str, str]], Array]:
    """Gaps of all 26 people of the shape model in the poses of every examination.

    Returns
    -------
    dict of (path name, pair) to array of shape (26, P), mm
        One row a person, one column a pose. Negative: overlap.

    Notes
    -----
    ``python -m ischio.validation.reference_people`` makes the file again. Left hips, in model posture; the
    poses are examinations', not the posture's.

    Examples
    --------
    >>> reference_gaps()["ifi_test_neutral", ("lesser_trochanter", "ischium")].shape
    (26, 21)
    """
    content = json.loads(resources.files("ischio.atlas").joinpath(f"data/{FILE}").read_text("utf-8"))
    out = {}
    for key, rows in content["gaps"].items():
        path, first, second = key.split(":")
        out[path, (first, second)] = np.array(rows, dtype=np.float64) * STEP_MM
    return out


def packed(gaps: dict[tuple[str, tuple[str, str]], Array]) -> str:
    """Gaps as the text of the packaged file, one line a person and path.

    Examples
    --------
    >>> print(packed({("path", ("a", "b")): np.array([[1.0, 2.0]])}).splitlines()[2])
    [100,200]
    """
    about = "gaps in steps of 0.01 mm; made by python -m ischio.validation.reference_people"
    tables = []
    for (path, pair), values in sorted(gaps.items()):
        rows = np.round(values / STEP_MM).astype(int).tolist()
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        tables.append(f'"{":".join((path, *pair))}": [\n{lines}\n]')
    return f'{{"about": "{about}", "gaps": {{\n' + ",\n".join(tables) + "}}\n"

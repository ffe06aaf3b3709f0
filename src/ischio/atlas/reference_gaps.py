"""Gaps of the shape model's people along the paths of examinations, computed once and packaged."""

from __future__ import annotations

from functools import cache
from importlib import resources
from io import BytesIO

import numpy as np

from ischio._check import Array

FILE = "reference_gaps.npz"
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
    content = resources.files("ischio.atlas").joinpath(f"data/{FILE}").read_bytes()
    with np.load(BytesIO(content)) as table:
        out = {}
        for key in table.files:
            path, first, second = key.split(":")
            out[path, (first, second)] = table[key].astype(np.float64) * STEP_MM
    return out


def packed(gaps: dict[tuple[str, tuple[str, str]], Array]) -> bytes:
    """Gaps as the bytes of the packaged file.

    Examples
    --------
    >>> packed({("path", ("a", "b")): np.array([[1.0, 2.0]])})[:2]
    b'PK'
    """
    out = BytesIO()
    tables = {
        ":".join((path, *pair)): np.round(values / STEP_MM).clip(-32000, 32000).astype(np.int16)
        for (path, pair), values in sorted(gaps.items())
    }
    np.savez_compressed(out, **tables)  # type: ignore[arg-type]
    return out.getvalue()

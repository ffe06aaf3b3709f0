"""What a ruler says: clearance grows as bone goes, and the attachment is lost as on cadavers."""

from __future__ import annotations

from typing import Any

import numpy as np

HAPA_PERCENT = {5.0: (22.0, 10.0), 10.0: (50.0, 13.0), 15.0: (76.0, 13.0)}
"""Depth in mm: mean and standard deviation of the attachment lost, 15 hips of 8 male cadavers."""
HAPA_SOURCE = "Hapa 2018, 15 hips of 8 men, 10.1016/j.aott.2017.11.006"
WORDS = (
    "If clearance grew by a millimetre for each millimetre of depth, and the attachment were lost as on "
    "cadavers. That holds only while the trochanter's tip is nearest and the cut goes straight away from the "
    "ischium. No simulation."
)


def one_to_one(space_mm: float, wanted_mm: float) -> dict[str, Any]:
    """Depth and attachment lost for a space, if clearance grew one to one.

    Parameters
    ----------
    space_mm, wanted_mm : float
        Space as it is, and as it is wanted.

    Returns
    -------
    dict
        ``depth_mm``, and ``attachment_lost_fraction``: read between the published depths, from 0 at 0 mm;
        ``None`` beyond the deepest one, with a ``reason``.

    Examples
    --------
    >>> right = one_to_one(4.0, 17.0)  # the published case, right hip
    >>> right["depth_mm"], round(right["attachment_lost_fraction"], 2)
    (13.0, 0.66)
    """
    depth = max(wanted_mm - space_mm, 0.0)
    depths = [0.0, *HAPA_PERCENT]
    shares = [0.0, *(mean / 100 for mean, _ in HAPA_PERCENT.values())]
    known = depth <= depths[-1]
    return {
        "space_mm": round(float(space_mm), 3),
        "wanted_mm": float(wanted_mm),
        "depth_mm": round(float(depth), 3),
        "attachment_lost_fraction": round(float(np.interp(depth, depths, shares)), 4) if known else None,
        "reason": None if known else f"no cadaver was cut deeper than {depths[-1]:g} mm",
        "source": HAPA_SOURCE,
        "words": WORDS,
    }

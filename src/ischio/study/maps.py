"""Maps of motion as bytes of an npz file: arrays under documented names."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np

from ischio.motion.maps import MotionMap
from ischio.types import Side

MAPS_FILE = "motion_maps.npz"


def maps_bytes(maps: Mapping[Side, MotionMap]) -> bytes:
    """Write the maps of a person's hips as a compressed npz file.

    Parameters
    ----------
    maps : mapping of Side to MotionMap

    Returns
    -------
    bytes
        Arrays ``right_gap_mm`` (float16, F x A x R), ``right_blocked_by`` (int8: row of ``pairs``, -1 free),
        ``right_reachable`` (bool), the same for the left, the axes ``flexion_deg``, ``adduction_deg``,
        ``internal_rotation_deg``, and ``pairs``. Zeros are app and pca.
    """
    content: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
    for side, one in maps.items():
        content |= {
            "flexion_deg": one.flexion_deg,
            "adduction_deg": one.adduction_deg,
            "internal_rotation_deg": one.rotation_deg,
            "pairs": np.array([":".join(pair) for pair in one.pairs]),
            f"{side.value}_gap_mm": one.gap_mm.astype(np.float16),
            f"{side.value}_blocked_by": one.blocked_by,
            f"{side.value}_reachable": one.reachable,
        }
    out = BytesIO()
    np.savez_compressed(out, **content)  # type: ignore[arg-type]
    return out.getvalue()

"""How certain the tip of a lesser trochanter is, and what speaks against it."""

from __future__ import annotations

import numpy as np

from ischio._check import Array
from ischio.landmarks.grain import grain_mm
from ischio.landmarks.trochanter import Trochanter
from ischio.types import Bone, Landmark, Side

METHOD = "middle_of_cap@1"
_METHOD_SIGMA_MM = 1.9  # 0.7 of the readers' spread, as of other points, at the usual height
_UNSEEN_MM = 2.0  # a wide bump of 5 mm passes for the trochanter's own shape and moves its tip by as much
# Of 33 femora 32 stand 7.8 to 11.1 mm high and an adolescent's 5.8, hardly more than a bump of 5 mm.
_USUAL_MM = (9.0, 10.5)
_FLAT_POWER = 1.5
_TALL_GAIN = 1.5  # of what one stands higher: a bump on the top is taken for a part of it
_USUALLY_OFF_MM, _OFF_GAIN = 4.0, 1.0  # the summit from the middle of the cap, and of what it is farther away
_USUALLY_AWAY_MM, _AWAY_GAIN = 3.0, 0.6  # from where the model expects it; right tips are up to 8 mm away
_FLAT_MM, _TALL_MM, _OFF_MM, _AWAY_MM = 7.0, 12.0, 5.0, 12.0  # beyond these the detail says what is doubtful


def tip_landmark(bone: Bone, side: Side, found: Trochanter, expected_mm: Array) -> Landmark:
    """The tip with its sigma and doubts.

    Parameters
    ----------
    bone : Bone
    side : Side
    found : Trochanter
    expected_mm : array of shape (3,), mm
        Where the model expects the tip.

    Returns
    -------
    Landmark
        ``lesser_trochanter_tip``. Detail holds ``height_mm`` over the smooth femur, ``smooth_femur_rms_mm``,
        ``summit_off_mm``, the distance of the highest point, ``from_model_mm``, ``steps``, and under
        ``doubt`` a sentence for each thing that is unlike the trochanters known, if there is any.

    Notes
    -----
    One Gaussian bump 5 mm high, 3 to 8 mm wide (standard deviation), on the tip or up to 14 mm beside it,
    moves the tip by up to 5.2 mm and that of a flat trochanter by up to 6.6 mm (seven femora of four people):
    within two sigmas; with more bumps on the same femur 6.2 mm were seen, within two sigmas as well.
    """
    off = float(np.linalg.norm(found.summit_mm - found.tip_mm))
    away = float(np.linalg.norm(found.tip_mm - expected_mm))
    flat = max(1.0, _USUAL_MM[0] / max(found.height_mm, 1.0)) ** _FLAT_POWER
    parts = (
        _METHOD_SIGMA_MM * flat,
        _UNSEEN_MM,
        grain_mm(bone),
        found.fit_rms_mm,
        _TALL_GAIN * max(0.0, found.height_mm - _USUAL_MM[1]),
        _OFF_GAIN * max(0.0, off - _USUALLY_OFF_MM),
        _AWAY_GAIN * max(0.0, away - _USUALLY_AWAY_MM),
    )
    doubt = [
        words
        for words, holds in (
            (
                f"flat: {found.height_mm:.1f} mm high; its tip may lie anywhere on it",
                found.height_mm < _FLAT_MM,
            ),
            (f"{found.height_mm:.1f} mm high: higher than any known", found.height_mm > _TALL_MM),
            (f"its highest point lies {off:.1f} mm from its middle: a bump or a fault?", off > _OFF_MM),
            (f"{away:.1f} mm from where the model expects it", away > _AWAY_MM),
        )
        if holds
    ]
    detail: dict[str, object] = {
        "height_mm": found.height_mm,
        "smooth_femur_rms_mm": found.fit_rms_mm,
        "summit_off_mm": off,
        "from_model_mm": away,
        "steps": found.steps,
    }
    if doubt:
        detail["doubt"] = doubt
    return Landmark(
        "lesser_trochanter_tip",
        side,
        found.tip_mm,
        bone.frame,
        float(np.linalg.norm(parts)),
        METHOD,
        detail,
    )

"""The fluoroscopic view in which a plane is seen edge-on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ischio._check import Array
from ischio.motion.joint import joint_of, rotation_of
from ischio.types import Hip

_TURN_DEG = 10.0
WORDS = (
    "Supine, anterior pelvic plane level with the table, no traction, hip at flexion, adduction and rotation "
    "0 (app, pca); beam square to the body's long axis, turned about it from straight front to back (0) "
    "towards the side of the hip (positive). A plane is edge-on in every view along it; this is the one "
    "without tilt."
)


def edge_on_view(hip: Hip, normal: Array) -> dict[str, Any]:
    """Turn of a C-arm that shows a plane of the femur edge-on.

    Parameters
    ----------
    hip : Hip
    normal : array of shape (3,), patient frame as supplied
        Of the plane, a unit vector.

    Returns
    -------
    dict
        ``orbital_deg``, -90 to 90, and how much it changes when the femur turns 10 degrees inwards; ``None``
        with a reason where the plane lies square to the body's long axis.

    Raises
    ------
    CannotMeasure
        If the hip has no frame for app or pca.
    """
    joint = joint_of(hip, "app", "pca")
    # The joint's axes are those of a right hip: its Z is lateral on both sides.
    own = joint.femur_from_patient[:3, :3] @ normal
    still, turned = (
        _orbital(rotation_of(np.array([[0.0, 0.0, turn]]))[0] @ own) for turn in (0.0, _TURN_DEG)
    )
    if still is None or turned is None:
        why = "the plane is square to the body's long axis: it is edge-on in all of these views"
        return {
            "orbital_deg": None,
            "change_per_10_deg_internal_rotation": None,
            "reason": why,
            "words": WORDS,
        }
    change = (turned - still + 90.0) % 180.0 - 90.0
    return {
        "orbital_deg": round(still, 1),
        "change_per_10_deg_internal_rotation": round(change, 1),
        "reason": None,
        "words": WORDS,
    }


def _orbital(normal: Array) -> float | None:
    """Angle of the beam (forward, up, lateral axes) that lies in a plane, degrees."""
    forward, _, lateral = normal
    if np.hypot(forward, lateral) < 1e-6:
        return None
    # The beam cos(a) forward + sin(a) lateral lies in the plane where its product with the normal is 0.
    angle = float(np.degrees(np.arctan2(-forward, lateral)))
    return (angle + 90.0) % 180.0 - 90.0

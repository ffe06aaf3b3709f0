"""McKibbin index: femoral and acetabular version together."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import RIM
from ischio.measures._version import SLICED
from ischio.measures.acetabular_version_central import acetabular_version_central
from ischio.measures.femoral_version_murphy import femoral_version_murphy
from ischio.types import Hip, Side


def _example(side: Side) -> tuple[Hip, float]:
    """A femur of 24 degrees by Murphy's method in a socket of 19 degrees."""
    hip = phantoms.anatomy(side, version_deg=15.0, base_version_deg=24.0, acetabular_version_deg=19.0)
    return hip, 43.0


@measure(
    unit="deg",
    needs=tuple(dict.fromkeys((*SLICED, "lesser_trochanter", *RIM))),
    reference="McKibbin 1970, J Bone Joint Surg Br 52:148-159; Tonnis and Heinecke 1999, J Bone Joint "
    "Surg Am "
    "81:1747-1770",
    evidence="The sum is the references' own; which femoral version goes in differs between papers: here "
    "Murphy's. "
    "Exact on phantoms.",
    example=_example,
)
def mckibbin_index(hip: Hip) -> Reading:
    """McKibbin index: femoral and acetabular version together.

    Femoral version by Murphy's method plus central acetabular version, of the same side.
    """
    femur, socket = femoral_version_murphy(hip), acetabular_version_central(hip)
    sigmas = [femur.sigma or 0.0, socket.sigma or 0.0]
    return Reading(
        femur.value + socket.value,
        sigma=float(np.hypot(sigmas[0], sigmas[1])),
        detail={
            "femoral_version_method": "Murphy",
            "femoral_version_deg": femur.value,
            "acetabular_version_deg": socket.value,
            "sigma_parts": {"femoral version": sigmas[0], "acetabular version": sigmas[1]},
        },
    )

"""Radius of the femoral head."""

from __future__ import annotations

import numpy as np

from ischio import phantoms
from ischio._check import CannotMeasure
from ischio.measures._registry import Reading, measure
from ischio.measures._surface import SURFACE_MM
from ischio.types import Hip, Side


def _example(side: Side) -> tuple[Hip, float]:
    """A head with a radius of 23.5 mm."""
    return phantoms.hip(side, head_radius_mm=23.5), 23.5


@measure(
    unit="mm",
    needs=("femoral_head_centre",),
    reference="Harris et al. 2013, Ann Biomed Eng 41:1162 (spheres fitted to femoral heads in 3-D)",
    evidence="Abstract of the reference read; exact on phantoms.",
    example=_example,
)
def femoral_head_radius(hip: Hip) -> Reading:
    """Radius of the sphere fitted to the bone surface of the femoral head, without cartilage.

    Notes
    -----
    Sigma holds where another segmentation would see the cortex all round, and what another part of a head
    that is not quite round would give; it is ``None`` where nobody said how round the head is. Where a head
    is deformed the rms tells; the centre of the sphere is the point.
    """
    head = hip.landmarks["femoral_head_centre"]
    if "radius_mm" not in head.detail:
        raise CannotMeasure(
            f"{hip.side.value} femoral head centre ({head.method}) came as a point without a fitted sphere"
        )
    roundness = head.detail.get("radius_sigma_mm")
    parts = {"surface": SURFACE_MM, "roundness": roundness}
    return Reading(
        head.detail["radius_mm"],
        sigma=None if roundness is None else float(np.hypot(SURFACE_MM, roundness)),
        points_mm=head.point_mm[None, :],
        detail={key: head.detail[key] for key in ("rms_mm", "coverage_fraction") if key in head.detail}
        | {"sigma_parts": parts},
    )

"""Parts of a bone laid in a scan whose outline lies on no edge, and how unsure that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.atlas.model import BoneModel, vertex_areas
from ischio.atlas.parts import pelvis_parts, socket_of
from ischio.atlas.template import femur_template, pelvis_template
from ischio.types import Side

UNSURE = "unsure at the "
LEAST_SHOWN = 0.5  # of a part's surface
UNSHOWN_MM = 3.0  # how far off a part may lie whose edges are not seen
_NEAR_MM = 3.0
# Where marrow is dark, gaps in made images of three people with 7 mm of tendon on the ischium came out 5 mm
# too small, 6 mm root mean square; surfaces' sigma tells 4 of it.
TENDON_MM = 4.0
_TENDON_ON = ("ischium",)
_TOUCHED_MM = 12.0  # around a marked point the surface is known
_RMS_MM = 1.5  # of the ways to the edges; more is no scatter
TOUCHES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lesser trochanter": ("lesser_trochanter", "lesser_trochanter_tip", "lesser_trochanter_base"),
        "femoral head": ("femoral_head_centre",),
        "femoral neck": ("neck_isthmus_centre",),
        "knee": (
            *("posterior_condyle_lateral", "posterior_condyle_medial", "epicondyle_lateral"),
            *("epicondyle_medial", "distal_condyle_lateral", "distal_condyle_medial", "knee_centre"),
        ),
        "ischium": (
            *("ischium", "ischial_tuberosity_inferior", "ischial_tuberosity_lateral"),
            "ischial_tuberosity_hamstring",
        ),
        "socket": ("acetabular_centre", "acetabular_rim", "lunate_surface"),
    }
)
"""Parts of bones, and what of a measure's needs lies on them."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A part whose outline is not on an edge.

    Parameters
    ----------
    part : str
        One of ``TOUCHES``.
    share : float
        Of its surface in view that lies on an edge, or near a marked point.
    sigma_mm : float
    """

    part: str
    share: float
    sigma_mm: float

    @property
    def repair(self) -> str:
        """As a bone carries it; ``read_unsure`` reads it again."""
        return (
            f"{UNSURE}{self.part}: {100 * self.share:.0f} % of it on edges of the scan; sigma "
            f"{self.sigma_mm:.1f} mm more"
        )


def read_unsure(repair: str) -> Unsure | None:
    """What a bone's repair says of a part; None for another one.

    Examples
    --------
    >>> read_unsure(Unsure("ischium", 0.25, 3.0).repair)
    Unsure(part='ischium', share=0.25, sigma_mm=3.0)
    """
    if not repair.startswith(UNSURE):
        return None
    part, rest = repair.removeprefix(UNSURE).split(": ", 1)
    return Unsure(part, float(rest.split(" %")[0]) / 100, float(rest.split("sigma ")[1].split(" mm")[0]))


def unsure_parts(
    name: str,
    side: Side,
    model: BoneModel,
    points_mm: Array,
    away_mm: Array,
    inside: NDArray[np.bool_],
    touched_mm: Array,
    *,
    is_dark: bool = False,
) -> list[Unsure]:
    """Parts of a laid bone of whose outline too little lies on edges.

    Parameters
    ----------
    name : str
    side : Side
    model : BoneModel
    points_mm : array of shape (V, 3), mm
        The laid bone.
    away_mm : array of shape (V,), mm
        Way to the nearest edge; NaN where there is none.
    inside : bool array of shape (V,)
        Whether the scan shows a vertex's place.
    touched_mm : array of shape (N, 3), mm
        Points that a person marked on the surface.
    is_dark : bool
        Whether marrow is as dark as cortex and tendon: then the ischium may hold the hamstrings' origin.

    Returns
    -------
    list of Unsure
    """
    from scipy.spatial import cKDTree

    areas = vertex_areas(points_mm, model.faces)
    known = np.zeros(len(points_mm), dtype=bool)
    if len(touched_mm):
        known = cKDTree(touched_mm).query(points_mm)[0] < _TOUCHED_MM
    found = []
    for part, of_part in parts_of(name, side, model).items():
        seen = of_part & inside
        if areas[seen].sum() < 0.2 * areas[of_part].sum():
            continue  # the end of the scan is another finding
        near = np.abs(np.nan_to_num(away_mm, nan=np.inf)) < _NEAR_MM
        share = float(areas[seen & (near | known)].sum() / areas[seen].sum())
        rms = float(np.sqrt(np.mean(away_mm[seen & near] ** 2))) if (seen & near).any() else 0.0
        sigma = 0.0
        if share < LEAST_SHOWN:
            sigma = UNSHOWN_MM * (1 - share)
        sigma = float(np.hypot(sigma, np.sqrt(max(rms**2 - _RMS_MM**2, 0.0))))
        if is_dark and part in _TENDON_ON:
            sigma = float(np.hypot(sigma, TENDON_MM))
        if sigma > 0.05:
            found.append(Unsure(part, share, round(sigma, 1)))
    return found


def parts_of(name: str, side: Side, model: BoneModel) -> dict[str, NDArray[np.bool_]]:
    """Vertices of the parts of a bone's model that measures stand on.

    Parameters
    ----------
    name : str
        "femur" or "hip_bone".
    side : Side
    model : BoneModel
    """
    points = model.mean_mm
    centre = socket_of(name, side, points)
    away = np.linalg.norm(points - centre, axis=1)
    if name == "femur":
        tip = points[femur_template().points["lesser_trochanter_tip"]]
        along = np.clip((points - centre) @ (tip - centre) / ((tip - centre) @ (tip - centre)), 0, 1)
        return {
            "lesser trochanter": np.linalg.norm(points - tip, axis=1) < 20.0,
            "femoral head": away < 27.0,
            "femoral neck": (away >= 27.0) & (away < 45.0) & (along < 0.7),
            "knee": points[:, 2] < points[:, 2].min() + 45.0,
        }
    vertices = pelvis_parts()["hip_bone", side].vertices
    lowest = points[
        np.flatnonzero(vertices == pelvis_template(side).points["ischial_tuberosity_inferior"])[0]
    ]
    below = points[:, 2] < centre[2] - 30.0
    return {
        "ischium": below & (np.linalg.norm(points - lowest, axis=1) < 45.0),
        "socket": away < 32.0,
    }

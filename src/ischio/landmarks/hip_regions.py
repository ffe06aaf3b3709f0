"""Regions round the socket and points of the ischial tuberosity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.geometry.connect import largest_component
from ischio.geometry.sampling import face_normals
from ischio.landmarks.findings import on_surface
from ischio.landmarks.grain import grain_mm
from ischio.landmarks.registration import ModelFit
from ischio.types import Bone, Landmark, Region, Side

RIM_HALF_WIDTH_MM = 5.0
LUNATE_DEPTH_MM = 6.0
_TUBEROSITY_SIGMA_MM = {"ischial_tuberosity_lateral": 4.0, "ischial_tuberosity_hamstring": 8.0}
TUBEROSITY_POINTS = tuple(_TUBEROSITY_SIGMA_MM)
_LUNATE_COSINE = 0.5  # the joint's surface faces the centre within 60 degrees
_MIN_AREA_MM2 = 100.0
# Root mean square of the 26 people, each with a model that does not know them: 2.2 and 2.6 mm.
_USUALLY_AWAY_MM = 2.5
_SOFT_MM = 0.6
_METHOD = "region_summit@2"


def acetabular_regions(
    bone: Bone, side: Side, rim_mm: Array, opening: Array, socket: tuple[Array, float]
) -> tuple[dict[str, Region], dict[str, str]]:
    """Bound the acetabular rim and the lunate surface.

    Parameters
    ----------
    bone : Bone
    side : Side
    rim_mm : array of shape (N, 3), mm
        The rim as a closed curve of close points.
    opening : array of shape (3,)
        Unit vector out of the socket across the rim's plane.
    socket : (centre of shape (3,), radius), mm
        Sphere of the socket.

    Returns
    -------
    regions : dict of str to Region
    reasons : dict of str to str

    Notes
    -----
    The rim is the ring 5 mm either side of its edge. The lunate surface is what lies inside the
    rim, faces the centre, and stays within 6 mm of the socket's sphere: the fossa lies deeper.
    """
    centre, radius = socket
    triangles = bone.triangles_mm
    middles = bone.middles_mm
    normals, areas = face_normals(triangles)
    inwards = centre - middles
    distance = np.linalg.norm(inwards, axis=1)
    near = distance < 1.8 * radius
    from_rim = np.full(len(middles), np.inf)
    from_rim[near] = cKDTree(rim_mm).query(middles[near])[0]
    on_rim = from_rim <= RIM_HALF_WIDTH_MM
    behind = (middles - rim_mm.mean(axis=0)) @ opening < 0
    facing = np.einsum("ij,ij->i", normals, inwards) > _LUNATE_COSINE * distance
    lunate = near & ~on_rim & behind & facing & (np.abs(distance - radius) < LUNATE_DEPTH_MM / 2)
    regions: dict[str, Region] = {}
    reasons: dict[str, str] = {}
    for name, mask in (("acetabular_rim", on_rim), ("lunate_surface", lunate)):
        # The rim's ring may be broken where bone is missing: all of it counts, the lunate is one piece.
        chosen = np.flatnonzero(mask)
        faces = chosen if name == "acetabular_rim" else largest_component(bone.faces, chosen, areas)
        area = float(areas[faces].sum())
        if area < _MIN_AREA_MM2:
            reasons[name] = f"only {area:.0f} mm2 of it is there"
        else:
            regions[name] = Region(name, side, bone.name, faces, area, "own_rim_and_sphere@1")
    return regions, reasons


def tuberosity_points(
    bone: Bone, side: Side, ischium: Region, part: ModelFit, of_model: NDArray[np.int64]
) -> dict[str, Landmark]:
    """Most lateral point of the ischial tuberosity and the middle of its hamstring facet.

    Parameters
    ----------
    bone : Bone
    side : Side
    ischium : Region
        Its sub-part "tuberosity" is searched.
    part : ModelFit
        The model laid over the ischium alone: gives the directions, the same whether the ilium is there or
        not.
    of_model : int array
        Faces of the model that are the tuberosity: where the same rule puts a point on them, the bone's is
        expected, and what it lies farther away than usual is added to sigma.

    Returns
    -------
    dict of str to Landmark
        Empty where no tuberosity is there. The hamstring facet is taken as the upper, backward-
        looking half of the tuberosity; no attachment is seen on bone, so its sigma is large.
    """
    chosen = ischium.face_indices[[part == "tuberosity" for part in ischium.sub_parts]]
    if len(chosen) == 0:
        return {}
    points = _on_tuberosity(bone.triangles_mm[chosen], side, part)
    expected = _on_tuberosity(part.vertices_mm[part.model.faces[of_model]], side, part)
    out = {}
    for name, point in points.items():
        foot = on_surface(bone, point, 10.0)
        place = point if foot is None else foot
        away = float(np.linalg.norm(place - expected[name])) if name in expected else 0.0
        more = max(0.0, away - _USUALLY_AWAY_MM)
        sigma = float(np.linalg.norm([_TUBEROSITY_SIGMA_MM[name], grain_mm(bone), more]))
        detail = {"from_model_mm": away}
        out[name] = Landmark(name, side, place, bone.frame, sigma, _METHOD, detail)
    return out


def _on_tuberosity(triangles: Array, side: Side, part: ModelFit) -> dict[str, Array]:
    """Outermost place of a tuberosity's lower half and, where it has one, the middle of its facet."""
    middles = triangles.mean(axis=1)
    normals, areas = face_normals(triangles)
    left, back, up = part.rotation.T
    lateral = -side.sign * left
    level = middles @ up
    low = level < np.average(level, weights=areas)  # its upper end runs out below the rim of the socket
    height = np.where(low, middles @ lateral, -np.inf)
    weight = areas * np.exp((height - height.max()) / _SOFT_MM)
    out = {"ischial_tuberosity_lateral": (weight[:, None] * middles).sum(axis=0) / weight.sum()}
    facet = (normals @ back > 0.5) & (level > np.average(level, weights=areas))
    if facet.any():
        out["ischial_tuberosity_hamstring"] = np.average(middles[facet], axis=0, weights=areas[facet])
    return out

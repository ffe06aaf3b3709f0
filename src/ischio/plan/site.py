"""Where bone may be removed: the lesser trochanter over the femur as it would be without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure, InputError, complaint
from ischio.geometry.sampling import face_normals
from ischio.geometry.solids import remains, solid_of
from ischio.landmarks.smooth_femur import Cylinder, SmoothFemur, smooth_femur_beneath
from ischio.types import Bone, Hip, Region

if TYPE_CHECKING:
    from manifold3d import Manifold

Ints = NDArray[np.int64]
TROCHANTER = "lesser_trochanter"
CORTEX_MARGIN_MM = 0.0  # a cut may go down to the smooth femur, flush with its cortex, and no deeper
MOST_MARGIN_MM = 15.0  # trochanters stand about so high: nothing could be cut
_FOOTPRINT_SEAM_MM = 0.2  # so that the region's own border is inside
_ROOM_HEIGHT_MM = 40.0  # above the smooth femur; trochanters stand up to about 15 mm
_ROOM_CELL_MM = 1.5  # of the room's floor: the smooth femur bends over 15 mm, so it is met to 0.02 mm


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A femur prepared for cuts.

    Parameters
    ----------
    hip : Hip
    solid : Manifold
        The femur.
    room : Manifold
        Where bone may be removed: all that stands above the region ``lesser_trochanter``, straight out from
        the shaft, down to ``margin_mm`` over the smooth femur.
    tip_mm : array of shape (3,), mm, patient frame
    up, back, medial : arrays of shape (3,), patient frame
        Unit vectors: along the shaft, across it away from the front of the femur as its posterior condyles
        lie, and across both.
    margin_mm : float
    cylinder : Cylinder
    smooth : SmoothFemur
    bone_mm : array of shape (N, 3, 3), mm, patient frame
        Surface of the bone that may be removed.
    """

    hip: Hip
    solid: Manifold
    room: Manifold
    tip_mm: Array
    up: Array
    back: Array
    medial: Array
    margin_mm: float
    cylinder: Cylinder
    smooth: SmoothFemur
    bone_mm: Array

    @property
    def femur(self) -> Bone:
        """The femur before any cut."""
        assert self.hip.femur is not None
        return self.hip.femur


@dataclass(frozen=True, slots=True, eq=False)
class Resection:
    """A femur after a cut.

    Parameters
    ----------
    hip : Hip
        With the femur and its regions as they are then; the region ``lesser_trochanter`` is what is left of
        it and the cut surface.
    removed_mm3 : float
    is_cut : bool array
        Which faces of the femur after it are the cut surface.
    kept_fraction : array of shape (F,)
        Of the area of each face of the femur before.
    """

    hip: Hip
    removed_mm3: float
    is_cut: NDArray[np.bool_]
    kept_fraction: Array

    @property
    def cut_mm(self) -> Array:
        """Triangles of the cut surface, shape (N, 3, 3), mm, patient frame."""
        assert self.hip.femur is not None
        return self.hip.femur.triangles_mm[self.is_cut]

    @property
    def cut_area_mm2(self) -> float:
        """Area of the cut surface."""
        return float(face_normals(self.cut_mm)[1].sum()) if len(self.cut_mm) else 0.0


def prepare(hip: Hip, *, margin_mm: float = CORTEX_MARGIN_MM) -> Site:
    """Prepare a femur for cuts.

    Parameters
    ----------
    hip : Hip
    margin_mm : float
        Bone to be left standing over the smooth femur.

    Returns
    -------
    Site

    Raises
    ------
    CannotMeasure
        If the hip has no lesser trochanter, no femoral frame, or its shaft is cut too short.
    InputError
        If the femur's surface bounds no solid, or the margin is no possible one.
    """
    if not 0 <= margin_mm <= MOST_MARGIN_MM:
        got, fits = f"{margin_mm:g} mm", f"0 to {MOST_MARGIN_MM:g} mm"
        raise InputError(complaint("margin over the cortex", got, fits, "Give the bone to be left standing."))
    for name in ("femur", TROCHANTER, "lesser_trochanter_tip", "femoral_head_centre"):
        hip.need(name)
    if "femur_pca_from_patient" not in hip.frames:
        reason = hip.reasons.get("femur_pca_from_patient", "it is not known for this hip")
        raise CannotMeasure(f"{hip.side.value} femur has no directions: {reason}")
    femur = hip.femur
    assert femur is not None
    solid = solid_of(femur.vertices_mm, femur.faces, f"{femur.label} ({femur.source})")
    frame = hip.frames["femur_pca_from_patient"].matrix[:3, :3]
    tip = hip.point("lesser_trochanter_tip")
    head = hip.landmarks["femoral_head_centre"]
    ball = head.point_mm, float(head.detail["radius_mm"])
    cylinder, smooth, up = smooth_femur_beneath(femur.triangles_mm, tip, frame[1], ball)
    back = -frame[0] + (frame[0] @ up) * up
    back = back / np.linalg.norm(back)
    medial = np.cross(up, back)
    medial = medial * np.sign(medial @ frame[2]) * -hip.side.sign
    room = _room(hip, cylinder, smooth, margin_mm)
    bone = (solid ^ room).to_mesh64()
    corners = np.asarray(bone.vert_properties, dtype=np.float64)[:, :3]
    surface = corners[np.asarray(bone.tri_verts, dtype=np.int64)]
    return Site(hip, solid, room, tip, up, back, medial, margin_mm, cylinder, smooth, surface)


def room_over(site: Site, margin_mm: float, *, beside_mm: float = 0.0) -> Manifold:
    """The room of a site with another margin over the smooth femur, and wider.

    Parameters
    ----------
    site : Site
    margin_mm : float
        Negative: reaching beneath the smooth femur.
    beside_mm : float
        How far beyond the region's border, round the shaft and along it.

    Returns
    -------
    Manifold
    """
    return _room(site.hip, site.cylinder, site.smooth, margin_mm, beside_mm)


def _room(
    hip: Hip, cylinder: Cylinder, smooth: SmoothFemur, margin_mm: float, beside_mm: float = 0.0
) -> Manifold:
    """Everything above the region, straight out from the shaft."""
    from manifold3d import CrossSection, FillRule

    triangles = hip.region_triangles(TROCHANTER)
    flat = cylinder(triangles.reshape(-1, 3))[0].reshape(-1, 3, 2)
    one, two = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    turned = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    flat = np.where(turned[:, None, None] < 0, flat[:, ::-1], flat)[np.abs(turned) > 1e-9]
    seen = CrossSection(list(flat), FillRule.NonZero).offset(_FOOTPRINT_SEAM_MM + beside_mm)
    seen = seen.simplify(_FOOTPRINT_SEAM_MM / 4)
    block = seen.extrude(_ROOM_HEIGHT_MM).refine_to_length(_ROOM_CELL_MM)

    def wrapped(points: Array) -> Array:
        plane = np.array(points[:, :2])
        return cylinder.points(plane, smooth.distance(plane) + margin_mm + points[:, 2])

    room = block.warp_batch(wrapped)
    return room if room.volume() > 0 else block.mirror((1.0, 0.0, 0.0))


def resect(site: Site, tool: Manifold, *, room: Manifold | None = None) -> Resection:
    """Take away what a tool covers, within the room.

    Parameters
    ----------
    site : Site
    tool : Manifold
    room : Manifold, optional
        Another one than the site's.

    Returns
    -------
    Resection
    """
    left = site.solid - ((site.room if room is None else room) ^ tool)
    whole = site.femur
    areas = face_normals(whole.triangles_mm)[1]
    found = remains(left, site.solid)
    after = replace(whole, vertices_mm=found.vertices_mm, faces=found.faces)
    own = found.origin >= 0
    now = face_normals(after.triangles_mm)[1]
    kept = np.bincount(found.origin[own], now[own], minlength=len(areas))
    fraction = np.clip(kept / np.maximum(areas, 1e-12), 0.0, 1.0)
    regions, reasons = {}, dict(site.hip.reasons)
    for region in site.hip.regions.values():
        if region.bone != "femur":
            regions[region.name] = region
            continue
        belongs = np.zeros(len(areas), dtype=bool)
        belongs[region.face_indices] = True
        rows = np.where(own, belongs[found.origin], region.name == TROCHANTER).nonzero()[0]
        if len(rows) == 0:
            reasons[region.name] = "nothing of it is left after the cut"
            continue
        regions[region.name] = Region(
            region.name,
            region.side,
            "femur",
            rows,
            float(now[rows].sum()),
            f"{region.method} after the cut",
            detail=region.detail,
        )
    hip = replace(site.hip, femur=after, regions=regions, reasons=reasons)
    return Resection(hip, float(site.solid.volume() - left.volume()), ~own, fraction)

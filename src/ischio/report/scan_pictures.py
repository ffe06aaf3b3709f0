"""Outlines of the bones on the scan, at the levels that matter: what a reader judges a segmentation by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import SubElement

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.bones.exclude import Excluded, marked_at
from ischio.bones.refine import sampled
from ischio.geometry.sections import section
from ischio.report.drawing import Picture
from ischio.report.overlay import canvas, finished
from ischio.report.raster import Camera
from ischio.types import VERTEBRAE, Bone, Study, Volume

# By name and side; told apart also by those who see no red or green. Lines are over grey.
COLOURS: Mapping[str, str] = {
    "right femur": "#e69f00",
    "left femur": "#56b4e9",
    "right hip_bone": "#f0e442",
    "left hip_bone": "#cc79a7",
    "pelvis": "#f0e442",
    "sacrum": "#00d090",
    "right tibia": "#e69f00",
    "left tibia": "#56b4e9",
    "vertebra_L5": "#e69f00",
    "vertebra_L4": "#56b4e9",
    "vertebra_L3": "#e69f00",
    "vertebra_L2": "#56b4e9",
    "vertebra_L1": "#e69f00",
}
_EXCLUDED_RGB, _TINT = (213, 94, 0), 0.45
_WINDOW_HU = (-250.0, 1050.0)  # bone, with muscle and fat still told apart
_LARGEST_PX = 720
_FINEST_MM = 0.4
_MARGIN_MM = 12.0
_AXIAL = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])  # right, up, toward: the patient's right on the left
_CORONAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_AXIAL_LETTERS = {"left": "R", "right": "L", "top": "A", "bottom": "P"}
_CORONAL_LETTERS = {"left": "R", "right": "L", "top": "S", "bottom": "I"}


@dataclass(frozen=True, slots=True)
class ScanPicture:
    """A drawn section of the scan.

    Parameters
    ----------
    title, caption : str
    svg : str
    legend : tuple of (str, str)
        Bone in words and colour of its outline.
    """

    title: str
    caption: str
    svg: str
    legend: tuple[tuple[str, str], ...]


def scan_pictures(study: Study, scan: Volume, *, exclude: Excluded | None = None) -> tuple[ScanPicture, ...]:
    """Draw the outlines of all bones on sections of the scan.

    Parameters
    ----------
    study : Study
    scan : Volume
        In the frame of the study's bones.
    exclude : Excluded, optional
        Voxels that were not used: they are tinted.

    Returns
    -------
    tuple of ScanPicture
        Axial through heads, gaps and sacrum as far as they are there, and coronal through the heads. The
        sections are along the patient's axes, whatever the scan's are, and resampled by physical coordinates.
    """
    window = _window(scan)
    low, high = _extent(study, scan)
    out = []
    for n, (title, plane, point) in enumerate(_levels(study, scan)):
        axes, letters = (_AXIAL, _AXIAL_LETTERS) if plane == "axial" else (_CORONAL, _CORONAL_LETTERS)
        camera = _camera(axes, point, low, high)
        pixels, is_marked = _grey(scan, camera, window), False
        if exclude is not None:
            pixels, is_marked = _tinted(pixels, exclude, camera)
        picture = Picture(pixels, np.full((1, 1), -np.inf))
        where = f"{plane}, {'z' if plane == 'axial' else 'y'} = {point[2 if plane == 'axial' else 1]:.1f} mm"
        root = canvas(
            picture,
            camera,
            key=f"scan-{n}",
            title=f"{title} ({where})",
            description="Section of the scan with the outline of every bone.",
        )
        legend = _outlines(root, study.bones, camera)
        if is_marked:
            legend = (*legend, ("excluded voxels, tinted", "#{:02x}{:02x}{:02x}".format(*_EXCLUDED_RGB)))
        width = camera.width_px * camera.mm_per_px
        caption = f"Patient {where}; {width:.0f} mm across."
        out.append(ScanPicture(title, caption, finished(root, camera, letters), legend))
    return tuple(out)


def _levels(study: Study, scan: Volume) -> list[tuple[str, str, Array]]:
    """Title, plane and a point of each section; one where two would lie within 3 mm."""
    wanted: list[tuple[str, str, Array]] = []
    heads = []
    for hip in study.pelvis.hips:
        head = hip.landmarks.get("femoral_head_centre") or hip.landmarks.get("acetabular_centre")
        if head is not None:
            heads.append(head.point_mm)
            wanted.append((f"{hip.side.value} head centre".capitalize(), "axial", head.point_mm))
    for row in study.measurements:
        if row.name.startswith("ischiofemoral_space") and row.points_mm is not None and row.side is not None:
            wanted.append((f"{row.side.value} gap".capitalize(), "axial", row.points_mm.mean(axis=0)))
    for hip in study.pelvis.hips:
        tip = hip.landmarks.get("lesser_trochanter_tip")
        if tip is not None:
            wanted.append((f"{hip.side.value} lesser trochanter".capitalize(), "axial", tip.point_mm))
    for bone in study.bones:
        if bone.name == "sacrum":
            wanted.append(("Sacrum", "axial", bone.vertices_mm.mean(axis=0)))
    if heads:
        wanted.append(("Head centres", "coronal", np.mean(heads, axis=0)))
    spine = [bone.vertices_mm.mean(axis=0) for bone in study.bones if bone.name in VERTEBRAE]
    if spine:
        wanted.append(("Lumbar vertebrae", "coronal", np.mean(spine, axis=0)))
    if not wanted:
        wanted = [("Middle of the bones", "axial", (_extent(study, scan)[0] + _extent(study, scan)[1]) / 2)]
    low, high = _extent(study, scan)
    kept: list[tuple[str, str, Array]] = []
    for title, plane, point in wanted:
        axis = 2 if plane == "axial" else 1
        if not low[axis] <= point[axis] <= high[axis]:
            continue  # a centre that lies beyond the scan's end
        same = [n for n, one in enumerate(kept) if one[1] == plane and abs(one[2][axis] - point[axis]) < 3.0]
        if same:
            other = kept[same[0]]
            kept[same[0]] = (f"{other[0]}, {title[0].lower()}{title[1:]}", plane, other[2])
        else:
            kept.append((title, plane, point))
    return kept


def _extent(study: Study, scan: Volume) -> tuple[Array, Array]:
    """Corners of the box around the bones, within the scan."""
    points = np.concatenate([bone.vertices_mm for bone in study.bones])
    size = np.array(scan.values.shape) - 1
    corners = np.array([[i, j, k] for i in (0, size[0]) for j in (0, size[1]) for k in (0, size[2])])
    of_scan = corners @ scan.patient_from_voxel[:3, :3].T + scan.patient_from_voxel[:3, 3]
    low = np.maximum(points.min(axis=0) - _MARGIN_MM, of_scan.min(axis=0))
    high = np.minimum(points.max(axis=0) + _MARGIN_MM, of_scan.max(axis=0))
    return low, np.maximum(high, low + 10.0)


def _camera(axes: Array, point: Array, low: Array, high: Array) -> Camera:
    """A camera that sees the box in the plane through a point."""
    centre = (low + high) / 2
    size = np.abs(axes @ (high - low))
    centre = centre + axes[2] * (axes[2] @ (point - centre))
    mm_per_px = max(float(size[:2].max()) / _LARGEST_PX, _FINEST_MM)
    width, height = (max(round(float(length) / mm_per_px), 16) for length in size[:2])
    return Camera(centre, axes[0], axes[1], axes[2], width, height, mm_per_px)


def _window(scan: Volume) -> tuple[float, float]:
    """Values that are drawn black and white."""
    if scan.unit == "HU":
        return _WINDOW_HU
    sample = scan.values[tuple(slice(None, None, max(1, size // 64)) for size in scan.values.shape)]
    low, high = (float(value) for value in np.percentile(sample, (1.0, 99.5)))
    return low, max(high, low + 1e-6)


def _grey(scan: Volume, camera: Camera, window: tuple[float, float]) -> NDArray[np.uint8]:
    """The section as grey pixels; black where there is no scan."""
    values = sampled(scan, _places(camera), order=1)
    share = np.clip((values - window[0]) / (window[1] - window[0]), 0.0, 1.0)
    grey = np.round(255 * np.nan_to_num(share)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _places(camera: Camera) -> Array:
    """Middles of the camera's pixels, shape (height, width, 3), mm."""
    columns = (np.arange(camera.width_px) + 0.5 - camera.width_px / 2) * camera.mm_per_px
    rows = (camera.height_px / 2 - np.arange(camera.height_px) - 0.5) * camera.mm_per_px
    out: Array = (
        camera.centre_mm
        + columns[None, :, None] * camera.right[None, None, :]
        + rows[:, None, None] * camera.up[None, None, :]
    )
    return out


def _tinted(pixels: NDArray[np.uint8], exclude: Excluded, camera: Camera) -> tuple[NDArray[np.uint8], bool]:
    """Pixels with the excluded voxels tinted, and whether there are any."""
    marked = marked_at(exclude.mask, _places(camera))
    out = pixels.copy()
    mixed = (1.0 - _TINT) * pixels[marked] + _TINT * np.array(_EXCLUDED_RGB)
    out[marked] = np.round(mixed).astype(np.uint8)
    return out, bool(marked.any())


def _outlines(root: Any, bones: tuple[Bone, ...], camera: Camera) -> tuple[tuple[str, str], ...]:
    """Draw the section of every bone; which were drawn, with their colours."""
    drawn = []
    for bone in bones:
        segments, _ = section(bone.vertices_mm, bone.faces, camera.centre_mm, camera.toward)
        if not len(segments):
            continue
        ends = camera.project(segments)[..., :2]
        path = "".join(f"M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}" for a, b in ends.tolist())
        colour = COLOURS.get(bone.label, "#ffffff")
        SubElement(
            root,
            "path",
            {"d": path, "fill": "none", "stroke": colour, "stroke-width": "1.8", "stroke-linecap": "round"},
        )
        drawn.append((bone.label.replace("_", " "), colour))
    return tuple(drawn)

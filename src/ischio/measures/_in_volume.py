"""The published case's femoral antetorsion from the slices of a label map, without a surface between."""

from __future__ import annotations

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.measures._femur import head_radius, neck_in, unit
from ischio.measures._registry import Reading
from ischio.measures.femoral_version_index_case import in_slices, straight_neck
from ischio.types import Hip, Volume

_AXIAL_COSINE = float(np.cos(np.radians(5.0)))  # slices leaning more than that are not axial
_KNEE_MM = 40.0  # the condyles' slice is looked for this far about the knee's centre


class _Slices:
    """Slices of one label, in the patient frame."""

    def __init__(self, labels: Volume, label: int) -> None:
        self.mask = np.asarray(labels.values == label)
        self.patient_from_voxel = labels.patient_from_voxel
        columns = labels.patient_from_voxel[:3, :3]
        axis = int(np.argmax(np.abs(columns[2]) / np.linalg.norm(columns, axis=0)))
        along = unit(columns[:, axis])
        if abs(along[2]) < _AXIAL_COSINE:
            raise CannotMeasure("the slices of the volume are not axial")
        self.axis = axis
        self.thickness_mm = float(np.linalg.norm(columns[:, axis]))
        rest = [k for k in range(3) if k != axis]
        normal = np.cross(columns[:, rest[0]], columns[:, rest[1]])
        self.up = unit(normal) * np.sign(normal[2])
        place = np.zeros((self.mask.shape[axis], 3))
        place[:, axis] = np.arange(len(place))
        self.levels = (place @ columns.T + labels.patient_from_voxel[:3, 3]) @ self.up

    def outline(self, index: int) -> Array:
        """Outlines of a slice half-way between voxels, shape (N, 2, 3), mm."""
        from skimage.measure import find_contours

        flat = np.pad(np.take(self.mask, index, axis=self.axis).astype(np.float64), 1)
        lines: list[Array] = find_contours(flat, 0.5)  # type: ignore[no-untyped-call]
        if not lines:
            raise CannotMeasure("the label does not reach the slice")
        out = []
        for line in lines:
            voxel = np.insert(line - 1, self.axis, index, axis=1)
            points = voxel @ self.patient_from_voxel[:3, :3].T + self.patient_from_voxel[:3, 3]
            out.append(np.stack([points[:-1], points[1:]], axis=1))
        return np.concatenate(out)

    def area(self, index: int) -> int:
        """Voxels in a slice."""
        return int(np.take(self.mask, index, axis=self.axis).sum())


def index_case_in_volume(hip: Hip, labels: Volume, label: int) -> Reading:
    """Femoral antetorsion as in the published case, from the slices of a label map.

    Parameters
    ----------
    hip : Hip
        Of the same scan: gives the head's sphere, the isthmus of the neck, and where the knee is.
    labels : Volume
        Axial slices.
    label : int
        Of the femur.

    Returns
    -------
    Reading
        Degrees, positive when the neck points forwards. Sigma is left open: it is that of the bones'
        measure with half a voxel added.

    Raises
    ------
    CannotMeasure
        If the slices are not axial, or a slice that is needed does not show the femur.

    Notes
    -----
    The head's centre is laid onto the first slice all of which lies below the head; the neck's point is
    the middle between its cortices there, found as in ``femoral_version_index_case``. The condyles' line
    touches the hindmost points of both condyles in the slice in which the bone is largest at the knee.
    """
    slices = _Slices(labels, label)
    head, isthmus, knee = (
        hip.point(name) for name in ("femoral_head_centre", "neck_isthmus_centre", "knee_centre")
    )
    radius, sign, up = head_radius(hip), hip.side.sign, slices.up
    below = slices.levels <= head @ up - radius - slices.thickness_mm / 2
    if not below.any():
        raise CannotMeasure("no slice lies below the femoral head")
    index = int(np.flatnonzero(below)[slices.levels[below].argmax()])
    towards = isthmus - head
    towards = towards - (towards @ up) * up
    along = unit(towards)
    across = sign * np.cross(up, along)
    level = float(slices.levels[index] - head @ up)
    at_isthmus = int(np.abs(slices.levels - isthmus @ up).argmin())
    reach = float(np.linalg.norm(towards))
    lines = slices.outline(index) - head
    isthmus_neck = neck_in(slices.outline(at_isthmus) - head, along, across, reach, radius, partial=True)
    found = straight_neck(
        lambda place: neck_in(lines, along, across, place, radius, partial=False), isthmus_neck, radius
    )
    neck = head + found.along_mm.mean() * along + found.middle_mm.mean() * across + level * up
    near = np.flatnonzero(np.abs(slices.levels - knee @ up) < _KNEE_MM)
    if len(near) == 0 or max(slices.area(int(k)) for k in near) == 0:
        raise CannotMeasure("no slice passes the condyles")
    at_knee = max((int(k) for k in near), key=slices.area)
    right, forward = np.array([-1.0, 0, 0]), np.array([0.0, -1, 0])  # of the image: patient LPS
    condyles = _hindmost(slices.outline(at_knee).reshape(-1, 3), knee, sign * right, forward)
    value = in_slices(head, neck, condyles, right, forward, sign)
    return Reading(
        value,
        points_mm=np.stack([head, neck, *condyles]),
        posture=hip.posture,
        detail={"plane": "axial slices of the volume", "slice_mm": slices.thickness_mm, "level_mm": level},
    )


def _hindmost(points: Array, knee: Array, lateral: Array, forward: Array) -> tuple[Array, Array]:
    """Hindmost point of the lateral and of the medial half."""
    out = []
    for half in (1.0, -1.0):
        side = points[half * ((points - knee) @ lateral) > 0]
        if len(side) == 0:
            raise CannotMeasure("a condyle is missing in the slice through the knee")
        out.append(side[int((side @ forward).argmin())])
    return out[0], out[1]

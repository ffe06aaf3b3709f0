"""Every shared frozen type: sides, frames, poses, bones, landmarks, regions, results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure, FrameMismatch, complaint, frozen, frozen_indices, one_of

FRAME_KINDS = ("image", "patient", "pelvis_isb", "pelvis_app", "femur")
PELVIC_ZEROS = ("isb", "app", "standing", "table")
ROTATION_ZEROS = ("tea", "pca")
POSE_SET_KINDS = ("grid", "path", "list")
VERTEBRAE = ("vertebra_L5", "vertebra_L4", "vertebra_L3", "vertebra_L2", "vertebra_L1")
BONE_NAMES = ("femur", "hip_bone", "pelvis", "sacrum", "tibia", "fibula", "patella", *VERTEBRAE)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Side(Enum):
    """Side of the body. Midline things carry ``None``, written ``"none"`` in JSON."""

    RIGHT = "right"
    LEFT = "left"

    @property
    def sign(self) -> int:
        """+1 on the right, -1 on the left: the patient's right is +Z in ISB axes."""
        return 1 if self is Side.RIGHT else -1

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.LEFT if self is Side.RIGHT else Side.RIGHT


def side_word(side: Side | None) -> str:
    """Word for a side in results: "left", "right" or "none"."""
    return "none" if side is None else side.value


@dataclass(frozen=True, slots=True)
class Frame:
    """A coordinate frame: what kind, of which scan, of which side.

    Parameters
    ----------
    kind : str
        One of ``FRAME_KINDS``. ``patient`` is DICOM LPS in mm; bone frames have ISB axes
        (X forward, Y up, Z to the patient's right on both sides).
    uid : str
        Names the scan; equal kind and other uid is another frame.
    side : Side or None
        Side for frames that belong to one hip.
    """

    kind: str
    uid: str
    side: Side | None = None

    def __post_init__(self) -> None:
        one_of(self.kind, FRAME_KINDS, "Frame.kind")


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """Rigid motion, named ``target_from_source`` and read from right to left.

    Parameters
    ----------
    target, source : Frame
    matrix : array of shape (4, 4), mm
        Homogeneous matrix; the rotation must be proper and orthonormal.
    turn_sigma_deg : tuple of three floats or None
        Standard deviations of small turns of the target about its own axes, where they are known.
    """

    target: Frame
    source: Frame
    matrix: Array
    turn_sigma_deg: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        matrix = frozen(self.matrix, (4, 4), "Transform.matrix")
        rotation = matrix[:3, :3]
        if (
            np.abs(rotation @ rotation.T - np.eye(3)).max()
            > 1e-6  # far above float noise, far below 1e-4 deg
            or np.linalg.det(rotation) < 0
            or not np.array_equal(matrix[3], [0, 0, 0, 1])
        ):
            raise ValueError(
                complaint(
                    "Transform.matrix", matrix.tolist(), "a proper rigid 4 x 4", "Do not scale or mirror."
                )
            )
        object.__setattr__(self, "matrix", matrix)

    def __matmul__(self, other: Transform) -> Transform:
        if self.source != other.target:
            raise FrameMismatch(
                complaint(
                    "Transform @ Transform",
                    f"{self.source} after {other.target}",
                    "the inner frames to be the same frame of the same scan",
                    "Register the two scans, or invert one of the transforms.",
                )
            )
        # The target's own uncertainty stays with it; that of the inner frame is not the target's.
        return Transform(self.target, other.source, self.matrix @ other.matrix, self.turn_sigma_deg)

    def inverse(self) -> Transform:
        """The motion from target back to source."""
        rotation, offset = self.matrix[:3, :3], self.matrix[:3, 3]
        matrix = np.eye(4)
        matrix[:3, :3] = rotation.T
        matrix[:3, 3] = -rotation.T @ offset
        return Transform(self.source, self.target, matrix)

    def apply(self, points_mm: Array) -> Array:
        """Move points of shape (..., 3), mm, from source to target."""
        return np.asarray(points_mm, dtype=np.float64) @ self.matrix[:3, :3].T + self.matrix[:3, 3]


@dataclass(frozen=True, slots=True)
class Pose:
    """Clinical hip angles; positive flexion, adduction and internal rotation on both sides.

    Extension is negative flexion. A pose means nothing without its zeros.
    """

    flexion_deg: float
    adduction_deg: float
    internal_rotation_deg: float
    pelvic_zero: str
    rotation_zero: str

    def __post_init__(self) -> None:
        one_of(self.pelvic_zero, PELVIC_ZEROS, "Pose.pelvic_zero")
        one_of(self.rotation_zero, ROTATION_ZEROS, "Pose.rotation_zero")


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A scan or a label map.

    Parameters
    ----------
    values : array of shape (I, J, K)
        Kept in its own dtype as a read-only view.
    patient_from_voxel : array of shape (4, 4), mm
        Maps voxel indices (centres at whole numbers) to patient LPS.
    frame : Frame
        Frame of the target, kind ``patient``.
    modality : str
        "CT", "MR" or "labels".
    unit : str
        "HU" or "1".
    source : str
        Where it came from, without identity.
    names : mapping of int to str
        For label maps: name of each label.
    """

    values: NDArray[Any]
    patient_from_voxel: Array
    frame: Frame
    modality: str
    unit: str
    source: str
    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of(self.unit, ("HU", "1"), "Volume.unit")
        if self.values.ndim != 3:
            raise ValueError(
                complaint("Volume.values", f"{self.values.ndim} axes", "3 axes", "Pass one 3-D volume.")
            )
        view = self.values.view()
        view.setflags(write=False)
        object.__setattr__(self, "values", view)
        object.__setattr__(
            self, "patient_from_voxel", frozen(self.patient_from_voxel, (4, 4), "Volume.patient_from_voxel")
        )
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))


@dataclass(frozen=True, slots=True, eq=False)
class Bone:
    """A bone's surface.

    Parameters
    ----------
    name : str
        One of ``BONE_NAMES``; "pelvis" is both hip bones in one surface, with or without sacrum.
    side : Side or None
        ``None`` for pelvis, sacrum and vertebrae.
    vertices_mm : array of shape (V, 3), mm, in ``frame``
    faces : int array of shape (F, 3)
        Counter-clockwise seen from outside.
    frame : Frame
    edge_mm : float
        Median edge length: the scale below which the surface says nothing.
    source : str
        File name or generator, without identity.
    repairs : tuple of str
        What was done to the surface after it was read, in words.
    moved_mm : float
        How far the surface is off on average, as far as its making tells: smoothing moved it, ischio drew it
        in a CT, or a model was fitted; 0 where it was left as it was given.
    scan_ends : array of shape (K, 4)
        Planes where the scan cuts the bone, as outward unit normal and its product with a point of the plane,
        mm; the surface is closed there with a flat face, which is no bone.
    """

    name: str
    side: Side | None
    vertices_mm: Array
    faces: NDArray[np.int64]
    frame: Frame
    edge_mm: float
    source: str
    repairs: tuple[str, ...] = ()
    moved_mm: float = 0.0
    scan_ends: Array = field(default_factory=lambda: np.zeros((0, 4)))
    _derived: dict[str, Array] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        one_of(self.name, BONE_NAMES, "Bone.name")
        where = f"{self.label} ({self.source})"
        object.__setattr__(self, "vertices_mm", frozen(self.vertices_mm, (None, 3), where))
        object.__setattr__(self, "faces", frozen_indices(self.faces, (None, 3), where))
        object.__setattr__(self, "scan_ends", frozen(self.scan_ends, (None, 4), where))
        if len(self.faces) == 0 or int(self.faces.max()) >= len(self.vertices_mm):
            raise ValueError(
                complaint(
                    where,
                    f"{len(self.faces)} faces over {len(self.vertices_mm)} vertices",
                    "faces that index the vertices",
                    "Export the surface again.",
                )
            )

    @property
    def label(self) -> str:
        """Side and name in words, for messages and captions."""
        return self.name if self.side is None else f"{self.side.value} {self.name}"

    @property
    def triangles_mm(self) -> Array:
        """Corners of every face, shape (F, 3, 3), mm."""
        return self._once("triangles_mm", lambda: self.vertices_mm[self.faces])

    @property
    def middles_mm(self) -> Array:
        """Middle of every face, shape (F, 3), mm."""
        corners = self.triangles_mm
        return self._once("middles_mm", lambda: (corners[:, 0] + corners[:, 1] + corners[:, 2]) / 3)

    def _once(self, name: str, compute: Callable[[], Array]) -> Array:
        """What most of the work asks for is computed when first asked for, and kept."""
        if name not in self._derived:
            found = compute()
            found.setflags(write=False)
            self._derived[name] = found
        return self._derived[name]


@dataclass(frozen=True, slots=True, eq=False)
class Landmark:
    """A named point with its uncertainty.

    Parameters
    ----------
    name : str
        Anatomy's word, for example "lesser_trochanter_tip".
    side : Side or None
    point_mm : array of shape (3,), mm, in ``frame``
    frame : Frame
    sigma_mm : float
        Standard deviation of the 3-D position error (root of the mean squared distance).
    method : str
        ``method@version``, or the reader.
    detail : mapping
        Figures that belong to the point, for example the head radius.
    """

    name: str
    side: Side | None
    point_mm: Array
    frame: Frame
    sigma_mm: float
    method: str
    detail: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        object.__setattr__(self, "point_mm", frozen(self.point_mm, (3,), f"landmark {self.name}"))
        object.__setattr__(self, "detail", MappingProxyType(dict(self.detail)))


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A named set of faces of one bone.

    Parameters
    ----------
    name : str
        For example "lesser_trochanter" or "ischium".
    side : Side or None
    bone : str
        Name of the bone whose ``faces`` are indexed.
    face_indices : int array of shape (N,)
        Sorted, without repeats.
    area_mm2 : float
    method : str
        ``method@version``.
    sub_parts : tuple of str
        Empty, or one sub-part name per face in ``face_indices``.
    detail : mapping
        Figures of the rule that made the region.
    missing_mm : array of shape (M, 3), mm
        Where the laid shape model has more of it, beyond where the bone is cut; none on a whole bone.
    """

    name: str
    side: Side | None
    bone: str
    face_indices: NDArray[np.int64]
    area_mm2: float
    method: str
    sub_parts: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    missing_mm: Array = field(default_factory=lambda: np.zeros((0, 3)))

    def __post_init__(self) -> None:
        indices = frozen_indices(self.face_indices, (None,), f"region {self.name}")
        if len(indices) == 0 or (np.diff(indices) <= 0).any():
            raise ValueError(
                complaint(
                    f"region {self.name}", "no faces, or unsorted ones", "sorted faces", "Use numpy.unique."
                )
            )
        if self.sub_parts and len(self.sub_parts) != len(indices):
            raise ValueError(
                complaint(
                    f"region {self.name}",
                    f"{len(self.sub_parts)} sub-parts",
                    f"{len(indices)}",
                    "One per face.",
                )
            )
        object.__setattr__(self, "face_indices", indices)
        object.__setattr__(self, "detail", MappingProxyType(dict(self.detail)))
        object.__setattr__(self, "missing_mm", frozen(self.missing_mm, (None, 3), f"region {self.name}"))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A named line on a bone, as close points in order.

    Parameters
    ----------
    name : str
        For example "acetabular_rim".
    side : Side or None
    points_mm : array of shape (N, 3), mm, in ``frame``
        At least three, none of them twice in a row; the first is not repeated at the end of a closed line.
    closed : bool
        Whether the last point is joined to the first.
    frame : Frame
    sigma_mm : float
        Standard deviation of the line's position across itself.
    method : str
        ``method@version``.
    detail : mapping
        Figures that belong to the line.
    """

    name: str
    side: Side | None
    points_mm: Array
    closed: bool
    frame: Frame
    sigma_mm: float
    method: str
    detail: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        points = frozen(self.points_mm, (None, 3), f"curve {self.name}")
        following = np.roll(points, -1, axis=0) if self.closed else points[1:]
        steps = np.linalg.norm(following - points[: len(following)], axis=1)
        if len(points) < 3 or not steps.all():
            raise ValueError(
                complaint(
                    f"curve {self.name}",
                    f"{len(points)} points, {int((steps == 0).sum())} of them twice in a row",
                    "at least 3 points, each apart from the next",
                    "Resample the line.",
                )
            )
        object.__setattr__(self, "points_mm", points)
        object.__setattr__(self, "detail", MappingProxyType(dict(self.detail)))


@dataclass(frozen=True, slots=True)
class Substitute:
    """A frame made from less than its definition asks for; nothing uses it unless it is asked for by name.

    Parameters
    ----------
    frame : Transform
    instead_of : str
        Name of the frame whose place it can take.
    sigma_deg : float
        Root of the mean squared angle between it and that frame, on people who have both.
    method : str
        ``method@version``.
    reason : str
        Why the frame itself is missing.
    """

    frame: Transform
    instead_of: str
    sigma_deg: float
    method: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Hip:
    """One hip: its bones, landmarks, regions, curves, frames and pose as supplied.

    ``None`` stands for what was not supplied or not found; ``reasons`` says why, by name. What
    ``substitutes`` holds is never in ``frames``, and no pose is told in it.
    """

    side: Side
    hip_bone: Bone | None
    femur: Bone | None
    landmarks: Mapping[str, Landmark]
    regions: Mapping[str, Region]
    frames: Mapping[str, Transform]
    poses: tuple[Pose, ...]
    posture: str
    reasons: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    curves: Mapping[str, Curve] = field(default_factory=lambda: _NOTHING)
    substitutes: Mapping[str, Substitute] = field(default_factory=lambda: _NOTHING)
    tibia: Bone | None = None

    def __post_init__(self) -> None:
        for name in ("landmarks", "regions", "frames", "reasons", "curves", "substitutes"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def need(self, name: str) -> None:
        """Raise ``CannotMeasure`` unless this hip has the named landmark, region or bone."""
        if name in self.landmarks or name in self.regions or name in self.curves or name in self.frames:
            return
        if name in ("hip_bone", "femur", "tibia") and getattr(self, name) is not None:
            return
        reason = self.reasons.get(name, "it was not found")
        raise CannotMeasure(f"{self.side.value} {name.replace('_', ' ')} is missing: {reason}")

    def point(self, name: str) -> Array:
        """Position of a landmark, shape (3,), mm, patient frame."""
        self.need(name)
        return self.landmarks[name].point_mm

    def region_triangles(self, name: str) -> Array:
        """Corners of a region's faces, shape (N, 3, 3), mm, patient frame."""
        self.need(name)
        region = self.regions[name]
        bone = self.femur if region.bone == "femur" else self.hip_bone
        assert bone is not None  # a region only exists on a bone that was supplied
        return bone.vertices_mm[bone.faces[region.face_indices]]


@dataclass(frozen=True, slots=True, eq=False)
class Pelvis:
    """Both hips, the sacrum and what lies in the midline."""

    left: Hip | None
    right: Hip | None
    sacrum: Bone | None
    landmarks: Mapping[str, Landmark]
    frames: Mapping[str, Transform]
    reasons: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        for name in ("landmarks", "frames", "reasons"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def hips(self) -> tuple[Hip, ...]:
        """The hips that are there, right first."""
        return tuple(hip for hip in (self.right, self.left) if hip is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """A line drawn in a sketch, with words at its middle.

    Parameters
    ----------
    points_mm : array of shape (N, 3), mm, patient frame
        Two or more points in order; one is a dot.
    words : str
    dashed : bool
        For lines of reference.
    """

    points_mm: Array
    words: str = ""
    dashed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "points_mm", frozen(self.points_mm, (None, 3), f"stroke {self.words!r}"))


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """How a measurement was taken, as a drawing.

    Parameters
    ----------
    title : str
        The plane or view.
    right, up : arrays of shape (3,)
        Unit vectors of the patient frame along the picture's sides.
    strokes : tuple of Stroke
    outlines : mapping of str to array of shape (N, 2, 3), mm
        Bones cut by the plane, as segments, by the words of the legend.
    shadows : tuple of str
        Bones seen through, as on a radiograph: "femur", "hip_bone", "tibia", of this hip; with
        "pelvis" of both hips and the sacrum.
    clock : mapping of str to float
        Values by hour, for a dial instead of a view; the rest is then empty.
    """

    title: str
    right: Array
    up: Array
    strokes: tuple[Stroke, ...] = ()
    outlines: Mapping[str, Array] = field(default_factory=lambda: _NOTHING)
    shadows: tuple[str, ...] = ()
    clock: Mapping[str, float] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """One value with everything needed to believe or doubt it; ``None`` comes with a reason.

    ``comparisons`` are rows of published bands beside the value, as plain values; ``sketch`` is how it
    was taken.
    """

    name: str
    side: Side | None
    value: float | None
    unit: str
    sigma: float | None
    method: str
    definition: str
    posture: str | None
    reference: str
    evidence: str
    points_mm: Array | None
    reason: str | None
    detail: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    comparisons: tuple[Mapping[str, Any], ...] = ()
    sketch: Sketch | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(
                complaint(
                    f"measurement {self.name}",
                    f"value {self.value} with reason {self.reason!r}",
                    "a value, or None and a reason",
                    "Give exactly one of the two.",
                )
            )
        if self.points_mm is not None:
            object.__setattr__(self, "points_mm", frozen(self.points_mm, (None, 3), self.name))
        object.__setattr__(self, "detail", MappingProxyType(dict(self.detail)))


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """All results of one person.

    ``warnings`` are findings that do not void a number but that its reader must see; ``record`` is the
    clinical record and what follows from it, as plain values; ``quality`` is what quality control found,
    each with the measures it voids or puts in doubt; ``motion`` is what the hips do in motion
    (``examinations``, ``limits``, ``gait`` and ``spine``), ``planning`` what resections were planned
    (``plans`` and ``planning``), as plain values.
    """

    case_id: str
    pelvis: Pelvis
    bones: tuple[Bone, ...]
    measurements: tuple[Measurement, ...]
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    record: Mapping[str, Any] | None = None
    quality: tuple[Mapping[str, Any], ...] = ()
    motion: Mapping[str, Any] | None = None
    planning: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        for name in ("record", "motion", "planning"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


POSE_LIMITS_DEG = {
    "flexion_deg": (-60.0, 150.0),
    "adduction_deg": (-80.0, 60.0),
    "internal_rotation_deg": (-100.0, 100.0),
}
"""Beyond what any hip can do: an angle outside is taken for an error of sign, unit or column."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseSet:
    """Poses to compute, all in one pair of zeros.

    Parameters
    ----------
    name : str
    angles_deg : array of shape (P, 3)
        Flexion, adduction and internal rotation, with clinical signs on both sides.
    pelvic_zero, rotation_zero : str
        One of ``PELVIC_ZEROS`` and one of ``ROTATION_ZEROS``.
    kind : str
        "grid" (first angle slowest), "path" (neighbours follow each other) or "list".
    shape : tuple of int
        Numbers of steps of a grid along the three angles; empty for the other kinds.
    """

    name: str
    angles_deg: Array
    pelvic_zero: str = "isb"
    rotation_zero: str = "tea"
    kind: str = "list"
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        where = f"poses {self.name}"
        one_of(self.pelvic_zero, PELVIC_ZEROS, f"{where}: pelvic_zero")
        one_of(self.rotation_zero, ROTATION_ZEROS, f"{where}: rotation_zero")
        one_of(self.kind, POSE_SET_KINDS, f"{where}: kind")
        angles = frozen(self.angles_deg, (None, 3), where)
        if len(angles) == 0:
            raise ValueError(complaint(where, "no pose", "at least one", "Give a row of three angles."))
        for column, (name, (low, high)) in enumerate(POSE_LIMITS_DEG.items()):
            beyond = (angles[:, column] < low) | (angles[:, column] > high)
            if beyond.any():
                row = int(np.argmax(beyond))
                raise ValueError(
                    complaint(
                        f"{where}, row {row + 1}",
                        f"{name} {angles[row, column]:g}",
                        f"{low:g} to {high:g} degrees",
                        "Check sign, unit and column.",
                    )
                )
        if (self.kind == "grid") != bool(self.shape) or (self.shape and np.prod(self.shape) != len(angles)):
            raise ValueError(
                complaint(where, f"{self.kind} of shape {self.shape}", "a shape that fits", "Use pose_grid.")
            )
        object.__setattr__(self, "angles_deg", angles)

    def __len__(self) -> int:
        """Number of poses."""
        return len(self.angles_deg)


@dataclass(frozen=True, slots=True, eq=False)
class Clearance:
    """The gap of one pair of regions over a set of poses.

    Parameters
    ----------
    side : Side
    pair : (str, str)
        Region that moves, on the femur, and region that stays, on the hip bone.
    poses : PoseSet
    gap_mm : array of shape (P,), mm
        Shortest distance of the two surfaces. 0: they touch. Negative: minus the largest distance to
        the fixed region from a sample of the moving region (its corners, and points between distant
        ones) that lies inside the fixed bone, behind the region's surface (not nearest to its border).
    on_femur_mm, on_hip_bone_mm : arrays of shape (P, 3), mm, patient frame
        The two points, with the pelvis as supplied and the femur in the pose. Their distance is
        ``abs(gap_mm)``.
    sub_part : int array of shape (P,)
        Row of ``sub_parts`` that the point on the hip bone lies in.
    sub_parts : tuple of str
        Names of the parts of the fixed region; its own name where it has none.
    joint : str
        How the joint was moved, in words.
    error_mm : array of shape (P,), mm
        Error of the solver: the true gap of these triangles is not larger than ``gap_mm`` and
        smaller by at most this; a depth may be off by this either way.
    """

    side: Side
    pair: tuple[str, str]
    poses: PoseSet
    gap_mm: Array
    on_femur_mm: Array
    on_hip_bone_mm: Array
    sub_part: NDArray[np.int64]
    sub_parts: tuple[str, ...]
    joint: str
    error_mm: Array

    def __post_init__(self) -> None:
        n, where = len(self.poses), f"clearance {':'.join(self.pair)}"
        shapes = {"gap_mm": (n,), "error_mm": (n,), "on_femur_mm": (n, 3), "on_hip_bone_mm": (n, 3)}
        for name, shape in shapes.items():
            object.__setattr__(self, name, frozen(getattr(self, name), shape, f"{where}: {name}"))
        object.__setattr__(self, "sub_part", frozen_indices(self.sub_part, (n,), f"{where}: sub_part"))

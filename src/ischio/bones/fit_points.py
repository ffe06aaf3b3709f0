"""Bones of an MR: the shape model laid by a few marked points, then on the edges that the scan shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.atlas.model import BoneModel, similarity, vertex_areas, vertex_normals
from ischio.atlas.parts import part_model, pelvis_parts, socket_of
from ischio.atlas.template import femur_template, pelvis_template
from ischio.bones.refine import sampled
from ischio.bones.topology import find_edges
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.io.markups import MarkedPoint
from ischio.types import Bone, Frame, Side, Volume

Progress = Callable[[str, float], None]

MIN_POINTS = 4  # of a bone: place, direction and size are seven figures
READ_SIGMA_MM = 2.0  # of a reader who states none, 3-D
MOST_OFF_MM = 15.0  # from where the model has a point: two labels exchanged, or the other side's bone
MOST_SIGMA_MM = 4.0  # of a surface: more says nothing of a gap
_FAR_MM = 10.0  # from the fit: a point that is named
_PLACED_MM = 4.0  # 3-D, how far a landmark of a person lies from the model's own
_CENTRE_MM = 1.0  # the same of a sphere's centre, which has no other definition
_SCALE_SIGMA = 0.1  # of adults
_NOISE_MM = 1.5  # how far a bone strays from the model's best shape
# What neither the fit nor its edges tell: near the gap, surfaces of three people whom the model does not know
# lay 1.9 mm (root mean square) from the truth, in made scans with slices of 3 and 6 mm.
_STRANGER_MM = 1.7
# Neighbouring points err alike, and fat looks like bone in water images: a whole surface counts as this many.
_INDEPENDENT = 80.0
_ROUNDS = ((0.0, 6, 6), (8.0, 4, 4), (6.0, 8, 4), (5.0, 16, 5), (4.0, 25, 6))  # reach, modes, repeats
_STEP_MM, _HALF_MM = 0.5, 1.5  # of samples along a normal; half the width over which a rise is taken
_LEAST_RISE, _FULL_RISE = 0.08, 0.3  # of the scan's range of values
_NEAR_MM = 3.0  # an edge this near is where the surface says
_FRAME = Frame("patient", "as_supplied")
_CENTRES = {"femoral_head_centre": "femur", "acetabular_centre": "hip_bone"}


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """Marked points of one bone: places on the model's mean, how each mode moves them, and where they are."""

    names: tuple[str, ...]
    mean_mm: Array
    modes_mm: Array
    at_mm: Array
    sigma_mm: Array


@dataclass(slots=True)
class _Fit:
    """Size, direction, place and shape of the model, and how certain they are."""

    model: BoneModel
    scale: float
    rotation: Array
    offset: Array
    shape: Array
    spread: Array = field(default_factory=lambda: np.zeros((0, 0)))  # covariance of the last step
    columns: Array = field(default_factory=lambda: np.zeros((0, 0)))  # moves along normals by each figure

    def placed(self, local_mm: Array) -> Array:
        """Places of the model in the scan."""
        out: Array = self.scale * local_mm @ self.rotation.T + self.offset
        return out

    @property
    def points_mm(self) -> Array:
        """All vertices in the scan."""
        return self.placed(self.model.shape(self.shape))


def fit_bones(
    marked: Sequence[MarkedPoint], scan: Volume, *, progress: Progress | None = None
) -> tuple[tuple[Bone, ...], tuple[str, ...]]:
    """Lay the shape model's femora and hip bones in a scan by a few marked points and what the scan shows.

    Parameters
    ----------
    marked : sequence of MarkedPoint
        At least four on a bone that is wanted.
    scan : Volume
        Any contrast in which the cortex is darker than what lies on it, as in T1, T2 and water images.
    progress : callable of (str, float), optional

    Returns
    -------
    bones : tuple of Bone
        Cut where the scan ends; ``moved_mm`` is the surface's sigma, which goes into every measure's.
    notes : tuple of str
        Points that no bone uses, and bones that have too few or too uncertain ones.

    Raises
    ------
    InputError
        If no bone can be laid, or a point contradicts the others.

    Notes
    -----
    Each round looks along the normals for rises of the signal to the outside and solves for place, direction,
    size and modes together; the marked points hold, within their sigma, in every round. Chemical shift
    moves edges of fat by a pixel or two along the read-out direction: sigma holds the scatter of the edges,
    not a shift that all share.
    """
    bones, notes = [], []
    keys = [(name, side) for name in ("femur", "hip_bone") for side in Side]
    for n, (name, side) in enumerate(keys):
        if progress is not None:
            progress(f"laying the {side.value} {name.replace('_', ' ')}", n / len(keys))
        own = [one for one in marked if LANDMARK_BONES[one.name] == name and one.side is side]
        if not own:
            continue
        marks, unused = _marks(name, side, own)
        said = f"{side.value} {name.replace('_', ' ')}"
        if unused:
            notes.append(f"{said}: not used for the fit: {', '.join(unused)}")
        if len(marks.names) < MIN_POINTS:
            notes.append(f"{said}: {len(marks.names)} marked point(s), of which a fit takes {MIN_POINTS}")
            continue
        bone = _bone(name, side, marks, scan)
        if isinstance(bone, str):
            notes.append(f"{said}: {bone}")
        else:
            bones.append(bone)
    if not bones:
        raise InputError(
            complaint(
                "marked points",
                "; ".join(notes) or "none on a femur or hip bone",
                f"{MIN_POINTS} or more on a bone: {', '.join(sorted(usable('femur', Side.LEFT)))}; or "
                f"{', '.join(sorted(usable('hip_bone', Side.LEFT)))}",
                "Mark more in 3D Slicer.",
            )
        )
    return tuple(bones), tuple(notes)


def usable(name: str, side: Side) -> dict[str, int | None]:
    """Points of a bone that can steer its fit, with the model's vertex; None for centres of spheres.

    Parameters
    ----------
    name : str
        "femur" or "hip_bone".
    side : Side
    """
    centres: dict[str, int | None] = {centre: None for centre, bone in _CENTRES.items() if bone == name}
    if name == "femur":
        return centres | dict(femur_template().points)
    vertices = pelvis_parts()["hip_bone", side].vertices
    number = {int(vertex): k for k, vertex in enumerate(vertices)}
    points = pelvis_template(side).points
    return centres | {one: number[vertex] for one, vertex in points.items() if vertex in number}


def _marks(name: str, side: Side, own: Sequence[MarkedPoint]) -> tuple[_Marks, list[str]]:
    """The points that the model knows, and the names of the others."""
    model, known = part_model(name, side), usable(name, side)
    used = [one for one in own if one.name in known]
    mean, modes = [], []
    for one in used:
        vertex = known[one.name]
        if vertex is not None:
            mean.append(model.mean_mm[vertex])
            modes.append(model.modes_mm[:, vertex])
            continue
        centre = socket_of(name, side, model.mean_mm)
        mean.append(centre)
        modes.append(np.stack([socket_of(name, side, model.mean_mm + k) - centre for k in model.modes_mm]))
    placed = [_CENTRE_MM if one.name in _CENTRES else _PLACED_MM for one in used]
    sigma = [
        float(np.hypot(one.sigma_mm or READ_SIGMA_MM, mm)) / np.sqrt(3)
        for one, mm in zip(used, placed, strict=True)
    ]
    found = _Marks(
        tuple(one.name for one in used),
        np.array(mean).reshape(-1, 3),
        np.array(modes).reshape(len(used), -1, 3),
        np.array([one.point_mm for one in used]).reshape(-1, 3),
        np.array(sigma),
    )
    return found, [one.name for one in own if one.name not in known]


def _bone(name: str, side: Side, marks: _Marks, scan: Volume) -> Bone | str:
    """A laid bone, cut to the scan; or why it cannot be laid."""
    model = part_model(name, side)
    start = similarity(marks.mean_mm, marks.at_mm, 1 / marks.sigma_mm**2)
    scale = float(np.clip(start[0], 1 - 2 * _SCALE_SIGMA, 1 + 2 * _SCALE_SIGMA))
    middle = marks.mean_mm.mean(axis=0)
    offset = marks.at_mm.mean(axis=0) - scale * start[1] @ middle
    fit = _Fit(model, scale, start[1], offset, np.zeros(len(model.modes_mm)))
    view = _ranged(scan)
    for reach, n_modes, repeats in _ROUNDS:
        for _ in range(repeats):
            _step(fit, marks, view, reach, n_modes)
        if not reach:
            _check_points(side, fit, marks)
    points = fit.points_mm
    inside = np.isfinite(sampled(scan, points, order=1))
    areas = vertex_areas(points, model.faces)
    away, _ = _edges(points, vertex_normals(points, model.faces), view, 2 * _NEAR_MM)
    near = inside & (np.abs(np.nan_to_num(away, nan=np.inf)) < _NEAR_MM)
    share = float(areas[near].sum() / max(float(areas[inside].sum()), 1e-9))
    faces = model.faces[inside[model.faces].all(axis=1)]
    if len(faces) < 200 or near.sum() < 50:
        return "too little of it in the scan"
    scatter = float(np.sqrt(np.average(away[near] ** 2, weights=areas[near])))
    variance = np.einsum("vi,ij,vj->v", fit.columns, fit.spread, fit.columns)
    certain = float(np.average(variance[inside], weights=areas[inside]))
    off = np.linalg.norm(_places(fit, marks) - marks.at_mm, axis=1)
    usual = float(np.median(off))
    # Where most points and the scan's edges disagree by more than readings do, one of them is wrong.
    unlike = max(usual**2 - 3 * float((marks.sigma_mm**2).mean()), 0.0) / 3
    sigma = float(np.sqrt(certain + scatter**2 + _STRANGER_MM**2 + unlike))
    if sigma > MOST_SIGMA_MM:
        why = f"its surface would be uncertain by {sigma:.1f} mm"
        return f"{why} (marked points {usual:.0f} mm from the fit); look at the points, or mark more"
    kept = np.unique(faces)
    number = np.zeros(len(points), dtype=np.int64)
    number[kept] = np.arange(len(kept))
    faces, points = number[faces], points[kept]
    ends = find_edges(faces).ends
    edge = float(np.median(np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1)))
    said = f"fitted to {len(marks.names)} marked points (middle distance {usual:.1f} mm) and to edges on "
    said += f"{100 * share:.0f} % of the surface in view (scatter {scatter:.1f} mm): sigma {sigma:.1f} mm"
    repairs = [said]
    for k in np.flatnonzero(off > _FAR_MM):
        repairs.append(
            f"marked {marks.names[k].replace('_', ' ')} lies {off[k]:.0f} mm from the fit: look at it"
        )
    if len(kept) < len(inside):
        repairs.append(f"cut by the field of view: {100 * inside.mean():.0f} % of the model's surface kept")
    return Bone(name, side, points, faces, _FRAME, edge, "shape model in the scan", tuple(repairs), sigma)


def _check_points(side: Side, fit: _Fit, marks: _Marks) -> None:
    """Refuse points that contradict each other: then a name or a side is wrong."""
    off = np.linalg.norm(_places(fit, marks) - marks.at_mm, axis=1)
    worst = int(np.argmax(off))
    if off[worst] > MOST_OFF_MM:
        raise InputError(
            complaint(
                f"{side.value} {marks.names[worst]}",
                f"{off[worst]:.0f} mm from where the bone's other points let expect it",
                f"at most {MOST_OFF_MM:g} mm",
                "Check names and sides of the marked points, and the axes of the file.",
            )
        )


def _places(fit: _Fit, marks: _Marks) -> Array:
    """Where the fit has the marked points."""
    return fit.placed(marks.mean_mm + np.einsum("k,pkj->pj", fit.shape, marks.modes_mm))


def _ranged(scan: Volume) -> Volume:
    """The scan with its range of values taken to 0 and 1."""
    low, high = np.percentile(scan.values, (5, 98))
    values = ((scan.values.astype(np.float32) - low) / max(float(high - low), 1e-9)).astype(np.float32)
    return replace(scan, values=values, unit="1", modality="MR")


def _step(fit: _Fit, marks: _Marks, view: Volume, reach: float, n_modes: int) -> None:
    """One solution for all figures together."""
    model = fit.model
    points = fit.points_mm
    normals = vertex_normals(points, model.faces)
    middle = marks.at_mm.mean(axis=0)
    arm = points - middle
    modes = fit.scale * model.modes_mm[:n_modes] @ fit.rotation.T
    fit.columns = np.hstack(
        [
            normals,
            np.cross(arm, normals),
            np.einsum("ij,ij->i", arm, normals)[:, None],
            np.einsum("kvj,vj->vk", modes, normals),
        ]
    )
    n = 7 + n_modes
    prior, wanted = np.zeros(n), np.zeros(n)
    prior[6], wanted[6] = 1 / _SCALE_SIGMA, -np.log(fit.scale) / _SCALE_SIGMA
    prior[7:], wanted[7:] = 1.0, -fit.shape[:n_modes]
    rows, aims = [np.diag(prior)], [wanted]
    places = _places(fit, marks)
    for place, at, sigma, own in zip(places, marks.at_mm, marks.sigma_mm, marks.modes_mm, strict=True):
        row = np.zeros((3, n))
        lever = place - middle
        row[:, :3], row[:, 3:6], row[:, 6] = np.eye(3), -_cross(lever), lever
        row[:, 7:] = (fit.scale * own[:n_modes] @ fit.rotation.T).T
        rows.append(row / sigma)
        aims.append((at - place) / sigma)
    if reach:
        away, rise = _edges(points, normals, view, reach)
        known = np.isfinite(away)
        areas = vertex_areas(points, model.faces)
        weight = np.where(known, areas * np.minimum(rise, _FULL_RISE), 0.0)
        weight = weight / (1.0 + (np.nan_to_num(away) / (0.35 * reach)) ** 2)
        count = _INDEPENDENT * float(areas[known].sum() / areas.sum())
        root = np.sqrt(weight / max(float(weight.sum()), 1e-9) * count) / _NOISE_MM
        rows.append(fit.columns * root[:, None])
        aims.append(np.nan_to_num(away) * root)
    system, aim = np.vstack(rows), np.concatenate(aims)
    curve = np.einsum("ri,rj->ij", system, system)
    fit.spread = np.linalg.inv(curve)
    step = fit.spread @ np.einsum("ri,r->i", system, aim)
    fit.shape[:n_modes] += step[7:]
    turn = _rotation(step[3:6])
    growth = float(np.exp(np.clip(step[6], -0.1, 0.1)))
    fit.offset = middle + step[:3] + growth * turn @ (fit.offset - middle)
    fit.rotation, fit.scale = turn @ fit.rotation, fit.scale * growth


def _edges(points: Array, normals: Array, view: Volume, reach: float) -> tuple[Array, Array]:
    """Way along each normal to the nearest clear rise of the signal (NaN: none), and the rise there."""
    half = max(round(_HALF_MM / _STEP_MM), 1)
    n = int(np.ceil(reach / _STEP_MM))
    at = np.arange(-n, n + 1) * _STEP_MM
    wide = np.arange(-n - half, n + half + 1) * _STEP_MM
    values = sampled(view, points[:, None, :] + wide[None, :, None] * normals[:, None, :], order=1)
    rise = values[:, 2 * half :] - values[:, : -2 * half]
    score = np.where(rise > _LEAST_RISE, np.minimum(rise, _FULL_RISE), 0.0)
    score = np.nan_to_num(score) * np.exp(-0.5 * (at / (0.5 * reach)) ** 2)
    best = np.argmax(score, axis=1)
    rows = np.arange(len(points))
    found: NDArray[np.bool_] = score[rows, best] > 0
    return np.where(found, at[best], np.nan), np.where(found, np.nan_to_num(rise[rows, best]), 0.0)


def _cross(vector: Array) -> Array:
    """Matrix of the cross product with a vector from the left."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _rotation(vector: Array) -> Array:
    """Rotation about a vector by its length in radians."""
    from scipy.spatial.transform import Rotation

    out: Array = Rotation.from_rotvec(vector).as_matrix()
    return out

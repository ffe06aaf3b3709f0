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
from ischio.bones.mr_edges import FULL_WEIGHT, Depths, depths, edges, marrow_of
from ischio.bones.mr_local import moved_locally
from ischio.bones.mr_parts import UNSHOWN_MM, unsure_parts
from ischio.bones.topology import find_edges
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.io.markups import MarkedPoint, SurfacePoint
from ischio.types import Bone, Frame, Side, Volume

Progress = Callable[[str, float], None]

MIN_POINTS = 4  # of a bone: place, direction and size are seven figures
MIN_NAMED, MIN_SURFACE = 3, 3  # as many named points do where there are as many on the surface
_OUTSIDE_MM = 10.0  # of the scan: more is no slip
_JOINT_MM = 2.0  # of the centres of head and socket from each other
READ_SIGMA_MM = 2.0  # of a reader who states none, 3-D
MOST_OFF_MM = 15.0  # from where the model has a point: two labels exchanged, or the other side's bone
MIN_SHARE = 0.42  # of the surface in view that lies on edges; of smooth noise it was 0.35
MOST_APART_MM = 2.0  # edges of neighbours: of noise 3, of bones 0.3 to 1
MOST_SIGMA_MM = 4.0  # of a surface: more says nothing of a gap
_FAR_MM = 10.0  # from the fit: a point that is named
_PLACED_MM = 4.0  # 3-D, how far a landmark of a person lies from the model's own
# The same of points along a ridge or a flat border, which readers of slices put up to 25 mm up or down.
_LOOSE_MM = 9.0
_LOOSE = frozenset({"intertrochanteric_crest_posterior", "ischial_tuberosity_inferior"})
_CENTRE_MM = 1.0  # the same of a sphere's centre, which has no other definition
_SCALE_SIGMA = 0.1  # of adults
_NOISE_MM = 1.5  # how far a bone strays from the model's best shape
# What neither the fit nor its edges tell: near the gap, surfaces of three people whom the model does not know
# lay 1.0 to 2.3 mm (root mean square) from the truth in made T1 scans with slices of 4 mm, and 1.2 to 3.6 mm
# in made water images with slices of 5 mm, which show no edge between bone and fat.
_STRANGER_MM, _STRANGER_DARK_MM = 1.7, 2.5
# Neighbouring points err alike, and fat looks like bone in water images: a whole surface counts as this many.
_INDEPENDENT = 80.0
_FIRST = (0.0, 6, 6)  # without edges: reach, modes, repeats
_TRIED, _TURNS_DEG = (8.0, 4, 5), (0.0, -10.0, 10.0)  # from as many directions: a few points tell them badly
_MOST_OFF = 3.0  # an edge farther away counts as none
_ROUNDS = ((8.0, 4, 2), (6.0, 8, 4), (5.0, 16, 5), (4.0, 25, 6))  # reach, modes, repeats
_NEAR_MM = 3.0  # an edge this near is where the surface says
_TOUCHED_MM = 1.5  # of a point that was marked on the surface, along the normal
_HAND_MM, _HAND_RATIO = 6.0, 2.0  # off this bone, and so much more than off the other side's
_FRAME = Frame("patient", "as_supplied")
_CENTRES = {"femoral_head_centre": "femur", "acetabular_centre": "hip_bone"}


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """Marked points of one bone: places on the model's mean, how each mode moves them, where they are.

    Along each axis, ``sigma_mm`` is that of the name's place on a person, ``read_mm`` that of the reading.
    """

    names: tuple[str, ...]
    mean_mm: Array
    modes_mm: Array
    at_mm: Array
    sigma_mm: Array
    read_mm: Array
    surface_mm: Array

    @property
    def most_off_mm(self) -> Array:
        """How far from the others' fit each may lie; more is a wrong name or side."""
        return np.where(self.is_loose, 2 * MOST_OFF_MM, MOST_OFF_MM)

    @property
    def touching(self) -> tuple[Array, Array]:
        """Points that lie on the surface, named ones, too, and their sigma along its normal."""
        on = np.array([name not in _CENTRES for name in self.names], dtype=bool)
        at = np.concatenate([self.at_mm[on], self.surface_mm])
        return at, np.concatenate([self.read_mm[on], np.full(len(self.surface_mm), _TOUCHED_MM / 2)])

    @property
    def is_loose(self) -> NDArray[np.bool_]:
        """Whether a point lies somewhere along a ridge or a border."""
        return np.array([name in _LOOSE for name in self.names])


@dataclass(slots=True)
class _Fit:
    """Size, direction, place and shape of the model, and how certain they are."""

    model: BoneModel
    depths: Depths
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
    marked: Sequence[MarkedPoint],
    scan: Volume,
    *,
    surface: Sequence[SurfacePoint] = (),
    exclude: Volume | None = None,
    progress: Progress | None = None,
) -> tuple[tuple[Bone, ...], tuple[str, ...]]:
    """Lay the shape model's femora and hip bones in a scan by a few marked points and what the scan shows.

    Parameters
    ----------
    marked : sequence of MarkedPoint
        At least four on a bone that is wanted; three where there are three more on its surface.
    scan : Volume
        Any contrast in which the cortex is darker than what lies on it, as in T1, T2 and water images.
    surface : sequence of SurfacePoint
        Anywhere on a bone's surface.
    exclude : Volume, optional
        Not 0 where the scan is not used, on the scan's grid.
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
        If no bone can be laid, a point lies outside the scan, or one contradicts the others.

    Notes
    -----
    Each round looks along the normals for the bone's surface (``mr_edges``) and solves for place, direction,
    size and modes together; the marked points hold, within their sigma, in every round. Then the surface is
    moved to the edges near it, smoothly, by 1.5 mm or so. Chemical shift moves edges of fat by a pixel or two
    along the read-out direction: sigma holds the scatter of the edges, not a shift that all share.
    """
    _check_places(marked, surface, scan)
    view = _ranged(scan, exclude)
    bones, notes, n_refused = [], [], 0
    pointed = {(LANDMARK_BONES[one.name], one.side) for one in marked}
    pointed |= {(one.bone, one.side) for one in surface}
    keys = [(name, side) for name in ("femur", "hip_bone") for side in Side if (name, side) in pointed]
    for n, (name, side) in enumerate(keys):
        if progress is not None:
            progress(f"laying the {side.value} {name.replace('_', ' ')}", n / len(keys))
        own = [one for one in marked if LANDMARK_BONES[one.name] == name and one.side is side]
        touched = [one for one in surface if (one.bone, one.side) == (name, side)]
        said = f"{side.value} {name.replace('_', ' ')}"
        own, lent = _with_centre(name, side, own, marked)
        marks, unused = _marks(name, side, own, touched)
        if unused:
            notes.append(f"{said}: not used for the fit: {', '.join(unused)}")
        if len(marks.names) < MIN_POINTS and (len(marks.names), len(touched)) < (MIN_NAMED, MIN_SURFACE):
            notes.append(
                f"{said}: {len(marks.names)} marked point(s), of which a fit takes {MIN_POINTS}, or "
                f"{MIN_NAMED} with {MIN_SURFACE} on the surface; it has {len(touched)} of these"
            )
            continue
        bone = _bone(name, side, marks, view)
        if isinstance(bone, str):
            notes.append(f"{said}: {bone}")
            n_refused += 1
        else:
            bones.append(bone)
            notes += [f"{said}: {lent}"] if lent else []
    if n_refused and not bones:
        raise InputError(
            complaint(
                "marked points",
                "; ".join(notes),
                "outlines that lie on edges of the scan",
                "Check places and names of the points in 3D Slicer, and that the scan is an MR of a hip.",
            )
        )
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


def _check_places(marked: Sequence[MarkedPoint], surface: Sequence[SurfacePoint], scan: Volume) -> None:
    """Refuse points outside the scan, and sides that are exchanged."""
    back = np.linalg.inv(scan.patient_from_voxel)
    size = np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0)
    last = np.array(scan.values.shape) - 1.0
    every: list[MarkedPoint | SurfacePoint] = [*marked, *surface]
    for one in every:
        voxel = back[:3, :3] @ one.point_mm + back[:3, 3]
        out = np.maximum(np.maximum(-voxel, voxel - last), 0.0) * size
        if np.linalg.norm(out) > _OUTSIDE_MM:
            raise InputError(
                complaint(
                    one.label,
                    f"a point {np.linalg.norm(out):.0f} mm outside the scan",
                    "points on this scan",
                    "Check that points and scan belong together, and that both were saved in one space.",
                )
            )
    middles = {
        side: np.mean([one.point_mm[0] for one in every if one.side is side])
        for side in Side
        if any(one.side is side for one in every)
    }
    if len(middles) == len(Side) and middles[Side.LEFT] < middles[Side.RIGHT]:
        raise InputError(
            complaint(
                "marked points",
                "those called left on the patient's right",
                "left and right as the scan's header has them",
                "Exchange the sides of the labels: Slicer shows the patient's right on the left.",
            )
        )


def _with_centre(
    name: str, side: Side, own: Sequence[MarkedPoint], marked: Sequence[MarkedPoint]
) -> tuple[list[MarkedPoint], str]:
    """A bone's points and, where its sphere's centre is not marked, that of the joint's other bone."""
    centre = next(one for one, bone in _CENTRES.items() if bone == name)
    if any(one.name == centre for one in own):
        return list(own), ""
    for one in marked:
        if one.side is side and one.name in _CENTRES:
            sigma = float(np.hypot(one.sigma_mm or READ_SIGMA_MM, _JOINT_MM))
            return [*own, replace(one, name=centre, sigma_mm=sigma)], f"{centre} taken from {one.name}"
    return list(own), ""


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


def _marks(
    name: str, side: Side, own: Sequence[MarkedPoint], surface: Sequence[SurfacePoint]
) -> tuple[_Marks, list[str]]:
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
    placed = [
        _CENTRE_MM if one.name in _CENTRES else _LOOSE_MM if one.name in _LOOSE else _PLACED_MM
        for one in used
    ]
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
        np.array([one.sigma_mm or READ_SIGMA_MM for one in used]) / np.sqrt(3),
        np.array([one.point_mm for one in surface]).reshape(-1, 3),
    )
    return found, [one.name for one in own if one.name not in known]


def _bone(name: str, side: Side, marks: _Marks, view: Volume) -> Bone | str:
    """A laid bone, cut to the scan; or why it cannot be laid."""
    fit = _placed(name, side, marks)
    _check_hand(name, side, fit, marks)
    for _ in range(_FIRST[2]):
        _step(fit, marks, view, *_FIRST[:2])
    _check_points(side, fit, marks)
    fit = _best_start(fit, marks, view)
    for reach, n_modes, repeats in _ROUNDS:
        for _ in range(repeats):
            _step(fit, marks, view, reach, n_modes)
    model, shape = fit.model, fit.points_mm
    off = np.linalg.norm(_places(fit, marks) - marks.at_mm, axis=1)

    def find(points: Array, normals: Array, reach: float) -> tuple[Array, Array]:
        marrow = marrow_of(points, normals, fit.depths, view, fit.scale)
        away, weight = edges(points, normals, view, reach, fit.depths, marrow)
        return away, weight / FULL_WEIGHT

    apart = _apart_mm(find(shape, vertex_normals(shape, model.faces), 2 * _NEAR_MM)[0], model.faces)
    if apart > MOST_APART_MM:
        return (
            f"neighbouring places show edges {apart:.1f} mm apart, more than {MOST_APART_MM:g}: "
            "this is no outline of a bone"
        )
    points = moved_locally(shape, model.faces, find, marks.touching)
    away, _ = find(points, vertex_normals(points, model.faces), 2 * _NEAR_MM)
    inside = _in_view(view, points)
    areas = vertex_areas(points, model.faces)
    near = inside & (np.abs(np.nan_to_num(away, nan=np.inf)) < _NEAR_MM)
    share = float(areas[near].sum() / max(float(areas[inside].sum()), 1e-9))
    faces = model.faces[inside[model.faces].all(axis=1)]
    if len(faces) < 200:
        return "too little of it in the scan"
    if share < MIN_SHARE or near.sum() < 50:
        return (
            f"the scan shows an edge on {100 * share:.0f} % of its surface, of which {100 * MIN_SHARE:.0f} % "
            "is the least"
        )
    scatter = float(np.sqrt(np.average(away[near] ** 2, weights=areas[near])))
    variance = np.einsum("vi,ij,vj->v", fit.columns, fit.spread, fit.columns)
    certain = float(np.average(variance[inside], weights=areas[inside]))
    usual = float(np.median(off[~marks.is_loose] if (~marks.is_loose).sum() > 1 else off))
    # Where most points and the scan's edges disagree by more than readings do, one of them is wrong.
    usual_mm2 = 3 * float(np.median(marks.sigma_mm) ** 2)
    unlike = max(usual**2 - usual_mm2, 0.0) / 3
    unshown = (1 - share) * max(UNSHOWN_MM**2 - scatter**2, 0.0)
    marrow = marrow_of(points, vertex_normals(points, model.faces), fit.depths, view, fit.scale)
    stranger = _STRANGER_DARK_MM if marrow is None else _STRANGER_MM
    sigma = float(np.sqrt(certain + scatter**2 + stranger**2 + unlike + unshown))
    if sigma > MOST_SIGMA_MM:
        why = f"its surface would be uncertain by {sigma:.1f} mm"
        return f"{why} (marked points {usual:.0f} mm from the fit); look at the points, or mark more"
    n_touched = len(marks.surface_mm)
    said = f"fitted to {len(marks.names)} marked points (middle distance {usual:.1f} mm)"
    said += f", {n_touched} more on the surface" if n_touched else ""
    said += f" and to edges on {100 * share:.0f} % of the surface in view (scatter {scatter:.1f} mm): "
    repairs = [said + f"sigma {sigma:.1f} mm"]
    if marrow is None:
        repairs[0] += "; marrow is as dark as cortex here, and so is tendon, which may pass for bone"
    for k in np.flatnonzero(off > np.where(marks.is_loose, 2 * _FAR_MM, _FAR_MM)):
        repairs.append(
            f"marked {marks.names[k].replace('_', ' ')} lies {off[k]:.0f} mm from the fit: look at it"
        )
    parts = unsure_parts(name, side, model, points, away, inside, marks.surface_mm, is_dark=marrow is None)
    repairs += [one.repair for one in parts]
    if not inside.all():
        repairs.append(f"cut by the field of view: {100 * inside.mean():.0f} % of the model's surface kept")
    kept = np.unique(faces)
    number = np.zeros(len(points), dtype=np.int64)
    number[kept] = np.arange(len(kept))
    faces, points = number[faces], points[kept]
    ends = find_edges(faces).ends
    edge = float(np.median(np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1)))
    return Bone(name, side, points, faces, _FRAME, edge, "shape model in the scan", tuple(repairs), sigma)


def _apart_mm(away: Array, faces: NDArray[np.int64]) -> float:
    """Middle difference of neighbours' ways to their edges: those of noise have nothing in common."""
    ends = find_edges(faces).ends
    unlike = np.abs(away[ends[:, 0]] - away[ends[:, 1]])
    unlike = unlike[np.isfinite(unlike)]
    return float(np.median(unlike)) if len(unlike) else np.inf


def _placed(name: str, side: Side, marks: _Marks) -> _Fit:
    """The model where the named points have it, in its mean shape."""
    model = part_model(name, side)
    start = similarity(marks.mean_mm, marks.at_mm, 1 / marks.sigma_mm**2)
    scale = float(np.clip(start[0], 1 - 2 * _SCALE_SIGMA, 1 + 2 * _SCALE_SIGMA))
    weights = (1 / marks.sigma_mm**2) / (1 / marks.sigma_mm**2).sum()
    offset = weights @ marks.at_mm - scale * start[1] @ (weights @ marks.mean_mm)
    return _Fit(model, depths(name, side), scale, start[1], offset, np.zeros(len(model.modes_mm)))


def _best_start(fit: _Fit, marks: _Marks, view: Volume) -> _Fit:
    """Of a few directions about the marked points, the one from where points and edges are met best."""
    middle = _places(fit, marks)[0] if marks.names[0] in _CENTRES else marks.at_mm.mean(axis=0)
    found: list[tuple[float, int, _Fit]] = []
    for axis in range(3):
        for degrees in _TURNS_DEG[axis > 0 :]:
            turn = _rotation(np.deg2rad(degrees) * np.eye(3)[axis])
            offset = middle + turn @ (fit.offset - middle)
            one = replace(fit, rotation=turn @ fit.rotation, offset=offset, shape=fit.shape.copy())
            for _ in range(_TRIED[2]):
                _step(one, marks, view, *_TRIED[:2])
            found.append((_cost(one, marks, view), len(found), one))
    return min(found)[2]


def _cost(fit: _Fit, marks: _Marks, view: Volume) -> float:
    """Squares of what points and edges are off, and of the modes."""
    points = fit.points_mm
    normals = vertex_normals(points, fit.model.faces)
    inside = _in_view(view, points)
    marrow = marrow_of(points, normals, fit.depths, view, fit.scale)
    away, _ = edges(points, normals, view, _TRIED[0], fit.depths, marrow)
    off = np.minimum(np.abs(np.nan_to_num(away, nan=np.inf)), _MOST_OFF) / _NOISE_MM
    areas = vertex_areas(points, fit.model.faces)
    total = _INDEPENDENT * float((areas * inside * off**2).sum() / areas.sum())
    total += float((((_places(fit, marks) - marks.at_mm) / marks.sigma_mm[:, None]) ** 2).sum())
    if len(marks.surface_mm):
        from scipy.spatial import cKDTree

        total += float(((cKDTree(points).query(marks.surface_mm)[0] / _TOUCHED_MM) ** 2).sum())
    return total + float((fit.shape**2).sum() + (np.log(fit.scale) / _SCALE_SIGMA) ** 2)


def _in_view(view: Volume, points: Array) -> NDArray[np.bool_]:
    """Whether places lie in the scan, used or not."""
    back = np.linalg.inv(view.patient_from_voxel)
    voxels = points @ back[:3, :3].T + back[:3, 3]
    out: NDArray[np.bool_] = ((voxels >= -0.5) & (voxels <= np.array(view.values.shape) - 0.5)).all(axis=1)
    return out


def _check_hand(name: str, side: Side, fit: _Fit, marks: _Marks) -> None:
    """Refuse points that fit the other side's bone, and not their own's."""
    other = next(one for one in Side if one is not side)
    flip = np.array([-1.0, 1.0, 1.0])
    mirrored = _placed(name, other, replace(marks, mean_mm=marks.mean_mm * flip))
    own, its = (
        float(np.sqrt(((one.placed(mean) - marks.at_mm) ** 2).sum(axis=1).mean()))
        for one, mean in ((fit, marks.mean_mm), (mirrored, marks.mean_mm * flip))
    )
    if own > _HAND_MM and own > _HAND_RATIO * its:
        raise InputError(
            complaint(
                f"{side.value} {name.replace('_', ' ')}",
                f"points that lie {own:.0f} mm from this bone and {its:.0f} mm from that of the other side",
                "points of the side that their labels say",
                "Check the sides of the labels, and names of the points.",
            )
        )


def _check_points(side: Side, fit: _Fit, marks: _Marks) -> None:
    """Refuse points that contradict each other: then a name or a side is wrong."""
    off = np.linalg.norm(_places(fit, marks) - marks.at_mm, axis=1)
    worst = int(np.argmax(off / marks.most_off_mm))
    if off[worst] > marks.most_off_mm[worst]:
        raise InputError(
            complaint(
                f"{side.value} {marks.names[worst]}",
                f"{off[worst]:.0f} mm from where the bone's other points let expect it",
                f"at most {marks.most_off_mm[worst]:g} mm",
                "Check names and sides of the marked points, and the axes of the file.",
            )
        )


def _places(fit: _Fit, marks: _Marks) -> Array:
    """Where the fit has the marked points."""
    return fit.placed(marks.mean_mm + np.einsum("k,pkj->pj", fit.shape, marks.modes_mm))


def _ranged(scan: Volume, exclude: Volume | None) -> Volume:
    """The scan with its range of values taken to 0 and 1; NaN where it is not to be used."""
    low, high = np.percentile(scan.values, (5, 98))
    values = ((scan.values.astype(np.float32) - low) / max(float(high - low), 1e-9)).astype(np.float32)
    if exclude is not None:
        values[exclude.values != 0] = np.nan
    return replace(scan, values=values, unit="1", modality="MR")


def _step(fit: _Fit, marks: _Marks, view: Volume, reach: float, n_modes: int) -> None:
    """One solution for all figures together."""
    from scipy.spatial import cKDTree

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
        marrow = marrow_of(points, normals, fit.depths, view, fit.scale)
        away, rise = edges(points, normals, view, reach, fit.depths, marrow)
        known = np.isfinite(away)
        areas = vertex_areas(points, model.faces)
        weight = np.where(known, areas * rise, 0.0)
        weight = weight / (1.0 + (np.nan_to_num(away) / (0.35 * reach)) ** 2)
        count = _INDEPENDENT * float(areas[known].sum() / areas.sum())
        root = np.sqrt(weight / max(float(weight.sum()), 1e-9) * count) / _NOISE_MM
        rows.append(fit.columns * root[:, None])
        aims.append(np.nan_to_num(away) * root)
    if len(marks.surface_mm):
        nearest = cKDTree(points).query(marks.surface_mm)[1]
        rows.append(fit.columns[nearest] / _TOUCHED_MM)
        aims.append(((marks.surface_mm - points[nearest]) * normals[nearest]).sum(axis=1) / _TOUCHED_MM)
    system, aim = np.vstack(rows), np.concatenate(aims)
    curve = np.einsum("ri,rj->ij", system, system)
    fit.spread = np.linalg.inv(curve)
    step = fit.spread @ np.einsum("ri,r->i", system, aim)
    fit.shape[:n_modes] += step[7:]
    turn = _rotation(step[3:6])
    growth = float(np.exp(np.clip(step[6], -0.1, 0.1)))
    fit.offset = middle + step[:3] + growth * turn @ (fit.offset - middle)
    fit.rotation, fit.scale = turn @ fit.rotation, fit.scale * growth


def _cross(vector: Array) -> Array:
    """Matrix of the cross product with a vector from the left."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _rotation(vector: Array) -> Array:
    """Rotation about a vector by its length in radians."""
    from scipy.spatial.transform import Rotation

    out: Array = Rotation.from_rotvec(vector).as_matrix()
    return out

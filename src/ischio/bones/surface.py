"""Clean bones: what a surface carries besides the bone is dropped, repaired or said."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.bones.exclude import held
from ischio.bones.quality import check_heads
from ischio.bones.refine import REACH_VOXELS, Refined, check_lies_on_bone, refine
from ischio.bones.stairs import STEP_SHARE, smooth_steps, step_share
from ischio.bones.thin_cortex import outward_shifts, profiles
from ischio.bones.topology import Edges, Indices, find_edges, groups, oriented
from ischio.bones.voxels import label_boxes, label_surface
from ischio.bones.words import counted
from ischio.geometry.sampling import face_normals
from ischio.geometry.winding import winding_number
from ischio.io.case import RawInput, RawSurface
from ischio.io.names import BoneName, read_name
from ischio.types import VERTEBRAE, Bone, Frame, Volume

MERGE_MM = 1e-5  # far above float32 noise in a scanner's coordinates written twice, far below any detail
MIN_FACES = 200  # a sphere of so many faces is 3 % off; no landmark could be found on less
CRUMB_SHARE = 0.02  # of the largest piece's area
PIECE_SHARE = 0.2  # from here on a piece is kept wherever it lies
FINEST_MM = 0.7  # a whole hip bone is 300,000 faces then
_SPINE = ("sacrum", *VERTEBRAE)
SPINE_REACH_VOXELS = 2.5  # their labels are drawn without a model of canals, foramina and processes
MOST_CELLS = 4  # along a voxel; a label map is not worth more
# Mean distance of surfaces from the truth in CT made of people: 0.19 mm with voxels of 0.8 and 1.5 mm, 0.28
# with 3 mm.
_DRAWN_MM, _DRAWN_SHARE = 0.15, 0.045
PIECE_GAP_MM = 10.0  # a growth plate or a fracture is narrower; smaller pieces farther off are strays
_NO_AREA_MM2 = 1e-10  # a face with less has no normal
_FLAT = 1e-6  # thickness over length
_N_PROBES = 9  # points of a piece that are tried for lying inside another
_INSIDE_SHARE = 0.75  # of them: where a bone is cut, the ends of its shells are neither inside nor outside

FRAME = Frame("patient", "as_supplied")


def bones_from_input(
    raw: RawInput,
    *,
    scan: Volume | None = None,
    is_own: bool = False,
    exclude: Volume | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Bone, ...]:
    """Make clean bones of what was read.

    Parameters
    ----------
    raw : RawInput
    scan : Volume, optional
        The CT that a label map was drawn on: its surfaces are then laid on the edges of the bone in it.
    is_own : bool
        Whether the labels were found in the scan by ischio: then blur is taken off thin cortex, too.
    exclude : Volume, optional
        Not 0 where voxels of the scan are not to be used: there the surface follows its neighbours.
    progress : callable of (str, float), optional
        Told what is done next, and the share that is done.

    Returns
    -------
    tuple of Bone
        Sorted by name and side; ``repairs`` says what was done to each.

    Raises
    ------
    InputError
        If a surface cannot be used, or the labels do not lie on bone in the scan.
    AnatomyError
        If a label map gives a femoral head to the hip bone.
    """
    boxes = label_boxes(raw.label_map) if raw.label_map is not None else {}
    n_total = len(raw.surfaces) + len(boxes)
    bones: list[Bone] = []
    laid: list[Refined] = []
    rough: list[RawSurface] = []
    drawn: list[Array] = []

    def tell(what: str) -> None:
        if progress is not None:
            progress(f"cleaning {what.replace('_', ' ')}", (len(bones) + len(rough)) / n_total)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for surface, bone in zip(raw.surfaces, pool.map(_bone, raw.surfaces), strict=True):
            tell(surface.name if surface.side is None else f"{surface.side.value} {surface.name}")
            bones.append(bone)
    if raw.label_map is not None:
        check_heads(raw.label_map)
        # What the surfaces of hips follow does not hang on whether a spine is in view.
        lower = {n: name for n, name in raw.label_map.names.items() if not _is_vertebra(name)}
        others = replace(raw.label_map, names=lower)
        finer = _finer(raw.label_map, scan)

        def cut_out(label: int, box: tuple[slice, slice, slice]) -> _Cut:
            assert raw.label_map is not None  # as above
            shown = others if label in lower else raw.label_map
            vertices, faces, repairs, ends = label_surface(raw.label_map, label, box, finer=finer)
            one = None
            if scan is not None and scan.unit == "HU" and len(faces):
                is_spine = is_own and _name(raw.label_map.names[label]).name in _SPINE
                reach = SPINE_REACH_VOXELS if is_spine else REACH_VOXELS
                one = refine(vertices, faces, scan, shown, label, reach_voxels=reach)
            return _Cut(vertices, faces, repairs, ends, one)

        with ThreadPoolExecutor(max_workers=2) as pool:
            cuts = pool.map(cut_out, boxes, boxes.values())
            for label, (vertices, faces, repairs, ends, one) in zip(boxes, cuts, strict=True):
                name = _name(raw.label_map.names[label])
                tell(name.text)
                drawn.append(vertices)
                if one is not None:
                    if label in lower:
                        laid.append(one)
                    vertices = one.vertices_mm
                    said = f"{100 * one.share:.0f} % of the surface shows one, moved by {one.moved_mm:.2f} mm"
                    repairs += (f"laid on the edge of the bone in the CT: {said} on average",)
                source = raw.label_map.source
                rough.append(RawSurface(name.name, name.side, vertices, faces, source, repairs, ends))
        if laid:
            check_lies_on_bone(laid, raw.label_map.source)
        if is_own and scan is not None:
            spine = [one for one in rough if one.name in VERTEBRAE]
            rough = [*_unblurred([one for one in rough if one.name not in VERTEBRAE], scan), *spine]
        if exclude is not None:
            rough = [
                replace(one, vertices_mm=held(before, one.vertices_mm, one.faces, exclude))
                for one, before in zip(rough, drawn, strict=True)
            ]
        drawn_sigma = _drawn_sigma_mm(scan) if is_own and scan is not None else 0.0
        with ThreadPoolExecutor(max_workers=2) as pool:
            cleaned = list(pool.map(_bone, rough))
        for bone in cleaned:
            bones.append(replace(bone, moved_mm=float(np.hypot(bone.moved_mm, drawn_sigma))))
    return tuple(sorted(bones, key=lambda bone: (bone.name, bone.side.value if bone.side else "")))


class _Cut(NamedTuple):
    """The surface of a label, and where the scan's edges are if it shows them."""

    vertices: Array
    faces: Indices
    repairs: tuple[str, ...]
    ends: Array
    refined: Refined | None


def _is_vertebra(label: str) -> bool:
    """Whether a label is that of a vertebra found by ischio; those of others are not read."""
    return label.replace("vertebrae_", "vertebra_") in VERTEBRAE


def _name(label: str) -> BoneName:
    """The bone that a label means."""
    if _is_vertebra(label):
        return BoneName("bone", label.replace("vertebrae_", "vertebra_"))
    return read_name(label)


def _unblurred(surfaces: list[RawSurface], scan: Volume) -> list[RawSurface]:
    """Surfaces moved inwards by what blur pushed the edges of thin cortex outwards."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        seen = list(pool.map(lambda one: profiles(one.vertices_mm, one.faces, scan), surfaces))
    shifts = outward_shifts(seen, [one.faces for one in surfaces], scan)
    return [
        replace(
            one,
            vertices_mm=one.vertices_mm - shift[:, None] * profile.normals,
            repairs=(
                *one.repairs,
                f"moved inwards by {shift.mean():.2f} mm on average, for the blur of thin cortex",
            ),
        )
        for one, profile, shift in zip(surfaces, seen, shifts, strict=True)
    ]


def _drawn_sigma_mm(scan: Volume) -> float:
    """How far surfaces that ischio draws in a CT are off on average, by its thickest voxel side."""
    thickest = float(np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0).max())
    return _DRAWN_MM + _DRAWN_SHARE * thickest


def _finer(labels: Volume, scan: Volume | None) -> tuple[int, int, int]:
    """Cells of the surface along each side of a voxel, so that it is as fine as the CT."""
    if scan is None or scan.unit != "HU":
        return 1, 1, 1
    voxel = np.linalg.norm(labels.patient_from_voxel[:3, :3], axis=0)
    finest = max(float(np.linalg.norm(scan.patient_from_voxel[:3, :3], axis=0).min()), FINEST_MM)
    i, j, k = (min(max(round(float(size) / finest), 1), MOST_CELLS) for size in voxel)
    return i, j, k


def _bone(raw: RawSurface) -> Bone:
    """A bone from a surface, cleaned."""
    label = raw.name if raw.side is None else f"{raw.side.value} {raw.name}"
    whole = _cleaned(raw.vertices_mm, raw.faces, f"{label.replace('_', ' ')} ({raw.source})")
    return Bone(
        raw.name,
        raw.side,
        whole.vertices,
        whole.faces,
        FRAME,
        edge_mm=float(np.median(_lengths(whole.vertices, whole.ends))),
        source=raw.source,
        repairs=(*raw.repairs, *whole.said),
        moved_mm=whole.moved_mm,
        scan_ends=raw.scan_ends,
    )


def clean(
    vertices_mm: Array, faces: Indices, *, where: str = "surface"
) -> tuple[Array, Indices, tuple[str, ...]]:
    """Clean a surface, and say what was done.

    Parameters
    ----------
    vertices_mm : array of shape (V, 3), mm
    faces : int array of shape (F, 3)
    where : str
        Name of the surface in errors.

    Returns
    -------
    vertices_mm : array of shape (V, 3), mm
        Each used, none twice.
    faces : int array of shape (F, 3)
        Counter-clockwise seen from outside; none twice, none without area.
    repairs : tuple of str
        What was dropped, turned, smoothed or found open, in words. Empty when nothing was.

    Raises
    ------
    InputError
        If fewer than ``MIN_FACES`` faces are left or all lie in one plane.

    Notes
    -----
    Pieces under ``CRUMB_SHARE`` of the largest one's area are dropped, and so is an inner shell (the wall of
    the marrow cavity). Larger pieces stay when they are near or make up ``PIECE_SHARE``: broken
    and growing bones come in pieces. Holes stay open: they are counted. Stair steps are smoothed; how far
    that moved the surface is said. 300,000 faces take about 2 s.
    """
    whole = _cleaned(vertices_mm, faces, where)
    return whole.vertices, whole.faces, whole.said


class _Cleaned(NamedTuple):
    """A clean surface, the ends of its edges, what was done, and how far smoothing moved it on average."""

    vertices: Array
    faces: Indices
    ends: Indices
    said: tuple[str, ...]
    moved_mm: float


def _cleaned(vertices_mm: Array, faces: Indices, where: str) -> _Cleaned:
    """Clean a surface."""
    said: list[str] = []
    vertices, faces = _merged(np.asarray(vertices_mm, dtype=np.float64), faces, said)
    vertices, faces = _distinct(vertices, faces, said)
    _check_usable(vertices, faces, where)
    edges = find_edges(faces)
    faces, against, inside_out = oriented(vertices, faces, edges)
    kept = _kept(vertices, faces, edges.ends, said)
    for turned, why in (
        (against, "turned to agree with their neighbours"),
        (inside_out, "turned from inside out"),
    ):
        if (turned & kept).any():
            said.append(f"{counted(int((turned & kept).sum()), 'face')} {why}")
    if not kept.all() or against.any() or inside_out.any():
        vertices, faces = _used(vertices, faces[kept])
        _check_usable(vertices, faces, where)
        edges = find_edges(faces)
    vertices, moved_mm = _without_steps(vertices, faces, edges, said)
    _say_open(vertices, edges, said)
    return _Cleaned(vertices, faces, edges.ends, tuple(said), moved_mm)


def _used(vertices: Array, faces: Indices) -> tuple[Array, Indices]:
    """Only the vertices that faces use, in their order."""
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    return (vertices, faces) if used.all() else (vertices[used], (np.cumsum(used) - 1)[faces])


def _merged(vertices: Array, faces: Indices, said: list[str]) -> tuple[Array, Indices]:
    """Join vertices in the same place."""
    from scipy.spatial import cKDTree

    vertices, faces = _used(vertices, faces)
    pairs = cKDTree(vertices).query_pairs(MERGE_MM, output_type="ndarray")
    if not len(pairs):
        return vertices, faces
    group = groups(len(vertices), pairs)
    first = np.unique(group, return_index=True)[1]
    said.append(f"{counted(len(vertices) - len(first), 'vertex', 'vertices')} merged")
    return vertices[first], group[faces]


def _distinct(vertices: Array, faces: Indices, said: list[str]) -> tuple[Array, Indices]:
    """Drop faces without area, and all but the first of equal ones."""
    _, areas = face_normals(vertices[faces])
    repeated = (faces == np.roll(faces, 1, axis=1)).any(axis=1)
    flat = repeated | (areas <= _NO_AREA_MM2)
    if flat.any():
        said.append(f"{counted(int(flat.sum()), 'face')} without area dropped")
        faces = faces[~flat]
    corners = np.sort(faces, axis=1)
    order = np.lexsort(corners.T)
    again = np.zeros(len(faces), dtype=bool)
    again[order[1:]] = (corners[order[1:]] == corners[order[:-1]]).all(axis=1)
    if again.any():
        said.append(f"{counted(int(again.sum()), 'face')} present twice dropped")
        faces = faces[~again]
    return _used(vertices, faces)


def _check_usable(vertices: Array, faces: Indices, where: str) -> None:
    """Refuse what is too little to be a bone."""
    if len(faces) < MIN_FACES:
        raise InputError(
            complaint(
                where,
                counted(len(faces), "usable face"),
                f"at least {MIN_FACES}",
                "Export the bone's whole surface, with edges of 1 to 3 mm.",
            )
        )
    extents = np.linalg.svd(vertices - vertices.mean(axis=0), compute_uv=False) / np.sqrt(len(vertices))
    if not extents[2] > _FLAT * extents[0]:
        raise InputError(
            complaint(where, "a flat surface", "a surface with three dimensions", "Export the bone again.")
        )


def _kept(vertices: Array, faces: Indices, ends: Indices, said: list[str]) -> NDArray[np.bool_]:
    """Which faces stay: not crumbs, inner shells and strays; what may belong to the bone is named."""
    piece = groups(len(vertices), ends)[faces[:, 0]]
    areas = np.bincount(piece, weights=face_normals(vertices[faces])[1])
    main = int(np.argmax(areas))
    share = areas / areas[main]
    crumbs = (share > 0) & (share < CRUMB_SHARE)
    kept = np.zeros(len(areas), dtype=bool)
    kept[main] = True
    body = vertices[faces[piece == main]]
    for other in np.flatnonzero(share >= CRUMB_SHARE):
        if other == main:
            continue
        points = vertices[np.unique(faces[piece == other])]
        percent = f"{100 * share[other]:.0f} % of the largest piece's area"
        if _is_inside(points, body):
            said.append(f"an inner shell dropped ({percent})")
        elif share[other] >= PIECE_SHARE or (gap := _gap(points, body)) <= PIECE_GAP_MM:
            kept[other] = True
            said.append(f"a separate piece kept ({percent})")
        else:
            said.append(f"a stray piece {gap:.0f} mm away dropped ({percent})")
    if crumbs.any():
        said.append(
            f"{counted(int(crumbs.sum()), 'crumb')} dropped "
            f"({100 * share[crumbs].sum():.2f} % of the largest piece's area)"
        )
    of_kept: NDArray[np.bool_] = kept[piece]
    return of_kept


def _is_inside(points: Array, triangles: Array) -> bool:
    """Whether a piece lies inside a surface, by the winding numbers of a few of its points."""
    probes = points[np.linspace(0, len(points) - 1, _N_PROBES).astype(np.int64)]
    inside = [winding_number(probe, triangles) > 0.5 for probe in probes]
    return float(np.mean(inside)) >= _INSIDE_SHARE


def _gap(points: Array, triangles: Array) -> float:
    """Smallest distance between vertices."""
    from scipy.spatial import cKDTree

    return float(cKDTree(triangles.reshape(-1, 3)).query(points)[0].min())


def _without_steps(vertices: Array, faces: Indices, edges: Edges, said: list[str]) -> tuple[Array, float]:
    """Smooth the stair steps of a label map, if there are any; the mean move is 0 where there are none."""
    share = step_share(vertices, faces, edges)
    if share < STEP_SHARE:
        return vertices, 0.0
    smooth = smooth_steps(vertices, edges)
    moved = np.abs(np.einsum("ij,ij->i", smooth - vertices, _vertex_normals(vertices, faces)))
    said.append(
        f"stair steps ({100 * share:.0f} % of the edges in hollow folds) smoothed: "
        f"the surface moved by {moved.mean():.2f} mm on average, {moved.max():.2f} mm at most"
    )
    return smooth, float(moved.mean())


def _vertex_normals(vertices: Array, faces: Indices) -> Array:
    """Mean outward direction of the faces around each vertex."""
    normals, _ = face_normals(vertices[faces])
    corners, each = faces.reshape(-1), np.repeat(normals, 3, axis=0)
    total = np.stack(
        [np.bincount(corners, weights=each[:, k], minlength=len(vertices)) for k in range(3)], axis=1
    )
    length: Array = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.where(length > 0, length, 1.0)


def _say_open(vertices: Array, edges: Edges, said: list[str]) -> None:
    """Count open borders and edges where more than two faces meet; nothing is done about them."""
    border = edges.ends[edges.n_faces == 1]
    if len(border):
        ring = np.unique(groups(len(vertices), border)[border[:, 0]], return_inverse=True)[1]
        lengths = np.bincount(ring, weights=_lengths(vertices, border))
        said.append(
            f"{counted(len(lengths), 'open border')} left, {lengths.max():.1f} mm long"
            + (" at most" if len(lengths) > 1 else "")
        )
    n_many = int((edges.n_faces > 2).sum())
    if n_many:
        said.append(f"{counted(n_many, 'edge')} where more than two faces meet left")


def _lengths(vertices: Array, ends: NDArray[np.int64]) -> Array:
    """Lengths of edges."""
    out: Array = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
    return out

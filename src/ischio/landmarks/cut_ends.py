"""Where a scan cuts a bone: flat ends that close it there are no bone, and what lies beyond is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.geometry.sampling import face_normals
from ischio.landmarks.findings import Findings
from ischio.landmarks.points import cut_edges
from ischio.types import Bone

# Of a face that closes a cut; laid on a scan of thick slices it is wavy. Seen along its normal, 0.64 and more
# of it look the same way, and walls of bone stand steeply below it, on 0.32 to 1.0 of the next layer. Of ends
# of bone only smaller ones come near: less is asked across the patient's axes, where scans end.
_FLAT_MM, _FLAT_COSINE, _FLAT_MM2 = 2.5, 0.8, 230.0
_EVEN_COSINE, _EVEN_SHARE = 0.95, 0.6
_BELOW_MM, _STEEP_COSINE = 6.0, 0.5
_STEEP_SHARE = {True: 0.27, False: 0.36}  # across the patient's axes, elsewhere
_END_MM, _END_COSINE = 4.0, 0.3  # as deep its waves may be, and as steep
_N_FLAT = 24
_BEYOND_MM = 5.0  # a laid model strays from bone by less, but for spurs
_AT_END_MM = 2.0  # what is missing is about as near to the cut as to any bone


def without_cut_faces(bone: Bone) -> NDArray[np.bool_]:
    """Which faces are bone, not the flat ends that close it where the scan ends.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    bool array of shape (F,)

    Notes
    -----
    A bone made from a scan names the scan's ends. On any other a flat end is known by its shape: it lies
    outermost in its direction, and ends sharply, where the surface turns away steeply.
    """
    normals, areas = face_normals(bone.triangles_mm)
    middles = bone.middles_mm
    kept = np.ones(len(areas), dtype=bool)
    if len(bone.scan_ends):
        for *way, offset in bone.scan_ends:
            kept &= ~((middles @ way > offset - _END_MM) & (normals @ way > _END_COSINE))
        return kept
    bins = np.round(normals * 10).astype(np.int64)
    ways, of = np.unique(bins, axis=0, return_inverse=True)
    sizes = np.bincount(of.reshape(-1), weights=areas)
    largest = ways[np.argsort(-sizes, kind="stable")[:_N_FLAT]]
    axes = [(way, True) for way in (*np.eye(3), *-np.eye(3))]
    for way, is_axis in (*axes, *((one / np.linalg.norm(one), False) for one in largest)):
        height = middles @ way
        flat = (normals @ way > _FLAT_COSINE) & (height > height.max() - _FLAT_MM)
        layer = (height < height.max() - _FLAT_MM) & (height > height.max() - _BELOW_MM)
        steep = layer & (np.abs(normals @ way) < _STEEP_COSINE)
        even = flat & (normals @ way > _EVEN_COSINE)
        is_end = areas[flat].sum() > _FLAT_MM2 and areas[even].sum() > _EVEN_SHARE * areas[flat].sum()
        if is_end and areas[steep].sum() > _STEEP_SHARE[is_axis] * areas[layer].sum():
            kept &= ~((height > height.max() - _END_MM) & (normals @ way > _END_COSINE))
    return kept


def opened(bone: Bone) -> Bone:
    """A bone that a scan cuts, without the flat faces that close it there; any other as it is.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    Bone
        With the same vertices, so that ``closed_again`` can put the ends back.
    """
    if not len(bone.scan_ends):
        return bone
    kept = without_cut_faces(bone)
    return bone if kept.all() or not kept.any() else replace(bone, faces=bone.faces[kept])


def closed_again(found: Findings, bone: Bone, searched: Bone) -> Findings:
    """Findings on an opened bone as findings on the bone with its ends.

    Parameters
    ----------
    found : Findings
    bone : Bone
        As given.
    searched : Bone
        As ``opened`` gave it.

    Returns
    -------
    Findings
        The ends' faces stand last, so that regions keep their rows.
    """
    if searched is bone:
        return found
    ends = bone.faces[~without_cut_faces(bone)]
    faces = np.concatenate([found.bone.faces, ends])
    return replace(found, bone=replace(found.bone, faces=faces))


def beyond_cut(bone: Bone, places_mm: Array) -> NDArray[np.bool_]:
    """Which places of a model laid over a bone lie where the bone is cut away.

    Parameters
    ----------
    bone : Bone
    places_mm : array of shape (N, 3), mm

    Returns
    -------
    bool array of shape (N,)
        Those more than 5 mm from any bone that no bone is nearer to than the cut is.
    """
    nothing = np.zeros(len(places_mm), dtype=bool)
    far = cKDTree(bone.middles_mm).query(places_mm)[0] > _BEYOND_MM
    if not far.any():
        return nothing
    kept, ends = without_cut_faces(bone), cut_places(bone)
    if not kept.any() or len(ends) == 0:
        return nothing
    from_bone = cKDTree(bone.middles_mm[kept]).query(places_mm)[0]
    from_end = cKDTree(ends).query(places_mm)[0]
    out: NDArray[np.bool_] = (from_bone > _BEYOND_MM) & (from_end < from_bone + _AT_END_MM)
    return out


def cut_places(bone: Bone) -> Array:
    """Places on the flat ends and along the open borders where a bone is cut.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    array of shape (N, 3), mm
        None on a whole bone.
    """
    return np.concatenate([bone.middles_mm[~without_cut_faces(bone)], cut_edges(bone)])

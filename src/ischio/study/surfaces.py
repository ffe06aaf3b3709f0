"""Surfaces as files that 3D Slicer and MeshLab open: the bones, and what the gap was measured between."""

from __future__ import annotations

import numpy as np

from ischio.io.write_meshes import bone_ply
from ischio.types import BONE_NAMES, Region, Side, Study, side_word

SAVED_REGIONS = ("ischium", "lesser_trochanter")


def surface_file(region: str, side: Side | None) -> str:
    """Name of a region's file, for example ``left_ischium.ply``."""
    return f"{side_word(side)}_{region}.ply"


SURFACE_FILES = tuple(surface_file(region, side) for region in SAVED_REGIONS for side in Side)


def bone_file(name: str, side: Side | None) -> str:
    """Name of a bone's file, for example ``femur_left.ply``."""
    return f"{name}.ply" if side is None else f"{name}_{side.value}.ply"


BONE_FILES = tuple(bone_file(name, side) for name in BONE_NAMES for side in (None, *Side))


def bone_surfaces(study: Study) -> dict[str, bytes]:
    """Binary PLY file of each bone as it was measured, so that another command can go on from here.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of str to bytes
        By file name; vertices to the last bit.
    """
    return {bone_file(bone.name, bone.side): bone_ply(bone) for bone in study.bones}


def region_surfaces(study: Study) -> dict[str, str]:
    """Text of an ASCII PLY file for each saved region of each hip.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of str to str
        By file name. Vertices in mm in the frame of the study's results (patient LPS, or that of
        the files where axes are unknown), to 0.1 micrometre.
    """
    texts = {}
    for hip in study.pelvis.hips:
        for name in SAVED_REGIONS:
            if name in hip.regions:
                texts[surface_file(name, hip.side)] = _ply(hip.region_triangles(name), hip.regions[name])
    return texts


def _ply(triangles_mm: np.ndarray[tuple[int, ...], np.dtype[np.float64]], region: Region) -> str:
    """ASCII PLY of triangles, corners shared."""
    vertices, faces = np.unique(np.round(triangles_mm.reshape(-1, 3), 4) + 0.0, axis=0, return_inverse=True)
    header = (
        "ply\nformat ascii 1.0\n"
        f"comment ischio {side_word(region.side)} {region.name}, {region.method}, mm; research use only\n"
        f"element vertex {len(vertices)}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {len(triangles_mm)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    points = "\n".join(f"{x:.4f} {y:.4f} {z:.4f}" for x, y, z in vertices.tolist())
    corners = "\n".join(f"3 {a} {b} {c}" for a, b, c in faces.reshape(-1, 3).tolist())
    return f"{header}{points}\n{corners}\n"

"""Surfaces out: binary PLY and STL, in patient LPS and mm."""

from __future__ import annotations

import numpy as np

from ischio.types import Bone


def bone_ply(bone: Bone) -> bytes:
    """A bone as a binary PLY file, vertices to the last bit.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    bytes
    """
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"comment ischio {bone.label}, patient LPS, mm; research use only\n"
        f"element vertex {len(bone.vertices_mm)}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {len(bone.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(bone.faces), dtype=[("n", "u1"), ("corners", "<i4", 3)])
    rows["n"], rows["corners"] = 3, bone.faces
    return header.encode("ascii") + bone.vertices_mm.astype("<f8").tobytes() + rows.tobytes()


def bone_stl(bone: Bone) -> bytes:
    """A bone as a binary STL file; 3D Slicer reads the axes from its header.

    Parameters
    ----------
    bone : Bone

    Returns
    -------
    bytes
    """
    triangles = bone.triangles_mm
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.zeros(
        len(triangles), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")]
    )
    rows["normal"] = normals / np.where(lengths > 0, lengths, 1.0)
    rows["corners"] = triangles
    head = f"ischio {bone.label} SPACE=LPS".encode("ascii").ljust(80)
    return head + len(rows).to_bytes(4, "little") + rows.tobytes()

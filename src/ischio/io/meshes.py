"""Surfaces from PLY, STL, OBJ and VTP files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ischio._check import InputError, complaint
from ischio.io._mesh import MAX_BYTES, MAX_FACES, Mesh
from ischio.io.obj import read_obj
from ischio.io.ply import read_ply
from ischio.io.stl import read_stl
from ischio.io.vtp import read_vtp

__all__ = ["MAX_BYTES", "MAX_FACES", "READERS", "Mesh", "read_surface"]

READERS: Mapping[str, Callable[[Path], Mesh]] = MappingProxyType(
    {".ply": read_ply, ".stl": read_stl, ".obj": read_obj, ".vtp": read_vtp}
)


def read_surface(path: Path) -> Mesh:
    """Read a surface, strictly: what is damaged or cut short is refused.

    Parameters
    ----------
    path : Path
        A file that ends in one of ``READERS``, in any case.

    Returns
    -------
    Mesh
        Vertices in the file's own axes and unit, finite; faces that index them.

    Raises
    ------
    InputError
        If the file cannot be read, is larger than ``MAX_BYTES``, holds more than ``MAX_FACES`` faces,
        or is not what its name says.

    Notes
    -----
    Sizes are read from the header, or counted, before memory is taken.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                complaint(
                    path.name,
                    f"{size:,} bytes",
                    f"at most {MAX_BYTES:,} bytes, which hold more than {MAX_FACES:,} faces",
                    "Reduce the surface; 300,000 faces hold every detail of a bone.",
                )
            )
        if size == 0:
            raise InputError(complaint(path.name, "an empty file", "a surface", "Export the surface again."))
        with np.errstate(invalid="ignore"):  # damaged numbers are refused below, in words
            return READERS[path.suffix.lower()](path)
    except OSError as error:
        raise InputError(
            complaint(str(path), f"{error.strerror or error}", "a file that can be read", "Check the path.")
        ) from error

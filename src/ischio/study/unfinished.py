"""What a run keeps in its result folder while it is not finished: the segmentation, its costly step.

The file is written whole or not at all and holds a digest of all that it was made from. The finished result
takes the folder's place and leaves it out.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ischio import __version__
from ischio._check import OutputError, complaint
from ischio.types import Frame, Volume

SEGMENTATION_FILE = "segmentation.npz"
_FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A segmentation that was kept.

    Parameters
    ----------
    labels : Volume
    notes : tuple of str
    """

    labels: Volume
    notes: tuple[str, ...]


def digest_of(volumes: Mapping[str, Volume | None], settings: Mapping[str, Any]) -> str:
    """Digest of everything a segmentation is made from: voxels, grids, settings, version of the software.

    Parameters
    ----------
    volumes : mapping of str to Volume or None
    settings : mapping of str to plain values

    Returns
    -------
    str
    """
    found = hashlib.sha256()
    said = {"software": __version__, "format": _FORMAT, "settings": dict(settings)}
    found.update(json.dumps(said, sort_keys=True).encode())
    for name in sorted(volumes):
        volume = volumes[name]
        if volume is None:
            continue
        header = (name, volume.values.shape, volume.values.dtype.str, volume.unit, volume.modality)
        found.update(repr((*header, volume.frame.uid, volume.source)).encode())
        found.update(volume.patient_from_voxel.tobytes())
        for plane in volume.values.T if volume.values.flags.f_contiguous else volume.values:
            found.update(np.ascontiguousarray(plane).tobytes())
    return found.hexdigest()


def kept_segmentation(out: Path, digest: str) -> tuple[Kept | None, str]:
    """The segmentation that an earlier run left in its folder, if it was made from the same.

    Parameters
    ----------
    out : Path
        The result folder.
    digest : str
        From ``digest_of``.

    Returns
    -------
    kept : Kept or None
    words : str
        What is to be said of it; empty where there is none.
    """
    path = out / SEGMENTATION_FILE
    if not path.is_file():
        return None, ""
    try:
        whole = path.read_bytes()
        seal, payload = whole[:64].decode("ascii"), whole[64:]
        if hashlib.sha256(payload).hexdigest() != seal:
            raise ValueError("digest")
        with np.load(io.BytesIO(payload), allow_pickle=False) as found:
            said = json.loads(found["said"].tobytes())
            if said["digest"] != digest:
                return None, "an unfinished run is here, of another input, settings or version: done anew"
            names = {int(label): name for label, name in said["names"].items()}
            frame = Frame("patient", said["frame"])
            labels = Volume(
                found["labels"], found["patient_from_voxel"], frame, "labels", "1", said["source"], names
            )
    except (OSError, ValueError, KeyError):
        return None, "an unfinished run is here, but its segmentation is damaged: done anew"
    return Kept(labels, tuple(said["notes"])), "going on from the segmentation of an unfinished run"


def keep_segmentation(out: Path, digest: str, labels: Volume, notes: tuple[str, ...]) -> None:
    """Leave a segmentation in the result folder, whole or not at all.

    Parameters
    ----------
    out : Path
        Made if it is not there; its parent must exist.
    digest : str
    labels : Volume
    notes : tuple of str

    Raises
    ------
    OutputError
        If it cannot be written; nothing is left behind then.
    """
    said = {
        "digest": digest,
        "names": {str(label): name for label, name in labels.names.items()},
        "frame": labels.frame.uid,
        "source": labels.source,
        "notes": list(notes),
    }
    text = np.frombuffer(json.dumps(said).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, labels=labels.values, patient_from_voxel=labels.patient_from_voxel, said=text)
    payload = buffer.getvalue()
    part = out.with_name(
        f".{out.name}.{secrets.token_hex(4)}.part"
    )  # beside: the folder holds known names only
    try:
        part.write_bytes(hashlib.sha256(payload).hexdigest().encode("ascii") + payload)
        out.mkdir(exist_ok=True)
        part.replace(out / SEGMENTATION_FILE)
    except OSError as error:
        raise OutputError(
            complaint(
                out.name, error.strerror or error, "a place to write to", "Free space or choose another."
            )
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def is_unfinished(folder: Path) -> bool:
    """Whether a folder holds what an unfinished run left, and nothing else of a result.

    Parameters
    ----------
    folder : Path
    """
    return (folder / SEGMENTATION_FILE).is_file()

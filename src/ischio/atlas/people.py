"""The 26 people of the shape model as bones."""

from __future__ import annotations

import numpy as np

from ischio.atlas.model import SOURCE, person_surface
from ischio.types import Bone, Frame, Side

_STEPS = {"pelvis": 8, "femur": 14}  # edges of about 2-3 mm, like a bone from CT


def reconstruction(person: int) -> tuple[Bone, ...]:
    """Pelvis and left femur of one of the 26 people, as the shape model reconstructs them.

    Parameters
    ----------
    person : int
        0 to 25.

    Returns
    -------
    tuple of Bone
        Pelvis (both hip bones and sacrum in one surface) and left femur, patient LPS, in the
        model's posture, which is no scan posture. The model has no right femur.

    Raises
    ------
    InputError
        If there is no such person or the package is not installed.

    Examples
    --------
    >>> [bone.label for bone in reconstruction(18)]
    ['left femur', 'pelvis']
    """
    bones = []
    for name, side in (("femur", Side.LEFT), ("pelvis", None)):
        vertices, faces = person_surface(name, person, _STEPS[name])
        edges = np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1)
        frame = Frame("patient", f"llp26-person-{person}")
        bones.append(
            Bone(name, side, vertices, faces, frame, float(np.median(edges)), f"{SOURCE}, person {person}")
        )
    return tuple(bones)

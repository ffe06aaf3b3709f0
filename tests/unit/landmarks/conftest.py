"""One reconstructed person, searched once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio.atlas import reconstruction
from ischio.landmarks.femur import find_femur
from ischio.landmarks.findings import Findings
from ischio.landmarks.hip_bone import find_hip_bone
from ischio.types import Bone, Side
from ischio.validation.invariance import mirrored

PERSON = 18


@pytest.fixture(scope="session")
def person() -> tuple[Bone, ...]:
    """Left femur and whole pelvis."""
    return reconstruction(PERSON)


@pytest.fixture(scope="session")
def cut() -> Callable[[Bone, np.ndarray], Bone]:
    """Keep some faces of a bone."""

    def kept(bone: Bone, mask: np.ndarray) -> Bone:
        used, faces = np.unique(bone.faces[mask], return_inverse=True)
        return replace(bone, vertices_mm=bone.vertices_mm[used], faces=faces.reshape(-1, 3))

    return kept


@pytest.fixture(scope="session")
def halves(person: tuple[Bone, ...], cut: Callable[[Bone, np.ndarray], Bone]) -> dict[Side, Bone]:
    """The pelvis cut through sacrum and symphysis, a little off the midline."""
    pelvis = person[1]
    x = pelvis.triangles_mm.mean(axis=1)[:, 0]
    middle = (x.min() + x.max()) / 2
    return {
        side: replace(cut(pelvis, -side.sign * (x - middle) > 4), name="hip_bone", side=side) for side in Side
    }


@pytest.fixture(scope="session")
def femora(person: tuple[Bone, ...]) -> dict[Side, Findings]:
    """The left femur's findings, and those of its mirror image in the place of the right one."""
    femur, pelvis = person
    x = pelvis.vertices_mm[:, 0]
    (other,) = mirrored((femur,))
    other = replace(other, vertices_mm=other.vertices_mm + [x.min() + x.max(), 0, 0])
    return {Side.LEFT: find_femur(femur), Side.RIGHT: find_femur(other)}


@pytest.fixture(scope="session")
def hip_bones(person: tuple[Bone, ...], femora: dict[Side, Findings]) -> dict[Side, Findings]:
    """Both sides of the pelvis."""
    left = femora[Side.LEFT].landmarks["femoral_head_centre"]
    return find_hip_bone(person[1], {Side.LEFT: (left.point_mm, left.detail["radius_mm"])})

"""The 26 people as bones: one frame, outward, as large and as placed as people are."""

from __future__ import annotations

import numpy as np
import pytest

from ischio._check import InputError
from ischio.atlas import reconstruction
from ischio.atlas.model import N_PEOPLE
from ischio.geometry.sampling import face_normals
from ischio.types import Side

LENGTH_MM = (330.0, 560.0)  # femora of adults, from small women to tall men
EDGE_MM = (1.0, 4.0)  # like a bone from CT


@pytest.mark.parametrize("person", range(0, N_PEOPLE, 5))
def test_a_person_is_a_femur_and_a_pelvis(person: int) -> None:
    femur, pelvis = reconstruction(person)
    assert (femur.name, femur.side, pelvis.name, pelvis.side) == ("femur", Side.LEFT, "pelvis", None)
    assert femur.frame == pelvis.frame
    assert femur.frame.kind == "patient"
    assert LENGTH_MM[0] < np.ptp(femur.vertices_mm[:, 2]) < LENGTH_MM[1]
    for bone in (femur, pelvis):
        normals, areas = face_normals(bone.triangles_mm)
        outwards = (areas * np.einsum("ij,ij->i", normals, bone.triangles_mm.mean(axis=1))).sum()
        assert outwards > 0
        assert EDGE_MM[0] < bone.edge_mm < EDGE_MM[1]
    # Patient LPS: the left femur hangs below the pelvis, on its left.
    assert femur.vertices_mm[:, 2].min() < pelvis.vertices_mm[:, 2].min() - 200
    assert femur.vertices_mm[:, 0].mean() > pelvis.vertices_mm[:, 0].mean() + 50


def test_people_differ_and_live_in_frames_of_their_own() -> None:
    one, two = reconstruction(3)[0], reconstruction(4)[0]
    assert one.frame != two.frame
    assert np.abs(one.vertices_mm - two.vertices_mm).max() > 1.0
    np.testing.assert_array_equal(one.faces, two.faces)


def test_the_source_names_the_model_and_its_licence() -> None:
    for bone in reconstruction(18):
        assert "MPL-2.0" in bone.source
        assert "person 18" in bone.source


def test_nobody_is_an_error() -> None:
    with pytest.raises(InputError, match="got person 26; expected 0 to 25"):
        reconstruction(26)

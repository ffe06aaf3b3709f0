"""Symptoms seen on bones, each with the smallest input that showed it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ischio._check import AnatomyError
from ischio.atlas import reconstruction
from ischio.atlas.template import pelvis_template
from ischio.geometry.sections import section
from ischio.landmarks import find_pelvis
from ischio.landmarks.hip_bone import find_hip_bone, rim_of
from ischio.measures import REGISTRY, take
from ischio.types import Hip, Side
from ischio.validation.invariance import moved

BY_NAME = {one.name: one for one in REGISTRY}
ROOF_MM = 45.0  # the wing lies farther from the socket's centre
SEAM_DEG = 1e-6  # between two segments that meet, of which each is cut by itself: rounding
RAY_DEG = 1.0  # a soft edge is read a few tenths of a millimetre beside its corner
OUTWARDS_MM = -1.0  # the fitted model's rim may stand that much too far out


@pytest.mark.parametrize("person", [0, 3])
def test_the_acetabular_rim_sank_into_the_socket(person: int) -> None:
    """In a deep socket the rim's plane lies inwards of its centre; "away from the centre" is then inwards."""
    pelvis = reconstruction(person)[1]
    for side, found in find_hip_bone(pelvis, {}).items():
        assert found.fit is not None
        template = pelvis_template(side)
        rim = rim_of(pelvis, found.fit, template)
        lateral = -side.sign * found.fit.rotation[:, 0]
        moved_mm = (rim.mean(axis=0) - found.fit.vertices_mm[template.rim].mean(axis=0)) @ lateral
        assert moved_mm > OUTWARDS_MM, side


def test_the_rim_stopped_inside_a_flared_roof() -> None:
    """Its corner lay outside the surface that was searched, so the lateral centre-edge angle read 14 less."""
    pelvis, _ = find_pelvis(
        reconstruction(0),
        axes="LPS",
        sides=tuple(Side),
        posture="model",
        progress=lambda _words, _share: None,
    )
    for hip in pelvis.hips:
        measured = take(BY_NAME["lateral_centre_edge_angle"], hip, hip.side).value
        assert measured == pytest.approx(_past_the_roof_deg(hip), abs=RAY_DEG), hip.side


def _past_the_roof_deg(hip: Hip) -> float:
    """Angle from upright to the first ray from the socket's centre that passes the roof, from the front."""
    forward, up, right = hip.frames["pelvis_app_from_patient"].matrix[:3, :3]
    centre = hip.landmarks["acetabular_centre"].point_mm
    assert hip.hip_bone is not None
    away = section(hip.hip_bone.vertices_mm, hip.hip_bone.faces, centre, forward)[0] - centre
    roof = away[np.linalg.norm(away, axis=2).min(axis=1) < ROOF_MM]
    ends = np.sort(np.degrees(np.arctan2(hip.side.sign * roof @ right, roof @ up)), axis=1)
    ray = 0.0
    while (hidden := ends[(ends[:, 0] <= ray + SEAM_DEG) & (ends[:, 1] > ray + SEAM_DEG)]).size:
        ray = float(hidden[:, 1].max())
    return ray


def test_a_femoral_head_beside_the_pelvis_hid_the_bones_of_two_people() -> None:
    """A head near the wing of another's pelvis was taken for the place of the socket."""
    femur, pelvis = reconstruction(18)
    away = moved((femur,), np.eye(3), np.array([0.0, 0.0, 150.0]))
    with pytest.raises(AnatomyError, match="mm from its socket"):
        find_pelvis(
            (*away, pelvis),
            axes="LPS",
            sides=(Side.LEFT,),
            posture="model",
            progress=lambda _words, _share: None,
        )


def test_a_femur_without_its_head_was_laid_upside_down() -> None:
    """A condyle passed for the head, and the lesser trochanter was found at the knee."""
    femur, _ = reconstruction(18)
    low = femur.triangles_mm.mean(axis=1)[:, 2] < 1000.0
    used, faces = np.unique(femur.faces[low], return_inverse=True)
    part = replace(femur, vertices_mm=femur.vertices_mm[used], faces=faces.reshape(-1, 3))
    pelvis, _ = find_pelvis(
        (part,), axes="unknown", sides=(Side.LEFT,), posture="model", progress=lambda _words, _share: None
    )
    assert pelvis.left is not None
    assert dict(pelvis.left.landmarks) == {}
    assert (
        "head" in pelvis.left.reasons["lesser_trochanter_tip"]
        or "unlike" in (pelvis.left.reasons["lesser_trochanter_tip"])
    )

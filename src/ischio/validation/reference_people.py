"""Make the packaged gaps of reference people again: ``python -m ischio.validation.reference_people``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

import ischio.atlas
from ischio._check import Array
from ischio.atlas import reconstruction
from ischio.atlas.model import N_PEOPLE
from ischio.atlas.reference_gaps import FILE, SEATED, packed
from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import gaps_of_paths
from ischio.motion.gait import gait_gaps, gait_path
from ischio.motion.joint import joint_of
from ischio.motion.pairs import CREST, GREATER, SPACE, Pair
from ischio.motion.pose_sets import pose_path
from ischio.motion.sweep import clearance, swept
from ischio.types import Hip, Side
from ischio.validation.people import assessed

PUBLISHED_PATHS = {
    f"kivlan_2016_{abduction:.0f}": [[90.0, -abduction, -60.0], [0.0, -abduction, -60.0]]
    for abduction in (0.0, 30.0)
}
"""Extension from 90 degrees of flexion in external rotation 60, as in a published experiment."""
_MEET = (GREATER, CREST)  # the lesser trochanter comes after these on these paths

Gaps = dict[tuple[str, tuple[str, str]], Array]


def reference_of(people: Iterable[int], *, jobs: int = 1) -> Gaps:
    """Gaps of people of the shape model along every path, and through the built-in cycle of walking.

    Parameters
    ----------
    people : iterable of int
    jobs : int

    Returns
    -------
    dict of (path name, pair) to array of shape (number of people, P), mm
    """
    rows: dict[tuple[str, tuple[str, str]], list[Array]] = {}
    for person in people:
        hip = assessed(reconstruction(person), "model").left
        assert hip is not None  # the shape model has a left femur
        gaps, reasons = gaps_of_paths(hip, jobs=jobs)
        assert not reasons, reasons  # every person has every region
        for key, found in gaps.items():
            rows.setdefault(key, []).append(found.gap_mm)
        for path, corners in PUBLISHED_PATHS.items():
            for pair in _MEET:
                found = clearance(hip, pose_path(corners, zeros=("app", "pca")), pair=pair, jobs=jobs)
                rows.setdefault((path, pair), []).append(found.gap_mm)
                rows.setdefault((path + SEATED, pair), []).append(_seated(hip, corners, pair, jobs))
        for name, one in gait_gaps(hip, average_cycle(Side.LEFT), jobs=jobs).gaps.items():
            rows.setdefault((gait_path(name), SPACE), []).append(one.gap_mm)
    return {key: np.array(values) for key, values in rows.items()}


def _seated(hip: Hip, corners: list[list[float]], pair: Pair, jobs: int) -> Array:
    """Gaps along a path, with the femoral head's centre in the socket's."""
    joint = joint_of(hip, "app", "pca")
    joint = replace(joint, centre_mm=joint.pelvic(hip.point("acetabular_centre")))
    moving, fixed = (hip.region_triangles(name) for name in pair)
    assert hip.hip_bone is not None  # a region of it is there
    solid = hip.hip_bone.triangles_mm
    return swept(joint, moving, fixed, solid, pose_path(corners).angles_deg, jobs=jobs).gap_mm


if __name__ == "__main__":
    place = Path(next(iter(ischio.atlas.__path__))) / "data" / FILE
    place.write_text(packed(reference_of(range(N_PEOPLE))), encoding="utf-8", newline="\n")
    sys.stdout.write(f"{place.name}: {place.stat().st_size} bytes\n")

"""Studies of phantom hips for the pages and pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ischio import phantoms
from ischio.measures import run
from ischio.types import Pelvis, Side, Study

MakeStudy = Callable[..., Study]


@pytest.fixture(scope="session")
def make_study() -> MakeStudy:
    """A study of a pelvis: by default two phantom hips with gaps of 12 and 9 mm."""

    def make(pelvis: Pelvis | None = None, **more: Any) -> Study:
        pelvis = phantoms.pelvis() if pelvis is None else pelvis
        bones = tuple(bone for hip in pelvis.hips for bone in (hip.hip_bone, hip.femur) if bone is not None)
        given: dict[str, Any] = {
            "case_id": "phantom",
            "pelvis": pelvis,
            "bones": bones,
            "measurements": run(pelvis, tuple(Side)),
            "settings": {"axes": "LPS", "sides": ["right", "left"]},
        }
        return Study(**(given | more))

    return make

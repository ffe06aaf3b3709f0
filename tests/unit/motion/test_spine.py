"""What a blocked hip asks of the spine, against figures worked out by hand."""

from __future__ import annotations

import pytest

from ischio._check import InputError
from ischio.motion import spine
from ischio.motion.whole import MotionSettings, _evidence
from ischio.types import Side

FUSED = spine.fused_parts(["L4-S1", "sacroiliac_left", "sacroiliac_right"])


def test_the_smaller_limit_counts() -> None:
    bone = spine.deficit("walking", 11.0, 4.0, 15.0)
    assert (bone.limit_deg, bone.limited_by, bone.deficit_deg) == (4.0, "bone", 7.0)
    soft = spine.deficit("walking", 11.0, 31.0, 5.0)
    assert (soft.limit_deg, soft.limited_by, soft.deficit_deg) == (5.0, "soft tissue", 6.0)
    free = spine.deficit("walking", 11.0, None, 15.0)
    assert free.deficit_deg == 0.0


def test_fused_levels_and_joints_change_the_lumbar_scenario_as_they_must() -> None:
    """Deficit 12. By hand, all mobile: at least 5+3+1+2+5 = 16, so 12 to 12 is covered.

    L4 to S1 and both joints fused: extension 5+3+1 = 9, half of 12+14+15 = 20.5: 9 to 12 covered, 0 to 3
    left. Shares of L3-L4: 15/41 and 1/9, so from 9/9 = 1.0 to 12 x 15/41 = 4.39 degrees.
    """
    whole, _, _ = spine.scenarios(12.0, 14.0, (), "sacroiliac_left")
    assert whole.covers_deg == (12.0, 12.0)
    assert whole.left_deg == (0.0, 0.0)
    assert {part.what: (part.low, part.high) for part in whole.parts}["sacroiliac_left"] == (0.0, 2.0)
    lumbar, pelvis, knee = spine.scenarios(12.0, 14.0, FUSED, "sacroiliac_left")
    assert lumbar.covers_deg == (9.0, 12.0)
    assert lumbar.left_deg == (0.0, 3.0)
    parts = {part.what: (part.low, part.high) for part in lumbar.parts}
    assert parts["L3-L4"] == pytest.approx((1.0, 12 * 15 / 41))
    assert parts["L1-L2"] == pytest.approx((9 * 12 / 41, 12 * 5 / 9))
    assert parts["L2-L3"] == pytest.approx((9 * 3 / 9, 12 * 14 / 41))
    assert parts["L4-L5"] == parts["L5-S1"] == parts["sacroiliac_left"] == (0.0, 0.0)
    assert "mobile: L1-L2, L2-L3, L3-L4;" in lumbar.words
    assert "is fused" in lumbar.words
    # Fusion takes nothing from the other two.
    assert (pelvis, knee) == spine.scenarios(12.0, 14.0, (), "sacroiliac_left")[1:]


def test_no_mobile_level_covers_nothing() -> None:
    every = spine.fused_parts(["L1-S1", "sacroiliac_right"])
    lumbar, _, _ = spine.scenarios(6.0, 11.0, every, "sacroiliac_right")
    assert lumbar.covers_deg == (0.0, 0.0)
    assert lumbar.left_deg == (6.0, 6.0)
    assert "no level" in lumbar.words


def test_pelvis_step_and_knee_by_hand() -> None:
    """Half width 85 mm, leg 850 mm, 10 degrees: 85 sin 10 = 14.76 mm, 0.995 degree of extension."""
    _, pelvis, knee = spine.scenarios(4.0, 10.0, (), "sacroiliac_left", half_width_mm=85.0, leg_mm=850.0)
    parts = {part.what: (part.low, part.high) for part in pelvis.parts}
    assert parts["extension that it saves"] == pytest.approx((0.0, 0.9948), abs=1e-3)
    assert parts["backward step shorter by"] == pytest.approx((30.05, 40.0), abs=0.01)
    assert knee.parts[0].low == 4.0
    assert knee.parts[0].high == 8.0


def test_without_a_deficit_nothing_is_asked() -> None:
    for way in spine.scenarios(0.0, 9.0, FUSED, "sacroiliac_right"):
        assert way.left_deg == (0.0, 0.0)
        assert all(part.high == 0 for part in way.parts)
    for way in spine.scenarios(0.0, 0.0, (), "sacroiliac_right"):
        assert all(part.high == 0 for part in way.parts)


def test_names_of_levels() -> None:
    assert spine.fused_parts(["l4-l5"]) == ("L4-L5",)
    assert spine.fused_parts(["L1-S1"]) == spine.LEVELS
    for wrong in ("L5-L4", "T12-L1", "sacrum", "L4", ""):
        with pytest.raises(InputError, match="fused levels"):
            spine.fused_parts([wrong])


def test_a_fused_level_voids_the_cadaver_result_there() -> None:
    assert "L4-L5 is fused" in _evidence(FUSED)[-1]
    assert "L3-L4 at most" in _evidence(FUSED)[-1]
    assert len(_evidence(())) == len(spine.evidence_words())
    assert "no level at most" in _evidence(spine.fused_parts(["L3-L5"]))[-1]
    assert any(text.startswith("Against") for text in spine.evidence_words())


def test_a_measured_extension_takes_the_place_of_the_default() -> None:
    settings = MotionSettings(passive_extension_deg={Side.LEFT: -10.0})  # a contracture
    assert settings.soft_tissue(Side.LEFT) == -10.0
    assert settings.soft_tissue(Side.RIGHT) == spine.soft_tissue_deg()
    with pytest.raises(ValueError, match="passive extension, left"):
        MotionSettings(passive_extension_deg={Side.LEFT: 90.0})
    with pytest.raises(ValueError, match="soft-tissue limit"):
        MotionSettings(soft_tissue_deg=-50.0)

"""Names that people and programs give to bones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ischio._check import InputError
from ischio.io.names import ACCEPTED, check_bones, option, read_mapping, read_name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *((text, "femur_left") for text in (
            "femur_left Femur_L femur_l left_femur L_Femur lfemur FemurL FemurLeft FEMUR_LEFT femur-left "
            "l-femur femurleft LFemur 001_femur_left S01_Femur_L_20k proximal_femur_left "
            "LeftFemur femur.left sub-01_femur_L_smooth os_femur_sin Thighbone_L"
        ).split()),
        *((text, "femur_left") for text in ("Femur Left", "Segment_femur_left", "Left femur bone (3)")),
        *((text, "femur_right") for text in "Femur_R R_Femur femur-right rfemur femur_rechts".split()),
        *((text, "hip_bone_left") for text in (
            "hip_left Hip_L os_coxae_left hip_bone_left innominate_l HipBoneLeft hipbone_left l_pelvis "
            "hemipelvis_left HemiPelvis_L hemi_pelvis_left pelvis_left coxa_sinistra lhip"
        ).split()),
        ("Os coxae dextra", "hip_bone_right"),
        ("innominate_r", "hip_bone_right"),
        *((text, "pelvis") for text in (
            "pelvis Pelvis pelvis_no_sacrum pelvis_with_sacrum PelvisWithoutSacrum bony_pelvis hips "
            "sacrum_and_pelvis"
        ).split()),
        *((text, "sacrum") for text in "sacrum Sacrum os_sacrum Segment_sacrum sacrum_left".split()),
        *((text, "tibia_right") for text in "tibia_right Tibia_R r_tibia".split()),
    ],
)  # fmt: skip
def test_a_bone_is_understood(text: str, meant: str) -> None:
    name = read_name(text)
    assert (name.verdict, name.text) == ("bone", meant)


@pytest.mark.parametrize("text", ["femur", "Hip", "os coxae", "femur_2", "proximal femur"])
def test_a_side_is_missed(text: str) -> None:
    assert read_name(text).verdict == "no side"


@pytest.mark.parametrize(
    "text",
    "fibula_left Patella_L vertebrae_L5 skin rib_left_1 tibia femur_left_cartilage femoral_head_left "
    "femur_head_L hip_implant gluteus_maximus_left iliopsoas_right autochthon_left iliac_vena_left "
    "acetabulum_left".split(),
)
def test_what_is_not_used_is_known(text: str) -> None:
    assert read_name(text).verdict == "other"


@pytest.mark.parametrize(
    "text",
    ["mesh", "", "Segment_1", "femur_left_right", "hip_femur_left", "femur_and_tibia_left", "femur_fibula_l",
     "L", "pelvis_sacrum_left", "Müller", "spleen"],
)  # fmt: skip
def test_what_is_unclear_is_not_guessed(text: str) -> None:
    assert read_name(text).verdict == "unknown"


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    assert read_name(text).verdict in ("bone", "no side", "other", "unknown")


@given(st.sampled_from(("femur_left", "hip_bone_right", "pelvis", "sacrum", "tibia_left")))
def test_our_own_spelling_is_read_back(text: str) -> None:
    assert read_name(text).text == text


def test_a_mapping_is_read() -> None:
    meant = read_mapping({"a.stl": "Femur L", "b.stl": "ignore"}, ["a.stl", "b.stl", "c.stl"], "case")
    assert [meant[key].text for key in ("a.stl", "b.stl")] == ["femur_left", ""]
    assert meant["b.stl"].verdict == "other"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"c.stl": "femur_left"}, r"case: got the option for 'c.stl'; expected one of \['a.stl', 'b.stl'\]"),
        ({"a.stl": "femur"}, "case: a.stl: got the bone 'femur'"),
        ({"a.stl": "fibula_left"}, "expected femur_left, femur_right"),
        ({"a.stl": "knochen"}, "Correct the option"),
    ],
)
def test_a_wrong_mapping_is_refused(mapping: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_mapping(mapping, ["a.stl", "b.stl"], "case")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["femur.stl", "hip.stl"], "no side in 'femur.stl', 'hip.stl'.*--bone femur_left=femur.stl"),
        (
            ["femur_left.stl", "Femur_L.ply"],
            "femur_left twice, 'femur_left.stl' and 'Femur_L.ply'.*--bone ignore=",
        ),
        (["sacrum.stl", "Sacrum 2.stl"], "sacrum twice"),
        (["pelvis.stl", "hip_left.stl"], r"the pelvis 'pelvis.stl' and the hip bones \['hip_left.stl'\]"),
        (["pelvis_no_sacrum.stl", "pelvis_with_sacrum.stl"], "pelvis twice"),
    ],
)
def test_bones_that_contradict_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_bones([(name, read_name(name.rsplit(".", 1)[0])) for name in names], "case")


def test_bones_that_agree_pass() -> None:
    check_bones(
        [(n, read_name(n)) for n in ("femur_l", "femur_r", "pelvis", "sacrum", "fibula", "x")], "case"
    )


def test_the_option_is_quoted_for_a_shell() -> None:
    assert option("Femur 1.stl", "femur_left") == "--bone femur_left='Femur 1.stl'"


def test_every_accepted_name_is_accepted() -> None:
    for name in ACCEPTED.replace(" or ", ", ").split(", "):
        assert read_mapping({"a": name}, ["a"], "case")

"""What facts of a record are called on the page for the patient: everyday words, no figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORDS: Mapping[str, str] = {
    "low_back_pain": "pain in the lower back",
    "posterior_hip_pain": "pain at the back of the hip",
    "hip_pain": "pain in the hip",
    "lying_on_the_side": "lying on the side",
    "climbing_stairs": "climbing stairs",
    "cortisone_injection": "an injection of cortisone",
    "analgesics": "pain killers",
    "abductor_strengthening": "exercises for the muscles at the side of the hip",
    "short_strides_at_normal_speed": "walking with short steps",
    "abducted_hips_when_walking_faster": "walking with the legs further apart",
    "lumbar_fusion": "an operation that joined bones of the lower back",
    "sacroiliac_fusion": "an operation that joined spine and pelvis",
    "neuromodulator_implantation": "an implant that changes pain signals",
    "neuromodulator_revision": "a second operation on the implant that changes pain signals",
    "lesser_trochanter_resection": "an operation to make room between thigh bone and sit bone",
    "quadratus_femoris_oedema": "swelling in the muscle between thigh bone and sit bone",
    "quadratus_femoris_fat": "fat in the muscle between thigh bone and sit bone",
    "decreased_lesser_trochanter_ischium_distance": "little room between thigh bone and sit bone",
    "hamstring_partial_tear": "a partly torn tendon at the sit bone",
    "hamstring_tear": "a torn tendon at the sit bone",
    "gluteus_minimus_partial_tear": "a partly torn tendon at the side of the hip",
    "gluteus_medius_partial_tear": "a partly torn tendon at the side of the hip",
    "central_stenosis": "a narrow spinal canal",
    "foraminal_stenosis": "narrow openings for the nerves of the back",
    "heterotopic_ossification": "new bone in the muscles after the operation",
    "hip_osteoarthritis": "wear of the hip joint",
    "hip_flexor_weakness": "weakness in lifting the leg",
}
UNTOLD = frozenset(
    "femoral_version head_centre_medial_to_posterior_wall medialised_femoral_head spinal_fusion_hardware "
    "sacroiliac_implants neuromodulator ischiofemoral_space quadratus_femoris_space "
    "enlarged_ischial_tuberosity".split()
)
"""Findings that mean nothing without an explanation in person."""

SCORES: Mapping[str, str] = {
    "ODI": "daily life with back pain",
    "mHHS": "daily life with the hip",
    "iHOT-12": "daily life with the hip",
    "HOS": "daily life and sport with the hip",
    "HOOS-12": "daily life with the hip",
    "HAGOS": "daily life with hip and groin",
    "pain NRS": "pain",
    "pain VAS": "pain",
}


def plain_word(name: str) -> str:
    """A name of the record in everyday words, or as it is with blanks.

    Examples
    --------
    >>> plain_word("low_back_pain"), plain_word("ice")
    ('pain in the lower back', 'ice')
    """
    return WORDS.get(name, name.replace("_", " "))


def sided(words: str, side: str | None) -> str:
    """Words with a side, as one says it.

    Examples
    --------
    >>> sided("pain in the hip", "both"), sided("ice", None)
    ('pain in the hip, on both sides', 'ice')
    """
    return words + {"left": ", on the left", "right": ", on the right", "both": ", on both sides"}.get(
        side or "", ""
    )


def patient_lines(plain: Mapping[str, Any]) -> dict[str, list[str]]:
    """The lists of the page for the patient.

    Parameters
    ----------
    plain : mapping
        As ``record.letter.plain_letter`` gives it.

    Returns
    -------
    dict
        Lists of sentences: ``symptoms``, ``worse``, ``tried``, ``helped``, ``operations``, ``shown``,
        ``not_there``, ``possible``, ``unlikely``, ``next``, ``scores``.
    """
    record = plain["record"]
    symptoms = record.get("symptoms", [])
    findings = [one for one in record.get("findings", []) if one["what"] not in UNTOLD]
    care = record.get("care", [])
    lists = {
        "symptoms": [_symptom(one) for one in symptoms],
        "worse": [plain_word(what) for one in symptoms for what in one.get("aggravated_by", [])],
        "tried": [plain_word(one["what"]) for one in care if one.get("result") == "failed"],
        "helped": [
            plain_word(one["what"]) for one in care if one.get("result") in ("relief", "partial_relief")
        ],
        "operations": [
            sided(plain_word(one["what"]), one.get("side")) for one in record.get("operations", [])
        ],
        "shown": [
            sided(plain_word(one["what"]), one.get("side")) for one in findings if one.get("present", True)
        ],
        "not_there": [plain_word(one["what"]) for one in findings if not one.get("present", True)],
        "possible": plain["possible"],
        "unlikely": plain["unlikely"],
        "next": plain["next"],
        "scores": [
            f"{sided(SCORES[one['instrument']], one['side'])}: {one['word']}" for one in plain["scores"]
        ],
    }
    return {name: [heading_of(one) for one in dict.fromkeys(lines)] for name, lines in lists.items()}


def heading_of(words: str) -> str:
    """Words with a capital at the front."""
    return words[:1].upper() + words[1:]


def _symptom(one: Mapping[str, Any]) -> str:
    """A symptom with its side and the side where it is worse."""
    worse = one.get("worse_side")
    return sided(plain_word(one["what"]), one.get("side")) + (f", worse on the {worse}" if worse else "")

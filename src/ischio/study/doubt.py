"""What quality control found, carried to the numbers: voided, or with a larger sigma, and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ischio.bones.quality import QualityFinding
from ischio.measures import REGISTRY
from ischio.types import Hip, Measurement, Pelvis, Side, side_word

HEAD_OFF_MM = 3.0
_MAY_HIDE = ("field_of_view", "closedness", "metal", "prosthesis")
_FEMUR_WORDS = ("femoral", "femur", "trochanter", "neck", "condyl", "knee", "shaft")
MODEL_RMS_MM = 4.5  # of the laid shape model; whole adult bones stay below 3.5, cut ones below 4


def hip_findings(pelvis: Pelvis) -> tuple[QualityFinding, ...]:
    """Findings that need landmarks: heads outside their sockets, bones unlike the shape model.

    Parameters
    ----------
    pelvis : Pelvis

    Returns
    -------
    tuple of QualityFinding
    """
    found = []
    for hip in pelvis.hips:
        head, socket = (hip.landmarks.get(name) for name in ("femoral_head_centre", "acetabular_centre"))
        if head is not None and socket is not None:
            apart = float(np.linalg.norm(head.point_mm - socket.point_mm))
            if apart > HEAD_OFF_MM:
                found.append(
                    QualityFinding(
                        "head_to_socket",
                        f"{hip.side.value} hip",
                        hip.side,
                        "note",
                        f"{hip.side.value} hip: head and socket centres {apart:.1f} mm apart",
                        apart,
                        "mm",
                        f"at most {HEAD_OFF_MM:g} mm",
                    )
                )
        for region in hip.regions.values():
            rms = region.detail.get("model_rms_mm")
            if rms is not None and rms > MODEL_RMS_MM:
                found.append(
                    QualityFinding(
                        "shape",
                        f"{hip.side.value} {region.bone}",
                        hip.side,
                        "doubt",
                        f"{hip.side.value} {region.bone.replace('_', ' ')}: the shape model fits within "
                        f"{rms:.1f} mm only",
                        float(rms),
                        "mm",
                        f"at most {MODEL_RMS_MM:g} mm",
                        (region.name,),
                        float(rms) - MODEL_RMS_MM,
                    )
                )
                break
    return tuple(found)


def carried(
    measurements: Sequence[Measurement], pelvis: Pelvis, findings: Iterable[QualityFinding]
) -> tuple[tuple[Measurement, ...], tuple[Mapping[str, Any], ...]]:
    """Carry findings to the measurements they touch.

    Parameters
    ----------
    measurements : sequence of Measurement
    pelvis : Pelvis
    findings : iterable of QualityFinding

    Returns
    -------
    measurements : tuple of Measurement
        Voided ones have no value and the finding as reason; doubtful ones a larger sigma (lengths) and the
        finding in ``detail["doubt"]``.
    rows : tuple of mapping
        The findings as plain values, each with the measures it voids or puts in doubt.
    """
    needs = {one.name: one.needs for one in REGISTRY}
    out, rows = list(measurements), []
    for finding in findings:
        touched = _touched(finding, pelvis)
        hit = [
            n
            for n, one in enumerate(measurements)
            if any((one.side, name) in touched for name in needs.get(one.name, ()))
        ]
        for n in hit:
            out[n] = _changed(out[n], finding)
        rows.append(
            {
                "kind": finding.kind,
                "bone": finding.bone,
                "side": side_word(finding.side),
                "verdict": finding.verdict,
                "words": finding.words,
                "value": finding.value,
                "unit": finding.unit,
                "limit": finding.limit,
                "measures": sorted(
                    {f"{side_word(measurements[n].side)} {measurements[n].name}" for n in hit}
                ),
            }
        )
    return tuple(out), tuple(rows)


def _measure_name(one: Measurement) -> str:
    """Name of a measure with its side, if it has one."""
    return one.name if one.side is None else f"{one.side.value} {one.name}"


def _touched(finding: QualityFinding, pelvis: Pelvis) -> set[tuple[Side | None, str]]:
    """Side and name of every landmark, region and bone that a finding touches; of the pelvis, too."""
    found: set[tuple[Side | None, str]] = set()
    for hip in pelvis.hips:
        if finding.side in (None, hip.side):
            names = {name for name in finding.touches if name in hip.landmarks or name in hip.regions}
            names |= _near(finding, hip) | _missing(finding, hip)
            found |= {(hip.side, name) for name in names}
            found |= {(None, f"{hip.side.value} {name}") for name in names}
    if finding.points_mm is not None:
        for name, landmark in pelvis.landmarks.items():
            if np.linalg.norm(finding.points_mm - landmark.point_mm, axis=1).min() <= finding.near_mm:
                found.add((None, name))
    return found


def _missing(finding: QualityFinding, hip: Hip) -> set[str]:
    """What was not found on a bone that is cut, broken open or holds metal: this may be why."""
    if finding.kind not in _MAY_HIDE or finding.side is None:
        return set()
    names = {name for name in hip.reasons if name not in hip.landmarks and name not in hip.regions}
    of_femur = {name for name in names if any(word in name for word in _FEMUR_WORDS)}
    return (of_femur if "femur" in finding.bone else set()) | (
        names - of_femur if "hip_bone" in finding.bone or "pelvis" in finding.bone else set()
    )


def _near(finding: QualityFinding, hip: Hip) -> set[str]:
    """Landmarks and regions of a hip near the place of a finding."""
    if finding.points_mm is None:
        return set()
    from scipy.spatial import cKDTree

    tree = cKDTree(finding.points_mm)
    places = {name: one.point_mm[None] for name, one in hip.landmarks.items()}
    places |= {name: hip.region_triangles(name).mean(axis=1) for name in hip.regions}
    return {name for name, at in places.items() if tree.query(at)[0].min() <= finding.near_mm}


def _changed(one: Measurement, finding: QualityFinding) -> Measurement:
    """A measurement after a finding."""
    if one.value is None or finding.verdict == "note":
        return one
    if finding.verdict == "void":
        return replace(
            one,
            value=None,
            sigma=None,
            posture=None,
            points_mm=None,
            reason=f"quality control: {finding.words}",
        )
    detail = {**one.detail, "doubt": [*one.detail.get("doubt", ()), finding.words]}
    sigma = one.sigma
    if sigma is not None and one.unit == "mm":
        sigma = float(np.hypot(sigma, finding.sigma_mm))
    return replace(one, sigma=sigma, detail=detail)

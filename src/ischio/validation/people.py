"""People whose truth is known from elsewhere: raters' points, published gaps, the shape model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas import reconstruction
from ischio.atlas.model import N_PEOPLE, similarity
from ischio.bones.surface import bones_from_input
from ischio.geometry.sampling import sample_surface
from ischio.geometry.spheres import fit_sphere
from ischio.io.case import read_input
from ischio.io.landmark_names import LANDMARK_BONES
from ischio.landmarks import find_pelvis
from ischio.measures import run
from ischio.types import Bone, Hip, Pelvis, Side
from ischio.validation.raters_motion import motion_rows
from ischio.validation.rows import Row, compared, skipped

Tell = Callable[[str, float], None]
RATED = "vsd_z013"
_RATED_SOURCE = "Fischer 2023, Sci Data, woman z013: 5 raters x 4 trials"
# Read off the raters' own bones with regions drawn by hand, one decimal.
_RATED_GAPS_MM = {Side.LEFT: 5.1, Side.RIGHT: 7.0}
_GAP_TOLERANCE_MM = 0.1
_HEAD_TOLERANCE_MM = 1.0
_TIP_TOLERANCE_MM = 3.0
# What a landmark may differ from the raters' mean: 1.5 of their spread, at least 4 and at most 8 mm.
_SPREAD_SHARE, _LEAST_TOLERANCE_MM, _MOST_TOLERANCE_MM = 1.5, 4.0, 8.0
_FEMUR_NAMES = {
    "Superior Greater Trochanter (SGT)": "greater_trochanter_superior",
    "Posterior Intertrochanteric Crest (PITC)": "intertrochanteric_crest_posterior",
    "Posterior Lateral Condyle (PLC)": "posterior_condyle_lateral",
    "Posterior Medial Condyle (PMC)": "posterior_condyle_medial",
    "Proximoposterior Lateral Condyle (PPLC)": "proximoposterior_condyle_lateral",
    "Proximoposterior Medial Condyle (PPMC)": "proximoposterior_condyle_medial",
    "Lateral Epicondyle (LEC)": "epicondyle_lateral",
    "Medial Epicondyle (MEC)": "epicondyle_medial",
    "Intercondylar Notch (ICN)": "intercondylar_notch",
    "Distal Lateral Condyle (DLC)": "distal_condyle_lateral",
    "Distal Medial Condyle (DMC)": "distal_condyle_medial",
}
_HIP_NAMES = {
    "ASIS": "asis",
    "AIIS": "aiis",
    "PSIS": "psis",
    "PIIS": "piis",
    "Pubic Tubercle (PT)": "pubic_tubercle",
    "Ischial Spine (IS)": "ischial_spine",
}
_MIDLINE_NAMES = {"Sacral Center (SC)": "sacral_centre", "Sacral Promontory (SP)": "sacral_promontory"}
_SYMMETRY_TOLERANCE_MM = 5.0  # bones themselves differ by 2 to 3 mm between sides
_LEAST_SHARED = 4  # landmarks that fix a motion with some to spare
_RATER_PATCH_MM = 10.0  # mesh within this of a rater's point on the head
# Model posture is no standing posture: only a gross fault leaves this range.
_MODEL_GAPS_MM = (10.0, 35.0)


def read_person(folder: Path) -> tuple[Bone, ...]:
    """Cleaned bones of a folder in patient LPS."""
    return bones_from_input(read_input(folder, axes="LPS"))


def assessed(bones: tuple[Bone, ...], posture: str = "as_supplied") -> Pelvis:
    """Pelvis with landmarks and regions, both sides."""
    pelvis, _ = find_pelvis(
        bones, axes="LPS", sides=tuple(Side), posture=posture, progress=lambda _words, _share: None
    )
    return pelvis


def _gap(pelvis: Pelvis, side: Side) -> tuple[float | None, Any]:
    """Value and points of the ischiofemoral space, or None."""
    for one in run(pelvis, (side,)):
        if one.name == "ischiofemoral_space_3d" and one.side is side:
            return one.value, one.points_mm
    return None, None


def rater_points(folder: Path) -> dict[str, Array]:
    """All readings of each landmark of the left femur and the pelvis, shape (20, 3) each, mm LPS."""
    content = json.loads((folder / "manual_landmarks.json").read_text(encoding="utf-8"))
    return {
        name: np.array([reading["xyz"] for reading in readings])
        for bone in ("femur_left", "pelvis")
        for name, readings in content["landmarks"][bone].items()
    }


def _landmark_rows(pelvis: Pelvis, readings: dict[str, Array]) -> list[Row]:
    """Every landmark that the raters read, and what their distances say of the stated sigmas."""
    named: list[tuple[str, Side | None, str]] = [
        (theirs, Side.LEFT, ours) for theirs, ours in _FEMUR_NAMES.items()
    ]
    named += [
        (f"{side.value.capitalize()} {theirs}", side, ours)
        for side in Side
        for theirs, ours in _HIP_NAMES.items()
    ]
    named += [(theirs, None, ours) for theirs, ours in _MIDLINE_NAMES.items()]
    rows, ratios, distances = [], [], []
    for theirs, side, ours in named:
        hip = pelvis.left if side is Side.LEFT else pelvis.right
        assert hip is not None  # the folder holds both
        marks = pelvis.landmarks if side is None else hip.landmarks
        points = readings[theirs]
        truth = points.mean(axis=0)
        spread = float(np.sqrt(((points - truth) ** 2).sum(axis=1).mean()))
        tolerance = max(_LEAST_TOLERANCE_MM, min(_SPREAD_SHARE * spread, _MOST_TOLERANCE_MM))
        where = ours if side is None else f"{ours}, {side.value}"
        if ours not in marks:
            rows.append(compared(f"{RATED}: {where}, distance", 0.0, np.inf, tolerance, "mm", _RATED_SOURCE))
            continue
        row = _distance_row(
            where, marks[ours].point_mm, truth, tolerance, f"{_RATED_SOURCE}, spread {spread:.1f} mm"
        )
        rows.append(row)
        distances.append(row.ours or 0.0)
        ratios.append((row.ours or 0.0) / marks[ours].sigma_mm)
    rows.append(
        compared(
            f"{RATED}: median distance of {len(distances)} landmarks",
            0.0,
            float(np.median(distances)),
            _LEAST_TOLERANCE_MM,
            "mm",
            _RATED_SOURCE,
        )
    )
    # Sigmas mean something when the distances are neither far below nor far above them.
    ratio = float(np.sqrt(np.mean(np.square(ratios))))
    rows.append(compared(f"{RATED}: rms of distance over sigma", 1.25, ratio, 0.75, "1", "between 0.5 and 2"))
    return rows


def rater_rows(folder: Path, tell: Tell) -> list[Row]:
    """The rated woman: gaps, head centre, trochanter tip.

    Parameters
    ----------
    folder : Path
        Holds her bones and ``manual_landmarks.json``.
    tell : callable

    Returns
    -------
    list of Row
    """
    if not (folder / "manual_landmarks.json").is_file():
        reason = "the reference data are not there"
        return [skipped("gap, head centre and trochanter tip against raters", "mm", _RATED_SOURCE, reason)]
    tell("the rated woman", 0.0)
    pelvis = assessed(read_person(folder))
    rows = []
    for hip in pelvis.hips:
        value, _ = _gap(pelvis, hip.side)
        name = f"{RATED}: ischiofemoral space, {hip.side.value}"
        rows.append(
            compared(
                name,
                _RATED_GAPS_MM[hip.side],
                value or np.inf,
                _GAP_TOLERANCE_MM,
                "mm",
                "regions drawn by hand",
            )
        )
        rows.append(_dense_row(hip, value))
    left = pelvis.left
    assert left is not None  # the folder holds both
    assert left.femur is not None
    readings = rater_points(folder)
    on_head = np.concatenate([points for name, points in readings.items() if "Femoral Head" in name])
    near = left.femur.vertices_mm[cKDTree(on_head).query(left.femur.vertices_mm)[0] < _RATER_PATCH_MM]
    centre, radius = fit_sphere(near)
    ours = left.landmarks["femoral_head_centre"]
    rows += [
        _distance_row(
            "femoral head centre, left",
            ours.point_mm,
            centre,
            _HEAD_TOLERANCE_MM,
            "sphere through the mesh around the raters' head points",
        ),
        compared(
            f"{RATED}: femoral head radius, left",
            radius,
            float(ours.detail["radius_mm"]),
            _HEAD_TOLERANCE_MM,
            "mm",
            _RATED_SOURCE,
        ),
        _distance_row(
            "lesser trochanter tip, left",
            left.point("lesser_trochanter_tip"),
            readings["Lesser Trochanter (LT)"].mean(axis=0),
            _TIP_TOLERANCE_MM,
            _RATED_SOURCE,
        ),
    ]
    rows += motion_rows(pelvis, readings, centre, RATED, _RATED_SOURCE)
    return rows + _landmark_rows(pelvis, readings)


def _distance_row(what: str, ours: Array, truth: Array, tolerance: float, source: str) -> Row:
    """Row for the distance between two points, whose truth is 0."""
    return compared(
        f"{RATED}: {what}, distance", 0.0, float(np.linalg.norm(ours - truth)), tolerance, "mm", source
    )


def _dense_row(hip: Hip, value: float | None) -> Row:
    """The gap against points strewn densely over both regions: never less, and hardly more."""
    first, second = (hip.region_triangles(name) for name in ("lesser_trochanter", "ischium"))
    strewn = [sample_surface(triangles, 400_000)[0] for triangles in (first, second)]
    dense = float(cKDTree(strewn[1]).query(strewn[0])[0].min())
    return compared(
        f"{RATED}: exact gap against strewn points, {hip.side.value}",
        dense,
        value or np.inf,
        _GAP_TOLERANCE_MM,
        "mm",
        "400,000 points on each of the same regions",
    )


def symmetry_rows(pelvis: Pelvis, who: str) -> list[Row]:
    """Right landmarks, seen in a mirror and laid over the left ones: no body is quite symmetric.

    Parameters
    ----------
    pelvis : Pelvis
    who : str

    Returns
    -------
    list of Row
        Root mean square distance for the hip bone and for the femur.
    """
    rows = []
    for bone in ("hip_bone", "femur"):
        what = f"{who}: left and right landmarks of the {bone.replace('_', ' ')}, root mean square distance"
        rms = asymmetry_mm(pelvis, bone)
        source = "the other side, mirrored and laid over"
        rows.append(
            skipped(what, "mm", source, "one side alone")
            if rms is None
            else compared(what, 0.0, rms, _SYMMETRY_TOLERANCE_MM, "mm", source)
        )
    return rows


def asymmetry_mm(pelvis: Pelvis, bone: str) -> float | None:
    """Root mean square distance of mirrored right landmarks of a bone from the left ones, or None.

    Parameters
    ----------
    pelvis : Pelvis
    bone : str
        "hip_bone" or "femur".

    Returns
    -------
    float or None
        After the rigid motion of least squares; None without both sides.
    """
    if pelvis.left is None or pelvis.right is None:
        return None
    names = [
        name
        for name, of in LANDMARK_BONES.items()
        if of == bone and name in pelvis.left.landmarks and name in pelvis.right.landmarks
    ]
    if len(names) < _LEAST_SHARED:
        return None
    left = np.array([pelvis.left.point(name) for name in names])
    right = np.array([pelvis.right.point(name) for name in names]) * [-1.0, 1.0, 1.0]
    rotation = similarity(right, left, np.ones(len(names)))[1]
    off = (right - right.mean(axis=0)) @ rotation.T - (left - left.mean(axis=0))
    return float(np.sqrt((off**2).sum(axis=1).mean()))


def model_people(tell: Tell) -> list[Pelvis]:
    """All 26 people of the shape model, assessed."""
    out = []
    for person in range(N_PEOPLE):
        out.append(assessed(reconstruction(person), "model"))
        tell("the shape model's people", (person + 1) / N_PEOPLE)
    return out


def model_rows(model: Sequence[Pelvis]) -> list[Row]:
    """All 26 people of the shape model: everything found, gaps of a plausible size.

    Parameters
    ----------
    model : sequence of Pelvis
        From ``model_people``.

    Returns
    -------
    list of Row
    """
    values = [_gap(pelvis, Side.LEFT)[0] for pelvis in model]
    missing = sum(value is None for value in values)
    gaps = [np.nan if value is None else value for value in values]
    asymmetries = [asymmetry_mm(pelvis, "hip_bone") or np.inf for pelvis in model]
    low, high = _MODEL_GAPS_MM
    middle = (low + high) / 2
    source = f"plausible range {low:g}-{high:g} mm, model posture; no published value holds for it"
    return [
        compared(
            "shape model: people of 26 without a gap",
            0.0,
            float(missing),
            0.0,
            "people",
            "every person has both bones",
        ),
        compared(
            "shape model: median ischiofemoral space",
            middle,
            float(np.nanmedian(gaps)),
            middle - low,
            "mm",
            source,
        ),
        compared(
            "shape model: median distance of left and right landmarks of the hip bone",
            0.0,
            float(np.median(asymmetries)),
            _SYMMETRY_TOLERANCE_MM,
            "mm",
            "the other side, mirrored and laid over",
        ),
    ]

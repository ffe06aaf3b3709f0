"""People whose truth is known from elsewhere: raters' points, published gaps, the shape model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas import reconstruction
from ischio.atlas.model import N_PEOPLE
from ischio.bones.surface import bones_from_input
from ischio.geometry.sampling import sample_surface
from ischio.geometry.spheres import fit_sphere
from ischio.io.case import read_input
from ischio.landmarks import find_pelvis
from ischio.measures import run
from ischio.types import Bone, Hip, Pelvis, Side
from ischio.validation.rows import Row, compared, skipped

Tell = Callable[[str, float], None]
RATED = "vsd_z013"
_RATED_SOURCE = "Fischer 2023, Sci Data, woman z013: 5 raters x 4 trials"
# Read off the raters' own bones with regions drawn by hand, one decimal.
_RATED_GAPS_MM = {Side.LEFT: 5.1, Side.RIGHT: 7.0}
_GAP_TOLERANCE_MM = 0.1
_HEAD_TOLERANCE_MM = 1.0
_TIP_TOLERANCE_MM = 3.0
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


def _rater_points(folder: Path) -> dict[str, Array]:
    """All readings of each femoral landmark, shape (20, 3) each, mm LPS."""
    content = json.loads((folder / "manual_landmarks.json").read_text(encoding="utf-8"))
    return {
        name: np.array([reading["xyz"] for reading in readings])
        for name, readings in content["landmarks"]["femur_left"].items()
    }


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
    readings = _rater_points(folder)
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
    return rows


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


def model_rows(tell: Tell) -> list[Row]:
    """All 26 people of the shape model: everything found, gaps of a plausible size.

    Parameters
    ----------
    tell : callable

    Returns
    -------
    list of Row
    """
    gaps, missing = [], 0
    for person in range(N_PEOPLE):
        pelvis = assessed(reconstruction(person), "model")
        value, _ = _gap(pelvis, Side.LEFT)
        missing += value is None
        gaps.append(np.nan if value is None else value)
        tell("the shape model's people", (person + 1) / N_PEOPLE)
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
    ]

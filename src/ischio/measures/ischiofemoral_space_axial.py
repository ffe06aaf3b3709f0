"""Ischiofemoral space as drawn on axial slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ischio import phantoms
from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import section, segments_at
from ischio.geometry.surface_gap import closest_on_segments
from ischio.measures._registry import Reading, measure
from ischio.measures._socket import APP, FRAME_WORDS, near
from ischio.measures.ischiofemoral_space_3d import shortest
from ischio.types import Hip, Side, Sketch, Stroke

_STEP_MM = 1.0
_N_STARTS = 2  # best slices of the first pass that are refined
_GOLDEN = (np.sqrt(5.0) - 1) / 2
_TOUCH_MM = 1e-6  # a millionth of a millimetre: rounding, not a gap
_STILL_MM = 1e-4  # of level; the corners are tried besides


def _example(side: Side) -> tuple[Hip, float]:
    """A rounded tip that points straight at a flat ischium, 13.5 mm from it."""
    return phantoms.anatomy(side, trochanter_version_deg=0.0, gap_mm=13.5), 13.5


@dataclass(frozen=True, slots=True, eq=False)
class _Gap:
    """Gap in one slice."""

    gap_mm: float
    points_mm: Array
    levels_mm: Array


class _Slices:
    """Two regions, cut across a direction at any level."""

    def __init__(self, first_mm: Array, second_mm: Array, up: Array) -> None:
        self.triangles = (first_mm, second_mm)
        self.heights = tuple(one @ up for one in self.triangles)
        self._spans = tuple((one.min(axis=1), one.max(axis=1)) for one in self.heights)
        self.low = max(float(one.min()) for one in self.heights)
        self.high = min(float(one.max()) for one in self.heights)

    def gap(self, level_mm: float) -> _Gap | None:
        """Shortest distance in the slice, or None where one region is not in it."""
        cut, rows = [], []
        for triangles, height, (low, high) in zip(self.triangles, self.heights, self._spans, strict=True):
            hit = np.flatnonzero((low < level_mm) & (high >= level_mm))
            cut.append(segments_at(triangles[hit], height[hit] - level_mm))
            rows.append(hit)
        if not all(len(one) for one in cut):
            return None
        middle = [one.mean(axis=1) for one in cut]
        half = [np.linalg.norm(one[:, 1] - one[:, 0], axis=1) / 2 for one in cut]
        apart = np.linalg.norm(middle[0][:, None] - middle[1][None], axis=2)
        slack = half[0][:, None] + half[1][None]
        i, j = np.nonzero(apart - slack <= (apart + slack).min())
        a, b = cut[0][i], cut[1][j]
        on_a, on_b = closest_on_segments(a[:, 0], a[:, 1] - a[:, 0], b[:, 0], b[:, 1] - b[:, 0])
        distance = np.linalg.norm(on_a - on_b, axis=1)
        # Outlines that cross touch at many places: the first counts, not the one with the least rounding.
        distance = np.where(distance < _TOUCH_MM, 0.0, distance)
        k = int(distance.argmin())
        corners = np.concatenate([self.heights[0][rows[0][i[k]]], self.heights[1][rows[1][j[k]]]])
        return _Gap(float(distance[k]), np.stack([on_a[k], on_b[k]]), corners)

    def smallest(self) -> tuple[float, _Gap]:
        """Level and gap of the slice with the smallest gap."""
        if not self.low < self.high:
            raise CannotMeasure("no axial slice passes both the lesser trochanter and the ischium")
        levels = np.linspace(self.low, self.high, max(int((self.high - self.low) / _STEP_MM), 2) + 1)
        found = [(level, gap) for level in levels if (gap := self.gap(float(level))) is not None]
        if not found:
            raise CannotMeasure("no axial slice passes both the lesser trochanter and the ischium")
        found.sort(key=lambda one: one[1].gap_mm)
        step = float(levels[1] - levels[0])
        best = (float(found[0][0]), found[0][1])
        if best[1].gap_mm == 0:
            return best
        for start, _ in found[:_N_STARTS]:
            best = min(best, self._refined(float(start), step), key=lambda one: one[1].gap_mm)
        return best

    def _refined(self, start: float, step: float) -> tuple[float, _Gap]:
        """Golden section about a level; then the corners of the two triangles that hold the points."""
        low, high = max(start - step, self.low), min(start + step, self.high)
        best: tuple[float, _Gap] | None = None
        inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
        values = [self._tried(level) for level in inner]
        while high - low > _STILL_MM:
            if values[0][1] <= values[1][1]:
                high, inner[1], values[1] = inner[1], inner[0], values[0]
                inner[0] = high - _GOLDEN * (high - low)
                values[0] = self._tried(inner[0])
            else:
                low, inner[0], values[0] = inner[0], inner[1], values[1]
                inner[1] = low + _GOLDEN * (high - low)
                values[1] = self._tried(inner[1])
        for level, gap_mm, gap in values:
            if gap is not None and (best is None or gap_mm < best[1].gap_mm):
                best = level, gap
        if best is None:
            return start, self.gap(start) or _Gap(np.inf, np.zeros((2, 3)), np.zeros(0))
        for level in best[1].levels_mm:  # a sharp corner has its smallest gap exactly at its own level
            if low - step <= level <= high + step:
                _, gap_mm, gap = self._tried(float(level))
                if gap is not None and gap_mm < best[1].gap_mm:
                    best = float(level), gap
        return best

    def _tried(self, level: float) -> tuple[float, float, _Gap | None]:
        """Level, gap as a number, and gap."""
        gap = self.gap(level)
        return level, np.inf if gap is None else gap.gap_mm, gap


@measure(
    unit="mm",
    needs=("lesser_trochanter", "ischium", APP),
    reference="Torriani et al. 2009, AJR 193:186-190 (smallest distance on axial MRI)",
    evidence="Definition read in later pages that cite the reference; slices of bone surfaces across the "
    "long "
    "direction of the anterior pelvic plane stand for the scanner's. Exact on phantoms.",
    example=_example,
)
def ischiofemoral_space_axial(hip: Hip) -> Reading:
    """Ischiofemoral space as drawn on axial slices.

    Shortest distance between the outer surfaces of the lesser trochanter and of the ischium within one
    axial slice, in the slice where it is smallest. Slices stand across the long direction of the anterior
    pelvic plane. Zero is bone contact. Bone-to-bone distance, unloaded, in the pose shown; it does not
    diagnose impingement.

    Notes
    -----
    Every level is tried, not every third millimetre, so it reads no more than slices of a scan would. It
    is never less than the shortest distance in 3-D; the detail holds that, and how far its two points lie
    apart along the body. Sigma is that of the shortest distance in 3-D: the error of the pelvic plane moves
    the value by less than 0.1 mm.
    """
    frame = hip.frames[APP]
    rows = frame.matrix[:3, :3]
    regions = hip.region_triangles("lesser_trochanter"), hip.region_triangles("ischium")
    level, gap = _Slices(*regions, rows[1]).smallest()
    nearest = shortest(hip)
    assert nearest.points_mm is not None  # it always gives both points
    surface, border = (nearest.detail[f"{name}_sigma_mm"] for name in ("surface", "border"))
    tip = hip.landmarks.get("lesser_trochanter_tip")
    return Reading(
        gap.gap_mm,
        sigma=nearest.sigma,
        points_mm=gap.points_mm,
        posture=hip.posture,
        detail={
            "plane": f"axial, {FRAME_WORDS}",
            "level_above_tip_mm": None if tip is None else float(level - tip.point_mm @ rows[1]),
            "shortest_3d_mm": nearest.value,
            "shortest_3d_offset_mm": float((nearest.points_mm[0] - nearest.points_mm[1]) @ rows[1]),
            "bone_contact": gap.gap_mm == 0.0,
            **({} if border is None else {"sigma_parts": {"surface": surface, "border": border}}),
        },
        sketch=_sketch(hip, rows, gap),
    )


def _sketch(hip: Hip, rows: Array, gap: _Gap) -> Sketch:
    """The slice, as seen from below."""
    points = gap.points_mm
    outlines = {
        name.replace("_", " "): near(section(bone.vertices_mm, bone.faces, points[0], rows[1])[0], points)
        for name, bone in (("hip_bone", hip.hip_bone), ("femur", hip.femur))
        if bone is not None
    }
    strokes = (Stroke(points, f"{gap.gap_mm:.1f} mm"), Stroke(points[:1]), Stroke(points[1:]))
    return Sketch(f"Axial slice, {FRAME_WORDS}, from below", -rows[2], rows[0], strokes, outlines)

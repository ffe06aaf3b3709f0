"""Directions of a femur, and its upper end cut across the mechanical axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, CannotMeasure
from ischio.geometry.sections import outline_area_and_centroid, section, segments_at
from ischio.measures._given import REACH, Given, landmark, scattered
from ischio.measures._surface import alike, steepness, surface_sigma_mm
from ischio.types import Hip, Landmark

KNEE = ("knee_centre", "posterior_condyle_lateral", "posterior_condyle_medial")
AXES = ("femoral_head_centre", *KNEE)
"""Landmarks that give the mechanical axis and the line behind the condyles."""

_LEVEL_MM = 1.0  # half a usual slice: readers take the slice beside it
NECK_HALF_RADII = 0.35  # of the head's radius, either side of the isthmus


def given(hip: Hip, *names: str) -> dict[str, Given]:
    """Landmarks of a hip with their sigmas, by name."""
    for name in names:
        hip.need(name)
    return {name: landmark(hip.landmarks[name]) for name in names}


def unit(vector: Array) -> Array:
    """The vector at length 1."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def directions(at: Mapping[str, Array], sign: int) -> tuple[Array, Array, Array]:
    """Up along the mechanical axis, forward and medial of the posterior condyles: three unit vectors."""
    up = unit(at["femoral_head_centre"] - at["knee_centre"])
    right = sign * (at["posterior_condyle_lateral"] - at["posterior_condyle_medial"])
    forward = unit(np.cross(up, right))
    return up, forward, -sign * np.cross(forward, up)


def angle_to_condyles(at: Mapping[str, Array], sign: int, towards: Array) -> float:
    """Angle of a direction from medial along the condyles' line, seen along the mechanical axis, degrees.

    Positive when it points forwards.
    """
    _, forward, medial = directions(at, sign)
    return float(np.degrees(np.arctan2(towards @ forward, towards @ medial)))


def vector_of(mark: Landmark, key: str = "direction") -> Array:
    """A unit vector of a landmark's detail."""
    if key not in mark.detail:
        raise CannotMeasure(f"{mark.name.replace('_', ' ')} ({mark.method}) came without its {key}")
    return unit(np.asarray(mark.detail[key], dtype=np.float64))


def head_radius(hip: Hip) -> float:
    """Radius of the sphere fitted to the head."""
    head = hip.landmarks["femoral_head_centre"]
    if "radius_mm" not in head.detail:
        raise CannotMeasure(
            f"{hip.side.value} femoral head centre ({head.method}) came as a point without a fitted sphere"
        )
    return float(head.detail["radius_mm"])


@dataclass(frozen=True, slots=True, eq=False)
class Middle:
    """A middle found in a slice, and the covariance of what the surface's error does to it, (3, 3), mm2."""

    point_mm: Array
    covariance_mm2: Array


@dataclass(frozen=True, slots=True, eq=False)
class Neck:
    """One slice through the neck: places along it from the head's centre, and both cortices there."""

    along_mm: Array
    back_mm: Array
    front_mm: Array

    @property
    def middle_mm(self) -> Array:
        """Halfway between the cortices, shape (N,)."""
        return (self.back_mm + self.front_mm) / 2

    @property
    def width_mm(self) -> float:
        """Mean distance between the cortices."""
        return float((self.front_mm - self.back_mm).mean())

    @property
    def opening_deg(self) -> float:
        """Angle between straight lines through the two cortices; 0 where they run parallel."""
        slopes = [np.polyfit(self.along_mm, side, 1)[0] for side in (self.back_mm, self.front_mm)]
        return float(abs(np.degrees(np.arctan(slopes[1]) - np.arctan(slopes[0]))))


class UpperFemur:
    """Upper end of a femur, cut into slices across its mechanical axis.

    Parameters
    ----------
    hip : Hip
        With femur, head, isthmus, lesser trochanter and condyles.
    up : array of shape (3,), optional
        Another direction to slice across, for the scanner's slices.

    Notes
    -----
    In a slice, a place is (along, across): along from the head's centre towards the isthmus of the
    neck as seen from above, across to the front. Levels are heights over the head's centre.
    """

    def __init__(self, hip: Hip, up: Array | None = None) -> None:
        hip.need("femur")
        assert hip.femur is not None  # just asked for
        self.hip = hip
        self.radius = head_radius(hip)
        self.head = hip.point("femoral_head_centre")
        at = {name: hip.point(name) for name in AXES}
        self.up = directions(at, hip.side.sign)[0] if up is None else up
        self._aim(hip.point("neck_isthmus_centre"))
        self._sigma_mm = surface_sigma_mm(hip.femur)
        level = (hip.femur.vertices_mm - self.head) @ self.up
        tip = self.level(hip.point("lesser_trochanter_tip"))
        kept = (level[hip.femur.faces] > tip - self.radius).any(axis=1)
        used, faces = np.unique(hip.femur.faces[kept], return_inverse=True)
        self._vertices, self._faces = hip.femur.vertices_mm[used], faces.reshape(-1, 3)
        self._levels = level[hip.femur.faces[kept]]
        self._low, self._high = self._levels.min(axis=1), self._levels.max(axis=1)

    def _aim(self, isthmus_mm: Array) -> None:
        """Look along the neck from the head's centre to its isthmus."""
        towards = isthmus_mm - self.head
        self.isthmus_level = float(towards @ self.up)
        towards = towards - self.isthmus_level * self.up
        self.isthmus_along = float(np.linalg.norm(towards))
        self.along = unit(towards)
        self.across = self.hip.side.sign * np.cross(self.up, self.along)  # to the front on both sides

    def by_isthmus(self, find: Callable[[UpperFemur], Array]) -> tuple[tuple[Array, Array], ...]:
        """What the isthmus's error does to something found along the neck.

        Parameters
        ----------
        find : callable
            Finds it, given the femur as seen along another neck.

        Returns
        -------
        tuple of (array, array)
            For each of its independent errors, what is found ``REACH`` standard deviations to either side.
        """
        out = []
        for ends in landmark(self.hip.landmarks["neck_isthmus_centre"]).steps:
            pair = []
            for end in ends:
                other = copy(self)
                other._aim(end)
                try:
                    pair.append(find(other))
                except CannotMeasure:  # a line beside the neck; the isthmus itself lies on it
                    pair.append(find(self))
            out.append((pair[0], pair[1]))
        return tuple(out)

    def level(self, point_mm: Array) -> float:
        """Height of a point over the head's centre."""
        return float((point_mm - self.head) @ self.up)

    def place(self, along_mm: float, across_mm: float, level_mm: float) -> Array:
        """A place in a slice as a point of the patient frame."""
        return np.asarray(
            self.head + along_mm * self.along + across_mm * self.across + level_mm * self.up, dtype=np.float64
        )

    def cut(self, level_mm: float) -> tuple[Array, NDArray[np.int64]]:
        """Outlines of a slice: segments of shape (N, 2, 3) in mm, and the outline each belongs to."""
        faces = self._faces[(self._low <= level_mm) & (self._high >= level_mm)]
        return section(self._vertices, faces, self.head + level_mm * self.up, self.up)

    def outlines(self, level_mm: float) -> Array:
        """Segments of a slice about the head's centre, shape (N, 2, 3), mm; cheaper than ``cut``."""
        hit = (self._low < level_mm) & (self._high >= level_mm)
        return segments_at(self._vertices[self._faces[hit]], self._levels[hit] - level_mm) - self.head

    def neck(self, level_mm: float, *, partial: bool = False) -> Neck | None:
        """Cortices of the neck in a slice, either side of the isthmus.

        None where it is not all there; with ``partial``, where most of it is not.
        """
        segments = self.outlines(level_mm)
        return neck_in(segments, self.along, self.across, self.isthmus_along, self.radius, partial)

    def middle_mm(self, neck: Neck, level_mm: float) -> Array:
        """Mean place of the chords of a slice, halfway between the cortices, shape (3,)."""
        return self.place(float(neck.along_mm.mean()), float(neck.middle_mm.mean()), level_mm)

    def middle(self, neck: Neck, level_mm: float) -> Middle:
        """The same, with its covariance."""
        point = self.middle_mm(neck, level_mm)
        share = np.full(len(neck.along_mm), 1 / len(neck.along_mm))
        return Middle(point, self.across_variance(neck, level_mm, share) * np.outer(self.across, self.across))

    def across_variance(self, neck: Neck, level_mm: float, share: Array) -> float:
        """Variance of a weighted sum of the middles of the chords, by the surface's error, mm2."""
        ends = np.stack(
            [
                self.place(s, t, level_mm)
                for side in (neck.front_mm, neck.back_mm)
                for s, t in zip(neck.along_mm, side, strict=True)
            ]
        )
        # A surface that is found too far out moves the front forwards and the back backwards.
        effect = np.concatenate([share, -share]) / 2 * self._steep(ends, level_mm, self.across)
        return float(self._sigma_mm**2 * effect @ alike(ends) @ effect)

    def _steep(self, points: Array, level_mm: float, towards: Array | None = None) -> Array:
        """How much farther than square to the surface places of a slice move within it."""
        hit = (self._low < level_mm) & (self._high >= level_mm)
        corners, height = self._vertices[self._faces[hit]], self._levels[hit] - level_mm
        return steepness(corners, height, self.up, points, towards)

    def centroid(self, level_mm: float) -> Middle:
        """Middle of the bone's area in a slice: that of its largest outline."""
        segments, group = self.cut(level_mm)
        parts = [
            (*outline_area_and_centroid(segments[group == k], self.up), segments[group == k])
            for k in np.unique(group)
        ]
        if not parts:
            raise CannotMeasure("the femur's surface does not reach the slice")
        area, point, around = max(parts, key=lambda one: one[0])
        ends = around.mean(axis=1)
        length = np.linalg.norm(around[:, 1] - around[:, 0], axis=1)
        # An outline that lies farther out by d over a length l adds the area d l at its own place.
        effect = (self._steep(ends, level_mm) * length / area)[:, None] * (ends - point)
        return Middle(point, self._sigma_mm**2 * effect.T @ alike(ends) @ effect)

    def junction(self) -> float:
        """Level of the highest slice in which neck and greater trochanter are one.

        That is the lowest place of the upper border between head and trochanter; where the border only
        falls, as on a steep neck, the trochanter's own top.
        """
        trochanter = self.hip.point("greater_trochanter_superior")
        end = float((trochanter - self.head) @ self.along)
        start = 0.7 * self.radius
        if end <= start:
            raise CannotMeasure("the greater trochanter does not stand lateral of the head")
        segments, _ = section(self._vertices, self._faces, self.head, self.across)
        flat = np.stack([(segments - self.head) @ self.along, (segments - self.head) @ self.up], axis=-1)
        top = np.array([_top(flat, one) for one in np.linspace(start, end, 60)])
        low = int(np.argmin(top))
        if not np.isfinite(top).all():
            raise CannotMeasure("the neck's upper border is not all there")
        if top[low:].max() - top[low] < 0.05 * self.radius:
            return min(float(top[low]), self.level(trochanter))
        return float(top[low])

    def given(self, found: Middle, *either_side: tuple[Array, Array]) -> Given:
        """A middle found in a slice, with errors of the surface and of choices: the slice, the isthmus."""
        return Given(found.point_mm, (*scattered(found.point_mm, found.covariance_mm2).steps, *either_side))

    @property
    def slice_step_mm(self) -> float:
        """How far from the slice chosen another is tried, as other errors are."""
        return REACH * _LEVEL_MM


def _top(flat: Array, along: float) -> float:
    """Highest crossing of flat segments (N, 2, 2) with an upright line; minus infinity without one."""
    offset = flat[..., 0] - along
    hit = (offset[:, 0] < 0) != (offset[:, 1] < 0)
    if not hit.any():
        return float("-inf")
    share = offset[hit, 0] / (offset[hit, 0] - offset[hit, 1])
    return float((flat[hit, 0, 1] + share * (flat[hit, 1, 1] - flat[hit, 0, 1])).max())


def neck_in(
    segments: Array, along: Array, across: Array, middle_mm: float, radius: float, partial: bool
) -> Neck | None:
    """Cortices of the neck in a slice whose outlines are given about the head's centre.

    Parameters
    ----------
    segments : array of shape (N, 2, 3), mm
    along, across : arrays of shape (3,)
        Unit vectors in the slice, from the head to the isthmus and to the front.
    middle_mm : float
        Where along the first.
    radius : float
        Of the head, mm.
    partial : bool
        Whether places without bone are left out, if they are fewer than two in three.

    Returns
    -------
    Neck or None
    """
    places = middle_mm + np.linspace(-1, 1, 15) * NECK_HALF_RADII * radius
    first, second = segments @ along, segments @ across
    found = [_chord(first - place_mm, second) for place_mm in places]
    seen = [k for k, one in enumerate(found) if one is not None]
    if len(seen) < (len(places) / 3 if partial else len(places)):
        return None
    cortices = np.array([found[k] for k in seen])
    return Neck(places[seen], cortices[:, 0], cortices[:, 1])


def _chord(offset: Array, second: Array) -> Array | None:
    """Back and front cortex where segments (N, 2) pass offset 0, of the piece of bone about the line."""
    hit = (offset[:, 0] < 0) != (offset[:, 1] < 0)
    if not hit.any():
        return None
    share = offset[hit, 0] / (offset[hit, 0] - offset[hit, 1])
    where = second[hit, 0] + share * (second[hit, 1] - second[hit, 0])
    order = np.argsort(where)
    # Outlines are directed, so their count is not zero inside, however shells overlap.
    where, inside = where[order], np.cumsum(np.where(offset[hit, 0] < 0, 1, -1)[order])
    if inside[-1] != 0:  # the surface is open here: one of the cortices is missing
        return None
    before = np.concatenate([[0], inside[:-1]])
    runs = np.column_stack([where[(inside != 0) & (before == 0)], where[(inside == 0) & (before != 0)]])
    here = runs[(runs[:, 0] <= 0) & (runs[:, 1] >= 0)]
    return np.asarray(here[0] if len(here) else runs[np.abs(runs).min(axis=1).argmin()])

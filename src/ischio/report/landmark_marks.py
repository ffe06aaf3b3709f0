"""Numbered landmarks over a drawn bone: marks to scale, and numbers that keep out of each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from ischio._check import Array
from ischio.report.landmark_views import MarkPlace
from ischio.report.overlay import HALO, INK, add_line, add_sphere, add_text, px
from ischio.report.raster import Camera

# Blue and vermilion of Okabe and Ito 2008; shapes differ too, so that nothing rests on colour alone.
FOUND, READ = "#0072b2", "#d55e00"
READER = "reader:"  # how the method of a point that a person read begins

_PLATE_PX = 19.0  # radius of the plate under a number
_DOT_PX = 7.0
_NUMBER_PX = 24.0
_EDGE_PX = 4.0
_BAR_PX = (230.0, 90.0)  # lower left corner that belongs to the scale bar
_LETTER_PX = 44.0  # from the middle of an edge: room for an orientation letter
_DISTANCES_PX = (38.0, 52.0, 70.0, 92.0, 118.0)
_N_TURNS = 16
_OVERLAP, _CROSSING, _OUTSIDE = 50.0, 20.0, 1e4  # what is worse than a px of distance, and how much


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A landmark in one picture.

    Parameters
    ----------
    place : MarkPlace
    at_px : array of shape (2,)
    sigma_px : float
        Radius of its circle: one standard deviation at the picture's scale.
    ball_px : float or None
        Radius of the sphere fitted around it.
    hidden : bool
        Bone stands in front of it.
    """

    place: MarkPlace
    at_px: Array
    sigma_px: float
    ball_px: float | None
    hidden: bool

    @classmethod
    def of(cls, place: MarkPlace, camera: Camera, *, hidden: bool) -> Mark:
        """Project a landmark."""
        landmark = place.landmark
        radius = landmark.detail.get("radius_mm") if place.normal is None else None
        return cls(
            place,
            camera.project(landmark.point_mm)[:2],
            landmark.sigma_mm / camera.mm_per_px,
            None if radius is None else float(radius) / camera.mm_per_px,
            hidden,
        )

    @property
    def kind(self) -> str:
        """What it looks like: "read", "centre", "hidden" or "found"."""
        if self.place.landmark.method.startswith(READER):
            return "read"
        if self.place.normal is None:
            return "centre"
        return "hidden" if self.hidden else "found"


def add_marks(root: Element, camera: Camera, marks: Sequence[Mark]) -> None:
    """Draw landmarks, their circles, leaders and numbers.

    Parameters
    ----------
    root : Element
        An ``svg`` element in the camera's pixels.
    camera : Camera
    marks : sequence of Mark
    """
    labels = label_places([mark.at_px for mark in marks], camera.width_px, camera.height_px)
    for mark in marks:
        if mark.ball_px is not None:
            add_sphere(root, mark.at_px, mark.ball_px)
    for mark in marks:
        _sigma(root, mark)
    for mark, label in zip(marks, labels, strict=True):
        add_line(root, mark.at_px, label, 5, HALO)
        add_line(root, mark.at_px, label, 1.8, INK)
    for mark in marks:
        _SHAPES[mark.kind](root, mark)
    for mark, label in zip(marks, labels, strict=True):
        plate = {"cx": px(label[0]), "cy": px(label[1]), "r": px(_PLATE_PX), "fill": HALO}
        SubElement(root, "circle", plate | {"stroke": _colour(mark), "stroke-width": "2.5"})
        add_text(root, label[0], label[1], str(mark.place.number), size=_NUMBER_PX, weight="700")


def label_places(points_px: Sequence[Array], width: int, height: int) -> list[Array]:
    """MarkPlace a number beside each point: close by, clear of other numbers, points and leaders.

    Parameters
    ----------
    points_px : sequence of arrays of shape (2,)
    width, height : int
        Of the picture, px.

    Returns
    -------
    list of arrays of shape (2,)
        Middles of the numbers.

    Notes
    -----
    One after the other, the most crowded point first, each at the best of 80 places around its
    point; the same points always give the same places.
    """
    if not points_px:
        return []
    points = np.stack(points_px)
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    crowd = (apart < 2 * _DISTANCES_PX[0]).sum(axis=1)
    angle = 2 * np.pi * np.arange(_N_TURNS) / _N_TURNS
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    offsets = np.concatenate([distance * ring for distance in _DISTANCES_PX])
    middle = points.mean(axis=0)
    placed: dict[int, Array] = {}
    for k in sorted(range(len(points)), key=lambda k: (-crowd[k], k)):
        tries = points[k] + offsets
        cost = np.linalg.norm(offsets, axis=1)
        outward = (points[k] - middle) / max(float(np.linalg.norm(points[k] - middle)), 1.0)
        cost -= 8 * (offsets / cost[:, None]) @ outward
        cost += _OUTSIDE * _is_outside(tries, width, height)
        for other in range(len(points)):
            if other == k:
                continue
            near = _PLATE_PX + _DOT_PX + 4
            cost += _OVERLAP * (np.linalg.norm(tries - points[other], axis=1) < near)
            cost += _CROSSING * (_from_segment(points[other], points[k], tries) < _DOT_PX + 3)
            if other in placed:
                label = placed[other]
                cost += 4 * _OVERLAP * (np.linalg.norm(tries - label, axis=1) < 2 * _PLATE_PX + 4)
                cost += _OVERLAP * (_from_segment(label, points[k], tries) < _PLATE_PX + 2)
                leader = np.linspace(points[other], label, 8)
                crossed = [np.linalg.norm(tries - step, axis=1) < _PLATE_PX + 2 for step in leader]
                cost += _OVERLAP * np.any(crossed, axis=0)
                cost += _CROSSING * _cross_each_other(points[other], label, points[k], tries)
        placed[k] = tries[int(cost.argmin())]
    return [placed[k] for k in range(len(points))]


def _is_outside(tries: Array, width: int, height: int) -> Array:
    """1 where a number would leave the picture or cover scale bar or letters."""
    room = _PLATE_PX + _EDGE_PX
    size = np.array([width, height])
    out = ((tries < room) | (tries > size - room)).any(axis=1)
    out |= (tries[:, 0] < _BAR_PX[0]) & (tries[:, 1] > height - _BAR_PX[1])
    for edge in ((0, height / 2), (width, height / 2), (width / 2, 0), (width / 2, height)):
        out |= (np.abs(tries - edge) < _LETTER_PX + _PLATE_PX).all(axis=1)
    return out.astype(np.float64)


def _from_segment(point: Array, start: Array, ends: Array) -> Array:
    """Distance of a point from each of the segments from one start to (N, 2) ends."""
    along = ends - start
    share = ((point - start) * along).sum(axis=1) / (along**2).sum(axis=1)
    return np.asarray(np.linalg.norm(point - start - share.clip(0, 1)[:, None] * along, axis=1))


def _cross_each_other(a: Array, b: Array, start: Array, ends: Array) -> Array:
    """Whether segment a-b crosses each of the segments from one start to (N, 2) ends."""

    def turn(p: Array, q: Array, r: Array) -> Array:
        u, v = q - p, r - p
        return np.asarray(np.sign(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]))

    return np.asarray(
        (turn(a, b, start) != turn(a, b, ends)) & (turn(start, ends, a) != turn(start, ends, b))
    )


def _colour(mark: Mark) -> str:
    """Colour of a mark's outline."""
    return {"read": READ, "centre": INK}.get(mark.kind, FOUND)


def _sigma(root: Element, mark: Mark) -> None:
    """Circle of one standard deviation."""
    circle = {"cx": px(mark.at_px[0]), "cy": px(mark.at_px[1]), "r": px(mark.sigma_px), "fill": "none"}
    SubElement(root, "circle", circle | {"stroke": HALO, "stroke-width": "4", "stroke-opacity": "0.7"})
    style = {"class": "sigma-circle", "stroke": _colour(mark), "stroke-width": "2"}
    SubElement(root, "circle", circle | style)


def _found(root: Element, mark: Mark) -> None:
    """A full dot on the surface."""
    dot = {"cx": px(mark.at_px[0]), "cy": px(mark.at_px[1]), "r": px(_DOT_PX), "fill": FOUND}
    SubElement(root, "circle", dot | {"stroke": HALO, "stroke-width": "2.5"})


def _hidden(root: Element, mark: Mark) -> None:
    """An empty dot with a broken outline."""
    dot = {"cx": px(mark.at_px[0]), "cy": px(mark.at_px[1]), "r": px(_DOT_PX), "fill": HALO}
    SubElement(root, "circle", dot | {"stroke": FOUND, "stroke-width": "3", "stroke-dasharray": "4 3"})


def _centre(root: Element, mark: Mark) -> None:
    """A cross, seen through the bone."""
    for width, colour in ((6.0, HALO), (2.8, INK)):
        for arm in (np.array([10.0, 0.0]), np.array([0.0, 10.0])):
            add_line(root, mark.at_px - arm, mark.at_px + arm, width, colour)


def _read(root: Element, mark: Mark) -> None:
    """A full diamond; a broken outline where bone hides it."""
    x, y = mark.at_px
    r = 1.4 * _DOT_PX
    corners = " ".join(f"{px(x + dx)},{px(y + dy)}" for dx, dy in ((0, -r), (r, 0), (0, r), (-r, 0)))
    style = {"fill": HALO if mark.hidden else READ, "stroke": READ if mark.hidden else HALO}
    dash = {"stroke-dasharray": "4 3"} if mark.hidden else {}
    SubElement(root, "polygon", {"points": corners} | style | {"stroke-width": "2.5"} | dash)


_SHAPES = {"found": _found, "hidden": _hidden, "centre": _centre, "read": _read}

"""Where anatomy lies on the shape model's mean: vertices found by rule, once per process.

The mean shapes stand upright in axes close to patient LPS (x left, y back, z up). Each rule is
a sentence of anatomy; a vertex keeps its place on every shape of the model, so a rule applied
to the mean names the same place on everyone. The femur's rules are for a left femur; the
mirrored model keeps the vertex numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ischio._check import Array
from ischio.atlas.model import bone_model, vertex_areas, vertex_normals
from ischio.geometry.spheres import fit_sphere, refine_sphere
from ischio.types import Side

# Where the installed model's spheres are looked for, in its own coordinates (within 3 mm is enough).
_HEAD_SEED_MM = np.array([114.0, 0.0, 1204.0])
_SOCKET_SEEDS_MM = {Side.LEFT: np.array([22.0, 2.0, 1203.6]), Side.RIGHT: np.array([-144.6, 1.2, 1204.5])}
_UP, _BACK = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
ISCHIUM_PARTS = ("body", "tuberosity", "ramus")
RIM_BINS = 60
_RIM_MARGIN_MM = 5.0  # the rim is 5 mm wide either side of its edge
_SPINE_RADIUS_MM = 12.0
_BODY_SOCKET_RADII = 1.25  # the body ends where the tuberosity begins, about the socket's lower edge
_INNER_COSINE = -0.25  # faces that look further inwards than this belong to the pelvic surface
_RAMUS_END_DEG = 205.0  # ischiopubic junction: 25 degrees in front of straight below the foramen's centre


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Places on one side of a model.

    Parameters
    ----------
    ball : int array
        Vertices of the femoral head or of the socket's spherical part.
    ball_weights : array
        Area each of them stands for.
    points : mapping of str to int
        Vertex of each landmark.
    labels : int array of shape (V,)
        0, or 1 + index into ``ISCHIUM_PARTS``; empty on the femur.
    rim : int array
        Vertices of the acetabular rim, in order round the opening; empty on the femur.
    cover : int array
        Vertices that must lie on the bone unless it is cut there: all of the femur. Empty on the
        pelvis, whose model is one surface where people have three bones.
    """

    ball: NDArray[np.int64]
    ball_weights: Array
    points: Mapping[str, int]
    labels: NDArray[np.int64]
    rim: NDArray[np.int64]
    cover: NDArray[np.int64]

    def ball_of(self, vertices_mm: Array) -> tuple[Array, float]:
        """Sphere through the ball's vertices of a shape: centre (3,) and radius, mm."""
        return fit_sphere(vertices_mm[self.ball], self.ball_weights)


# Points placed by eye on pictures of the mean shapes, in their own coordinates (left femur; pelvis with x
# counted from the midline outwards): they name a vertex; a person's own surface moves them to the summit
# they stand for.
_FEMUR_MM = {
    # Where the middle of the trochanter's cap lies on the mean of the 26 people, by the rule of its landmark.
    "lesser_trochanter_tip": (114.0, 33.0, 1150.0),
    "greater_trochanter_superior": (150.0, 30.0, 1206.0),
    "intertrochanteric_crest_posterior": (140.0, 42.0, 1178.0),
    "epicondyle_lateral": (117.0, 65.0, 818.0),
    "epicondyle_medial": (39.0, 46.0, 824.0),
    "posterior_condyle_lateral": (102.0, 87.0, 815.0),
    "posterior_condyle_medial": (49.0, 80.0, 820.0),
    "proximoposterior_condyle_lateral": (98.0, 75.0, 833.0),
    "proximoposterior_condyle_medial": (53.0, 71.0, 833.0),
    "distal_condyle_lateral": (100.0, 55.0, 793.0),
    "distal_condyle_medial": (50.0, 55.0, 794.0),
    "intercondylar_notch": (79.0, 53.0, 801.0),
}
_PELVIS_MM = {
    "asis": (121.0, -58.0, 1262.0),
    "aiis": (99.0, -34.0, 1229.0),
    "psis": (44.0, 68.0, 1317.0),
    "piis": (45.0, 61.0, 1274.0),
    "pubic_tubercle": (24.0, -43.0, 1173.0),
    "ischial_spine": (50.0, 54.0, 1216.0),
}
_NO_VERTICES = np.zeros(0, dtype=np.int64)


def _unit(vector: Array) -> Array:
    """The vector at length 1."""
    return vector / np.linalg.norm(vector)


def _nearest_vertices(mean: Array, places: Mapping[str, tuple[float, float, float]]) -> dict[str, int]:
    """Vertex of the mean nearest to each place."""
    _, nearest = cKDTree(mean).query(np.array(list(places.values())))
    return dict(zip(places, nearest.tolist(), strict=True))


def _highest(score: Array, where: Array) -> int:
    """Vertex with the highest score among those allowed."""
    return int(np.argmax(np.where(where, score, -np.inf)))


def _ball(
    name: str, guess: Array, radius: float, concave: bool
) -> tuple[NDArray[np.int64], Array, Array, float]:
    """Vertices of the model's sphere near a guess, their areas, centre and radius."""
    model = bone_model(name)
    areas = vertex_areas(model.mean_mm, model.faces)
    normals = vertex_normals(model.mean_mm, model.faces)
    sphere = refine_sphere(model.mean_mm, normals, guess, radius, concave=concave, weights=areas)
    assert sphere is not None  # the installed model has heads and sockets
    away = model.mean_mm - sphere.centre_mm
    distance = np.linalg.norm(away, axis=1)
    facing = np.einsum("ij,ij->i", away, normals) * (-1 if concave else 1) / np.maximum(distance, 1e-9)
    ball = np.flatnonzero((np.abs(distance - sphere.radius_mm) < 0.05 * sphere.radius_mm) & (facing > 0.9))
    return ball, areas[ball], sphere.centre_mm, sphere.radius_mm


@cache
def femur_template() -> Template:
    """Landmarks of the left femur's model."""
    mean = bone_model("femur").mean_mm
    ball, weights, _, _ = _ball("femur", _HEAD_SEED_MM, 23.0, concave=False)
    points = _nearest_vertices(mean, _FEMUR_MM)
    return Template(ball, weights, MappingProxyType(points), _NO_VERTICES, _NO_VERTICES, np.arange(len(mean)))


@cache
def pelvis_template(side: Side) -> Template:
    """Landmarks, rim and ischium of one side of the pelvis's model."""
    model = bone_model("pelvis")
    mean = model.mean_mm
    sign = -side.sign  # +1 on the left, where x grows
    normals = vertex_normals(mean, model.faces)
    midline = float((mean[:, 0].max() + mean[:, 0].min()) / 2)
    half = (mean[:, 0] - midline) * sign > 0
    ball, weights, centre, radius = _ball("pelvis", _SOCKET_SEEDS_MM[side], 24.0, concave=True)
    lateral = sign * (mean[:, 0] - centre[0])
    lowest = _highest(-mean[:, 2], half & (mean[:, 1] > centre[1] - 5) & (lateral > -60))
    axis = _unit((mean[lowest] - centre) * [0, 1, 1])
    front = half & (mean[:, 1] < centre[1] - 10)
    near_midline = np.abs(mean[:, 0] - midline)
    symphysis = _highest(-mean[:, 2], front & (near_midline < 12))
    points = {
        "ischial_tuberosity_inferior": lowest,
        "symphysis_inferior": symphysis,
        **_nearest_vertices(
            mean, {name: (midline + sign * x, y, z) for name, (x, y, z) in _PELVIS_MM.items()}
        ),
    }
    rim = _rim(mean, centre, radius, np.array([sign * 0.7, -0.3, -0.65]))
    foramen = _foramen_centre(mean, centre, mean[lowest], mean[symphysis])
    labels = _ischium(mean, normals, half, centre, radius, rim, foramen, points, axis, sign)
    return Template(ball, weights, MappingProxyType(points), labels, rim, _NO_VERTICES)


def _rim(mean: Array, centre: Array, radius: float, opening: Array) -> NDArray[np.int64]:
    """Rim vertices: the outermost along the opening's axis in each direction round it."""
    opening = _unit(opening)
    away = mean - centre
    distance = np.linalg.norm(away, axis=1)
    rim = _NO_VERTICES
    for _ in range(3):
        first = _unit(np.cross(opening, _UP))
        second = np.cross(opening, first)
        height = away @ opening
        turn = np.arctan2(away @ second, away @ first)
        score = height - 1.2 * np.maximum(distance - 1.22 * radius, 0)
        near = (distance < 1.6 * radius) & (distance > 0.75 * radius) & (height > -0.6 * radius)
        chosen = []
        for k in range(RIM_BINS):
            off = (turn - 2 * np.pi * (k + 0.5) / RIM_BINS + np.pi) % (2 * np.pi) - np.pi
            in_bin = near & (np.abs(off) < 2 * np.pi / RIM_BINS)
            if in_bin.any():
                chosen.append(_highest(score, in_bin))
        rim = np.array(chosen, dtype=np.int64)
        plane = np.linalg.svd(mean[rim] - mean[rim].mean(axis=0))[2][2]
        opening = plane * np.sign(plane @ opening)
    return rim


def _foramen_centre(mean: Array, centre: Array, tuberosity: Array, symphysis: Array) -> Array:
    """Middle of the obturator foramen: farthest from bone between socket, tuberosity and symphysis."""
    ticks = np.linspace(0.1, 0.8, 57)
    a, b = (grid.ravel() for grid in np.meshgrid(ticks, ticks))
    a, b = a[a + b < 0.9], b[a + b < 0.9]
    grid = centre + a[:, None] * (tuberosity - centre) + b[:, None] * (symphysis - centre)
    out: Array = grid[np.argmax(cKDTree(mean).query(grid)[0])]
    return out


def _ischium(
    mean: Array,
    normals: Array,
    half: NDArray[np.bool_],
    centre: Array,
    radius: float,
    rim: NDArray[np.int64],
    foramen: Array,
    points: Mapping[str, int],
    axis: Array,
    sign: int,
) -> NDArray[np.int64]:
    """Label the outer surface of the ischium and its parts.

    Seen from the side, the ischium is the sector round the obturator foramen that starts behind
    the socket and ends at the ischiopubic junction, below a plane through the socket's centre
    across the ischium's axis.
    """

    def turn_deg(vectors: Array) -> Array:
        """Angle seen from the side: 0 up, 90 back, 180 down, 270 forwards."""
        out: Array = np.degrees(np.arctan2(vectors @ _BACK, vectors @ _UP)) % 360
        return out

    turn = turn_deg(mean - foramen)
    start = (turn_deg(centre - foramen) + 180) % 360 - 180 + 20
    sector = (turn > start) & (turn < _RAMUS_END_DEG)
    below = (mean - centre) @ axis
    inwards = centre - mean
    distance = np.linalg.norm(inwards, axis=1)
    in_socket = (distance < 1.25 * radius) & (np.einsum("ij,ij->i", normals, inwards) > 0.3 * distance)
    on_rim = cKDTree(mean[rim]).query(mean)[0] <= _RIM_MARGIN_MM
    on_spine = np.linalg.norm(mean - mean[points["ischial_spine"]], axis=1) <= _SPINE_RADIUS_MM
    outer = sign * normals[:, 0] > _INNER_COSINE
    not_sacrum = sign * (mean[:, 0] - centre[0]) > np.where(below < radius, -42, -np.inf)
    ischium = half & not_sacrum & (below > 0) & sector & outer & ~in_socket & ~on_rim & ~on_spine
    body = below < _BODY_SOCKET_RADII * radius
    tuberosity_turn = float(turn_deg(mean[points["ischial_tuberosity_inferior"]] - foramen))
    ramus = turn > (tuberosity_turn + 180) / 2
    part = np.where(ramus, 3, np.where(body, 1, 2))
    labels: NDArray[np.int64] = np.where(ischium, part, 0).astype(np.int64)
    return labels

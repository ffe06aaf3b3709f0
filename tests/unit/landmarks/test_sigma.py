"""Sigma means something: it grows when a surface says less."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio.atlas.model import vertex_normals
from ischio.landmarks.femur import find_femur
from ischio.landmarks.findings import Findings
from ischio.landmarks.grain import centre_grain_mm, grain_mm, noise_mm
from ischio.landmarks.hip_bone import find_hip_bone
from ischio.types import Bone, Frame, Side
from ischio.validation.invariance import thinned

Find = Callable[[Bone], Findings]
NOISE_SHARE = 0.3  # noise as large as the edges turns the normals that it is read along


def coarser(bone: Bone, times: int) -> Bone:
    """Half the triangles, over and over: 2 leaves a quarter, 3 an eighth."""
    for _ in range(times):
        (bone,) = thinned((bone,))
    return bone


def noisier(bone: Bone, noise: float) -> Bone:
    """Vertices moved across the surface by chance."""
    off = np.random.default_rng(4).normal(scale=noise, size=len(bone.vertices_mm))
    normals = vertex_normals(bone.vertices_mm, bone.faces)
    return replace(bone, vertices_mm=bone.vertices_mm + off[:, None] * normals)


@pytest.fixture(scope="module", params=["femur", "hip_bone"])
def searched(
    request: pytest.FixtureRequest, person: tuple[Bone, ...], halves: dict[Side, Bone]
) -> tuple[Bone, Find]:
    """A bone and its search."""
    if request.param == "femur":
        return person[0], find_femur
    return halves[Side.LEFT], lambda bone: find_hip_bone(bone, {})[Side.LEFT]


def assert_grows(better: Findings, worse: Findings) -> None:
    """Each landmark and curve is less certain, or is gone with a reason."""
    for name, mark in {**better.landmarks, **better.curves}.items():
        other = {**worse.landmarks, **worse.curves}.get(name)
        if other is None:
            assert worse.reasons[name]
        else:
            assert other.sigma_mm > mark.sigma_mm, name


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([lambda b: coarser(b, 2), lambda b: coarser(b, 3)], id="coarser"),
        pytest.param([lambda b: noisier(b, 0.5), lambda b: noisier(b, 1.0)], id="noisier"),
    ],
)
def test_sigmas_grow(searched: tuple[Bone, Find], changes: list[Callable[[Bone], Bone]]) -> None:
    bone, find = searched
    found = [find(change(bone)) for change in (lambda b: b, *changes)]
    for better, worse in itertools.pairwise(found):
        assert_grows(better, worse)


def ball(noise: float, smaller: int = 1) -> Bone:
    """A sphere of 25 mm from a grid of angles, without its poles."""
    up = np.linspace(0.6, np.pi - 0.6, 60 // smaller)
    turn = np.linspace(0, 2 * np.pi, 120 // smaller, endpoint=False)
    a, b = np.meshgrid(up, turn, indexing="ij")
    points = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], axis=-1)
    rng = np.random.default_rng(7)
    points = points * (25 + noise * rng.normal(size=a.shape))[..., None]
    n = len(turn)
    here = (np.arange(len(up) - 1)[:, None] * n + np.arange(n)).ravel()
    there = (np.arange(len(up) - 1)[:, None] * n + (np.arange(n) + 1) % n).ravel()
    faces = np.concatenate([np.stack([here, here + n, there + n], 1), np.stack([here, there + n, there], 1)])
    frame = Frame("patient", "made-up")
    return Bone("femur", Side.LEFT, points.reshape(-1, 3), faces, frame, 1.3 * smaller, "ball")


class TestGrain:
    @pytest.mark.parametrize("noise", [0.25, 0.5, 1.0])
    def test_noise_is_read_off_the_surface(self, noise: float) -> None:
        assert noise_mm(ball(noise)) == pytest.approx(noise, rel=NOISE_SHARE)

    def test_a_clean_surface_has_next_to_none(self) -> None:
        assert noise_mm(ball(0.0)) < 0.05

    def test_it_grows_with_edges_noise_and_smoothing(self) -> None:
        fine = ball(0.0)
        for worse in (ball(0.0, smaller=3), ball(0.5), replace(fine, moved_mm=0.4)):
            assert grain_mm(worse) > grain_mm(fine)
            assert centre_grain_mm(worse) > centre_grain_mm(fine)

    def test_a_vertex_of_no_face_changes_nothing(self) -> None:
        fine = ball(0.3)
        more = replace(fine, vertices_mm=np.concatenate([fine.vertices_mm, [[0.0, 0, 0]]]))
        assert noise_mm(more) == noise_mm(fine)

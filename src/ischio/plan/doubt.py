"""How likely a plan meets its goal, given what is not known exactly: posture, landmarks and surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from ischio._check import Array
from ischio.plan.course import Course, course_of
from ischio.plan.goals import Goal
from ischio.types import Hip, PoseSet

POSTURE_DEG = 3.0  # how well a person takes a pose again, each angle; an engineering figure, not a study's
SURFACE_MM = 0.5  # how far a segmented surface is off, each of two bones; the same
SCAN_MM = 4.2  # of the space, between uncontrolled scans of one person
N_DRAWS = 100
_SEED = 17  # any fixed number: the same plan has the same probability on every run


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """The poses of a goal, and the same as they might really be.

    Parameters
    ----------
    course : Course
        The poses as they are meant, then those of each draw.
    n_poses : int
    turns_deg : array of shape (3,)
        Standard deviations of flexion, adduction and rotation from both frames.
    """

    course: Course
    n_poses: int
    turns_deg: Array


def draws_of(hip: Hip, goal: Goal, *, jobs: int = 1) -> Draws:
    """Draw what the poses of a goal might really be: one offset of all of them for each draw.

    Parameters
    ----------
    hip : Hip
    goal : Goal
    jobs : int

    Returns
    -------
    Draws
    """
    poses = goal.poses
    turns = _turns_deg(hip)
    offsets = np.random.default_rng(_SEED).normal(size=(N_DRAWS, 3)) * np.hypot(POSTURE_DEG, turns)
    angles = (poses.angles_deg[None] + offsets[:, None]).reshape(-1, 3)
    zeros = poses.pelvic_zero, poses.rotation_zero
    every = PoseSet("draws", np.concatenate([poses.angles_deg, angles]), *zeros)
    return Draws(course_of(hip, every, np.tile(goal.floor_mm, N_DRAWS + 1), jobs=jobs), len(poses), turns)


def probability_met(draws: Draws, triangles_mm: Array, wanted_mm: float, *, jobs: int = 1) -> dict[str, Any]:
    """Share of draws in which a trochanter keeps the clearance.

    Parameters
    ----------
    draws : Draws
    triangles_mm : array of shape (N, 3, 3), mm, patient frame
        Of the trochanter after the cut, cut surface included.
    wanted_mm : float
    jobs : int

    Returns
    -------
    dict
        ``probability``: with posture, the turns of both frames (as far as their sigma is known) and the
        surfaces in doubt. ``probability_uncontrolled_scan``: with the standard deviation of 4.2 mm between
        uncontrolled scans instead. ``sd_mm`` of the draws, and the assumptions.

    Notes
    -----
    A cut that just meets its goal has about an even chance: to be sure, ask for more.
    """
    gaps = draws.course.gaps(triangles_mm, jobs=jobs) - draws.course.floor_mm
    still = float(gaps[: draws.n_poses].min())
    least = gaps[draws.n_poses :].reshape(N_DRAWS, -1).min(axis=1)
    least = least + np.random.default_rng(_SEED + 1).normal(size=N_DRAWS) * SURFACE_MM * np.sqrt(2.0)
    above = ndtr((still - wanted_mm) / SCAN_MM)
    return {
        "probability": round(float((least >= wanted_mm).mean()), 3),
        "probability_uncontrolled_scan": round(float(above), 3),
        "sd_mm": round(float(least.std(ddof=1)), 2),
        "n_draws": N_DRAWS,
        "posture_deg": POSTURE_DEG,
        "frame_turns_deg": [round(float(turn), 2) for turn in draws.turns_deg],
        "surface_mm": SURFACE_MM,
        "words": "posture and surface errors are engineering figures; a prediction",
    }


def _turns_deg(hip: Hip) -> Array:
    """Standard deviation of flexion, adduction and rotation from both frames' own turns, where known."""
    out = np.zeros(3)
    for name in ("pelvis_app_from_patient", "femur_pca_from_patient"):
        sigma = hip.frames[name].turn_sigma_deg
        if sigma is not None:
            about_forward, about_up, about_right = sigma
            out = np.hypot(out, [about_right, about_forward, about_up])
    return out

"""Hips built from exact numbers, and what can be done to them; no files, no network."""

from ischio.phantoms.anatomy import anatomy, whole_pelvis
from ischio.phantoms.hips import PATIENT, hip, mirrored, moved, pelvis, random_motion, scaled

__all__ = [
    "PATIENT",
    "anatomy",
    "hip",
    "mirrored",
    "moved",
    "pelvis",
    "random_motion",
    "scaled",
    "whole_pelvis",
]

"""Hips built from exact numbers, and what can be done to them; no files, no network."""

from ischio.phantoms.anatomy import anatomy, whole_pelvis
from ischio.phantoms.hips import PATIENT, hip, mirrored, moved, pelvis, random_motion, scaled
from ischio.phantoms.resection import sphere_on_cylinder

__all__ = [
    "PATIENT",
    "anatomy",
    "hip",
    "mirrored",
    "moved",
    "pelvis",
    "random_motion",
    "scaled",
    "sphere_on_cylinder",
    "whole_pelvis",
]

"""Landmarks, regions, frames and sides, found on any person's bones or read by a person."""

from ischio.landmarks.assemble import find_pelvis
from ischio.landmarks.override import with_read_points

__all__ = ["find_pelvis", "with_read_points"]

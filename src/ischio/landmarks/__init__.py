"""Landmarks, regions, frames and sides, found on any person's bones."""

from ischio.landmarks.assemble import find_pelvis

__all__ = ["find_pelvis"]

"""A hip in motion: poses, the joint that carries them out, and the gap in each."""

from ischio.motion.pose_sets import pose_grid, pose_list, pose_path
from ischio.motion.sweep import clearance

__all__ = ["clearance", "pose_grid", "pose_list", "pose_path"]

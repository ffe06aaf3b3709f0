"""A hip in motion: poses, the joint that carries them out, and the gap in each."""

from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import examine
from ischio.motion.gait import gait_gaps
from ischio.motion.limits import limits
from ischio.motion.maps import motion_map
from ischio.motion.pose_sets import pose_grid, pose_list, pose_path
from ischio.motion.sweep import clearance
from ischio.motion.whole import Motion, MotionSettings, move

__all__ = [
    "Motion",
    "MotionSettings",
    "average_cycle",
    "clearance",
    "examine",
    "gait_gaps",
    "limits",
    "motion_map",
    "move",
    "pose_grid",
    "pose_list",
    "pose_path",
]

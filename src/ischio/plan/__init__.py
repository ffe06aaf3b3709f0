"""The smallest resection of the lesser trochanter that restores a clearance, and what it costs."""

from ischio.plan.as_dict import hip_row, plan_rows
from ischio.plan.burr import Burr
from ischio.plan.goals import MOTION_SETS, Goal, goal_of
from ischio.plan.resection import HipPlans, Plan, plan_hip
from ischio.plan.whole import plan_sections

__all__ = [
    "MOTION_SETS",
    "Burr",
    "Goal",
    "HipPlans",
    "Plan",
    "goal_of",
    "hip_row",
    "plan_hip",
    "plan_rows",
    "plan_sections",
]

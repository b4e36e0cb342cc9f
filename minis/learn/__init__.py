"""What a learner runs: specs that prove the library, profiles, plans, and a detector's stages."""

from .checking.process import check
from .detector_stages import Boxes, Stages, stages
from .plan_report import Need, Plan, PlanRow
from .planner import plan
from .profile_report import Pass, Report, Row
from .profiler import profile
from .stage_pictures import draw_stages, stage_pictures

__all__ = [
    "Boxes",
    "Need",
    "Pass",
    "Plan",
    "PlanRow",
    "Report",
    "Row",
    "Stages",
    "check",
    "draw_stages",
    "plan",
    "profile",
    "stage_pictures",
    "stages",
]

"""What a learner runs: checks of one's own operations, comparisons, plans, profiles."""

from .adjoint.matrices import AdjointLab, adjoint_lab
from .checking.process import check
from .comparing.mirror import mirror
from .comparing.networks import compare
from .comparing.report import Comparison, Divergence
from .detector_stages import Boxes, Stages, stages
from .exercises.notebook import check_exercise
from .plan_report import Need, Plan, PlanRow
from .planner import plan
from .profile_report import Pass, Report, Row
from .profiler import profile
from .stage_pictures import draw_stages, stage_pictures

__all__ = [
    "AdjointLab",
    "Boxes",
    "Comparison",
    "Divergence",
    "Need",
    "Pass",
    "Plan",
    "PlanRow",
    "Report",
    "Row",
    "Stages",
    "adjoint_lab",
    "check",
    "check_exercise",
    "compare",
    "draw_stages",
    "mirror",
    "plan",
    "profile",
    "stage_pictures",
    "stages",
]

"""What a learner runs: specs that prove the library, profiles, plans, and what is made of them."""

from .plan_report import Need, Plan, PlanRow
from .planner import plan
from .profile_report import Pass, Report, Row
from .profiler import profile

__all__ = ["Need", "Pass", "Plan", "PlanRow", "Report", "Row", "plan", "profile"]

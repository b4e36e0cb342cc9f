"""What a learner runs: the specs that prove the library, profiles, and what is made from them."""

from .profile_report import Pass, Report, Row
from .profiler import profile

__all__ = ["Pass", "Report", "Row", "profile"]

"""The experiment's tables."""

from studies.models.annotation import (
    Annotator,
    Exclusion,
    Judgment,
    Refusal,
    RevokedInvite,
    Skip,
    new_key,
)
from studies.models.audit import AuditEvent, AuditHead
from studies.models.comparison import Assignment, Comparison
from studies.models.membership import Invitation, Membership
from studies.models.notice import Alarm, Notice, NoticeTarget
from studies.models.origin import Origin
from studies.models.report import Report, ReportFile
from studies.models.study import Arm, Criterion, Prompt, Study, new_token
from studies.models.token import ApiToken, KeptAnswer

__all__ = [
    "Alarm",
    "Annotator",
    "ApiToken",
    "Arm",
    "Assignment",
    "AuditEvent",
    "AuditHead",
    "Comparison",
    "Criterion",
    "Exclusion",
    "Invitation",
    "Judgment",
    "KeptAnswer",
    "Membership",
    "Notice",
    "NoticeTarget",
    "Origin",
    "Prompt",
    "Refusal",
    "Report",
    "ReportFile",
    "RevokedInvite",
    "Skip",
    "Study",
    "new_key",
    "new_token",
]

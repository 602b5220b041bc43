"""What only a draft takes."""

from __future__ import annotations

from studies.domain.errors import PlanFrozenError, StudyError
from studies.enums import StudyStatus
from studies.models import Study


def refuse_unless_draft(study: Study) -> None:
    """Refuse to edit what is no draft any more, as the editor does."""
    if study.status == StudyStatus.DRAFT:
        return
    kind = PlanFrozenError if study.frozen else StudyError
    raise kind(
        f"“{study.slug}” is {study.get_status_display().lower()}, so its plan stays as it is. "
        "Copy it (POST …/copies) to begin a new draft from it."
    )

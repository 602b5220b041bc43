"""What is told to somebody who asks for a report that cannot be made."""

from studies.domain.errors import StudyError


class ReportError(StudyError):
    """One line that says why there is no report, and what to do."""

"""What a person is told when something cannot be done."""


class StudyError(Exception):
    """One line that says what was wrong and what to do; safe to show as it is."""


class PlanFrozenError(StudyError):
    """Somebody tried to change the plan of a study that has been opened."""

"""What is wrong with a study file, and where."""

from __future__ import annotations

from django.utils.translation import gettext

from studies.domain.errors import StudyError

Path = tuple[str | int, ...]


class StudyFileError(StudyError):
    """One line that names file, line and field."""

    def __init__(self, problem: str, *, name: str, line: int | None = None, field: str = "") -> None:
        self.name, self.line, self.field, self.problem = name, line, field, problem
        place = [name, gettext("line %(line)s") % {"line": line} if line else "", field]
        super().__init__(f"{', '.join(part for part in place if part)}: {problem}")


def spoken(path: Path) -> str:
    """Return a path as a person writes it: ``arms[1].guidance_scale``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")

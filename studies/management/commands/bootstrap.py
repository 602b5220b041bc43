"""`manage.py bootstrap`: what a first start needs. Harmless to repeat; it goes on where it was."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from studies.domain.errors import StudyError
from studies.domain.invites import annotators_link
from studies.presets import demo_study, example_study

_NAME = "researcher"


class Command(BaseCommand):
    help = "Create the first researcher, the example study and the finished demonstration."

    def handle(self, *_: Any, **__: Any) -> None:
        """Print what `make run` tells: the researcher (first time only) and the annotators' address."""
        try:
            password = self._first_researcher()
            example = example_study()
            # Before the demonstration, which takes a while: the launcher tells them at once.
            if password:
                self.stdout.write(f"researcher: {_NAME} {password}")
            self.stdout.write(f"annotate: {annotators_link(example)}")
            self.stdout.flush()
            demo_study(say=self.stderr.write)
        except (StudyError, OSError) as error:
            raise CommandError(" ".join(str(error).split())) from error

    def _first_researcher(self) -> str:
        """Return the password of a researcher who was just created; empty when there is one already."""
        users = get_user_model()
        if users.objects.exists():
            return ""
        password = secrets.token_urlsafe(12)
        users.objects.create_superuser(_NAME, password=password)
        note = settings.DATA_DIR / "researcher.txt"
        note.touch(mode=0o600)
        note.write_text(f"{_NAME} {password}\n")
        return password

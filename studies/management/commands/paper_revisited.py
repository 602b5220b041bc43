"""Write docs/the-paper-revisited.md and its pictures anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from studies.presets.paper_revisited.convert import convert
from studies.presets.paper_revisited.page import FOLDER, write


class Command(BaseCommand):
    """Convert the replica, analyse it, write the page."""

    help = "Write docs/the-paper-revisited.md and its pictures from the synthetic replica."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write everything below the project's folder."""
        convert(FOLDER / "replica.csv", FOLDER / "judgments.csv")
        write(Path(settings.BASE_DIR))
        self.stdout.write("written: docs/the-paper-revisited.md")

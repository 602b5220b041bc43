"""`manage.py audit`: look whether the log is whole."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands import DatabaseCommand
from studies.domain.audit import GENESIS, HEAD, find_break
from studies.models import AuditEvent, AuditHead


class Command(DatabaseCommand):
    help = "Look whether the log of who did what is as it was written."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verify = verbs.add_parser("verify", help="name the first row that was changed, deleted or moved")
        verify.add_argument(
            "--head", metavar="HASH", help="the end that an earlier look printed: it has to be there still"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the end of the chain; a break is an error, status 1."""
        broken = find_break()
        if broken is not None:
            when = f" of {broken.at:%Y-%m-%d %H:%M} UTC" if broken.at else ""
            raise CommandError(f"The log is not whole: event {broken.event}{when} {broken.what}.")
        head = AuditHead.objects.filter(pk=HEAD).first()
        self._compare(options["head"])
        self.stdout.write(f"The log is whole: {head.events if head else 0} events.")
        self.stdout.write(f"head: {head.hash if head else GENESIS}")

    def _compare(self, earlier: str | None) -> None:
        if earlier and earlier != GENESIS and not AuditEvent.objects.filter(hash=earlier).exists():
            raise CommandError(f"The log was written anew: it has no row with the hash {earlier}.")

"""`manage.py account`: help for whoever cannot log in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from studies.domain import accounts

_ACTOR = "command line"
_HELP = {
    "reset": "print a link by which somebody chooses a new password",
    "release": "forget an account's wrong passwords",
    "no-second-factor": "let an account log in with its password alone",
}


class Command(BaseCommand):
    help = "Help somebody who cannot log in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the verb and the name."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, told in _HELP.items():
            verbs.add_parser(verb, help=told).add_argument("name", metavar="NAME", help="the account's name")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it, and say what was done."""
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            known = ", ".join(User.objects.order_by("username").values_list("username", flat=True)[:20])
            raise CommandError(f"There is no account “{options['name']}”. Accounts: {known or 'none yet'}.")
        match options["verb"]:
            case "reset":
                accounts.note(user, "reset_link_made", actor=_ACTOR)
                path = reverse("password_reset_confirm", args=accounts.reset_parts(user))
                self.stdout.write(settings.SITE_URL + path)
            case "release":
                accounts.release(user, actor=_ACTOR)
                self.stdout.write(f"{user} may try again.")
            case _:
                accounts.remove_second_factor(user, actor=_ACTOR)
                self.stdout.write(f"{user} logs in with the password alone.")

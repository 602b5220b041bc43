"""`manage.py account`: help for whoever cannot log in, and tokens for programs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from config.commands import DatabaseCommand
from studies.domain import accounts
from studies.domain.errors import StudyError
from studies.domain.tokens import DAYS, make_token, revoke_token, tokens_of
from studies.enums import Scope

_ACTOR = "command line"
_HELP = {
    "reset": "print a link by which somebody chooses a new password",
    "release": "forget an account's wrong passwords",
    "no-second-factor": "let an account log in with its password alone",
    "token": "print a new token for programs; or list or withdraw those that there are",
}


def _token_arguments(parser: CommandParser) -> None:
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--for", dest="purpose", default="command line", metavar="TEXT", help="what it is for")
    some.add_argument("--list", action="store_true", help="list the account's tokens")
    some.add_argument("--revoke", metavar="PREFIX", help="withdraw the token that begins so")
    parser.add_argument(
        "--scopes",
        default="read",
        metavar="A,B",
        help=f"what it may be used for, of {', '.join(Scope.values)} (default: read)",
    )
    parser.add_argument("--days", type=int, default=90, choices=DAYS, help="how long it lasts (default: 90)")


class Command(DatabaseCommand):
    help = "Help somebody who cannot log in, or let a program in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the verb and the name."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, told in _HELP.items():
            parser_of_verb = verbs.add_parser(verb, help=told)
            parser_of_verb.add_argument("name", metavar="NAME", help="the account's name")
            if verb == "token":
                _token_arguments(parser_of_verb)

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
            case "token":
                self._token(user, options)
            case _:
                accounts.remove_second_factor(user, actor=_ACTOR)
                self.stdout.write(f"{user} logs in with the password alone.")

    def _token(self, user: User, options: dict[str, Any]) -> None:
        try:
            if options["list"]:
                for token in tokens_of(user):
                    used = f"used {token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never used"
                    told = f"{token.name}  {token.scopes}  until {token.expires_at:%Y-%m-%d}  {used}"
                    self.stdout.write(f"{token.prefix}…  {told}")
            elif options["revoke"]:
                self._revoke(user, options["revoke"])
            else:
                _, secret = make_token(
                    user=user,
                    name=options["purpose"],
                    scopes=_scopes(options["scopes"]),
                    days=options["days"],
                    actor=_ACTOR,
                )
                self.stdout.write(secret)
        except StudyError as error:
            raise CommandError(str(error)) from error

    def _revoke(self, user: User, prefix: str) -> None:
        found = [token for token in tokens_of(user) if token.prefix.startswith(prefix.rstrip("…"))]
        if len(found) != 1:
            raise StudyError(f"{len(found)} tokens of {user} begin with “{prefix}”: “--list” shows them.")
        revoke_token(token=found[0], actor=_ACTOR)
        self.stdout.write(f"The token “{found[0].name}” is withdrawn.")


def _scopes(said: str) -> list[Scope]:
    words = [word.strip() for word in said.split(",") if word.strip()]
    unknown = [word for word in words if word not in Scope.values]
    if unknown:
        raise StudyError(f"There is no scope “{unknown[0]}”. Scopes: {', '.join(Scope.values)}.")
    return [Scope(word) for word in words]

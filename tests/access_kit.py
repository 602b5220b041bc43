"""The access matrix: reads its table, makes a world with every role, and asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from generation.models import Completion
from studies.domain.exclusion import exclude_annotator
from studies.domain.invitations import invite
from studies.domain.notice_targets import add_webhook, send_test
from studies.domain.notices import OFFERED
from studies.domain.tokens import make_token
from studies.enums import Role, Scope
from studies.models import Membership, Study
from tests import factories

TABLE = Path(__file__).parent / "studies" / "views" / "access_matrix.txt"
VISITORS = ("anonymous", "foreign", *(role.value for role in reversed(Role)), "admin")
STATES = ("draft", "ready", "open", "closed", "surveyed")
WITHOUT_ROWS = ("admin/",)
"""Addresses that a test of their own walks over."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    line: int
    method: str
    address: str
    body: str
    expected: dict[str, str]


def rows() -> list[Row]:
    """Read the table."""
    lines = enumerate(TABLE.read_text(encoding="utf-8").splitlines(), start=1)
    return [_row(number, line) for number, line in lines if line.strip() and not line.startswith("#")]


def _row(number: int, line: str) -> Row:
    request, _, told = line.partition("|")
    method, address, *body = request.split()
    statuses = told.split()
    if len(statuses) == 1:
        statuses *= len(VISITORS)
    return Row(number, method, address, " ".join(body), dict(zip(VISITORS, statuses, strict=True)))


def routes() -> dict[str, URLPattern]:
    """Return every pattern of the site by its whole route."""
    return dict(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> list[tuple[str, URLPattern]]:
    found: list[tuple[str, URLPattern]] = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += _walk(pattern.url_patterns, route)
        else:
            found.append((route, pattern))
    return found


def route_of(row: Row) -> str:
    """Return the route that answers a row's address; empty for static files, which are no route's."""
    if row.address.startswith("/static/"):
        return ""
    return resolve(re.sub(r"\{\w+\}", "1", row.address.partition("?")[0])).route


class World:
    """Two sets of studies in every state, and somebody for each role in either; an administrator of none."""

    def __init__(self) -> None:
        self.names = {side: self._studies(side) for side in ("own", "foreign")}
        self.members = {
            (side, role): self._member(side, role) for side in ("own", "foreign") for role in Role
        }
        self.admin = factories.ResearcherFactory(username="site-admin", is_superuser=True, is_staff=True)

        _, self.token = invite(study=self.names["own"]["open"], role=Role.MONITOR, by=self.admin)

        self.pass_, _ = make_token(user=self.admin, name="backup", scopes=[Scope.READ], days=7, actor="tests")

        self.webhook, _ = add_webhook(
            study=self.names["own"]["open"], url="https://example.org", events=OFFERED, actor="tests"
        )
        send_test(target=self.webhook)

        self.account, _ = invite(study=None, role=None, by=self.admin)

    def _studies(self, side: str) -> dict[str, Study]:
        make = {"draft": factories.draft_study, "ready": factories.ready_study}
        return {
            state: make[state](prompts=1, slug=f"{side}-{state}")
            if state in make
            else _collected(state, slug=f"{side}-{state}")
            for state in STATES
        }

    def _member(self, side: str, role: Role) -> User:
        user: User = factories.ResearcherFactory(username=f"{side}-{role}")
        Membership.objects.bulk_create(
            Membership(study=study, user=user, role=role) for study in self.names[side].values()
        )
        return user

    @cached_property
    def clients(self) -> list[tuple[str, Client]]:
        """A browser for each visitor; several for `foreign`."""
        found = [("anonymous", Client()), ("admin", _browser(self.admin))]
        for (side, role), user in self.members.items():
            found.append((role.value if side == "own" else "foreign", _browser(user)))
        return found

    def address(self, row: Row) -> str:
        """Fill in a row's address."""
        studies = self.names["own"]
        state = next((state for state in STATES if f"{{{state}}}" in row.address), "open")
        study = studies[state]
        completions = Completion.objects.filter(batch_key=study.key).values_list("pk", flat=True)
        words = {state: study.slug for state, study in studies.items()} | {
            "invite": study.invite,
            "token": self.token,
            "account": str(self.account.pk),
            "person": str(self.members["foreign", Role.MONITOR].pk),
            "monitor": str(study.memberships.values_list("pk", flat=True).get(role=Role.MONITOR)),
            "invitation": str(study.invitations.values_list("pk", flat=True).first()),
            "annotator": str(study.annotators.values_list("pk", flat=True).first()),
            "completion": str(completions.first()),
            "webhook": str(self.webhook.pk),
            "notice": str(self.webhook.notices.values_list("pk", flat=True).get()),
            "apitoken": str(self.pass_.pk),
            "exclusion": str(study.exclusions.values_list("pk", flat=True).first()),
        }
        return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], row.address)

    def surprises(self, row: Row) -> list[str]:
        """Ask as every visitor; return in words where the answer is not the expected one."""
        address, found = self.address(row), []
        for visitor, client in self.clients:
            status = _ask(client, row, address)
            if status != row.expected[visitor]:
                found.append(
                    f"line {row.line}: {row.method} {row.address}: {visitor} got {status}, "
                    f"not {row.expected[visitor]}"
                )
        return found


def _collected(state: str, *, slug: str) -> Study:
    survey = [{"name": "age", "question": "How old are you?", "kind": "text"}] if state == "surveyed" else []
    make = factories.closed_study if state == "closed" else factories.open_study
    study = make(slug=slug, comparisons=2, survey=survey)
    for _ in range(2):
        annotator = factories.AnnotatorFactory(study=study)
    exclude_annotator(annotator=annotator, rule="too-fast", reason="Two seconds each.", actor="tests")
    if state == "closed":
        factories.reported(study, json="{}")
    return study


def _browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _ask(client: Client, row: Row, address: str) -> str:
    cookies = client.cookies.copy()
    with transaction.atomic():
        if row.method == "GET":
            response = client.get(address)
        else:
            kind = "json" if address.startswith("/api/") else "x-www-form-urlencoded"
            response = client.generic(row.method, address, row.body, content_type=f"application/{kind}")
        transaction.set_rollback(True)
    client.cookies = cookies
    response.close()
    if response.status_code == 302 and response["Location"].startswith("/login/"):
        return "login"
    return str(response.status_code)

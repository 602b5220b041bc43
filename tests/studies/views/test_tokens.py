"""Tokens on the account's page and by the command: shown once, listed without their secret, withdrawn."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from studies.domain.tokens import find_token, make_token
from studies.enums import Scope
from studies.models import ApiToken, AuditEvent
from tests.factories import ResearcherFactory

pytestmark = pytest.mark.django_db
SCOPES = "Scopes: read, write, results, personal, members."


def run(*arguments):
    out = StringIO()
    call_command("account", "token", *arguments, stdout=out)
    return out.getvalue()


def test_a_token_is_shown_once(dashboard):
    made = dashboard.post("/account/tokens/", {"name": "backup", "scopes": ["read", "results"], "days": "30"})
    later = dashboard.get("/account/tokens/")

    secret = re.search(r'value="(evenhand_[^"]+)"', made.text)[1]
    assert made.status_code == 201
    assert find_token(secret) == ApiToken.objects.get(scopes="read results")
    assert secret not in later.text
    assert ApiToken.objects.get().prefix in later.text


def test_what_is_missing_is_told_beside_its_field(dashboard):
    refused = dashboard.post("/account/tokens/", {"days": "30"})

    assert refused.status_code == 422
    assert "Say what it is for." in refused.text
    assert "Choose one or more." in refused.text
    assert not ApiToken.objects.exists()


def test_a_withdrawn_token_lets_nobody_in(dashboard, researcher):
    token, secret = make_token(user=researcher, name="old", scopes=[Scope.READ], days=7, actor="ada")

    dashboard.post(f"/account/tokens/{token.pk}/revoke/")

    assert find_token(secret) is None
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "token.made",
        "token.revoked",
    ]
    assert "No tokens yet" in dashboard.get("/account/tokens/").text


def test_somebody_elses_token_is_not_there(dashboard):
    token, secret = make_token(
        user=ResearcherFactory(), name="theirs", scopes=[Scope.READ], days=7, actor="them"
    )

    assert dashboard.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert find_token(secret) == token


def test_the_command_makes_lists_and_withdraws(researcher):
    secret = run("ada", "--for", "nightly", "--scopes", "read,write", "--days", "7").strip()
    listed = run("ada", "--list")
    withdrawn = run("ada", "--revoke", secret[:14])

    token = ApiToken.objects.get()
    assert (token.name, token.scopes) == ("nightly", "read write")
    assert listed.startswith(f"{token.prefix}…  nightly  read write  until ")
    assert secret not in listed
    assert withdrawn == "The token “nightly” is withdrawn.\n"
    assert find_token(secret) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--scopes", "read,all"],
            "There is no scope “all”. Scopes: read, write, results, personal, members.",
        ),
        (
            ["--scopes", ","],
            "A token needs a scope or more. Scopes: read, write, results, personal, members.",
        ),
        (["--revoke", "evenhand_x"], "0 tokens of ada begin with “evenhand_x”: “--list” shows them."),
    ],
)
def test_the_command_says_what_is_wrong(researcher, arguments, told):
    with pytest.raises(CommandError) as refusal:
        run("ada", *arguments)

    assert str(refusal.value) == told
    assert not ApiToken.objects.exists()

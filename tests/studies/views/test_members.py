"""The members' page, and joining by a link."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from studies.domain.invitations import InvitationError, accept, find_invitation, invite, revoke
from studies.enums import Role
from studies.models import Invitation
from tests.factories import ResearcherFactory, draft_study

pytestmark = pytest.mark.django_db
PASSWORD = "purple staples correct"


@pytest.fixture
def study(researcher):
    return draft_study(title="Which is kinder?")


@pytest.fixture
def invited(study, researcher):
    """An invitation and its secret."""
    return invite(study=study, role=Role.ANALYST, by=researcher, note="Grace")


def test_a_link_is_shown_once_and_only_its_hash_is_kept(dashboard, study):
    address = f"/studies/{study.slug}/members/"
    page = dashboard.post(address, {"role": "editor", "days": 1, "note": "Grace"}).content.decode()

    (token,) = re.findall(r'value="http[^"]*/join/([^"/]+)/"', page)
    invitation = Invitation.objects.get()

    assert invitation == find_invitation(token)
    assert token not in (invitation.token_hash, *dashboard.get(address).content.decode().split('"'))
    assert timedelta(hours=23) < invitation.expires_at - timezone.now() < timedelta(hours=25)


def test_a_stranger_makes_an_account_and_is_in(client, study, invited):
    _, token = invited
    assert "Which is kinder?" in client.get(f"/join/{token}/").content.decode()

    answer = client.post(
        f"/join/{token}/", {"username": "grace", "password1": PASSWORD, "password2": PASSWORD}, follow=True
    )

    assert answer.redirect_chain == [(f"/studies/{study.slug}/", 302)]
    assert [(one.user.username, one.role) for one in study.memberships.all()] == [("grace", "analyst")]
    assert [event.action for event in study.events.order_by("id")] == [
        "invitation.made",
        "invitation.accepted",
        "member.added",
    ]


def test_what_is_wrong_with_a_new_account_stands_beside_its_field(client, invited):
    _, token = invited
    fields = {"username": "ada", "password1": "12345", "password2": "12345"}

    answer = client.post(f"/join/{token}/", fields)

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"username", "password2"}
    assert Invitation.objects.get().accepted_at is None


def test_whoever_has_an_account_joins_with_it(client, study, invited):
    grace = ResearcherFactory(username="grace")
    client.force_login(grace)

    client.post(f"/join/{invited[1]}/")

    assert study.memberships.get().user == grace


def test_a_link_works_once(client, invited):
    accept(token=invited[1], user=ResearcherFactory())

    answer = client.get(f"/join/{invited[1]}/")

    assert answer.status_code == 410
    assert "This link has been used" in answer.content.decode()


def test_a_link_that_ran_out_or_was_withdrawn_invites_nobody(invited, study, researcher):
    late, late_token = invite(study=study, role=Role.OWNER, by=researcher)
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    revoke(invitation=invited[0], actor="ada")

    for token, words in [(late_token, "run out"), (invited[1], "withdrawn"), ("made-up", "not known")]:
        with pytest.raises(InvitationError, match=words):
            accept(token=token, user=researcher)
    assert not study.memberships.exists()


def test_a_used_link_cannot_be_withdrawn(invited, researcher):
    accept(token=invited[1], user=researcher)

    with pytest.raises(InvitationError, match="nothing to withdraw"):
        revoke(invitation=invited[0], actor="ada")


def test_the_only_owner_is_told_why_they_stay(dashboard, study, researcher):
    accept(token=invite(study=study, role=Role.OWNER, by=researcher)[1], user=researcher)

    address = f"/studies/{study.slug}/members/{study.memberships.get().pk}/"
    page = dashboard.post(f"{address}remove/", follow=True).content.decode()

    assert "ada is the only owner, so they cannot be removed" in page
    assert study.memberships.exists()


def test_a_role_is_changed_from_the_list(dashboard, study, invited):
    accept(token=invited[1], user=ResearcherFactory(username="grace"))
    address = f"/studies/{study.slug}/members/{study.memberships.get().pk}/role/"

    page = dashboard.post(address, {"role": "monitor"}, follow=True).content.decode()
    wrong = dashboard.post(address, {"role": "king"}, follow=True).content.decode()

    assert "grace is now monitor of this study." in page
    assert "Choose one of the roles." in wrong
    assert study.memberships.get().role == "monitor"

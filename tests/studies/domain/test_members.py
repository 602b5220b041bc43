"""Joining, changing, leaving."""

import importlib

import pytest
from django.apps import apps

from studies.domain.errors import StudyError
from studies.domain.members import add_member, change_role, remove_member
from studies.enums import Role
from studies.models import Membership
from tests.factories import ResearcherFactory, StudyFactory

pytestmark = pytest.mark.django_db


def joined(study, name, role):
    return add_member(study=study, user=ResearcherFactory(username=name), role=role, actor="tests")


def logged(study):
    return [(event.action, event.before, event.after) for event in study.events.order_by("id")]


def test_each_change_is_logged_with_before_and_after():
    study = StudyFactory()
    joined(study, "ada", Role.OWNER)
    bob = joined(study, "bob", Role.MONITOR)

    bob = change_role(member=bob, role=Role.EDITOR, actor="ada")
    remove_member(member=bob, actor="ada")

    monitor, editor = ({"member": "bob", "role": role} for role in ("monitor", "editor"))
    assert logged(study) == [
        ("member.added", None, {"member": "ada", "role": "owner"}),
        ("member.added", None, monitor),
        ("member.role_changed", monitor, editor),
        ("member.removed", editor, None),
    ]


def test_whoever_has_a_role_keeps_it_when_added_again():
    study = StudyFactory()
    bob = joined(study, "bob", Role.EDITOR)

    again = add_member(study=study, user=bob.user, role=Role.MONITOR, actor="ada")

    assert (again.pk, again.role) == (bob.pk, Role.EDITOR)
    assert len(logged(study)) == 1


def test_the_only_owner_can_neither_leave_nor_become_something_else():
    study = StudyFactory()
    ada = joined(study, "ada", Role.OWNER)
    joined(study, "bob", Role.EDITOR)

    with pytest.raises(StudyError, match="ada is the only owner, so they cannot be removed"):
        remove_member(member=ada, actor="ada")
    with pytest.raises(StudyError, match="ada is the only owner, so they cannot be given another role"):
        change_role(member=ada, role=Role.EDITOR, actor="ada")


def test_an_owner_whose_account_is_closed_does_not_count():
    study = StudyFactory()
    ada = joined(study, "ada", Role.OWNER)
    old = joined(study, "old", Role.OWNER)
    old.user.is_active = False
    old.user.save()

    with pytest.raises(StudyError, match="only owner"):
        remove_member(member=ada, actor="ada")


def test_one_of_two_owners_can_leave():
    study = StudyFactory()
    ada = joined(study, "ada", Role.OWNER)
    joined(study, "bob", Role.OWNER)

    remove_member(member=ada, actor="ada")

    assert [member.user.username for member in study.memberships.all()] == ["bob"]


def test_somebody_who_is_gone_cannot_be_changed():
    study = StudyFactory()
    joined(study, "ada", Role.OWNER)
    bob = joined(study, "bob", Role.EDITOR)
    Membership.objects.filter(pk=bob.pk).delete()

    with pytest.raises(StudyError, match="gone already"):
        change_role(member=bob, role=Role.ANALYST, actor="ada")


def test_studies_from_before_belong_to_who_made_them():
    ada = ResearcherFactory(username="ada")
    hers, nobodys = StudyFactory(created_by=ada), StudyFactory()
    migration = importlib.import_module("studies.migrations.0013_owners")

    migration.own_what_they_made(apps, None)

    assert [(member.user, member.role) for member in hers.memberships.all()] == [(ada, "owner")]
    assert not nobodys.memberships.exists()

"""Who may do what. The table of `docs/roles.md` is the specification, and read here."""

import itertools
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser

from studies.domain.access import ABILITIES, abilities_of, allowed, role_in, visible_studies, who_can
from studies.enums import Ability, Role
from studies.models import Membership
from tests.factories import ResearcherFactory, StudyFactory

DOCUMENT = Path(__file__).parents[3] / "docs" / "roles.md"


def documented() -> dict[Role, set[str]]:
    """The table of the document: abilities by role, as its words have them."""
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, rows = cells[0][1:], cells[2:]
    return {
        Role(name): {row[0] for row in rows if row[column].startswith("yes")}
        for column, name in enumerate(head, start=1)
    }


def test_the_document_says_what_the_code_does():
    assert documented() == {
        role: {ability.label for ability in abilities} for role, abilities in ABILITIES.items()
    }


def test_each_role_may_all_that_the_one_below_it_may():
    roles = list(Role)

    assert all(ABILITIES[above] > ABILITIES[below] for above, below in itertools.pairwise(roles))


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_a_member_has_the_abilities_of_the_role_and_of_no_other_study(role):
    study, other = StudyFactory(), StudyFactory()
    user = ResearcherFactory()
    Membership.objects.create(study=study, user=user, role=role)

    assert abilities_of(user, study) == ABILITIES[role]
    assert abilities_of(user, other) == frozenset()
    assert list(visible_studies(user)) == [study]


@pytest.mark.django_db
def test_a_site_administrator_may_in_every_study_what_its_owner_may():
    study = StudyFactory()
    admin = ResearcherFactory(is_superuser=True)

    assert role_in(admin, study) is Role.OWNER
    assert list(visible_studies(admin)) == [study]


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{}, {"is_superuser": True}])
def test_a_deactivated_account_may_nothing(fields):
    study = StudyFactory()
    user = ResearcherFactory(is_active=False, **fields)
    Membership.objects.create(study=study, user=user, role=Role.OWNER)

    assert not allowed(user, study, Ability.SEE_PROGRESS)
    assert not visible_studies(user).exists()


@pytest.mark.django_db
def test_whoever_is_not_logged_in_may_nothing():
    study = StudyFactory()

    assert not allowed(AnonymousUser(), study, Ability.SEE_PROGRESS)
    assert not visible_studies(AnonymousUser()).exists()


@pytest.mark.django_db
def test_who_can_names_owners_first_and_nobody_who_is_gone():
    study = StudyFactory()
    for name, role, active in [
        ("eve", Role.EDITOR, True),
        ("max", Role.MONITOR, True),
        ("ada", Role.OWNER, True),
        ("old", Role.OWNER, False),
    ]:
        user = ResearcherFactory(username=name, is_active=active)
        Membership.objects.create(study=study, user=user, role=role)

    assert [member.user.username for member in who_can(study, Ability.EDIT)] == ["ada", "eve"]

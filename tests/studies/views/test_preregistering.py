"""The plan as a page to print."""

import pytest

from tests.factories import draft_study, open_study

pytestmark = pytest.mark.django_db


def test_a_frozen_plan_is_shown_with_its_hash(dashboard):
    study = open_study()

    page = dashboard.get(f"/studies/{study.slug}/preregistration/").content.decode()

    assert page.count("<h1") == 1
    assert study.plan_hash in page


def test_a_draft_says_that_nothing_is_fixed_yet(dashboard):
    study = draft_study()

    page = dashboard.get(f"/studies/{study.slug}/preregistration/").content.decode()

    assert "The plan is not frozen yet" in page

"""The administrator's window shows no arm behind a text, and changes nothing."""

import re

import pytest
from django.apps import apps
from django.contrib import admin

from studies.domain.audit import record_event
from studies.models import AuditEvent
from tests import access_kit, factories

pytestmark = pytest.mark.django_db
HIDDEN = {"Comparison", "Assignment", "Judgment", "Completion", "Skip", "ReportFile", "Invitation"}


def test_no_table_that_says_which_arm_wrote_what_is_shown():
    shown = {model.__name__ for model in admin.site._registry}

    assert shown & HIDDEN == set()
    assert {"TOTPDevice", "StaticDevice", "Group", "AccessAttempt"} & shown == set()
    assert {model.__name__ for model in apps.get_models()} >= HIDDEN


def test_nothing_can_be_added_changed_or_deleted(dashboard, rf, researcher):
    request = rf.get("/admin/")
    request.user = researcher

    for model_admin in admin.site._registry.values():
        assert not model_admin.has_add_permission(request), model_admin
        assert not model_admin.has_change_permission(request), model_admin
        assert not model_admin.has_delete_permission(request), model_admin


def test_no_page_of_the_admin_unblinds_an_open_study(dashboard):
    study = factories.open_study(comparisons=1)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))
    pair = study.comparisons.select_related("candidate", "baseline").get()
    secret = {"noise": {"stream": "canary-arm"}, "text": pair.candidate.text}
    event = record_event(actor="ada", action="completion.redrawn", study=study, before=secret, after=secret)
    pages = "".join(_pages(dashboard))

    assert f"/admin/studies/auditevent/{event.pk}/change/" in pages
    assert pages.count("canary-arm") == 0
    assert pair.candidate.text not in pages
    assert pair.baseline.text not in pages
    assert AuditEvent.objects.filter(action__contains="unblind").count() == 0


def _pages(dashboard):
    """Every list of the admin and every row that a list leads to."""
    lists = [
        f"/admin/{re.sub(r'[^a-z/]', '', route.removeprefix('admin/'))}"
        for route in access_kit.routes()
        if re.fullmatch(r"admin/\w+/\w+/", route)
    ]
    for address in lists:
        page = dashboard.get(address).content.decode()
        yield page
        for row in set(re.findall(rf'href="({address}\w+/change/)', page)):
            yield dashboard.get(row).content.decode()

"""The administrator's window shows no arm behind a text, and changes nothing."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.utils import timezone

from generation.models import Worker
from studies.domain.audit import record_event
from studies.domain.exclusion import exclude_annotator
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


@pytest.fixture
def rows(researcher):
    """A row of every table that the admin shows, by its model."""
    study = factories.open_study(comparisons=1)
    annotator = factories.AnnotatorFactory(study=study)
    exclude_annotator(annotator=annotator, rule="too-fast", reason="Two seconds.", actor="tests")
    Worker.objects.create(name="gpu-1", seen_at=timezone.now())
    found = {model: model._default_manager.first() for model in admin.site._registry}
    assert all(found.values()), "give the world a row of each"
    return found


def test_every_door_of_the_admin_is_shut_for_the_administrator_too(dashboard, rows):
    before = {model: list(model._default_manager.order_by("pk").values()) for model in rows}
    opened = []

    for model, row in rows.items():
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        one = f"{place}{quote(row.pk)}/"
        doors = [
            ("GET", f"{place}add/", {}),
            ("POST", f"{place}add/", {}),
            ("POST", f"{one}change/", {field.name: "x" for field in model._meta.fields}),
            ("GET", f"{one}delete/", {}),
            ("POST", f"{one}delete/", {"post": "yes"}),
        ]
        for method, address, body in doors:
            answer = dashboard.get(address) if method == "GET" else dashboard.post(address, body)
            if answer.status_code != 403:
                opened.append((method, address, answer.status_code))
        for body in ({"action": "delete_selected"}, {"action": "delete_selected", "post": "yes"}):
            dashboard.post(place, body | {"_selected_action": [row.pk], "index": 0})
        history = dashboard.get(f"{one}history/")
        shown = dashboard.get(f"{one}change/")
        if (history.status_code, shown.status_code) != (200, 200) or b'name="_save"' in shown.content:
            opened.append((one, history.status_code, shown.status_code))

    assert opened == []
    assert {model: list(model._default_manager.order_by("pk").values()) for model in rows} == before


def test_no_question_in_an_address_spells_out_what_is_not_shown(dashboard, rows):
    answered = []

    for model, model_admin in admin.site._registry.items():
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        offered = set(model_admin.list_filter)
        for field in model._meta.fields:
            for lookup in (f"{field.name}__startswith", f"{field.name}__isnull", f"{field.name}__id"):
                if field.name in offered:
                    continue
                if dashboard.get(place, {lookup: "1"}).status_code != 400:
                    answered.append(f"{place}?{lookup}")

    assert answered == []
    assert dashboard.get("/admin/studies/study/?status__exact=open").status_code == 200


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

"""Reasons for an answer: ticked or written, asked for or required, as the study says."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import Judgment, Study
from tests.factories import open_study

pytestmark = pytest.mark.django_db
REASONS = {"options": ["Follows the prompt", "Reads better"], "required": True}


def address(study: Study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def send(study: Study, **data):
    client = Client()
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))
    page = client.get(address(study, "compare")).context
    fields = {"assignment": page["assignment"], "key": str(uuid.uuid4()), "choice-overall": "A"}
    return client.post(address(study, "compare"), fields | data)


def test_ticked_reasons_are_stored_with_the_answer_to_the_primary_question():
    study = open_study(reasons=REASONS, criteria=(("overall", "tie"), ("style", "tie")))

    send(study, ticked=["Reads better"], reason="Short.", **{"choice-style": "B"})

    stored = Judgment.objects.order_by("criterion__position").values_list("ticked", "reason")
    assert list(stored) == [(["Reads better"], "Short."), ([], "")]


@pytest.mark.parametrize("given", [{"reason": "Because."}, {"ticked": ["Follows the prompt"]}])
def test_a_required_reason_is_a_tick_or_words(given):
    assert send(open_study(reasons=REASONS), **given).status_code == 302


def test_a_missing_reason_is_asked_for_and_nothing_is_lost():
    page = send(open_study(reasons=REASONS), reason="  ")

    assert page.status_code == 422
    assert "Say why: tick a reason, or write a few words." in page.text
    assert 'value="A" aria-keyshortcuts="1 ArrowLeft" required checked' in page.text
    assert Judgment.objects.count() == 0


def test_what_was_ticked_stays_ticked():
    page = send(open_study(reasons=REASONS), ticked=["Reads better"], **{"choice-overall": "nonsense"})

    assert 'value="Reads better" checked' in page.text


def test_a_reason_that_the_study_does_not_offer_is_refused():
    assert send(open_study(reasons=REASONS), ticked=["Mine"]).status_code == 422


def test_a_study_without_reasons_asks_for_none():
    assert send(open_study()).status_code == 302

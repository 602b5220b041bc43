"""A study and its mirror image: with the arms exchanged, everything but the texts stays as it was."""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from generation.models import Completion
from studies.domain import lifecycle
from studies.enums import StudyStatus
from studies.models import Study
from tests import factories

pytestmark = pytest.mark.django_db
STEPS = {
    "practice": [{"prompt": "Be brief.", "a": "Yes.", "b": "Well.", "better": "A", "feedback": "Shorter."}],
    "comprehension": [{"question": "What counts?", "options": ["Length", "Fit"], "answer": "Fit"}],
    "survey": [{"name": "tools", "question": "With what?", "kind": "text"}],
    "checks": {"mismatched": 1},
    "repeats": 1,
    "differences": True,
    "reasons": {"options": ["Reads better"]},
}
RANDOM = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    (r'name="csrfmiddlewaretoken" value="\w+"', "CSRF"),
    (r"\b[A-Z2-9]{8}\b", "CODE"),
    (r'value="\d+" max', "FAR"),
)


def study_of(texts: dict[bool, str]) -> Study:
    """Open a study whose baseline writes ``texts[True]`` and whose candidate writes ``texts[False]``."""
    study = factories.draft_study(prompts=4, seed=11, **STEPS)
    factories.complete(study)
    for arm in study.arms.all():
        for number, prompt in enumerate(study.prompts.all()):
            Completion.objects.filter(arm_key=arm.key, prompt_key=prompt.key).update(
                text=f"{texts[arm.baseline]} about number{number} and the sea."
            )
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    study.refresh_from_db()
    return lifecycle.open_study(study=lifecycle.settle(study), actor="tests")


def walk(study: Study) -> list[tuple[str, object]]:
    """Go through the whole flow; return all that a browser got, without randomness and without texts."""
    client, got = Client(), []

    def note(name: str, response) -> None:
        body = response.text.replace(study.invite, "INVITE")
        body = re.sub(r"</?mark>", "", body)
        body = re.sub(r"(Alpha|Omega) about number\d and the sea\.", "TEXT", body)
        for pattern, word in RANDOM:
            body = re.sub(pattern, word, body)
        headers = {key: value for key, value in response.headers.items() if key != "Content-Length"}
        kept = [(morsel.key, len(morsel.value)) for morsel in response.cookies.values()]
        kept = [(re.sub(r"[0-9a-f]{16}", "HASH", key), size) for key, size in kept]
        location = headers.pop("Location", "").replace(study.invite, "INVITE")
        got.append((name, response.status_code, location, headers, kept, body))

    def address(name: str) -> str:
        return reverse(f"studies:annotate-{name}", args=[study.invite])

    note("start", client.get(address("start")))
    note("consent", client.get(address("consent")))
    note("agree", client.post(address("consent"), {"agree": "on"}))
    note("instructions", client.get(address("instructions")))
    client.post(address("instructions"))
    note("practice", client.get(address("practice"), {"pair": "0", "choice": "A"}))
    client.post(address("practice"), {"pair": "0"})
    note("comprehension", client.get(address("comprehension")))
    client.post(address("comprehension"), {"attempt": 0, "question-0": "Fit"})
    for _ in range(6):
        page = client.get(address("compare"))
        note("compare", page)
        sent = {"assignment": page.context["assignment"], "key": page.context["key"], "choice-overall": "A"}
        note("answer", client.post(address("compare"), sent))
    client.get(address("compare"))
    note("survey", client.get(address("survey")))
    client.post(address("survey"), {"tools": "Paper"})
    note("thanks", client.get(address("thanks")))
    return got


def test_exchanging_the_arms_changes_nothing_but_the_texts():
    walks = []
    for texts in ({True: "Alpha", False: "Omega"}, {True: "Omega", False: "Alpha"}):
        with transaction.atomic():
            walks.append(walk(study_of(texts)))
            transaction.set_rollback(True)

    one, other = walks
    assert [step for step, *_ in one] == [step for step, *_ in other]
    for mine, theirs in zip(one, other, strict=True):
        assert mine == theirs
    assert sum("TEXT" in body for *_, body in one) == 6

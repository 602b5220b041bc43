"""`manage.py study try`: a few prompts by the arms, told on the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from generation import requests, runs
from studies.queries.trial import trial_of
from tests.factories import draft_study
from tests.generation.fakes import FakeGenerator

pytestmark = pytest.mark.django_db


def test_what_the_worker_wrote_is_printed(monkeypatch):
    study, out = draft_study(prompts=2), StringIO()
    # The worker is called where the rows are asked for; this one does its work there and then.
    call = requests.call_workers
    monkeypatch.setattr(
        requests,
        "call_workers",
        lambda key: (call(key), runs.run(study.arms.first().checkpoint, FakeGenerator(), seconds=60)),
    )

    call_command("study", "try", study.slug, "--prompt", "prompt-1", stdout=out)

    wrote = "Answer as a pirate.Tell me about prompt-1."[::-1]
    assert out.getvalue().splitlines() == [
        "",
        "=== prompt-1 ===",
        "system: Answer as a pirate.",
        "user: Tell me about prompt-1.",
        "",
        "--- standard (42 tokens, 0.0 s) ---",
        wrote,
        "",
        "--- guided (42 tokens, 0.0 s) ---",
        wrote,
    ]


def test_without_a_worker_it_says_how_to_start_one():
    study = draft_study(prompts=2)

    with pytest.raises(CommandError, match=r"4 texts are not written yet.*No worker.*make worker"):
        call_command("study", "try", study.slug, "--wait", "0", stdout=StringIO())

    assert len(trial_of(study).prompts) == 2

"""What a report says of arms that a server answered."""

import pytest

from generation.models import Checkpoint
from studies.reports.render import render
from tests.studies.reports.kit import judged_study

pytestmark = pytest.mark.django_db


def report(study) -> str:
    return " ".join(render(study, "html").decode().split())


def test_report_tells_what_a_server_was_sent_and_that_it_cannot_be_repeated():
    study = judged_study(annotators=4, comparisons=4)
    before = report(study)

    Checkpoint.objects.update(
        name="large at models.example (0123456789)",
        source="endpoint:https://models.example/v1",
        endpoint={"base_url": "https://models.example/v1", "model": "large", "extra": {"top_k": 5}},
    )

    after = report(study)
    words = "so these responses cannot be generated again"
    assert (words in before, words in after) == (False, True)
    assert "standard: large at models.example (0123456789), https://models.example/v1; guided: large" in after
    unsent = '<dt>Guidance scale</dt><dd dir="auto">'
    assert (unsent in before, unsent in after) == (True, False)
    sent = '<dt>Top-k</dt><dd dir="auto">5</dd>'
    assert (sent in before, sent in after) == (False, True)

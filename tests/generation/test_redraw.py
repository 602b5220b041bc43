"""A completion that is drawn anew is another draw of the same request, and can be verified as any other."""

import pytest
from django.core.management import call_command

from generation import preparing, requests
from generation.engine import noise
from generation.models import Completion
from generation.spec import NoiseKey
from tests.factories import StudyFactory
from tests.generation import rows

KEY = NoiseKey(7, "ocean", "guided", 2)


def test_each_redraw_has_a_key_of_its_own_and_counts():
    once = KEY.redrawn()
    twice = once.redrawn()

    assert [key.redraws for key in (KEY, once, twice)] == [0, 1, 2]
    assert twice == NoiseKey(7, "ocean", "guided#2", 2)
    assert len({noise.words(key, 0) for key in (KEY, once, twice)}) == 3


@pytest.mark.django_db
def test_a_redrawn_completion_differs_from_the_first_and_verifies(tiny_folder, settings, tmp_path, capsys):
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()
    checkpoint = rows.checkpoint(source=f"path:{tiny_folder}")
    study = StudyFactory(slug="ocean")
    rows.completions(checkpoint, 2, batch_key=study.key)
    call_command("generate", "ocean")
    first, other = Completion.objects.order_by("pk")

    requests.redraw([first])
    call_command("generate", "ocean")
    call_command("generate", "ocean", "--verify")

    again = Completion.objects.get(pk=first.pk)
    assert again.status == "done"
    assert again.token_ids != Completion.objects.get(pk=other.pk).token_ids
    assert first.request["noise"]["stream"] == "arm#1"
    assert "2 of 2 came out token for token the same" in capsys.readouterr().out

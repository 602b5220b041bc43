from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generation import preparing, runs
from generation.models import Completion
from tests.factories import StudyFactory
from tests.generation import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def tiny(tiny_folder: Path, settings, tmp_path: Path):
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()
    return rows.checkpoint(source=f"path:{tiny_folder}")


def test_unknown_study_is_one_line() -> None:
    with pytest.raises(CommandError, match="There is no study “nothing”"):
        call_command("generate", "nothing")


def test_draft_says_what_to_do_first() -> None:
    StudyFactory(slug="ocean")

    with pytest.raises(CommandError, match=r"run `manage.py study generate ocean` first"):
        call_command("generate", "ocean")


def test_it_writes_the_studys_completions_and_no_others(tiny, capsys) -> None:
    study = StudyFactory(slug="ocean")
    rows.completions(tiny, 3, batch_key=study.key)
    (other,) = rows.completions(tiny, 1)

    call_command("generate", "ocean")

    assert capsys.readouterr().out == "done 3, failed 0, with other workers 0\n"
    other.refresh_from_db()
    assert other.status == "pending"
    assert Completion.objects.filter(batch_key=study.key, status="done").count() == 3


def test_failures_end_with_their_reason_and_can_be_retried(tiny) -> None:
    study = StudyFactory(slug="ocean")
    (completion,) = rows.completions(tiny, 1, batch_key=study.key)
    sound = completion.request
    Completion.objects.update(request=sound | {"messages": [], "text": "x" * 400})

    with pytest.raises(CommandError, match=r"1 failed, for instance: The prompt has 400 tokens"):
        call_command("generate", "ocean")
    Completion.objects.update(request=sound)
    call_command("generate", "ocean", "--retry-failed")

    assert Completion.objects.get().status == "done"


def test_interruption_gives_back_what_was_begun(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    study = StudyFactory(slug="ocean")
    rows.completions(tiny, 2, batch_key=study.key)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "heartbeat", interrupt)

    with pytest.raises(CommandError, match="run the command again to go on"):
        call_command("generate", "ocean")

    assert set(Completion.objects.values_list("status", "attempts")) == {("pending", 0)}


def test_checkpoint_that_cannot_be_prepared_is_one_line() -> None:
    study = StudyFactory(slug="ocean")
    rows.completions(rows.checkpoint(), 1, batch_key=study.key)

    with pytest.raises(CommandError, match="/nowhere holds no checkpoint"):
        call_command("generate", "ocean")

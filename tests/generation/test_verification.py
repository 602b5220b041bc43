from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from generation import preparing
from generation.models import Completion
from generation.verification import sample
from tests.factories import StudyFactory
from tests.generation import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(tiny_folder: Path, settings, tmp_path: Path):
    """A study whose three completions the tiny checkpoint has written."""
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()
    checkpoint = rows.checkpoint(source=f"path:{tiny_folder}")
    study = StudyFactory(slug="ocean")
    rows.completions(checkpoint, 3, batch_key=study.key)
    call_command("generate", "ocean")
    return study


def verify(capsys, *options: str) -> list[str]:
    capsys.readouterr()
    call_command("generate", "ocean", "--verify", *options)
    return capsys.readouterr().out.splitlines()


def test_untouched_completions_come_out_the_same(written, capsys) -> None:
    before = list(Completion.objects.values())

    assert verify(capsys) == ["3 of 3 came out token for token the same"]
    assert list(Completion.objects.values()) == before


def test_a_sample_is_as_large_as_asked(written, capsys) -> None:
    assert verify(capsys, "--sample", "2") == ["2 of 2 came out token for token the same"]


def test_a_changed_text_is_found_at_its_token(written, capsys) -> None:
    completion = Completion.objects.first()
    completion.token_ids[1] += 1
    completion.save()

    with pytest.raises(CommandError, match="1 of 3 came out differently"):
        verify(capsys)

    assert "differs: token 1" in capsys.readouterr().out


def test_a_cut_text_differs_where_it_ends(written, capsys) -> None:
    completion = Completion.objects.first()
    completion.token_ids = completion.token_ids[:2]
    completion.save()

    with pytest.raises(CommandError):
        verify(capsys)

    assert "differs: token 2" in capsys.readouterr().out


def test_another_seed_is_found_and_a_changed_version_is_named(written, capsys) -> None:
    completion = Completion.objects.first()
    completion.request["noise"]["study_seed"] += 1
    completion.provenance["libraries"]["torch"] = "0.1"
    completion.save()

    with pytest.raises(CommandError):
        verify(capsys)

    assert "(torch: 0.1, now" in capsys.readouterr().out


def test_changed_weights_are_named(written, capsys) -> None:
    checkpoint = Completion.objects.first().checkpoint
    type(checkpoint).objects.update(weight_hash="0" * 64)

    with pytest.raises(CommandError, match="the weights here are not those that it was prepared with"):
        verify(capsys)


def test_nothing_finished_is_one_line(written, capsys) -> None:
    Completion.objects.update(status="pending")

    with pytest.raises(CommandError, match="no finished completion"):
        verify(capsys)


def test_a_sample_follows_from_its_seed() -> None:
    everything = list(range(100))

    assert sample(everything, 10, seed=1) == sample(everything, 10, seed=1) != sample(everything, 10, seed=2)
    assert sample(everything, None, seed=1) == everything
    assert np.all(np.diff(sample(everything, 30, seed=3)) > 0)

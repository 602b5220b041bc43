from functools import partial

import pytest
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from generation.engine import Loaded
from generation.harness.adapter import HarnessError
from generation.harness.curve import Found, curve, find_tasks
from generation.harness.last_word import NAME, last_word_task


def of_the_harness(loaded: Loaded, limit: int) -> dict[str, float]:
    """Return what lm-eval finds with its own `hf` model around the same weights."""
    model = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=4)
    return evaluate(model, {NAME: last_word_task()}, limit=limit, bootstrap_iters=0)["results"][NAME]


def by_metric(found: list[Found], scale: float) -> dict[str, Found]:
    return {one.metric: one for one in found if one.scale == scale}


def test_at_scale_one_the_task_finds_what_the_harness_finds(tiny_loaded: Loaded) -> None:
    # Passages are longer than the tiny context, so this is about cutting them, too.
    expected = of_the_harness(tiny_loaded, 12)

    found = by_metric(curve(tiny_loaded, scales=[1.0], limit=12), 1.0)

    assert found["acc"].value == expected["acc,none"]
    assert found["perplexity"].value == pytest.approx(expected["perplexity,none"], rel=1e-4)
    assert found["acc"].documents == 12


def test_gains_are_differences_document_by_document(
    tiny_loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By hand: right, right, wrong, wrong against right, wrong, right, right.
    answers = iter([[1, 1, 0, 0], [1, 0, 1, 1]])

    def scored(model, requests, **_):
        return [(-1.0, bool(right)) for right in next(answers)]

    monkeypatch.setattr("generation.harness.adapter.GuidedLM.loglikelihood", scored)

    found = curve(tiny_loaded, scales=[1.0, 1.5], limit=4)

    first, second = by_metric(found, 1.0), by_metric(found, 1.5)
    assert (first["acc"].value, second["acc"].value) == (0.5, 0.75)
    assert (first["acc"].gain, first["acc"].gain_stderr) == (0, 0)
    # Differences 0, -1, 1, 1: mean 1/4, variance (1/16 + 25/16 + 9/16 + 9/16) / 3 = 11/12.
    assert second["acc"].gain == pytest.approx(0.25)
    assert second["acc"].gain_stderr == pytest.approx((11 / 12 / 4) ** 0.5)
    assert second["perplexity"].gain is None


def test_nothing_is_printed_where_results_belong(
    tiny_loaded: Loaded, capsys: pytest.CaptureFixture[str]
) -> None:
    curve(tiny_loaded, scales=[1.5], limit=2)

    assert capsys.readouterr().out == ""


def test_a_task_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Reading the harness's thousands of task files takes seconds, and an empty index lacks the task as well.
    empty = partial(TaskManager, include_defaults=False)
    monkeypatch.setattr("generation.harness.curve.TaskManager", empty)

    with pytest.raises(HarnessError, match=r"no task called no_such_task\. The task without a network is"):
        find_tasks(["no_such_task", NAME])


@pytest.mark.model
def test_at_scale_one_smollm2_finds_what_the_harness_finds(smollm2: Loaded) -> None:
    expected = of_the_harness(smollm2, 6)

    found = by_metric(curve(smollm2, scales=[1.0], limit=6), 1.0)

    assert found["acc"].value == expected["acc,none"]
    assert found["perplexity"].value == pytest.approx(expected["perplexity,none"], rel=1e-5)

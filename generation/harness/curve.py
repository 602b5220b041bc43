"""What a task finds at one guidance scale after the other."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from generation.engine import Loaded
from generation.harness.adapter import GuidedLM, HarnessError
from generation.harness.last_word import NAME, last_word_task
from generation.spec import Negative

# The harness bootstraps in forked processes otherwise, which a process with torch's threads does not survive
# for certain.
os.environ.setdefault("DISABLE_MULTIPROC", "1")
_RESAMPLES = 1_000
_Values = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A metric of a task at a guidance scale."""

    task: str
    metric: str
    scale: float
    value: float
    stderr: float | None
    """The harness's own: in closed form for means, bootstrapped for perplexity; None where it has none."""
    documents: int
    gain: float | None = None
    """Against the first scale, document by document; None where the metric is not a mean over documents."""
    gain_stderr: float | None = None
    """Of the mean of the documents' differences, which is smaller than if they were two samples."""


def curve(
    loaded: Loaded,
    tasks: Sequence[str] = (NAME,),
    *,
    scales: Sequence[float] = (1.0, 1.25, 1.5, 2.0, 3.0),
    negative: Negative = Negative.LAST_TOKEN,
    negative_text: str = "",
    rows: int = 32,
    **options: Any,
) -> list[Found]:
    """Run tasks at every scale.

    Parameters
    ----------
    loaded
        The checkpoint.
    tasks
        Names of the harness's tasks and groups, or `last_word.NAME`.
    scales
        Guidance scales; gains are against the first.
    negative, negative_text, rows
        See `GuidedLM`.
    options
        Handed to the harness's `evaluate`, for instance ``limit`` or ``apply_chat_template``.

    Raises
    ------
    HarnessError
        When the harness has no such task, or the task cannot be run under guidance.
    """
    chosen = find_tasks(tasks)
    found: list[Found] = []
    first: dict[tuple[str, str], _Values] = {}
    for scale in scales:
        model = GuidedLM(loaded, scale=scale, negative=negative, negative_text=negative_text, rows=rows)
        # The harness prints what it does, and standard output is for what was found.
        with contextlib.redirect_stdout(sys.stderr):
            results = evaluate(model, chosen, bootstrap_iters=_RESAMPLES, log_samples=True, **options)
        for task in results["results"]:
            found += _metrics(results, task, scale, first)
    return found


def find_tasks(names: Sequence[str]) -> dict[str, Any]:
    """Return the tasks under the names that the harness, or this package, gives them."""
    chosen: dict[str, Any] = {}
    foreign = [name for name in names if name != NAME]
    if foreign:
        manager = TaskManager()
        if unknown := [name for name in foreign if name not in manager.all_tasks]:
            advice = f"The task without a network is {NAME}; `lm-eval ls tasks` lists the others."
            raise HarnessError(f"The harness has no task called {', '.join(unknown)}. {advice}")
        chosen |= manager.load_task_or_group(foreign)
    if NAME in names:
        chosen[NAME] = last_word_task()
    return chosen


def _metrics(
    results: dict[str, Any], task: str, scale: float, first: dict[tuple[str, str], _Values]
) -> list[Found]:
    """Return the metrics of a task, and keep their documents in ``first`` if they are the first."""
    metrics, documents = results["results"][task], results["samples"].get(task, [])
    found = []
    for key, value in metrics.items():
        metric, _, kept = key.partition(",")
        if not kept or metric.endswith("_stderr") or not isinstance(value, float | int):
            continue
        stderr = metrics.get(f"{metric}_stderr,{kept}")
        each = _each(documents, metric, kept, value)
        found.append(
            Found(
                task=task,
                metric=metric if kept == "none" else f"{metric} ({kept})",
                scale=scale,
                value=float(value),
                stderr=float(stderr) if isinstance(stderr, float | int) else None,
                documents=len({document["doc_id"] for document in documents}),
                **_gain(each, first.setdefault((task, key), each)),
            )
        )
    return found


def _each(documents: list[dict[str, Any]], metric: str, kept: str, mean: float) -> _Values:
    """Return the metric of every document in their order, or nothing when ``mean`` is not their mean."""
    values = [
        (document["doc_id"], document[metric])
        for document in documents
        if document["filter"] == kept and isinstance(document.get(metric), float | int)
    ]
    each = np.array([value for _, value in sorted(values)], dtype=float)
    return each if len(each) and math.isclose(each.mean(), mean, rel_tol=1e-9) else np.empty(0)


def _gain(each: _Values, base: _Values) -> dict[str, float]:
    if len(each) < 2 or len(each) != len(base):  # noqa: PLR2004 - a standard error needs two
        return {}
    differences = each - base
    stderr = differences.std(ddof=1) / math.sqrt(len(differences))
    return {"gain": float(differences.mean()), "gain_stderr": float(stderr)}

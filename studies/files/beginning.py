"""What a study from nothing says: defaults that make a valid draft, to be changed in the editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studies.files.pasted import Prompts, named

_INSTRUCTIONS = """You will read a prompt and two responses to it, side by side.

Decide which response is better, and choose it. If you really cannot tell them apart, choose the tie.

Take the time that you need. There are no trick questions, and we are interested in your own opinion.
"""
_CONSENT = """We study which of two computer-written texts people prefer.

* Your answers are stored under a pseudonym, without your name.
* Taking part is voluntary. You may stop at any time, without giving a reason.
* The responses were written by a program. Some may be wrong or strange.

By agreeing you confirm that you are of age and want to take part.
"""
CHECKPOINT, SCALE = "smollm2-135m-instruct", 1.5
"""What is guided when nothing else is said, and how strongly."""


_TEMPERATURE = 0.7
"""Of both arms: at 1, a small checkpoint wanders off."""


def _guided(checkpoint: str = CHECKPOINT, guidance_scale: float = SCALE) -> list[dict[str, Any]]:
    guided = {"guidance_scale": guidance_scale, "negative": "default_system"}
    both = {"checkpoint": checkpoint, "temperature": _TEMPERATURE}
    return [
        {"name": "standard", "baseline": True, **both},
        {"name": "guided", **both, **(guided if guidance_scale != 1 else {"control": True})},
    ]


def _served(base_url: str, baseline_model: str, candidate_model: str) -> list[dict[str, Any]]:
    models = {"baseline": baseline_model, "candidate": candidate_model}
    return [
        {"name": name, "endpoint": {"base_url": base_url, "model": model}}
        | ({"baseline": True} if name == "baseline" else {})
        for name, model in models.items()
    ]


def _given() -> list[dict[str, Any]]:
    return [
        {"name": "baseline", "baseline": True, "checkpoint": "given:baseline"},
        {"name": "candidate", "checkpoint": "given:candidate"},
    ]


_ARMS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "checkpoint": _guided,
    "endpoint": _served,
    "given": _given,
}


def beginning(
    *, study: str, title: str, question: str, source: str, prompts: Prompts, **arms: Any
) -> dict[str, Any]:
    """Return the data of a first draft.

    ``source`` is ``checkpoint``, ``endpoint`` or ``given``, and ``arms`` is what is said of it. Two arms
    of the same guidance scale, 1, are an A/A control.
    """
    return {
        "study": study,
        "title": title,
        "instructions": _INSTRUCTIONS,
        "consent": _CONSENT,
        "criteria": [{"name": "overall", "question": question, "scale": "tie", "primary": True}],
        "arms": _ARMS[source](**arms),
        "prompts": named(prompts, taken=[]),
    }

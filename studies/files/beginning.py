"""What a study from nothing says: defaults that make a valid draft, to be changed in the editor."""

from __future__ import annotations

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
_ARMS: dict[str, list[dict[str, Any]]] = {
    "checkpoint": [
        {"name": "standard", "baseline": True, "checkpoint": "smollm2-135m-instruct"},
        {
            "name": "guided",
            "checkpoint": "smollm2-135m-instruct",
            "guidance_scale": 1.5,
            "negative": "default_system",
        },
    ],
    "given": [
        {"name": "baseline", "baseline": True, "checkpoint": "given:baseline"},
        {"name": "candidate", "checkpoint": "given:candidate"},
    ],
}


def beginning(*, study: str, title: str, question: str, source: str, prompts: Prompts) -> dict[str, Any]:
    """Return the data of a first draft; ``source`` is ``checkpoint`` or ``given``."""
    return {
        "study": study,
        "title": title,
        "instructions": _INSTRUCTIONS,
        "consent": _CONSENT,
        "criteria": [{"name": "overall", "question": question, "scale": "tie", "primary": True}],
        "arms": _ARMS[source],
        "prompts": named(prompts, taken=[]),
    }

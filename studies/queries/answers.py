"""How often each arm's chains of thought come to the right answer: counted by a machine, no opinion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from generation.models import Completion
from studies.analysis.answers import is_right, parsed_answer
from studies.models import Study


@dataclass(frozen=True, slots=True)
class ArmAnswers:
    """The answers of one arm to prompts whose right answer is known."""

    arm: str
    asked: int
    """Finished completions of such prompts."""
    answered: int
    """Those in which an answer stands behind the marker."""
    right: int
    """Those whose answer is the right one."""
    right_share: float | None
    """The share of right ones among those asked: what has no answer is not right."""


def arm_answers(study: Study) -> tuple[ArmAnswers, ...]:
    """Return each arm's answers; all zero in a study without right answers, whose texts are not read."""
    keys = dict(study.prompts.exclude(answer="").values_list("key", "answer"))
    counts: dict[UUID, Counter[str]] = {}
    done = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE).order_by()
    done = done if keys else done.none()
    for arm, prompt, text in done.values_list("arm_key", "prompt_key", "text").iterator():
        if prompt not in keys:
            continue
        answer = parsed_answer(text, study.answer_marker)
        counts.setdefault(arm, Counter()).update(
            asked=1, answered=bool(answer), right=is_right(answer, keys[prompt])
        )
    return tuple(
        _arm(name, counts.get(key, Counter())) for key, name in study.arms.values_list("key", "name")
    )


def _arm(name: str, counts: Counter[str]) -> ArmAnswers:
    asked, right = counts["asked"], counts["right"]
    return ArmAnswers(name, asked, counts["answered"], right, right / asked if asked else None)

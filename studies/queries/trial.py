"""What a trial of a study wrote: a few prompts, each with the texts of its arms side by side."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from generation.models import Completion
from generation.requests import Progress, progress
from studies.models import Arm, Prompt, Study


@dataclass(frozen=True, slots=True)
class Tried:
    """What one arm wrote for one prompt; its row says, too, that it waits or has failed."""

    arm: Arm
    completion: Completion


@dataclass(frozen=True, slots=True)
class TriedPrompt:
    """A prompt with the texts of the arms that were tried on it, in the study's order."""

    prompt: Prompt
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """All that was tried the last time, and how far it is."""

    prompts: tuple[TriedPrompt, ...]
    progress: Progress
    failed: int
    """How many could not be written; what was never uploaded is not among them."""
    errors: tuple[str, ...]
    """Why, each reason once."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that were tried, with their settings."""
        return tuple(dict.fromkeys(tried.arm for prompt in self.prompts for tried in prompt.tried))


def trial_key(study: Study) -> uuid.UUID:
    """Return the key of a study's trial: a batch of its own, so nothing of it counts as the study's."""
    return uuid.uuid5(study.key, "trial")


def tried_key(study: Study, part: uuid.UUID) -> uuid.UUID:
    """Return what stands for a prompt or an arm within the trial."""
    return uuid.uuid5(trial_key(study), str(part))


def trial_of(study: Study) -> Trial | None:
    """Return what was tried last; None when nothing was."""
    batch = Completion.objects.filter(batch_key=trial_key(study)).select_related("checkpoint")
    rows = list(batch.defer("token_ids", "provenance"))
    if not rows:
        return None
    arms = {tried_key(study, arm.key): arm for arm in study.arms.select_related("checkpoint")}
    found = {(row.prompt_key, row.arm_key): row for row in rows}
    names = {row.request["noise"]["prompt"] for row in rows}
    prompts = []
    for prompt in study.prompts.filter(name__in=names):
        here = tried_key(study, prompt.key)
        tried = [Tried(arm, found[here, key]) for key, arm in arms.items() if (here, key) in found]
        prompts.append(TriedPrompt(prompt, tuple(tried)))
    failed = [row.error for row in rows if row.status == row.Status.FAILED and not row.checkpoint.given]
    return Trial(tuple(prompts), progress(trial_key(study)), len(failed), tuple(dict.fromkeys(failed)))

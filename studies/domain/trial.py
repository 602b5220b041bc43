"""Trying a study out: a few prompts through its arms, seen unblinded while the plan is not frozen.

The texts are a batch of their own, under keys that no part of the study has. So they are never paired,
shown to annotators, counted or exported. They are new draws: not those that the study itself will have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from generation import holding, requests
from generation.models import Completion
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.lifecycle import completion_request, lock_study
from studies.models import Arm, AuditEvent, Prompt, Study
from studies.queries.trial import trial_key, tried_key

Part = TypeVar("Part", Prompt, Arm)
USUAL = 3
"""Prompts that are tried when nothing else is said."""
MOST = 6
"""Prompts and arms of a trial, at most: it is a look, not a sample."""


def first_prompts(study: Study) -> list[str]:
    """Return the names of the first few prompts."""
    return list(study.prompts.values_list("name", flat=True)[:USUAL])


def drawn_prompts(study: Study) -> list[str]:
    """Return the names of a few prompts drawn at random: others for each trial, from the study's seed."""
    names = list(study.prompts.values_list("name", flat=True))
    rng = np.random.default_rng([study.seed, _round(study)])
    places = rng.choice(len(names), size=min(USUAL, len(names)), replace=False)
    return [names[place] for place in sorted(places)]


def usual_arms(study: Study) -> list[str]:
    """Return the names of the two arms that are tried when nothing else is said."""
    arms = sorted(study.arms.all(), key=lambda arm: not arm.baseline)
    return [arm.name for arm in arms[:2]]


@transaction.atomic
def start_trial(*, study: Study, prompts: Sequence[str], arms: Sequence[str], actor: str) -> Study:
    """Have the workers write these prompts by these arms, in place of what was tried before.

    Where an arm's completions are imported, what was imported is shown.
    """
    study = lock_study(study)
    refuse_trial(study)
    no_prompt, no_arm = _("The study has no prompt “%(name)s”."), _("The study has no arm “%(name)s”.")
    chosen_prompts = _chosen(study.prompts.all(), prompts, unknown=no_prompt)
    chosen_arms = _chosen(study.arms.select_related("checkpoint"), arms, unknown=no_arm)
    number = _round(study)
    holding.forget(trial_key(study))
    wanted = [_wanted(study, prompt, arm, number) for prompt in chosen_prompts for arm in chosen_arms]
    written = [item for item in wanted if not item.checkpoint.given]
    requests.request_completions(trial_key(study), written, urgent=True)
    requests.call_workers(trial_key(study))
    _take_given(study, chosen_prompts, [arm for arm in chosen_arms if arm.checkpoint.given], number)
    names = {"prompts": [one.name for one in chosen_prompts], "arms": [one.name for one in chosen_arms]}
    record_event(actor=actor, action="study.tried", study=study, after={"trial": number, **names})
    return study


@transaction.atomic
def end_trial(*, study: Study, actor: str) -> None:
    """Delete what was tried; a worker that is at it stops."""
    study = lock_study(study)
    if Completion.objects.filter(batch_key=trial_key(study)).exists():
        holding.forget(trial_key(study))
        record_event(actor=actor, action="study.trial_deleted", study=study)


def refuse_trial(study: Study) -> None:
    """Refuse a trial once the plan is frozen: from then on nobody sees which arm wrote what."""
    if study.frozen:
        raise StudyError(
            _(
                "“%(study)s” has been opened, so its arms can no longer be tried out: nobody sees which arm "
                "writes what before it is closed. Copy the study to try something else."
            )
            % {"study": study.slug}
        )


def _round(study: Study) -> int:
    """Return the number of the next trial."""
    return AuditEvent.objects.filter(study=study, action="study.tried").count() + 1


def _chosen(there: Iterable[Part], names: Sequence[str], *, unknown: str) -> list[Part]:
    known = {part.name: part for part in there}
    wanted = list(dict.fromkeys(names))
    if strange := [name for name in wanted if name not in known]:
        raise StudyError(unknown % {"name": strange[0]})
    if not 1 <= len(wanted) <= MOST:
        raise StudyError(_("Choose one to %(most)s prompts, and as many arms.") % {"most": MOST})
    return [part for name, part in known.items() if name in wanted]


def _wanted(study: Study, prompt: Prompt, arm: Arm, number: int) -> requests.Wanted:
    """Return what the study would ask for, under the trial's keys and with noise of its own."""
    item = completion_request(study, prompt, arm, 0)
    noise = replace(item.request.noise, stream=f"trial/{number}/{item.request.noise.stream}")
    return replace(
        item,
        prompt_key=tried_key(study, prompt.key),
        arm_key=tried_key(study, arm.key),
        request=replace(item.request, noise=noise),
    )


def _take_given(study: Study, prompts: Sequence[Prompt], arms: Sequence[Arm], number: int) -> None:
    """Copy what was imported for these prompts; where nothing was, say so."""
    done = Completion.objects.filter(batch_key=study.key, replicate=0, status=Completion.Status.DONE)
    there = {(one.prompt_key, one.arm_key): one for one in done.filter(arm_key__in=[arm.key for arm in arms])}
    copies = []
    for prompt in prompts:
        for arm in arms:
            item = _wanted(study, prompt, arm, number)
            copies.append(_copied(there.get((prompt.key, arm.key)), item, study))
    Completion.objects.bulk_create(copies)


def _copied(given: Completion | None, item: requests.Wanted, study: Study) -> Completion:
    known = (
        {
            "status": Completion.Status.DONE,
            "text": given.text,
            "token_count": given.token_count,
            "finish_reason": given.finish_reason,
            "forward_flops": given.forward_flops,
            "seconds": given.seconds,
            "finished_at": given.finished_at,
        }
        if given
        else {
            "status": Completion.Status.FAILED,
            "error": "No completion has been uploaded for this prompt yet.",
            "finished_at": timezone.now(),
        }
    )
    return Completion(
        batch_key=trial_key(study),
        prompt_key=item.prompt_key,
        arm_key=item.arm_key,
        replicate=0,
        checkpoint=item.checkpoint,
        request=item.request.as_dict(),
        **known,
    )

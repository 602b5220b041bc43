"""A copy of a study as a new draft, with or without its completions."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext

from generation.models import Completion
from studies.domain import lifecycle
from studies.domain.errors import StudyError
from studies.files.editing import copy_of, create_study
from studies.models import Study

_BATCH = 500


def copy_study(
    study: Study, *, name: str, completions: bool, actor: str, owner: User | None
) -> tuple[Study, int]:
    """Return a draft that says what ``study`` says, and how many finished completions came along.

    Its seed comes along too, so that completions written later are the same; judgments never do.
    """
    if completions and study.frozen and not study.unblinded:
        raise StudyError(
            gettext(
                "Its completions stay where they are until the study is closed: a draft would tell which arm "
                "wrote which. Copy it without them, or close it first."
            )
        )
    with transaction.atomic():
        made = create_study(copy_of(study, name=name), actor=actor, owner=owner)
        return made, _take_along(study, made) if completions else 0


def _take_along(study: Study, made: Study) -> int:
    prompts, arms = _names(study)
    new_prompts, new_arms = _names(made)
    wanted = {
        (new_prompts[item.prompt_key], new_arms[item.arm_key], item.replicate): item
        for item in lifecycle.completion_requests(made)
    }
    found = Completion.objects.filter(batch_key=study.key, status=Completion.Status.DONE)
    copies = []
    for one in found.iterator(_BATCH):
        item = wanted.get((prompts[one.prompt_key], arms[one.arm_key], one.replicate))
        if item is None:
            continue
        one.pk, one._state.adding = None, True  # noqa: SLF001 - how Django copies a row
        one.batch_key, one.prompt_key, one.arm_key = made.key, item.prompt_key, item.arm_key
        one.request = item.request.as_dict()
        copies.append(one)
    Completion.objects.bulk_create(copies, batch_size=_BATCH)
    return len(copies)


def _names(study: Study) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """Return the names of a study's prompts and arms by their keys."""
    return dict(study.prompts.values_list("key", "name")), dict(study.arms.values_list("key", "name"))

"""Prompts for an open study, checked as those of a study file are."""

from __future__ import annotations

from django.db import transaction

from studies.domain.extending import add_prompts
from studies.domain.plan import prompt_entry, study_document
from studies.files.editing import SectionError
from studies.files.importer import prompt_row
from studies.files.pasted import Prompts, named
from studies.files.reader import check_data
from studies.models import Study


@transaction.atomic
def add_given(study: Study, given: Prompts, *, reason: str, actor: str) -> Study:
    """Add prompts to an open study; a name that is not given is made.

    Raises `SectionError` with all that is wrong, its fields counted behind the prompts that are there.
    """
    study = Study.objects.select_for_update().get(pk=study.pk)
    there = [prompt_entry(prompt) for prompt in study.prompts.all()]
    document = study_document(study) | {"prompts": there + named(given, taken=there)}
    entry, wrong = check_data(document, name="prompts")
    if entry is None:
        raise SectionError(wrong)
    rows = [
        prompt_row(study, prompt, position=len(there) + place)
        for place, prompt in enumerate(entry.prompts[len(there) :])
    ]
    return add_prompts(study=study, prompts=rows, reason=reason, actor=actor)

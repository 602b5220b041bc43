"""From a checked study file to rows, all or nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext

from generation import holding, requests
from generation.models import Checkpoint
from studies.domain.access import allowed
from studies.domain.audit import canonical, record_event, sha256
from studies.domain.errors import StudyError
from studies.domain.lifecycle import refuse_frozen
from studies.domain.members import add_member
from studies.domain.plan import study_document
from studies.enums import Ability, Role, StudyStatus
from studies.files.errors import StudyFileError
from studies.files.nodes import read_bytes
from studies.files.reader import read_study
from studies.files.schema import ArmEntry, PromptEntry, StudyEntry
from studies.models import Arm, Criterion, Prompt, Study
from studies.queries.trial import trial_key


def import_path(path: Path, *, actor: str) -> Study:
    """Import a study file from disk; prompts may lie beside it."""
    return import_study(read_bytes(path), name=path.name, actor=actor, folder=path.parent)


def import_upload(
    data: bytes, *, name: str, prompts: tuple[str, bytes] | None, actor: str, owner: User | None
) -> Study:
    """Import a study file that was sent, perhaps with its prompts file.

    From a folder of its own, so that the file can name nothing but what was sent with it.
    """
    with tempfile.TemporaryDirectory(prefix="evenhand-import-") as folder:
        if prompts is not None:
            (Path(folder) / PurePath(prompts[0] or "prompts").name).write_bytes(prompts[1])
        return import_study(
            data,
            name=PurePath(name or "study.yaml").name,
            actor=actor,
            folder=Path(folder),
            owner=owner,
        )


def import_study(
    data: bytes,
    *,
    name: str,
    actor: str,
    folder: Path | None = None,
    owner: User | None = None,
) -> Study:
    """Import a study file: a new draft, or the new content of a draft of that name."""
    entry = read_study(data, name=name, folder=folder)
    existing = Study.objects.filter(slug=entry.study).first()
    if existing is not None and owner is not None and not allowed(owner, existing, Ability.EDIT):
        raise StudyError(
            gettext("The name “%(study)s” is taken: choose another one for “study:” in %(name)s.")
            % {"study": entry.study, "name": name}
        )
    return import_entry(entry, existing, name=name, actor=actor, owner=owner)


def import_entry(
    entry: StudyEntry, existing: Study | None, *, name: str, actor: str, owner: User | None = None
) -> Study:
    """Store what was read from a file or from the editor: a new draft, or the draft anew.

    Completions of a draft stay when nothing that they answer has changed.
    """
    changed = _changed_keys(existing, entry) if existing else None
    if existing is not None and not changed:
        return existing
    if existing is not None:
        _refuse_unless_draft(existing, entry, actor=actor, name=name)
    with transaction.atomic():
        study = existing or Study(slug=entry.study, created_by=owner)
        lay_out(study, entry, name=name, changed=changed)
        record_event(
            actor=actor,
            action="study.imported",
            study=study,
            after={"file": name, "document": sha256(canonical(study_document(study)))},
        )
        if existing is None and owner is not None:
            add_member(study=study, user=owner, role=Role.OWNER, actor=actor)
    return study


def _refuse_unless_draft(study: Study, entry: StudyEntry, *, actor: str, name: str) -> None:
    refuse_frozen(study=study, actor=actor, wanted=f"import of {name}")
    if study.status != StudyStatus.DRAFT:
        raise StudyError(
            gettext(
                "“%(study)s” has completions already, so its plan stays; import the file "
                "under another name to start a new study."
            )
            % {"study": entry.study}
        )


def _changed_keys(study: Study, entry: StudyEntry) -> set[str]:
    """Return the keys of the file that ``entry`` says otherwise than ``study``."""
    given = entry if entry.seed is not None else entry.model_copy(update={"seed": study.seed})
    old, new = study_document(study), document_of(given)
    return {key for key in old.keys() | new.keys() if canonical([old.get(key)]) != canonical([new.get(key)])}


def document_of(entry: StudyEntry) -> dict[str, object]:
    """Return the document that the study will have once ``entry`` is imported.

    Made by importing into a transaction that is undone, so there is one way to make it.
    """
    with transaction.atomic():
        study = Study(slug=f"{entry.study[:50]}-compared")
        lay_out(study, entry, name="")
        document = study_document(study) | {"study": entry.study}
        transaction.set_rollback(True)
    return document


def lay_out(study: Study, entry: StudyEntry, *, name: str, changed: set[str] | None = None) -> None:
    """Give a draft the content of a checked study file, in place of what it had. Called in a transaction.

    ``changed`` are the keys that say something else than before; None for all.
    """
    _fill(study, entry)
    _replace_parts(study, entry, name=name, changed=changed)


def _fill(study: Study, entry: StudyEntry) -> None:
    study.title, study.description = entry.title, entry.description
    study.instructions, study.consent = entry.instructions, entry.consent
    study.overlap, study.quota, study.minutes = entry.overlap, entry.quota, entry.minutes
    study.tie_rule, study.draws, study.text_format = entry.ties, entry.draws, entry.text
    study.replicates, study.lease_minutes = entry.replicates, entry.lease_minutes
    study.design = entry.comparisons
    study.answer_marker = entry.answer_marker.strip()
    study.min_exposure_ms = entry.min_exposure_ms
    study.retention_days = entry.retention_days
    written = [check.model_dump() for check in entry.checks.written]
    numbers = entry.checks.model_dump() | {"written": len(written)}
    study.checks = {made: number for made, number in numbers.items() if number}
    study.written_checks = written
    study.differences = entry.differences
    study.reasons = entry.reasons.model_dump(exclude_defaults=True)
    study.repeats = entry.repeats
    study.practice = [pair.model_dump() for pair in entry.practice]
    study.recruiting = entry.recruiting.model_dump(exclude_defaults=True) if entry.recruiting else {}
    study.quality = entry.quality.model_dump(exclude_none=True)
    study.analysis = entry.analysis.model_dump(exclude_defaults=True)
    study.survey = [question.model_dump(exclude_defaults=True) for question in entry.survey]
    study.comprehension = [question.model_dump() for question in entry.comprehension]
    if entry.seed is not None:
        study.seed = entry.seed
    study.save()


_ANSWERED = {"arms", "prompts", "replicates", "comparisons", "seed", "draws"}
"""What completions answer: those that a draft has already are kept as long as none of it changes."""


def _replace_parts(study: Study, entry: StudyEntry, *, name: str, changed: set[str] | None = None) -> None:
    study.criteria.all().delete()
    Criterion.objects.bulk_create(
        Criterion(study=study, position=position, **criterion.model_dump())
        for position, criterion in enumerate(entry.criteria)
    )
    if changed is None or changed & _ANSWERED:
        # Those of a cancelled generation, or imported ones: they answer what is replaced now.
        holding.forget(study.key)
        holding.forget(trial_key(study))
        _replace_arms_and_prompts(study, entry, name=name)


def _replace_arms_and_prompts(study: Study, entry: StudyEntry, *, name: str) -> None:
    for part in (study.arms, study.prompts):
        part.all().delete()
    Arm.objects.bulk_create(_arm(study, position, arm, name=name) for position, arm in enumerate(entry.arms))
    Prompt.objects.bulk_create(
        (prompt_row(study, prompt, position=position) for position, prompt in enumerate(entry.prompts)),
        batch_size=1_000,
    )


def prompt_row(study: Study, prompt: PromptEntry, *, position: int, addition: int = 0) -> Prompt:
    """Return the row of a prompt as a file says it."""
    return Prompt(
        study=study,
        position=position,
        addition=addition,
        name=prompt.id,
        family=prompt.family,
        stratum=prompt.stratum,
        source=prompt.source,
        answer=prompt.answer,
        messages=prompt.conversation(),
        text=prompt.text,
        content_hash=sha256(canonical([prompt.conversation(), prompt.text])),
    )


def _arm(study: Study, position: int, arm: ArmEntry, *, name: str) -> Arm:
    spec = arm.spec().as_dict()
    return Arm(
        study=study,
        position=position,
        name=arm.name,
        baseline=arm.baseline,
        control=arm.control,
        checkpoint=_checkpoint(arm, position, name=name),
        spec=spec,
        spec_hash=sha256(canonical(spec)),
    )


def _checkpoint(arm: ArmEntry, position: int, *, name: str) -> Checkpoint:
    if arm.endpoint:
        return requests.ensure_endpoint(arm.endpoint.endpoint())
    try:
        return requests.ensure_checkpoint(arm.checkpoint or "")
    except ValueError as error:
        raise StudyFileError(str(error), name=name, field=f"arms[{position}].checkpoint") from error

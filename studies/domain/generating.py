"""What a researcher can say while completions are being written: pause, resume, cancel, retry."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from generation import holding, requests
from generation.models import Completion
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.lifecycle import lock_study, move, require
from studies.enums import StudyStatus
from studies.models import Study


@transaction.atomic
def pause_generation(*, study: Study, actor: str) -> Study:
    """Let the workers give back what they have in flight and begin nothing more; what is done stays."""
    study = _generating(study, verb=_("paused in its generation"))
    if holding.is_held(study.key):
        raise StudyError(gettext("The generation of “%(study)s” is paused already.") % {"study": study.slug})
    given_back = holding.pause(study.key)
    record_event(actor=actor, action="study.generation_paused", study=study, after={"given_back": given_back})
    return study


@transaction.atomic
def resume_generation(*, study: Study, actor: str) -> Study:
    """Let the workers go on."""
    study = _generating(study, verb=_("resumed in its generation"))
    if not holding.is_held(study.key):
        raise StudyError(gettext("The generation of “%(study)s” is not paused.") % {"study": study.slug})
    holding.resume(study.key)
    record_event(actor=actor, action="study.generation_resumed", study=study)
    return study


@transaction.atomic
def cancel_generation(*, study: Study, actor: str, keep_finished: bool) -> Study:
    """Make the study a draft again, with its finished completions or without.

    Imported completions stay in either case. Where completions were being drawn anew, the pairs are
    undone too, and made again with the next generation.
    """
    study = _generating(study, verb=_("cancelled in its generation"))
    study.comparisons.all().delete()
    kept = holding.cancel(study.key, keep_finished=keep_finished)
    return move(study, StudyStatus.DRAFT, actor=actor, action="generation_cancelled", completions_kept=kept)


@transaction.atomic
def retry_generation(*, study: Study, actor: str) -> Study:
    """Ask once more for all completions that failed, and for checkpoints that could not be prepared."""
    number = requests.retry_failed(study.key)
    record_event(actor=actor, action="study.generation_retried", study=study, after={"completions": number})
    return study


@transaction.atomic
def retry_completion(*, study: Study, completion: Completion, actor: str) -> None:
    """Ask once more for one completion that failed."""
    study = _generating(study, verb=_("retried"))
    if completion.batch_key != study.key or not holding.retry(completion):
        raise StudyError(gettext("That completion has not failed, or somebody has retried it already."))
    noise = completion.request["noise"]
    record_event(
        actor=actor,
        action="study.completion_retried",
        study=study,
        after={"prompt": noise["prompt"], "replicate": completion.replicate, "failed": completion.error},
    )


def _generating(study: Study, *, verb: str) -> Study:
    study = lock_study(study)
    require(study, StudyStatus.GENERATING, verb=verb)
    return study

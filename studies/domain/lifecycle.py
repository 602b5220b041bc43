"""A study's life. Each move is one transaction, checked here and by the database, and logged."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from generation import holding, requests
from generation.models import GIVEN, Completion
from generation.spec import CompletionRequest, NoiseKey
from studies.domain.additions import drop_unserved, settle_additions
from studies.domain.audit import record_event
from studies.domain.checks import plan_checks
from studies.domain.errors import PlanFrozenError, StudyError
from studies.domain.notices import announce
from studies.domain.pairing import pair_completions, plan_slots
from studies.domain.plan import frozen_plan, plan_hash
from studies.domain.reporting import ask_for_report
from studies.domain.wanted import wanted_counts, wanted_places
from studies.enums import Draws, Kind, NoticeEvent, StudyStatus, in_sentence
from studies.models import Arm, Prompt, Study
from studies.queries.trial import trial_key

_COUPLED = "coupled"


def lock_study(study: Study) -> Study:
    """Return the study as it is now, and keep others from moving it until the transaction ends."""
    return Study.objects.select_for_update().get(pk=study.pk)


def require(study: Study, *statuses: StudyStatus, verb: str) -> None:
    """Refuse what cannot be done in the study's status, and say in which it can."""
    if study.status not in statuses:
        wanted = gettext(" or ").join(in_sentence(StudyStatus(status).label) for status in statuses)
        now = in_sentence(StudyStatus(study.status).label)
        message = gettext("“%(study)s” is %(now)s, so it cannot be %(verb)s: it has to be %(wanted)s.") % {
            "study": study.slug,
            "now": now,
            "verb": gettext(verb),
            "wanted": wanted,
        }
        raise StudyError(message)


def move(study: Study, status: StudyStatus, *, actor: str, action: str, **facts: object) -> Study:
    """Move the study to ``status`` and log it, with ``facts`` that belong to it."""
    before = study.status
    study.status = status
    study.save()
    record_event(
        actor=actor,
        action=f"study.{action}",
        study=study,
        before={"status": before},
        after={"status": str(status), **facts},
    )
    return study


def completion_requests(study: Study, *, addition: int = 0) -> Iterator[requests.Wanted]:
    """Return what each arm is to write for each prompt: of the plan, or of what was added since."""
    return (completion_request(study, *place) for place in wanted_places(study, addition=addition))


def completion_request(study: Study, prompt: Prompt, arm: Arm, replicate: int) -> requests.Wanted:
    """Return what one arm is to write for one prompt."""
    stream = _COUPLED if study.draws == Draws.COUPLED else arm.name
    return requests.Wanted(
        prompt_key=prompt.key,
        arm_key=arm.key,
        replicate=replicate,
        checkpoint=arm.checkpoint,
        request=CompletionRequest(
            key=0,
            spec=arm.decoding,
            noise=NoiseKey(study.seed, prompt.name, stream, replicate),
            messages=() if prompt.text else prompt.turns,
            text=prompt.text,
        ),
    )


@transaction.atomic
def start_generation(*, study: Study, actor: str) -> Study:
    """Ask the workers for every completion that is not there yet."""
    study = lock_study(study)
    require(study, StudyStatus.DRAFT, verb=_("generated"))
    wanted = (item for item in completion_requests(study) if not item.checkpoint.given)
    requests.request_completions(study.key, wanted)
    return move(study, StudyStatus.GENERATING, actor=actor, action="generation_started")


def missing_completions(study: Study, *, given: bool | None = None) -> int:
    """Return how many completions are not there yet; ``given``: of arms whose texts are imported, or not."""
    arms = study.arms.all()
    if given is not None:
        imported = Q(checkpoint__source__startswith=GIVEN)
        arms = arms.filter(imported if given else ~imported)
    keys = list(arms.values_list("key", flat=True))
    done = Completion.objects.filter(batch_key=study.key, arm_key__in=keys, status=Completion.Status.DONE)
    wanted = wanted_counts(study)
    return sum(wanted[key] for key in keys) - done.count()


def settle(study: Study) -> Study:
    """Move a generating study to ready when every completion is there; serve what was added to an open one.

    Readiness is a query. Called by whoever looks at a study, since workers never call back. Idempotent.
    """
    if study.additions and study.status in (StudyStatus.OPEN, StudyStatus.PAUSED):
        settle_additions(study)
    if study.status != StudyStatus.GENERATING or missing_completions(study):
        return study
    with transaction.atomic():
        study = lock_study(study)
        if study.status == StudyStatus.GENERATING:
            holding.let_go(study.key)
            pairs = pair_completions(study)
            move(study, StudyStatus.READY, actor="evenhand", action="ready")
            _tell_done(study, pairs)
    return study


def _tell_done(study: Study, pairs: int) -> None:
    # Completions may be drawn anew: each time that they are all there is an occasion of its own.
    moved = study.events.order_by("-id").values_list("id", flat=True).first()
    done = NoticeEvent.GENERATION_DONE
    announce(study=study, event=done, occasion=f"done:{moved}", comparisons=pairs)


@transaction.atomic
def open_study(*, study: Study, actor: str) -> Study:
    """Freeze the plan, make the slot plan, let annotators in."""
    study = settle(lock_study(study))
    require(study, StudyStatus.READY, verb=_("opened"))
    if not study.comparisons.filter(identical=False, kind=Kind.REAL).exists():
        message = gettext(
            "“%(study)s” has no pair of differing completions, so there is nothing to compare."
        ) % {"study": study.slug}
        raise StudyError(message)
    plan_slots(study)
    plan_checks(study)
    study.plan = frozen_plan(study)
    study.plan_hash = plan_hash(study.plan)
    study.opened_at = timezone.now()
    # What was tried out is no part of the study, and was seen unblinded.
    holding.forget(trial_key(study))
    return move(study, StudyStatus.OPEN, actor=actor, action="opened")


@transaction.atomic
def pause_study(*, study: Study, actor: str) -> Study:
    """Serve no further comparison; answers to those on screen are still taken."""
    study = lock_study(study)
    require(study, StudyStatus.OPEN, verb=_("paused"))
    return move(study, StudyStatus.PAUSED, actor=actor, action="paused")


@transaction.atomic
def resume_study(*, study: Study, actor: str) -> Study:
    """Serve comparisons again."""
    study = lock_study(study)
    require(study, StudyStatus.PAUSED, verb=_("resumed"))
    return move(study, StudyStatus.OPEN, actor=actor, action="resumed")


@transaction.atomic
def close_study(*, study: Study, actor: str) -> Study:
    """End the collection for good, and ask for its report."""
    study = lock_study(study)
    require(study, StudyStatus.OPEN, StudyStatus.PAUSED, verb=_("closed"))
    study.closed_at = timezone.now()
    if study.additions:
        settle_additions(study)
        drop_unserved(study)
    study = move(study, StudyStatus.CLOSED, actor=actor, action="closed")
    ask_for_report(study=study, actor=actor)
    return study


@transaction.atomic
def archive_study(*, study: Study, actor: str) -> Study:
    """Put a closed study away; it stays readable."""
    study = lock_study(study)
    require(study, StudyStatus.CLOSED, verb=_("archived"))
    return move(study, StudyStatus.ARCHIVED, actor=actor, action="archived")


def refuse_frozen(*, study: Study, actor: str, wanted: str) -> None:
    """Refuse a change of a frozen plan, and log that somebody tried."""
    if study.frozen:
        record_event(
            actor=actor,
            action="plan.change_refused",
            study=study,
            before={"plan_hash": study.plan_hash},
            after={"wanted": wanted},
        )
        message = gettext(
            "The plan of “%(study)s” was frozen when it opened (%(hash)s), so it cannot "
            "change. Import the file under another name to start a new study."
        ) % {"study": study.slug, "hash": study.plan_hash[:12]}
        raise PlanFrozenError(message)

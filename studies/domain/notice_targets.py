"""Who is told: webhooks of a study, and the members who want e-mail."""

from __future__ import annotations

import base64
from collections.abc import Collection
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from studies.domain.access import allowed
from studies.domain.audit import record_event, sha256
from studies.domain.errors import StudyError
from studies.domain.notices import OFFERED, call_worker, write
from studies.enums import Ability, NoticeEvent, NoticeState
from studies.models import Alarm, Notice, NoticeTarget, Study, new_token

MOST = 10
"""Webhooks of one study."""
_PREFIX = "whsec_"


def secret_of(target: NoticeTarget) -> str:
    """Return a webhook's secret: derived from the site's secret key, so it is nowhere to be read."""
    key = salted_hmac("studies.notices", target.salt, algorithm="sha256").digest()
    return _PREFIX + base64.b64encode(key).decode()


def secret_stands(target: NoticeTarget) -> bool:
    """Whether the secret is still the one that was shown; not once the site has another secret key."""
    return sha256(secret_of(target)) == target.secret_hash


def webhooks(study: Study) -> list[NoticeTarget]:
    """Return the webhooks of a study, the oldest first."""
    return list(NoticeTarget.objects.filter(study=study, user=None))


@transaction.atomic
def add_webhook(
    *, study: Study, url: str, events: Collection[NoticeEvent], actor: str
) -> tuple[NoticeTarget, str]:
    """Let an address, which has been checked, be told of ``events``; return the secret, shown this once."""
    if not events:
        raise StudyError(_("Choose one event or more that the webhook is called for."))
    if NoticeTarget.objects.filter(study=study, user=None).count() >= MOST:
        raise StudyError(_("A study has {most} webhooks at most: remove one first.").format(most=MOST))
    target = NoticeTarget(study=study, url=url, events=_words(events), created_by=actor)
    target.secret_hash = sha256(secret_of(target))
    try:
        with transaction.atomic():
            target.save()
    except IntegrityError:
        raise StudyError(_("This study calls that address already.")) from None
    record_event(
        actor=actor,
        action="webhook.added",
        study=study,
        after={"webhook": target.pk, "url": url, "events": target.events},
    )
    return target, secret_of(target)


@transaction.atomic
def remove_webhook(*, target: NoticeTarget, actor: str) -> None:
    """Call an address no more; what still waits for it goes with it."""
    before = {"webhook": target.pk, "url": target.url, "events": target.events}
    study = target.study
    target.delete()
    record_event(actor=actor, action="webhook.removed", study=study, before=before)


@transaction.atomic
def renew_secret(*, target: NoticeTarget, actor: str) -> str:
    """Give a webhook another secret; the old one signs nothing any more."""
    target.salt = new_token()
    target.secret_hash = sha256(secret_of(target))
    target.save(update_fields=["salt", "secret_hash"])
    record_event(
        actor=actor, action="webhook.secret_renewed", study=target.study, after={"webhook": target.pk}
    )
    return secret_of(target)


@transaction.atomic
def switch_on(*, target: NoticeTarget, actor: str) -> None:
    """Try a target again that was given up; what waited for it is sent."""
    target.off_since, target.off_reason, target.failures = None, "", 0
    target.save(update_fields=["off_since", "off_reason", "failures"])
    waiting = Notice.objects.filter(target=target, state=NoticeState.WAITING)
    waiting.update(next_try_at=timezone.now(), attempts=0)
    record_event(actor=actor, action="notices.switched_on", study=target.study, after={"target": str(target)})
    transaction.on_commit(call_worker)


@transaction.atomic
def send_test(*, target: NoticeTarget) -> None:
    """Send a notice that says that it is a test."""
    write([target], study=target.study, event=NoticeEvent.TEST, occasion=f"test:{uuid4()}")


@transaction.atomic
def retry_notice(*, notice: Notice) -> None:
    """Send a notice again that was given up, or at once if it waits."""
    again = Notice.objects.filter(pk=notice.pk).exclude(state=NoticeState.SENT)
    if notice.target.off_since is not None:
        raise StudyError(_("This webhook is switched off: switch it on again, which sends what waits."))
    if not again.update(state=NoticeState.WAITING, next_try_at=timezone.now(), attempts=0):
        raise StudyError(_("This notice has been sent already."))
    transaction.on_commit(call_worker)


@transaction.atomic
def choose_mail(*, study: Study, user: User, events: Collection[NoticeEvent]) -> None:
    """Keep which events of a study an account wants e-mail about; none takes its target away."""
    known = [event for event in events if event in offered_to(user, study)]
    if not known:
        NoticeTarget.objects.filter(study=study, user=user).delete()
        return
    if not user.email:
        raise StudyError(_("Your account has no e-mail address: add one on its page first."))
    NoticeTarget.objects.update_or_create(
        study=study,
        user=user,
        defaults={"events": _words(known), "off_since": None, "off_reason": "", "failures": 0},
        create_defaults={"events": _words(known), "created_by": user.get_username()},
    )


def chosen_mail(study: Study, user: User) -> NoticeTarget | None:
    """Return what an account wants e-mail about; None when nothing."""
    return NoticeTarget.objects.filter(study=study, user=user).first()


def offered_to(user: User, study: Study) -> tuple[NoticeEvent, ...]:
    """Return the events that somebody may be told of: how annotators work is not for everybody."""
    if allowed(user, study, Ability.SEE_ANNOTATORS):
        return OFFERED
    return tuple(event for event in OFFERED if event is not NoticeEvent.QUALITY)


def alarm_of(study: Study) -> Alarm:
    """Return when a study's quality is worth a notice: the usual, until somebody has said otherwise."""
    return Alarm.objects.filter(study=study).first() or Alarm(study=study)


@transaction.atomic
def set_alarm(*, study: Study, flagged_percent: int | None, failed_percent: int | None, actor: str) -> Alarm:
    """Keep when a study's quality is worth a notice."""
    before = alarm_of(study)
    alarm, _made = Alarm.objects.update_or_create(
        study=study,
        defaults={"flagged_percent": flagged_percent, "failed_percent": failed_percent, "looked_at": None},
    )
    record_event(
        actor=actor, action="alarm.changed", study=study, before=_percents(before), after=_percents(alarm)
    )
    return alarm


def _percents(alarm: Alarm) -> dict[str, int | None]:
    return {"flagged_percent": alarm.flagged_percent, "failed_percent": alarm.failed_percent}


def _words(events: Collection[NoticeEvent]) -> str:
    return " ".join(event.value for event in OFFERED if event in events)

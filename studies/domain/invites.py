"""The link that lets annotators in: withdrawn for another, or given an end."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.enums import UNBLINDED
from studies.models import RevokedInvite, Study, new_token


@transaction.atomic
def renew_invite(*, study: Study, actor: str) -> Study:
    """Withdraw a study's link and make another. Whoever came by the old one goes on by the old one."""
    study = _writable(study)
    RevokedInvite.objects.create(study=study, invite=study.invite)
    study.invite, study.invite_until = new_token(), None
    study.save(update_fields=["invite", "invite_until"])
    record_event(actor=actor, action="invite.renewed", study=study)
    return study


@transaction.atomic
def limit_invite(*, study: Study, until: datetime | None, actor: str) -> Study:
    """Let the link admit newcomers until ``until`` only; None lifts the limit."""
    study = _writable(study)
    before = study.invite_until
    study.invite_until = until
    study.save(update_fields=["invite_until"])
    record_event(
        actor=actor,
        action="invite.limited",
        study=study,
        before={"until": before.isoformat() if before else None},
        after={"until": until.isoformat() if until else None},
    )
    return study


def annotators_link(study: Study) -> str:
    """Return the address that annotators are sent."""
    return f"{settings.SITE_URL}/s/{study.invite}/"


def revoked_study(invite: str) -> Study | None:
    """Return the study that a withdrawn link led to."""
    found = RevokedInvite.objects.select_related("study").defer("study__plan").filter(invite=invite).first()
    return found.study if found else None


def _writable(study: Study) -> Study:
    study = Study.objects.select_for_update().get(pk=study.pk)
    if study.status in UNBLINDED:
        message = gettext("“%(study)s” is closed: its link lets nobody in any more.") % {"study": study.slug}
        raise StudyError(message)
    return study

"""One notice as an e-mail."""

from __future__ import annotations

import json
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from studies.domain.access import allowed
from studies.enums import Ability, NoticeEvent
from studies.models import Notice
from studies.sending.webhook import Answer

_ABILITY = {NoticeEvent.QUALITY: Ability.SEE_ANNOTATORS}


def mail(notice: Notice) -> Answer:
    """Send a notice to its account's address, if its owner may still see what it tells."""
    user = notice.target.user
    if user is None or not allowed(
        user, notice.target.study, _ABILITY.get(NoticeEvent(notice.event), Ability.SEE_PROGRESS)
    ):
        return Answer(
            None, _("The account has no part in the study any more that would let it know this."), final=True
        )
    if not user.email:
        return Answer(None, _("The account has no e-mail address any more."), final=True)
    if not settings.EMAIL_HOST:
        return Answer(None, _("The site has no server for e-mail (EMAIL_HOST)."))
    message = EmailMessage(
        subject=subject(notice),
        body=text(notice),
        to=[user.email],
        headers={"Message-ID": f"<{notice.key}@evenhand>", "Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:300])
    return Answer(None, "")


def subject(notice: Notice) -> str:
    """Return what the message is headed."""
    return f"{NoticeEvent(notice.event).label} – {json.loads(notice.body)['data']['study']}"


def text(notice: Notice) -> str:
    """Return the message: what happened, the figures, where to look."""
    data = json.loads(notice.body)["data"]
    shown = [f"{name.replace('_', ' ')}: {value}" for name, value in data.items() if name not in _APART]
    return "\n".join(
        [
            f"{data['title']} ({data['study']})",
            f"{NoticeEvent(notice.event).label}.",
            "",
            *shown,
            "",
            data["page"],
            "",
            _("You asked for this on the study’s page “Notices”, where you can switch it off."),
        ]
    )


_APART = ("study", "title", "page")

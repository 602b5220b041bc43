"""The page of notices: what one is written about, webhooks, the alarm, and what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from studies.domain import notice_targets
from studies.domain.errors import StudyError
from studies.enums import Ability
from studies.forms.notices import AlarmForm, MailForm, WebhookForm
from studies.models import Notice, NoticeTarget, Study
from studies.views.access import study_view
from studies.views.common import actor_of, page_of

_PER_PAGE = 20
_ACTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "test": (
        lambda target, actor: notice_targets.send_test(target=target),  # noqa: ARG005 - a test is not logged
        gettext_lazy("A test notice is on its way: the list below says how it went."),
    ),
    "on": (notice_targets.switch_on, gettext_lazy("The webhook is called again.")),
    "remove": (notice_targets.remove_webhook, gettext_lazy("The webhook is removed.")),
}


@require_http_methods(["GET", "HEAD", "POST"])
@study_view(Ability.SEE_PROGRESS)
def page(request: HttpRequest, study: Study) -> HttpResponse:
    """Show who is told of what (GET); keep what the visitor wants e-mail about (POST)."""
    user = _visitor(request)
    if request.method != "POST":
        return _page(request, study)
    form = MailForm(request.POST, offered=notice_targets.offered_to(user, study))
    if form.is_valid():
        try:
            notice_targets.choose_mail(study=study, user=user, events=form.cleaned_data["events"])
        except StudyError as error:
            form.add_error("events", str(error))
        else:
            messages.success(request, _("What you are written about is kept."))
            return redirect("studies:notices", study.slug)
    return _page(request, study, mail=form, status=422)


@require_POST
@study_view(Ability.CONDUCT)
def add(request: HttpRequest, study: Study) -> HttpResponse:
    """Add a webhook and show its secret, once."""
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            target, secret = notice_targets.add_webhook(
                study=study, actor=actor_of(request), **form.cleaned_data
            )
        except StudyError as error:
            form.add_error(None, str(error))
        else:
            return _page(request, study, made=target, secret=secret, status=201)
    return _page(request, study, webhook=form, status=422)


@require_POST
@study_view(Ability.CONDUCT)
def act(request: HttpRequest, study: Study, pk: int, name: str) -> HttpResponse:
    """Do one thing to a webhook: test it, switch it on, give it another secret, remove it."""
    target = get_object_or_404(NoticeTarget, study=study, user=None, pk=pk)
    if name == "secret":
        secret = notice_targets.renew_secret(target=target, actor=actor_of(request))
        return _page(request, study, made=target, secret=secret, status=201)
    if name not in _ACTIONS:
        message = _("There is no such action.")
        raise Http404(message)
    verb, done = _ACTIONS[name]
    verb(target=target, actor=actor_of(request))
    messages.success(request, str(done))
    return redirect("studies:notices", study.slug)


@require_POST
@study_view(Ability.CONDUCT)
def alarm(request: HttpRequest, study: Study) -> HttpResponse:
    """Keep from when on the quality of the answers is worth a notice."""
    form = AlarmForm(request.POST)
    if not form.is_valid():
        return _page(request, study, alarm=form, status=422)
    notice_targets.set_alarm(study=study, actor=actor_of(request), **form.cleaned_data)
    messages.success(request, _("The alarm is kept."))
    return redirect("studies:notices", study.slug)


@require_POST
@study_view(Ability.SEE_PROGRESS)
def retry(request: HttpRequest, study: Study, pk: int) -> HttpResponse:
    """Send a notice again that was given up, or at once if it waits."""
    notice = get_object_or_404(_told(request, study), pk=pk)
    try:
        notice_targets.retry_notice(notice=notice)
    except StudyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The notice is sent again."))
    return redirect("studies:notices", study.slug)


def _visitor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the gate asked to log in
    return request.user


def _told(request: HttpRequest, study: Study) -> QuerySet[Notice]:
    """Return the notices that the visitor may see: their own, and the webhooks' if they conduct the study."""
    conducts = Ability.CONDUCT in request.abilities  # type: ignore[attr-defined]
    mine = Q(target__user=_visitor(request)) | (Q(target__user=None) if conducts else Q(pk=None))
    return Notice.objects.filter(mine, target__study=study).select_related("target__user", "target__study")


def _page(request: HttpRequest, study: Study, *, status: int = 200, **given: Any) -> HttpResponse:
    user = _visitor(request)
    chosen = notice_targets.chosen_mail(study, user)
    offered = notice_targets.offered_to(user, study)
    now = notice_targets.alarm_of(study)
    percents = {"flagged_percent": now.flagged_percent, "failed_percent": now.failed_percent}
    context = {
        "study": study,
        "tab": "notices",
        "mail": MailForm(initial={"events": chosen.events.split() if chosen else []}, offered=offered),
        "chosen": chosen,
        "mails": bool(settings.EMAIL_HOST),
        "webhook": WebhookForm(),
        "webhooks": [(one, one.events.split()) for one in notice_targets.webhooks(study)],
        "alarm": AlarmForm(initial=percents),
        "page": page_of(_told(request, study), request, _PER_PAGE),
    }
    return render(request, "dashboard/notices.html", context | given, status=status)

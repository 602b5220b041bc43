"""Logging in, in one step or two; new passwords; the page of whoever tried too often."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView, LogoutView, PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from studies.domain import accounts
from studies.forms.accounts import CodeForm

__all__ = ["LogIn", "LogoutView", "NewPassword", "admin_login", "ask_for_reset", "locked_out", "second_step"]

_PENDING = "second_step"
_PENDING_SECONDS = 300
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class LogIn(LoginView):
    """The first step: name and password."""

    redirect_authenticated_user = True
    # Django's class would take a PUT for a POST.
    http_method_names = ["get", "head", "post", "options"]

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, or go on to the second step where the account has one."""
        user = form.get_user()
        if not accounts.has_second_factor(user):
            answer = super().form_valid(form)
            accounts.note(user, "logged_in", actor=user.get_username())
            return answer
        self.request.session[_PENDING] = [user.pk, time.time(), self.get_redirect_url()]
        return redirect("login-code")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Take the code of the app, or one of the recovery codes."""
    pk, since, goal = request.session.get(_PENDING, (None, 0.0, ""))
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or time.time() - since > _PENDING_SECONDS:
        request.session.pop(_PENDING, None)
        return redirect("login")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if accounts.passes_second_factor(user, form.cleaned_data["code"]):
            del request.session[_PENDING]
            login(request, user, backend=_BACKEND)
            accounts.note(user, "logged_in", actor=user.get_username())
            return redirect(_safe(request, goal))
        # The same limit as for wrong passwords.
        name = {"username": user.get_username()}
        user_login_failed.send(sender=__name__, credentials=name, request=request)
        if getattr(request, "axes_locked_out", False):
            del request.session[_PENDING]
        form.add_error(
            "code", gettext("This code is wrong, was used before, or came too soon after a wrong one.")
        )
    status = 422 if form.is_bound else 200
    return render(request, "registration/code.html", {"form": form}, status=status)


def _safe(request: HttpRequest, goal: str) -> str:
    if url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure()):
        return goal
    return reverse(settings.LOGIN_REDIRECT_URL)


@require_safe
def admin_login(request: HttpRequest) -> HttpResponse:
    """Send whoever wants into the admin to the one way in."""
    if request.user.is_authenticated:
        message = gettext("Only the site’s administrators can see this page.")
        raise PermissionDenied(message)
    return redirect(f"{reverse('login')}?next={reverse('admin:index')}")


def locked_out(request: HttpRequest, _response: Any, credentials: dict[str, Any] | None) -> HttpResponseBase:
    """Say how long to wait, and who can help: what is shown after too many wrong passwords."""
    name = str((credentials or {}).get("username") or request.POST.get("username", ""))[:150]
    accounts.note_lockout(name)
    context = {"minutes": round(settings.AXES_COOLOFF_TIME.total_seconds() / 60)}
    return render(request, "registration/locked_out.html", context, status=429)


@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_reset(request: HttpRequest) -> HttpResponse:
    """Send a link to a new password, where e-mail can be sent; else say who makes one."""
    form = PasswordResetForm(request.POST if request.method == "POST" else None)
    if settings.EMAIL_HOST and form.is_valid():
        form.save(
            domain_override=settings.SITE_URL.partition("://")[2],
            use_https=settings.SITE_URL.startswith("https://"),
            email_template_name="registration/reset_email.txt",
            subject_template_name="registration/reset_subject.txt",
        )
        messages.success(request, gettext("If an account has this address, a link is on its way to it."))
        return redirect("login")
    context = {"form": form, "mail": bool(settings.EMAIL_HOST)}
    return render(request, "registration/reset.html", context, status=422 if form.errors else 200)


class NewPassword(PasswordResetConfirmView):
    """Choose a new password by a link."""

    template_name = "registration/new_password.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it, in the log too."""
        answer = super().form_valid(form)
        accounts.note(form.user, "password_reset", actor=form.user.get_username())
        messages.success(self.request, gettext("The new password is set: log in with it."))
        return answer

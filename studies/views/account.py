"""One's own account: password, second factor, address."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from studies.domain import accounts
from studies.domain.errors import StudyError
from studies.forms.accounts import AddressForm, CodeForm
from studies.views.access import signed_in

_METHODS = ["GET", "HEAD", "POST"]
_GROUP = 4
_QUIET = 4
"""Light squares around a QR code, as its standard asks for."""


def _own(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the gate asked to log in
    return request.user


@require_http_methods(_METHODS)
@signed_in
def account(request: HttpRequest) -> HttpResponse:
    """Show the account; keep its address."""
    user = _own(request)
    form = AddressForm(request.POST if request.method == "POST" else None, instance=user)
    if form.is_valid():
        form.save()
        messages.success(request, gettext("The address is kept."))
        return redirect("studies:account")
    context = {"form": form, "second_factor": accounts.has_second_factor(user)}
    return render(request, "dashboard/account.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@require_http_methods(_METHODS)
@signed_in
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; other browsers are logged out by it."""
    user = _own(request)
    form = PasswordChangeForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        accounts.note(user, "password_changed", actor=user.get_username())
        messages.success(request, gettext("The password is changed; your other browsers are logged out."))
        return redirect("studies:account")
    return render(request, "dashboard/password.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(_METHODS)
@signed_in
def second_factor(request: HttpRequest) -> HttpResponse:
    """Switch the second factor on: a key, a first code, the recovery codes."""
    user = _own(request)
    if accounts.has_second_factor(user):
        return redirect("studies:account")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            codes = accounts.confirm_second_factor(user, form.cleaned_data["code"])
        except StudyError as error:
            form.add_error("code", str(error))
        else:
            return render(request, "dashboard/recovery_codes.html", {"codes": codes})
    device = accounts.begin_second_factor(user)
    key = device.config_url.partition("secret=")[2].partition("&")[0]
    groups = " ".join(key[i : i + _GROUP] for i in range(0, len(key), _GROUP))
    context = {"form": form, "uri": device.config_url, "groups": groups} | _picture(device.config_url)
    return render(request, "dashboard/second_factor.html", context, status=422 if form.errors else 200)


def _picture(text: str) -> dict[str, object]:
    """Return a QR code as the path of one shape, a piece for each dark square."""
    rows = [list(row) for row in segno.make(text, error="m").matrix_iter(border=_QUIET)]
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return {"qr": path, "qr_size": len(rows)}


@require_http_methods(_METHODS)
@signed_in
def second_factor_off(request: HttpRequest) -> HttpResponse:
    """Switch the second factor off; the password is asked for, since a browser may be left open."""
    user = _own(request)
    wrong = request.method == "POST" and not user.check_password(request.POST.get("password", ""))
    if request.method == "POST" and not wrong:
        accounts.remove_second_factor(user, actor=user.get_username())
        messages.success(request, gettext("The second factor is off."))
        return redirect("studies:account")
    context = {"error": gettext("This is not your password.") if wrong else ""}
    return render(request, "dashboard/second_factor_off.html", context, status=422 if wrong else 200)

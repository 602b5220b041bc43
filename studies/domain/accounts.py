"""Accounts: who may enter the site at all, and with what."""

from __future__ import annotations

import secrets

from axes.utils import reset
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_otp import user_has_device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.models import AuditEvent

RECOVERY_CODES = 10


def note(user: User, action: str, *, actor: str) -> None:
    """Keep in the log what happened to an account."""
    record_event(actor=actor, action=f"account.{action}", after={"account": user.get_username()})


def note_lockout(name: str) -> None:
    """Keep in the log that an account is locked: once, however often it is tried meanwhile."""
    user = User.objects.filter(username=name).first()
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    known = AuditEvent.objects.filter(action="account.locked_out", actor=name, at__gte=since)
    if user is not None and not known.exists():
        note(user, "locked_out", actor=name)


def has_second_factor(user: User) -> bool:
    """Return whether logging in takes a code as well."""
    return bool(user_has_device(user))


def reset_parts(user: User) -> tuple[str, str]:
    """Return the two words of a link to a new password; it works once, until the password changes."""
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


@transaction.atomic
def begin_second_factor(user: User) -> TOTPDevice:
    """Return the key that is to be confirmed, a new one unless one is waiting already."""
    if has_second_factor(user):
        message = "The second factor is on already: switch it off first."
        raise StudyError(message)
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    return device


@transaction.atomic
def confirm_second_factor(user: User, code: str) -> list[str]:
    """Switch the second factor on by a first code; return the recovery codes, which are shown once."""
    device = begin_second_factor(user)
    if not device.verify_token(code):
        message = "This code is not the one of now. Look at the clock of the device, and try the next one."
        raise StudyError(message)
    device.confirmed = True
    device.save()
    StaticDevice.objects.filter(user=user).delete()
    spare = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=spare, token=code) for code in codes)
    note(user, "second_factor_on", actor=user.get_username())
    return codes


@transaction.atomic
def remove_second_factor(user: User, *, actor: str) -> None:
    """Switch the second factor off; the recovery codes go with it."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    note(user, "second_factor_off", actor=actor)


@transaction.atomic
def deactivate(user: User, *, actor: str) -> None:
    """Let somebody in no more. What they did stays; the last administrator cannot be locked out."""
    others = User.objects.select_for_update().filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not list(others):
        message = f"{user.get_username()} is the only administrator: nobody could let them in again."
        raise StudyError(message)
    _set_active(user, active=False)
    note(user, "deactivated", actor=actor)


@transaction.atomic
def reactivate(user: User, *, actor: str) -> None:
    """Let somebody in again."""
    _set_active(user, active=True)
    note(user, "reactivated", actor=actor)


def release(user: User, *, actor: str) -> None:
    """Forget the wrong passwords of an account, and of the addresses that tried it."""
    reset(username=user.get_username())
    note(user, "released", actor=actor)


def _set_active(user: User, *, active: bool) -> None:
    user.is_active = active
    user.save(update_fields=["is_active"])

"""Accounts: who may enter the site at all, and with what."""

from __future__ import annotations

import base64
import secrets

from axes.utils import reset
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext
from django_otp import match_token, user_has_device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.models import AuditEvent

RECOVERY_CODES = 10
_APP_DIGITS = 6
_HASH_BYTES = 12
"""As many as the library's column holds in Base64: nobody finds a code by 96 bits of a keyed hash."""


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
        message = gettext("The second factor is on already: switch it off first.")
        raise StudyError(message)
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    return device


@transaction.atomic
def confirm_second_factor(user: User, code: str) -> list[str]:
    """Switch the second factor on by a first code; return the recovery codes, which are shown once."""
    device = begin_second_factor(user)
    if not device.verify_token(code):
        message = gettext(
            "This code is not the one of now. Look at the clock of the device, and try the next one."
        )
        raise StudyError(message)
    device.confirmed = True
    device.save()
    StaticDevice.objects.filter(user=user).delete()
    spare = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(
        StaticToken(device=spare, token=recovery_hash(user, code)) for code in codes
    )
    note(user, "second_factor_on", actor=user.get_username())
    return codes


def recovery_hash(user: User, code: str) -> str:
    """Return what is kept of a recovery code: keyed, for a code alone is short enough to be guessed."""
    digest = salted_hmac("studies.recovery", f"{user.pk}:{code}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:_HASH_BYTES]).decode()


def passes_second_factor(user: User, code: str) -> bool:
    """Whether a code is the app's of now, or a recovery code, which is used up by it."""
    of_app = len(code) == _APP_DIGITS and code.isdecimal()
    return match_token(user, code if of_app else recovery_hash(user, code)) is not None


@transaction.atomic
def remove_second_factor(user: User, *, actor: str) -> None:
    """Switch the second factor off; the recovery codes go with it."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    note(user, "second_factor_off", actor=actor)


@transaction.atomic
def deactivate(user: User, *, actor: str) -> None:
    """Let somebody in no more. What they did stays; the last administrator cannot be locked out."""
    _keep_an_administrator(user)
    _set_active(user, active=False)
    note(user, "deactivated", actor=actor)


@transaction.atomic
def reactivate(user: User, *, actor: str) -> None:
    """Let somebody in again."""
    _set_active(user, active=True)
    note(user, "reactivated", actor=actor)


@transaction.atomic
def promote(user: User, *, actor: str) -> None:
    """Make somebody an administrator of the site, who may do in every study what its owner may."""
    if not user.is_active:
        message = gettext("%(name)s is deactivated: activate the account first.") % {
            "name": user.get_username()
        }
        raise StudyError(message)
    _set_administrator(user, administrator=True)
    note(user, "promoted", actor=actor)


@transaction.atomic
def demote(user: User, *, actor: str) -> None:
    """Make an administrator somebody with no more than their roles. One administrator always remains."""
    _keep_an_administrator(user)
    _set_administrator(user, administrator=False)
    note(user, "demoted", actor=actor)


def _keep_an_administrator(user: User) -> None:
    # All of them are locked in one order, so two who demote each other at once cannot both succeed.
    active = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    if [one.pk for one in active] == [user.pk]:
        message = gettext("%(name)s is the only administrator: nobody could put that right again.") % {
            "name": user.get_username()
        }
        raise StudyError(message)


def _set_administrator(user: User, *, administrator: bool) -> None:
    user.is_superuser = user.is_staff = administrator
    user.save(update_fields=["is_superuser", "is_staff"])


def release(user: User, *, actor: str) -> None:
    """Forget the wrong passwords of an account, and of the addresses that tried it."""
    reset(username=user.get_username())
    note(user, "released", actor=actor)


def _set_active(user: User, *, active: bool) -> None:
    user.is_active = active
    user.save(update_fields=["is_active"])

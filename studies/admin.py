"""A window for the site's administrator: it shows, and changes nothing.

Comparisons, assignments, judgments and completions are left out: together they say which arm wrote
what, and nobody should be unblinded by leafing through tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from generation.models import Checkpoint, Worker
from studies.models import Annotator, Arm, AuditEvent, Criterion, Exclusion, Prompt, Study

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # Django's own class takes no parameters at run time
    _ModelAdmin = admin.ModelAdmin


class _ReadOnly(_ModelAdmin):
    """Rows that only the domain's verbs may change."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse what no filter offers: asking `?token__startswith=a` would spell out what is not shown."""
        offered = lookup.split("__", maxsplit=1)[0] in self.list_filter
        return offered and super().lookup_allowed(lookup, value, request)


@admin.register(Study)
class StudyAdmin(_ReadOnly):
    """Studies."""

    list_display = ("slug", "title", "status", "simulated", "created_at")
    list_filter = ("status", "simulated")
    search_fields = ("slug", "title")
    exclude = ("invite", "plan")


@admin.register(Annotator)
class AnnotatorAdmin(_ReadOnly):
    """Annotators, without the secrets of their browsers."""

    list_display = ("pseudonym", "study", "status", "created_at", "finished_at")
    list_select_related = ("study",)
    exclude = ("token", "code")


@admin.register(AuditEvent)
class AuditEventAdmin(_ReadOnly):
    """The log, without what changed: some of it says which arm wrote what, and the log's page knows when."""

    list_display = ("at", "actor", "action", "study")
    list_select_related = ("study",)
    ordering = ("-id",)
    exclude = ("before", "after")


@admin.register(Exclusion)
class ExclusionAdmin(_ReadOnly):
    """Who is left out, and why."""

    list_display = ("study", "annotator", "rule", "created_at", "revoked_at")
    list_select_related = ("study", "annotator")


# Accounts are looked after on the site's own pages, which log what they do; keys are shown to nobody.
admin.site.unregister((User, Group, TOTPDevice, StaticDevice))


@admin.register(User)
class UserAdmin(_ReadOnly):
    """Accounts, without what they log in with."""

    list_display = ("username", "is_superuser", "is_active", "last_login")
    exclude = ("password",)


admin.site.register((Arm, Criterion, Prompt, Checkpoint, Worker), _ReadOnly)

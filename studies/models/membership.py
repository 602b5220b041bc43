"""Who works on a study, and as what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from studies.enums import Role
from studies.models.study import Study


class Membership(models.Model):
    """One account's role in one study. A study without an owner belongs to the site's administrators."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=7, choices=Role.choices)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("study", "id")
        constraints = (
            models.UniqueConstraint(fields=["study", "user"], name="studies_membership_one_role_per_study"),
            models.CheckConstraint(
                name="studies_membership_role_is_known", condition=Q(role__in=Role.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.study}"


class Invitation(models.Model):
    """A link that makes its first taker a member; without a study, it only makes an account.

    Only the hash of its secret is kept: whoever reads the database cannot join.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.CASCADE, related_name="invitations"
    )
    role = models.CharField(max_length=7, choices=Role.choices, blank=True, default="")
    note = models.CharField(max_length=80, blank=True, default="", help_text="Whom it is for")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                name="studies_invitation_study_has_role",
                condition=Q(study=None, role="") | Q(study__isnull=False, role__in=Role.values),
            ),
            models.CheckConstraint(
                name="studies_invitation_accepted_or_revoked",
                condition=Q(accepted_at=None) | Q(revoked_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.role or 'account'} until {self.expires_at:%Y-%m-%d %H:%M}"

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

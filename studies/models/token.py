"""How programs enter: tokens, and the answers that a repeated request is given again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ApiToken(models.Model):
    """A secret that stands for an account in the API, within its scopes and until it ends.

    Only the hash of the secret is kept: whoever reads the database cannot use it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, help_text="What it is for")
    prefix = models.CharField(max_length=16, help_text="The secret's beginning, to tell tokens apart")
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(max_length=80, help_text="Words, parted by spaces")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(name="studies_apitoken_has_a_scope", condition=~Q(scopes="")),
            models.CheckConstraint(
                name="studies_apitoken_ends_after_it_begins", condition=Q(expires_at__gt=F("created_at"))
            ),
        )

    def __str__(self) -> str:
        return f"{self.prefix}… until {self.expires_at:%Y-%m-%d}"


class KeptAnswer(models.Model):
    """What a request with an idempotency key was answered: the same request is answered so again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64, help_text="Of method, address and body")
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "key"], name="studies_keptanswer_key_once_per_account"),
        )

    def __str__(self) -> str:
        return f"{self.status} at {self.created_at:%Y-%m-%d %H:%M}"

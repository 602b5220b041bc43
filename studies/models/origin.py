"""Where a study comes from that another installation conducted."""

from __future__ import annotations

from django.db import models

from studies.models.study import Study


class Origin(models.Model):
    """What came with a study that was taken in whole, and is kept as it came."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="origin")
    carried_in_at = models.DateTimeField()
    manifest_hash = models.CharField(max_length=64, help_text="SHA-256 of the export's manifest")
    log_hash = models.CharField(max_length=64, help_text="SHA-256 of the log, unpacked")
    log = models.BinaryField(help_text="The foreign log, verbatim: JSON Lines by zlib")

    def __str__(self) -> str:
        return f"origin of {self.study.slug}"

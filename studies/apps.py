"""The application's registration with Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class StudiesConfig(AppConfig):
    """Studies, comparisons, judgments, reports."""

    name = "studies"

    def ready(self) -> None:
        """Keep the triggers in step with the tables, and out of the way while these change."""
        from studies.models import triggers  # noqa: PLC0415 - the app registry is not ready before

        pre_migrate.connect(triggers.remove, sender=self)
        post_migrate.connect(triggers.install, sender=self)

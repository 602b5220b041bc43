"""The wiring: settings, the Celery application, the URL table, the launcher."""

from config.celery import app as celery_app

__all__ = ["celery_app"]

"""For whoever watches the site: alive, and ready."""

from __future__ import annotations

from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from generation.models import Worker


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers; nothing else is asked."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Say what answers behind the process. Only the database can make the site unready."""
    database = _database()
    report = {"database": database, "broker": _broker(), "worker_seen": database and _worker_seen()}
    return JsonResponse(report, status=200 if database else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _broker() -> bool:
    """Whether a message could be left; losing every message loses no work, so it is only reported."""
    try:
        with current_app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return False
    return True


def _worker_seen() -> bool:
    since = timezone.now() - timedelta(seconds=settings.GENERATION_STALE_SECONDS)
    return Worker.objects.filter(seen_at__gte=since).exists()

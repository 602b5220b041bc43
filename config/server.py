"""How gunicorn serves the site: `gunicorn --config python:config.server config.wsgi`."""

from typing import Any

from config.preflight import Place

bind = Place.from_environment().bind
worker_class = "gthread"
workers = 2
threads = 4
# Loaded once and forked: the second server costs neither its start nor its memory.
preload_app = True
# A report of a large study takes its time.
timeout = 120
graceful_timeout = 5
# No file outside of the data folder.
control_socket_disable = True


def when_ready(_server: Any) -> None:
    """Load every page before the servers are forked: the first visitor does not wait, memory is shared."""
    from django.urls import get_resolver  # noqa: PLC0415 - Django is set up by now, and was not before

    _ = get_resolver().url_patterns

"""How gunicorn serves the site: `gunicorn --config python:config.server config.wsgi`."""

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

"""Settings of both run modes: embedded (SQLite, filesystem broker) and served (PostgreSQL, Redis)."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from config import env

# The reports' matrices are small: on busy cores, threads that wait for each other made the mixed model
# up to 35 times slower. Set before numpy is loaded; the engine's threads are torch's own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Arrow's own allocator keeps what it has had: 100 MB of a million judgments.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

# Where everything lives that is not code: database, broker, checkpoints, secrets, logs.
DATA_DIR = env.folder("EVENHAND_DATA", BASE_DIR / "var")
DATABASE_URL = env.url("DATABASE_URL", {"postgres", "postgresql", "sqlite"})
REDIS_URL = env.url("REDIS_URL", {"redis", "rediss", "unix"})

SECRET_KEY = env.secret("SECRET_KEY", DATA_DIR / "secret_key")
DEBUG = env.flag("EVENHAND_DEBUG", default=False)
PORT = env.whole("PORT", 8000, least=1, most=65535)
# Where people reach the site. A command that is told no port means the site that was started last.
ADDRESS_FILE = DATA_DIR / "address"
SITE_URL = env.text("EVENHAND_URL", env.last_address(ADDRESS_FILE, port=PORT)).rstrip("/")
# How many proxies stand in front and name the visitor in X-Forwarded-For; with https there is one at least.
PROXIES = env.whole("EVENHAND_PROXIES", int(SITE_URL.startswith("https://")), most=10)
ALLOWED_HOSTS = env.names("EVENHAND_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []
# Behind a proxy that ends TLS, cookies must travel over TLS only.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_htmx",
    "template_partials",
    "generation",
    "studies",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "studies.views.language.spoken",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            # Every page speaks two languages, so every template can translate without saying so first.
            "builtins": ["django.templatetags.i18n"],
        },
    },
]

# SQLite: write-ahead log and immediate transactions, so that a claim is one atomic step and
# readers never block; a busy database is waited for rather than reported.
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "evenhand.sqlite3"}
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64000;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# What one address may do: miss a link, enter a study (also by another's id), ask for a completion code;
# what one token (or account) may ask of the API, and how often one address may come with a wrong one.
RATE_LIMITS = {
    "links": env.rates("EVENHAND_LIMIT_LINKS", "60/minute"),
    "entries": env.rates("EVENHAND_LIMIT_ENTRIES", "1200/10minutes"),
    "codes": env.rates("EVENHAND_LIMIT_CODES", "60/minute"),
    "api": env.rates("EVENHAND_LIMIT_API", "600/minute"),
    "tokens": env.rates("EVENHAND_LIMIT_TOKENS", "60/minute"),
}
RATE_LIMITS_STORE = REDIS_URL.replace("unix://", "redis+unix://", 1) or "memory://"
# Where a finished annotator may be posted back to, by links in the manner of MTurk.
# FRAME_HOSTS may show the first page of a link in a frame, as MTurk does; that page opens the study in a tab.
FRAME_HOSTS = env.names("EVENHAND_FRAME_HOSTS", ["worker.mturk.com", "workersandbox.mturk.com"])
SUBMIT_HOSTS = env.names("EVENHAND_SUBMIT_HOSTS", ["www.mturk.com", "workersandbox.mturk.com"])

LANGUAGE_CODE = "en"
# Those of the pages. Reports, files, the log, commands and the API are in English (docs/decisions).
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]
# Kept only where a reader chose another language than the browser's.
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# A page is shown even if the static files were not collected.
WHITENOISE_MANIFEST_STRICT = False

# Who logs in. Wrong passwords lock an account, and the address they came from, for a while.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = env.whole("EVENHAND_LOGIN_FAILURES", 8, least=1)
AXES_COOLOFF_TIME = timedelta(minutes=env.whole("EVENHAND_LOGIN_WAIT_MINUTES", 15, least=1))
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_LOCKOUT_CALLABLE = "studies.views.login.locked_out"
AXES_CLIENT_IP_CALLABLE = "studies.views.throttle.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log has who logged in
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Evenhand"
# On one's own machine a login lasts two weeks; on a server that many reach, a working day.
SESSION_COOKIE_AGE = 3600 * env.whole("EVENHAND_SESSION_HOURS", 12 if DATABASE_URL else 336, least=1)
PASSWORD_RESET_TIMEOUT = 24 * 3600
# E-mail, if there is a server for it: links for new passwords are sent, else an administrator makes them.
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.whole("EMAIL_PORT", 587, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "evenhand@localhost")

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "studies:list"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

CSRF_FAILURE_VIEW = "studies.views.failures.csrf_failure"

# Model output is untrusted: nothing inline, nothing remote. Pages carry no script or style of their own.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Uploads (study files) are bounded before they are parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
FILE_UPLOAD_PERMISSIONS = 0o600

# Celery: the database is the truth, the broker a hint, so nothing here has to be durable.
BROKER_DIR = DATA_DIR / "broker"
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
if not REDIS_URL:
    for part in ("queue", "control", "processed"):
        (BROKER_DIR / part).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "processed_folder": str(BROKER_DIR / "processed"),
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A message is for whoever has nothing to do, not for somebody busy to keep. Only Redis can be asked so.
CELERY_WORKER_DISABLE_PREFETCH = bool(REDIS_URL)
# Each process of a worker keeps a checkpoint in memory: one per GPU.
CELERY_WORKER_CONCURRENCY = env.whole("EVENHAND_PROCESSES", 1, least=1)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# Generation. Threads: cores / worker processes, at least one (see docs/architecture.md).
GENERATION_THREADS = env.whole("EVENHAND_THREADS", max(1, (os.cpu_count() or 2) // 2), least=1)
GENERATION_ROWS = env.whole("EVENHAND_ROWS", 96, least=3, most=4096)
GENERATION_DEVICE = env.text("EVENHAND_DEVICE", "auto")
# A worker says every few seconds that it is alive; a claim that is silent for longer is taken back.
GENERATION_HEARTBEAT_SECONDS = env.whole("EVENHAND_HEARTBEAT", 2, least=1)
GENERATION_STALE_SECONDS = env.whole("EVENHAND_STALE", 120, least=5)
GENERATION_SWEEP_SECONDS = env.whole("EVENHAND_SWEEP", 20, least=1)
GENERATION_TASK_SECONDS = env.whole("EVENHAND_TASK_SECONDS", 240, least=5)
GENERATION_ATTEMPTS = env.whole("EVENHAND_ATTEMPTS", 3, least=1)
# The base URLs that workers may call for the arms that a server answers. A study file names the address and
# the key's variable, so whoever runs the worker decides where keys and prompts may go.
GENERATION_ENDPOINTS = env.addresses(
    "EVENHAND_ENDPOINTS", [] if DATABASE_URL or REDIS_URL else ["loopback"], words={"loopback", "none"}
)

# Which addresses notices may go to: “public” is every https:// address that is not of a private network.
# What else is listed may be private, and http://, for it is the operator who says so.
NOTICE_ADDRESSES = env.addresses("EVENHAND_WEBHOOKS", ["public"], words={"public", "loopback", "none"})

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "axes": {"level": "WARNING"},  # the audit log has who logged in
        "httpx": {"level": "WARNING"},  # it tells every address, and a webhook's may have a password in it
    },
    "root": {"handlers": ["console"], "level": env.text("EVENHAND_LOG_LEVEL", "INFO")},
}

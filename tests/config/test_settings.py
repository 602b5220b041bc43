"""Settings follow the environment: read in a process of its own, as a start does."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEERING = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PORT", "HOST", "DJANGO_SETTINGS_MODULE")


def start(data, script, **variables):
    """Run ``script`` after `from config import settings` under ``variables`` and nothing else that steers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in STEERING and not name.startswith("EVENHAND_")
    }
    return subprocess.run(
        [sys.executable, "-c", f"from config import settings\n{script}"],
        cwd=ROOT,
        env={**kept, "EVENHAND_DATA": str(data), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def read(data, expression, **variables):
    """Return what ``expression`` is under ``variables``."""
    done = start(data, f"import json; print(json.dumps({expression}))", **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_embedded_mode_is_sqlite_and_files(tmp_path):
    found = read(
        tmp_path,
        "[settings.DATABASES['default']['NAME'].name, settings.CELERY_BROKER_URL,"
        " settings.DATABASES['default']['OPTIONS']['transaction_mode'], settings.GENERATION_ENDPOINTS]",
    )

    assert found == ["evenhand.sqlite3", "filesystem://localhost", "IMMEDIATE", ["loopback"]]


def test_served_mode_is_postgresql_and_redis(tmp_path):
    found = read(
        tmp_path,
        "[settings.DATABASES['default']['ENGINE'], settings.DATABASES['default']['NAME'],"
        " settings.CELERY_BROKER_URL, settings.CACHES['default']['LOCATION'],"
        " settings.GENERATION_ENDPOINTS]",
        DATABASE_URL="postgresql://ann@db.example/trials",
        REDIS_URL="redis://broker.example/3",
    )

    redis = "redis://broker.example/3"
    assert found == ["django.db.backends.postgresql", "trials", redis, redis, []]
    assert not (tmp_path / "broker").exists()


def test_every_installation_has_a_secret_key_of_its_own(tmp_path):
    keys = {read(tmp_path / name, "settings.SECRET_KEY") for name in ("one", "one", "two")}

    assert len(keys) == 2


def test_cookies_need_tls_once_the_site_has_it(tmp_path):
    flags = "[settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.CSRF_TRUSTED_ORIGINS]"

    assert read(tmp_path, flags) == [False, False, []]
    assert read(tmp_path, flags, EVENHAND_URL="https://trials.example/") == [
        True,
        True,
        ["https://trials.example"],
    ]


def test_pages_may_load_nothing_from_elsewhere(tmp_path):
    directives = read(tmp_path, "settings.CONTENT_SECURITY_POLICY['DIRECTIVES']")

    allowed = {source for sources in directives.values() for source in sources}
    assert allowed == {"'none'", "'self'", "data:"}
    assert directives["script-src"] == ["'self'"]
    assert directives["style-src"] == ["'self'"]


def test_debug_is_off_unless_asked_for(tmp_path):
    assert read(tmp_path, "settings.DEBUG") is False
    assert read(tmp_path, "settings.DEBUG", EVENHAND_DEBUG="1") is True


def test_a_bad_value_is_named_at_start(tmp_path):
    failed = start(tmp_path, "", EVENHAND_ROWS="lots")

    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].endswith(
        "EVENHAND_ROWS='lots' is not a whole number from 3 to 4096."
    )


def test_launcher_and_settings_agree_on_the_place(tmp_path):
    place = "__import__('config.preflight').preflight.Place.from_environment()"

    found = read(
        tmp_path,
        f"[str({place}.data), {place}.port, {place}.url,"
        " str(settings.DATA_DIR), settings.PORT, settings.SITE_URL]",
        PORT="8765",
    )

    assert found[:3] == found[3:] == [str(tmp_path), 8765, "http://127.0.0.1:8765"]


def test_address_is_that_of_the_last_start_unless_a_port_is_named(tmp_path):
    (tmp_path / "address").write_text("http://127.0.0.1:8200\n")

    assert read(tmp_path, "settings.SITE_URL") == "http://127.0.0.1:8200"
    assert read(tmp_path, "settings.SITE_URL", PORT="9000") == "http://127.0.0.1:9000"
    assert read(tmp_path, "settings.SITE_URL", EVENHAND_URL="https://a.example/") == "https://a.example"

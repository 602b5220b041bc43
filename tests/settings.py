"""Settings of the tests: a data folder of their own, plain static files, fast passwords."""

import atexit
import os
import shutil
import tempfile

_DATA = tempfile.mkdtemp(prefix="evenhand-tests-")
atexit.register(shutil.rmtree, _DATA, ignore_errors=True)
os.environ["EVENHAND_DATA"] = _DATA
os.environ.pop("EVENHAND_DEBUG", None)

from config.settings import *  # noqa: E402, F403 - the environment had to be set first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
GENERATION_THREADS = 1

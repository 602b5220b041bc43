"""The versions of everything that a report's bytes depend on."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

from django.conf import settings

_PACKAGES = ("django", "numpy", "scipy", "matplotlib", "typst")


@cache
def versions() -> dict[str, str]:
    """Return name and version of each, this program first."""
    return {
        "evenhand": settings.VERSION,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }

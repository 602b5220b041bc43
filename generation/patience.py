"""What to do while the database is away, full or busy: wait for it, for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

AWAY = (OperationalError, InterfaceError)
"""What a database raises that is away, full, busy or starting; what a mistake of ours raises is not here."""
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


def patiently(
    act: Callable[[], Answer], *, check: Callable[[], None], again: Callable[[], Answer] | None = None
) -> Answer:
    """Return what ``act`` returns, trying once more and once more while the database is away.

    Parameters
    ----------
    act
        What to do. It may have been done although it raised: the answer can be lost on its way.
    check
        Called between attempts; may raise to end the waiting.
    again
        What later attempts do, when that differs from the first.

    Raises
    ------
    django.db.OperationalError, django.db.InterfaceError
        When it lasts longer than a claim is kept for a silent worker. Inside a transaction at once,
        because a transaction cannot go on after an error.
    """
    ends = time.monotonic() + settings.GENERATION_STALE_SECONDS
    attempt = act
    for number in range(10**9):
        try:
            return attempt()
        except AWAY as error:
            if connection.in_atomic_block or time.monotonic() >= ends:
                raise
            _log.warning("the database did not take it and is asked again: %s", " ".join(str(error).split()))
            connection.close()
            attempt = again or act
        check()
        time.sleep(_PAUSES[min(number, len(_PAUSES) - 1)])
    raise AssertionError


def forgivingly(act: Callable[[], object]) -> None:
    """Do what may as well be left out, such as a sign of life; outlive a database that is away."""
    try:
        act()
    except AWAY as error:
        if connection.in_atomic_block:
            raise
        _log.warning("left out, because the database is away: %s", " ".join(str(error).split()))
        connection.close()

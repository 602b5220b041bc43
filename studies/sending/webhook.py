"""One call of a webhook: signed, without redirects, bounded in time and in what is read."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from studies.domain.notice_targets import secret_of, secret_stands
from studies.models import Notice
from studies.sending.addresses import RefusedError, way_to
from studies.sending.signing import signature

SECONDS = 15
"""Of the whole call, from the name's resolution to the answer's head."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended."""

    status: int | None
    problem: str
    """Empty when it was taken."""
    final: bool = False
    """Whether trying again would change nothing."""


def call(notice: Notice) -> Answer:
    """Send a notice to its webhook."""
    target = notice.target
    if not secret_stands(target):
        problem = _(
            "The site’s secret key has changed since the secret was shown: make a new one for this webhook."
        )
        return Answer(None, problem, final=True)
    now = int(time.time())
    signed = signature(secret=secret_of(target), key=str(notice.key), timestamp=now, body=notice.body)
    headers = {
        "content-type": "application/json",
        "user-agent": f"Evenhand/{settings.VERSION}",
        "webhook-id": str(notice.key),
        "webhook-timestamp": str(now),
        "webhook-signature": signed,
    }
    try:
        status = asyncio.run(_post(target.url, notice.body.encode(), headers))
    except RefusedError as refused:
        return Answer(None, str(refused), final=True)
    except TimeoutError:
        return Answer(None, _("No answer within {seconds} seconds.").format(seconds=SECONDS))
    except (httpx.HTTPError, OSError) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:300])
    return _read(status)


def _read(status: int) -> Answer:
    if httpx.codes.is_success(status):
        return Answer(status, "")
    if status == GONE:
        return Answer(status, _("The receiver says that it is gone for good."), final=True)
    if httpx.codes.is_redirect(status):
        return Answer(status, _("The receiver sends on elsewhere, and redirects are not followed."))
    return Answer(status, _("The receiver answered with status {status}.").format(status=status))


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with asyncio.timeout(SECONDS):
        way = await way_to(url, settings.NOTICE_ADDRESSES)
        # Nothing of the environment: a proxy there would resolve the name anew.
        async with (
            httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=SECONDS) as client,
            client.stream(
                "POST",
                way.url,
                content=body,
                headers=headers | {"host": way.host},
                extensions={"sni_hostname": way.name},
            ) as response,
        ):
            # The answer's text is of no use, so none of it is read.
            return response.status_code

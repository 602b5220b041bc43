"""Whether the site answers: the launcher asks, and in a container `python -m config.health`."""

from __future__ import annotations

import http.client
import sys

from config.preflight import EVERYWHERE, Place

_PATIENCE_SECONDS = 10


def answers(place: Place) -> bool:
    """Ask the site of ``place`` for a sign of life, under the name that it admits."""
    host = EVERYWHERE.get(place.host, place.host)
    connection = http.client.HTTPConnection(host, place.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": place.public_host})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(Place.from_environment()))

"""Every address, every role, own and foreign studies: the table is `access_matrix.txt`."""

import re

import pytest
from django.test import Client

from tests import access_kit

pytestmark = pytest.mark.django_db


def test_every_address_gives_every_role_what_the_table_says(settings):
    settings.WHITENOISE_USE_FINDERS = True
    world = access_kit.World()

    surprises = [surprise for row in access_kit.rows() for surprise in world.surprises(row)]

    assert not surprises, "\n".join(surprises)


def test_every_route_has_a_row():
    tried = {access_kit.route_of(row) for row in access_kit.rows()}

    missing = {
        route for route in access_kit.routes() if not route.startswith(access_kit.WITHOUT_ROWS)
    } - tried

    assert missing == set()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_route_that_changes_something_has_a_row_for_it(method):
    rows = access_kit.rows()
    tried = {access_kit.route_of(row) for row in rows if row.method == method}
    world = access_kit.World()

    takes = {access_kit.route_of(row) for row in rows if method in _methods(world.address(row))}

    assert takes - tried - {""} == set()


def _methods(address: str) -> str:
    """What a view says that it takes when it is asked for something odd."""
    return Client().generic("TRACE", address).headers.get("Allow", "")


def test_nobody_but_administrators_enters_the_admin():
    world = access_kit.World()
    addresses = [
        "/" + re.sub(r"<[^>]+>", "1", route)
        for route in access_kit.routes()
        if route.startswith("admin/") and "(" not in route
    ]

    entered = {
        (visitor, address)
        for visitor, client in world.clients
        for address in addresses
        if visitor != "admin" and client.get(address).status_code == 200
    }

    assert entered == set()
    assert len(addresses) > 50

"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from django.test import Client
from hypothesis import settings

from tests import services_kit
from tests.factories import ResearcherFactory

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("evenhand", deadline=None)
settings.load_profile("evenhand")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server for the session; make a database of your own on it."""
    with services_kit.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis server for the session."""
    with services_kit.redis() as url:
        yield url


@pytest.fixture
def researcher(db):
    """The site's administrator, as the first researcher of an installation is: every study is theirs."""
    return ResearcherFactory(username="ada", is_superuser=True, is_staff=True)


@pytest.fixture
def dashboard(client: Client, researcher) -> Client:
    """A browser in which the researcher has logged in."""
    client.force_login(researcher)
    return client

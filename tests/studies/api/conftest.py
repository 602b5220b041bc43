"""Programs that use the API, each with a token of its own."""

import json

import pytest
from django.test import Client

from studies.domain import limits
from studies.domain.tokens import make_token
from studies.enums import Scope


class Program:
    """A program with a token, which sends and reads JSON."""

    def __init__(self, user, *scopes):
        self.user = user
        self.token, self.secret = make_token(
            user=user, name="test", scopes=scopes or tuple(Scope), days=7, actor="tests"
        )
        self.client = Client(enforce_csrf_checks=True)

    def __call__(self, method, path, body=None, *, kind="application/json", **headers):
        data = body if isinstance(body, bytes | str) else "" if body is None else json.dumps(body)
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            data,
            content_type=kind,
            headers={"authorization": f"Bearer {self.secret}"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture(autouse=True)
def _fresh_limits():
    """Nothing is counted yet."""
    limits.forget()
    yield
    limits.forget()


@pytest.fixture
def program(researcher):
    """A program of the site's administrator with every scope."""
    return Program(researcher)

from collections.abc import Iterator

import pytest

from tests.endpoint_server import Script, serving


@pytest.fixture
def server() -> Iterator[Script]:
    """A server of its own that behaves, unless it is told otherwise."""
    with serving() as script:
        yield script

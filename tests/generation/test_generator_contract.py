"""What every generator keeps to: the engine, and the fake that other tests use in its place."""

import pytest

from generation.endpoint.address import Endpoint
from generation.endpoint.writer import EndpointWriter
from generation.engine import Engine
from generation.spec import Failed, Generated
from tests.endpoint_server import answer, refuse, serving
from tests.generation.fakes import REFUSED, FakeGenerator


@pytest.fixture(params=["engine", "fake", "endpoint"])
def generator(request: pytest.FixtureRequest):
    if request.param == "engine":
        yield request.getfixturevalue("llama_engine")
    elif request.param == "fake":
        yield FakeGenerator()
    else:
        with serving() as server:
            server.default = obedient
            yield EndpointWriter(Endpoint(server.url, "small"), key="")


def obedient(handler, call) -> None:
    """Answer with as many letters as asked for, and refuse as the fake does."""
    said = call.said[::-1][: call.body["max_tokens"]]
    (refuse(400) if call.said == REFUSED else answer(said))(handler, call)


def batches(*requests):
    left = [list(batch) for batch in requests]
    return lambda _rows: left.pop(0) if left else []


def test_every_request_comes_back_once_under_its_key(generator, make_request) -> None:
    fetch = batches([make_request(3), make_request(5)], [make_request(4)])

    results = list(generator.generate(fetch, lambda _: None))

    assert sorted(result.key for result in results) == [3, 4, 5]


def test_length_is_bounded_by_the_spec(generator, make_request) -> None:
    (result,) = generator.generate(batches([make_request(1, text="Hello", max_new_tokens=3)]), lambda _: None)

    assert isinstance(result, Generated)
    assert result.tokens == 3
    assert result.seconds > 0
    assert result.provenance["engine"]


def test_cost_is_known_of_ones_own_weights(generator, make_request) -> None:
    (result,) = generator.generate(batches([make_request(1, text="Hello", max_new_tokens=3)]), lambda _: None)

    assert (result.forward_flops > 0) is not isinstance(generator, EndpointWriter)


def test_beat_names_the_keys_in_flight(generator, make_request) -> None:
    heard: set[int] = set()

    list(generator.generate(batches([make_request(8, max_new_tokens=3)]), heard.update))

    assert heard == {8}


def test_what_beat_raises_ends_the_run(generator, make_request) -> None:
    def stop(_tokens) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(generator.generate(batches([make_request(1)]), stop))


def test_a_request_that_cannot_be_run_fails_alone(generator, make_request) -> None:
    # The engine refuses it for its length, the others by its name.
    refused = make_request(1, text="x" * 300 if isinstance(generator, Engine) else REFUSED)

    results = list(generator.generate(batches([refused, make_request(2, max_new_tokens=2)]), lambda _: None))

    assert {result.key: type(result) for result in results} == {1: Failed, 2: Generated}


def test_nothing_fetched_is_nothing_written(generator) -> None:
    assert list(generator.generate(lambda _: [], lambda _: None)) == []

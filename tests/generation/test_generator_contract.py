"""What every generator keeps to: the engine, and the fake that other tests use in its place."""

import pytest

from generation.spec import Failed, Generated
from tests.generation.fakes import REFUSED, FakeGenerator


@pytest.fixture(params=["engine", "fake"])
def generator(request: pytest.FixtureRequest):
    if request.param == "fake":
        return FakeGenerator()
    return request.getfixturevalue("llama_engine")


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
    assert len(result.token_ids) == 3
    assert result.forward_flops > 0
    assert result.seconds > 0
    assert result.provenance["engine"]


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
    # The engine refuses it for its length, the fake by its name.
    refused = make_request(1, text=REFUSED if isinstance(generator, FakeGenerator) else "x" * 300)

    results = list(generator.generate(batches([refused, make_request(2, max_new_tokens=2)]), lambda _: None))

    assert {result.key: type(result) for result in results} == {1: Failed, 2: Generated}


def test_nothing_fetched_is_nothing_written(generator) -> None:
    assert list(generator.generate(lambda _: [], lambda _: None)) == []

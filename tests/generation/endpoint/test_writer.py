"""Calls of a real HTTP server on loopback, which misbehaves as it is told."""

import dataclasses
import json
import time
from email.utils import formatdate

import pytest

from generation.endpoint import rate, writer
from generation.endpoint.address import Endpoint
from generation.endpoint.protocol import seed_of
from generation.endpoint.writer import EndpointWriter
from generation.spec import FinishReason, NoiseKey, Unavailable
from tests.endpoint_server import answer, drip, drop, raw, refuse, slow

KEY = "sk-canary-5f1d0c7e"


@pytest.fixture(autouse=True)
def _forget_earlier_calls() -> None:
    rate._storage.cache_clear()


@pytest.fixture
def write(server):
    """Have requests written: `write([request, ...], concurrency=1)` returns results by key."""

    def run(requests, *, beat=lambda _: None, shared="", **changes):
        endpoint = Endpoint(server.url, "small", **({"requests_per_minute": 10_000} | changes))
        batches = [list(requests)]
        made = EndpointWriter(endpoint, key=KEY, shared=shared, pause=0.01)
        results = made.generate(lambda _: batches.pop() if batches else [], beat)
        return {result.key: result for result in results}

    return run


def reason(write, make_request, **changes) -> str:
    return write([make_request(1)], concurrency=1, **changes)[1].reason


def test_conversation_goes_to_chat_with_its_sampling(write, server, make_request) -> None:
    request = make_request(1, system="Rhyme.", user="Hello", temperature=0.5, top_p=0.9, max_new_tokens=7)

    result = write([request], extra={"top_k": 20})[1]

    assert (result.text, result.tokens, result.prompt_tokens) == ("olleH", 5, 5)
    assert result.finish_reason is FinishReason.STOP
    (call,) = server.calls
    assert call.path == "/v1/chat/completions"
    assert call.body == {
        "model": "small",
        "messages": [{"role": "system", "content": "Rhyme."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": seed_of(request.noise),
        "top_k": 20,
    }


def test_plain_prompt_goes_to_completions(write, server, make_request) -> None:
    result = write([make_request(1, text="Once upon")])[1]

    assert result.text == "nopu ecnO"
    assert (server.calls[0].path, server.calls[0].body["prompt"]) == ("/v1/completions", "Once upon")


def test_what_would_change_nothing_is_not_sent(write, server, make_request) -> None:
    write([make_request(1)], seed=False, length_field="max_completion_tokens")

    assert set(server.calls[0].body) == {"model", "messages", "temperature", "max_completion_tokens"}


def test_server_learns_the_key_and_nothing_of_the_machine(write, server, make_request, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "other-key")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: secret")

    write([make_request(1)])

    sent = {name.lower(): value for name, value in server.calls[0].headers.items()}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert set(sent) <= {
        "accept", "authorization", "connection", "content-length", "content-type", "host", "user-agent"
    }  # fmt: skip


def test_server_without_key_is_sent_none(server, make_request) -> None:
    batches = [[make_request(1)]]
    made = EndpointWriter(Endpoint(server.url, "small"), key="")

    list(made.generate(lambda _: batches.pop() if batches else [], lambda _: None))

    assert "Authorization" not in server.calls[0].headers


def test_provenance_says_what_the_server_said_of_itself(write, make_request, server) -> None:
    server.behaviours = [refuse(500)]

    provenance = write([make_request(1)])[1].provenance

    version = provenance.pop("libraries")["openai"]
    assert version[0].isdigit()
    assert provenance == {
        "engine": "endpoint",
        "base_url": server.url,
        "model": "small",
        "reported_model": "small-2024-08-06",
        "system_fingerprint": "fp_44709d6fcb",
        "response_id": "cmpl-5",
        "request_id": "req-1",
        "finish_said": "stop",
        "attempts": 2,
        "sampling": {
            "temperature": 1.0,
            "max_tokens": 128,
            "seed": seed_of(NoiseKey(7, "prompt-1", "arm")),
        },
    }


def test_cut_off_text_says_so(write, make_request, server) -> None:
    server.default = answer("Arr", choice={"finish_reason": "length"})

    assert write([make_request(1)])[1].finish_reason is FinishReason.LENGTH


def test_refusal_is_the_models_answer(write, make_request, server) -> None:
    server.default = answer(choice={"message": {"content": None, "refusal": "I cannot."}})

    assert write([make_request(1)])[1].text == "I cannot."


def test_server_that_counts_no_tokens_is_believed_to_have_said_nothing(write, make_request, server) -> None:
    server.default = answer(usage=None)

    result = write([make_request(1)])[1]

    assert (result.tokens, result.prompt_tokens) == (0, 0)


def test_coupled_arms_get_the_same_seed_and_others_do_not() -> None:
    noise = NoiseKey(7, "prompt", "coupled")

    assert seed_of(noise) == seed_of(NoiseKey(7, "prompt", "coupled"))
    seeds = {seed_of(dataclasses.replace(noise, replicate=number)) for number in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(refuse(500), id="server error"),
        pytest.param(refuse(503), id="unavailable"),
        pytest.param(refuse(429), id="too many requests"),
        pytest.param(refuse(408), id="request time-out"),
        pytest.param(drop, id="dropped connection"),
        pytest.param(raw(b"<html>Bad gateway</html>", Content_Type="text/html"), id="a page"),
        pytest.param(raw(b'{"choices": ['), id="half a document"),
        pytest.param(raw(b'{"choices": []}'), id="no choice"),
        pytest.param(raw(b'{"choices": [{"message": {"content": 5}}]}'), id="no text"),
    ],
)
def test_passing_trouble_is_outlived(write, make_request, server, trouble) -> None:
    server.behaviours = [trouble, trouble]

    result = write([make_request(1)])[1]

    assert (result.text, result.provenance["attempts"]) == ("olleH", 3)


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (refuse(500, "overloaded"), "it answered 500 Internal Server Error: overloaded"),
        (raw(b"<html>"), "it answered, but not in the protocol (the whole: Invalid JSON"),
        (raw(b"no", status=502), "it answered 502 Bad Gateway"),
        (drop, "the connection failed (RemoteProtocolError"),
    ],
)
def test_trouble_that_stays_fails_the_completion_with_its_reason(
    write, make_request, server, trouble, told
) -> None:
    server.default = trouble

    said = reason(write, make_request)

    assert said.startswith(f"small at {server.url} wrote nothing after 6 tries: ")
    assert told in said
    assert len(server.calls) == writer.TRIES


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (
            refuse(400, "Your prompt has 9000 tokens"),
            "it refused the request (it answered 400 Bad Request: Your",
        ),
        (refuse(422, "unknown field seed"), "write “seed: false” under endpoint"),
        (answer(""), "it answered with an empty text (finish reason stop)"),
        (answer("", choice={"finish_reason": "length"}), "raise max_new_tokens if the model thinks"),
        (answer(choice={"finish_reason": "content_filter"}), "the server ended it with “content_filter”"),
    ],
)
def test_what_another_try_would_not_mend_is_tried_once(write, make_request, server, trouble, told) -> None:
    server.default = trouble

    assert told in reason(write, make_request)
    assert len(server.calls) == 1


def test_one_bad_prompt_fails_alone(write, make_request, server) -> None:
    good = answer()
    server.default = lambda handler, call: (refuse(500) if call.said == "bad" else good)(handler, call)
    requests = [make_request(key, user="bad" if key == 3 else f"prompt {key}") for key in range(6)]

    results = write(requests, concurrency=2)

    assert [key for key, result in results.items() if hasattr(result, "reason")] == [3]
    assert len(results) == 6


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (
            refuse(401, "Incorrect API key"),
            r"does not accept the key in EVENHAND_ENDPOINT_KEY.*Incorrect API key",
        ),
        (refuse(402), "the account behind the key in EVENHAND_ENDPOINT_KEY cannot pay"),
        (refuse(403), "the key in EVENHAND_ENDPOINT_KEY may not use small here"),
        (refuse(404, "no such model"), "knows no model “small”.*404 Not Found: no such model"),
        (refuse(405), "check base_url"),
        (refuse(429, "pay first", code="insufficient_quota"), "has no quota left"),
        (refuse(429, Retry_After="3600"), r"asks to be left alone for 3600 s; retry after that"),
        (raw(b"", status=307, Location="http://127.0.0.1:1/"), "base_url leads elsewhere"),
    ],
)
def test_what_a_person_has_to_mend_ends_the_run_at_once(write, make_request, server, trouble, told) -> None:
    server.default = trouble

    with pytest.raises(Unavailable, match=told):
        write([make_request(key) for key in range(9)], concurrency=1)
    assert len(server.calls) == 1


def test_plain_prompts_fail_alone_where_there_is_only_chat(write, make_request, server) -> None:
    def chat_only(handler, call) -> None:
        (answer() if "messages" in call.body else refuse(404, "no route"))(handler, call)

    server.default = chat_only

    results = write([make_request(1, text="Once"), make_request(2)])

    assert "has no /completions, which plain prompts need" in results[1].reason
    assert results[2].text == "olleH"


def test_server_that_is_away_ends_the_run_after_some_patience(write, make_request, server) -> None:
    server.default = refuse(503, "maintenance")

    with pytest.raises(Unavailable, match=r"12 calls in a row came to nothing; retry .* 503 .*maintenance"):
        write([make_request(key) for key in range(50)], concurrency=4)
    assert writer.PATIENCE <= len(server.calls) < writer.PATIENCE + 4


def test_nobody_listens(make_request) -> None:
    batches = [[make_request(key) for key in range(5)]]
    made = EndpointWriter(Endpoint("http://127.0.0.1:9/v1", "small", concurrency=3), key="", pause=0.001)

    with pytest.raises(Unavailable, match=r"http://127.0.0.1:9/v1: .*the connection failed \(ConnectError"):
        list(made.generate(lambda _: batches.pop() if batches else [], lambda _: None))


@pytest.mark.parametrize("late", [slow(30), drip], ids=["silence", "a byte now and then"])
def test_call_takes_no_longer_than_it_may(write, make_request, server, late) -> None:
    server.behaviours = [late]
    began = time.monotonic()

    result = write([make_request(1)], timeout_seconds=1)[1]

    assert (result.text, result.provenance["attempts"]) == ("olleH", 2)
    assert 1 <= time.monotonic() - began < 20


def test_answer_larger_than_any_completion_is_broken_off(write, make_request, server) -> None:
    server.behaviours = [raw(b" " * (9 * 2**20))]

    assert write([make_request(1)])[1].provenance["attempts"] == 2


@pytest.mark.parametrize("said", ["1", formatdate(time.time() + 2, usegmt=True)], ids=["seconds", "date"])
def test_retry_after_keeps_every_call_away(write, make_request, server, said) -> None:
    if not said.isdigit():
        said = formatdate(time.time() + 2, usegmt=True)
    server.behaviours = [refuse(429, Retry_After=said)]

    results = write([make_request(key) for key in range(3)], concurrency=1)

    assert len(results) == 3
    assert server.calls[1].at - server.calls[0].at >= 0.9


def test_no_more_calls_are_under_way_than_allowed(write, make_request, server) -> None:
    server.default = slow(0.1)

    write([make_request(key) for key in range(9)], concurrency=3)

    assert server.most_under_way == 3


def test_no_more_calls_are_made_in_a_minute_than_allowed(write, make_request, server) -> None:
    ends = time.monotonic() + 1.5

    def beat(_tokens) -> None:
        if len(server.calls) >= 5 and time.monotonic() > ends:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write([make_request(key) for key in range(9)], requests_per_minute=5, beat=beat)
    # The next run of this process goes on counting.
    ends = time.monotonic() + 0.5
    with pytest.raises(KeyboardInterrupt):
        write([make_request(9)], requests_per_minute=5, beat=beat)

    assert len(server.calls) == 5


@pytest.mark.services
def test_workers_share_the_rate_through_redis(write, make_request, server, redis_url) -> None:
    ends = time.monotonic() + 1.5

    def beat(_tokens) -> None:
        if len(server.calls) >= 5 and time.monotonic() > ends:
            raise KeyboardInterrupt

    write([make_request(key) for key in range(3)], requests_per_minute=5, shared=redis_url)
    rate._storage.cache_clear()  # as in another process
    with pytest.raises(KeyboardInterrupt):
        write([make_request(key) for key in range(9)], requests_per_minute=5, shared=redis_url, beat=beat)

    assert len(server.calls) == 5


def test_stop_breaks_off_what_is_under_way(write, make_request, server) -> None:
    server.default = slow(30)
    began = time.monotonic()

    def beat(_tokens) -> None:
        if server.calls:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write([make_request(1)], beat=beat)

    assert time.monotonic() - began < 20


def test_server_that_repeats_the_key_is_not_quoted(write, make_request, server, caplog) -> None:
    caplog.set_level("DEBUG")
    server.behaviours = [
        refuse(500, f"bad key {KEY}"),
        answer(f"Your key is {KEY}", model=KEY, system_fingerprint=KEY),
    ]

    result = write([make_request(1)])[1]
    server.default = refuse(400, f"bad key {KEY}")
    refused = write([make_request(2)])[2]
    server.default = refuse(401, f"bad key {KEY}")
    with pytest.raises(Unavailable) as unavailable:
        write([make_request(3)])

    assert result.text == "Your key is [key]"
    assert result.provenance["reported_model"] == "[key]"
    assert "bad key [key]" in refused.reason
    assert "bad key [key]" in str(unavailable.value)
    assert KEY not in json.dumps(result.provenance) + caplog.text + repr(unavailable.value.__context__)
    assert "bad key [key]" in caplog.text
    assert server.calls[0].headers["Authorization"] == f"Bearer {KEY}"


def test_every_key_in_flight_has_its_beat(write, make_request, server) -> None:
    heard: set[int] = set()

    write([make_request(key) for key in range(5)], concurrency=2, beat=heard.update)

    assert heard == {0, 1, 2, 3, 4}

"""Limits on guessing and hoarding, which people who share an address do not feel."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from limits.errors import StorageError

from studies.domain import limits
from studies.enums import AnnotatorStatus
from studies.views import throttle
from tests.factories import open_study

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits(settings):
    """Nothing is counted yet, and the limits are small enough to be met."""
    limits.forget()
    settings.RATE_LIMITS = {"links": "3/minute", "entries": "4/minute", "codes": "5/minute"}
    yield
    limits.forget()


def address(study, name: str) -> str:
    return reverse(f"studies:annotate-{name}", args=[study.invite])


def enter(study, where: str = "127.0.0.1"):
    client = Client(REMOTE_ADDR=where)
    client.get(address(study, "start"))
    return client.post(address(study, "consent"), {"agree": "on"})


def test_who_guesses_links_is_asked_to_wait_and_told_how_long(client):
    guesses = [client.get(f"/s/guess-{number}/", headers={"accept-language": "de"}) for number in range(4)]

    assert [guess.status_code for guess in guesses] == [404, 404, 404, 429]
    assert 0 < int(guesses[-1]["Retry-After"]) <= 120
    assert "Einen Moment bitte" in guesses[-1].text


def test_a_neighbour_of_a_guesser_still_gets_in(client):
    study = open_study(comparisons=1)
    for number in range(10):
        client.get(f"/s/guess-{number}/")

    neighbour = enter(study)

    assert neighbour.status_code == 302
    assert study.annotators.count() == 1


def test_entries_are_counted_by_address_and_study():
    study, other = open_study(comparisons=1), open_study(comparisons=1)

    here = [enter(study).status_code for _ in range(5)]

    assert here == [302, 302, 302, 302, 429]
    assert enter(study, "192.0.2.7").status_code == 302
    assert enter(other).status_code == 302
    assert study.annotators.count() == 5


def test_a_full_lecture_hall_behind_one_address_gets_in(settings):
    settings.RATE_LIMITS = {"links": "", "codes": "", "entries": "1200/10minutes"}
    study = open_study(comparisons=1)
    request = RequestFactory().get("/")

    # Each of 600 people, or 400 who come from a recruiting site and reload, counts up to three times.
    waits = [throttle.spend("entries", request, f"{study.pk} hall") for _ in range(1200)]

    assert set(waits) == {0}
    assert throttle.spend("entries", request, f"{study.pk} hall") > 0


def test_whoever_is_in_already_does_not_count_again():
    study = open_study(comparisons=1)
    client = Client()
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})

    pages = [client.get(address(study, "start")).status_code for _ in range(12)]

    assert set(pages) == {302}


def test_taking_on_another_persons_id_counts_as_an_entry(client):
    study = open_study(comparisons=1)

    tries = [client.get(address(study, "start"), {"PROLIFIC_PID": f"p{n}"}).status_code for n in range(5)]

    assert tries == [302, 302, 302, 302, 429]


def test_codes_are_counted_by_browser_and_not_by_address():
    study = open_study(comparisons=1)
    browsers = [Client(), Client()]
    for client in browsers:
        client.get(address(study, "start"))
        client.post(address(study, "consent"), {"agree": "on"})
        client.post(address(study, "instructions"))
    study.annotators.update(status=AnnotatorStatus.FINISHED)

    hasty = [browsers[0].get(address(study, "thanks")).status_code for _ in range(6)]

    assert hasty == [200] * 5 + [429]
    assert browsers[1].get(address(study, "thanks")).status_code == 200


def test_comparisons_are_never_limited():
    study = open_study(comparisons=1)
    client = Client()
    client.get(address(study, "start"))
    client.post(address(study, "consent"), {"agree": "on"})
    client.post(address(study, "instructions"))

    assert {client.get(address(study, "compare")).status_code for _ in range(30)} == {200}


def test_a_store_that_is_away_keeps_nobody_out(client, monkeypatch, caplog):
    def away(*_args):
        raise StorageError(ConnectionError("nobody there"))

    monkeypatch.setattr(limits._limiter(), "hit", away)

    assert client.get("/s/guess/").status_code == 404
    assert "No answer from the store" in caplog.text


@pytest.mark.parametrize(
    ("hops", "told", "address"),
    [
        (0, "198.51.100.9", "127.0.0.1"),
        (1, "198.51.100.9", "198.51.100.9"),
        (1, "10.0.0.1, 198.51.100.9", "198.51.100.9"),
        (2, "198.51.100.9, 10.0.0.1", "198.51.100.9"),
        (1, "", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
        (1, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (1, "::ffff:198.51.100.9", "198.51.100.9"),
    ],
)
def test_only_trusted_proxies_say_where_a_visitor_is(settings, hops, told, address):
    settings.PROXIES = hops
    request = RequestFactory().get("/", headers={"x-forwarded-for": told})

    assert throttle.client_address(request) == address


@pytest.mark.services
def test_processes_share_their_limits_by_redis(redis_url, settings):
    settings.RATE_LIMITS_STORE = redis_url
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.5")
    waits = []
    for _ in range(5):
        limits.forget()  # as another process would begin
        waits.append(throttle.spend("links", request) > 0)

    assert waits == [False, False, False, True, True]

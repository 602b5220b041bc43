"""The checks before a start: one line each, and what to do."""

import os
import socket
from pathlib import Path

import pytest

from config import preflight
from config.preflight import CannotStartError, Place


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path, "127.0.0.1", 8000, "http://127.0.0.1:8000")


@pytest.fixture
def listener():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_an_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(preflight, "OLDEST_PYTHON", (4, 2))

    with pytest.raises(CannotStartError, match=r"Evenhand needs Python 4\.2 or newer; this is 3\."):
        preflight.check_python()


def test_this_python_is_accepted():
    assert preflight.check_python() is None


def test_a_full_disk_is_refused_with_needed_and_free_space(monkeypatch, place):
    monkeypatch.setenv("EVENHAND_MIN_FREE_MB", "999999999")

    with pytest.raises(CannotStartError, match=r"999999999 MB are needed and \d+ MB are free"):
        preflight.check_disk(place)


def test_a_taken_port_is_refused_and_another_proposed(place, listener):
    taken = Place(place.data, "127.0.0.1", listener, place.url)

    with pytest.raises(CannotStartError, match=rf"Port {listener} is taken: .* PORT={listener + 1} make run"):
        preflight.check_port(taken)


def test_a_foreign_address_is_refused(place):
    # 192.0.2.0/24 is kept for documentation (RFC 5737), so no machine has it.
    elsewhere = Place(place.data, "192.0.2.1", 8000, place.url)

    with pytest.raises(CannotStartError, match=r"HOST=192\.0\.2\.1 PORT=8000 cannot be listened on"):
        preflight.check_port(elsewhere)


def test_a_data_folder_serves_one_launcher_at_a_time(place):
    with preflight.take_lock(place), pytest.raises(CannotStartError) as refused:
        preflight.take_lock(place)

    assert f"(process {os.getpid()}, http://127.0.0.1:8000)" in str(refused.value)


def test_a_data_folder_is_free_again_after_a_launcher(place):
    preflight.take_lock(place).close()

    with preflight.take_lock(place) as lock:
        assert Path(lock.name).read_text() == f"process {os.getpid()}, http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("host", "bind", "url"),
    [
        ("", "127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0:8000", "http://127.0.0.1:8000"),  # noqa: S104 - nothing is bound
        ("::1", "[::1]:8000", "http://[::1]:8000"),
        ("[::]", "[::]:8000", "http://[::1]:8000"),
    ],
)
def test_place_tells_where_to_listen_and_where_to_look(monkeypatch, tmp_path, host, bind, url):
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("PORT", "8000")
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path))
    monkeypatch.delenv("EVENHAND_URL", raising=False)

    found = Place.from_environment()

    assert (found.bind, found.url) == (bind, url)


def test_behind_a_proxy_the_address_is_the_proxys(monkeypatch, tmp_path):
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path))
    monkeypatch.setenv("EVENHAND_URL", "https://trials.example/")

    found = Place.from_environment()

    assert (found.url, found.public_host) == ("https://trials.example", "trials.example")

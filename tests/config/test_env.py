"""Environment variables: read with a type, or refused by name."""

import re
import stat
from pathlib import Path

import pytest

from config import env

ROOT = Path(__file__).parents[2]
READ = re.compile(r"""env\.(?:text|flag|whole|names|rates|url|addresses|folder|secret)\(\s*"([A-Z_]+)\"""")
SAMPLED = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)


@pytest.mark.parametrize(("raw", "expected"), [("1", True), ("yes", True), ("OFF", False), ("0", False)])
def test_flag_reads_switches(monkeypatch, raw, expected):
    monkeypatch.setenv("SWITCH", raw)

    assert env.flag("SWITCH", default=not expected) is expected


@pytest.mark.parametrize("default", [True, False])
def test_flag_takes_the_default_when_empty(monkeypatch, default):
    monkeypatch.setenv("SWITCH", " ")

    assert env.flag("SWITCH", default=default) is default


def test_flag_refuses_anything_else(monkeypatch):
    monkeypatch.setenv("SWITCH", "perhaps")

    with pytest.raises(env.BadEnvironmentError, match="SWITCH='perhaps' is not a switch"):
        env.flag("SWITCH", default=True)


def test_whole_reads_a_number(monkeypatch):
    monkeypatch.setenv("COUNT", "12")

    assert env.whole("COUNT", 3) == 12


@pytest.mark.parametrize("raw", ["-1", "1.5", "many", "11", "٣", "1e3"])
def test_whole_refuses_what_is_no_number_between_the_bounds(monkeypatch, raw):
    monkeypatch.setenv("COUNT", raw)

    with pytest.raises(env.BadEnvironmentError, match=r"COUNT=.* is not a whole number from 2 to 10"):
        env.whole("COUNT", 3, least=2, most=10)


def test_names_reads_a_list_and_ignores_blanks(monkeypatch):
    monkeypatch.setenv("HOSTS", "a.example, b.example,,")

    assert env.names("HOSTS", ["c.example"]) == ["a.example", "b.example"]


def test_url_is_empty_when_absent(monkeypatch):
    monkeypatch.delenv("SOME_URL", raising=False)

    assert env.url("SOME_URL", {"redis"}) == ""


def test_url_refuses_another_scheme_without_repeating_its_password(monkeypatch):
    monkeypatch.setenv("SOME_URL", "mysql://root:hush@db/x")

    with pytest.raises(env.BadEnvironmentError) as refused:
        env.url("SOME_URL", {"redis", "unix"})

    assert str(refused.value) == "SOME_URL must be a URL of one of these kinds: redis, unix."


def test_addresses_are_http_or_a_known_word(monkeypatch):
    monkeypatch.setenv("PLACES", "https://models.example/v1, loopback")

    assert env.addresses("PLACES", [], words={"loopback"}) == ["https://models.example/v1", "loopback"]


def test_addresses_fall_back_when_the_variable_is_empty(monkeypatch):
    monkeypatch.setenv("PLACES", "")

    assert env.addresses("PLACES", ["loopback"], words={"loopback"}) == ["loopback"]


@pytest.mark.parametrize(
    "wrong", ["models.example", "ftp://models.example", "https://ada:hush@models.example"]
)
def test_addresses_refuse_what_is_none_without_repeating_it(monkeypatch, wrong):
    monkeypatch.setenv("PLACES", f"loopback,{wrong}")

    with pytest.raises(env.BadEnvironmentError) as refused:
        env.addresses("PLACES", [], words={"loopback"})

    assert str(refused.value) == ("PLACES lists what is neither an http:// or https:// address nor loopback.")


def test_folder_is_made_for_its_owner_only(monkeypatch, tmp_path):
    monkeypatch.setenv("FOLDER", str(tmp_path / "deep" / "data"))

    made = env.folder("FOLDER", tmp_path)

    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_folder_refuses_a_file_by_name(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FOLDER", str(tmp_path / "file"))

    with pytest.raises(env.BadEnvironmentError, match=r"FOLDER=.* cannot be used as a folder"):
        env.folder("FOLDER", tmp_path)


def test_secret_is_made_once_and_kept_from_others(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET", raising=False)
    store = tmp_path / "secret"

    first = env.secret("SECRET", store)

    assert len(first) >= 50
    assert env.secret("SECRET", store) == first
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_secret_may_be_given(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "given")

    assert env.secret("SECRET", tmp_path / "secret") == "given"
    assert not (tmp_path / "secret").exists()


def test_env_sample_lists_exactly_the_variables_that_are_read():
    read = {name for file in (ROOT / "config").glob("*.py") for name in READ.findall(file.read_text())}

    assert set(SAMPLED.findall((ROOT / "env.sample").read_text())) == read


def test_env_sample_changes_nothing_as_it_is():
    lines = (ROOT / "env.sample").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []

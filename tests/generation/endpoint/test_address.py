import dataclasses

import pytest

from generation.endpoint.address import (
    Endpoint,
    check_extra,
    check_key_env,
    key_of,
    normal_url,
    permitted,
    require_permitted,
)
from generation.spec import Unavailable

LAB = Endpoint("https://models.example/v1", "small")


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("HTTPS://API.example.com:443/v1", "https://api.example.com/v1"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_base_url_has_one_normal_form(written, normal) -> None:
    assert normal_url(written) == normal
    assert normal_url(normal) == normal


@pytest.mark.parametrize(
    "written",
    [
        "ftp://api.example.com/v1",
        "file:///etc/passwd",
        "api.example.com/v1",
        "https://",
        "https://ada:secret@api.example.com/v1",
        "https://api.example.com/v1?key=secret",
        "https://api.example.com/v1#part",
        "https://api.example.com/v1/../admin",
        "https://api.example.com/%2e%2e/admin",
        "https://api.example.com\\@evil.example/v1",
        "https://api.example.com/v1\n",
        "https://api.example.com:99999/v1",
        "https://api.example.com:0/v1",
        "https://bücher.example/v1",
    ],
)
def test_what_is_no_base_url_is_refused(written) -> None:
    with pytest.raises(ValueError, match=r"is no base URL|a port that does not exist"):
        normal_url(written)


@pytest.mark.parametrize(
    ("base_url", "allowed", "may"),
    [
        ("https://models.example/v1", ["https://models.example/v1"], True),
        ("https://models.example/v1", ["https://models.example/"], True),
        ("https://models.example/v1", ["https://MODELS.example:443/v1/"], True),
        ("https://models.example/v10", ["https://models.example/v1"], False),
        ("https://models.example.evil.example/v1", ["https://models.example"], False),
        ("http://models.example/v1", ["https://models.example/v1"], False),
        ("https://models.example:8443/v1", ["https://models.example/v1"], False),
        ("https://models.example/v1", [], False),
        ("https://models.example/v1", ["none"], False),
        ("https://models.example/v1", ["none", "https://models.example"], True),
        ("http://127.0.0.1:8080/v1", ["loopback"], True),
        ("http://127.9.9.9/v1", ["loopback"], True),
        ("http://localhost:1/v1", ["loopback"], True),
        ("http://[::1]:1/v1", ["loopback"], True),
        ("http://localhost.evil.example/v1", ["loopback"], False),
        ("http://169.254.169.254/latest", ["loopback"], False),
        ("http://10.0.0.1/v1", ["loopback"], False),
        ("http://2130706433/v1", ["loopback"], False),
    ],
)
def test_only_what_the_operator_lists_may_be_called(base_url, allowed, may) -> None:
    assert permitted(base_url, allowed) is may


def test_refusal_names_the_variable_and_the_address() -> None:
    with pytest.raises(
        Unavailable, match=r"may not call https://models.example/v1: EVENHAND_ENDPOINTS.*loopback"
    ):
        require_permitted(LAB, ["loopback"])


@pytest.mark.parametrize("name", ["EVENHAND_ENDPOINT_KEY", "EVENHAND_ENDPOINT_KEY_LAB_2", "none"])
def test_variables_of_keys_are_told_by_their_name(name) -> None:
    assert check_key_env(name) == name


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "EVENHAND_ENDPOINT_KEYS", "sk-abc123", ""])
def test_no_other_variable_can_be_sent_to_a_server(name) -> None:
    with pytest.raises(ValueError, match="is no name of a key's variable"):
        check_key_env(name)


def test_key_comes_from_the_environment_without_stray_space() -> None:
    assert key_of(LAB, {"EVENHAND_ENDPOINT_KEY": " abc\n"}) == "abc"
    assert key_of(dataclasses.replace(LAB, key_env="none"), {"EVENHAND_ENDPOINT_KEY": "abc"}) == ""


def test_missing_key_names_its_variable() -> None:
    lab = dataclasses.replace(LAB, key_env="EVENHAND_ENDPOINT_KEY_LAB")

    with pytest.raises(Unavailable, match="EVENHAND_ENDPOINT_KEY_LAB is not set where this worker runs"):
        key_of(lab, {"EVENHAND_ENDPOINT_KEY": "abc"})


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_key_that_no_header_takes_is_refused_without_repeating_it(key) -> None:
    with pytest.raises(Unavailable) as refusal:
        key_of(LAB, {"EVENHAND_ENDPOINT_KEY": key})

    assert str(refusal.value).startswith("EVENHAND_ENDPOINT_KEY holds what no key has")
    assert key not in str(refusal.value)


@pytest.mark.parametrize(
    "extra", [{"model": "x"}, {"temperature": 1}, {"api_key": "x"}, {"Authorization": "x"}]
)
def test_extra_fields_hide_neither_sampling_nor_keys(extra) -> None:
    with pytest.raises(ValueError, match=r"is no extra field|looks like a key"):
        check_extra(extra)


def test_name_is_another_one_for_whatever_is_said_otherwise() -> None:
    changes = [{"model": "large"}, {"seed": False}, {"extra": {"top_k": 5}}, {"requests_per_minute": 5}]
    names = {dataclasses.replace(LAB, **change).name for change in [{}, *changes]}

    assert len(names) == 5
    assert LAB.name.startswith("small at models.example (")
    assert len(dataclasses.replace(LAB, base_url=f"https://{'a' * 90}.example", model="m" * 200).name) <= 100


def test_endpoint_is_written_and_read_back_without_what_is_usual() -> None:
    lab = dataclasses.replace(LAB, seed=False, extra={"top_k": 5, "min_p": 0.1})

    assert LAB.as_dict() == {"base_url": "https://models.example/v1", "model": "small"}
    assert Endpoint.from_dict(lab.as_dict()) == lab

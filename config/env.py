"""Typed readers for environment variables. A bad value fails at start, by name."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit


class BadEnvironmentError(ValueError):
    """An environment variable holds something that cannot be used."""


def text(name: str, default: str) -> str:
    """Read a string; an empty variable counts as absent."""
    return os.environ.get(name) or default


def flag(name: str, *, default: bool) -> bool:
    """Read a switch: 1, true, yes, on / 0, false, no, off."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    message = f"{name}={raw!r} is not a switch: use 1 or 0."
    raise BadEnvironmentError(message)


def whole(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Read a whole number between ``least`` and ``most``."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        message = f"{name}={raw!r} is not a whole number from {least} to {most}."
        raise BadEnvironmentError(message)
    return int(raw)


def rates(name: str, default: str) -> str:
    """Read rate limits such as `60/minute; 1000/hour`; empty for `off`."""
    from limits import parse_many  # noqa: PLC0415 - the launcher reads other variables, without libraries

    said = text(name, default).strip()
    if said == "off":
        return ""
    try:
        parse_many(said)
    except ValueError as error:
        message = f"{name}={said!r} is no rate: write “60/minute”, “60/minute; 1000/hour”, or “off”."
        raise BadEnvironmentError(message) from error
    return said


def names(name: str, default: list[str]) -> list[str]:
    """Read a comma-separated list."""
    raw = os.environ.get(name, "")
    return [part.strip() for part in raw.split(",") if part.strip()] or default


def url(name: str, schemes: set[str]) -> str:
    """Read a URL of one of ``schemes``; empty when the variable is absent."""
    raw = os.environ.get(name, "").strip()
    if raw and urlsplit(raw).scheme not in schemes:
        wanted = ", ".join(sorted(schemes))
        message = f"{name} must be a URL of one of these kinds: {wanted}."
        raise BadEnvironmentError(message)
    return raw


def addresses(name: str, default: list[str], *, words: set[str]) -> list[str]:
    """Read a comma-separated list of HTTP addresses, in which ``words`` may stand too."""
    found = names(name, default)
    for one in found:
        parts = urlsplit(one)
        bare = not (parts.query or parts.fragment or "@" in parts.netloc)
        if one not in words and not (parts.scheme in {"http", "https"} and parts.hostname and bare):
            # Not the address itself: somebody may have put a password there.
            told = " or ".join(sorted(words))
            message = f"{name} lists what is neither an http:// or https:// address nor {told}."
            raise BadEnvironmentError(message)
    return found


def folder(name: str, default: Path) -> Path:
    """Read a folder and create it, readable by its owner only."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = f"{name}={path} cannot be used as a folder: {error.strerror}."
        raise BadEnvironmentError(message) from error
    return path


def secret(name: str, store: Path) -> str:
    """Read a secret, or the one kept in ``store``, made at random at first use."""
    given = os.environ.get(name, "")
    if given:
        return given
    try:
        with store.open("x") as file:
            store.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return store.read_text().strip()


def last_address(store: Path, *, port: int) -> str:
    """Return where the site was started last, as ``store`` has it, unless `PORT` names another port."""
    if not os.environ.get("PORT") and store.is_file():
        return store.read_text().strip()
    return f"http://127.0.0.1:{port}"

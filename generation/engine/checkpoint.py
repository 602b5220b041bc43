"""Make a checkpoint usable: convert it once, record what it is, load it.

Whatever is interrupted leaves only a folder named ``.preparing-...`` behind: a prepared checkpoint
appears under its own name by one rename.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from generation.engine.facts import context_of, facts_of, read_tokenizer, vocabulary_of
from generation.engine.memory import refuse_conversion, refuse_too_big, stored
from generation.engine.packing import pack, put_back
from generation.engine.sources import (
    HUB_FILES,
    CheckpointError,
    Source,
    file_hash,
    resolve,
    weight_files,
)

Report = Callable[[str], None]
"""Told in a few words what preparing does now; may raise to stop."""

# Typed as Any: their own annotations are partial.
_models: Any = transformers.AutoModelForCausalLM
_logging: Any = transformers.utils.logging

_MANIFEST = "evenhand.json"
_DESCRIBED = 2  # Raised when more facts are kept, so that older descriptions are made anew.
_TRIAL = 4
"""How many tokens are read to see which weights a model takes by itself."""
_GROWTH = 8  # A 4-bit file becomes 32-bit floats.


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checkpoint on this machine's disk."""

    folder: str
    weight_hash: str
    """SHA-256 of the safetensors files, in the order of their names."""
    source_hash: str
    """SHA-256 of what it was converted from; equals `weight_hash` when nothing was converted."""
    revision: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint in memory."""

    name: str
    prepared: Prepared
    model: Any
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    eos_ids: frozenset[int]
    pad_id: int
    context: int
    """The most tokens that a row may hold."""
    parameters: int
    packed: bool
    """Whether all weights are laid out for the processor; then rows do not depend on their number."""


def prepare(
    source: str,
    *,
    revision: str = "",
    root: Path,
    report: Report = lambda _: None,
    device: str = "auto",
) -> Prepared:
    """Bring ``source`` into a folder of safetensors and say what it is; quick when that is done already.

    Parameters
    ----------
    source
        See `generation.engine.sources.resolve`.
    revision
        A branch, tag or commit of a hub repository.
    root
        Where converted and fetched checkpoints are kept.
    report
        Told what happens now.
    device
        Where it is to be loaded; ``auto`` takes a GPU when there is one.

    Raises
    ------
    CheckpointError
        With one line that says what to do; also when it is bigger than all the memory that there is.
    """
    found, where = resolve(source), _device(device)
    root.mkdir(parents=True, exist_ok=True)
    if found.folder:
        return _described(found.folder, root / f"{_slug(source)}.json", source, revision, where, report)
    target = root / _slug(f"{source}@{revision}" if revision else source)
    if not (target / _MANIFEST).is_file():
        _drop_leftovers(root, target.name)
        with _arriving(target) as folder:
            if found.gguf:
                _convert(found, folder, report)
            else:
                _fetch(found.hub, revision, folder, where, report)
            _described(folder, folder / _MANIFEST, source, revision, where, report)
    return _described(target, target / _MANIFEST, source, revision, where, report)


def load(name: str, prepared: Prepared, *, device: str = "auto", dtype: str = "") -> Loaded:
    """Load a prepared checkpoint for inference: 32-bit floats on a CPU, its own type on a GPU.

    Parameters
    ----------
    name
        What the checkpoint is called in provenance.
    device
        ``auto`` takes a GPU when there is one.
    dtype
        Another type: ``float32``, ``bfloat16`` or ``float16``.

    Raises
    ------
    CheckpointError
        When it does not fit into the memory that is free, or cannot decode: no end token, or an
        architecture whose attention is not known to be served.
    """
    where = _device(device)
    refuse_too_big(name, stored(Path(prepared.folder)), where, dtype=dtype)
    with _quiet():
        model = _models.from_pretrained(
            prepared.folder,
            dtype=getattr(torch, dtype) if dtype else torch.float32 if where.type == "cpu" else "auto",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        tokenizer = read_tokenizer(Path(prepared.folder))
    model = model.eval().requires_grad_(requires_grad=False).to(where)
    eos_ids, pad_id = _special_ids(name, model, tokenizer)
    facts = next(model.parameters()).dtype, sum(parameter.numel() for parameter in model.parameters())
    packed = pack(model) and not put_back(model, lambda: _read(model))
    return Loaded(
        name=name,
        prepared=prepared,
        model=model,
        tokenizer=tokenizer,
        device=where,
        dtype=facts[0],
        eos_ids=eos_ids,
        pad_id=pad_id,
        context=context_of(model.config, tokenizer),
        parameters=facts[1],
        packed=packed,
    )


@torch.inference_mode()
def _read(model: Any) -> None:
    """Let a model read a few tokens."""
    model(input_ids=torch.arange(min(_TRIAL, vocabulary_of(model)))[None], use_cache=False)


def _device(wanted: str) -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted)


def _special_ids(name: str, model: Any, tokenizer: Any) -> tuple[frozenset[int], int]:
    """Return the ids that end a completion, as the checkpoint itself says, and one to pad with."""
    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = model.config.eos_token_id if model.config.eos_token_id is not None else tokenizer.eos_token_id
    eos_ids = frozenset([ends] if isinstance(ends, int) else ends or [])
    vocabulary = vocabulary_of(model)
    if not eos_ids or not all(0 <= token < vocabulary for token in eos_ids):
        message = f"{name}: the checkpoint names no end-of-sequence token of its own vocabulary."
        raise CheckpointError(message)
    pad = tokenizer.pad_token_id
    return eos_ids, pad if pad is not None and pad < vocabulary else min(eos_ids)


def _slug(source: str) -> str:
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in source)
    return readable.replace("package-", "", 1)[-100:].strip("-.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars out of logs."""
    before = _logging.is_progress_bar_enabled()
    _logging.disable_progress_bar()
    try:
        # The reader of GGUF files draws a bar of its own, which nothing turns off.
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if before:
            _logging.enable_progress_bar()


@contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """Yield a folder that becomes ``target`` by one rename when all went well, and vanishes when not."""
    folder = Path(tempfile.mkdtemp(prefix=f".preparing-{target.name}-{os.getpid()}-", dir=target.parent))
    try:
        yield folder
        folder.chmod(0o755)
        try:
            folder.rename(target)
        except OSError:
            # Another process was quicker; its folder is as good as this one.
            if not (target / _MANIFEST).is_file():
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _drop_leftovers(root: Path, name: str) -> None:
    """Delete what a killed process left half written."""
    for folder in root.glob(f".preparing-{name}-*"):
        pid = folder.name.removeprefix(f".preparing-{name}-").partition("-")[0]
        if not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _convert(source: Source, folder: Path, report: Report) -> None:
    """Turn a GGUF file into safetensors."""
    assert source.gguf is not None  # noqa: S101 - for the type checker; the caller looked
    needed = source.gguf.stat().st_size * _GROWTH
    free = shutil.disk_usage(folder).free
    if free < needed:
        message = (
            f"Converting {source.gguf.name} needs about {needed >> 20} MB in {folder.parent} "
            f"and {free >> 20} MB are free: make room or set EVENHAND_DATA."
        )
        raise CheckpointError(message)
    refuse_conversion(source.gguf)
    where, name = source.gguf.parent, source.gguf.name
    with _quiet():
        report("Reading the vocabulary")
        tokenizer = transformers.AutoTokenizer.from_pretrained(where, gguf_file=name)
        report("Expanding the weights")
        packed = _models.from_pretrained(where, gguf_file=name, dtype=torch.float32)
        report("Writing the weights")
        # Saving a model loaded from GGUF is refused, so its weights move into a fresh one.
        config = packed.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        model = _models.from_config(config, dtype=torch.float32)
        model.load_state_dict(packed.state_dict())
        model.tie_weights()
        model.generation_config = packed.generation_config
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    origin = {"source_hash": file_hash(source.gguf), "licence": source.licence}
    (folder / _MANIFEST).write_text(json.dumps({"origin": origin}))


def _fetch(repository: str, revision: str, folder: Path, where: torch.device, report: Report) -> None:
    """Bring a repository from the hub, weights as safetensors only."""
    import huggingface_hub  # noqa: PLC0415 - slow to import, and most runs never need it

    report(f"Fetching {repository}")
    try:
        info = huggingface_hub.HfApi().model_info(repository, revision=revision or None, timeout=30)
        commit, weights = info.sha, getattr(info, "safetensors", None)
        if weights:
            refuse_too_big(repository, weights.parameters, where, ever=True)
        huggingface_hub.snapshot_download(
            repository, revision=commit, local_dir=folder, allow_patterns=list(HUB_FILES)
        )
    except CheckpointError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        reason = f"{repository} cannot be fetched ({type(error).__name__})"
        message = f"{reason}: check its name, the network and HF_TOKEN."
        raise CheckpointError(message) from error
    if not weight_files(folder):
        message = f"{repository} holds no safetensors weights, and no other kind is loaded."
        raise CheckpointError(message)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    licence = str((getattr(info, "card_data", None) or {}).get("license") or "")
    (folder / _MANIFEST).write_text(json.dumps({"origin": {"revision": commit, "licence": licence}}))


def _described(
    folder: Path, manifest: Path, source: str, revision: str, where: torch.device, report: Report
) -> Prepared:
    """Return what is known of the checkpoint in ``folder``, hashing it anew only when its files changed."""
    known = json.loads(manifest.read_text()) if manifest.is_file() else {}
    files = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in weight_files(folder)]
    if known.get("files") != files or known.get("described") != _DESCRIBED:
        refuse_too_big(source, stored(folder), where, ever=True)
        report("Checking the weights")
        origin = known.get("origin", {})
        weight_hash = file_hash(*weight_files(folder))
        facts = facts_of(folder, source)
        known = {
            "described": _DESCRIBED,
            "origin": origin,
            "files": files,
            "weight_hash": weight_hash,
            "source_hash": origin.get("source_hash", weight_hash),
            "revision": origin.get("revision", revision),
            "facts": facts | {"licence": origin.get("licence") or facts["licence"]},
        }
        manifest.write_text(json.dumps(known, indent=1))
    return Prepared(
        folder=str(folder),
        **{key: known[key] for key in ("weight_hash", "source_hash", "revision", "facts")},
    )

"""What there is to know of a checkpoint without loading its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
import yaml

from generation.engine.memory import stored
from generation.engine.prompts import default_system, knows_system
from generation.engine.sources import CheckpointError, weight_files

_MANY = 10**9
"""Tokenizers that know no limit say so by a number without meaning."""


def facts_of(folder: Path, source: str) -> dict[str, Any]:
    """Return what a report and the page of checkpoints say.

    Raises
    ------
    CheckpointError
        When the checkpoint can be read only by code that it brings along.
    """
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        tokenizer = read_tokenizer(folder)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        message = (
            f"{source} brings program code of its own, which is never run: "
            "take a checkpoint of an architecture that transformers knows."
        )
        raise CheckpointError(message) from None
    numbers = stored(folder)
    chats = bool(tokenizer.chat_template)
    return {
        "source": source,
        "architecture": (config.architectures or [""])[0],
        "parameters": sum(numbers.values()),
        "dtype": "+".join(sorted(numbers)),
        "size_bytes": sum(path.stat().st_size for path in weight_files(folder)),
        "context": context_of(config, tokenizer),
        "chat_template": chats,
        "system_role": chats and knows_system(tokenizer),
        "default_system": default_system(tokenizer) if chats else None,
        "licence": _licence(folder),
    }


def read_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder; code that lies beside it is not run."""
    return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def context_of(config: Any, tokenizer: Any) -> int:
    """Return the most tokens that a row may hold."""
    text = config.get_text_config(decoder=True)
    known = getattr(text, "max_position_embeddings", None) or tokenizer.model_max_length
    return int(min(known, _MANY))


def vocabulary_of(model: Any) -> int:
    """Return how many tokens a model knows."""
    return int(model.get_input_embeddings().num_embeddings)


def _licence(folder: Path) -> str:
    """Return the licence that a model card names in its head; empty when none does."""
    import huggingface_hub  # noqa: PLC0415 - slow to import

    card = folder / "README.md"
    try:
        head = huggingface_hub.metadata_load(card) if card.is_file() else None
    except (ValueError, OSError, yaml.YAMLError):
        # A card that cannot be read says nothing about the weights.
        head = None
    known = (head or {}).get("license_name") or (head or {}).get("license") or ""
    return ", ".join(map(str, known)) if isinstance(known, list) else str(known)

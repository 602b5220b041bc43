import json
from pathlib import Path

import pytest

from generation.engine import CheckpointError, prepare
from generation.engine.facts import facts_of
from tests.generation import tiny


def test_facts_are_read_without_the_weights(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")

    facts = facts_of(folder, "path:tiny")

    assert facts == {
        "source": "path:tiny",
        "architecture": "LlamaForCausalLM",
        "parameters": sum(p.numel() for p in tiny.llama().parameters()),
        "dtype": "F32",
        "size_bytes": (folder / "model.safetensors").stat().st_size,
        "context": tiny.CONTEXT,
        "chat_template": True,
        "system_role": True,
        "default_system": tiny.DEFAULT_SYSTEM,
        "licence": "",
    }


@pytest.mark.parametrize(
    ("template", "chats", "system"), [(tiny.NO_SYSTEM_TEMPLATE, True, False), (None, False, False)]
)
def test_what_a_chat_template_can_do_is_known(
    template: str | None, *, chats: bool, system: bool, tmp_path: Path
) -> None:
    folder = tiny.save(tmp_path / "tiny")
    (folder / "chat_template.jinja").unlink()
    tiny.tokenizer(template).save_pretrained(folder)

    facts = facts_of(folder, "path:tiny")

    assert (facts["chat_template"], facts["system_role"]) == (chats, system)


@pytest.mark.parametrize(
    ("head", "licence"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("license: other\nlicense_name: gemma", "gemma"),
        ("license: [mit, cc0-1.0]", "mit, cc0-1.0"),
        ("language: en", ""),
        ("license: [", ""),
    ],
)
def test_the_licence_is_what_the_model_card_says(head: str, licence: str, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")
    (folder / "README.md").write_text(f"---\n{head}\n---\n# A model\n")

    assert facts_of(folder, "path:tiny")["licence"] == licence


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_that_a_checkpoint_brings_is_never_run(file: str, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: ...\n")
    stored = json.loads((folder / file).read_text())
    own = {
        "config.json": {
            "model_type": "own",
            "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"},
        },
        "tokenizer_config.json": {
            "tokenizer_class": "Own",
            "auto_map": {"AutoTokenizer": ["own.Own", None]},
        },
    }[file]
    (folder / file).write_text(json.dumps(stored | own))

    with pytest.raises(CheckpointError, match="brings program code of its own, which is never run"):
        prepare(f"path:{folder}", root=tmp_path)

    assert not ran.exists()

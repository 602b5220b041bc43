"""Rows of generation for tests."""

import itertools
import uuid

from generation import requests
from generation.models import Checkpoint, Completion
from generation.spec import CompletionRequest, DecodingSpec, Message, Negative, NoiseKey

BATCH = uuid.UUID(int=1)


def checkpoint(name: str = "tiny", **fields) -> Checkpoint:
    return Checkpoint.objects.create(**{"name": name, "source": "path:/nowhere"} | fields)


def request(name: str = "prompt", *, guided: bool = False, length: int = 5) -> CompletionRequest:
    guidance = {"guidance_scale": 1.5, "negative": Negative.TEXT, "negative_text": "Prose."} if guided else {}
    return CompletionRequest(
        key=0,
        spec=DecodingSpec(checkpoint="tiny", max_new_tokens=length, **guidance),
        noise=NoiseKey(7, name, "arm"),
        messages=(Message("user", "Hello"),),
    )


def completions(owner: Checkpoint, count: int, *, guided: bool = False, batch_key=BATCH) -> list[Completion]:
    return [
        Completion.objects.create(
            batch_key=batch_key,
            prompt_key=uuid.uuid4(),
            arm_key=uuid.uuid4(),
            checkpoint=owner,
            request=request(f"prompt-{number}", guided=guided).as_dict(),
        )
        for number in range(count)
    ]


def grid(prompts: int, arms: int, replicates: int) -> dict[tuple[int, int, int], CompletionRequest]:
    """Chat prompts of many lengths for a standard and a guided arm, under (prompt, arm, replicate)."""
    specs = [
        DecodingSpec("tiny", max_new_tokens=120),
        DecodingSpec("tiny", max_new_tokens=120, guidance_scale=1.5, negative=Negative.DEFAULT_SYSTEM),
    ]
    return {
        (prompt, arm, replicate): CompletionRequest(
            key=0,
            spec=specs[arm],
            noise=NoiseKey(7, str(prompt), str(arm), replicate),
            messages=(Message("system", "Rhyme."), Message("user", "Hello " * prompt + "you")),
        )
        for prompt, arm, replicate in itertools.product(range(prompts), range(arms), range(replicates))
    }


def ask(source: str, wanted: dict[tuple[int, int, int], CompletionRequest]) -> None:
    """Request completions as a study does."""
    owner = requests.ensure_checkpoint("tiny", source)
    requests.request_completions(
        BATCH,
        [
            requests.Wanted(uuid.UUID(int=prompt), uuid.UUID(int=arm), replicate, owner, request)
            for (prompt, arm, replicate), request in wanted.items()
        ],
    )
